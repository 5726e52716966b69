//! Vectors of several elements, one type per CPU path, and the dispatch that selects the path at
//! run time.
//!
//! A computation is written once, as an [`Operation`] generic over its vector type; [`dispatch`]
//! runs it inside a function that is compiled with the instructions of the path, so that every
//! vector method becomes a single instruction.
//!
//! ```ignore
//! struct Double<'a, T>(&'a mut [T]);
//!
//! impl<T: Element> Operation<T> for Double<'_, T> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<V: Simd<T>>(self) {
//!         for values in self.0.chunks_mut(V::LANES) {
//!             let vector = V::read(values);
//!             vector.add(vector).write(values);
//!         }
//!     }
//! }
//! dispatch(Double(&mut values));
//! ```
//!
//! `run`, and every generic function below it, must be `#[inline(always)]`, and must not pass
//! vectors through closures or iterator adapters: code that is not inlined is compiled without the
//! path's instructions and is a hundred times slower (though still correct).

mod portable;

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(portable_only)))]
mod avx512;

use super::{CpuPath, Element, cpu_path};

/// A vector of [`LANES`](Simd::LANES) elements.
///
/// The vector types are private to this module, and [`dispatch`] gives one to an operation only if
/// the CPU supports its instructions: this makes the methods safe to call.
pub trait Simd<T>: Copy + 'static {
    /// Elements in a vector.
    const LANES: usize;
    /// Vector registers of the CPU path.
    const REGISTERS: usize;
    /// Terms of a sum that a loop adds per iteration; fewer on the portable path, to limit compile
    /// time.
    const TERMS_PER_TURN: usize;
    /// One truth value per lane.
    type Mask: Copy;

    /// `value` in every lane.
    fn splat(value: T) -> Self;

    /// The `LANES` elements at `pointer`, of any alignment.
    ///
    /// # Safety
    /// `LANES` elements at `pointer` can be read.
    unsafe fn load(pointer: *const T) -> Self;

    /// The `count` elements at `pointer`, then zeros. Nothing past them is touched.
    ///
    /// # Safety
    /// `count` elements at `pointer` can be read, and `count <= LANES`.
    unsafe fn load_partial(pointer: *const T, count: usize) -> Self;

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

    /// [`load_partial`](Simd::load_partial), fastest if `count` is often `LANES`.
    ///
    /// # Safety
    /// As for `load_partial`.
    #[inline(always)]
    unsafe fn load_some(pointer: *const T, count: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { if count == Self::LANES { Self::load(pointer) } else { Self::load_partial(pointer, count) } }
    }

    /// [`store_partial`](Simd::store_partial), fastest if `count` is often `LANES`.
    ///
    /// # Safety
    /// As for `store_partial`.
    #[inline(always)]
    unsafe fn store_some(self, pointer: *mut T, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { if count == Self::LANES { self.store(pointer) } else { self.store_partial(pointer, count) } }
    }

    /// The first elements of `values`, at most `LANES`, then zeros.
    #[inline(always)]
    fn read(values: &[T]) -> Self {
        // SAFETY: the slice holds this many elements.
        unsafe { Self::load_some(values.as_ptr(), values.len().min(Self::LANES)) }
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
    /// `yes` where the mask is true, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// The nearest integer, ties to even, for magnitudes up to 2^22 (`f32`) or 2^51 (`f64`).
    fn round(self) -> Self;
    /// `self * 2^exponent`, rounded once, for integer exponents within ±250 (`f32`) or ±2000
    /// (`f64`).
    fn scale_by_power_of_two(self, exponent: Self) -> Self;
    /// `e` of `self = m * 2^e` with `1 <= m < 2`, for positive normal numbers.
    fn exponent(self) -> Self;
    /// `m` of `self = m * 2^e` with `1 <= m < 2`, for positive normal numbers.
    fn mantissa(self) -> Self;

    /// Runs an operation on this path in a separate function, so that the compiler does not merge
    /// large ones.
    fn call<O: Operation<T>>(operation: O) -> O::Output
    where
        T: Element;

    /// The sum of all lanes, in an order that depends only on the path.
    fn sum_lanes(self) -> T;
    /// The largest lane; no lane may be NaN.
    fn max_lanes(self) -> T;
}

/// The vector types of an element, one per path. Only [`dispatch`] names them.
pub trait Vectors: Sized {
    #[doc(hidden)]
    type Portable: Simd<Self>;
    #[doc(hidden)]
    type Avx2: Simd<Self>;
    #[doc(hidden)]
    type Avx512: Simd<Self>;
}

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
impl Vectors for f32 {
    type Portable = portable::PortableF32;
    type Avx2 = avx2::Avx2F32;
    type Avx512 = avx512::Avx512F32;
}

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
impl Vectors for f64 {
    type Portable = portable::PortableF64;
    type Avx2 = avx2::Avx2F64;
    type Avx512 = avx512::Avx512F64;
}

#[cfg(not(all(target_arch = "x86_64", not(portable_only))))]
impl Vectors for f32 {
    type Portable = portable::PortableF32;
    type Avx2 = portable::PortableF32;
    type Avx512 = portable::PortableF32;
}

#[cfg(not(all(target_arch = "x86_64", not(portable_only))))]
impl Vectors for f64 {
    type Portable = portable::PortableF64;
    type Avx2 = portable::PortableF64;
    type Avx512 = portable::PortableF64;
}

/// A computation that is written once for all paths.
pub trait Operation<T: Element> {
    type Output;
    /// Computes with vectors of type `V`. Implementations are `#[inline(always)]`.
    fn run<V: Simd<T>>(self) -> Self::Output;
}

/// Runs the operation on the path of this process, [`cpu_path`].
#[inline]
pub(crate) fn dispatch<T: Element, O: Operation<T>>(operation: O) -> O::Output {
    match cpu_path() {
        CpuPath::Portable => portably(operation),
        // SAFETY: `cpu_path` gives a path that this CPU has.
        #[cfg(all(target_arch = "x86_64", not(portable_only)))]
        CpuPath::Avx2 => unsafe { with_avx2(operation) },
        // SAFETY: `cpu_path` gives a path that this CPU has.
        #[cfg(all(target_arch = "x86_64", not(portable_only)))]
        CpuPath::Avx512 => unsafe { with_avx512(operation) },
        #[cfg(not(all(target_arch = "x86_64", not(portable_only))))]
        CpuPath::Avx2 | CpuPath::Avx512 => portably(operation), // their vectors are the portable ones
    }
}

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn with_avx2<T: Element, O: Operation<T>>(operation: O) -> O::Output {
    operation.run::<T::Avx2>()
}

#[cfg(all(target_arch = "x86_64", not(portable_only)))]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
fn with_avx512<T: Element, O: Operation<T>>(operation: O) -> O::Output {
    operation.run::<T::Avx512>()
}

#[inline(never)]
fn portably<T: Element, O: Operation<T>>(operation: O) -> O::Output {
    operation.run::<T::Portable>()
}

#[cfg(test)]
mod tests;
