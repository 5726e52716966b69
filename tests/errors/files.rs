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
    let text = "the label of sample 1 (counted from 0) is 9, the classes are 0..9; ask for at least 10 classes";
    assert!(error.to_string().starts_with(text), "{error}");
    assert!(matches!(labels.to_one_hot::<f32>(0), Err(DataError::Label { sample: 0, label: 1, classes: 0 })));
    for classes in [usize::MAX, 1 << 40] {
        let error = error_of(labels.to_one_hot::<f32>(classes), "too many classes").to_string();
        assert!(error.starts_with("cannot allocate memory for "), "{classes} classes: {error}");
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
        ("empty", vec![], "is not an IDX file of images: it is empty; copying, downloading or writing it has failed"),
        ("short", good[..3].to_vec(), "is not an IDX file of images: it is of an unknown kind"),
        (
            "header",
            good[..15].to_vec(),
            "is damaged: its header has 16 bytes, 15 were found; copy or download it again",
        ),
        ("truncated", good[..good.len() - 1].to_vec(), "its header promises 12 bytes of data, 11 were found"),
        ("long", [good.clone(), vec![0]].concat(), "its header promises 12 bytes of data, 13 were found"),
        (
            "labels",
            labels(),
            "is not an IDX file of images: it is an IDX file of labels; read labels with `read_labels`",
        ),
        ("strange", vec![0x12, 0x34, 0, 9], "it is of an unknown kind (it begins with 0x12340009); give a file in the"),
        ("floats", [words(&[0xd03, 2, 2, 3]), vec![0; 48]].concat(), "element type 13; only files of unsigned bytes"),
        ("colours", [words(&[0x804, 1, 2, 2, 3]), vec![0; 12]].concat(), "probably colour images; only grey images"),
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
    let text = "is not an IDX file of labels: it is an IDX file of grey images; read images with `read_images`";
    assert!(error.ends_with(text), "{error}");
    fs::remove_file(path)?;
    let missing = error_of(idx::read_images("no/such/file"), "no file");
    assert!(matches!(&missing, DataError::Read { path, .. } if path.ends_with("file")), "{missing}");
    assert!(missing.to_string().contains("check the path; a relative one starts at the folder"), "{missing}");
    let folder = error_of(idx::read_images(env!("CARGO_TARGET_TMPDIR")), "a folder").to_string();
    assert!(!cfg!(unix) || folder.ends_with("this is a folder; name a file in it"), "{folder}");
    Ok(())
}

/// What a beginner may take for a file of images: the message says what it is, and what to do with
/// it.
#[test]
fn a_foreign_file_is_recognised() {
    let zip = |name: &str| [b"PK\x03\x04".as_slice(), &[0; 22], &[name.len() as u8, 0, 0, 0], name.as_bytes()].concat();
    let read_yourself = "read it with a crate for that format, into a matrix with one sample per column";
    refused(vec![
        (
            "table.csv",
            b"length,width\n1.5,2\n".to_vec(),
            "it is a table in text form, such as CSV; read it with a crate",
        ),
        ("table.parquet", b"PAR1\x15\x04\x15\x10".to_vec(), &format!("it is a Parquet file; {read_yourself}")),
        ("notes.txt", b"nothing but words\n".to_vec(), &format!("it is a text file; {read_yourself}")),
        ("data.json", b"{\"pixels\": [0, 1]}".to_vec(), &format!("it is a JSON file; {read_yourself}")),
        ("data.npy", b"\x93NUMPY\x01\0v\0{'descr'".to_vec(), &format!("it is a NumPy file; {read_yourself}")),
        ("data.npz", zip("x_train.npy"), &format!("it is a NumPy file; {read_yourself}")),
        ("data.h5", b"\x89HDF\r\n\x1a\n\0\0\0".to_vec(), "it is an HDF5 file, as of Keras; read it with a crate"),
        ("data.pkl", b"\x80\x04\x95\x10\0".to_vec(), "it is a Python pickle"),
        ("data.pt", zip("archive/data.pkl"), "it is a PyTorch file"),
        (
            "cat.png",
            b"\x89PNG\r\n\x1a\n0123456789".to_vec(),
            "it is a picture; decode pictures with a crate such as `image`",
        ),
        (
            "denied.gz",
            b"<!DOCTYPE html><title>403</title>".to_vec(),
            "it is a web page; copying, downloading or writing",
        ),
        (
            "pointer",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "get the file itself with `git lfs pull`",
        ),
        ("images.zip", zip("t10k-images-idx3-ubyte"), "it is a compressed file; unpack it first"),
    ]);
    let builder = Autoencoder::<f32>::builder(Shape::flat(4)).encoder(Dense::new(2)).mirror(Activation::Linear);
    let path = file("model-as-images", &[]);
    builder.build().expect("a model").save(&path).expect("a file");
    let error = error_of(idx::read_images(&path), "a model").to_string();
    assert!(
        error.ends_with("it is a model file of this crate; load it with `Autoencoder::load` or `Network::load`"),
        "{error}"
    );
    fs::remove_file(path).expect("the file");
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
        ("cut.gz", packed[..packed.len() - 9].to_vec(), "it is damaged; copy or download it again"),
        ("header.gz", packed[..5].to_vec(), "it is damaged; copy or download it again"),
        ("flipped.gz", flipped, "cannot read"),
        ("inside.gz", gzip(&good[..20]), "its header promises 12 bytes of data, 4 were found"),
        ("foreign.gz", gzip(b"a text and no images"), "is not an IDX file of images: it is a text file"),
        ("twice.gz", gzip(&packed), "is not an IDX file of images: it is compressed with gzip; unpack it first"),
        ("more.gz", [packed.clone(), packed.clone()].concat(), "its header promises 12 bytes of data, 13 were found"),
        ("garbage.gz", [packed.clone(), b"garbage".to_vec()].concat(), "cannot read"),
        ("half.gz", [gzip(&good[..20]), gzip(&good[20..])[..9].to_vec()].concat(), "cannot read"),
    ]);
}

