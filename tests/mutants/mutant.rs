//! Structured changes to a good file: its description, its table of tensors, its frame, its
//! numbers.

use crate::json::Json;
use crate::random::Random;

/// Where the checksum's eight digits stand.
const CHECKSUM: std::ops::Range<usize> = 69..77;

/// A good file, taken apart.
pub struct Good {
    header: Json,
    data: Vec<u8>,
}

impl Good {
    pub fn new(file: &[u8]) -> Self {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&file[8..8 + length]).unwrap();
        let good = Self { header: Json::of_header(header), data: file[8 + length..].to_vec() };
        assert!(
            whole(&good.header.written(), 0, &good.data) == file,
            "taken apart and put together it is another file"
        );
        good
    }

    /// The file with some changes, and with the checksum made right in most cases.
    pub fn mutant(&self, seed: u64) -> Vec<u8> {
        let random = &mut Random::new(seed);
        let (mut header, mut data) = (self.header.clone(), self.data.clone());
        for _ in 0..1 + random.below(3) {
            match random.below(16) {
                0..8 => change(&mut header, random),
                8 => replace_everywhere(&mut header, random),
                9 => rename_everywhere(&mut header, random),
                10 => layers(&mut header, random),
                11 => grow(&mut header, random),
                12 | 13 => numbers(&mut data, random),
                _ => table(&mut header, random),
            }
        }
        if random.one_in(2) {
            repair(&mut header, &mut data);
        }
        let mut text = header.written();
        if random.one_in(8) {
            respell(&mut text, random);
        }
        let spaces = if random.one_in(30) { random.below(20) } else { 0 };
        let mut file = whole(&text, spaces, &data);
        if random.one_in(20) {
            frame(&mut file, random);
        }
        if !random.one_in(40) {
            seal(&mut file);
        }
        file
    }
}

/// A file of these parts; the header ends with the spaces it needs, and with more.
fn whole(header: &str, more_spaces: usize, data: &[u8]) -> Vec<u8> {
    let length = header.len().next_multiple_of(8) + more_spaces;
    let mut file = (length as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(8 + length, b' ');
    file.extend_from_slice(data);
    seal(&mut file);
    file
}

fn seal(file: &mut [u8]) {
    if file.len() >= CHECKSUM.end {
        file[CHECKSUM].copy_from_slice(b"00000000");
        let sum = crc32fast::hash(file);
        file[CHECKSUM].copy_from_slice(format!("{sum:08x}").as_bytes());
    }
}

/// Numbers at the borders of what a reader may think of.
const NUMBERS: [&str; 29] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "15",
    "16",
    "17",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "-0",
    "-9223372036854775808",
    "0.0",
    "0.5",
    "1e-400",
    "1e16",
    "1e308",
    "1e999",
];

const BARE: [&str; 9] = ["true", "false", "null", "NaN", "Infinity", "01", "1.", "+1", "1e"];

const TEXTS: [&str; 25] = [
    "",
    "F32",
    "F64",
    "BF16",
    "I64",
    "autoencoder",
    "network",
    "encoder.0",
    "decoder.0",
    "layers.0",
    "layers.1",
    "encoder.0.weight",
    "layers.0.weight",
    "input_scaler.shift",
    "__metadata__",
    "dense",
    "conv2d",
    "batch_norm",
    "softmax",
    "same",
    "input",
    "output",
    "tied_to",
    "\u{0}",
    "\u{1f980}\"\\",
];

/// Changes one value, or what is in it.
fn change(tree: &mut Json, random: &mut Random) {
    let size = tree.size();
    let other = tree.at(random.below(size)).clone();
    let value = tree.at(random.below(size));
    match (random.below(8), &mut *value) {
        (0..5, Json::Bare(bare)) => *bare = nudged(bare, random),
        (0..4, Json::List(values)) => shuffle(values, other, random),
        (0..4, Json::Object(entries)) => {
            let name = random.of(&TEXTS).to_owned();
            match (random.below(4), entries.is_empty()) {
                (0, false) => {
                    let place = random.below(entries.len());
                    entries[place].0 = name;
                }
                _ => shuffle(entries, (name, other), random),
            }
        }
        (0, _) => *value = Json::List(vec![value.clone()]),
        (1, _) => *value = Json::Object(vec![(random.of(&TEXTS).to_owned(), value.clone())]),
        (2, _) => *value = other,
        (3, _) => *value = Json::number(random.of(&NUMBERS)),
        (4, _) => *value = Json::number(random.of(&BARE)),
        _ => *value = Json::text(random.of(&TEXTS)),
    }
}

/// Leaves one out, doubles one, exchanges two, or puts another in between.
fn shuffle<V: Clone>(values: &mut Vec<V>, other: V, random: &mut Random) {
    let (place, second) = (random.below(values.len()), random.below(values.len()));
    match (random.below(5), values.is_empty()) {
        (0 | 1, false) => drop(values.remove(place)),
        (2, false) => values.insert(second, values[place].clone()),
        (3, false) => values.swap(place, second),
        _ => values.insert(place, other),
    }
}

