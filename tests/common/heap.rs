//! An allocator that knows how often memory was asked for, and the most there has been. For test
//! binaries that include this file.

#![allow(dead_code, reason = "every test binary compiles all of this and uses a part of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls by every thread.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that every thread has asked for, and those of them that were to be zeros.
static BYTES: AtomicUsize = AtomicUsize::new(0);
static ZEROS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that every thread holds.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static CALLS_OF_THREAD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        ZEROS.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    /// As if the new block were always another one, beside the old.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn take(size: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(size, Ordering::Relaxed);
    CALLS_OF_THREAD.with(|calls| calls.set(calls.get() + 1));
    let now = NOW.fetch_add(size, Ordering::Relaxed).wrapping_add(size);
    MOST.fetch_max(now, Ordering::Relaxed);
}

/// How often every thread has asked for memory.
pub fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

/// How many bytes every thread has asked for, and how many of them were to be zeros.
pub fn bytes() -> [usize; 2] {
    [BYTES.load(Ordering::Relaxed), ZEROS.load(Ordering::Relaxed)]
}

/// How often this thread has asked for memory.
pub fn calls_of_thread() -> usize {
    CALLS_OF_THREAD.with(Cell::get)
}

/// What `work` returns, and the most memory held at a time beyond what there was before. Nothing
/// else may run meanwhile.
pub fn peak<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = work();
    (result, MOST.load(Ordering::Relaxed) - before)
}
