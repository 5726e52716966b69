//! [`Disk`]: the calls that saving makes of the file system, in one place, so that tests can watch them, let them fail, and cut the power between any two.

#[cfg(test)]
pub(crate) mod simulated;

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file system, as far as model files need one.
pub(crate) trait Disk: Debug + Send + Sync {
    /// The contents of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a folder, in no order; none if there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder and those it lies in, unless they are there, and brings their names to the medium.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// What `path` leads to, where it is a link; an error where it is something that no file can replace.
    fn target(&self, path: &Path) -> io::Result<PathBuf>;

    /// A new file that may be read and written by those who may `like`, if that is there.
    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn Sink>>;

    /// Gives a file another name in the same folder, which it takes from the one that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Brings what was renamed in a folder to the medium.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait Sink: Write {
    /// Brings all that was written to the medium.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Disk for System {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        let reserved = usize::try_from(length).ok().and_then(|length| bytes.try_reserve_exact(length).ok());
        reserved.ok_or(io::ErrorKind::OutOfMemory)?;
        // No more than that: what is no file may go on for ever.
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
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

    /// Elsewhere than on Unix a folder cannot be synced.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
