//! The program in the README. Run it in the folder of `t10k-images-idx3-ubyte.gz` (`examples/data`).
#![cfg_attr(rustfmt, rustfmt_skip)] // the README's own line breaks

use autoencoder::data::idx;
use autoencoder::{
    Activation, Adam, Autoencoder, Bce, Conv2D, Error, MaxPool, Shape, Trainer, UpSample,
};

fn main() -> Result<(), Error> {
    let images = idx::read_images("t10k-images-idx3-ubyte.gz")?.to_matrix::<f32>(); // one image per column, pixels in 0..=1
    let (train, test) = images.columns_range_pair(..9_000, 9_000..);

    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu)) // adds a layer: 32 filters of 3x3, `same` padding
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(42)
        .build()?;
    println!("{}", model.summary()); // a table: layer, output shape, parameters

    let history = Trainer::new(Bce, Adam::default())
        .epochs(2)
        .batch_size(256)
        .validation(&test)
        .fit(&mut model, &train)?;
    for warning in history.warnings() {
        eprintln!("warning: {warning}"); // what may be a mistake: none here
    }
    if let Some(loss) = history.validation_loss() {
        println!("validation loss {loss:.4}"); // of the last epoch
    }

    let codes = model.encode(&test)?; // features x samples
    let images_again = model.decode(&codes)?;
    let errors = model.reconstruction_error(&test)?; // mean squared error of each sample
    assert_eq!(codes.ncols(), errors.len());
    assert_eq!(images_again.nrows(), 28 * 28);

    model.save("mnist.safetensors")?;
    let model = Autoencoder::<f32>::load("mnist.safetensors")?;
    assert_eq!(model.encode(&test)?, codes);
    Ok(())
}