/// A number near it, of another kind, or any.
fn nudged(bare: &str, random: &mut Random) -> String {
    match (bare.parse::<u64>(), bare.parse::<f64>()) {
        (Ok(number), _) => match random.below(7) {
            0 => number.wrapping_add(1).to_string(),
            1 => number.wrapping_sub(1).to_string(),
            2 => number.wrapping_mul(2).to_string(),
            3 => format!("{number}.0"),
            4 => format!("-{number}"),
            _ => random.of(&NUMBERS).to_owned(),
        },
        (_, Ok(number)) => match random.below(5) {
            0 => format!("{:?}", number / 2.0),
            1 => format!("{:?}", -number),
            2 => format!("{number:e}"),
            _ => random.of(&NUMBERS).to_owned(),
        },
        _ if random.one_in(2) => random.of(&BARE).to_owned(),
        _ => random.of(&NUMBERS).to_owned(),
    }
}

/// Puts a number in the place of another wherever it stands: the shapes of tensors follow the sizes
/// of layers.
fn replace_everywhere(tree: &mut Json, random: &mut Random) {
    let mut numbers = Vec::new();
    tree.each(&mut |value| {
        if let Json::Bare(bare) = value {
            numbers.push(bare.clone());
        }
    });
    let Some(from) = numbers.get(random.below(numbers.len())).cloned() else { return };
    let to = nudged(&from, random);
    tree.each(&mut |value| {
        if let Json::Bare(bare) = value
            && *bare == from
        {
            bare.clone_from(&to);
        }
    });
}

/// Puts a text in the place of another wherever it stands, also where a longer name begins with it.
fn rename_everywhere(tree: &mut Json, random: &mut Random) {
    let mut texts = Vec::new();
    tree.each(&mut |value| {
        if let Json::Text(text) = value {
            texts.push(text.clone());
        }
    });
    let Some(from) = texts.get(random.below(texts.len())).cloned() else { return };
    let to = random.of(&TEXTS);
    let renamed = |name: &mut String| match name.strip_prefix(&from) {
        Some(rest) if rest.is_empty() || rest.starts_with('.') => *name = format!("{to}{rest}"),
        _ => {}
    };
    tree.each(&mut |value| match value {
        Json::Text(text) => renamed(text),
        Json::Object(entries) => entries.iter_mut().for_each(|(name, _)| renamed(name)),
        _ => {}
    });
}

/// Leaves a layer out with its tensors, or repeats it with them under another name.
fn layers(tree: &mut Json, random: &mut Random) {
    let Some(Json::List(layers)) = tree.description_mut().and_then(|description| description.entry_mut("layers"))
    else {
        return;
    };
    let place = random.below(layers.len());
    let Some(layer) = layers.get(place).cloned() else { return };
    let mut copy = layer.clone();
    let (Some(Json::Text(name)), Some(Json::Text(copied))) =
        (layer.clone().entry_mut("name").cloned(), copy.entry_mut("name"))
    else {
        return;
    };
    let leave_out = random.one_in(2);
    copied.clone_from(&format!("layers.{}", layers.len()));
    let (from, to) = (format!("{name}."), format!("{copied}."));
    match leave_out {
        true => drop(layers.remove(place)),
        false => layers.insert(place + 1, copy),
    }
    let Json::Object(entries) = tree else { return };
    match leave_out {
        true => entries.retain(|(name, _)| !name.starts_with(&from)),
        false => {
            let tensors = entries.iter().filter(|(name, _)| name.starts_with(&from));
            let copies: Vec<_> = tensors.map(|(name, tensor)| (name.replacen(&from, &to, 1), tensor.clone())).collect();
            let after =
                entries.iter().rposition(|(name, _)| name.starts_with(&from)).map_or(entries.len(), |last| last + 1);
            entries.splice(after..after, copies);
        }
    }
}

