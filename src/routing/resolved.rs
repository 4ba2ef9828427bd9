//! A row as callers meet it: every field with its value and the line it came from, the row's own, the defaults', or none.

use crate::routing::bundle::{self, part_at};
use crate::routing::check::{check_without_sound, nearest, spell};
use crate::routing::diagnostic::position;
use crate::routing::file::{self, Entry, Kind, Table};
use crate::routing::plan::{Center, Context, Destination, Input, Menu, Message, Plan, Retry, Success};

/// One field of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// `no_input.then`, or a key.
    pub field: String,
    /// As written, or what holds where nobody wrote it.
    pub value: String,
    /// The included file it stands in; `None` is the table's own.
    pub file: Option<String>,
    /// The line it stands on; `None` where it is built in.
    pub line: Option<usize>,
}

impl Resolved {
    /// Where it stands: `routing.toml:12`; `None` where it is built in. `name` is that of the table.
    pub fn place(&self, name: &str) -> Option<String> {
        let file = bundle::told(name, usize::from(self.file.is_some()), self.file.as_deref());
        self.line.map(|line| format!("{file}:{line}"))
    }
}

/// Why a row cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotShown {
    /// The table has mistakes.
    Mistakes,
    /// There is no such row; the one that may be meant.
    NoRow(Option<String>),
}

/// A row of the table, `menu.rnd`, with all that it inherits.
pub fn resolve(text: &str, row: &str) -> Result<Vec<Resolved>, NotShown> {
    let plan = check_without_sound(text).plan.ok_or(NotShown::Mistakes)?;
    let root = file::read(text).root;
    let no_row = || NotShown::NoRow(meant(&root, row));
    let (kind, id) = row.split_once('.').ok_or_else(no_row)?;
    let own = table(&root, &[kind, id]);
    let lines = |defaults| Lines { text, own, defaults, list: Vec::new() };
    if let Some(message) = plan.messages.iter().find(|message| &*message.row == row) {
        return Ok(resolve_message(message, plan.menu(message.consent), lines(table(&root, &["defaults", "menu"]))));
    }
    if let Some(menu) = plan.menus.iter().find(|menu| &*menu.row == row) {
        return Ok(resolve_menu(menu, lines(table(&root, &["defaults", "menu"]))));
    }
    if let Some(input) = plan.inputs.iter().find(|input| &*input.row == row) {
        return Ok(resolve_input(input, lines(table(&root, &["defaults", "input"]))));
    }
    if let Some(center) = plan.centers.iter().find(|center| &*center.row == row) {
        return Ok(resolve_center(&plan, center, lines(table(&root, &["defaults", "transfer"]))));
    }
    // The other rows inherit nothing: what is written is all.
    if let Some(own) = own {
        let mut lines = lines(None);
        own.entries.iter().for_each(|entry| lines.written(entry.key.clone(), entry));
        return Ok(lines.list);
    }
    let entry = table(&root, &[kind]).and_then(|table| table.get(id)).ok_or_else(no_row)?;
    let mut lines = lines(None);
    lines.written(id.to_owned(), entry);
    Ok(lines.list)
}

/// The row whose name is most like this one.
fn meant(root: &Table, row: &str) -> Option<String> {
    let rows = root.entries.iter().filter_map(|kind| Some((kind, inner(kind)?)));
    let rows = rows.flat_map(|(kind, rows)| rows.entries.iter().map(move |row| format!("{}.{}", kind.key, row.key)));
    let rows: Vec<String> = rows.collect();
    nearest(row, rows.iter().map(String::as_str)).map(str::to_owned)
}

fn table<'t>(root: &'t Table, path: &[&str]) -> Option<&'t Table> {
    path.iter().try_fold(root, |table, key| inner(table.get(key)?))
}

fn inner(entry: &Entry) -> Option<&Table> {
    match &entry.value.kind {
        Kind::Table(table) => Some(table),
        _ => None,
    }
}

struct Lines<'t> {
    text: &'t str,
    own: Option<&'t Table>,
    defaults: Option<&'t Table>,
    list: Vec<Resolved>,
}

impl<'t> Lines<'t> {
    fn written(&mut self, field: String, entry: &Entry) {
        let value = self.text.get(entry.value.span.clone()).unwrap_or("").to_owned();
        let (at, part) = part_at(self.text, entry.key_span.start);
        let line = Some(position(part.text, entry.key_span.start.saturating_sub(part.start)).0);
        let file = part.name.filter(|_| at > 0).map(str::to_owned);
        self.list.push(Resolved { field, value, file, line });
    }

