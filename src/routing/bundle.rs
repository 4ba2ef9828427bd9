//! A table in several files, as one text: the table's own file, then each that `include` names, between marks.
//!
//! What reads, checks and keeps tables sees one text, and a place in it is a place in one of its files. The mark is the
//! file separator of ASCII, which TOML forbids: no file can hold it, and a table of one file is that file byte for byte.

use super::file;
use crate::limits::{INCLUDES_DEEP_MAX, INCLUDES_MAX, TABLE_BYTES_MAX};
use std::collections::BTreeSet;

/// Stands before the name of each file; the name ends with the line.
const MARK: char = '\u{1c}';

/// One file of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part<'t> {
    /// Its name, from the folder of the table's own file; `None` for a table of one file, whose name is not told.
    pub name: Option<&'t str>,
    /// Where it begins in the whole.
    pub start: usize,
    /// What stands in it.
    pub text: &'t str,
}

impl Part<'_> {
    fn holds(&self, offset: usize) -> bool {
        self.start <= offset && offset <= self.start + self.text.len()
    }
}

/// Every file of a table, its own first: what whoever keeps tables must keep.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, piece) in text.split(MARK).enumerate() {
        let (name, skip) = match (at, piece.split_once('\n')) {
            (0, _) => (None, 0),
            (_, Some((name, _))) => (Some(name), name.len() + 1),
            (_, None) => (Some(piece), piece.len()),
        };
        if at > 0 || !piece.is_empty() {
            parts.push(Part { name, start: start + skip, text: &piece[skip..] });
        }
        start += piece.len() + MARK.len_utf8();
    }
    if parts.is_empty() {
        parts.push(Part { name: None, start: 0, text });
    }
    parts
}

/// The file that holds a byte of the whole, and how many files there are before it.
pub fn part_at(text: &str, offset: usize) -> (usize, Part<'_>) {
    let parts = parts(text);
    let at = parts.iter().rposition(|part| part.holds(offset)).unwrap_or(0);
    (at, parts[at])
}

/// The file, as told to people, with line and column of a byte: `programs.toml`, 12, 5. `name` is that of the table.
pub fn place(name: &str, text: &str, offset: usize) -> (String, usize, usize) {
    let (at, part) = part_at(text, offset);
    let (line, column) = super::diagnostic::position(part.text, offset.saturating_sub(part.start));
    (told(name, at, part.name), line, column)
}

/// A file's name for people: beside the table's own.
pub(super) fn told(name: &str, at: usize, part: Option<&str>) -> String {
    match (part, name.rsplit_once('/')) {
        (Some(part), Some((folder, _))) if at > 0 => format!("{folder}/{part}"),
        (Some(part), None) if at > 0 => part.to_owned(),
        _ => name.to_owned(),
    }
}

/// The name of an included file from the folder of the table: it is written from the folder of the file that names it.
/// `None` leads out of the table's folder, or is no name.
pub fn name_of(includer: Option<&str>, written: &str) -> Option<String> {
    let plain = written.ends_with(".toml")
        && !written.starts_with('/')
        && !written.contains(['\\', ':', MARK])
        && !written.chars().any(char::is_control)
        && written.split('/').all(|step| !step.is_empty() && step != "." && step != "..");
    if !plain {
        return None;
    }
    let folder = includer.and_then(|name| name.rsplit_once('/')).map(|(folder, _)| folder);
    Some(folder.map_or_else(|| written.to_owned(), |folder| format!("{folder}/{written}")))
}

/// The whole table: `main` is its own file, called `name`, and `read` gives a file by its name from the table's folder. What
/// cannot be read, or is too much, is left out: `check` finds that it is missing.
pub fn gather(name: &str, main: Vec<u8>, read: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut gathering = Gathering { read, whole: Vec::new(), seen: BTreeSet::from([name.to_owned()]) };
    gathering.whole.extend(mark(name));
    gathering.whole.extend(&main);
    gathering.follow(None, &main, 1);
    // A table of one file is that file. (One that holds a mark is no table; it is kept for its finding.)
    if gathering.seen.len() == 1 { main } else { gathering.whole }
}

struct Gathering<'r> {
    read: &'r mut dyn FnMut(&str) -> Option<Vec<u8>>,
    whole: Vec<u8>,
    seen: BTreeSet<String>,
}

impl Gathering<'_> {
    fn follow(&mut self, includer: Option<&str>, bytes: &[u8], deep: usize) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for written in file::includes(text) {
            let Some(name) = name_of(includer, &written) else { continue };
            if deep > INCLUDES_DEEP_MAX || self.seen.len() > INCLUDES_MAX || self.seen.contains(&name) {
                continue;
            }
            let Some(part) = (self.read)(&name) else { continue };
            let marked = part.contains(&(MARK as u8));
            if marked || self.whole.len() + part.len() > TABLE_BYTES_MAX {
                continue;
            }
            self.seen.insert(name.clone());
            self.whole.extend(mark(&name));
            self.whole.extend(&part);
            self.follow(Some(&name), &part, deep + 1);
        }
    }
}

fn mark(name: &str) -> Vec<u8> {
    format!("{MARK}{name}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(files: &[(&str, &str)]) -> String {
        let mut read =
            |name: &str| files.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_bytes().to_vec());
        let main = files[0].1.as_bytes().to_vec();
        String::from_utf8(gather(files[0].0, main, &mut read)).expect("UTF-8")
    }

    #[test]
    fn a_table_of_one_file_is_that_file() {
        for text in ["", "schema = 1\n", "include = [\"gone.toml\"]\n"] {
            let whole = gathered(&[("routing.toml", text)]);
            assert_eq!(whole, text);
            assert_eq!(parts(&whole), [Part { name: None, start: 0, text }]);
        }
    }

    #[test]
    fn files_are_gathered_once_each_from_the_folder_of_the_file_that_names_them() {
        let whole = gathered(&[
            ("routing.toml", "include = [\"a/a.toml\", \"b.toml\"]"),
            ("a/a.toml", "include = [\"c.toml\", \"a.toml\"]\n"),
            ("a/c.toml", "x = 1"),
            ("b.toml", "include = \"routing.toml\""),
        ]);
        let parts = parts(&whole);
        let names: Vec<_> = parts.iter().filter_map(|part| part.name).collect();
        assert_eq!(names, ["routing.toml", "a/a.toml", "a/c.toml", "b.toml"]);
        assert!(parts.iter().all(|part| whole[part.start..].starts_with(part.text)));
        assert_eq!(parts[2].text, "x = 1");
        assert_eq!(place("tables/routing.toml", &whole, parts[2].start + 4), ("tables/a/c.toml".to_owned(), 1, 5));
        assert_eq!(place("routing.toml", &whole, parts[0].start), ("routing.toml".to_owned(), 1, 1));
    }

    #[test]
    fn a_name_stays_in_the_folder_of_the_table() {
        for (includer, written, name) in [
            (None, "a.toml", Some("a.toml")),
            (Some("x/y.toml"), "a.toml", Some("x/a.toml")),
            (Some("x/y.toml"), "z/a.toml", Some("x/z/a.toml")),
            (Some("x/y.toml"), "../a.toml", None),
            (None, "/etc/a.toml", None),
            (None, "a\\b.toml", None),
            (None, "c:a.toml", None),
            (None, "a.txt", None),
            (None, "", None),
            (None, "./a.toml", None),
        ] {
            assert_eq!(name_of(includer, written).as_deref(), name, "{written}");
        }
    }
}
