//! [`Members`]: the contents of a gzip file.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The contents of a gzip file: of all its members, one after the other, as `cat a.gz b.gz` and
/// `bgzip` make them. Zeros after a member are skipped, as other programs do: tapes and block
/// devices fill up with them.
pub(super) struct Members<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(file: R) -> Self {
        Self { member: Some(GzDecoder::new(file)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.member = self.member.take().map(GzDecoder::into_inner).map_or(Ok(None), next)?;
        }
        Ok(0)
    }
}

/// The member that begins after zeros, if the file does not end there.
fn next<R: BufRead>(mut file: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let ahead = file.fill_buf()?;
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        if ahead.is_empty() {
            return Ok(None);
        }
        if zeros < ahead.len() {
            file.consume(zeros);
            return Ok(Some(GzDecoder::new(file)));
        }
        file.consume(zeros);
    }
}
