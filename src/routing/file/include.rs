//! `include`: the rows of several files as one tree, and what cannot be included.

use super::{Entry, File, Kind, Table, Value, read_one};
use crate::limits::{INCLUDES_DEEP_MAX, INCLUDES_MAX};
use crate::routing::bundle::{self, Part};
use crate::routing::diagnostic::Diagnostic;
use std::collections::BTreeMap;
use std::ops::Range;

/// The files that a file names, as written.
pub(in crate::routing) fn includes(text: &str) -> Vec<String> {
    let root = read_one(text).root;
    named(&root).into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Reads every file of a table; the rows of all are in the tree of the first.
pub(super) fn join(text: &str) -> File {
    let parts = bundle::parts(text);
    let mut files: Vec<File> = parts.iter().map(|part| moved(read_one(part.text), part.start)).collect();
    let mut findings = Vec::new();
    let mut following = Following { parts: &parts, files: &files, passed: BTreeMap::new(), findings: &mut findings };
    following.follow(0, &mut Vec::new());
    let mut whole = files.remove(0);
    whole.mistakes.extend(findings);
    for file in files {
        whole.mistakes.extend(file.mistakes);
        whole.root.broken |= file.root.broken;
        add(&mut whole.root, file.root, &mut whole.mistakes);
    }
    whole
}

/// The texts of `include`, with where they stand. What is no text is found where the field is read.
fn named(root: &Table) -> Vec<(&str, Range<usize>)> {
    let text = |value: &'_ Value| value.span.clone();
    match root.get("include").map(|entry| &entry.value) {
        Some(value @ Value { kind: Kind::Text(name), .. }) => vec![(name, text(value))],
        Some(Value { kind: Kind::List(items), .. }) => items
            .iter()
            .filter_map(|item| match &item.kind {
                Kind::Text(name) => Some((name.as_str(), text(item))),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

struct Following<'f> {
    parts: &'f [Part<'f>],
    files: &'f [File],
    /// Where each file was named first.
    passed: BTreeMap<String, Range<usize>>,
    findings: &'f mut Vec<Diagnostic>,
}

impl Following<'_> {
    /// Follows the files that a file names; `open` are those that named it, from the first.
    fn follow(&mut self, at: usize, open: &mut Vec<usize>) {
        let Some(file) = self.files.get(at) else { return };
        open.push(at);
        // The names of the table's own file are written from its folder already.
        let includer = if at == 0 { None } else { self.parts[at].name };
        for (written, span) in named(&file.root) {
            let Some(name) = bundle::name_of(includer, written) else {
                self.findings.push(outside(written, span));
                continue;
            };
            let found = self.parts.iter().position(|part| part.name == Some(&name));
            let circle = found.is_some_and(|found| open.contains(&found));
            if circle {
                self.findings.push(round(&name, span));
            } else if let Some(first) = self.passed.get(&name) {
                self.findings.push(again(&name, span, first.clone()));
            } else {
                self.passed.insert(name.clone(), span.clone());
                match found {
                    Some(found) => self.follow(found, open),
                    None => self.findings.push(self.missing(&name, span, open.len())),
                }
            }
        }
        open.pop();
    }

    fn missing(&self, name: &str, span: Range<usize>, deep: usize) -> Diagnostic {
        if deep > INCLUDES_DEEP_MAX {
            let most = INCLUDES_DEEP_MAX;
            return finding(name, span, ["include 가 너무 깊습니다", "included too deep"]).help(
                format!("{most}겹까지 됩니다. 앞의 파일에 쓰세요"),
                format!("at most {most} files within files; name it in a file before"),
            );
        }
        if self.parts.len() > INCLUDES_MAX {
            let most = INCLUDES_MAX;
            return finding(name, span, ["include 한 파일이 너무 많습니다", "too many files are included"])
                .help(format!("{most}개까지 됩니다. 파일을 합치세요"), format!("at most {most}; join some"));
        }
        finding(name, span, ["읽을 수 없는 파일입니다", "this file cannot be read"]).help(
            "표가 있는 폴더에서 그 이름의 파일이 있는지 보세요. 모두 합쳐 4 MiB 까지 됩니다",
            "is there a file of this name in the folder of the table? All files together hold 4 MiB at most",
        )
    }
}

fn finding(name: &str, span: Range<usize>, what: [&str; 2]) -> Diagnostic {
    Diagnostic::error("E0110", span, format!("{}: \"{name}\"", what[0]), format!("{}: \"{name}\"", what[1]))
}

fn outside(name: &str, span: Range<usize>) -> Diagnostic {
    finding(name, span, ["include 할 수 없는 이름입니다", "this cannot be included"]).help(
        "표와 같은 폴더나 그 아래의 파일을 쓰세요: \"programs.toml\", \"rows/holidays.toml\"",
        "name a file in the folder of the table or below it: \"programs.toml\", \"rows/holidays.toml\"",
    )
}

fn round(name: &str, span: Range<usize>) -> Diagnostic {
    finding(name, span, ["파일이 자기 자신을 include 합니다", "the file includes itself"])
        .help("이 이름을 지우세요", "delete this name")
}

fn again(name: &str, span: Range<usize>, first: Range<usize>) -> Diagnostic {
    finding(name, span, ["두 번 include 한 파일입니다", "this file is included twice"])
        .help("하나를 지우세요", "delete one of the two")
        .related(first, "첫 번째", "the first")
}

/// Adds the rows of a file: `[menu]` of one and `[menu]` of another are the menus of the table.
fn add(root: &mut Table, more: Table, mistakes: &mut Vec<Diagnostic>) {
    for entry in more.entries {
        match (root.entries.iter_mut().find(|known| known.key == entry.key), entry) {
            (None, entry) => root.entries.push(entry),
            (Some(known), entry) if entry.key == "include" => {
                let mut all = listed(std::mem::replace(&mut known.value.kind, Kind::Lost), &known.value.span);
                all.extend(listed(entry.value.kind, &entry.value.span));
                known.value.kind = Kind::List(all);
            }
            // Each file may say in which language it is written, for editors.
            (Some(known), Entry { key, value, .. }) if key == "schema" && same(&known.value, &value) => {}
            (Some(known), Entry { key, key_span, value }) => match (&mut known.value.kind, value.kind) {
                (Kind::Table(rows), Kind::Table(more)) => add_rows(rows, more, mistakes),
                (Kind::List(items), Kind::List(more)) => items.extend(more),
                _ => mistakes.push(twice(&key, key_span, known.key_span.clone())),
            },
        }
    }
}

fn add_rows(rows: &mut Table, more: Table, mistakes: &mut Vec<Diagnostic>) {
    rows.broken |= more.broken;
    for entry in more.entries {
        match rows.entries.iter().find(|known| known.key == entry.key) {
            None => rows.entries.push(entry),
            Some(known) => mistakes.push(twice(&entry.key, entry.key_span, known.key_span.clone())),
        }
    }
}

/// A value as the list that it stands for.
fn listed(kind: Kind, span: &Range<usize>) -> Vec<Value> {
    match kind {
        Kind::List(items) => items,
        kind => vec![Value { span: span.clone(), kind }],
    }
}

fn same(one: &Value, other: &Value) -> bool {
    matches!((&one.kind, &other.kind), (Kind::Integer(one), Kind::Integer(other)) if one == other)
}

fn twice(key: &str, span: Range<usize>, first: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0104",
        span,
        format!("같은 이름이 두 파일에 있습니다: \"{key}\""),
        format!("the same name stands in two files: \"{key}\""),
    )
    .label("두 번째", "the second")
    .help("하나를 지우거나 합치세요", "delete one, or join them")
    .related(first, "첫 번째", "the first")
}

/// A file with every place as it is in the whole.
fn moved(mut file: File, by: usize) -> File {
    if by > 0 {
        move_table(&mut file.root, by);
        for mistake in &mut file.mistakes {
            move_span(&mut mistake.span, by);
            mistake.related.iter_mut().for_each(|related| move_span(&mut related.span, by));
        }
    }
    file
}

fn move_span(span: &mut Range<usize>, by: usize) {
    span.start += by;
    span.end += by;
}

fn move_table(table: &mut Table, by: usize) {
    move_span(&mut table.span, by);
    for entry in &mut table.entries {
        move_span(&mut entry.key_span, by);
        move_value(&mut entry.value, by);
    }
}

fn move_value(value: &mut Value, by: usize) {
    move_span(&mut value.span, by);
    match &mut value.kind {
        Kind::Table(table) => move_table(table, by),
        Kind::List(items) => items.iter_mut().for_each(|item| move_value(item, by)),
        Kind::Text(_) | Kind::Integer(_) | Kind::Flag(_) | Kind::Other(_) | Kind::Lost => {}
    }
}
