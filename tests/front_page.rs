//! The front page's program is the same in the README, in the crate's documentation and in the
//! example, and works in `f32` and `f64`.

mod common;

use autoencoder::data::idx;
use autoencoder::{Adam, Autoencoder, Bce, Error, Shape, Trainer};

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

/// The README's recipe for anomalies, and what people do with it.
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "an error that is not a number is not to pass")]
mod recipe {
    include!("front_page/anomalies.rs");

    use super::common::{Numbers, Outcome, error_of};

    #[test]
    fn the_recipe_is_the_readmes() {
        assert!(super::README.contains(include_str!("front_page/anomalies.rs")), "the README shows another recipe");
    }

    /// Rows in which eight features, one of them large, follow from two numbers.
    fn table(seed: u64, rows: usize) -> DMatrix<f64> {
        let mut numbers = Numbers::new(seed);
        let hidden = numbers.matrix::<f64>(2, rows);
        DMatrix::from_fn(8, rows, |feature, row| {
            let mixed = hidden[(0, row)] * feature as f64 + hidden[(1, row)] * (7 - feature) as f64;
            [1.0, 1000.0][feature % 2] * (mixed + 0.1 * numbers.unit())
        })
    }

    fn share(found: &[bool]) -> f64 {
        found.iter().filter(|found| **found).count() as f64 / found.len() as f64
    }

    #[test]
    fn the_recipe_finds_rows_that_are_unlike_and_few_that_are_not() -> Outcome {
        let mut good = table(1, 400);
        let (model, threshold) = learn(&good)?;
        let fresh = anomalies(&model, threshold, &table(2, 400))?;
        assert!(share(&fresh) < 0.05, "{} of fresh rows", share(&fresh));
        // Each value by itself is as usual; the row is not.
        let mixed = DMatrix::from_fn(8, 100, |feature, row| good[(feature, (row * 7 + feature * 31) % 400)]);
        assert!(share(&anomalies(&model, threshold, &mixed)?) > 0.8);
        // A sorted table has the same rows.
        let mut order: Vec<usize> = (0..400).collect();
        order.sort_by(|one, other| good[(0, *one)].total_cmp(&good[(0, *other)]));
        good = good.select_columns(&order);
        let (model, threshold) = learn(&good)?;
        assert!(share(&anomalies(&model, threshold, &table(2, 400))?) < 0.05);
        Ok(())
    }

    /// On the second day there is a saved model, another table, or nothing at all.
    #[test]
    fn the_recipe_survives_its_second_day() -> Outcome {
        let (good, other) = (table(1, 60), table(3, 60) * 2.0);
        let (model, threshold) = learn(&good)?;
        let path = std::env::temp_dir().join(format!("recipe-{}.safetensors", std::process::id()));
        model.save(&path)?;
        let again = Autoencoder::<f64>::load(&path)?;
        std::fs::remove_file(&path)?;
        let new = table(2, 30);
        assert_eq!(anomalies(&again, threshold, &new)?, anomalies(&model, threshold, &new)?);
        let (of_other, its_threshold) = learn(&other)?;
        assert_ne!(of_other.network().parameter_vector(), model.network().parameter_vector());
        assert_ne!(its_threshold, threshold);
        assert!(anomalies(&model, threshold, &DMatrix::zeros(8, 0))?.is_empty());
        assert!(error_of(learn(&DMatrix::zeros(8, 0)), "no rows").to_string().contains("there are no samples"));
        for rows in 2..7 {
            assert!(learn(&table(1, rows))?.1.is_finite(), "{rows} rows");
        }
        assert_eq!(anomalies(&model, f64::NAN, &new)?, vec![true; 30], "what cannot be compared is no good row");
        Ok(())
    }
}

/// The program itself on fewer images, for a float type.
macro_rules! front_page {
    ($name:ident, $float:ty) => {
        #[test]
        fn $name() -> Result<(), Error> {
            let images = idx::read_images(common::mnist("t10k-images-idx3-ubyte"))?.to_matrix::<$float>();
            let images = images.columns(0, 320);
            let (train, test) = images.columns_range_pair(..256, 256..);

            let mut model =
                common::convolutional(Autoencoder::<$float>::builder(Shape::image(28, 28, 1))).seed(42).build()?;
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
