//! [`Simulated`]: a disk in memory that logs its calls, can let one of them fail, and simulates
//! power failures.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Disk, Sink};

/// A disk in memory. Unsynced changes can be lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Simulated(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    image: Image,
    log: Vec<Call>,
    failure: Option<(usize, Failure)>,
}

/// A call that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    CreateFolder,
    Create(PathBuf),
    Write(usize, Vec<u8>),
    Sync(usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncFolder,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing is done.
    Refused,
    /// Half of the data is written, then there is no space left.
    Full,
}

/// What a power failure loses. Synced names of files with synced contents always survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PowerLoss {
    /// Everything that was not synced.
    AllUnsynced,
    /// Unsynced contents; new names survive.
    Contents,
    /// The second half of what was written since contents were last synced; new names survive.
    HalfOfContents,
    /// New names; contents survive.
    Names,
    /// Nothing, as when a process is killed.
    Nothing,
}

impl PowerLoss {
    pub const ALL: [Self; 5] = [Self::AllUnsynced, Self::Contents, Self::HalfOfContents, Self::Names, Self::Nothing];
}

/// Files and their names, as they are and as they were last synced.
#[derive(Debug, Clone, Default)]
struct Image {
    files: Vec<Contents>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
}

#[derive(Debug, Clone, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: usize,
}

impl Image {
    fn apply(&mut self, call: &Call) {
        match call {
            Call::CreateFolder => {}
            Call::Create(path) => {
                self.names.insert(path.clone(), self.files.len());
                self.files.push(Contents::default());
            }
            Call::Write(file, bytes) => self.files[*file].bytes.extend_from_slice(bytes),
            Call::Sync(file) => self.files[*file].synced = self.files[*file].bytes.len(),
            Call::Rename(from, to) => {
                let file = self.names.remove(from).expect("it is there");
                self.names.insert(to.clone(), file);
            }
            Call::Remove(path) => _ = self.names.remove(path),
            Call::SyncFolder => self.synced_names = self.names.clone(),
        }
    }

    fn after(&self, loss: PowerLoss) -> Image {
        let names = match loss {
            PowerLoss::AllUnsynced | PowerLoss::Names => &self.synced_names,
            PowerLoss::Contents | PowerLoss::HalfOfContents | PowerLoss::Nothing => &self.names,
        };
        let kept = |contents: &Contents| match loss {
            PowerLoss::AllUnsynced | PowerLoss::Contents => contents.synced,
            PowerLoss::HalfOfContents => contents.synced.midpoint(contents.bytes.len()),
            PowerLoss::Names | PowerLoss::Nothing => contents.bytes.len(),
        };
        let files = self.files.iter().map(|contents| {
            let bytes = contents.bytes[..kept(contents)].to_vec();
            Contents { synced: bytes.len(), bytes }
        });
        Image { files: files.collect(), names: names.clone(), synced_names: names.clone() }
    }
}

impl Simulated {
    /// The disk whose call number `call` fails, counted from 0.
    pub fn failing_at(self, call: usize, failure: Failure) -> Self {
        self.0.lock().unwrap().failure = Some((call, failure));
        self
    }

    /// The successful calls so far.
    pub fn log(&self) -> Vec<Call> {
        self.0.lock().unwrap().log.clone()
    }

    /// The disk after a power failure following the first `calls` calls.
    pub fn after(&self, calls: usize, loss: PowerLoss) -> Self {
        let inside = self.0.lock().unwrap();
        let mut image = Image::default();
        inside.log[..calls].iter().for_each(|call| image.apply(call));
        Self(Arc::new(Mutex::new(Inside { image: image.after(loss), ..Inside::default() })))
    }

    fn call(&self, call: Call) -> io::Result<()> {
        let mut inside = self.0.lock().unwrap();
        match inside.failure {
            Some((0, failure)) => {
                inside.failure = None;
                if let (Call::Write(file, bytes), Failure::Full) = (call, failure) {
                    let half = Call::Write(file, bytes[..bytes.len() / 2].to_vec());
                    inside.image.apply(&half);
                    inside.log.push(half);
                }
                let full = failure == Failure::Full;
                Err(if full { io::ErrorKind::StorageFull.into() } else { io::Error::other("refused") })
            }
            failure => {
                inside.failure = failure.map(|(call, failure)| (call - 1, failure));
                inside.image.apply(&call);
                inside.log.push(call);
                Ok(())
            }
        }
    }
}

impl Disk for Simulated {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inside = self.0.lock().unwrap();
        let file = inside.image.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(inside.image.files[*file].bytes.clone())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.lock().unwrap();
        let names = inside.image.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn canonical(&self, folder: &Path) -> io::Result<PathBuf> {
        Ok(folder.components().filter(|part| *part != Component::CurDir).collect())
    }

    fn create_folder(&self, _folder: &Path) -> io::Result<()> {
        self.call(Call::CreateFolder)
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn create(&self, path: &Path, _like: &Path) -> io::Result<Box<dyn Sink>> {
        let file = {
            let inside = self.0.lock().unwrap();
            if inside.image.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            inside.image.files.len()
        };
        self.call(Call::Create(path.to_owned()))?;
        Ok(Box::new(Open { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Call::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove(path.to_owned()))
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        self.call(Call::SyncFolder)
    }
}

/// A file of the disk being written.
struct Open {
    disk: Simulated,
    file: usize,
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.call(Call::Write(self.file, bytes.to_vec()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Open {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.call(Call::Sync(self.file))
    }
}
