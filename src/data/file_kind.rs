//! [`FileKind`]: what a file is that is not what was expected, told by its first bytes, and what to
//! do about it.

use std::fmt;

/// How many of a file's first bytes are looked at.
pub(crate) const HEAD_BYTES: usize = 512;

/// What a file is, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// There are no bytes.
    Empty,
    /// A model of this crate.
    Model,
    /// Another safetensors file.
    Safetensors,
    /// An IDX file: the element type (8 for bytes) and the number of dimensions.
    Idx {
        /// 8 for unsigned bytes, 9 for signed ones, 11 to 14 for wider numbers.
        element: u8,
        /// 1 for labels, 3 for grey images.
        dimensions: u8,
    },
    /// A model or tensors of PyTorch.
    PyTorch,
    /// A Python pickle: of scikit-learn, joblib or an older PyTorch.
    Pickle,
    /// A model of Keras.
    Keras,
    /// An HDF5 file: an older model of Keras, or data.
    Hdf5,
    /// Arrays of NumPy.
    NumPy,
    /// A Parquet file.
    Parquet,
    /// An Arrow or Feather file.
    Arrow,
    /// An Excel workbook.
    Excel,
    /// A text in which a separator stands between values.
    Csv,
    /// A text in JSON.
    Json,
    /// A web page.
    WebPage,
    /// What Git keeps in place of a large file.
    LfsPointer,
    /// Some other text.
    Text,
    /// A picture: PNG, JPEG, GIF or TIFF.
    Picture,
    /// Compressed with gzip.
    Gzip,
    /// Compressed with bzip2, xz, Zstandard, or an archive of files in zip.
    Compressed,
    /// Something else, which begins with these bytes.
    Unknown([u8; 4]),
}

/// What was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Images,
    Labels,
    Model,
}

impl FileKind {
    /// The kind of a file with these first bytes: all of them, or at least [`HEAD_BYTES`].
    pub(crate) fn of(head: &[u8]) -> Self {
        let magic = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
        match head {
            [] => Self::Empty,
            [_, _, _, _, _, _, _, _, rest @ ..] if rest.starts_with(MODEL) => Self::Model,
            [_, _, _, _, _, _, 0, 0, b'{', ..] => Self::Safetensors,
            [0, 0, element @ 8..=14, dimensions @ 1..=4, ..] => {
                Self::Idx { element: *element, dimensions: *dimensions }
            }
            [b'P', b'K', 3, 4, ..] => archive(head),
            [0x80, 2..=5, ..] => Self::Pickle,
            _ => magic.or_else(|| text(head)).unwrap_or_else(|| unknown(head)),
        }
    }

