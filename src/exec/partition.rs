//! [`Partition`]: how a batch is divided; depends only on the model and the batch size.

use crate::Scalar;
use crate::graph::Program;

/// The most shards; more threads than this would be idle.
const MAX_SHARDS: usize = 8;

/// The fewest samples in a shard; fewer would leave the register tiles of products half empty.
const MIN_SHARD_SAMPLES: usize = 8;

/// The most elements of all shards' gradients together: 64 MiB of `f32`.
const MAX_SHARD_GRADIENTS: usize = 1 << 24;

/// The most parameters for which whole-batch gradients are computed in two halves: the second half
/// needs another gradient vector.
pub(crate) const MAX_HALVED: usize = 1 << 24;

/// The activations and gradients of a micro-batch should stay in a core's L2 cache (1 to 2 MiB on
/// today's machines).
const MICRO_BATCH_BYTES: usize = 1 << 20;

/// How a batch is divided into shards of samples that run in parallel, and a shard into
/// micro-batches that run one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The most shards.
    pub shards: usize,
    pub shard_samples: usize,
    pub micro_batch_samples: usize,
}

impl Partition {
    /// For training steps with up to `samples` samples. `whole` keeps every activation until the
    /// batch is done.
    pub fn training<T: Scalar>(program: &Program<T>, samples: usize, whole: bool) -> Self {
        let affordable = (MAX_SHARD_GRADIENTS / program.shard_gradients.max(1)).clamp(1, MAX_SHARDS);
        let shard_samples = samples.div_ceil(affordable).max(MIN_SHARD_SAMPLES);
        let keeps = whole
            || program
                .operations
                .iter()
                .any(|operation| operation.deferred.is_some() || operation.needs_batch_statistics());
        let micro_batch_samples = if keeps { shard_samples } else { shard_samples.min(samples_in_cache(program)) };
        Self { shards: samples.div_ceil(shard_samples).max(1), shard_samples, micro_batch_samples }
    }

    /// For loss and metrics of up to `samples` samples without a backward pass: the shards of
    /// training steps of as many samples.
    pub fn evaluation<T: Scalar>(program: &Program<T>, samples: usize) -> Self {
        let shards = Self::training(program, samples, false);
        Self { micro_batch_samples: shards.shard_samples.min(samples_in_cache(program)), ..shards }
    }

    /// For inference of up to `samples` samples.
    pub fn inference<T: Scalar>(program: &Program<T>, samples: usize) -> Self {
        let shard_samples = samples.div_ceil(MAX_SHARDS).max(MIN_SHARD_SAMPLES);
        let micro_batch_samples = shard_samples.min(samples_in_cache(program)).min(samples.max(1));
        Self { shards: samples.div_ceil(shard_samples).max(1), shard_samples, micro_batch_samples }
    }

    /// For inference of up to `samples` samples by one of several threads.
    pub fn alone<T: Scalar>(program: &Program<T>, samples: usize) -> Self {
        let micro_batch_samples = samples.min(samples_in_cache(program)).max(1);
        Self { shards: 1, shard_samples: samples.max(1), micro_batch_samples }
    }

    /// The number of shards for `samples` samples.
    pub fn shards_for(&self, samples: usize) -> usize {
        samples.div_ceil(self.shard_samples)
    }

    /// The number of samples in the first half of the shards, out of `samples`.
    pub fn first_half(&self, samples: usize) -> usize {
        (self.shards_for(samples).div_ceil(2) * self.shard_samples).min(samples)
    }

    /// The first sample of shard `shard` and its number of samples, out of `samples`.
    pub fn shard(&self, shard: usize, samples: usize) -> (usize, usize) {
        let first = shard * self.shard_samples;
        (first, samples.saturating_sub(first).min(self.shard_samples))
    }

    /// The micro-batches of a shard: first sample within the shard, and number of samples.
    pub fn micro_batches(self, shard_samples: usize) -> impl Iterator<Item = (usize, usize)> {
        let step = self.micro_batch_samples;
        (0..shard_samples).step_by(step).map(move |first| (first, (shard_samples - first).min(step)))
    }
}

/// The samples of a micro-batch whose activations stay in the cache.
fn samples_in_cache<T: Scalar>(program: &Program<T>) -> usize {
    let outputs = program.operations.iter().map(|operation| operation.output_shape.elements());
    let bytes = outputs.fold(0, usize::saturating_add).saturating_mul(size_of::<T>()).max(1);
    (MICRO_BATCH_BYTES / bytes).clamp(1, 256)
}
