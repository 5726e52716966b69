//! [`Workspace`]: working memory for inference.

use std::ops::Range;
use std::sync::Arc;

use super::buffer::Buffer;
use super::memory::{Layout, zeros};
use super::partition::Partition;
use super::{Network, Structure};
use crate::data::{Batch, InputError};
use crate::shape::checked_product;
use crate::{Error, Scalar};

/// Working memory for inference, owned by the caller so that repeated calls allocate nothing. Use one per thread.
#[derive(Debug)]
pub struct Workspace<T: Scalar> {
    pub(super) structure: Arc<Structure<T>>,
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
    pub fn workspace(&self, samples: usize) -> Result<Workspace<T>, Error> {
        if samples == 0 {
            return Err(InputError::Empty.into());
        }
        self.workspace_for_all(Partition::inference(&self.structure, samples), samples)
    }

    /// Working memory for one of several threads: the batch is not divided among threads.
    pub(crate) fn workspace_alone(&self, samples: usize) -> Result<Workspace<T>, Error> {
        self.workspace_for_all(Partition::alone(&self.structure, samples), samples)
    }

    /// Working memory for passes of `samples` samples like those of `batch` through `nodes`, with room for results. It takes no
    /// more memory than these passes touch, for all of it is filled with zeros.
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
        let contiguous = batch.columns().run(0, batch.samples()).is_some();
        let staged = if scales || !contiguous { self.features_before(nodes) } else { 0 };
        self.workspace_of(Partition::inference(&self.structure, samples), samples, nodes, staged)
    }

    /// For any layers and any batch.
    fn workspace_for_all(&self, partition: Partition, samples: usize) -> Result<Workspace<T>, Error> {
        let largest = self.structure.largest_output();
        let output = zeros(checked_product("elements of a workspace", &[largest, samples])?)?;
        let staged = self.structure.input.elements().max(largest); // the input of a decoder run alone is a code
        Ok(Workspace { output, ..self.workspace_of(partition, samples, &self.all(), staged)? })
    }

    fn workspace_of(
        &self,
        partition: Partition,
        samples: usize,
        nodes: &Range<usize>,
        staged: usize,
    ) -> Result<Workspace<T>, Error> {
        let layout = Layout::inference(&self.structure, partition.part_samples, nodes, staged).map_err(Error::from)?;
        let memory = checked_product("elements of a workspace", &[layout.total, partition.lanes])?;
        self.prepared()?; // now, so that the first pass is as fast as the others
        Ok(Workspace {
            memory: Buffer::zeros(memory)?,
            output: Vec::new(),
            structure: Arc::clone(&self.structure),
            layout,
            partition,
            capacity: samples,
        })
    }
}
