//! IDX files: the format of MNIST and related data sets, plain or compressed with gzip.
//!
//! A file is a big-endian header (two zero bytes, the element type 8 for bytes, the number of
//! dimensions, each dimension in four bytes) followed by the data; see Y. LeCun, C. Cortes, C.
//! Burges, *The MNIST database*.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use nalgebra::DMatrix;

use super::file_kind::{FileKind, HEAD_BYTES, Wanted};
use super::{DataError, InputError, Source};
use crate::kernel::convert;
use crate::shape::{MAX_ELEMENTS, checked_product};
use crate::{Scalar, Shape};

/// Grey images of equal size, stored as bytes: 60 000 of 28 × 28 take 47 MB, a quarter of what they
/// take as `f32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    height: usize,
    width: usize,
    bytes: Vec<u8>,
}

/// A label for each sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    bytes: Vec<u8>,
}

/// Reads a file of grey images (magic number 0x803), plain or compressed with gzip (in one or
/// several members). It may be a pipe; no more is read than the header announces, at most
/// [`MAX_ELEMENTS`] bytes.
///
/// # Errors
/// [`DataError`] if the file cannot be read, is something else, or is damaged;
/// [`DataError::Compressed`] if it is compressed and the crate was built without `gzip`.
pub fn read_images(path: impl AsRef<Path>) -> Result<Images, DataError> {
    let (dimensions, bytes) = read::<3>(path.as_ref(), Wanted::Images)?;
    let [_, height, width] = dimensions;
    Ok(Images { height, width, bytes })
}

/// Reads a file of labels (magic number 0x801), plain or compressed, as [`read_images`] does.
///
/// # Errors
/// [`DataError`] if the file cannot be read, is something else, or is damaged;
/// [`DataError::Compressed`] if it is compressed and the crate was built without `gzip`.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Labels, DataError> {
    read::<1>(path.as_ref(), Wanted::Labels).map(|(_, bytes)| Labels { bytes })
}

impl Images {
    /// The number of images.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.features_at_least_one()
    }

    /// The shape of an image: height × width × 1.
    pub fn shape(&self) -> Shape {
        Shape::image(self.height, self.width, 1)
    }

    /// The bytes of an image, row by row.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let size = self.features_at_least_one();
        self.bytes.chunks_exact(size).nth(index)
    }

    /// All images, one per column, bytes divided by 255: pixels × images, in 0..=1.
    #[inline(never)] // see `compiled.rs`
    pub fn to_matrix<T: Scalar>(&self) -> DMatrix<T> {
        let mut matrix = DMatrix::zeros(self.height * self.width, self.count());
        convert::bytes_to_unit(&self.bytes, matrix.as_mut_slice());
        matrix
    }

    /// Splits off the first `count` images from the others.
    #[must_use]
    pub fn split_at(mut self, count: usize) -> (Self, Self) {
        let at = count.saturating_mul(self.height * self.width).min(self.bytes.len());
        let others = Self { bytes: self.bytes.split_off(at), ..self };
        (self, others)
    }

    fn features_at_least_one(&self) -> usize {
        (self.height * self.width).max(1)
    }
}

impl<T: Scalar> Source<T> for Images {
    fn len(&self) -> usize {
        self.count()
    }

    fn features(&self) -> usize {
        self.height * self.width
    }

    #[inline(never)] // see `compiled.rs`
    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        let size = self.features_at_least_one();
        for (sample, target) in samples.iter().zip(batch.chunks_exact_mut(size)) {
            let image =
                (*sample < self.count()).then(|| sample * size).and_then(|start| self.bytes.get(start..start + size));
            let missing = DataError::NoSuchSample { sample: *sample, samples: self.count() };
            convert::bytes_to_unit(image.ok_or(missing)?, target);
        }
        Ok(())
    }

    fn value(&self, sample: usize, feature: usize) -> Result<T, DataError> {
        let (samples, features) = (self.count(), self.height * self.width);
        if sample >= samples {
            return Err(DataError::NoSuchSample { sample, samples });
        }
        let byte = if feature < features { self.bytes.get(sample * features + feature) } else { None };
        let mut value = [T::zero()];
        convert::bytes_to_unit(&[*byte.ok_or(DataError::NoSuchFeature { feature, features })?], &mut value);
        let [value] = value;
        Ok(value)
    }
}

