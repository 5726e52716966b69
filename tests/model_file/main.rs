//! Model files: what is saved comes back to the bit, and whatever else a file may hold is refused
//! with an error that says where.

mod custom;
mod damage;
mod files;
mod golden;
mod layers;
mod refused;
mod support;
mod whole;
