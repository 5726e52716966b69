//! Which layers are small enough to be checked.

use super::inputs::Inputs;
use crate::layer::{Layer, Plan};
use crate::{Scalar, Shape};

const REFUSED: &str = "`plan` refuses the shape it is to be checked on";

/// The most numbers of a layer; limited because checks keep several copies.
const MOST_NUMBERS: usize = 1 << 22;

/// The most numbers of a sample in all buffers; limited because checks use hundreds of samples.
const MOST_NUMBERS_OF_A_SAMPLE: usize = 1 << 17;

/// `Ok` if a network would accept the layer for such samples, and it is small enough to check.
pub(super) fn is_checkable<T: Scalar>(layer: &dyn Layer<T>, inputs: &Inputs) -> Result<(), String> {
    let checked =
        inputs.joined.iter().try_for_each(|shape| shape.checked().map(drop)).and_then(|()| inputs.own.checked());
    let plan = checked.and_then(|own| layer.plan(own, &inputs.joined));
    let plan = plan.and_then(|plan| plan.output.checked().map(|_| plan));
    let plan = plan.map_err(|error| format!("{REFUSED}: {error}"))?;
    let [of_layer, of_sample] = numbers_in(&plan, inputs);
    if of_layer > MOST_NUMBERS || of_sample > MOST_NUMBERS_OF_A_SAMPLE {
        return Err(format!(
            "{REFUSED}: it takes {of_layer} numbers and {of_sample} for each sample; no more than {MOST_NUMBERS} and {MOST_NUMBERS_OF_A_SAMPLE} are checked"
        ));
    }
    Ok(())
}

/// The number of elements of a layer, and of one sample.
fn numbers_in(plan: &Plan, inputs: &Inputs) -> [usize; 2] {
    let parameters = plan.parameters.iter().map(|spec| spec.shape.iter().fold(1, |a: usize, b| a.saturating_mul(*b)));
    let state = plan.state.iter().map(|state| state.elements);
    let shared = [plan.scratch, plan.packed, plan.packed_backward, plan.forward_statistics, plan.backward_statistics];
    let of_layer = parameters.chain(state).chain(shared).fold(0, usize::saturating_add);
    let read = inputs.joined.iter().chain([&inputs.own]).map(Shape::elements);
    let buffers = [plan.output.elements(), plan.cache_per_sample, plan.side_input];
    [of_layer, read.chain(buffers).fold(0, usize::saturating_add)]
}