impl Labels {
    /// The labels.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of labels.
    pub fn count(&self) -> usize {
        self.bytes.len()
    }

    /// Splits off the first `count` labels from the others.
    #[must_use]
    pub fn split_at(mut self, count: usize) -> (Self, Self) {
        let others = Self { bytes: self.bytes.split_off(count.min(self.bytes.len())) };
        (self, others)
    }

    /// One-hot labels, classes × samples: 1 in the row of a sample's label, 0 elsewhere.
    ///
    /// # Errors
    /// [`DataError::Label`] if a label is not below `classes`, [`DataError::Input`] if the matrix
    /// would be too large.
    #[inline(never)] // see `compiled.rs`
    pub fn to_one_hot<T: Scalar>(&self, classes: usize) -> Result<DMatrix<T>, DataError> {
        let too_large = |_| InputError::OutOfMemory { elements: classes.saturating_mul(self.count()) };
        checked_product("elements of a matrix", &[classes, self.count()]).map_err(too_large)?;
        let mut matrix = DMatrix::zeros(classes, self.count());
        for (sample, label) in self.bytes.iter().enumerate() {
            let place = matrix.get_mut((usize::from(*label), sample));
            *place.ok_or(DataError::Label { sample, label: *label, classes })? = T::one();
        }
        Ok(matrix)
    }
}

/// The dimensions and the bytes of an IDX file with `N` dimensions of unsigned bytes.
fn read<const N: usize>(path: &Path, wanted: Wanted) -> Result<([usize; N], Vec<u8>), DataError> {
    let failed = |error| DataError::Read { path: path.to_owned(), error };
    let mut reader = open(path)?;
    let head = head(&mut reader).map_err(failed)?;
    let (found, expected) = (FileKind::of(&head), FileKind::Idx { element: BYTES, dimensions: N as u8 });
    if found != expected {
        let path = path.to_owned();
        return Err(match wanted {
            Wanted::Labels => DataError::NoLabels { path, found },
            _ => DataError::NoImages { path, found },
        });
    }
    let header = |found| DataError::Header { path: path.to_owned(), expected: WORD * (1 + N), found };
    let Some((words, start)) = head.split_at_checked(WORD * (1 + N)) else { return Err(header(head.len())) };
    let mut dimensions = [0; N];
    for (dimension, word) in dimensions.iter_mut().zip(words.as_chunks().0.iter().skip(1)) {
        *dimension = u32::from_be_bytes(*word) as usize;
    }
    let too_large = |_| DataError::TooLarge { path: path.to_owned() };
    let promised = checked_product("bytes", &dimensions).map_err(too_large)? as u64;
    debug_assert!(promised <= MAX_ELEMENTS as u64);
    // The buffer grows with the data read, whatever size the header announces.
    let mut bytes = Vec::new();
    start.chain(reader).take(promised + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 == promised {
        true => Ok((dimensions, bytes)),
        false => Err(DataError::Length { path: path.to_owned(), promised, found: bytes.len() as u64 }),
    }
}

/// The element type of unsigned bytes.
const BYTES: u8 = 8;

/// The bytes of a number in the header.
const WORD: usize = 4;

/// The first bytes of what `reader` gives, as many as tell what it is.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The file's contents, decompressed if it starts with gzip's magic number.
fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let failed = |error| DataError::Read { path: path.to_owned(), error };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let head = head(&mut file).map_err(failed)?; // a pipe may give its first two bytes one by one
    let compressed = FileKind::of(&head) == FileKind::Gzip;
    let whole = Cursor::new(head).chain(file);
    match compressed {
        true => unpack(path, whole),
        false => Ok(Box::new(whole)),
    }
}

#[cfg(feature = "gzip")]
fn unpack(_path: &Path, file: impl BufRead + 'static) -> Result<Box<dyn Read>, DataError> {
    Ok(Box::new(super::gzip::Members::new(file)))
}

#[cfg(not(feature = "gzip"))]
fn unpack(path: &Path, _file: impl BufRead) -> Result<Box<dyn Read>, DataError> {
    Err(DataError::Compressed { path: path.to_owned() })
}
