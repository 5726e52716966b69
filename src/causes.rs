//! What messages say about errors of others: their causes, and what to do about them.

use std::{fmt, io};

/// An error that is not the crate's, with those it comes from: its own message need not repeat
/// them.
pub(crate) struct WithCauses<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |cause| cause.source());
        causes.into_iter().try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}

/// An error of the operating system or of a decoder, with what to do about it.
pub(crate) struct WithRemedy<'a>(pub &'a io::Error);

impl fmt::Display for WithRemedy<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.0.kind() {
            io::ErrorKind::NotFound => "check the path; a relative one starts at the folder that the program is run in",
            io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
            io::ErrorKind::IsADirectory => "this is a folder; name a file in it",
            io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder; check the path",
            io::ErrorKind::OutOfMemory => "free some memory, or take a smaller model",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
            io::ErrorKind::ReadOnlyFilesystem => "choose a folder that can be written to",
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => "it is damaged; copy or download it again",
            io::ErrorKind::InvalidInput => "check that the path names a file, and that the file is whole",
            _ => "try again, or look into the file and its disk",
        };
        write!(formatter, "{}; {remedy}", self.0)
    }
}
