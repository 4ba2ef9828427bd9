//! `hours` and `closed` of a menu, an input or an announcement: where callers go who come outside its hours.

use super::Findings;
use super::fields::Fields;
use super::names::{Names, Place};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{Destination, Doors, HoursId};
use std::ops::Range;

/// `hours` with where it stands, and `closed`.
pub(super) struct Written {
    pub(super) hours: Option<(HoursId, Range<usize>)>,
    pub(super) closed: Option<Destination>,
}

/// Reads both; hours without `closed` are W0404, and `without` says what they do then. `closed` without hours is W0407.
pub(super) fn read(fields: &mut Fields<'_>, names: &Names, without: [&str; 2], findings: &mut Findings) -> Written {
    let row = fields.row().to_owned();
    let hours = fields
        .text("hours", findings)
        .and_then(|(text, span)| names.hours(&row, text, span.clone(), findings).map(|id| (id, span)));
    let written = fields.entry("closed").map(|entry| entry.value.span.clone());
    let has_hours = fields.is_written("hours");
    let closed = fields
        .text("closed", findings)
        .and_then(|(text, span)| names.destination(&row, text, span, Place::Closed, findings));
    if let (Some((_, span)), None, false) = (&hours, &written, fields.broken()) {
        findings.push(
            Diagnostic::warning(
                "W0404",
                span.clone(),
                format!("{row} 에 hours 는 있고 closed 가 없습니다"),
                format!("{row} has hours but no closed"),
            )
            .label(without[0], without[1])
            .help("closed = \"notice.closed\" 를 더하세요", "add closed = \"notice.closed\""),
        );
    }
    if let (Some(span), false, false) = (written, has_hours, fields.broken()) {
        findings.push(
            Diagnostic::warning(
                "W0407",
                span,
                format!("{row} 에 closed 는 있고 hours 가 없습니다"),
                format!("{row} has closed but no hours"),
            )
            .label("hours 가 없으면 언제나 열려 있습니다", "without hours it is always open")
            .help(
                "hours = \"hours.main\" 를 더하거나 closed 를 지우세요",
                "add hours = \"hours.main\", or delete closed",
            ),
        );
    }
    Written { hours, closed }
}

/// The doors of a row that speaks; without `closed` they never shut.
pub(super) fn doors(fields: &mut Fields<'_>, names: &Names, findings: &mut Findings) -> Option<Doors> {
    let without = ["이 시간 밖에도 들립니다", "outside them it is heard all the same"];
    let Written { hours, closed } = read(fields, names, without, findings);
    hours.zip(closed).map(|((hours, _), closed)| Doors { hours, closed })
}
