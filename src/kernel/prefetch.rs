//! Fetching memory before it is needed. It never changes a result.

/// Bytes that a cache takes in at once, on nearly all of today's machines.
const LINE: usize = 64;

/// Asks for `values` to be brought into the cache, and does not wait for them.
///
/// Samples in random order are far apart, and the hardware does not guess where the next one lies.
pub fn prefetch<T>(values: &[T]) {
    for line in values.chunks((LINE / size_of::<T>().max(1)).max(1)) {
        at(line.as_ptr());
    }
}

/// Asks for the line at `pointer`, which may be any address.
#[inline(always)]
pub(super) fn at<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that could be seen, and an address that cannot be read is passed over.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(pointer.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}
