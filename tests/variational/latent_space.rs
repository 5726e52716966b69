//! Sampling, walks through the space of codes, and the report of collapsed dimensions.

use autoencoder::*;

use crate::common::{Outcome, distance};
use crate::{NATS, bits, builder};

fn model() -> Result<Autoencoder<f64>, BuildError> {
    builder(GaussianLatent::new()).build()
}

#[test]
fn samples_repeat_and_do_not_depend_on_their_number() -> Outcome {
    let model = model()?;
    let ten = model.sample(10, 4)?;
    assert_eq!(model.sample(3, 4)?, ten.columns(0, 3));
    assert_ne!(model.sample(10, 5)?, ten);
    assert_eq!(model.sample(0, 4)?.shape(), (12, 0));
    Ok(())
}

/// What is not decoded as it was encoded cannot be drawn from the prior.
#[test]
fn only_a_variational_code_has_a_prior() -> Outcome {
    let plain =
        Autoencoder::<f64>::builder(Shape::flat(4)).encoder(Dense::new(2)).mirror(Activation::Linear).build()?;
    let bent = Autoencoder::<f64>::builder(Shape::flat(4)).encoder(Dense::new(4)).encoder(GaussianLatent::new());
    let bent = bent.encoder(Activation::Sigmoid).decoder(Dense::new(4)).build()?;
    for model in [plain, bent] {
        assert!(matches!(model.sample(3, 1), Err(Error::Input(InputError::NotVariational))));
    }
    Ok(())
}

#[test]
fn walks_begin_and_end_where_they_should() -> Outcome {
    let (model, a, b) = (model()?, [1.0, 0.0, 0.5], [-0.2, 2.0, 0.0]);
    let ends = [model.decode(&a[..])?, model.decode(&b[..])?];
    for walk in [model.interpolate(&a, &b, 7)?, model.interpolate_spherical(&a, &b, 7)?] {
        assert_eq!(walk.shape(), (12, 7));
        for (step, end) in [(0, &ends[0]), (6, &ends[1])] {
            assert!(distance(walk.column(step).as_slice(), end.as_slice()) < 1e-14);
        }
    }
    let middle = model.decode(&[0.4, 1.0, 0.25][..])?;
    assert!(distance(model.interpolate(&a, &b, 3)?.column(1).as_slice(), middle.as_slice()) < 1e-14);
    assert!(distance(model.interpolate(&a, &b, 1)?.as_slice(), ends[0].as_slice()) < 1e-14);
    assert_eq!(model.interpolate(&a, &b, 0)?.shape(), (12, 0));
    Ok(())
}

/// A model whose decoder gives back the code.
fn plane() -> Result<Autoencoder<f64>, Error> {
    let identity = Autoencoder::<f64>::builder(Shape::flat(2)).encoder(Dense::new(2)).decoder(Dense::new(2));
    let mut model = identity.build()?;
    model.set_parameter("decoder.0.weight", &[1.0, 0.0, 0.0, 1.0])?;
    Ok(model)
}

/// On an arc between codes of one length, every code has that length; where there is no arc, the
/// line is taken.
#[test]
fn an_arc_stays_on_its_sphere() -> Outcome {
    let model = plane()?;
    let arc = model.interpolate_spherical(&[2.0, 0.0], &[0.0, 2.0], 9)?;
    assert!(arc.column_iter().all(|code| (code.norm() - 2.0).abs() < 1e-14));
    let half = 2.0 / 2.0_f64.sqrt();
    assert!(distance(arc.column(4).as_slice(), &[half, half]) < 1e-15);
    let large = model.interpolate_spherical(&[2e200, 0.0], &[0.0, 2e200], 9)?;
    assert!(distance(large.column(4).as_slice(), &[half * 1e200, half * 1e200]) < 1e-15);
    for b in [[0.0, 0.0], [-4.0, 0.0], [4.0, 0.0]] {
        assert_eq!(model.interpolate_spherical(&[2.0, 0.0], &b, 5)?, model.interpolate(&[2.0, 0.0], &b, 5)?);
    }
    Ok(())
}

#[test]
fn a_traverse_changes_one_dimension() -> Outcome {
    let (model, code) = (model()?, [0.3, -0.1, 0.8]);
    let walk = model.traverse(&code, 1, -2.0..=2.0, 5)?;
    let expected = model.decode(&[0.3, 1.0, 0.8][..])?;
    assert!(distance(walk.column(3).as_slice(), expected.as_slice()) < 1e-14);
    let kept = plane()?.traverse(&[0.1, 0.3], 0, -1.0..=1.0, 101)?;
    assert!(kept.row(1).iter().all(|value| *value == 0.3), "the other dimension has changed");
    assert_eq!((kept[(0, 0)], kept[(0, 100)]), (-1.0, 1.0));
    let refused = model.traverse(&code, 3, -2.0..=2.0, 5);
    assert!(matches!(refused, Err(Error::Input(InputError::NoSuchDimension { dimension: 3, dimensions: 3 }))));
    for refused in [model.traverse(&code[..2], 0, -2.0..=2.0, 5), model.interpolate(&code, &code[..2], 5)] {
        assert!(matches!(refused, Err(Error::Input(InputError::Features { expected: 3, found: 2, .. }))));
    }
    let refused = model.interpolate_spherical(&code, &[f64::NAN; 3], 5);
    assert!(matches!(refused, Err(Error::Input(InputError::NotFinite { .. }))), "{refused:?}");
    Ok(())
}

/// A dimension whose mean is constant is not in use, whatever its divergence.
#[test]
fn collapsed_dimensions_are_found() -> Outcome {
    let (data, mut model) = (bits(12, 200), model()?);
    Trainer::new(Bce.reduction(NATS), Adam::new(0.01)).epochs(60).batch_size(20).fit(&mut model, &data)?;
    assert_eq!(model.latent_report(&data)?.active(), [0, 1, 2]);
    let mut weight = model.network().parameter("encoder.1.weight")?.values.to_vec();
    weight.iter_mut().skip(1).step_by(6).for_each(|value| *value = 0.0);
    model.set_parameter("encoder.1.weight", &weight)?;
    let report = model.latent_report(&data)?;
    assert_eq!((report.active(), report.collapsed()), (vec![0, 2], vec![1]));
    assert!(report.variance_of_mean[1] < 1e-20);
    let by_hand: f64 = model.encode_distribution(&data)?.kl().sum() / 200.0;
    assert!((report.kl.iter().sum::<f64>() - by_hand).abs() < 1e-12);
    let none = nalgebra::DMatrix::zeros(12, 0);
    assert!(matches!(model.latent_report(&none), Err(Error::Input(InputError::Empty))));
    assert!(matches!(model.activity(&none), Err(Error::Input(InputError::Empty))));
    Ok(())
}