/// Makes the header long: many values, many layers, a long text, deep nesting.
fn grow(tree: &mut Json, random: &mut Random) {
    let magnitude = if random.one_in(20) { 18 } else { 12 };
    let many = 1 << random.below(magnitude);
    let size = tree.size();
    let value = tree.at(random.below(size));
    match random.below(8) {
        0 => *value = Json::List(vec![Json::number(0); many]),
        1 => *value = Json::List(vec![Json::List(vec![Json::number(0)]); many]),
        2 => *value = Json::Object((0..many).map(|index| (index.to_string(), Json::number(index))).collect()),
        3 => *value = Json::List(vec![Json::Object(vec![("a".to_owned(), Json::text("b"))]); many]),
        4 => *value = Json::text(&"x".repeat(many)),
        5 => *value = Json::number("9".repeat(many)),
        6 => *value = (0..many.min(2_000)).fold(Json::number(0), |inner, _| Json::List(vec![inner])),
        _ => {
            if let Some(Json::List(layers)) = tree.description_mut().and_then(|all| all.entry_mut("layers")) {
                let layer = |index: usize, kind: &str| {
                    let name = ("name".to_owned(), Json::Text(format!("layers.{index}")));
                    Json::Object(vec![
                        name,
                        ("kind".to_owned(), Json::text(kind)),
                        ("config".to_owned(), Json::Object(vec![])),
                    ])
                };
                let first = layers.len();
                layers.extend((first..first + many).map(|index| layer(index, "flatten")));
            }
        }
    }
}

/// Changes the table of tensors: an order, a name, a type, a shape, an offset.
fn table(tree: &mut Json, random: &mut Random) {
    let Json::Object(entries) = tree else { return };
    if entries.is_empty() {
        return;
    }
    let (place, second) = (random.below(entries.len()), random.below(entries.len()));
    match random.below(4) {
        0 => entries.swap(place, second),
        1 => {
            let other = entries[second].1.clone();
            entries[place].1 = other;
        }
        2 => {
            let twice = entries[place].clone();
            entries.insert(second, twice);
        }
        _ => change(&mut entries[place].1, random),
    }
}

/// Gives every tensor the place that its shape asks for, as far as there is one, and makes the data
/// as long.
fn repair(tree: &mut Json, data: &mut Vec<u8>) {
    const LONGEST: u64 = 1 << 16;
    let Json::Object(entries) = tree else { return };
    let mut end = 0_u64;
    for (_, tensor) in entries.iter_mut().filter(|(name, _)| name != "__metadata__") {
        let size = if matches!(tensor.entry_mut("dtype"), Some(Json::Text(float)) if float == "F64") { 8 } else { 4 };
        let Some(Json::List(shape)) = tensor.entry_mut("shape") else { continue };
        let bytes = shape.iter().try_fold(size, |product: u64, dimension| match dimension {
            Json::Bare(bare) => product.checked_mul(bare.parse().ok()?),
            _ => None,
        });
        let Some(bytes) = bytes.filter(|bytes| *bytes <= LONGEST) else { continue };
        if let Some(offsets) = tensor.entry_mut("data_offsets") {
            *offsets = Json::List(vec![Json::number(end), Json::number(end + bytes)]);
        }
        end += bytes;
    }
    data.resize(end.min(LONGEST) as usize, 0x3c); // a small number in both types
}

/// Changes numbers, or how many bytes of them there are.
fn numbers(data: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(data.len() / 4) * 4;
    let length = data.len();
    let word: Option<[u8; 4]> = match random.below(8) {
        0 => Some(f32::NAN.to_le_bytes()),
        1 => Some(f32::NEG_INFINITY.to_le_bytes()),
        2 => Some((f64::NAN.to_bits() as u32 | 0x7ff8_0000).to_le_bytes()), // the upper half of a wide NaN
        3 => Some([0; 4]),
        4 => Some(random.below(usize::MAX).to_le_bytes()[..4].try_into().unwrap()),
        5 => {
            data.truncate(random.below(length));
            None
        }
        6 => {
            data.resize(length + 1 + random.below(16), 0);
            None
        }
        _ => {
            data.rotate_left(random.below(length));
            None
        }
    };
    if let (Some(word), Some(there)) = (word, data.get_mut(place..place + 4)) {
        there.copy_from_slice(&word);
    }
}

/// Changes the header's letters: leaves some out, doubles some, puts others in.
fn respell(text: &mut String, random: &mut Random) {
    if !text.is_ascii() {
        return;
    }
    let place = random.below(text.len());
    let end = (place + 1 + random.below(6)).min(text.len());
    let piece = match random.below(4) {
        0 => String::new(),
        1 => random
            .of(&["0", "1", "9", "-", ".", "e", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\\u0061"])
            .to_owned(),
        2 => text[place..end].repeat(2),
        _ => {
            let other = random.below(text.len());
            text[other..(other + 6).min(text.len())].to_owned()
        }
    };
    text.replace_range(place..end, &piece);
}

/// Changes the file's bytes: the header's length, any byte, or its end.
fn frame(file: &mut Vec<u8>, random: &mut Random) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap());
    match random.below(4) {
        0 => {
            let number = nudged(&length.to_string(), random).parse().unwrap_or(u64::MAX);
            file[..8].copy_from_slice(&number.to_le_bytes());
        }
        1 => {
            let place = random.below(file.len());
            file[place] = random.below(256) as u8;
        }
        2 => file.truncate(random.below(file.len())),
        _ => {
            let place = random.below(120.min(file.len()));
            file.remove(place);
        }
    }
}
