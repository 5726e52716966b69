//! Kernels: products, convolution, pooling and vector math over slices.

pub mod activation;
pub mod convert;
pub mod convolution;
pub mod frame;
pub mod loss;
pub mod pool;
pub mod product;
pub mod reduce;
pub mod resample;
pub mod update;
pub mod view;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A float the kernels work on.
pub trait Element:
    sealed::Sealed
    + Copy
    + num_traits::Float
    + num_traits::NumAssign
    + Default
    + Send
    + Sync
    + std::fmt::Debug
    + std::fmt::Display
    + std::iter::Sum
    + 'static
{
}
impl Element for f32 {}
impl Element for f64 {}
