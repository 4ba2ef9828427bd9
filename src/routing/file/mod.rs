//! `routing.toml` as it is written: rows and values with the bytes they stand on, in the order of the file.
//!
//! Nothing here knows what a menu is. A file that is right TOML (1.1) is read by the `toml` crate in one piece;
//! a file that is not is read again statement by statement (`recover`), so that one open quote does not hide
//! the mistakes of every later row.

mod include;
mod recover;
mod syntax;

pub(super) use include::includes;
pub(super) use syntax::{full_width, wide};

use crate::limits::{TABLE_DEPTH_MAX, TABLE_DOTS_PER_LINE_MAX};
use crate::routing::diagnostic::Diagnostic;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A file as written.
#[derive(Debug)]
pub(super) struct File {
    /// The top level.
    pub(super) root: Table,
    /// Mistakes of syntax.
    pub(super) mistakes: Vec<Diagnostic>,
}

/// A table: `[menu.main]`, or `{ … }`.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Its header or its braces.
    pub(super) span: Range<usize>,
    /// What stands in it, in the order of the file.
    pub(super) entries: Vec<Entry>,
    /// Syntax was wrong inside: something may be missing that the operator did write.
    pub(super) broken: bool,
    /// It came into being only because `[a.b]` names `a`.
    implicit: bool,
}

/// What stands for a row that could not be read: nothing in it is missing.
pub(super) static UNREADABLE: Table = Table { span: 0..0, entries: Vec::new(), broken: true, implicit: false };

/// `key = value`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key, unescaped.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) key_span: Range<usize>,
    /// Its value.
    pub(super) value: Value,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Quotes included.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What can be written after `=`.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `"…"`
    Text(String),
    /// A whole number; `None` when it does not fit.
    Integer(Option<i64>),
    /// `true`, `false`
    Flag(bool),
    /// `[ … ]`, and repeated `[[ … ]]`.
    List(Vec<Value>),
    /// `{ … }`, and `[ … ]` headers.
    Table(Table),
    /// What no field of ours takes: a fraction or a date.
    Other(&'static str),
    /// The name was readable, the rest was not (reported as a mistake of syntax).
    Lost,
}

impl Kind {
    /// The kind in Korean and in English.
    pub(super) fn words(&self) -> [&'static str; 2] {
        match self {
            Self::Text(_) => ["글", "a text"],
            Self::Integer(_) => ["수", "a number"],
            Self::Flag(_) => ["true/false", "true/false"],
            Self::List(_) => ["목록 [ … ]", "a list [ … ]"],
            Self::Table(_) => ["표 { … }", "a table { … }"],
            Self::Other(words) if *words == "float" => ["소수", "a fraction"],
            Self::Other(_) => ["날짜", "a date"],
            Self::Lost => ["읽을 수 없는 값", "unreadable"],
        }
    }
}

impl Table {
    /// The entry with this key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Reads a table; whatever is right in it is in the tree, whatever is wrong in the list. The rows of all its files are
/// one tree.
pub(super) fn read(text: &str) -> File {
    include::join(text)
}

fn read_one(text: &str) -> File {
    let mut deep = Vec::new();
    if nests_sanely(text, &mut deep) {
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return File { root: convert_table(table.get_ref(), table.span(), 0, 0), mistakes: deep };
        }
        let mut file = recover::read(text);
        // Both readers must agree that the file is wrong; a mistake only the first sees is still one.
        if file.mistakes.is_empty() {
            file.mistakes.extend(errors.iter().take(1).map(|error| syntax::diagnose(text, error, 0)));
        }
        return file;
    }
    let mut file = recover::read(text);
    file.mistakes.extend(deep);
    file
}

/// Whether the file nests no deeper than a table ever does. Deeper text would only cost stack, in the `toml` crate too.
fn nests_sanely(text: &str, mistakes: &mut Vec<Diagnostic>) -> bool {
    let mut open = 0usize;
    let mut sane = true;
    for (start, line) in lines(text) {
        if too_many_dots(line) {
            mistakes.push(syntax::too_deep(start..start + line.trim_end().len()));
            sane = false;
        }
        for byte in line.bytes() {
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            sane &= open <= TABLE_DEPTH_MAX;
        }
    }
    sane
}

/// A line of dotted keys that nobody writes.
fn too_many_dots(line: &str) -> bool {
    !line.trim_start().starts_with('#') && line.bytes().filter(|&byte| byte == b'.').count() > TABLE_DOTS_PER_LINE_MAX
}

/// The lines with where each begins, line ends included.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

/// From the `toml` crate's table, whose order is that of the alphabet, to the order of the file.
fn convert_table(table: &DeTable<'_>, span: Range<usize>, shift: usize, depth: usize) -> Table {
    let mut entries: Vec<Entry> = Vec::new();
    // Deeper than any field lies; what is below cannot be meant by anybody and is reported as a wrong type.
    if depth <= TABLE_DEPTH_MAX {
        entries.extend(table.iter().map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span().start + shift..key.span().end + shift,
            value: convert(value.get_ref(), value.span(), shift, depth + 1),
        }));
    }
    entries.sort_by_key(|entry| entry.key_span.start);
    Table { span: span.start + shift..span.end + shift, entries, broken: false, implicit: false }
}

fn convert(value: &DeValue<'_>, span: Range<usize>, shift: usize, depth: usize) -> Value {
    let kind = match value {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => Kind::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Boolean(flag) => Kind::Flag(*flag),
        DeValue::Float(_) => Kind::Other("float"),
        DeValue::Datetime(_) => Kind::Other("datetime"),
        DeValue::Array(_) if depth > TABLE_DEPTH_MAX => Kind::List(Vec::new()),
        DeValue::Array(list) => {
            Kind::List(list.iter().map(|item| convert(item.get_ref(), item.span(), shift, depth + 1)).collect())
        }
        DeValue::Table(table) => Kind::Table(convert_table(table, span.clone(), shift, depth)),
    };
    Value { span: span.start + shift..span.end + shift, kind }
}
