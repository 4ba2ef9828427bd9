//! Reading a file that is not right TOML: statement by statement, so that a mistake stays in its row.
//!
//! A statement is one line, or the few lines that are right only together. A line that begins with `[name` always
//! begins a new row, whatever was left open before it.

use super::{Entry, File, Kind, Table, Value, convert_table, lines, syntax, too_many_dots};
use crate::limits::{FINDINGS_MAX, TABLE_STATEMENT_LINES_MAX};
use crate::routing::diagnostic::Diagnostic;
use std::ops::Range;
use toml::de::DeTable;

/// Reads what is right and lists what is not.
pub(super) fn read(text: &str) -> File {
    let lines: Vec<(usize, &str)> = lines(text).collect();
    let mut file = File { root: Table::default(), mistakes: Vec::new() };
    let mut path: Vec<Step> = Vec::new();
    let mut at = 0;
    while let Some(&(start, line)) = lines.get(at) {
        // A file of noise: nobody reads more mistakes than this.
        if file.mistakes.len() > FINDINGS_MAX {
            break;
        }
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if trimmed.is_empty() || trimmed.starts_with('#') || too_many_dots(line) {
            at += 1;
        } else if begins_row(trimmed) {
            path = header(text, start, line, &mut file);
            at += 1;
        } else if lacks_opening(trimmed) {
            path = unopened_header(start, line, &mut file);
            at += 1;
        } else {
            at += statement(text, &lines, at, &path, &mut file);
        }
    }
    file
}

/// One part of a row's name and where it stands.
#[derive(Clone)]
struct Step {
    key: String,
    span: Range<usize>,
}

/// `[menu.main]` and `[[test]]`, also unclosed; not the `["a", …` of a list.
fn begins_row(trimmed: &str) -> bool {
    let name = trimmed.trim_start_matches('[').trim_start();
    trimmed.starts_with('[') && name.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// `menu.main]`
fn lacks_opening(trimmed: &str) -> bool {
    let code = trimmed.split('#').next().unwrap_or("").trim_end();
    code.strip_suffix(']').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    })
}

/// Enters the table of a header without its first bracket.
fn unopened_header(start: usize, line: &str, file: &mut File) -> Vec<Step> {
    let path = bare_path(start, line);
    let first = path.first().map_or(start, |step| step.span.start);
    let last = path.last().map_or(start, |step| step.span.end + 1);
    file.mistakes.push(syntax::unopened_row(first..last));
    define(&mut file.root, &path, first..last, true, &mut file.mistakes);
    path
}

/// Reads a header and enters its table.
fn header(text: &str, start: usize, line: &str, file: &mut File) -> Vec<Step> {
    let (table, errors) = DeTable::parse_recoverable(line);
    if let Some(error) = errors.first() {
        file.mistakes.push(syntax::diagnose(text, error, start));
    }
    let found = convert_table(table.get_ref(), table.span(), start, 0);
    let mut path = Vec::new();
    let mut inside = &found;
    let mut repeated = false;
    while let Some(entry) = inside.entries.first() {
        path.push(Step { key: entry.key.clone(), span: entry.key_span.clone() });
        inside = match &entry.value.kind {
            Kind::Table(table) => table,
            Kind::List(_) => {
                repeated = true;
                break;
            }
            _ => break,
        };
    }
    // The name of a header that is not closed still names its row.
    if path.is_empty() {
        path = bare_path(start, line);
    }
    let span = start..start + line.trim_end().len();
    let enter =
        if repeated || line.trim_start_matches('\u{feff}').trim_start().starts_with("[[") { append } else { define };
    enter(&mut file.root, &path, span, !errors.is_empty(), &mut file.mistakes);
    path
}

/// The name in `[menu.main` without its bracket.
fn bare_path(start: usize, line: &str) -> Vec<Step> {
    let skip = line.len() - line.trim_start_matches(['\u{feff}', ' ', '\t', '[']).len();
    let rest = line.get(skip..).unwrap_or("");
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(rest.len());
    let mut at = start + skip;
    let mut path = Vec::new();
    for key in rest.get(..end).unwrap_or("").split('.') {
        if !key.is_empty() {
            path.push(Step { key: key.to_owned(), span: at..at + key.len() });
        }
        at += key.len() + 1;
    }
    path
}

/// Makes the table of a header; a second header of that name is a mistake, and its rows join the first.
fn define(root: &mut Table, path: &[Step], span: Range<usize>, broken: bool, mistakes: &mut Vec<Diagnostic>) {
    let Some((last, parents)) = path.split_last() else { return };
    let Some(parent) = descend(root, parents) else { return };
    match parent.entries.iter_mut().find(|entry| entry.key == last.key) {
        None => parent.entries.push(Entry {
            key: last.key.clone(),
            key_span: last.span.clone(),
            value: Value { span: span.clone(), kind: Kind::Table(Table { span, broken, ..Table::default() }) },
        }),
        Some(Entry { key_span, value: Value { kind: Kind::Table(table), .. }, .. }) if table.implicit => {
            table.implicit = false;
            table.span = span;
            *key_span = last.span.clone();
        }
        Some(first) => mistakes.push(twice(last, first.key_span.clone())),
    }
}

