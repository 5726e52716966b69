//! Vectors of several elements, one type per instruction set, and the dispatch that selects the set
//! at run time.
//!
//! A computation is written once, as an [`Operation`] generic over its instruction set;
//! [`dispatch`] runs it inside a function that is compiled with the instructions of the set, so
//! that every vector method becomes a single instruction.
//!
//! An instruction set is a value without size, a *token*, whose only constructor asks the CPU. An
//! operation gets one and makes its vectors from it: whoever holds a token or a vector may use the
//! instructions, and nobody else can name them.
//!
//! ```ignore
//! struct Double<'a, T>(&'a mut [T]);
//!
//! impl<T: Element> Operation<T> for Double<'_, T> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<S: Simd<T>>(self, simd: S) {
//!         for values in self.0.chunks_mut(S::LANES) {
//!             let vector = simd.read(values);
//!             vector.add(vector).write(values);
//!         }
//!     }
//! }
//! dispatch(Double(&mut values));
//! ```
//!
//! `run`, and every generic function below it, must be `#[inline(always)]`, and must not pass
//! vectors through closures or iterator adapters: code that is not inlined is compiled without the
//! set's instructions and is a hundred times slower (though still correct).

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
#[macro_use]
mod avx;
#[cfg(all(target_arch = "x86_64", not(portable_only)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(portable_only)))]
mod avx512;
mod portable;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use super::{CpuPath, Element};
use portable::Portable;
#[cfg(all(target_arch = "x86_64", not(portable_only)))]
use {avx2::Avx2, avx512::Avx512};

/// An instruction set, as a token that there is only if the CPU has the instructions.
pub trait Simd<T: Element>: Copy + 'static {
    type Vector: Vector<T>;
    /// Elements in a vector.
    const LANES: usize = <Self::Vector as Vector<T>>::LANES;
    /// Vector registers.
    const REGISTERS: usize;
    /// Terms of a sum that a loop adds per iteration; fewer on the portable path, to limit compile
    /// time.
    const TERMS_PER_ITERATION: usize;

    /// `value` in every lane.
    fn splat(self, value: T) -> Self::Vector;

    /// Zero in every lane.
    #[inline(always)]
    fn zero(self) -> Self::Vector {
        self.splat(T::zero())
    }

    /// The `LANES` elements at `pointer`, of any alignment.
    ///
    /// # Safety
    /// `LANES` elements at `pointer` can be read.
    unsafe fn load(self, pointer: *const T) -> Self::Vector;

    /// The `count` elements at `pointer`, then zeros. Nothing past them is touched.
    ///
    /// # Safety
    /// `count` elements at `pointer` can be read, and `count <= LANES`.
    unsafe fn load_partial(self, pointer: *const T, count: usize) -> Self::Vector;

    /// [`load_partial`](Simd::load_partial), fastest if `count` is often `LANES`.
    ///
    /// # Safety
    /// As for `load_partial`.
    #[inline(always)]
    unsafe fn load_some(self, pointer: *const T, count: usize) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { if count == Self::LANES { self.load(pointer) } else { self.load_partial(pointer, count) } }
    }

    /// The first elements of `values`, at most `LANES`, then zeros.
    #[inline(always)]
    fn read(self, values: &[T]) -> Self::Vector {
        // SAFETY: the slice holds this many elements.
        unsafe { self.load_some(values.as_ptr(), values.len().min(Self::LANES)) }
    }

    /// `yes` where the mask is true, else `no`.
    fn select(self, mask: <Self::Vector as Vector<T>>::Mask, yes: Self::Vector, no: Self::Vector) -> Self::Vector;

    /// Runs an operation in a function of its own, compiled with the instructions of this set, so
    /// that the compiler does not merge large ones.
    fn call<O: Operation<T>>(self, operation: O) -> O::Output;
}

/// A vector of [`LANES`](Vector::LANES) elements. Only a token makes one.
pub trait Vector<T>: Copy {
    const LANES: usize;
    /// One truth value per lane.
    type Mask: Copy;

    /// Writes all lanes to `pointer`, of any alignment.
    ///
    /// # Safety
    /// `LANES` elements at `pointer` can be written.
    unsafe fn store(self, pointer: *mut T);

    /// Writes the first `count` lanes to `pointer`. Nothing past them is touched.
    ///
    /// # Safety
    /// `count` elements at `pointer` can be written, and `count <= LANES`.
    unsafe fn store_partial(self, pointer: *mut T, count: usize);

    /// [`store_partial`](Vector::store_partial), fastest if `count` is often `LANES`.
    ///
    /// # Safety
    /// As for `store_partial`.
    #[inline(always)]
    unsafe fn store_some(self, pointer: *mut T, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { if count == Self::LANES { self.store(pointer) } else { self.store_partial(pointer, count) } }
    }

