//! placeholder
/// x
#[derive(Debug)]
pub struct Registry;
