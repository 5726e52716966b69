//! [`Workspace`]: working memory for inference.

use std::ops::Range;
use std::sync::Arc;

use super::partition::Partition;
use crate::data::{Batch, InputError};
use crate::graph::{Buffer, Graph, Layout, LayoutOptions, Network, zeros};
use crate::shape::checked_product;
use crate::{Error, Scalar};

/// Working memory for inference, owned by the caller so that repeated calls allocate nothing. Use
/// one per thread.
#[derive(Debug)]
pub struct Workspace<T: Scalar> {
    pub(super) graph: Arc<Graph<T>>,
    pub(super) layout: Layout,
    pub(super) partition: Partition,
    pub(super) capacity: usize,
    pub(super) memory: Buffer<T>,
    /// Empty if the results are written elsewhere.
    pub(super) output: Vec<T>,
}

impl<T: Scalar> Workspace<T> {
    /// The most samples a batch may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<T: Scalar> Network<T> {
    /// Working memory for batches of up to `samples` samples.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    #[inline(never)] // see `compiled.rs`
    pub fn workspace(&self, samples: usize) -> Result<Workspace<T>, Error> {
        if samples == 0 {
            return Err(InputError::Empty.into());
        }
        self.workspace_for_all(Partition::inference(self.program(), samples), samples)
    }

    /// Working memory for one of several threads: the batch is not divided among threads.
    pub(crate) fn workspace_alone(&self, samples: usize) -> Result<Workspace<T>, Error> {
        self.workspace_for_all(Partition::alone(self.program(), samples), samples)
    }

    /// Working memory for passes of `samples` samples like those of `batch` through `nodes`, with
    /// room for results. It takes no more memory than these passes touch, for all of it is
    /// filled with zeros.
    pub(super) fn workspace_for(
        &self,
        nodes: &Range<usize>,
        batch: &Batch<'_, T>,
        samples: usize,
    ) -> Result<Workspace<T>, Error> {
        let output = checked_product("elements of a workspace", &[self.features_after(nodes), samples])?;
        Ok(Workspace { output: zeros(output)?, ..self.workspace_without_results(nodes, batch, samples)? })
    }

    /// The same without room for results.
    pub(super) fn workspace_without_results(
        &self,
        nodes: &Range<usize>,
        batch: &Batch<'_, T>,
        samples: usize,
    ) -> Result<Workspace<T>, Error> {
        let scales = nodes.start == 0 && self.input_scaler().is_some();
        let staged = scales || batch.columns().run(0, batch.samples()).is_none();
        let partition = Partition::inference(self.program(), samples);
        let part = self.program().part(nodes);
        let layout = Layout::of_part(self.program(), partition.micro_batch_samples, &part, staged);
        self.workspace_of(partition, samples, layout.map_err(Error::from)?)
    }

    /// For any layers and any batch.
    fn workspace_for_all(&self, partition: Partition, samples: usize) -> Result<Workspace<T>, Error> {
        let output = zeros(checked_product("elements of a workspace", &[self.largest_output(), samples])?)?;
        let layout = Layout::new(self.program(), partition.micro_batch_samples, LayoutOptions::default());
        Ok(Workspace { output, ..self.workspace_of(partition, samples, layout.map_err(Error::from)?)? })
    }

    fn workspace_of(&self, partition: Partition, samples: usize, layout: Layout) -> Result<Workspace<T>, Error> {
        let memory = checked_product("elements of a workspace", &[layout.total, partition.shards])?;
        self.packed()?; // now, so that the first pass is as fast as the others
        Ok(Workspace {
            memory: Buffer::zeros(memory)?,
            output: Vec::new(),
            graph: Arc::clone(self.graph()),
            layout,
            partition,
            capacity: samples,
        })
    }
}