    /// Whether nothing is known of the file.
    pub(crate) fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// What to do with the file where something else is wanted.
    pub(crate) fn advice(self, wanted: Wanted) -> &'static str {
        match self {
            Self::Empty | Self::WebPage => return "copying, downloading or writing it has failed: get it again",
            Self::LfsPointer => return "get the file itself with `git lfs pull`",
            Self::Gzip | Self::Compressed => return "unpack it first",
            _ => {}
        }
        match wanted {
            Wanted::Model => self.advice_for_model(),
            Wanted::Images | Wanted::Labels => self.advice_for_idx(),
        }
    }

    fn advice_for_model(self) -> &'static str {
        match self {
            Self::Safetensors | Self::PyTorch | Self::Pickle | Self::Keras | Self::Hdf5 => {
                "a model of another library has to be built here, layer by layer, and its weights set with `set_parameter`"
            }
            Self::Idx { .. } => "read images with `data::idx::read_images`, labels with `data::idx::read_labels`",
            Self::Parquet | Self::Arrow | Self::Excel | Self::Csv | Self::Json | Self::NumPy | Self::Picture => {
                "give the file that `save` wrote; data are read into a matrix, one sample per column"
            }
            _ => "give the file that `save` wrote",
        }
    }

    fn advice_for_idx(self) -> &'static str {
        match self {
            Self::Idx { element: 8, dimensions: 1 } => "read labels with `read_labels`",
            Self::Idx { element: 8, dimensions: 3 } => "read images with `read_images`",
            Self::Idx { element: 8, dimensions: 4 } => {
                "only grey images (count x height x width) can be read; put colour images into a matrix of your own, each a \
                 column of height x width x channels numbers with the channels fastest, for `Shape::image`"
            }
            Self::Idx { element: 8, .. } => {
                "only images (3 dimensions) and labels (1) can be read; put the numbers into a matrix of your own, one \
                 sample per column"
            }
            Self::Idx { .. } => {
                "only files of unsigned bytes (type 8) can be read; put the numbers into a matrix of your own, one sample \
                 per column"
            }
            Self::Model => "load it with `Autoencoder::load` or `Network::load`",
            Self::Picture => "decode pictures with a crate such as `image`, into a matrix with one picture per column",
            Self::Unknown(_) => "give a file in the format of MNIST",
            _ => "read it with a crate for that format, into a matrix with one sample per column",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "empty",
            Self::Model => "a model file of this crate",
            Self::Safetensors => "another safetensors file",
            Self::Idx { element: 8, dimensions: 1 } => "an IDX file of labels",
            Self::Idx { element: 8, dimensions: 3 } => "an IDX file of grey images",
            Self::Idx { element: 8, dimensions: 4 } => "an IDX file of 4 dimensions, probably colour images",
            Self::Idx { element, dimensions } => {
                return write!(formatter, "an IDX file of {dimensions} dimensions and the element type {element}");
            }
            Self::PyTorch => "a PyTorch file",
            Self::Pickle => "a Python pickle, as of PyTorch or scikit-learn",
            Self::Keras => "a Keras model",
            Self::Hdf5 => "an HDF5 file, as of Keras",
            Self::NumPy => "a NumPy file",
            Self::Parquet => "a Parquet file",
            Self::Arrow => "an Arrow or Feather file",
            Self::Excel => "an Excel workbook",
            Self::Csv => "a table in text form, such as CSV",
            Self::Json => "a JSON file",
            Self::WebPage => "a web page",
            Self::LfsPointer => "a pointer of Git LFS",
            Self::Text => "a text file",
            Self::Picture => "a picture",
            Self::Gzip => "compressed with gzip",
            Self::Compressed => "a compressed file",
            Self::Unknown(bytes) => {
                return write!(formatter, "of an unknown kind (it begins with {:#010x})", u32::from_be_bytes(*bytes));
            }
        })
    }
}

/// How the header of a model begins, after its length.
const MODEL: &[u8] = br#"{"__metadata__":{"autoencoder":""#;

/// First bytes that tell what a file is.
const MAGIC: [(&[u8], FileKind); 18] = [
    (b"PAR1", FileKind::Parquet),
    (b"ARROW1", FileKind::Arrow),
    (b"FEA1", FileKind::Arrow),
    (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (b"\x93NUMPY", FileKind::NumPy),
    (b"\xd0\xcf\x11\xe0", FileKind::Excel),
    (b"\x89PNG", FileKind::Picture),
    (b"\xff\xd8\xff", FileKind::Picture),
    (b"GIF8", FileKind::Picture),
    (b"II*\0", FileKind::Picture),
    (b"MM\0*", FileKind::Picture),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"BZh", FileKind::Compressed),
    (b"\xfd7zXZ", FileKind::Compressed),
    (b"\x28\xb5\x2f\xfd", FileKind::Compressed),
    (b"\xff\xfe", FileKind::Text), // UTF-16
    (b"\xfe\xff", FileKind::Text),
    (b"version https://git-lfs", FileKind::LfsPointer),
];

