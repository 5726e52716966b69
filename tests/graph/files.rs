//! Files of models whose layers join others.

use autoencoder::*;

use crate::common::{Numbers, Outcome, error_of};
use crate::{names, residual, u_net};

fn bytes<T: Scalar>(model: &Autoencoder<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).expect("memory takes everything");
    bytes
}

fn format_of(bytes: &[u8]) -> char {
    char::from(bytes[52])
}

#[test]
fn a_graph_is_saved_with_what_it_joins() -> Outcome {
    let model = u_net::<f32>().seed(3).build()?;
    let file = bytes(&model);
    assert_eq!(format_of(&file), '2');
    let again = Autoencoder::<f32>::from_bytes(&file)?;
    assert_eq!(names(again.network()), names(model.network()));
    assert_eq!(again.to_dot(), model.to_dot());
    assert_eq!(bytes(&again), file);
    let data = Numbers::new(1).matrix::<f32>(64, 7);
    assert_eq!(again.reconstruct(&data)?, model.reconstruct(&data)?);
    Ok(())
}

#[test]
fn networks_of_blocks_are_saved_too() -> Outcome {
    let network =
        Network::<f64>::builder(Shape::image(4, 3, 2)).layer(residual(2)).layer_named("last", residual(2)).build()?;
    let mut file = Vec::new();
    network.write_to(&mut file)?;
    let again = Network::<f64>::from_bytes(&file)?;
    let data = Numbers::new(1).matrix::<f64>(24, 3);
    assert_eq!(again.predict(&data)?, network.predict(&data)?);
    assert_eq!(again.to_dot(), network.to_dot());
    Ok(())
}

#[test]
fn a_chain_keeps_the_first_format() -> Outcome {
    let chain =
        Autoencoder::<f32>::builder(Shape::flat(5)).encoder(Dense::new(2)).mirror(Activation::Linear).build()?;
    assert_eq!(format_of(&bytes(&chain)), '1');
    let named = Autoencoder::<f32>::builder(Shape::flat(5)).encoder_named("code", Dense::new(2));
    let named = named.mirror(Activation::Linear).build()?;
    assert_eq!(format_of(&bytes(&named)), '2');
    assert_eq!(names(Autoencoder::<f32>::from_bytes(&bytes(&named))?.network()), ["encoder.code", "decoder.0"]);
    Ok(())
}

/// A file that claims to join what it does not have is refused, as any other change is.
#[test]
fn a_file_that_joins_nothing_there_is_refused() -> Outcome {
    let file = bytes(&u_net::<f32>().build()?);
    let changed: Vec<u8> = {
        let text = b"\\\"joins\\\":[\\\"encoder.fine\\\"]";
        let place = file.windows(text.len()).position(|window| window == text).expect("it is there");
        let mut changed = file.clone();
        changed[place + text.len() - 4] = b'x';
        changed
    };
    error_of(Autoencoder::<f32>::from_bytes(&changed), "a damaged file");
    Ok(())
}

#[test]
fn training_of_a_graph_is_resumed_with_the_same_bits() -> Outcome {
    let folder = std::env::temp_dir().join(format!("autoencoder-graph-{}", std::process::id()));
    let data = Numbers::new(5).matrix::<f32>(64, 48);
    let trainer = || Trainer::new(Bce, Adam::new(0.01)).batch_size(16);
    let mut whole = u_net::<f32>().build()?;
    trainer().epochs(4).fit(&mut whole, &data)?;
    let mut halves = u_net::<f32>().build()?;
    let checkpoints = || Checkpoints::new(&folder);
    trainer().epochs(2).checkpoints(checkpoints()).fit(&mut halves, &data)?;
    let mut resumed = u_net::<f32>().build()?;
    trainer().epochs(4).resume_or_start(&folder).fit(&mut resumed, &data)?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(bytes(&resumed), bytes(&whole));
    Ok(())
}