/// Makes one more table of a repeated header, `[[test]]`.
fn append(root: &mut Table, path: &[Step], span: Range<usize>, broken: bool, mistakes: &mut Vec<Diagnostic>) {
    let Some((last, parents)) = path.split_last() else { return };
    let Some(parent) = descend(root, parents) else { return };
    let table = Table { span: span.clone(), broken, ..Table::default() };
    let item = Value { span: span.clone(), kind: Kind::Table(table) };
    match parent.entries.iter_mut().find(|entry| entry.key == last.key) {
        None => parent.entries.push(Entry {
            key: last.key.clone(),
            key_span: last.span.clone(),
            value: Value { span, kind: Kind::List(vec![item]) },
        }),
        Some(Entry { value: Value { kind: Kind::List(items), .. }, .. }) => items.push(item),
        Some(first) => mistakes.push(twice(last, first.key_span.clone())),
    }
}

/// Reads the statement that begins at line `at`; returns how many lines it took.
fn statement(text: &str, lines: &[(usize, &str)], at: usize, path: &[Step], file: &mut File) -> usize {
    let count = lines_of_statement(lines, at);
    let (start, line) = lines[at];
    let end = lines.get(at + count).map_or(text.len(), |&(next, _)| next);
    let piece = text.get(start..end).unwrap_or("");
    let (table, errors) = DeTable::parse_recoverable(piece);
    // One complaint a statement: the next ones are mostly echoes of the first.
    let Some(error) = errors.iter().min_by_key(|error| error.span().map(|span| span.start)) else {
        insert(file, path, convert_table(table.get_ref(), table.span(), start, 0));
        return count;
    };
    if let Some((span, meant)) = open_quote(piece) {
        file.mistakes.push(syntax::unclosed_quote(start + span.start..start + span.end));
        insert(file, path, close_quote(piece, start, span.end, meant));
        return count;
    }
    let mut found = convert_table(table.get_ref(), table.span(), start, 0);
    file.mistakes.push(syntax::diagnose(text, error, start));
    mark_broken(text, error.span().map_or(start, |span| span.end + start), &mut found);
    if found.entries.is_empty() {
        found.entries.extend(lost(start, line));
    }
    insert(file, path, found);
    count
}

/// The text in a piece that lacks its closing quote, and whether the piece is right with a quote behind it.
fn open_quote(piece: &str) -> Option<(Range<usize>, bool)> {
    let quotes: Vec<usize> = piece.match_indices('"').map(|(at, _)| at).collect();
    if quotes.len().is_multiple_of(2) || piece.contains("\"\"\"") {
        return None;
    }
    // The first text that reads on into the next field is the open one; else the last.
    let reads_on =
        quotes.chunks_exact(2).find(|pair| piece.get(pair[0]..pair[1]).is_some_and(|text| text.contains('=')));
    let start = reads_on.map(|pair| pair[0]).or(quotes.last().copied())?;
    let rest = piece.get(start + 1..)?.lines().next().unwrap_or("");
    let upto = rest.find([',', '}', ']', '#']).unwrap_or(rest.len());
    let end = start + 1 + rest.get(..upto)?.trim_end().len();
    let mended = format!("{}\"{}", piece.get(..end)?, piece.get(end..)?);
    Some((start..end, DeTable::parse_recoverable(&mended).1.is_empty()))
}

/// What a piece says when a quote is put at `end`; every span as if it had not been put.
fn close_quote(piece: &str, start: usize, end: usize, meant: bool) -> Table {
    let (Some(before), Some(behind)) = (piece.get(..end), piece.get(end..)) else { return Table::default() };
    let mended = format!("{before}\"{behind}");
    let (table, _) = DeTable::parse_recoverable(&mended);
    let mut found = convert_table(table.get_ref(), table.span(), start, 0);
    unshift(&mut found, start + end);
    if !meant {
        mark_broken("", usize::MAX, &mut found);
    }
    if found.entries.is_empty() {
        found.entries.extend(lost(start, piece));
    }
    found
}

/// Takes back one byte from every place behind `at`.
fn unshift(table: &mut Table, at: usize) {
    let back = |span: &mut Range<usize>| {
        span.start -= usize::from(span.start > at);
        span.end -= usize::from(span.end > at);
    };
    back(&mut table.span);
    for entry in &mut table.entries {
        back(&mut entry.key_span);
        unshift_value(&mut entry.value, at);
    }
}

