//! Work that is cut in pieces and done on every thread of the pool it finds itself in.

/// Work made of pieces that do not depend on each other. Where it is cut, and by whom a piece is done, changes nothing.
pub(crate) trait Divide: Sized + Send {
    /// How many pieces there are.
    fn pieces(&self) -> usize;

    /// The first `at` pieces, and the others.
    fn divide(self, at: usize) -> (Self, Self);

    /// Does the pieces, one after the other.
    fn run(self);
}

/// Does the work, on several threads if `threads` says it is worth it. Allocates nothing.
pub(crate) fn run<D: Divide>(work: D, threads: bool) {
    match threads && available() > 1 {
        true => fork(work),
        false => work.run(),
    }
}

#[cfg(feature = "parallel")]
fn fork<D: Divide>(work: D) {
    match work.pieces() {
        0 | 1 => work.run(),
        pieces => {
            let (left, right) = work.divide(pieces / 2);
            rayon::join(|| fork(left), || fork(right));
        }
    }
}

#[cfg(not(feature = "parallel"))]
fn fork<D: Divide>(work: D) {
    work.run();
}

#[cfg(feature = "parallel")]
fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "parallel"))]
fn available() -> usize {
    1
}
