//! A code that is drawn: the Laplace distribution as posterior and prior, with a weight of the
//! divergence that grows over some epochs.

use autoencoder::testing::LayerCheck;
use autoencoder::*;
use rand_distr::{Distribution, Exp1};

use crate::common::gradient::{Check, of_network};
use crate::common::{Numbers, Outcome};
use crate::data;

/// z = μ + b·ε, where ε has the density ½ exp −|ε|. The input: first the means μ, then numbers x
/// with b² = x² + 0.01.
#[derive(Debug, Clone, Copy)]
struct LaplaceLatent {
    /// Epochs until the divergence has its whole weight.
    warm_up: f64,
}

/// KL = |μ| + b·exp(−|μ|/b) − 1 − ln b of the Laplace distribution with b = 1.
fn divergence(mean: f64, scale: f64) -> f64 {
    mean.abs() + scale * (-mean.abs() / scale).exp() - 1.0 - scale.ln()
}

fn scale(raw: f64) -> f64 {
    raw.hypot(0.1)
}

impl LaplaceLatent {
    fn weight(self, epoch: f64) -> f64 {
        (epoch / self.warm_up).min(1.0)
    }
}

impl<T: Scalar> Layer<T> for LaplaceLatent {
    fn kind(&self) -> &'static str {
        "laplace_latent"
    }

    fn config(&self) -> Config {
        Config::new().with("warm_up", self.warm_up)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let code = Shape::flat(input.elements() / 2);
        Ok(Plan::new(code)
            .cache_per_sample(code.elements())
            .penalty("divergence")
            .diagnostic("nats")
            .likelihood_terms()
            .annealing_epochs(self.warm_up))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let (features, codes) = (context.input_shape.elements(), context.output_shape.elements());
        let weight = match context.mode {
            Mode::Training => self.weight(context.epoch),
            Mode::Validation => 1.0,
            Mode::Inference => {
                for (code, input) in pass.output.chunks_exact_mut(codes).zip(pass.input.chunks_exact(features)) {
                    code.copy_from_slice(&input[..codes]);
                }
                return;
            }
        };
        let mut nats = 0.0;
        for (sample, input) in pass.input.chunks_exact(features).enumerate() {
            let mut rng = context.random.sample(sample);
            for (place, (mean, raw)) in input[..codes].iter().zip(&input[codes..]).enumerate() {
                let [one, other]: [f64; 2] = [Exp1.sample(&mut rng), Exp1.sample(&mut rng)];
                let (noise, scale) = (one - other, scale(raw.into_f64()));
                pass.cache[sample * codes + place] = T::from_f64(noise);
                pass.output[sample * codes + place] = *mean + T::from_f64(scale * noise);
                nats += divergence(mean.into_f64(), scale);
            }
        }
        pass.penalties[0] += weight * nats;
        pass.diagnostics[0] += nats;
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        let (features, codes) = (context.input_shape.elements(), context.output_shape.elements());
        let weight = self.weight(context.epoch) / context.batch as f64;
        let places = (0..context.samples).flat_map(|sample| (0..codes).map(move |place| (sample, place)));
        for (index, (sample, place)) in places.enumerate() {
            let (of_mean, of_raw) = (sample * features + place, sample * features + codes + place);
            let (mean, raw) = (pass.input[of_mean].into_f64(), pass.input[of_raw].into_f64());
            let (gradient, noise, scale) = (pass.output_gradient[index], pass.cache[index], scale(raw));
            let far = (-mean.abs() / scale).exp();
            let by_scale = weight * (far * (1.0 + mean.abs() / scale) - 1.0 / scale);
            input_gradient[of_mean] = gradient + T::from_f64(weight * mean.signum() * (1.0 - far));
            input_gradient[of_raw] = (gradient * noise + T::from_f64(by_scale)) * T::from_f64(raw / scale);
        }
    }
}

fn builder(warm_up: f64) -> NetworkBuilder<f64> {
    let latent = LaplaceLatent { warm_up };
    Network::builder(Shape::flat(12)).layer(Dense::new(8)).layer(latent).layer(Dense::new(12))
}

#[test]
fn it_conforms() -> Outcome {
    for warm_up in [1e-3, 20.0] {
        LayerCheck::new(|| LaplaceLatent { warm_up }, Shape::flat(6)).run().into_result()?;
    }
    of_network(builder(4.0).build()?, 9, &mut Numbers::new(3)).check("Laplace latent");
    Ok(())
}

/// The whole weight counts over validation data from the first epoch on, and patience waits until
/// it does in training.
#[test]
fn early_stopping_waits_for_its_warm_up() -> Outcome {
    let (data, mut network) = (data(12), builder(20.0).build()?);
    let trainer = Trainer::new(GaussianNll::new(0.1), Adam::new(0.01)).epochs(100).validation_fraction(0.3);
    let history = trainer.early_stopping(EarlyStopping::new(2)).fit(&mut network, &data)?;
    assert!(history.epochs().len() > 21, "{history}");
    for epoch in history.epochs() {
        let nats = epoch.validation_diagnostic("layers.1.nats").unwrap();
        assert_eq!(epoch.validation_penalty("layers.1.divergence"), Some(nats));
        assert_eq!(epoch.validation_total(), Some(epoch.validation_loss.unwrap() + nats));
    }
    assert!(history.best().is_some());
    Ok(())
}
