//! Runs tests on every CPU path that this machine supports.

use std::cell::Cell;

use super::CpuPath;
use super::simd::InstructionSet;

thread_local! {
    static FORCED: Cell<Option<InstructionSet>> = const { Cell::new(None) };
}

/// The instruction set that this thread's kernels must use, if set.
pub(super) fn forced() -> Option<InstructionSet> {
    FORCED.get()
}

/// Runs the test once for each path, with the kernels of this thread forced to it.
pub(crate) fn on_every_path(mut test: impl FnMut(CpuPath)) {
    for set in CpuPath::ALL.into_iter().filter_map(InstructionSet::detect) {
        FORCED.set(Some(set));
        test(set.path());
    }
    FORCED.set(None);
}
