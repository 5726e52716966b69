//! Reading whole files, replacing files atomically.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ModelFileErrorKind;
use super::disk::{Disk, Sink};
use super::frame::{self, LENGTH_BYTES, MAX_HEADER_BYTES};

/// Prefix of unfinished temporary files.
const TEMPORARY: &str = ".autoencoder-";

/// The bytes of a model's file. `length` is the file's, if it has one; a pipe has none, and says
/// itself how long it is: no more is read than the header announces and one byte, which is an error
/// then. Of a file that is no model only the first bytes are read: it may be of any size, or have
/// no end.
pub(super) fn contents(mut file: impl Read, length: Option<u64>) -> io::Result<Vec<u8>> {
    let most = (LENGTH_BYTES + MAX_HEADER_BYTES) as u64;
    let mut bytes = Vec::new();
    file.by_ref().take(most).read_to_end(&mut bytes)?;
    let whole = match length {
        Some(length) => frame::may_be_model(&bytes).then_some(length),
        None => frame::length(&bytes).map(|announced| announced.saturating_add(1)),
    };
    let Some(whole) = whole else { return Ok(bytes) };
    let rest = whole.saturating_sub(bytes.len() as u64);
    if length.is_some() {
        let reserved = usize::try_from(rest).ok().and_then(|rest| bytes.try_reserve_exact(rest).ok());
        reserved.ok_or(io::ErrorKind::OutOfMemory)?;
    }
    file.take(rest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

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
