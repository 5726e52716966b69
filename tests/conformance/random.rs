//! Gradients over random configurations.

use std::fmt::Debug;

use autoencoder::testing::{LayerCheck, LossCheck, Report};
use autoencoder::*;
use rayon::prelude::*;

use crate::built::Built;
use crate::layers::activations;
use crate::{Found, Row};

use crate::common::Numbers;

/// How many.
const CONFIGURATIONS: u64 = 600;

/// The worst error among them may be this.
const BOUND: f64 = 1e-9;

pub fn rows() -> Vec<Row> {
    vec![Row::new("gradients of random configurations", random_gradients)]
}

fn random_gradients() -> Found {
    let reports: Vec<(String, Report)> =
        (0..CONFIGURATIONS).into_par_iter().map(|seed| gradients(&mut Numbers::new(seed), seed)).collect();
    let worst = reports.iter().max_by(|(_, one), (_, other)| one.gradient_error().total_cmp(&other.gradient_error()));
    let (worst, error) = worst.map_or(("", f64::INFINITY), |(name, report)| (name.as_str(), report.gradient_error()));
    let compared: usize = reports.iter().map(|(_, report)| report.compared()).sum();
    let redrawn: usize = reports.iter().map(|(_, report)| report.redrawn()).sum();
    let wrong = |report: &Report| !report.passed() || report.gradient_error() > BOUND || report.compared() == 0;
    let failures: Vec<String> = reports
        .iter()
        .filter(|(_, report)| wrong(report))
        .map(|(name, report)| format!("\n    {name}\n{report}"))
        .collect();
    Found {
        line: format!(
            "{CONFIGURATIONS} configurations: worst error {error:.1e} of {BOUND:.0e} ({worst}), {compared} coordinates compared, {redrawn} redrawn{}",
            failures.concat()
        ),
        details: reports.iter().map(|(name, report)| format!("{name}: {:.1e}\n", report.gradient_error())).collect(),
        failed: !failures.is_empty(),
    }
}

/// The gradients of one configuration.
fn gradients(random: &mut Numbers, seed: u64) -> (String, Report) {
    let samples = 2 + random.below(6);
    let flat = Shape::flat(1 + random.below(20));
    let image = Shape::image(2 + random.below(6), 2 + random.below(6), 1 + random.below(4));
    let any = if random.below(2) == 0 { flat } else { image };
    let try_layer = Try { samples, seed };
    match random.below(16) {
        0 | 1 => try_layer.layer(any, dense(random)),
        2..=4 => try_layer.layer(image, convolution(random)),
        5 | 6 => try_layer.layer(image, transposed(random)),
        7 => try_layer.layer(image, max_pool(random)),
        8 => try_layer.layer(image, average_pool(random)),
        9 => {
            let factor = (1 + random.below(3), 1 + random.below(3));
            let interpolation = if random.below(2) == 0 { Interpolation::Nearest } else { Interpolation::Bilinear };
            try_layer.layer(image, UpSample::new(factor).interpolation(interpolation))
        }
        10 => try_layer.layer(any, activation(random)),
        11 => try_layer.layer(any, BatchNorm::new().epsilon(0.01 + random.unit())),
        12 => match random.below(4) {
            0 => try_layer.layer(any, Dropout::new(0.9 * random.unit())),
            1 => try_layer.layer(any, GaussianNoise::new(random.unit())),
            2 => try_layer.layer(image, Pad::new(random.below(3), random.below(3), random.below(3), random.below(3))),
            _ => try_layer.layer(image, Crop::new(random.below(2), random.below(2), 0, random.below(2))),
        },
        13 => match random.below(4) {
            0 => try_layer.layer(any, L1Activity::new(random.unit())),
            1 => try_layer.layer(any, TopK::new(1 + random.below(any.elements()))),
            2 => {
                let layer = TargetRate::new(0.05 + 0.9 * random.unit(), random.unit());
                try_layer.checked(any, layer, |check| check.inputs(0.05, 0.95))
            }
            _ => {
                let latent = GaussianLatent::new().beta(3.0 * random.unit()).free_bits(random.below(2) as f64 * 0.2);
                try_layer.layer(Shape::flat(2 * (1 + random.below(8))), latent)
            }
        },
        _ => loss(any, random, seed),
    }
}

