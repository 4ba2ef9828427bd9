//! `[message.…]`: a caller who agrees leaves a message.
//!
//! The question whether a caller agrees is a menu like any other, with the row's name: `1` begins the message, `2` does
//! not. So silence, wrong keys and the inherited keys do there what they do everywhere.

use super::Findings;
use super::doors;
use super::fields::Fields;
use super::menu::{self, Asks, MenuDefaults, MenuSite};
use super::names::{Names, Place, Row};
use super::sound::{At, Sounds};
use crate::limits::{MESSAGE_LONGEST_MAX, MESSAGE_SILENCE_MAX};
use crate::number::Digits;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{Destination, Menu, Message, MessageId};
use crate::routing::slots;
use std::ops::Range;
use std::time::Duration;

/// Where the parts of a message stand.
#[derive(Default)]
pub(super) struct MessageSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// The question.
    pub(super) consent: Range<usize>,
    /// Where who left none goes.
    pub(super) otherwise: Range<usize>,
}

/// Reads one message: the question, and what follows a yes.
pub(super) fn message(
    row: &Row<'_>,
    id: MessageId,
    defaults: &MenuDefaults,
    names: &Names,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> ((Menu, MenuSite), (Message, MessageSite)) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let at = row.span.clone();
    let consent = fields.texts("consent", findings);
    let ask = fields.texts("prompt", findings);
    let mut prompt = |fields: &mut Fields<'_>, name: &'static str, usual: &str, findings: &mut Findings| {
        let (id, span) = fields.text(name, findings).unwrap_or((usual, at.clone()));
        sounds.said_at(At::Place(slots::Place::Message), id, span)
    };
    let tone = prompt(&mut fields, "tone", "message_tone", findings);
    let saved = prompt(&mut fields, "saved", "message_saved", findings);
    let empty = prompt(&mut fields, "empty", "message_empty", findings);
    // Less says nothing; more fills a disk.
    let longest = fields.duration("longest", Duration::from_secs(5)..=MESSAGE_LONGEST_MAX, findings);
    let silence = fields.duration("silence", Duration::from_secs(1)..=MESSAGE_SILENCE_MAX, findings);
    let retries = fields.count("retries", 0..=9, findings).and_then(|count| u8::try_from(count).ok());
    let doors = doors::doors(&mut fields, names, findings);
    let asks = Asks::read(&mut fields, defaults, names, findings);
    let then = destination(&mut fields, "then", Place::AfterNotice, names, findings);
    let otherwise = destination(&mut fields, "otherwise", Place::Unanswered, names, findings);
    if !fields.is_written("then") && !fields.broken() {
        findings.push(nothing_follows(
            row,
            "then",
            ["녹음한 뒤에 갈 곳이 없습니다", "after the message nothing happens"],
        ));
    }
    if !fields.is_written("otherwise") && !fields.broken() {
        let words = ["녹음하지 않은 전화가 갈 곳이 없습니다", "a caller who leaves no message is led nowhere"];
        findings.push(nothing_follows(row, "otherwise", words));
    }
    let broken = fields.broken();
    fields.finish(findings);

    let mut words = |texts: Option<Vec<(&str, Range<usize>)>>, usual: &str| {
        let texts = texts.unwrap_or_else(|| vec![(usual, row.span.clone())]);
        let first = texts.first().map_or(row.span.clone(), |(_, span)| span.clone());
        (
            texts
                .into_iter()
                .map(|(id, span)| sounds.said_at(At::Place(slots::Place::Message), id, span))
                .collect::<Vec<_>>(),
            first,
        )
    };
    let (question, asked_at) = words(consent, "message_consent");
    let (speech, _) = words(ask, "message_ask");
    let (go, otherwise_at) = otherwise.unwrap_or((Destination::End, row.span.clone()));
    let own = [("1", Destination::Message(id)), ("2", go)];
    let own = own.into_iter().filter_map(|(key, to)| Some((Digits::parse(key)?, to))).collect();
    let asked =
        menu::question((row, question, doors), (own, asked_at.clone()), asks, defaults, broken, sounds, findings);
    let message = Message {
        row: row.name.as_str().into(),
        consent: id.consent(names.menus()),
        speech,
        tone,
        saved,
        empty,
        longest: longest.unwrap_or(Duration::from_secs(120)),
        silence: silence.unwrap_or(Duration::from_secs(5)),
        retries: retries.unwrap_or(1),
        then: then.map_or(Destination::End, |(to, _)| to),
        otherwise: go,
    };
    (asked, (message, MessageSite { row: row.span.clone(), consent: asked_at, otherwise: otherwise_at }))
}

/// A destination with where it stands; `None` when it is not written. What means nothing was reported.
fn destination(
    fields: &mut Fields<'_>,
    name: &'static str,
    place: Place,
    names: &Names,
    findings: &mut Findings,
) -> Option<(Destination, Range<usize>)> {
    let row = fields.row().to_owned();
    let (text, span) = fields.text(name, findings)?;
    let to = names.destination(&row, text, span.clone(), place, findings);
    Some((to.unwrap_or(Destination::End), span))
}

fn nothing_follows(row: &Row<'_>, field: &str, [korean, english]: [&str; 2]) -> Diagnostic {
    let example = match field {
        "then" => "then = \"end\"",
        _ => "otherwise = \"center.counsel\"",
    };
    Diagnostic::error("E0204", row.span.clone(), format!("{}: {korean}", row.name), format!("{}: {english}", row.name))
        .help(format!("{example} 처럼 갈 곳을 더하세요"), format!("say where to: {example}"))
}
