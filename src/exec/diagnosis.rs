//! What is not finite about a sample, and inference where such a sample costs only itself.

use std::ops::Range;

use super::infer::{Ending, Output, parts};
use super::workspace::Workspace;
use crate::data::{Batch, Columns, DataPart, InputError};
use crate::graph::{Network, zeros};
use crate::kernel::reduce;
use crate::shape::checked_product;
use crate::{Error, Scalar};

/// What is done with a sample's index and its output, or why it has none.
type Visit<'a, T> = dyn FnMut(usize, Result<&[T], InputError>) + 'a;

impl<T: Scalar> Network<T> {
    /// The first thing that is not finite on the way of sample `sample` through `nodes`: one of its
    /// values, one of them scaled, the output of a layer, or an output whose scaling has been
    /// undone. The sample is computed again, layer by layer.
    pub(super) fn diagnose(&self, nodes: &Range<usize>, ending: Ending, batch: Batch<'_, T>, sample: usize) -> Error {
        let alone = batch.part(sample, 1);
        let fault = self.check_sample(nodes, &alone).map_or_else(Ok, |()| self.fault_after(nodes, ending, alone));
        fault.map_or_else(|error| error, |fault| Error::from(fault).after(sample))
    }

    /// `Ok` if the only sample of `alone` is finite before the first layer.
    fn check_sample(&self, nodes: &Range<usize>, alone: &Batch<'_, T>) -> Result<(), InputError> {
        let mut values: Vec<T> = alone.columns().values(0).collect();
        InputError::require_finite(DataPart::Sample, &values, |feature| (0, feature))?;
        if let Some(side) = alone.side() {
            let side: Vec<T> = side.values(0).collect();
            InputError::require_finite(DataPart::SideInput, &side, |feature| (0, feature))?;
        }
        let Some(scaler) = self.input_scaler().filter(|_| nodes.start == 0) else { return Ok(()) };
        scaler.apply(&mut values);
        scaler.require_fits("sample", &values, |sample| sample)
    }

    /// What is not finite about the only sample of `alone` after the first layer whose output is
    /// not, or after the scaler.
    fn fault_after(&self, nodes: &Range<usize>, ending: Ending, alone: Batch<'_, T>) -> Result<InputError, Error> {
        let unscaled = Ending::Loss { from_logits: ending == Ending::Loss { from_logits: true } };
        for end in nodes.start + 1..=nodes.end {
            let output = self.output_of(nodes.start..end, unscaled, alone)?;
            if let Some(value) = output.into_iter().find(|value| !value.is_finite()) {
                return Ok(self.fault_of_layer(end, value));
            }
        }
        let output = self.output_of(nodes.clone(), ending, alone)?;
        match reduce::first_not_finite(&output).zip(self.output_scaler()) {
            Some((feature, scaler)) => {
                let scale = scaler.scale().get(feature).copied().unwrap_or(f64::NAN);
                Ok(InputError::OutputScaler { sample: 0, feature, scale })
            }
            // A layer of the user's that computes something else every time.
            None => Ok(self.fault_of_layer(nodes.end, T::nan())),
        }
    }

    /// That the last of the layers up to `end` gives `value` for the first sample.
    pub(crate) fn fault_of_layer(&self, end: usize, value: T) -> InputError {
        let node = end.checked_sub(1).and_then(|index| self.definition().nodes.get(index));
        let (layer, kind) = node.map_or(("model", "network"), |node| (&node.name, node.layer.kind()));
        InputError::Output { sample: 0, layer: layer.to_owned(), kind, nan: value.is_nan() }
    }

    /// The output of `nodes` for the only sample of `alone`, finite or not.
    fn output_of(&self, nodes: Range<usize>, ending: Ending, alone: Batch<'_, T>) -> Result<Vec<T>, Error> {
        let mut workspace = self.workspace_without_results(&nodes, &alone, 1)?;
        let mut output = zeros(self.features_after(&nodes))?;
        self.run_layers(nodes, ending, &mut workspace, alone, Output::Old(&mut output))?;
        Ok(output)
    }

