//! A training that goes on with another CPU path says that bits may differ.

use std::path::Path;
use std::process::Command;

use autoencoder::{Adam, Warning};

use crate::common::Outcome;
use crate::support::{Folder, data, model, trainer};

const FOLDER: &str = "AUTOENCODER_TEST_ELSEWHERE";
const EPOCHS: &str = "AUTOENCODER_TEST_EPOCHS";

/// What a process of its own runs; by itself a test of nothing.
#[test]
fn the_process() -> Outcome {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    let folder = Path::new(&folder);
    let epochs = std::env::var(EPOCHS)?.parse()?;
    let mut trainer = trainer(Adam::new(0.01)).epochs(epochs).resume_or_start(folder);
    let history = trainer.fit(&mut model::<f32>()?, &data())?;
    assert_eq!(history.epochs().len(), epochs);
    let warnings: Vec<String> = history.warnings().iter().map(Warning::to_string).collect();
    std::fs::write(folder.join("warnings"), warnings.join("\n"))?;
    Ok(())
}

/// The warnings of a training up to so many epochs on that CPU path, or the best one.
fn trained(folder: &Folder, epochs: usize, path: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut process = Command::new(std::env::current_exe()?);
    process.args(["--exact", "elsewhere::the_process"]).env(FOLDER, folder.path());
    process.env(EPOCHS, epochs.to_string()).env("AUTOENCODER_CPU_PATH", path);
    assert!(process.output()?.status.success());
    Ok(std::fs::read_to_string(folder.path().join("warnings"))?)
}

#[test]
fn another_cpu_path_is_a_warning() -> Outcome {
    let folder = Folder::new("elsewhere");
    assert_eq!(trained(&folder, 1, "portable")?, "");
    assert_eq!(trained(&folder, 2, "portable")?, "", "the same path");
    let warning = trained(&folder, 3, "")?;
    let best = std::fs::read(folder.path().join("checkpoint-0000000021.safetensors"))?;
    let paths = ["avx2", "avx512"].map(|path| format!("(CPU path {path})"));
    let Some(here) = paths.iter().find(|path| best.windows(path.len()).any(|bytes| bytes == path.as_bytes())) else {
        assert_eq!(warning, "", "this CPU has only the portable path");
        return Ok(());
    };
    let version = env!("CARGO_PKG_VERSION");
    let says = format!(
        "the checkpoint was written by autoencoder {version} (CPU path portable), and training goes on with \
         autoencoder {version} {here}: the bits may differ"
    );
    assert!(warning.starts_with(&says), "{warning}");
    assert_eq!(trained(&folder, 4, "")?, warning, "bits of the portable path are still in it");
    Ok(())
}
