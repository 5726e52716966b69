use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

/// A model of `good` rows, and the error that about one good row in a hundred exceeds. Each column
/// of a matrix is one row of the table.
fn learn(good: &DMatrix<f64>) -> Result<(Autoencoder<f64>, f64), Error> {
    let (held_out, train): (Vec<usize>, Vec<usize>) = (0..good.ncols()).partition(|row| row % 5 == 0);
    let (held_out, train) = (good.select_columns(&held_out), good.select_columns(&train));
    let mut model = Autoencoder::<f64>::builder(Shape::flat(good.nrows()))
        .scaler(StandardScaler::fit(&train)?) // is saved with the model
        .encoder(Dense::new(16).activation(Activation::Tanh))
        .encoder(Dense::new(4))
        .mirror(Activation::Linear) // the decoder: the same layers in reverse
        .build()?;
    Trainer::new(Mse, Adam::default())
        .epochs(200)
        .validation(&held_out)
        .early_stopping(EarlyStopping::new(10))
        .fit(&mut model, &train)?;

    let mut errors = model.scaled_reconstruction_error(&held_out)?; // every feature counts alike, whatever its unit
    errors.sort_by(f64::total_cmp);
    let threshold = errors.get(errors.len() * 99 / 100).copied().unwrap_or(0.0);
    Ok((model, threshold))
}

/// Which of the `new` rows are unlike the good ones.
fn anomalies(model: &Autoencoder<f64>, threshold: f64, new: &DMatrix<f64>) -> Result<Vec<bool>, Error> {
    let errors = model.scaled_reconstruction_error(new)?;
    Ok(errors.iter().map(|error| !(*error <= threshold)).collect()) // not `>`: an error that is no number counts, too
}
