//! Nothing is said where nothing is wrong.

use autoencoder::data::idx;
use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, Outcome, mnist};
use crate::support::{apply, images, model, none, normal, review, standardised, table, to_unit, trainer};

#[test]
fn nothing_is_said_about_a_table_and_the_readmes_model() -> Outcome {
    for rows in [20, 100, 256, 257, 569, 3000] {
        let data = table(rows);
        let scaler = Some(StandardScaler::fit(&data)?);
        none(review(&data, Activation::Linear, scaler), "scaled by the model");
        none(review(&standardised(&data), Activation::Linear, None), "standardised");
        none(review(&apply(&StandardScaler::fit(&data)?, &data, true), Activation::Linear, None), "all standardised");
        none(review(&to_unit(&data), Activation::Sigmoid, None), "from 0 to 1");
        none(review(&data, Activation::Sigmoid, Some(MinMaxScaler::fit(&data)?)), "scaled to 0..=1 by the model");
    }
    let data = table(300);
    let mut model = model(34, Activation::Linear, Some(StandardScaler::fit(&data)?));
    let early = EarlyStopping::new(10);
    let history = trainer().validation_fraction(0.1).early_stopping(early).fit(&mut model, &data)?;
    assert_eq!(history.warnings(), []);
    Ok(())
}

/// A few extreme values, to which a scaler was fitted, leave the others close together.
#[test]
fn nothing_is_said_about_heavy_tails() {
    let mut numbers = Numbers::new(11);
    for rows in [300, 5000] {
        let raw = DMatrix::from_fn(12, rows, |feature, _| (normal(&mut numbers) * (0.5 + 0.25 * feature as f64)).exp());
        let scaled = apply(&StandardScaler::fit(&raw).unwrap(), &raw, true);
        none(review(&scaled, Activation::Linear, None), "standardised");
        none(review(&to_unit(&raw), Activation::Sigmoid, None), "from 0 to 1");
        none(review(&scaled, Activation::Sigmoid, Some(MinMaxScaler::fit(&scaled).unwrap())), "both");
    }
}

#[test]
fn nothing_is_said_about_categories() {
    let mut numbers = Numbers::new(13);
    let mut category = DMatrix::<f64>::zeros(30, 2000);
    for mut row in category.column_iter_mut() {
        row[numbers.below(20)] = 1.0;
        row[20 + numbers.below(5)] = 1.0;
        row[25] = f64::from(u8::from(numbers.unit() < 0.4));
    }
    let bits: Vec<usize> = (0..30).filter(|feature| category.row(*feature).sum() == 0.0).collect();
    category = category.remove_rows_at(&bits);
    category[(0, 1999)] = 1.0;
    for last in [Activation::Sigmoid, Activation::Linear] {
        none(review(&category, last, None), "categories");
    }
    let rare = category.clone().insert_row(3, 0.0);
    for place in [700, 1999] {
        let mut rare = rare.clone();
        rare[(3, place)] = 1.0;
        none(review(&rare, Activation::Sigmoid, None), "a category of one row");
        let scaler = StandardScaler::fit(&rare).unwrap();
        none(review(&apply(&scaler, &rare, true), Activation::Linear, None), "standardised");
        none(review(&rare, Activation::Linear, Some(scaler)), "standardised by the model");
    }
}

#[test]
fn nothing_is_said_about_images() -> Outcome {
    for count in [10, 60, 256, 700] {
        let flat = images::<f64>(count);
        for last in [Activation::Sigmoid, Activation::Linear, Activation::Relu] {
            none(review(&flat, last, None), "pixels, some always black");
        }
        none(review(&flat, Activation::Linear, Some(StandardScaler::fit(&flat)?)), "standardised pixels");
        none(review(&flat, Activation::Sigmoid, Some(MinMaxScaler::fit(&flat)?)), "pixels from 0 to 1");
        none(review(&flat.map(f64::round), Activation::Sigmoid, None), "black and white");
    }
    Ok(())
}

/// Windows of a series with a period, a trend and noise, standardised as a whole.
#[test]
fn nothing_is_said_about_windows_of_a_series() -> Outcome {
    let mut numbers = Numbers::new(17);
    let series: Vec<f64> = (0..4000)
        .map(|step| {
            let step = f64::from(step);
            ((step / 20.0).sin() + step / 2000.0 - 1.0 + 0.2 * normal(&mut numbers)) / 0.95
        })
        .collect();
    for (width, stride) in [(8, 8), (64, 64), (200, 100), (64, 1)] {
        let count = (series.len() - width) / stride + 1;
        let windows = DMatrix::from_fn(width, count, |step, window| series[window * stride + step]);
        none(review(&windows, Activation::Linear, None), "windows");
        none(review(&windows, Activation::Linear, Some(StandardScaler::fit(&windows)?)), "scaled by the model");
        let sequences = Autoencoder::<f64>::builder(Shape::sequence(width, 1)).encoder(Dense::new(2));
        none(trainer().review(&sequences.mirror(Activation::Linear).build()?, &windows)?, "sequences");
    }
    Ok(())
}