/// What a zip archive is, by the name of the first file in it.
fn archive(head: &[u8]) -> FileKind {
    const NAME: usize = 30; // after the local file header
    let length =
        head.get(26..28).map_or(0, |bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
    let name = head.get(NAME..).map_or(&[][..], |name| name.split_at(length.min(name.len())).0);
    match name {
        b"metadata.json" | b"config.json" => FileKind::Keras,
        b"[Content_Types].xml" => FileKind::Excel,
        name if name.ends_with(b".npy") => FileKind::NumPy,
        name if name.ends_with(b"data.pkl") || name.starts_with(b"archive/") => FileKind::PyTorch,
        _ => FileKind::Compressed,
    }
}

/// What a text is; `None` if it is none.
fn text(head: &[u8]) -> Option<FileKind> {
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\r\x0c".contains(byte) || *byte == 0x7f;
    // In UTF-8, of which the last letter may be cut off, or in an older encoding with few letters
    // beyond ASCII.
    let is_utf_8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    let ascii = head.iter().filter(|byte| byte.is_ascii()).count();
    if head.iter().any(is_control) || !is_utf_8 && ascii * 10 < head.len() * 7 {
        return None;
    }
    let bare = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let line = bare.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Some(match bare {
        [b'{' | b'[', ..] => FileKind::Json,
        [b'<', ..] => FileKind::WebPage,
        _ if line.iter().any(|byte| b",;\t".contains(byte)) => FileKind::Csv,
        _ => FileKind::Text,
    })
}

fn unknown(head: &[u8]) -> FileKind {
    let mut first = [0; 4];
    first.iter_mut().zip(head).for_each(|(slot, byte)| *slot = *byte);
    FileKind::Unknown(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_kind() {
        let zip =
            |name: &str| [b"PK\x03\x04".as_slice(), &[0; 22], &[name.len() as u8, 0, 0, 0], name.as_bytes()].concat();
        let rows: Vec<(Vec<u8>, FileKind)> = vec![
            (b"".to_vec(), FileKind::Empty),
            (b"PAR1\x15\0\x15".to_vec(), FileKind::Parquet),
            (b"a,b,c\n1,2,3\n".to_vec(), FileKind::Csv),
            (b"\xef\xbb\xbfName;Wert\n\xfcber;1\n".to_vec(), FileKind::Csv),
            ("größe\thöhe\n1\t2\n".as_bytes().to_vec(), FileKind::Csv),
            (b"{\n  \"layers\": []\n}".to_vec(), FileKind::Json),
            (b"[1, 2]".to_vec(), FileKind::Json),
            (b"<!DOCTYPE html>\n<html>".to_vec(), FileKind::WebPage),
            (b"version https://git-lfs.github.com/spec/v1\noid".to_vec(), FileKind::LfsPointer),
            (b"hello\nworld\n".to_vec(), FileKind::Text),
            (b"\xff\xfea\0,\0".to_vec(), FileKind::Text),
            (b"\x89HDF\r\n\x1a\n\0\0".to_vec(), FileKind::Hdf5),
            (b"\x80\x04\x95\x10".to_vec(), FileKind::Pickle),
            (zip("archive/data.pkl"), FileKind::PyTorch),
            (zip("model/data.pkl"), FileKind::PyTorch),
            (zip("metadata.json"), FileKind::Keras),
            (zip("arr_0.npy"), FileKind::NumPy),
            (zip("[Content_Types].xml"), FileKind::Excel),
            (zip("readme.txt"), FileKind::Compressed),
            (b"PK\x03\x04".to_vec(), FileKind::Compressed),
            (b"\x93NUMPY\x01\0".to_vec(), FileKind::NumPy),
            (b"\x89PNG\r\n\x1a\n".to_vec(), FileKind::Picture),
            (b"\x1f\x8b\x08".to_vec(), FileKind::Gzip),
            (b"\x18\0\0\0\0\0\0\0{\"weight\":".to_vec(), FileKind::Safetensors),
            (b"\x80\x02\0\0\0\0\0\0{\"__metadata__\":{\"autoencoder\":\"{".to_vec(), FileKind::Model),
            (vec![0, 0, 8, 3, 0, 0], FileKind::Idx { element: 8, dimensions: 3 }),
            (vec![0, 0, 13, 2], FileKind::Idx { element: 13, dimensions: 2 }),
            (vec![0, 0, 8], FileKind::Unknown([0, 0, 8, 0])),
            (vec![1, 2, 3, 4, 5], FileKind::Unknown([1, 2, 3, 4])),
        ];
        for (bytes, kind) in rows {
            assert_eq!(FileKind::of(&bytes), kind, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn every_kind_has_advice() {
        let unknown = FileKind::Unknown([1; 4]);
        let idx = [(8, 1), (8, 2), (8, 3), (8, 4), (13, 3)]
            .map(|(element, dimensions)| FileKind::Idx { element, dimensions });
        let kinds = MAGIC.iter().map(|(_, kind)| *kind).chain(idx).chain([FileKind::Empty, FileKind::Model, unknown]);
        for kind in kinds {
            for wanted in [Wanted::Images, Wanted::Labels, Wanted::Model] {
                assert!(!kind.advice(wanted).is_empty() && !kind.to_string().is_empty());
            }
        }
    }
}
