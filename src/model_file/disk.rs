//! [`Disk`]: all file-system calls of saving and loading in one place, so that tests can log them,
//! let them fail, and simulate a power failure between any two.

#[cfg(test)]
pub(crate) mod simulated;

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::container::{self, LENGTH_BYTES, MAX_HEADER_BYTES};

/// The file-system calls that model files need.
pub(crate) trait Disk: Debug + Send + Sync {
    /// The contents of a file; of one that is no model, perhaps only the first part.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a folder, in no order; none if there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The one path of a folder however it is spelled, without links; an error if there is none.
    fn canonical(&self, folder: &Path) -> io::Result<PathBuf>;

    /// Creates a folder and its parents, unless they exist, and syncs their names.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// The target of `path` if it is a link, else `path`; an error if it is something that a file
    /// cannot replace.
    fn target(&self, path: &Path) -> io::Result<PathBuf>;

    /// Creates a file with the permissions of `like`, if it exists.
    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn Sink>>;

    /// Renames a file within its folder, replacing any file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Syncs the names in a folder to the medium.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait Sink: Write {
    /// Syncs everything written to the medium.
    fn sync(&mut self) -> io::Result<()>;
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Disk for System {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        // Files of `/proc` are regular ones of length 0, whatever they hold.
        let length = Some(found.len()).filter(|length| found.is_file() && *length > 0);
        contents(file, length)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn canonical(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let folder = &folder.components().collect::<PathBuf>(); // nothing can be created as `run/.`
        if folder.is_dir() {
            return Ok(());
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.create_folder(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_folder(parent),
        }
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something there that is not a file"))
            }
            _ => Ok(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())),
        }
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn Sink>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        if let Ok(older) = fs::metadata(like) {
            file.set_permissions(older.permissions())?;
        }
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Folders cannot be synced except on Unix.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// The bytes of a model's file. `length` is the file's, if it has one; a pipe has none, and says
/// itself how long it is: no more is read than the header announces and one byte, which is an error
/// then. Of a file that is no model only the first bytes are read: it may be of any size, or have
/// no end.
fn contents(mut file: impl Read, length: Option<u64>) -> io::Result<Vec<u8>> {
    let most = (LENGTH_BYTES + MAX_HEADER_BYTES) as u64;
    let mut bytes = Vec::new();
    file.by_ref().take(most).read_to_end(&mut bytes)?;
    let whole = match length {
        Some(length) => container::may_be_model(&bytes).then_some(length),
        None => container::length(&bytes).map(|announced| announced.saturating_add(1)),
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