/// How a configuration is tried.
struct Try {
    samples: usize,
    seed: u64,
}

impl Try {
    fn layer(self, input: Shape, layer: impl Layer<f32> + Layer<f64> + Clone + 'static) -> (String, Report) {
        self.checked(input, layer, |check| check)
    }

    fn checked(
        self,
        input: Shape,
        layer: impl Layer<f32> + Layer<f64> + Clone + 'static,
        options: for<'a> fn(LayerCheck<'a, Built>) -> LayerCheck<'a, Built>,
    ) -> (String, Report) {
        let built = Built::new(layer.clone());
        // What does not fit is tried on a larger image.
        let input = match built.plan(input, &[]) {
            Ok(plan) if plan.output().checked().is_ok() => input,
            _ => Shape::image(13, 14, 2),
        };
        let report = options(
            LayerCheck::new(|| built.clone(), input)
                .stands_for(Built::layers)
                .samples(self.samples)
                .seed(self.seed + 1),
        )
        .gradients();
        (name(&layer, input), report)
    }
}

fn name(what: &dyn Debug, shape: Shape) -> String {
    format!("{what:?} over {shape}")
}

fn activation(random: &mut Numbers) -> Activation {
    let all = activations();
    all[random.below(all.len())].1
}

fn padding(random: &mut Numbers) -> Padding {
    if random.below(2) == 0 { Padding::Same } else { Padding::Valid }
}

fn regularizer(random: &mut Numbers) -> Regularizer {
    Regularizer::l1_l2(random.below(2) as f64 * random.unit(), random.below(2) as f64 * random.unit())
}

fn pair(random: &mut Numbers, most: usize) -> (usize, usize) {
    (1 + random.below(most), 1 + random.below(most))
}

fn dense(random: &mut Numbers) -> Dense {
    let layer = Dense::new(1 + random.below(20)).activation(activation(random)).weight_regularizer(regularizer(random));
    let layer = if random.below(4) == 0 { layer.without_bias() } else { layer };
    if random.below(4) == 0 { layer.tied_to("encoder.0") } else { layer }
}

fn convolution(random: &mut Numbers) -> Conv2D {
    let layer = Conv2D::new(1 + random.below(6), pair(random, 4)).padding(padding(random));
    let layer = layer.stride(pair(random, 3)).dilation(pair(random, 2)).weight_regularizer(regularizer(random));
    let layer = layer.activation(activation(random));
    if random.below(4) == 0 { layer.without_bias() } else { layer }
}

fn transposed(random: &mut Numbers) -> Conv2DTranspose {
    let layer = Conv2DTranspose::new(1 + random.below(6), pair(random, 4)).padding(padding(random));
    let layer = layer.stride(pair(random, 3)).weight_regularizer(regularizer(random)).activation(activation(random));
    let layer = if random.below(4) == 0 { layer.without_bias() } else { layer };
    if random.below(4) == 0 { layer.tied_to("encoder.0") } else { layer }
}

fn max_pool(random: &mut Numbers) -> MaxPool {
    MaxPool::new(pair(random, 3)).stride(pair(random, 3)).padding(padding(random))
}

fn average_pool(random: &mut Numbers) -> AvgPool {
    AvgPool::new(pair(random, 3)).stride(pair(random, 3)).padding(padding(random))
}

fn loss(shape: Shape, random: &mut Numbers, seed: u64) -> (String, Report) {
    let reduction = if random.below(2) == 0 { Reduction::MeanPerElement } else { Reduction::SumPerSample };
    macro_rules! gradients {
        ($loss:expr) => {{
            let loss = $loss.reduction(reduction);
            (name(&loss, shape), LossCheck::new(|| loss, shape).seed(seed + 1).gradients())
        }};
    }
    match random.below(6) {
        0 => gradients!(Mse),
        1 => gradients!(Mae),
        2 => gradients!(Huber::new(0.1 + 2.0 * random.unit())),
        3 => gradients!(GaussianNll::new(0.1 + random.unit())),
        4 => gradients!(CategoricalCrossEntropy),
        _ => gradients!(Bce),
    }
}
