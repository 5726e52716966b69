//! Work that is cut into pieces and done by all threads of the current pool.

#[cfg(feature = "parallel")]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "parallel")]
use std::time::{Duration, Instant};

/// Work made of independent pieces. Where it is cut and which thread does a piece must not change the result.
pub(crate) trait Divide: Sized + Send {
    /// How many shares the work is cut into: several per thread, so that a late thread leaves some to the others.
    fn shares(threads: usize) -> usize {
        4 * threads
    }

    /// How many pieces there are.
    fn pieces(&self) -> usize;

    /// The first `at` pieces, and the others.
    fn divide(self, at: usize) -> (Self, Self);

    /// Does the pieces one after another.
    fn run(self);
}

/// Does the work, on several threads if `threads`. Does not allocate.
pub(crate) fn run<D: Divide>(work: D, threads: bool) {
    let available = if threads { available() } else { 1 }; // the query itself starts the threads
    match available > 1 {
        true => {
            let shares = work.pieces().min(D::shares(available));
            fork(work, shares);
        }
        false => work.run(),
    }
}

/// Does both, in parallel if `threads`.
pub(crate) fn both(threads: bool, one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
    match threads {
        true => join(one, other),
        false => {
            one();
            other();
        }
    }
}

fn fork<D: Divide>(work: D, shares: usize) {
    match shares {
        0 | 1 => work.run(),
        _ => {
            let left_shares = shares / 2;
            let at = work.pieces() * left_shares / shares;
            let (left, right) = work.divide(at);
            join(|| fork(left, left_shares), || fork(right, shares - left_shares));
        }
    }
}

/// Does `work` while the pool's other threads spin for pieces of it instead of sleeping: a small step is over before a
/// sleeping thread has woken up. A thread that finds nothing for a while does sleep. Just does `work` unless `threads`.
#[cfg(feature = "parallel")]
pub(crate) fn awake<R: Send>(threads: bool, work: impl FnOnce() -> R + Send) -> R {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    if !threads || available() < 2 || available() > cores() {
        return work(); // with more threads than cores, spinning threads hold up the others
    }
    let (done, here) = (AtomicBool::new(false), rayon::current_thread_index());
    rayon::scope(|scope| {
        scope.spawn_broadcast(|_, thread| {
            if Some(thread.index()) != here {
                look_out(&done);
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// How long a thread spins without finding work.
#[cfg(feature = "parallel")]
const PATIENCE: Duration = Duration::from_millis(2);

#[cfg(feature = "parallel")]
fn look_out(done: &AtomicBool) {
    let mut last = Instant::now();
    while !done.load(Ordering::Relaxed) && last.elapsed() < PATIENCE {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => last = Instant::now(),
            _ => std::hint::spin_loop(),
        }
    }
}

#[cfg(not(feature = "parallel"))]
pub(crate) fn awake<R: Send>(_threads: bool, work: impl FnOnce() -> R + Send) -> R {
    work()
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

    /// Each piece writes its own index.
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
