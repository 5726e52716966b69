//! [`Container`]: the two parts of a file with a valid checksum, the header and the tensors' bytes.
//!
//! ```text
//! offset                bytes
//! 0                     8        n, the length of the header, little-endian
//! 8                     44       {"__metadata__":{"autoencoder":"{\"format\":
//! 52                    1        1 or 2, the version of this format
//! 53                    16       ,\"checksum\":\"
//! 69                    8        the checksum, eight lower-case hexadecimal digits
//! 77                    n - 69   the rest of the header
//! 8 + n                          the tensors' bytes
//! ```
//!
//! The checksum is the CRC-32 of gzip and of Python's `zlib.crc32`, over the whole file with
//! `00000000` in place of its own eight digits. In a file of up to 512 MiB it detects every change
//! of one or two bits and every burst of up to 32 bits, and misses one in four billion other
//! changes. A file cut off within its tensors fails the checksum too, and otherwise the comparison
//! with the lengths in its header. It is no signature: it does not detect forgery.

use super::{ModelFileErrorKind, json};
use crate::data::{FileKind, HEAD_BYTES};
use crate::{Value, invariant};

/// The format of a chain of layers; those of an autoencoder have the names of their places.
pub(super) const CHAIN_FORMAT: u64 = 1;

/// The format of any other model, the newest that can be read.
pub(super) const GRAPH_FORMAT: u64 = 2;

/// The largest header that is read or written, enough for about four hundred layers of 700 bytes
/// with their tensors. Limits memory: several copies of a header are held, as text and as values.
pub(super) const MAX_HEADER_BYTES: usize = 1 << 18;

/// The size of the header's length, in bytes.
pub(super) const LENGTH_BYTES: usize = 8;

const MAGIC: &str = r#"{"__metadata__":{"autoencoder":"{\"format\":"#;
const BEFORE_CHECKSUM: &str = r#",\"checksum\":\""#;
const FORMAT_DIGITS: usize = 1;
const CHECKSUM_DIGITS: usize = 8;

/// The header and the tensors' bytes.
#[derive(Debug)]
pub(super) struct Container<'a> {
    pub header: &'a str,
    pub data: &'a [u8],
    pub checksum: u32,
}

impl<'a> Container<'a> {
    /// Splits a file, if its checksum is right.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ModelFileErrorKind> {
        require_own(bytes)?;
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| truncated(bytes, LENGTH_BYTES))?;
        let found = u64::from_le_bytes(*length);
        let length = usize::try_from(found).ok().filter(|length| *length <= MAX_HEADER_BYTES);
        let length = length.ok_or(ModelFileErrorKind::HeaderTooLarge { found })?;
        let (header, data) = rest.split_at_checked(length).ok_or_else(|| truncated(bytes, LENGTH_BYTES + length))?;
        let header = std::str::from_utf8(header).map_err(|error| wrong(error.valid_up_to(), "not UTF-8"))?;
        let (place, checksum) = checksum_of(header)?;
        let found = sum_without(bytes, LENGTH_BYTES + place);
        match checksum == found {
            true => Ok(Self { header, data, checksum }),
            false => Err(ModelFileErrorKind::Checksum { expected: checksum, found }),
        }
    }
}

/// A header, after its length and still without its checksum.
#[derive(Debug)]
pub(super) struct Unsealed(Vec<u8>);

impl Unsealed {
    /// `header` has zeros for its checksum.
    pub fn new(header: &str) -> Result<Self, ModelFileErrorKind> {
        if header.len() > MAX_HEADER_BYTES {
            return Err(ModelFileErrorKind::HeaderTooLarge { found: header.len() as u64 });
        }
        let mut bytes = Vec::with_capacity(LENGTH_BYTES + header.len());
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        Ok(Self(bytes))
    }

