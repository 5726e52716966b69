//! Reading whole files, replacing files atomically.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ModelFileErrorKind;
use super::disk::{Disk, Sink};

/// Prefix of unfinished temporary files.
const TEMPORARY: &str = ".autoencoder-";

/// Replaces the file at `path` atomically with what `write` writes: into a temporary file in the
/// same folder, which is renamed once it is synced to the disk.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), ModelFileErrorKind> {
    let path = disk.target(path).map_err(ModelFileErrorKind::Write)?; // a link is kept, and its target replaced
    let temporary = written_beside(disk, &path, write).map_err(ModelFileErrorKind::Write)?;
    temporary.rename(&path).map_err(ModelFileErrorKind::Write)?;
    disk.sync_folder(folder(&path)).map_err(ModelFileErrorKind::NotDurable)
}

/// Removes the temporary files that killed processes left in a folder. Nothing else may be saving
/// there.
pub(super) fn tidy(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let names = disk.names(folder)?;
    names.iter().filter(|name| name.starts_with(TEMPORARY)).try_for_each(|name| disk.remove(&folder.join(name)))
}

/// `Ok` if a file can be created in the folder.
pub(super) fn try_out(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    Temporary::create(disk, &folder.join("file")).map(drop)
}

fn written_beside<'a>(
    disk: &'a dyn Disk,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Temporary<'a>> {
    let (temporary, mut file) = Temporary::create(disk, path)?;
    write(&mut file)?;
    file.sync()?;
    Ok(temporary)
}

/// A temporary file; removed unless it gets its final name.
#[derive(Debug)]
struct Temporary<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    renamed: bool,
}

impl<'a> Temporary<'a> {
    /// Creates an empty file beside the one at `path`.
    fn create(disk: &'a dyn Disk, path: &Path) -> io::Result<(Self, Box<dyn Sink>)> {
        /// How many names are tried; some may be left over from killed processes.
        const ATTEMPTS: usize = 1000;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let temporary = folder(path).join(format!("{TEMPORARY}{}-{number}.tmp", std::process::id()));
            match disk.create(&temporary, path) {
                Ok(file) => return Ok((Self { disk, path: temporary, renamed: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        self.disk.rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = self.disk.remove(&self.path); // report the earlier error, not this one
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
