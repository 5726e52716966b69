//! IDX files: damaged, foreign, or promising too much.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use autoencoder::data::idx;
use autoencoder::*;
use flate2::{Compression, write::GzEncoder};

use crate::common::{Outcome, error_of};

/// Writes a file of that name for this test run.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Two images of 2 x 3 pixels, and three labels.
fn images() -> Vec<u8> {
    [words(&[0x803, 2, 2, 3]), vec![0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]].concat()
}

fn labels() -> Vec<u8> {
    [words(&[0x801, 3]), vec![1, 9, 0]].concat()
}

#[test]
fn good_files_plain_and_compressed() -> Outcome {
    let mut files = vec![("good", images())];
    if cfg!(feature = "gzip") {
        files.push(("good.gz", gzip(&images())));
    }
    for (name, bytes) in files {
        let path = file(name, &bytes);
        let images = idx::read_images(&path)?;
        assert_eq!((images.count(), images.shape()), (2, Shape::image(2, 3, 1)));
        assert_eq!(images.image(1), Some(&[1, 2, 3, 4, 5, 6][..]));
        assert_eq!((images.image(2), images.image(usize::MAX)), (None, None));
        let matrix = images.to_matrix::<f64>();
        assert_eq!(matrix.shape(), (6, 2));
        assert_eq!((matrix[(0, 0)], matrix[(1, 0)], matrix[(5, 0)]), (0.0, 51.0 / 255.0, 1.0));
        let (first, rest) = images.split_at(1);
        assert_eq!((first.count(), rest.count(), rest.split_at(usize::MAX).1.count()), (1, 1, 0));
        fs::remove_file(path)?;
    }
    let path = file("labels", &labels());
    let labels = idx::read_labels(&path)?;
    assert_eq!((labels.as_slice(), labels.count()), (&[1, 9, 0][..], 3));
    assert_eq!(labels.to_one_hot::<f32>(10)?.column(1).imax(), 9);
    let error = error_of(labels.to_one_hot::<f32>(9), "a label of 9");
    assert_eq!(error.to_string(), "the label of sample 1 is 9, the classes are 0..9");
    assert!(matches!(labels.to_one_hot::<f32>(0), Err(DataError::Label { sample: 0, label: 1, classes: 0 })));
    for classes in [usize::MAX, 1 << 40] {
        assert!(labels.to_one_hot::<f32>(classes).is_err(), "{classes} classes");
    }
    fs::remove_file(path)?;
    Ok(())
}

/// Each file gives an error with its name and that text.
fn refused(rows: Vec<(&str, Vec<u8>, &str)>) {
    for (name, bytes, text) in rows {
        let path = file(name, &bytes);
        let error = error_of(idx::read_images(&path), name).to_string();
        assert!(error.contains(text) && error.contains(name), "{error}\nexpected: {text}");
        fs::remove_file(path).unwrap();
    }
}

/// Bytes that are no file of images, and what the error says.
#[test]
fn bad_files() -> Outcome {
    let (good, promise) = (images(), |dimensions: &[u32]| [words(&[0x803]), words(dimensions), vec![0; 12]].concat());
    refused(vec![
        ("empty", vec![], "cannot read"),
        ("short", good[..3].to_vec(), "cannot read"),
        ("header", good[..15].to_vec(), "cannot read"),
        ("truncated", good[..good.len() - 1].to_vec(), "its header promises 12 bytes of data, 11 were found"),
        ("long", [good.clone(), vec![0]].concat(), "its header promises 12 bytes of data, 13 were found"),
        ("labels", labels(), "is not an IDX file of images (it begins with 0x00000801)"),
        ("png", b"\x89PNG\r\n\x1a\n0123456789".to_vec(), "is not an IDX file of images (it begins with 0x89504e47)"),
        ("floats", [words(&[0xd03, 2, 2, 3]), vec![0; 48]].concat(), "is not an IDX file of images"),
        ("huge", promise(&[u32::MAX, u32::MAX, u32::MAX]), "promises more data than the limit"),
        ("large", promise(&[1 << 16, 1 << 16, 1]), "promises more data than the limit"),
        (
            "promise",
            promise(&[1 << 11, 1 << 10, 1 << 10]),
            "its header promises 2147483648 bytes of data, 12 were found",
        ),
    ]);
    let path = file("images-as-labels", &good);
    let error = error_of(idx::read_labels(&path), "images").to_string();
    assert!(error.contains("is not an IDX file of labels (it begins with 0x00000803)"), "{error}");
    fs::remove_file(path)?;
    let missing = error_of(idx::read_images("no/such/file"), "no file");
    assert!(matches!(&missing, DataError::Read { path, .. } if path.ends_with("file")), "{missing}");
    assert!(idx::read_images(env!("CARGO_TARGET_TMPDIR")).is_err(), "a directory");
    Ok(())
}

/// The same of compressed files.
#[cfg(feature = "gzip")]
#[test]
fn bad_compressed_files() {
    let (good, packed) = (images(), gzip(&images()));
    let mut flipped = packed.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 0xff;
    refused(vec![
        ("cut.gz", packed[..packed.len() - 9].to_vec(), "cannot read"),
        ("header.gz", packed[..5].to_vec(), "cannot read"),
        ("flipped.gz", flipped, "cannot read"),
        ("inside.gz", gzip(&good[..20]), "its header promises 12 bytes of data, 4 were found"),
        ("foreign.gz", gzip(b"a text, and no images"), "is not an IDX file of images"),
    ]);
}

/// Without the feature a compressed file says what to do.
#[cfg(not(feature = "gzip"))]
#[test]
fn compressed_files_without_the_feature() {
    let path = file("packed.gz", &gzip(&images()));
    let error = error_of(idx::read_images(&path), "compressed");
    assert!(matches!(&error, DataError::Compressed { path: found } if *found == path), "{error:?}");
    let text = error.to_string();
    assert!(text.ends_with("packed.gz is compressed; build with the feature `gzip` or unpack it first"), "{text}");
    fs::remove_file(path).unwrap();
}

/// Images without pixels, and files without images.
#[test]
fn empty_files() -> Outcome {
    for (name, dimensions) in [("none", [0, 28, 28]), ("flat", [5, 0, 28]), ("wide", [0, u32::MAX, u32::MAX])] {
        let path = file(name, &words(&[&[0x803][..], &dimensions].concat()));
        let images = idx::read_images(&path)?;
        assert_eq!(images.count(), 0, "{name}");
        assert_eq!(images.to_matrix::<f32>().ncols(), 0);
        let mut model =
            Autoencoder::<f32>::builder(Shape::flat(784)).encoder(Dense::new(2)).mirror(Activation::Linear).build()?;
        let error = error_of(Trainer::new(Mse, Sgd::default()).fit(&mut model, &images), name);
        assert_eq!(error.to_string(), "training stopped before the first step: there are no samples");
        fs::remove_file(path)?;
    }
    Ok(())
}
