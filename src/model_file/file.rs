//! Files: read whole, replaced as one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ModelFileErrorKind;

/// The contents of the file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ModelFileErrorKind> {
    let file = File::open(path).map_err(ModelFileErrorKind::Read)?;
    let length = file.metadata().map_err(ModelFileErrorKind::Read)?.len();
    let mut bytes = Vec::new();
    let reserved = usize::try_from(length).ok().and_then(|length| bytes.try_reserve_exact(length).ok());
    reserved.ok_or(ModelFileErrorKind::OutOfMemory { bytes: length })?;
    // No more than that: what is no file may go on for ever.
    file.take(length).read_to_end(&mut bytes).map_err(ModelFileErrorKind::Read)?;
    Ok(bytes)
}

/// Replaces the file at `path` by what `write` writes, all of it or nothing: it is written to another file in the same folder, which takes the name once all
/// is on the disk.
pub(super) fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), ModelFileErrorKind> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()); // a link stays, what it leads to is replaced
    let temporary = written_beside(&path, write).map_err(ModelFileErrorKind::Write)?;
    temporary.rename(&path).map_err(ModelFileErrorKind::Write)?;
    sync_folder(&path).map_err(ModelFileErrorKind::NotDurable)
}

fn written_beside(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Temporary> {
    let older = fs::metadata(path).ok();
    if older.as_ref().is_some_and(|older| !older.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something there that is not a file"));
    }
    let (temporary, mut file) = Temporary::create(folder(path))?;
    if let Some(older) = older {
        file.set_permissions(older.permissions())?;
    }
    write(&mut file)?;
    file.sync_all()?;
    Ok(temporary)
}

/// A file that is removed unless it is given its final name.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn create(folder: &Path) -> io::Result<(Self, File)> {
        /// Names of which some may be left over from processes that were killed.
        const ATTEMPTS: usize = 1000;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".autoencoder-{}-{number}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path); // the error that led here is the one to report
        }
    }
}

/// The folder that `path` is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Brings the change of a name to the disk. Elsewhere than on Unix a folder cannot be synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}