/// The models of the examples, on their data.
#[test]
fn nothing_is_said_about_the_examples() -> Outcome {
    let data = idx::read_images(mnist("t10k-images-idx3-ubyte"))?;
    let (train, test) = data.split_at(600);
    let image = || Autoencoder::<f32>::builder(Shape::image(28, 28, 1));
    let relu = |units| Dense::new(units).activation(Activation::Relu);
    let bce = || Trainer::<f32>::new(Bce, Adam::default()).epochs(1).validation(&test);
    let few = Subset::new(&train, 0..500)?;

    let shallow = image().encoder(relu(32)).decoder(Dense::new(784).activation(Activation::Sigmoid)).build()?;
    none(bce().review(&shallow, &train)?, "mnist");
    let deep = image().encoder(relu(128)).encoder(relu(64)).encoder(relu(32)).mirror(Activation::Sigmoid).build()?;
    none(bce().review(&deep, &train)?, "mnist_deep");
    none(bce().review(&convolutional(64)?, &train)?, "front_page, mnist_conv: a code of 3 136 numbers");
    let noise = GaussianCorruption::new(0.4).clip(0.0, 1.0);
    let rate = Trainer::new(Bce, Adam::new(0.003)).schedule(WarmUp::new(1.0, Cosine::new())).epochs(10);
    none(rate.corrupt(noise).validation(&test).review(&convolutional(32)?, &train)?, "denoise");
    let anomaly = image().encoder(relu(128)).encoder(relu(16)).mirror(Activation::Sigmoid).build()?;
    none(trainer().validation(&test).review(&anomaly, &train)?, "anomaly");
    let wide = |rate| image().encoder(Dropout::new(rate)).encoder(relu(512)).encoder(relu(128)).decoder(relu(512));
    let over = |rate| wide(rate).decoder(Dense::new(784).activation(Activation::Sigmoid)).build();
    none(bce().batch_size(50).review(&over(0.0)?, &few)?, "overfitting");
    none(bce().schedule(Cosine::new()).clip(Clip::Norm(1.0)).review(&over(0.1)?, &few)?, "overfitting, regularised");
    let flat = train.to_matrix::<f32>();
    let linear = Autoencoder::<f32>::builder(Shape::flat(784)).encoder(Dense::new(32)).decoder(Dense::new(784));
    none(trainer().review(&linear.build()?, &flat)?, "linear");
    for penalty in [0.0, 1e-4] {
        let sparse = image().encoder(relu(32)).encoder(L1Activity::new(penalty)).mirror(Activation::Sigmoid).build()?;
        none(bce().review(&sparse, &train)?, "sparse");
    }
    let classifier = Network::<f32>::builder(Shape::image(28, 28, 1))
        .layer(relu(128))
        .layer(Dense::new(10).activation(Activation::Softmax))
        .build()?;
    let labels = idx::read_labels(mnist("t10k-labels-idx1-ubyte"))?.split_at(600).0.to_one_hot::<f32>(10)?;
    let entropy = Trainer::new(CategoricalCrossEntropy, RmsProp::default()).epochs(20).metric(Accuracy);
    none(entropy.review_to(&classifier, &train, &labels)?, "mnist_classifier");
    Ok(())
}

/// The front page's layers, with another number of filters; both examples' codes have more numbers
/// than an image.
fn convolutional(filters: usize) -> Result<Autoencoder<f32>, BuildError> {
    let conv = |filters| Conv2D::new(filters, 3).activation(Activation::Relu);
    Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(conv(32))
        .encoder(MaxPool::new(2))
        .encoder(conv(filters))
        .encoder(MaxPool::new(2))
        .mirror(Activation::Sigmoid)
        .build()
}

#[test]
fn nothing_is_said_about_variational_models() -> Outcome {
    let pixels = images::<f32>(300);
    let relu = |units| Dense::new(units).activation(Activation::Relu);
    let bernoulli = Autoencoder::<f32>::builder(Shape::flat(784))
        .encoder(relu(400))
        .encoder(Dense::new(2 * 20))
        .encoder(GaussianLatent::new())
        .decoder(relu(400))
        .decoder(Dense::new(784).activation(Activation::Sigmoid))
        .build()?;
    let nats = Bce.reduction(Reduction::SumPerSample);
    none(Trainer::new(nats, Adam::default()).epochs(20).review(&bernoulli, &pixels)?, "pixels");
    let data = table(300);
    let normal = Autoencoder::<f64>::builder(Shape::flat(34))
        .scaler(StandardScaler::fit(&data)?)
        .encoder(Dense::new(16).activation(Activation::Tanh))
        .encoder(Dense::new(2 * 4))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(16).activation(Activation::Tanh))
        .decoder(Dense::new(34))
        .build()?;
    none(Trainer::new(GaussianNll::default(), Adam::default()).epochs(20).review(&normal, &data)?, "a table");
    Ok(())
}
