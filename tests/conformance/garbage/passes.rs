//! Training by hand: passes in any order, with tapes of other networks and vectors of other
//! lengths.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{all_finite, any_activation, few_or_too_many, normalised, number, numbers, row, small, taken_if};
use crate::Row;
use crate::common::bits;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("tapes", || holds(600, single_steps(), steps_or_says_why)),
        row("steps in any order", || holds(600, proptest::collection::vec(deed(), 1..9), goes_on_or_says_why)),
    ]
}

/// Elements of gradients and samples of a tape, features and samples of a batch; a number; whose
/// tape it is.
fn single_steps() -> impl Strategy<Value = ([usize; 5], usize, f64, Option<Activation>)> {
    let sizes = [0_usize..9, 0..9, 0..9, 0..9, 0..3];
    (sizes, few_or_too_many(), number(), proptest::option::of(any_activation()))
}

/// The passes by hand, with tapes of other networks and vectors of other lengths.
fn steps_or_says_why(
    ([a, b, c, samples, owner], asked, number, link): ([usize; 5], usize, f64, Option<Activation>),
) -> Judgement {
    let (mut network, other, alike) = (small::<f64>(), normalised(), small::<f64>());
    let few = (1..9).contains(&asked);
    let tape = taken_if(few, "a number of samples", network.tape(asked))?;
    require(tape.is_none_or(|tape| tape.capacity() == asked), "a tape of another size")?;
    taken_if(few, "a number of samples", network.tape_with_input_gradient(asked))?;
    let tape = [&network, &other, &alike][owner].tape_with_input_gradient(b);
    let Some(mut tape) = taken_if(b > 0, "a number of samples", tape)? else { return Ok(()) };
    tape.set_epoch(number);
    let input = DMatrix::from_element(c, samples, number);
    let forward = network.forward(&mut tape, &input, link, asked).is_ok();
    require(!forward || owner == 0 && c == 3 && samples > 0 && number.is_finite(), "bad input is taken")?;
    let (output_gradient, mut gradients) = (vec![number; a * samples], vec![0.0; 16 + 10 * (a % 3)]);
    let backward = network.backward(&mut tape, &output_gradient, &mut gradients).is_ok();
    require(forward || !backward, "the way back from nowhere")?;
    let gathered = if forward { 3 * samples } else { 0 };
    require(tape.input_gradient().len() == gathered && tape.capacity() == b, "an input gradient of another size")?;
    require(tape.penalties().count() + tape.diagnostics().count() == 0, "terms that no layer has")?;
    let updated = network.update_state(&tape).is_ok();
    require(updated == forward, "a state is updated from nowhere")?;
    let before = bits(network.parameter_vector());
    let changed = network.update_parameters(|parameters| parameters.fill(number));
    let same = bits(network.parameter_vector()) == before;
    require(changed.is_ok() == number.is_finite() && (changed.is_ok() || same), "a bad update has changed the model")
}

/// What somebody does to a network and two tapes.
#[derive(Debug, Clone)]
enum Deed {
    /// With so many samples of this number.
    Forward(usize, f64),
    Backward(f64),
    UpdateState,
    /// Of another network.
    UpdateStateFrom(usize),
    Freeze(bool),
    SetState(f64),
    Epoch(f64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0_usize..12, number()).prop_map(|(samples, number)| Deed::Forward(samples, number)),
        2 => number().prop_map(Deed::Backward),
        2 => Just(Deed::UpdateState),
        1 => (0_usize..12).prop_map(Deed::UpdateStateFrom),
        1 => any::<bool>().prop_map(Deed::Freeze),
        1 => number().prop_map(Deed::SetState),
        1 => select(vec![f64::NAN, f64::INFINITY, -1.0, 1e308]).prop_map(Deed::Epoch),
    ]
}

/// Whatever the order, the numbers that the network keeps are finite, and what is refused has
/// changed none of them.
fn goes_on_or_says_why(deeds: Vec<Deed>) -> Judgement {
    let mut network = normalised();
    let foreign = Network::<f64>::builder(Shape::flat(2)).layer(BatchNorm::new()).build().expect("a network");
    let mut tape = network.tape(9).expect("a tape");
    let mut gradients = vec![0.0; network.parameter_count()];
    for deed in deeds {
        let before = bits(&numbers(&network));
        let done = match &deed {
            Deed::Forward(samples, number) => {
                let done = network.forward(&mut tape, &DMatrix::from_element(3, *samples, *number), None, 0);
                done.map(drop).is_ok()
            }
            Deed::Backward(number) => {
                (0..12).any(|samples| network.backward(&mut tape, &vec![*number; 2 * samples], &mut gradients).is_ok())
            }
            Deed::UpdateState => network.update_state(&tape).is_ok(),
            Deed::UpdateStateFrom(samples) => {
                let mut other = foreign.tape(12).expect("a tape");
                let forward = foreign.forward(&mut other, &DMatrix::from_element(2, *samples, 0.5), None, 0);
                taken_if(*samples > 0, "a number of samples", forward)?;
                network.update_state(&other).is_ok()
            }
            Deed::Freeze(freeze) if *freeze => network.freeze("layers.1").is_ok(),
            Deed::Freeze(_) => network.unfreeze("").is_ok(),
            Deed::SetState(number) => network.set_parameter("layers.1.running_variance", &[*number; 2]).is_ok(),
            Deed::Epoch(epoch) => {
                tape.set_epoch(*epoch);
                true
            }
        };
        require(all_finite(&network), format!("a number is not finite after {deed:?}"))?;
        let changes = matches!(deed, Deed::UpdateState | Deed::SetState(_));
        let same = bits(&numbers(&network)) == before;
        require(done && changes || same, format!("{deed:?} has changed the network"))?;
    }
    Ok(())
}
