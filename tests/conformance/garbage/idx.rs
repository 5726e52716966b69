//! IDX files that are none, and images of strange sizes.

use autoencoder::data::idx;
use autoencoder::*;
use proptest::prelude::*;

use super::{row, temporary};
use crate::Row;
use crate::properties::{Judgement, holds};

pub fn rows() -> Vec<Row> {
    vec![row("bytes of IDX files", || holds(600, idx_file(), reads_or_says_why))]
}

/// The start of an IDX file with such dimensions, and some bytes.
fn idx_file() -> impl Strategy<Value = (u32, [u32; 3], Vec<u8>)> {
    let magic = prop_oneof![3 => Just(0x803_u32), 3 => Just(0x801), 1 => any::<u32>()];
    let size = || prop_oneof![3 => 0_u32..5, 1 => any::<u32>(), 1 => Just(u32::MAX)];
    (magic, [size(), size(), size()], proptest::collection::vec(any::<u8>(), 0..80))
}

fn reads_or_says_why((magic, sizes, bytes): (u32, [u32; 3], Vec<u8>)) -> Judgement {
    let path = temporary("idx");
    let header: Vec<u8> = std::iter::once(magic).chain(sizes).flat_map(u32::to_be_bytes).collect();
    // As many bytes as the header promises, where that are few.
    let promised = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size as usize));
    let fitting: Vec<u8> = bytes.iter().copied().cycle().take(promised.unwrap_or(0).min(125)).collect();
    for bytes in [&bytes, &fitting] {
        std::fs::write(&path, [header.as_slice(), bytes].concat()).expect("a file");
        let (images, labels) = (idx::read_images(&path), idx::read_labels(&path));
        let _ = images.map(|images| look_at(&images));
        if let Ok(labels) = labels {
            let _ = (labels.to_one_hot::<f32>(0), labels.to_one_hot::<f32>(10), labels.to_one_hot::<f32>(usize::MAX));
            let _ = (labels.count(), labels.as_slice().len(), labels.split_at(usize::MAX));
        }
    }
    std::fs::remove_file(&path).expect("the file");
    let folder = std::env::temp_dir();
    let _ = (idx::read_images(&folder), idx::read_labels(""), idx::read_images("a\0b"), idx::read_labels(&path));
    Ok(())
}

fn look_at(images: &idx::Images) {
    let _ = (images.image(usize::MAX), images.image(0), Source::<f32>::value(images, usize::MAX, usize::MAX));
    let _ =
        (images.to_matrix::<f32>(), images.shape(), images.clone().split_at(usize::MAX), images.clone().split_at(0));
    let _ = (StandardScaler::fit::<f32>(images), MinMaxScaler::fit::<f32>(images), Source::<f32>::value(images, 0, 0));
    let mut batch = [0.0_f32; 4];
    let _ = (Source::read(images, &[0, 1], &mut batch), Source::read(images, &[usize::MAX], &mut batch));
    let _ = Corrupted::<f32, _>::new(images, Swap::new(1.0)).map(|corrupted| corrupted.to_matrix());
    let _ = Subset::<f32>::new(images, 0..images.count()).map(|subset| subset.read(&[0], &mut batch));
}
