//! Prefetching of memory. It never changes a result.

/// Bytes of a cache line on nearly all of today's machines.
const CACHE_LINE: usize = 64;

/// Starts loading `values` into the cache without waiting.
///
/// Samples in random order are far apart, so the hardware cannot predict the next one.
pub fn prefetch<T>(values: &[T]) {
    for line in values.chunks((CACHE_LINE / size_of::<T>().max(1)).max(1)) {
        at(line.as_ptr());
    }
}

/// Starts loading the cache line at `pointer`, which may be any address.
#[inline(always)]
pub(super) fn at<T>(pointer: *const T) {
    #[cfg(all(target_arch = "x86_64", not(portable_only)))]
    // SAFETY: a prefetch has no observable effect, and ignores addresses that cannot be read.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(pointer.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(portable_only))))]
    let _ = pointer;
}