    /// Writes the first lanes, as many as fit into `values`.
    #[inline(always)]
    fn write(self, values: &mut [T]) {
        // SAFETY: the slice holds this many elements.
        unsafe { self.store_some(values.as_mut_ptr(), values.len().min(Self::LANES)) }
    }

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// `self * factor + addend`: rounded once on the AVX paths, twice on the portable one.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The smaller; `other` if either is NaN.
    fn min(self, other: Self) -> Self;
    /// The larger; `other` if either is NaN.
    fn max(self, other: Self) -> Self;
    /// The larger; NaN if either is NaN.
    fn max_or_nan(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn negate(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn copy_sign(self, sign: Self) -> Self;

    /// Where `self < other`.
    fn less(self, other: Self) -> Self::Mask;
    /// Where `self == other`; false if either is NaN.
    fn equal(self, other: Self) -> Self::Mask;

    /// The nearest integer, ties to even, for magnitudes up to 2^22 (`f32`) or 2^51 (`f64`).
    fn round(self) -> Self;
    /// `self * 2^exponent`, rounded once, for integer exponents within ±250 (`f32`) or ±2000
    /// (`f64`).
    fn scale_by_power_of_two(self, exponent: Self) -> Self;
    /// `e` of `self = m * 2^e` with `1 <= m < 2`, for positive normal numbers.
    fn exponent(self) -> Self;
    /// `m` of `self = m * 2^e` with `1 <= m < 2`, for positive normal numbers.
    fn mantissa(self) -> Self;

    /// The sum of all lanes, in an order that depends only on the instruction set.
    fn sum_lanes(self) -> T;
    /// The largest lane; no lane may be NaN.
    fn max_lanes(self) -> T;
}

/// A computation that is written once for all instruction sets.
pub trait Operation<T: Element> {
    type Output;
    /// Computes with the vectors of `simd`. Implementations are `#[inline(always)]`.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// The token of a path.
#[derive(Clone, Copy)]
pub(super) enum InstructionSet {
    Portable(Portable),
    #[cfg(all(target_arch = "x86_64", not(portable_only)))]
    Avx2(Avx2),
    #[cfg(all(target_arch = "x86_64", not(portable_only)))]
    Avx512(Avx512),
}

impl InstructionSet {
    /// That of the path, if this CPU has it.
    pub fn detect(path: CpuPath) -> Option<Self> {
        match path {
            CpuPath::Portable => Some(Self::Portable(Portable)),
            #[cfg(all(target_arch = "x86_64", not(portable_only)))]
            CpuPath::Avx2 => Avx2::detect().map(Self::Avx2),
            #[cfg(all(target_arch = "x86_64", not(portable_only)))]
            CpuPath::Avx512 => Avx512::detect().map(Self::Avx512),
            #[cfg(not(all(target_arch = "x86_64", not(portable_only))))]
            CpuPath::Avx2 | CpuPath::Avx512 => None,
        }
    }

    /// That of this process: see [`cpu_path`](super::cpu_path).
    pub fn of_process() -> Self {
        #[cfg(test)]
        if let Some(forced) = super::every_path::forced() {
            return forced;
        }
        static CHOSEN: OnceLock<InstructionSet> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let named = CpuPath::named_by_environment().and_then(Self::detect);
            let best = || CpuPath::ALL.into_iter().rev().find_map(Self::detect);
            named.or_else(best).unwrap_or(Self::Portable(Portable))
        })
    }

    pub fn path(self) -> CpuPath {
        match self {
            Self::Portable(_) => CpuPath::Portable,
            #[cfg(all(target_arch = "x86_64", not(portable_only)))]
            Self::Avx2(_) => CpuPath::Avx2,
            #[cfg(all(target_arch = "x86_64", not(portable_only)))]
            Self::Avx512(_) => CpuPath::Avx512,
        }
    }
}

/// Runs the operation with the instruction set of this process.
#[inline]
pub(crate) fn dispatch<T: Element, O: Operation<T>>(operation: O) -> O::Output {
    T::dispatch(operation)
}

/// Elements in a vector of this process.
pub(super) fn lanes<T: Element>() -> usize {
    struct Lanes;
    impl<T: Element> Operation<T> for Lanes {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd<T>>(self, _: S) -> usize {
            S::LANES
        }
    }
    dispatch::<T, _>(Lanes)
}

/// Elements that all instruction sets have vectors of.
pub trait Dispatch: Sized {
    #[doc(hidden)]
    fn dispatch<O: Operation<Self>>(operation: O) -> O::Output
    where
        Self: Element;
}

macro_rules! impl_dispatch {
    ($($element:ty),*) => {$(
        impl Dispatch for $element {
            #[inline]
            fn dispatch<O: Operation<Self>>(operation: O) -> O::Output {
                match InstructionSet::of_process() {
                    InstructionSet::Portable(simd) => simd.call(operation),
                    #[cfg(all(target_arch = "x86_64", not(portable_only)))]
                    InstructionSet::Avx2(simd) => simd.call(operation),
                    #[cfg(all(target_arch = "x86_64", not(portable_only)))]
                    InstructionSet::Avx512(simd) => simd.call(operation),
                }
            }
        }
    )*};
}

impl_dispatch!(f32, f64);
