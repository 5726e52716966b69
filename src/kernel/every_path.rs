//! Runs tests on every CPU path that this machine supports.

use std::cell::Cell;

use super::CpuPath;

thread_local! {
    static FORCED: Cell<Option<CpuPath>> = const { Cell::new(None) };
}

/// The path that this thread's kernels must take, if set.
pub(super) fn forced() -> Option<CpuPath> {
    FORCED.get()
}

/// Runs the test once for each path, with the kernels of this thread forced to it.
pub(crate) fn on_every_path(mut test: impl FnMut(CpuPath)) {
    for path in CpuPath::ALL.into_iter().filter(|path| path.is_available()) {
        FORCED.set(Some(path));
        test(path);
    }
    FORCED.set(None);
}