    fn built_in(&mut self, field: &str, value: String) {
        self.list.push(Resolved { field: field.to_owned(), value, file: None, line: None });
    }

    /// The row's own value, else the defaults', else what is built in.
    fn field(&mut self, name: &str, built_in: impl FnOnce() -> String) {
        let find = |table: Option<&'t Table>| table.and_then(|table| table.get(name));
        match find(self.own).or_else(|| find(self.defaults)) {
            Some(entry) => self.written(name.to_owned(), entry),
            None => self.built_in(name, built_in()),
        }
    }

    /// A field that no default stands for: nothing when it is not written.
    fn own_field(&mut self, name: &str) {
        if let Some(entry) = self.own.and_then(|table| table.get(name)) {
            self.written(name.to_owned(), entry);
        }
    }

    /// `no_input`, part by part.
    fn retry(&mut self, name: &str, retry: &Retry) {
        self.part(name, "retries", || retry.retries.to_string());
        self.part(name, "prompt", || format!("{:?}", &*retry.prompt));
        self.part(name, "then", String::new);
    }

    /// One part of a table in a field; each is inherited by itself.
    fn part(&mut self, name: &str, part: &str, built_in: impl FnOnce() -> String) {
        let find = |table: Option<&'t Table>| inner(table?.get(name)?)?.get(part);
        let field = format!("{name}.{part}");
        match find(self.own).or_else(|| find(self.defaults)) {
            Some(entry) => self.written(field, entry),
            None => self.built_in(&field, built_in()),
        }
    }
}

fn resolve_menu(menu: &Menu, mut lines: Lines<'_>) -> Vec<Resolved> {
    ["prompt", "hours", "closed"].iter().for_each(|name| lines.own_field(name));
    lines.field("record", || menu.record.to_string());
    resolve_keys(menu, &mut lines);
    lines.list
}

fn resolve_message(message: &Message, consent: &Menu, mut lines: Lines<'_>) -> Vec<Resolved> {
    // Not from the defaults of menus, which have no such fields.
    let mut own = |name: &str, built_in: String| match lines.own.and_then(|own| own.get(name)) {
        Some(entry) => lines.written(name.to_owned(), entry),
        None => lines.built_in(name, built_in),
    };
    for (name, usual) in [("consent", "message_consent"), ("prompt", "message_ask")] {
        own(name, format!("{usual:?}"));
    }
    for (name, prompt) in [("tone", &message.tone), ("saved", &message.saved), ("empty", &message.empty)] {
        own(name, format!("{:?}", &**prompt));
    }
    own("longest", spell(message.longest));
    own("silence", spell(message.silence));
    own("retries", message.retries.to_string());
    ["hours", "closed", "then", "otherwise"].iter().for_each(|name| lines.own_field(name));
    resolve_keys(consent, &mut lines);
    lines.list
}

/// How a menu waits for its keys, and those written in a table of its own or inherited.
fn resolve_keys(menu: &Menu, lines: &mut Lines<'_>) {
    match menu.record {
        true => lines.built_in("barge_in", "false".to_owned()),
        false => lines.field("barge_in", || menu.barge_in.to_string()),
    }
    lines.field("digit_timeout", || spell(menu.digit_timeout));
    lines.field("interdigit", || spell(menu.interdigit));
    lines.retry("no_input", &menu.no_input);
    lines.retry("no_match", &menu.no_match);
    let inherited = lines.defaults.and_then(|defaults| defaults.get("keys")).and_then(inner);
    for keys in menu.choices.keys() {
        let find = |table: Option<&Table>| table.and_then(|table| table.get(keys.as_str())).cloned();
        if let Some(entry) = find(lines.own).or_else(|| find(inherited)) {
            lines.written(keys.as_str().to_owned(), &entry);
        }
    }
}

