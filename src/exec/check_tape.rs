//! What the checks of layers (`testing/`) choose about a tape: its shards, and what its buffers
//! hold before a pass.

use std::ops::Range;

use super::partition::Partition;
use super::tape::{Tape, TapeOptions};
use crate::graph::{LayoutOptions, Network};
use crate::{Error, Scalar, invariant};

/// A buffer that a layer's passes write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassBuffer {
    Output,
    Cache,
    Scratch,
    InputGradient,
}

impl<T: Scalar> Tape<T> {
    /// Memory for `samples` samples in shards of `shard_samples`, each a single micro-batch.
    pub(crate) fn in_shards(
        network: &Network<T>,
        samples: usize,
        shard_samples: usize,
        layout: LayoutOptions,
    ) -> Result<Self, Error> {
        let shards = samples.div_ceil(shard_samples);
        let partition = Partition { shards, shard_samples, micro_batch_samples: shard_samples };
        Self::divided(network, samples, partition, TapeOptions { layout, whole_batch: true, metrics: 0 })
    }

    /// Fills a buffer of every shard. Only in a repeatable layout does it share no memory with
    /// others.
    pub(crate) fn fill(&mut self, buffer: PassBuffer, value: T) {
        let layout = &self.layout;
        let places: Vec<Range<usize>> = match buffer {
            PassBuffer::Output => vec![layout.value(self.graph.program.output())],
            PassBuffer::Cache => layout.caches.clone(),
            PassBuffer::Scratch => vec![layout.scratch.clone()],
            PassBuffer::InputGradient => {
                let inner = layout.output_gradients.iter().chain(layout.added_gradients.iter().flatten());
                inner.chain([&layout.input_gradient]).cloned().collect()
            }
        };
        for shard in self.memory.chunks_exact_mut(self.layout.total.max(1)) {
            places.iter().for_each(|place| invariant::slice_mut(shard, place, "buffer", "a shard").fill(value));
        }
    }
}