/// A file of several members is the whole of them, wherever they are divided: `cat a.gz b.gz`, and
/// `bgzip`, whose members have an extra field and whose last one is empty.
#[cfg(feature = "gzip")]
#[test]
fn a_gzip_file_of_several_members_is_read_to_its_end() -> Outcome {
    let good = images();
    let of_bgzip = |bytes: &[u8]| {
        let builder = flate2::GzBuilder::new().extra(b"BC\x02\0\x1b\0".as_slice());
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a member")
    };
    let mut files = vec![
        ("bgzip.gz", [of_bgzip(&good[..10]), of_bgzip(&good[10..]), of_bgzip(&[])].concat()),
        ("empty.gz", [gzip(&[]), gzip(&good), gzip(&[])].concat()),
        ("padded.gz", [gzip(&good), vec![0; 100_000]].concat()),
        ("gap.gz", [gzip(&good[..7]), vec![0; 3], gzip(&good[7..])].concat()),
        ("bytes.gz", good.iter().flat_map(|byte| gzip(&[*byte])).collect()),
    ];
    files.extend((0..=good.len()).map(|at| ("two.gz", [gzip(&good[..at]), gzip(&good[at..])].concat())));
    for (name, bytes) in files {
        let path = file(name, &bytes);
        let images = idx::read_images(&path)?;
        assert_eq!((images.count(), images.image(1)), (2, Some(&[1, 2, 3, 4, 5, 6][..])), "{name}");
        fs::remove_file(path)?;
    }
    Ok(())
}

/// A pipe gives bytes as they come, the first ones one by one; and it is closed early, not read to
/// its end.
#[cfg(target_os = "linux")]
#[test]
fn images_may_come_from_a_pipe() -> Outcome {
    use std::os::fd::AsRawFd;
    let mut files = vec![(images(), Some(2)), ([images(), vec![0; 1 << 20]].concat(), None)];
    if cfg!(feature = "gzip") {
        files.push((gzip(&images()), Some(2)));
    }
    for (bytes, count) in files {
        let (reader, mut writer) = std::io::pipe()?;
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let writing = std::thread::spawn(move || {
            for part in bytes.chunks(1).take(30).chain([bytes.get(30..).unwrap_or(&[])]) {
                if writer.write_all(part).is_err() {
                    return; // nobody reads on
                }
                std::thread::yield_now();
            }
        });
        assert_eq!(idx::read_images(&path).ok().map(|images| images.count()), count);
        drop(reader);
        writing.join().expect("no panic");
    }
    for device in ["/dev/zero", "/dev/null"] {
        assert!(matches!(idx::read_images(device), Err(DataError::NoImages { .. })), "{device}");
    }
    Ok(())
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
        assert!(
            error.to_string().starts_with("training stopped before the first step: there are no samples; "),
            "{error}"
        );
        fs::remove_file(path)?;
    }
    Ok(())
}
