//! Files in a folder: replaced as one, errors with their path, nothing left behind.

use std::fs;
use std::path::PathBuf;

use autoencoder::{Autoencoder, ModelFileErrorKind as Kind, Network, Registry};

use crate::support::{bytes, network_bytes, refusal, small};

/// A folder for one test, removed when it is done.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("autoencoder-model-file-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn saving_replaces_and_leaves_nothing_else() {
    let folder = Folder::new("replace");
    let path = folder.0.join("model.safetensors");
    fs::write(&path, "an older file").unwrap();
    let model = small::<f32>();
    model.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&model));
    assert_eq!(bytes(&Autoencoder::<f32>::load(&path).unwrap()), bytes(&model));
    assert_eq!(bytes(&Autoencoder::<f32>::load_with(&path, &Registry::default()).unwrap()), bytes(&model));
    assert!(Autoencoder::<f64>::load_as(&path, &Registry::default()).is_ok());
    assert_eq!(folder.names(), ["model.safetensors"]);

    let encoder = folder.0.join("encoder.safetensors");
    model.encoder().save(&encoder).unwrap();
    assert_eq!(network_bytes(&Network::<f32>::load(&encoder).unwrap()), network_bytes(&model.encoder()));
    assert!(Network::<f64>::load_as(&encoder, &Registry::default()).is_ok());
}

#[test]
fn what_is_not_a_file_stays() {
    let folder = Folder::new("folder");
    let path = folder.0.join("model.safetensors");
    fs::create_dir(&path).unwrap();
    let error = refusal(small::<f32>().save(&path));
    assert!(matches!(error.kind(), Kind::Write(_)));
    assert_eq!(error.path(), Some(path.as_path()));
    assert_eq!(folder.names(), ["model.safetensors"]);
    assert!(matches!(refusal(Autoencoder::<f32>::load(&path)).kind(), Kind::Read(_)));
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let folder = Folder::new("missing");
    let path = folder.0.join("nowhere").join("model.safetensors");
    assert!(matches!(refusal(small::<f32>().save(&path)).kind(), Kind::Write(_)));
    let error = refusal(Autoencoder::<f32>::load(&path));
    assert!(matches!(error.kind(), Kind::Read(_)));
    assert!(error.to_string().contains("nowhere"));
    assert!(folder.names().is_empty());
}

#[test]
fn a_model_that_cannot_be_saved_leaves_the_older_file() {
    let folder = Folder::new("older");
    let path = folder.0.join("model.safetensors");
    fs::write(&path, "an older file").unwrap();
    let shift = crate::custom::Shift { by: f64::INFINITY };
    let network = Network::<f32>::builder(autoencoder::Shape::flat(3)).layer(shift).build().unwrap();
    let error = refusal(network.save(&path));
    assert!(matches!(error.kind(), Kind::Setting { layer, .. } if layer == "layers.0"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"an older file");
    assert_eq!(folder.names(), ["model.safetensors"]);
}

#[test]
fn a_writer_that_fails_is_reported() {
    let mut little = [0_u8; 100];
    let error = refusal(small::<f32>().write_to(little.as_mut_slice()));
    assert!(matches!(error.kind(), Kind::Write(_)));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("links");
    let (path, link) = (folder.0.join("model.safetensors"), folder.0.join("link"));
    fs::write(&path, "an older file").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("model.safetensors", &link).unwrap();
    small::<f32>().save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Autoencoder::<f32>::load(&path).is_ok());
}

/// The end of a pipe that gives `bytes`, and the path it can be opened under.
#[cfg(target_os = "linux")]
fn pipe(bytes: Vec<u8>) -> (std::io::PipeReader, PathBuf) {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::thread::spawn(move || {
        let (start, rest) = bytes.split_at(bytes.len().min(140));
        for part in start.chunks(7).chain([rest]) {
            let _ = writer.write_all(part); // nobody may be reading on
        }
    });
    let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
    (reader, path)
}

#[cfg(target_os = "linux")]
#[test]
fn a_model_may_come_from_a_pipe() {
    let model = small::<f32>();
    let large = Autoencoder::<f32>::builder(autoencoder::Shape::flat(600)).encoder(autoencoder::Dense::new(300));
    let large = large.mirror(autoencoder::Activation::Linear).build().unwrap();
    for model in [&model, &large] {
        let (_reader, path) = pipe(bytes(model));
        assert_eq!(bytes(&Autoencoder::<f32>::load(&path).unwrap()), bytes(model));
    }
    let (_reader, path) = pipe(network_bytes(&model.encoder()));
    assert_eq!(network_bytes(&Network::<f32>::load(&path).unwrap()), network_bytes(&model.encoder()));
    for length in [0, 5, 100, bytes(&model).len() - 1] {
        let (_reader, path) = pipe(bytes(&model)[..length].to_vec());
        let error = refusal(Autoencoder::<f32>::load(&path));
        let damaged = matches!(error.kind(), Kind::Foreign { .. } | Kind::Truncated { .. } | Kind::Checksum { .. });
        assert!(damaged, "{length} bytes: {error}");
    }
}

/// A file of a size that is only known at its end, as those of `/proc` are.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_does_not_say_its_length_is_read() {
    let error = refusal(Autoencoder::<f32>::load("/proc/self/status")).to_string();
    assert!(error.contains("it is a table in text form"), "{error}"); // it has tabs
}

/// What has no end is read as far as its header says, and no further where it has none.
#[cfg(target_os = "linux")]
#[test]
fn an_endless_file_is_an_error() {
    let error = refusal(Autoencoder::<f32>::load("/dev/zero"));
    assert!(matches!(error.kind(), Kind::Foreign { .. }), "{error}");
    let longer = [bytes(&small::<f32>()), vec![0; 1 << 20]].concat();
    let (_reader, path) = pipe(longer);
    let error = refusal(Autoencoder::<f32>::load(&path));
    assert!(matches!(error.kind(), Kind::Checksum { .. } | Kind::DataLength { .. }), "{error}");
}

/// Of a large file that is no model, only the beginning is read.
#[cfg(unix)]
#[test]
fn a_large_foreign_file_is_not_read_to_its_end() {
    let folder = Folder::new("large");
    let path = folder.0.join("table.csv");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap(); // a TiB of nothing
    let error = refusal(Autoencoder::<f32>::load(&path)).to_string();
    assert!(error.contains("not a model file of this crate"), "{error}");
}
