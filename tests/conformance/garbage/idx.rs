//! IDX files that are none, and images of strange sizes.

use autoencoder::data::idx;
use autoencoder::*;
use proptest::prelude::*;

use super::{row, taken_if, taken_only_if, temporary};
use crate::Row;
use crate::properties::{Judgement, holds, require};

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
        let fits = magic == 0x803 && promised == Some(bytes.len());
        if let Some(images) = taken_if(fits, "a file of images", idx::read_images(&path))? {
            look_at(&images, bytes, sizes.map(|size| size as usize))?;
        }
        // A file of labels has one size, so the other two would be labels.
        let fits = magic == 0x801 && sizes[0] as usize == 8 + bytes.len();
        taken_if(fits, "a file of labels", idx::read_labels(&path))?;
    }
    let header = [0x801_u32.to_be_bytes(), (bytes.len() as u32).to_be_bytes()].concat();
    std::fs::write(&path, [header.as_slice(), &bytes].concat()).expect("a file");
    read_off(idx::read_labels(&path), &bytes)?;
    std::fs::remove_file(&path).expect("the file");
    let folder = std::env::temp_dir();
    taken_if(false, "a folder", idx::read_images(&folder))?;
    taken_if(false, "no name", idx::read_labels(""))?;
    taken_if(false, "an impossible name", idx::read_images("a\0b"))?;
    taken_if(false, "a file that is gone", idx::read_labels(&path)).map(drop)
}

/// Labels hold the bytes of their file, and are of no class that is not asked for.
fn read_off(labels: Result<idx::Labels, DataError>, bytes: &[u8]) -> Judgement {
    let labels = labels.expect("a file of labels");
    require(labels.as_slice() == bytes && labels.count() == bytes.len(), "other labels are read")?;
    for classes in [0, 10, 256, usize::MAX] {
        let known = bytes.iter().all(|label| usize::from(*label) < classes);
        let fits = known && classes.checked_mul(bytes.len()).is_some_and(|size| size <= MAX_ELEMENTS);
        let one_hot = taken_if(fits, "a number of classes", labels.to_one_hot::<f32>(classes))?;
        require(one_hot.is_none_or(|one_hot| one_hot.sum() as usize == bytes.len()), "another class")?;
    }
    let (first, rest) = labels.split_at(usize::MAX);
    require(first.as_slice() == bytes && rest.count() == 0, "labels are lost where they are split")
}

/// Images hold the bytes of their file, and have nothing beyond their end.
fn look_at(images: &idx::Images, bytes: &[u8], [count, height, width]: [usize; 3]) -> Judgement {
    let size = height * width;
    let count = if size == 0 { 0 } else { count };
    require(images.count() == count && images.shape() == Shape::image(height, width, 1), "another shape")?;
    require(images.image(0) == bytes.get(..size).filter(|_| count > 0), "another first image")?;
    require(images.image(usize::MAX).is_none(), "an image that is not there")?;
    let matrix = images.to_matrix::<f32>();
    let pixels = bytes.iter().map(|byte| f32::from(*byte) / 255.0);
    let close = matrix.iter().zip(pixels).all(|(found, expected)| (found - expected).abs() < 1e-6);
    require(matrix.shape() == (size, count) && close, "other pixels than the file's")?;
    taken_if(false, "a pixel that is not there", Source::<f32>::value(images, usize::MAX, usize::MAX))?;
    let first = taken_if(count > 0, "the first pixel", Source::<f32>::value(images, 0, 0))?;
    require(first.is_none_or(|first| first == matrix[0]), "another first pixel")?;
    for (at, first) in [(usize::MAX, count), (0, 0)] {
        let (one, other) = images.clone().split_at(at);
        require((one.count(), other.count()) == (first, count - first), "images are lost where they are split")?;
    }
    taken_if(count > 0, "images to scale", StandardScaler::fit::<f32>(images))?;
    taken_if(count > 0, "images to scale", MinMaxScaler::fit::<f32>(images))?;
    if count == 0 {
        return Ok(()); // of any size
    }
    let mut batch = vec![0.0_f32; 2 * size];
    taken_if(count > 1, "the first two images", Source::read(images, &[0, 1], &mut batch))?;
    require(count < 2 || batch == matrix.as_slice()[..2 * size], "other images are read")?;
    taken_if(false, "an image that is not there", Source::read(images, &[usize::MAX], &mut batch))?;
    let swapped = Corrupted::<f32, _>::new(images, Swap::new(1.0)).expect("a corruption").to_matrix();
    let swapped = taken_only_if(true, "images to swap pixels of", swapped)?;
    require(swapped.is_none_or(|swapped| swapped.shape() == (size, count)), "another size once swapped")?;
    let all = Subset::<f32>::new(images, 0..count).expect("all images");
    taken_if(true, "the first image of all", all.read(&[0], &mut batch[..size])).map(drop)
}
