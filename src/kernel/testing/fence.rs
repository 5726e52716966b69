//! An allocator for this crate's own tests: allocations of numbers end at an inaccessible page, so
//! that a kernel which reads or writes one element too far crashes the test run.
//!
//! Pages are never reused, so uses after free crash as well.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of reserved address space (not memory).
const RESERVED: usize = 1 << 37;

/// The largest fenced allocation; larger ones, of which there are few, use the system's allocator.
const LARGEST: usize = 1 << 22;

/// The most allocations fenced at a time: a process may have only some ten thousand ranges of
/// pages.
const MOST: usize = 8192;

const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

struct Fence;

#[global_allocator]
static FENCE: Fence = Fence;

/// The start of the reserved addresses, 0 if there are none; and how many bytes of them are used.
static START: OnceLock<usize> = OnceLock::new();
static USED: AtomicUsize = AtomicUsize::new(0);

/// The number of fenced allocations.
static LIVE: AtomicUsize = AtomicUsize::new(0);

fn page() -> usize {
    static PAGE: OnceLock<usize> = OnceLock::new();
    // SAFETY: it asks for a number.
    *PAGE.get_or_init(|| unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize)
}

fn start() -> usize {
    *START.get_or_init(|| {
        // SAFETY: addresses of the system's choice, that nobody may touch.
        let start = unsafe { libc::mmap(null_mut(), RESERVED, libc::PROT_NONE, FLAGS, -1, 0) };
        if start == libc::MAP_FAILED { 0 } else { start as usize }
    })
}

/// Whether the allocation is likely a slice of floats.
fn is_fenced(layout: Layout) -> bool {
    let (size, align) = (layout.size(), layout.align());
    (4..=8).contains(&align) && size >= align && size.is_multiple_of(align) && size <= LARGEST
}

// SAFETY: what is not the system's is a range of pages of its own, readable and writable as long as
// it is allocated; it ends with the pages, and its size is a multiple of its alignment, so its
// start is aligned.
unsafe impl GlobalAlloc for Fence {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (page, start) = (page(), start());
        let length = layout.size().next_multiple_of(page);
        if is_fenced(layout) && start != 0 && LIVE.load(Ordering::Relaxed) < MOST {
            let place = USED.fetch_add(length + page, Ordering::Relaxed); // one page stays inaccessible
            let pages = start + place;
            // SAFETY: these pages are reserved, and nobody else's.
            let opened = place + length + page <= RESERVED
                && unsafe { libc::mprotect(pages as *mut _, length, libc::PROT_READ | libc::PROT_WRITE) } == 0;
            if opened {
                LIVE.fetch_add(1, Ordering::Relaxed);
                return (pages + length - layout.size()) as *mut u8;
            }
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let (address, start) = (pointer as usize, start());
        if start == 0 || !(start..start + RESERVED).contains(&address) {
            // SAFETY: the system has allocated it.
            return unsafe { System.dealloc(pointer, layout) };
        }
        let length = layout.size().next_multiple_of(page());
        let pages = (address + layout.size() - length) as *mut libc::c_void;
        LIVE.fetch_sub(1, Ordering::Relaxed);
        // New inaccessible pages in their place merge with adjacent ones into one range.
        // SAFETY: these pages were opened for this allocation alone.
        unsafe { libc::mmap(pages, length, libc::PROT_NONE, FLAGS | libc::MAP_FIXED, -1, 0) };
    }
}

/// A child process reads one number too far, and is ended by the system.
#[test]
fn one_element_too_far_is_noticed() {
    const TOO_FAR: &str = "AUTOENCODER_TEST_TOO_FAR";
    let numbers = Vec::from([1.0_f32; 37]);
    if std::env::var_os(TOO_FAR).is_some() {
        // SAFETY: none; that is what is tested.
        let beyond = unsafe { std::ptr::read_volatile(numbers.as_ptr().add(numbers.len())) };
        panic!("{beyond} was read");
    }
    let test = std::thread::current().name().map(str::to_owned).unwrap_or_default();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--test-threads", "1"])
        .env(TOO_FAR, "1")
        .output()
        .unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.status.signal(), Some(libc::SIGSEGV), "{child:?}");
}