fn unshift_value(value: &mut Value, at: usize) {
    value.span.start -= usize::from(value.span.start > at);
    value.span.end -= usize::from(value.span.end > at);
    match &mut value.kind {
        Kind::Table(table) => unshift(table, at),
        Kind::List(items) => items.iter_mut().for_each(|item| unshift_value(item, at)),
        _ => {}
    }
}

/// The name a broken line begins with, so that its row is not missed elsewhere too.
fn lost(start: usize, line: &str) -> Option<Entry> {
    let step = bare_path(start, line).into_iter().next()?;
    let value = Value { span: step.span.clone(), kind: Kind::Lost };
    Some(Entry { key: step.key, key_span: step.span, value })
}

/// How many lines belong together: until every bracket is closed; one, when they never are.
fn lines_of_statement(lines: &[(usize, &str)], at: usize) -> usize {
    let (mut open, mut close, mut quotes) = (0, 0, 0);
    for count in 1..=TABLE_STATEMENT_LINES_MAX {
        let Some(&(_, line)) = lines.get(at + count - 1) else { break };
        if count > 1 && (begins_row(line.trim()) || too_many_dots(line)) {
            break;
        }
        open += line.matches(['{', '[']).count();
        close += line.matches(['}', ']']).count();
        quotes += line.matches("\"\"\"").count() + line.matches("'''").count();
        if open <= close && quotes % 2 == 0 {
            return count;
        }
    }
    1
}

/// Everything in it may lack what the operator wrote behind the mistake, which ends at `at`. The value that holds the
/// mistake is what was plainly meant (`go = center.kised` without quotes), or lost.
fn mark_broken(text: &str, at: usize, table: &mut Table) {
    table.broken = true;
    for entry in &mut table.entries {
        let span = entry.value.span.clone();
        match &mut entry.value.kind {
            Kind::Table(inner) => mark_broken(text, at, inner),
            Kind::List(_) => {}
            scalar if span.start <= at && at <= span.end => {
                let written = text.get(span).unwrap_or("").split('#').next().unwrap_or("");
                let meant = written.trim_matches(|c: char| c.is_whitespace() || "\"'“”‘’{}[],".contains(c));
                *scalar = if meant.is_empty() { Kind::Lost } else { Kind::Text(meant.to_owned()) };
            }
            _ => {}
        }
    }
}

/// Adds what a statement said to the table it stands in.
fn insert(file: &mut File, path: &[Step], found: Table) {
    let Some(table) = descend(&mut file.root, path) else { return };
    table.broken |= found.broken;
    merge(table, found, &mut file.mistakes);
}

fn merge(table: &mut Table, found: Table, mistakes: &mut Vec<Diagnostic>) {
    for entry in found.entries {
        match table.entries.iter_mut().find(|old| old.key == entry.key) {
            None => table.entries.push(entry),
            Some(old) => {
                // `a.b = 1` and `a.c = 2` are one table: what a dot makes stands where its key stands.
                let dotted = entry.value.span == entry.key_span;
                if let (Kind::Table(known), Kind::Table(more), true) = (&mut old.value.kind, &entry.value.kind, dotted)
                {
                    merge(known, more.clone(), mistakes);
                    continue;
                }
                let step = Step { key: entry.key, span: entry.key_span };
                mistakes.push(twice(&step, old.key_span.clone()));
            }
        }
    }
}

/// The table at a path, made where it is missing; `None` when something else stands there.
fn descend<'t>(root: &'t mut Table, path: &[Step]) -> Option<&'t mut Table> {
    let mut table = root;
    for step in path {
        let at = match table.entries.iter().position(|entry| entry.key == step.key) {
            Some(at) => at,
            None => {
                let made = Table { span: step.span.clone(), implicit: true, ..Table::default() };
                table.entries.push(Entry {
                    key: step.key.clone(),
                    key_span: step.span.clone(),
                    value: Value { span: step.span.clone(), kind: Kind::Table(made) },
                });
                table.entries.len() - 1
            }
        };
        table = match &mut table.entries[at].value.kind {
            Kind::Table(inner) => inner,
            // Of a repeated row, the latest.
            Kind::List(items) => match items.last_mut() {
                Some(Value { kind: Kind::Table(inner), .. }) => inner,
                _ => return None,
            },
            _ => return None,
        };
    }
    Some(table)
}

fn twice(step: &Step, first: Range<usize>) -> Diagnostic {
    let key = &step.key;
    Diagnostic::error(
        "E0104",
        step.span.clone(),
        format!("같은 이름이 두 번 있습니다: \"{key}\""),
        format!("the same name stands twice: \"{key}\""),
    )
    .label("두 번째", "the second")
    .help("하나를 지우거나 합치세요", "delete one, or join them")
    .related(first, "첫 번째", "the first")
}
