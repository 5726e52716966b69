//! Numeric kernels over plain slices, selected at run time for the CPU.
//!
//! Kernels do not know layers or networks. This is the only module with `unsafe` code; every public
//! function first checks the lengths of its slices, so a wrong call cannot be unsound.

// Indices name the rows and columns of register tiles; and iterators over arrays of vectors are not
// always inlined.
#![allow(clippy::needless_range_loop)]

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::{Float, NumAssign};

use simd::InstructionSet;

pub mod activation;
pub mod convert;
pub mod convolution;
mod denormals;
#[cfg(test)]
mod every_path;
pub mod frame;
pub mod fresh;
mod gemv;
mod images;
pub mod loss;
pub mod math;
pub mod peak;
pub mod pool;
pub mod prefetch;
pub mod product;
pub mod reduce;
pub mod resample;
pub(crate) mod simd;
mod slices;
#[cfg(test)]
mod testing;
mod tile;
mod unroll;
pub mod update;
pub mod view;

/// An instruction set that the kernels are compiled for, from the most common to the most capable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuPath {
    /// The target's baseline (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 and FMA: 256 bits.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: 512 bits.
    Avx512,
}

impl CpuPath {
    /// All paths, the portable one first.
    pub const ALL: [CpuPath; 3] = [CpuPath::Portable, CpuPath::Avx2, CpuPath::Avx512];

    /// Whether this CPU can run the path.
    pub fn is_available(self) -> bool {
        InstructionSet::detect(self).is_some()
    }

    /// The path's name in the environment variable `AUTOENCODER_CPU_PATH`.
    pub fn name(self) -> &'static str {
        match self {
            CpuPath::Portable => "portable",
            CpuPath::Avx2 => "avx2",
            CpuPath::Avx512 => "avx512",
        }
    }

    fn named_by_environment() -> Option<Self> {
        let name = std::env::var("AUTOENCODER_CPU_PATH").ok()?;
        Self::ALL.into_iter().find(|path| path.name() == name)
    }
}

/// The path of the kernels: the best that this CPU supports, or the one named by the environment
/// variable `AUTOENCODER_CPU_PATH` (`portable`, `avx2`, `avx512`), if supported. Determined once
/// per process.
pub fn cpu_path() -> CpuPath {
    InstructionSet::of_process().path()
}

/// The product of sizes; if that overflows, more than any slice has, so that comparing a slice with
/// it fails.
pub(crate) fn elements(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product, size| product.saturating_mul(*size))
}

/// A number that the kernels compute with: `f32` or `f64`, and no other.
pub trait Element:
    simd::Dispatch
    + tile::Tiled
    + math::Coefficients
    + Copy
    + Float
    + NumAssign
    + Sum
    + for<'a> Sum<&'a Self>
    + Debug
    + Display
    + Default
    + Send
    + Sync
    + 'static
{
    /// The element nearest to `value`.
    fn of(value: f64) -> Self;
    /// `self`, or NaN if `nan`. Compiles to an `or` with a mask, which is faster than a choice.
    fn or_nan_if(self, nan: bool) -> Self;
}

impl Element for f32 {
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
    #[inline(always)]
    fn or_nan_if(self, nan: bool) -> f32 {
        f32::from_bits(self.to_bits() | if nan { u32::MAX } else { 0 })
    }
}

impl Element for f64 {
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn or_nan_if(self, nan: bool) -> f64 {
        f64::from_bits(self.to_bits() | if nan { u64::MAX } else { 0 })
    }
}
