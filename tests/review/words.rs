//! What the warnings say.

use autoencoder::*;

/// Each says what was seen, with its numbers, and what to do.
#[test]
fn warnings_say_what_was_seen_and_what_to_do() {
    let (activation, layer) = (Activation::Relu, "encoder.1".to_owned());
    let (lowest, highest, data) = (-2.5, 12.25, "inputs");
    let said = [
        (
            Warning::OutputOutOfReach { activation, lowest, highest, features: 30, of: 34, scaled: true },
            "the model ends in `Activation::Relu`, whose values are at least 0, but 30 of 34 features of the \
             targets have others after the model's scaler (from -2.5 to 12.25): they cannot be reproduced; end in \
             `Activation::Linear`, or bring the data to 0..=1 by `MinMaxScaler`",
        ),
        (
            Warning::OutputNotProbability { loss: "bce", activation, suitable: Activation::Sigmoid },
            "the loss `bce` takes predictions for probabilities, but the model ends in `Activation::Relu`: outputs \
             beyond 0 and 1 count as 0 and 1 and get no gradient; end in `Activation::Sigmoid`, or take `Mse`",
        ),
        (
            Warning::NoBottleneck { layer: layer.clone(), width: 200, inputs: 34 },
            "no layer is narrower than the 34 inputs (the narrowest, `encoder.1`, gives 200 numbers), so the model \
             can learn to copy: its loss then says nothing; take a smaller code, or constrain it (`L1Activity`, \
             `TopK`, `Trainer::corrupt`)",
        ),
        (
            Warning::SamplesInRows { features: 569, samples: 34 },
            "each of the 34 samples has a scale of its own, as a column of a table has, and the 569 features share \
             theirs: samples are columns here; transpose a matrix that has them as rows (`matrix.transpose()`)",
        ),
        (
            Warning::LearningRate { optimizer: "adam", rate: 100.0, usual: 0.001 },
            "the learning rate of `adam` is 100, 100000 times its default of 0.001: steps of such a length pass \
             over what they look for; take a smaller rate",
        ),
        (
            Warning::OneEpoch { steps: 18 },
            "training lasts one epoch (18 steps), because no number of epochs was named; name one: `.epochs(50)`, \
             for instance",
        ),
        (
            Warning::ScaledTwice { feature: 3, before: [0.01, 1.02], after: [-4.0, 0.29] },
            "the data are scaled twice: feature 3 has mean 0.01 and standard deviation 1.02, and after the model's \
             scaler mean -4 and standard deviation 0.29; pass the data in their units, or fit the scaler to what is \
             passed",
        ),
        (
            Warning::Unscaled { data, feature: 23, sample: 265, value: 3432.0, scaled: false },
            "the inputs are large: feature 23 of sample 265 is 3432; build the model with \
             `.scaler(StandardScaler::fit(&data)?)`, or `MinMaxScaler` if it ends in a sigmoid",
        ),
        (
            Warning::Unscaled { data: "targets", feature: 0, sample: 1, value: -150_000.0, scaled: false },
            "the targets are large: feature 0 of sample 1 is -150000; bring them to about -1..=1 before training",
        ),
        (
            Warning::Unscaled { data, feature: 23, sample: 265, value: 3432.0, scaled: true },
            "the inputs are large: feature 23 of sample 265 is 3432 after the model's scaler; fit the scaler to \
             these data",
        ),
        (
            Warning::Tiny { data, largest: 3.9e-5 },
            "the inputs are tiny: none is further from 0 than 3.9e-5, as the model sees them; build the model with \
             `.scaler(StandardScaler::fit(&data)?)`, or `MinMaxScaler` if it ends in a sigmoid",
        ),
        (
            Warning::UnequalScales { data, small: 2, small_spread: 2e-4, large: 4, large_spread: 7.5 },
            "the scales of the inputs differ: feature 4 spreads over 7.5, feature 2 over 0.0002, so the loss sees \
             little of the latter; build the model with `.scaler(StandardScaler::fit(&data)?)`, or `MinMaxScaler` \
             if it ends in a sigmoid",
        ),
        (
            Warning::ConstantFeatures { feature: 4, value: 7.5, features: 1, of: 34, samples: 569 },
            "1 of 34 features is constant: feature 4 is 7.5 in all 569 samples looked at; leave it out, or see \
             whether the column was read right",
        ),
        (
            Warning::SmallBatches { layer, samples: 2, values: 2 },
            "`encoder.1` normalises over batches of as few as 2 samples (2 values of a channel): what it learns \
             there is not what inference does; take larger batches, by `.batch_size(32)`, for instance, or more \
             data",
        ),
        (
            Warning::UnlikeValidation { features: 30, of: 34, feature: 0, training: 0.01, validation: 14.1 },
            "30 of 34 features of the validation data are far from those of the training data: the mean of feature \
             0 is 14.1 there and 0.01 in training; scale both alike",
        ),
    ];
    for (warning, words) in said {
        assert_eq!(warning.to_string(), words);
    }
}