fn resolve_input(input: &Input, mut lines: Lines<'_>) -> Vec<Resolved> {
    ["prompt", "hours", "closed"].iter().for_each(|name| lines.own_field(name));
    lines.field("kind", || format!("{:?}", input.accepts.kind.word()));
    let (low, high) = (input.accepts.digits.start(), input.accepts.digits.end());
    lines.field("digits", || if low == high { low.to_string() } else { format!("\"{low}-{high}\"") });
    lines.own_field("allow");
    lines.field("barge_in", || input.barge_in.to_string());
    lines.field("digit_timeout", || spell(input.digit_timeout));
    lines.field("interdigit", || spell(input.interdigit));
    lines.retry("no_input", &input.no_input);
    lines.retry("no_match", &input.no_match);
    for (key, to) in [("*", input.star), ("#", input.hash)] {
        lines.part("keys", key, || match to {
            Destination::Back => "\"back\"".to_owned(),
            Destination::Slower => "\"slower\"".to_owned(),
            Destination::RepeatSlowly => "\"repeat-slowly\"".to_owned(),
            _ => "\"repeat\"".to_owned(),
        });
    }
    lines.field("sensitive", || input.sensitive.to_string());
    lines.field("confirm", || input.confirm.is_some().to_string());
    lines.own_field("then");
    lines.list
}

fn resolve_center(plan: &Plan, center: &Center, mut lines: Lines<'_>) -> Vec<Resolved> {
    let transfer = &center.transfer;
    ["name", "ministry", "sip", "post_dial", "hours", "closed"].iter().for_each(|name| lines.own_field(name));
    // A default for all centres stands in no table, so only the row itself is asked.
    match lines.own.and_then(|own| own.get("announce")) {
        Some(entry) => lines.written("announce".to_owned(), entry),
        None => lines.built_in("announce", "true".to_owned()),
    }
    lines.field("ladder", String::new);
    lines.field("refer_success", || match transfer.success {
        Success::Notify200 => "\"notify-200\"".to_owned(),
        Success::Accepted => "\"accepted\"".to_owned(),
    });
    lines.field("refer_timeout", || spell(transfer.refer_timeout));
    lines.field("ring_timeout", || spell(transfer.ring_timeout));
    lines.field("prompt", || format!("{:?}", &*transfer.prompt));
    lines.field("context", || match transfer.context {
        Context::ReferTo => "\"refer-to\"".to_owned(),
        Context::None => "\"none\"".to_owned(),
    });
    lines.field("rounds", || transfer.rounds.to_string());
    lines.field("give_up", || format!("{:?}", &*plan.notice(transfer.give_up).row));
    lines.list
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../routing.toml");

    fn line_of(text: &str) -> Option<usize> {
        Some(SHIPPED.lines().position(|line| line.starts_with(text)).expect("the line") + 1)
    }

    fn shown(row: &str) -> impl Fn(&str) -> (String, Option<usize>) {
        let fields = resolve(SHIPPED, row).expect("the row");
        move |name| {
            let found = fields.iter().find(|resolved| resolved.field == name).expect("the field");
            (found.value.clone(), found.line)
        }
    }

    #[test]
    fn every_value_names_the_line_it_came_from() {
        let menu = shown("menu.rnd");
        assert_eq!(menu("prompt"), ("\"menu_rnd\"".to_owned(), line_of("prompt = \"menu_rnd\"")));
        assert_eq!(menu("digit_timeout"), ("\"5s\"".to_owned(), line_of("digit_timeout")));
        assert_eq!(menu("no_input.then"), ("\"center.counsel\"".to_owned(), line_of("no_input")));
        assert_eq!(menu("#"), ("\"back\"".to_owned(), line_of("keys")));
        assert!(menu("1").0.contains("신청과 평가"));
        let center = shown("center.keit");
        assert_eq!(center("refer_timeout"), ("\"15s\"".to_owned(), line_of("refer_timeout")));
        assert_eq!(center("announce"), ("true".to_owned(), None));
        assert_eq!(shown("hours.main")("main").1, line_of("main = "));
        assert_eq!(shown("notice.busy")("then"), ("\"menu.main\"".to_owned(), line_of("busy ")));
    }

    #[test]
    fn what_nobody_wrote_is_built_in_and_a_row_that_is_not_there_is_not_shown() {
        let text = SHIPPED.replace("interdigit    = \"2s\"", "");
        let fields = resolve(&text, "menu.rnd").expect("the row");
        let found = fields.iter().find(|resolved| resolved.field == "interdigit").expect("the field");
        assert_eq!((found.value.as_str(), found.line), ("\"2s\"", None));
        assert_eq!(resolve(SHIPPED, "menu.nowhere"), Err(NotShown::NoRow(None)));
        assert_eq!(resolve(SHIPPED, "menu.fnd"), Err(NotShown::NoRow(Some("menu.fund".to_owned()))));
        assert_eq!(resolve(SHIPPED, "menu"), Err(NotShown::NoRow(None)));
        assert_eq!(resolve("schema = 2", "menu.rnd"), Err(NotShown::Mistakes));
    }
}