    /// The checksum so far; the tensors' bytes must be added.
    pub fn hasher(&self) -> crc32fast::Hasher {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.0);
        hasher
    }

    /// Inserts the checksum; returns the file's bytes up to the tensors.
    pub fn seal(mut self, checksum: u32) -> Vec<u8> {
        let place = LENGTH_BYTES + MAGIC.len() + FORMAT_DIGITS + BEFORE_CHECKSUM.len();
        let digits = self.0.iter_mut().skip(place).take(CHECKSUM_DIGITS);
        digits.zip(checksum_digits(checksum).bytes()).for_each(|(place, digit)| *place = digit);
        self.0
    }
}

/// A checksum as written in the header.
pub(super) fn checksum_digits(checksum: u32) -> String {
    format!("{checksum:08x}")
}

/// An error in the header's JSON, `offset` bytes after its start.
pub(super) fn wrong(offset: usize, problem: impl Into<String>) -> ModelFileErrorKind {
    ModelFileErrorKind::Json { part: "file", offset: LENGTH_BYTES + offset, problem: problem.into() }
}

/// The offset of the checksum's digits in the header, and their value.
fn checksum_of(header: &str) -> Result<(usize, u32), ModelFileErrorKind> {
    let version = header.get(MAGIC.len()..).ok_or_else(|| wrong(header.len(), "expected the format's version"))?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    let found = version.get(..digits).and_then(|digits| digits.parse().ok());
    let found = found.ok_or_else(|| wrong(MAGIC.len(), "expected the format's version"))?;
    if !(CHAIN_FORMAT..=GRAPH_FORMAT).contains(&found) {
        return Err(ModelFileErrorKind::Format { found, supported: GRAPH_FORMAT });
    }
    let before = MAGIC.len() + digits;
    let place = before + BEFORE_CHECKSUM.len();
    if header.get(before..place) != Some(BEFORE_CHECKSUM) {
        return Err(wrong(before, "expected the checksum"));
    }
    let sum = header.get(place..place + CHECKSUM_DIGITS).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    sum.map(|sum| (place, sum)).ok_or_else(|| wrong(place, "expected the checksum"))
}

/// The checksum of `bytes` with zeros for its own digits, which start at `place`.
fn sum_without(bytes: &[u8], place: usize) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(invariant::slice(bytes, &(0..place), "bytes before the checksum", "file"));
    hasher.update(&[b'0'; CHECKSUM_DIGITS]);
    hasher.update(invariant::slice(bytes, &(place + CHECKSUM_DIGITS..bytes.len()), "bytes after the checksum", "file"));
    hasher.finalize()
}

/// `Ok` if a file that begins with `bytes` may be a model.
fn require_own(bytes: &[u8]) -> Result<(), ModelFileErrorKind> {
    let magic = bytes.get(LENGTH_BYTES..).unwrap_or_default();
    let found = FileKind::of(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
    let too_short_to_tell = magic.len() < MAGIC.len() && (found.is_unknown() || found == FileKind::Safetensors);
    match begins_as(magic, MAGIC) && (magic.len() >= MAGIC.len() || too_short_to_tell) {
        true => Ok(()),
        false => Err(ModelFileErrorKind::Foreign { found }),
    }
}

/// Whether a file that begins with `head` may be a model.
pub(super) fn may_be_model(head: &[u8]) -> bool {
    require_own(head).is_ok()
}

/// The length of a whole file by its header, if `head` holds the header of a model.
pub(super) fn length(head: &[u8]) -> Option<u64> {
    require_own(head).ok()?;
    let (length, rest) = head.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header = json::read(std::str::from_utf8(rest.get(..length)?).ok()?).ok()?;
    let ends = header.entries().filter_map(|(name, _)| match header.config(name).ok()?.list("data_offsets").ok()? {
        [_, Value::Integer(end)] => Some(*end),
        _ => None,
    });
    (LENGTH_BYTES as u64 + length as u64).checked_add(ends.max().unwrap_or(0))
}

/// Whether `bytes` start with `text`, or are a prefix of it.
fn begins_as(bytes: &[u8], text: &str) -> bool {
    bytes.iter().zip(text.as_bytes()).all(|(found, expected)| found == expected)
}

fn truncated(bytes: &[u8], expected: usize) -> ModelFileErrorKind {
    ModelFileErrorKind::Truncated { found: bytes.len() as u64, expected: expected as u64 }
}
