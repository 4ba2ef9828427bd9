//! `[notice]`: announcements, and what follows each.

use super::Findings;
use super::doors;
use super::fields::Fields;
use super::names::{Names, Place, Row};
use super::sound::{At, Sounds};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{Destination, Notice};
use std::ops::Range;

/// Where the parts of an announcement stand.
#[derive(Default)]
pub(super) struct NoticeSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// `then`.
    pub(super) then: Range<usize>,
}

/// Reads one announcement.
pub(super) fn notice(
    row: &Row<'_>,
    names: &Names,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Notice, NoticeSite) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let prompts = fields.texts("prompt", findings);
    fields.missing("prompt", row.span.clone(), "prompt = \"closed\"", findings);
    let doors = doors::doors(&mut fields, names, findings);
    let then = fields.text("then", findings);
    if !fields.is_written("then") && !fields.broken() {
        findings.push(
            Diagnostic::error(
                "E0204",
                row.span.clone(),
                format!("{}: 안내 뒤에 아무 일도 없습니다. 전화가 말없이 끊깁니다", row.name),
                format!("{}: after the announcement nothing happens; the caller would be cut off", row.name),
            )
            .help(
                "then = \"menu.main\" 이나 then = \"center.counsel\" 을 더하세요. 여기서 끝낼 전화라면 then = \"end\"",
                "add then = \"menu.main\" or then = \"center.counsel\"; if the call is to end here, then = \"end\"",
            ),
        );
    }
    let (then, span) = match then {
        Some((text, span)) => (names.destination(&row.name, text, span.clone(), Place::AfterNotice, findings), span),
        None => (None, row.span.clone()),
    };
    fields.finish(findings);
    let speech = prompts
        .unwrap_or_default()
        .into_iter()
        .map(|(id, span)| sounds.said_at(At::Notice(row.name.clone()), id, span))
        .collect();
    let notice = Notice { row: row.name.as_str().into(), doors, speech, then: then.unwrap_or(Destination::End) };
    (notice, NoticeSite { row: row.span.clone(), then: span })
}
