//! Work that is cut into pieces and done by all threads of the current pool.

#[cfg(feature = "parallel")]
use std::sync::Arc;
#[cfg(feature = "parallel")]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(feature = "parallel")]
use std::time::{Duration, Instant};

/// Work made of independent pieces. Where it is cut and which thread does a piece must not change
/// the result.
pub(crate) trait Splittable: Sized + Send {
    /// How many shares the work is cut into: several per thread, so that a late thread leaves some
    /// to the others.
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
pub(crate) fn run<D: Splittable>(work: D, threads: bool) {
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

fn fork<D: Splittable>(work: D, shares: usize) {
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

/// Does `work` while the pool's other threads spin for pieces of it instead of sleeping: a small
/// step is over before a sleeping thread has woken up. A thread that finds nothing for a while does
/// sleep. Just does `work` unless `threads`.
///
/// They spin only in a pool of the training's own (`own_pool`): in a shared one a spinning thread
/// would hold up what it was waiting for. Nor while several trainings together have more threads
/// than there are cores: spinning would slow the others. Nobody waits for the spinning threads, so
/// work of the pool that never ends, or waits for this, holds up nothing.
#[cfg(feature = "parallel")]
pub(crate) fn keep_pool_spinning<R: Send>(threads: bool, own_pool: bool, work: impl FnOnce() -> R + Send) -> R {
    let section = Section::new(if threads { available() } else { 1 });
    if own_pool && section.threads > 1 && section.spins() {
        let (section, here) = (Arc::clone(&section), rayon::current_thread_index());
        rayon::spawn_broadcast(move |thread| {
            if Some(thread.index()) != here {
                spin(&section);
            }
        });
    }
    let _ended = Ended(section);
    work()
}

/// A call of [`keep_pool_spinning`] that is not over, as its spinning threads see it; some may only
/// start after its end.
#[cfg(feature = "parallel")]
struct Section {
    ended: AtomicBool,
    threads: usize,
    cores: usize,
}

/// The threads of all sections.
#[cfg(feature = "parallel")]
static THREADS: AtomicUsize = AtomicUsize::new(0);

#[cfg(feature = "parallel")]
impl Section {
    fn new(threads: usize) -> Arc<Self> {
        THREADS.fetch_add(threads, Ordering::Relaxed);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self { ended: AtomicBool::new(false), threads, cores })
    }

    fn spins(&self) -> bool {
        !self.ended.load(Ordering::Relaxed) && THREADS.load(Ordering::Relaxed) <= self.cores
    }
}

/// Ends a section, also when its work panics.
#[cfg(feature = "parallel")]
struct Ended(Arc<Section>);

#[cfg(feature = "parallel")]
impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
        THREADS.fetch_sub(self.0.threads, Ordering::Relaxed);
    }
}

/// How long a thread spins without finding work.
#[cfg(feature = "parallel")]
const SPIN_TIMEOUT: Duration = Duration::from_millis(2);

#[cfg(feature = "parallel")]
fn spin(section: &Section) {
    let mut last = Instant::now();
    while section.spins() && last.elapsed() < SPIN_TIMEOUT {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => last = Instant::now(),
            _ => std::hint::spin_loop(),
        }
    }
}

#[cfg(not(feature = "parallel"))]
pub(crate) fn keep_pool_spinning<R: Send>(_threads: bool, _own_pool: bool, work: impl FnOnce() -> R + Send) -> R {
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

    impl Splittable for Numbered<'_> {
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
