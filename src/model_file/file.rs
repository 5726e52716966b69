//! Files: read whole, replaced as one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ModelFileErrorKind;
use super::disk::{Disk, Sink};

/// What the names of files begin with that are not yet complete, and may be left over from processes that were killed.
const TEMPORARY: &str = ".autoencoder-";

/// Replaces the file at `path` by what `write` writes, all of it or nothing: it is written to another file in the same folder, which takes the name once all
/// is on the disk.
pub(super) fn replace(
    disk: &dyn Disk,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), ModelFileErrorKind> {
    let path = disk.target(path).map_err(ModelFileErrorKind::Write)?; // a link stays, what it leads to is replaced
    let temporary = written_beside(disk, &path, write).map_err(ModelFileErrorKind::Write)?;
    temporary.rename(&path).map_err(ModelFileErrorKind::Write)?;
    disk.sync_folder(folder(&path)).map_err(ModelFileErrorKind::NotDurable)
}

/// Removes what killed processes have left in a folder. Nothing else may be saving there.
pub(super) fn tidy(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let names = disk.names(folder)?;
    names.iter().filter(|name| name.starts_with(TEMPORARY)).try_for_each(|name| disk.remove(&folder.join(name)))
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

/// A file that is removed unless it is given its final name.
#[derive(Debug)]
struct Temporary<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    renamed: bool,
}

impl<'a> Temporary<'a> {
    /// An empty file beside the one at `path`.
    fn create(disk: &'a dyn Disk, path: &Path) -> io::Result<(Self, Box<dyn Sink>)> {
        /// Names of which some may be left over from processes that were killed.
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
            let _ = self.disk.remove(&self.path); // the error that led here is the one to report
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