    /// Calls `visit` with each sample's index and its output, or why it has none: a sample that is
    /// not finite costs only itself.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn each_output_or_fault(
        &self,
        nodes: &Range<usize>,
        batch: Batch<'_, T>,
        visit: &mut Visit<'_, T>,
    ) -> Result<(), Error> {
        self.check_sizes(nodes, &batch)?; // of the whole batch: parts would not reveal that a side input has too many samples
        let most = parts(batch).map(|(_, part)| part.samples()).max().unwrap_or(1);
        let mut workspace = self.workspace_for(nodes, &batch, most)?;
        for (first, part) in parts(batch) {
            self.outputs_or_faults(nodes, &mut workspace, part, &mut |index, output| {
                visit(first + index, output.map_err(|fault| fault.after(first)));
            })?;
        }
        Ok(())
    }

    /// The same for a batch that fits into the workspace. Allocates only if a sample is not finite.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn outputs_or_faults(
        &self,
        nodes: &Range<usize>,
        workspace: &mut Workspace<T>,
        batch: Batch<'_, T>,
        visit: &mut Visit<'_, T>,
    ) -> Result<(), Error> {
        match self.infer_with(nodes.clone(), workspace, batch) {
            Ok(outputs) => {
                let outputs = outputs.column_iter().enumerate();
                outputs.for_each(|(sample, output)| visit(sample, Ok(output.as_slice())));
                Ok(())
            }
            Err(Error::Input(fault)) if fault.sample().is_some() => self.rest_or_faults(nodes, workspace, batch, visit),
            Err(error) => Err(error),
        }
    }

    /// The same for a batch with samples that are not finite.
    fn rest_or_faults(
        &self,
        nodes: &Range<usize>,
        workspace: &mut Workspace<T>,
        batch: Batch<'_, T>,
        visit: &mut Visit<'_, T>,
    ) -> Result<(), Error> {
        let fault = |sample| self.check_sample(nodes, &batch.part(sample, 1)).err().map(|fault| fault.after(sample));
        let faults: Vec<Option<InputError>> = (0..batch.samples()).map(fault).collect();
        let Some(sound) = faults.iter().position(Option::is_none) else {
            faults.into_iter().flatten().enumerate().for_each(|(sample, fault)| visit(sample, Err(fault)));
            return Ok(());
        };
        // Layers are only given finite samples: another one stands in for each that is not.
        let present = faults.iter().enumerate().map(|(sample, fault)| if fault.is_some() { sound } else { sample });
        let gather = |columns: Columns<'_, T>| present.clone().flat_map(|sample| columns.values(sample)).collect();
        let (values, side): (Vec<T>, Option<Vec<T>>) = (gather(batch.columns()), batch.side().map(gather));
        let mut sound_batch = Batch::from_slice(&values, batch.features())?;
        if let Some((values, side)) = side.as_ref().zip(batch.side()).filter(|_| self.definition().side_input > 0) {
            sound_batch = sound_batch.with_side(Batch::from_slice(values, side.features())?);
        }
        let mut outputs = zeros(checked_product("elements of results", &[self.features_after(nodes), faults.len()])?)?;
        self.run_layers(nodes.clone(), Ending::Result, workspace, sound_batch, Output::Old(&mut outputs))?;
        let outputs = outputs.chunks_exact(self.features_after(nodes));
        for (sample, (fault, output)) in faults.into_iter().zip(outputs).enumerate() {
            match fault {
                Some(fault) => visit(sample, Err(fault)),
                None if reduce::finite(output) => visit(sample, Ok(output)),
                None => match self.diagnose(nodes, Ending::Result, sound_batch, sample) {
                    Error::Input(fault) => visit(sample, Err(fault)),
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }
}
