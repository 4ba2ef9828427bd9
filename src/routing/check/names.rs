//! The rows of a table by name, and what a text such as `center.kosmes` may mean where it stands.

use super::Findings;
use super::fields::{is_later, later, nearest};
use crate::limits::ROW_NAME_MAX;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table, UNREADABLE, Value, full_width, wide};
use crate::routing::plan::{CenterId, Destination, HoursId, InputId, MenuId, MessageId, NoticeId, Tongue};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A row: `[menu.main]`, or `kosmes = { … }` under `[center]`.
pub(super) struct Row<'f> {
    /// `menu.main`.
    pub(super) name: String,
    /// `main`.
    pub(super) id: &'f str,
    /// Where its name stands.
    pub(super) span: Range<usize>,
    /// What stands in it.
    pub(super) value: &'f Value,
}

impl<'f> Row<'f> {
    /// Its fields; none (after a finding) when it is something else.
    pub(super) fn table(&self, findings: &mut Findings) -> &'f Table {
        match &self.value.kind {
            Kind::Table(table) => table,
            Kind::Lost => &UNREADABLE,
            other => {
                let [korean, english] = other.words();
                findings.push(
                    Diagnostic::error(
                        "E0103",
                        self.span.clone(),
                        format!("{} 행에는 값이 여럿 있어야 합니다", self.name),
                        format!("{} must be a table", self.name),
                    )
                    .label(format!("{korean}입니다"), format!("this is {english}"))
                    .help(format!("{} = {{ … }} 로 쓰세요", self.id), format!("write {} = {{ … }}", self.id)),
                );
                &UNREADABLE
            }
        }
    }
}

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    Number,
    Menu(MenuId),
    Input(InputId),
    Center(CenterId),
    Notice(NoticeId),
    Message(MessageId),
    Hours(HoursId),
    Switch,
}

/// Where a destination stands: not every place may lead everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// `go` of a number and of its conditions.
    Entry,
    /// A key of a menu.
    Choice,
    /// `then` after silence or wrong keys.
    Unanswered,
    /// `closed` of a centre.
    Closed,
    /// `then` of an announcement.
    AfterNotice,
    /// `then` of an input.
    AfterInput,
}

/// Every row's name.
#[derive(Default)]
pub(super) struct Names {
    rows: BTreeMap<String, (Named, Range<usize>)>,
    /// Rows that an unknown name probably meant: they are not also reported as unreachable.
    guessed: RefCell<BTreeSet<String>>,
    /// Languages beside Korean, with where they are declared, and those that are spoken somewhere.
    languages: BTreeMap<Tongue, Range<usize>>,
    /// Rows of `[menu]`; the questions of messages are numbered behind them.
    menus: usize,
    spoken: RefCell<BTreeSet<Tongue>>,
}

