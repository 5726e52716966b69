//! Writing files.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file, and makes the folders above it where they are missing. The error names the path.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    make_folder_above(path)
        .and_then(|()| fs::write(path, contents))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn make_folder_above(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
