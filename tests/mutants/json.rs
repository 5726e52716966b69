//! [`Json`]: a header as a tree that may hold what no good header does: a name twice, `null`,
//! numbers out of any range.

use std::fmt::Write;

#[derive(Debug, Clone)]
pub enum Json {
    /// A number, `true`, `null`, or anything else without quotes.
    Bare(String),
    Text(String),
    /// A text that is JSON itself: the description.
    Quoted(Box<Json>),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The tree of a good header, the description included.
    pub fn of_header(header: &str) -> Self {
        let mut tree = Reader { rest: header }.value();
        if let Some(Json::Object(metadata)) = tree.entry_mut("__metadata__")
            && let Some((_, description)) = metadata.first_mut()
            && let Json::Text(text) = description
        {
            *description = Json::Quoted(Box::new(Reader { rest: text }.value()));
        }
        tree
    }

    pub fn number(number: impl ToString) -> Self {
        Json::Bare(number.to_string())
    }

    pub fn text(text: &str) -> Self {
        Json::Text(text.to_owned())
    }

    pub fn entry_mut(&mut self, name: &str) -> Option<&mut Json> {
        let Json::Object(entries) = self else { return None };
        entries.iter_mut().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The model's description.
    pub fn description_mut(&mut self) -> Option<&mut Json> {
        match self.entry_mut("__metadata__")?.entry_mut("autoencoder")? {
            Json::Quoted(description) => Some(description),
            _ => None,
        }
    }

    /// How many values there are in the tree, itself included.
    pub fn size(&self) -> usize {
        1 + match self {
            Json::Bare(_) | Json::Text(_) => 0,
            Json::Quoted(value) => value.size(),
            Json::List(values) => values.iter().map(Json::size).sum(),
            Json::Object(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
        }
    }

    /// The value at a place in the order of writing.
    pub fn at(&mut self, mut place: usize) -> &mut Json {
        if place == 0 {
            return self;
        }
        place -= 1;
        let inner: Vec<&mut Json> = match self {
            Json::Bare(_) | Json::Text(_) => panic!("there is no such place"),
            Json::Quoted(value) => vec![value],
            Json::List(values) => values.iter_mut().collect(),
            Json::Object(entries) => entries.iter_mut().map(|(_, value)| value).collect(),
        };
        for value in inner {
            let size = value.size();
            if place < size {
                return value.at(place);
            }
            place -= size;
        }
        panic!("there is no such place")
    }

    /// Calls `visit` on every value.
    pub fn each(&mut self, visit: &mut impl FnMut(&mut Json)) {
        visit(self);
        match self {
            Json::Bare(_) | Json::Text(_) => {}
            Json::Quoted(value) => value.each(visit),
            Json::List(values) => values.iter_mut().for_each(|value| value.each(visit)),
            Json::Object(entries) => entries.iter_mut().for_each(|(_, value)| value.each(visit)),
        }
    }

    pub fn written(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) {
        match self {
            Json::Bare(bare) => to.push_str(bare),
            Json::Text(text) => quote(text, to),
            Json::Quoted(value) => quote(&value.written(), to),
            Json::List(values) => {
                to.push('[');
                for (index, value) in values.iter().enumerate() {
                    to.push_str(if index > 0 { "," } else { "" });
                    value.write(to);
                }
                to.push(']');
            }
            Json::Object(entries) => {
                to.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    to.push_str(if index > 0 { "," } else { "" });
                    quote(name, to);
                    to.push(':');
                    value.write(to);
                }
                to.push('}');
            }
        }
    }
}

fn quote(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => to.extend(['\\', character]),
            '\0'..='\u{1f}' => write!(to, "\\u{:04x}", character as u32).unwrap(),
            _ => to.push(character),
        }
    }
    to.push('"');
}

/// Reads good JSON without spaces, whose texts have no escapes but `\"` and `\\`.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self) -> Json {
        match self.rest.as_bytes()[0] {
            b'"' => Json::Text(self.text()),
            b'[' => Json::List(self.items(|reader| reader.value())),
            b'{' => Json::Object(self.items(|reader| {
                let name = reader.text();
                reader.skip(1); // the colon
                (name, reader.value())
            })),
            _ => {
                let end = self.rest.find([',', ']', '}']).unwrap();
                let bare = self.rest[..end].to_owned();
                self.skip(end);
                Json::Bare(bare)
            }
        }
    }

    fn items<I>(&mut self, mut item: impl FnMut(&mut Self) -> I) -> Vec<I> {
        let mut items = Vec::new();
        self.skip(1);
        while !self.rest.starts_with([']', '}']) {
            items.push(item(self));
            if self.rest.starts_with(',') {
                self.skip(1);
            }
        }
        self.skip(1);
        items
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    self.skip(place + 2);
                    return text;
                }
                '\\' => text.push(characters.next().unwrap().1),
                _ => text.push(character),
            }
        }
        panic!("a text without an end")
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}
