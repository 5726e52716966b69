//! The front page's program is the same in the README, in the crate's documentation and in the example, and works in `f32` and `f64`.

mod common;

use autoencoder::data::idx;
use autoencoder::{Activation, Adam, Autoencoder, Bce, Conv2D, Error, MaxPool, Shape, Trainer, UpSample};

const EXAMPLE: &str = include_str!("../examples/front_page.rs");
const README: &str = include_str!("../README.md");
const CRATE: &str = include_str!("../src/lib.rs");

#[test]
fn the_program_is_the_same_everywhere() {
    let program = &EXAMPLE[EXAMPLE.find("use autoencoder").unwrap()..];
    assert!(README.contains(program), "the README shows another program than examples/front_page.rs");
    let documented: Vec<&str> = CRATE.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let documented: Vec<&str> = documented.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    assert!(documented.join("\n").contains(program.trim_end()), "the crate's documentation shows another program");
}

/// The program itself on fewer images, for a float type.
macro_rules! front_page {
    ($name:ident, $float:ty) => {
        #[test]
        fn $name() -> Result<(), Error> {
            let images = idx::read_images(common::mnist("t10k-images-idx3-ubyte"))?.to_matrix::<$float>();
            let images = images.columns(0, 320);
            let (train, test) = images.columns_range_pair(..256, 256..);

            let mut model = Autoencoder::<$float>::builder(Shape::image(28, 28, 1))
                .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
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
            assert!(model.summary().to_string().contains("74497 parameters"));

            let history = Trainer::new(Bce, Adam::default())
                .epochs(2)
                .batch_size(64)
                .validation(&test)
                .fit(&mut model, &train)?;
            let losses: Vec<f64> = history.epochs().iter().map(|epoch| epoch.loss).collect();
            assert!(losses[1] < losses[0], "{losses:?}");
            assert!(history.validation_loss().is_some());

            let codes = model.encode(&test)?;
            let images_again = model.decode(&codes)?;
            let errors = model.reconstruction_error(&test)?;
            assert_eq!(codes.ncols(), errors.len());
            assert_eq!(images_again.nrows(), 28 * 28);

            let path = std::env::temp_dir().join(format!(
                "front-page-{}-{}.safetensors",
                stringify!($float),
                std::process::id()
            ));
            model.save(&path)?;
            let model = Autoencoder::<$float>::load(&path)?;
            std::fs::remove_file(&path).ok();
            assert_eq!(model.encode(&test)?, codes);
            Ok(())
        }
    };
}

front_page!(works_in_f32, f32);
front_page!(works_in_f64, f64);
