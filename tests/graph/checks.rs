//! The checks of layers that join others notice what is wrong with one.

use autoencoder::testing::LayerCheck;
use autoencoder::*;

/// y = x + x', with faults.
#[derive(Debug, Clone, Copy)]
enum Sum {
    Right,
    AddsToTheJoinedGradient,
    LeavesTheJoinedGradient,
    WrongJoinedGradient,
    ForgetsTheJoinedValue,
}

impl<T: Scalar> Layer<T> for Sum {
    fn kind(&self) -> &'static str {
        "sum"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input).joined(joined.len()))
    }

    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        let forgets = matches!(self, Self::ForgetsTheJoinedValue);
        for other in pass.joined.iter().filter(|_| !forgets) {
            pass.output.iter_mut().zip(*other).for_each(|(sum, other)| *sum += *other);
        }
    }

    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        pass.input_gradient.into_iter().for_each(|gradient| gradient.copy_from_slice(pass.output_gradient));
        for gradient in pass.joined_gradients.iter_mut().filter_map(Option::as_deref_mut) {
            for (to, from) in gradient.iter_mut().zip(&*pass.output_gradient) {
                match self {
                    Self::AddsToTheJoinedGradient => *to += *from,
                    Self::LeavesTheJoinedGradient => {}
                    Self::WrongJoinedGradient => *to = *from * T::from_f64(1.000_001),
                    Self::Right | Self::ForgetsTheJoinedValue => *to = *from,
                }
            }
        }
    }
}

#[test]
fn wrong_gradients_of_joined_values_are_noticed() {
    let check = |sum: Sum| LayerCheck::new(move || sum, Shape::flat(3)).joined(&[Shape::flat(3)]).run();
    check(Sum::Right).into_result().expect("it is right");
    for (sum, check_that_notices) in [
        (Sum::AddsToTheJoinedGradient, "every element of the input's gradient is written"),
        (Sum::LeavesTheJoinedGradient, "every element of the input's gradient is written"),
        (Sum::WrongJoinedGradient, "gradient by the input"),
        (Sum::ForgetsTheJoinedValue, "gradient by the input"),
    ] {
        let error = check(sum).into_result().expect_err("it is wrong").to_string();
        assert!(error.contains(check_that_notices), "{sum:?}: {error}");
    }
}
