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

fn fork<D: Divide>(work: D) {
    match work.pieces() {
        0 | 1 => work.run(),
        pieces => {
            let (left, right) = work.divide(pieces / 2);
            join(|| fork(left), || fork(right));
        }
    }
}

#[cfg(feature = "parallel")]
fn join(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    rayon::join(left, right);
}

#[cfg(not(feature = "parallel"))]
fn join(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    left();
    right();
}

#[cfg(feature = "parallel")]
fn available() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "parallel"))]
fn available() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers each written by the piece they are.
    struct Numbered<'a>(usize, &'a mut [usize]);

    impl Divide for Numbered<'_> {
        fn pieces(&self) -> usize {
            self.1.len()
        }

        fn divide(self, at: usize) -> (Self, Self) {
            let (left, right) = self.1.split_at_mut(at);
            (Self(self.0, left), Self(self.0 + at, right))
        }

        fn run(self) {
            self.1.iter_mut().enumerate().for_each(|(index, value)| *value = self.0 + index);
        }
    }

    #[test]
    fn every_piece_is_done_once_wherever_it_is_cut() {
        for count in [0, 1, 2, 7, 100] {
            let mut values = vec![usize::MAX; count];
            run(Numbered(0, &mut values), true);
            assert_eq!(values, (0..count).collect::<Vec<_>>());
        }
    }
}
