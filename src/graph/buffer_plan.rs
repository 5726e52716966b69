//! [`BufferPlan`]: gives buffers their places in one memory, so that two share elements if they are
//! never needed at the same time.

use std::ops::{Range, RangeInclusive};

use crate::ShapeError;
use crate::shape::checked_sum;

/// Places start at multiples of this many elements, a cache line of `f32`.
const ALIGNMENT: usize = 16;

/// Buffers with the times at which they are needed.
#[derive(Debug, Default)]
pub(super) struct BufferPlan {
    buffers: Vec<Wanted>,
}

#[derive(Debug)]
struct Wanted {
    elements: usize,
    needed: RangeInclusive<usize>,
}

impl BufferPlan {
    /// Adds a buffer of `elements` that is needed at the times `needed`; returns its index.
    pub fn add(&mut self, elements: usize, needed: RangeInclusive<usize>) -> usize {
        self.buffers.push(Wanted { elements, needed });
        self.buffers.len() - 1
    }

    /// The place of each buffer, `0..0` for an empty one, and the elements of the whole memory. The
    /// largest buffer is placed first, each at the lowest place where no other is in its way.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`].
    pub fn places(&self) -> Result<(Vec<Range<usize>>, usize), ShapeError> {
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        let wanted = |index: &usize| self.buffers.get(*index);
        order.sort_by_key(|index| std::cmp::Reverse(wanted(index).map(|buffer| buffer.elements)));
        let mut places = vec![0..0; self.buffers.len()];
        let (mut placed, mut total): (Vec<(&Wanted, Range<usize>)>, usize) = (Vec::new(), 0);
        for index in order {
            let (Some(buffer), Some(place)) = (self.buffers.get(index), places.get_mut(index)) else { break };
            if buffer.elements == 0 {
                break; // and so are the others
            }
            let start = lowest_start(buffer, &placed);
            let end = checked_sum("elements of working memory", &[start, buffer.elements])?;
            let aligned = checked_sum("elements of working memory", &[end, (ALIGNMENT - end % ALIGNMENT) % ALIGNMENT])?;
            *place = start..end;
            total = total.max(aligned);
            let at = placed.partition_point(|(_, other)| other.start < start);
            placed.insert(at, (buffer, start..aligned));
        }
        Ok((places, total))
    }
}

/// The lowest start at which `buffer` does not overlap one that is needed when it is; `placed` is
/// sorted by start.
fn lowest_start(buffer: &Wanted, placed: &[(&Wanted, Range<usize>)]) -> usize {
    let mut start = 0;
    for (other, place) in placed {
        let both = buffer.needed.start() <= other.needed.end() && other.needed.start() <= buffer.needed.end();
        if both && start + buffer.elements > place.start {
            start = start.max(place.end);
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_share_elements_only_if_never_needed_at_once() {
        let needed = [0..=3, 1..=1, 2..=2, 4..=5, 1..=2, 5..=5];
        let elements = [10, 100, 64, 100, 7, 1];
        let mut plan = BufferPlan::default();
        needed.iter().zip(elements).for_each(|(needed, elements)| _ = plan.add(elements, needed.clone()));
        let (places, total) = plan.places().unwrap();
        assert_eq!(total, 112 + 16 + 16);
        for (one, (place, times)) in places.iter().zip(&needed).enumerate() {
            assert_eq!((place.len(), place.start % ALIGNMENT), (elements[one], 0));
            for (other, other_times) in places.iter().zip(&needed).skip(one + 1) {
                let apart = place.end <= other.start || other.end <= place.start;
                assert!(apart || times.end() < other_times.start() || other_times.end() < times.start());
            }
        }
    }

    #[test]
    fn what_does_not_fit_into_memory_is_an_error() {
        let mut plan = BufferPlan::default();
        plan.add(usize::MAX - 3, 0..=1);
        plan.add(usize::MAX - 3, 0..=1);
        assert!(plan.places().is_err());
    }
}