impl Names {
    /// Adds the rows of one kind and returns them in order; their place is their id.
    pub(super) fn add<'f>(
        &mut self,
        kind: &str,
        table: Option<&'f Table>,
        named: impl Fn(usize) -> Named,
        findings: &mut Findings,
    ) -> Vec<Row<'f>> {
        let mut rows = Vec::new();
        for entry in table.iter().flat_map(|table| &table.entries) {
            let name = format!("{kind}.{}", entry.key);
            if let Some(finding) = bad_name(&entry.key, &name, entry.key_span.clone()) {
                findings.push(finding);
            }
            let named = named(rows.len());
            self.menus += usize::from(matches!(named, Named::Menu(_)));
            self.rows.insert(name.clone(), (named, entry.key_span.clone()));
            rows.push(Row { name, id: &entry.key, span: entry.key_span.clone(), value: &entry.value });
        }
        rows
    }

    /// How many rows of `[menu]` there are.
    pub(super) fn menus(&self) -> usize {
        self.menus
    }

    /// The centres whose names begin like this.
    pub(super) fn centers_like(&self, start: &str) -> Vec<CenterId> {
        let rows = self.rows.iter().filter(|(name, _)| name.starts_with(start));
        rows.filter_map(|(_, (named, _))| if let Named::Center(id) = named { Some(*id) } else { None }).collect()
    }

    /// Declares the languages of the table.
    pub(super) fn speak(&mut self, languages: BTreeMap<Tongue, Range<usize>>) {
        self.languages = languages;
    }

    /// Languages that no key and no number leads to, with where they are declared.
    pub(super) fn unspoken(&self) -> Vec<(Tongue, Range<usize>)> {
        let spoken = self.spoken.borrow();
        let unspoken = self.languages.iter().filter(|(language, _)| !spoken.contains(*language));
        unspoken.map(|(language, span)| (language.clone(), span.clone())).collect()
    }

    /// The language a text names, `None` for Korean; the outer `None` after a finding. `leads` says that it is spoken from
    /// there on, and not only asked about.
    pub(super) fn language(
        &self,
        row: &str,
        text: &str,
        span: Range<usize>,
        leads: bool,
        findings: &mut Findings,
    ) -> Option<Option<Tongue>> {
        if text == "ko" {
            return Some(None);
        }
        if let Some((language, _)) = self.languages.get_key_value(text) {
            if leads {
                self.spoken.borrow_mut().insert(language.clone());
            }
            return Some(Some(language.clone()));
        }
        // One of them may have been meant.
        self.spoken.borrow_mut().extend(self.languages.keys().cloned());
        let finding = Diagnostic::error(
            "E0201",
            span,
            format!("{row}: 그런 언어가 없습니다: \"{text}\""),
            format!("{row}: there is no language \"{text}\""),
        );
        findings.push(match nearest(text, self.languages.keys().map(|language| &**language)) {
            Some(near) => finding.help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?")),
            None => finding.help(
                format!("맨 위에 languages = [\"ko\", \"{text}\"] 를 더하세요"),
                format!("add languages = [\"ko\", \"{text}\"] at the top"),
            ),
        });
        None
    }

    /// The rows that mistyped destinations probably meant.
    pub(super) fn guessed(&self) -> Vec<Destination> {
        let guessed = self.guessed.borrow();
        let rows = guessed.iter().filter_map(|name| match self.rows.get(name)?.0 {
            Named::Menu(id) => Some(Destination::Menu(id)),
            Named::Input(id) => Some(Destination::Input(id)),
            Named::Center(id) => Some(Destination::Center(id)),
            Named::Notice(id) => Some(Destination::Notice(id)),
            Named::Message(id) => Some(Destination::Menu(id.consent(self.menus))),
            Named::Number | Named::Hours(_) | Named::Switch => None,
        });
        rows.collect()
    }

    /// What a destination means; `None` (after a finding) when it means nothing there.
    pub(super) fn destination(
        &self,
        row: &str,
        text: &str,
        span: Range<usize>,
        place: Place,
        findings: &mut Findings,
    ) -> Option<Destination> {
        let wrong = |korean: &str, english: &str, help: [&str; 2]| {
            Diagnostic::error(
                "E0202",
                span.clone(),
                format!("{row}: 여기서 갈 수 없는 곳입니다: \"{text}\""),
                format!("{row}: \"{text}\" cannot follow here"),
            )
            .label(korean, english)
            .help(help[0], help[1])
        };
        let rows = [
            "menu.…, input.…, center.…, notice.…, message.… 가운데 하나를 쓰세요",
            "write a menu.…, input.…, center.…, notice.… or message.…",
        ];
        let found = match (text, place) {
            ("back", Place::Choice) => Ok(Destination::Back),
            ("repeat", Place::Choice) => Ok(Destination::Repeat),
            ("slower", Place::Choice) => Ok(Destination::Slower),
            ("repeat-slowly", Place::Choice) => Ok(Destination::RepeatSlowly),
            ("back" | "repeat" | "slower" | "repeat-slowly", _) => {
                Err(wrong("메뉴의 버튼에만 쓸 수 있습니다", "only a key of a menu can do this", rows))
            }
            ("end", Place::AfterNotice) => Ok(Destination::End),
            ("end", _) => Err(wrong(
                "안내 없이 전화가 끊깁니다",
                "the caller would be cut off without a word",
                ["안내를 거치세요: [notice] 행에 then = \"end\"", "go through a [notice] row with then = \"end\""],
            )),
            _ => match self.look_up(row, text, span.clone(), findings)? {
                Named::Menu(id) => Ok(Destination::Menu(id)),
                Named::Input(id) => Ok(Destination::Input(id)),
                Named::Center(id) => Ok(Destination::Center(id)),
                Named::Notice(id) => Ok(Destination::Notice(id)),
                // Nobody is recorded who was not asked.
                Named::Message(id) => Ok(Destination::Menu(id.consent(self.menus))),
                Named::Hours(_) => Err(wrong("운영 시간은 갈 곳이 아닙니다", "hours are not a place to go", rows)),
                Named::Switch => Err(wrong("스위치는 갈 곳이 아닙니다", "a switch is not a place to go", rows)),
                Named::Number => Err(wrong("전화번호는 갈 곳이 아닙니다", "a number is not a place to go", rows)),
            },
        };
        found.map_err(|finding| findings.push(finding)).ok()
    }

    /// The hours a text names.
    pub(super) fn hours(&self, row: &str, text: &str, span: Range<usize>, findings: &mut Findings) -> Option<HoursId> {
        match self.look_up(row, text, span.clone(), findings)? {
            Named::Hours(id) => Some(id),
            _ => {
                findings.push(
                    Diagnostic::error(
                        "E0202",
                        span,
                        format!("{row}: 운영 시간이 아닙니다: \"{text}\""),
                        format!("{row}: \"{text}\" is not a row of hours"),
                    )
                    .help("\"hours.main\" 처럼 [hours] 의 행을 쓰세요", "write a row of [hours], as \"hours.main\""),
                );
                None
            }
        }
    }

    /// The switch a text names, with or without `switch.` before it.
    pub(super) fn switch(&self, row: &str, text: &str, span: Range<usize>, findings: &mut Findings) -> Option<String> {
        let name = text.strip_prefix("switch.").unwrap_or(text);
        if self.rows.contains_key(&format!("switch.{name}")) {
            return Some(name.to_owned());
        }
        if let Some(plain) = full_width(text) {
            findings.push(wide(span, text, &plain));
            return None;
        }
        let known: Vec<&str> = self.rows.keys().filter_map(|row| row.strip_prefix("switch.")).collect();
        let finding = Diagnostic::error(
            "E0201",
            span,
            format!("{row}: 그런 스위치가 없습니다: \"{text}\""),
            format!("{row}: there is no switch \"{text}\""),
        );
        findings.push(match nearest(name, known) {
            Some(near) => finding.help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?")),
            None => finding.help(
                format!("[switch] 에 {name} = \"무엇에 쓰는 스위치인지\" 를 더하세요"),
                format!("add {name} = \"what it is for\" under [switch]"),
            ),
        });
        None
    }

    /// The notice a text names.
    pub(super) fn notice(
        &self,
        row: &str,
        text: &str,
        span: Range<usize>,
        findings: &mut Findings,
    ) -> Option<NoticeId> {
        match self.look_up(row, text, span.clone(), findings)? {
            Named::Notice(id) => Some(id),
            _ => {
                findings.push(
                    Diagnostic::error(
                        "E0202",
                        span,
                        format!("{row}: 안내가 아닙니다: \"{text}\""),
                        format!("{row}: \"{text}\" is not an announcement"),
                    )
                    .help(
                        "\"notice.goodbye\" 처럼 [notice] 의 행을 쓰세요",
                        "write a row of [notice], as \"notice.goodbye\"",
                    ),
                );
                None
            }
        }
    }

    /// The row a text names; `None` after a finding that says which was probably meant.
    pub(super) fn look_up(&self, row: &str, text: &str, span: Range<usize>, findings: &mut Findings) -> Option<Named> {
        if let Some((named, _)) = self.rows.get(text) {
            return Some(*named);
        }
        if let Some(plain) = full_width(text) {
            findings.push(wide(span, text, &plain));
            return None;
        }
        // `kosmes` for `center.kosmes`, then slips of the fingers.
        let by_id = self.rows.keys().find(|name| name.split_once('.').is_some_and(|(_, id)| id == text));
        let kind = text.split('.').next().unwrap_or("");
        if by_id.is_none() && is_later(kind) {
            findings.push(later(span, text));
            return None;
        }
        let mut finding = Diagnostic::error(
            "E0201",
            span,
            format!("{row}: 그런 행이 없습니다: \"{text}\""),
            format!("{row}: there is no row \"{text}\""),
        );
        let near = by_id.map(String::as_str).or_else(|| {
            let words = ["back", "repeat", "slower", "repeat-slowly", "end"];
            nearest(text, self.rows.keys().map(String::as_str).chain(words))
        });
        finding = match near {
            Some(near) => {
                self.guessed.borrow_mut().insert(near.to_owned());
                if let Some((_, place)) = self.rows.get(near) {
                    finding = finding.related(place.clone(), "이 행?", "this row?");
                }
                finding.help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?"))
            }
            None => finding.help(
                "[menu], [input], [center], [notice], [message] 에 그 행을 만들거나, 있는 행의 이름을 쓰세요",
                "add that row under [menu], [input], [center], [notice] or [message], or name one that exists",
            ),
        };
        findings.push(finding);
        None
    }
}

/// A name that could not be written as a destination, or would be unreadable in a record.
fn bad_name(id: &str, name: &str, span: Range<usize>) -> Option<Diagnostic> {
    if let Some(plain) = full_width(id) {
        return Some(wide(span, id, &plain));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || ('가'..='힣').contains(&c);
    (id.is_empty() || id.chars().count() > ROW_NAME_MAX || !id.chars().all(fits)).then(|| {
        Diagnostic::error(
            "E0103",
            span,
            format!("행 이름으로 쓸 수 없습니다: \"{name}\""),
            format!("\"{name}\" cannot be the name of a row"),
        )
        .help(
            format!("영문, 한글, 숫자, - , _ 로 {ROW_NAME_MAX}자까지"),
            format!("letters, digits, - and _, at most {ROW_NAME_MAX}"),
        )
    })
}
