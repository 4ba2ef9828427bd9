//! A table that was published by an earlier program and is live: what this program finds in it is told, and only what leaves open what the table
//! means takes it out of service.
//!
//! A check that is new finds what callers have met all along. The number is not put back to an older table for it; the next publication has to
//! satisfy it.

use crate::routing::check::{Checked, check_bytes};
use crate::routing::diagnostic::{Diagnostic, Severity};
use crate::routing::heard::Heard;
use std::collections::BTreeSet;

/// Errors under which every row still means what is written: what a caller of such a table hears may be bad, but it is what was published.
/// A new code of an error is put here, or beside those that are not, in the test below.
const MEANING_HOLDS: [&str; 8] = ["E0203", "E0206", "E0304", "E0501", "E0503", "E0504", "E0604", "K1005"];

/// Whether a table with this finding can be followed all the same.
pub(super) fn meaning_holds(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Warning || MEANING_HOLDS.contains(&finding.code)
}

/// Checks a table that was published once, with the sounds of its version. Its plan is there also where errors are found that leave its meaning whole.
pub fn check_published(bytes: &[u8], prompts: &Heard) -> Checked {
    let mut checked = check_bytes(bytes, prompts);
    checked.plan = checked.plan.or(checked.meant.take());
    checked
}

/// The codes of the errors among these, each once: `E0504, K1005`.
pub fn codes_of_errors(findings: &[Diagnostic]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let codes: BTreeSet<&str> = errors.map(|finding| finding.code).collect();
    codes.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::explain;

    /// Errors after which nobody knows what the table means, or under which a call could go round without an end.
    const MEANING_LOST: [&str; 22] = [
        "E0101", "E0102", "E0103", "E0104", "E0105", "E0106", "E0107", "E0108", "E0109", "E0110", "E0201", "E0202",
        "E0204", "E0205", "E0301", "E0302", "E0303", "E0308", "E0309", "E0401", "E0403", "E0601",
    ];
    /// The same, of entries; and the note that there is more.
    const MORE_LOST: [&str; 2] = ["E0603", "E0100"];

    #[test]
    fn of_every_error_it_is_decided_whether_a_live_table_may_have_it() {
        for code in explain::ALL.iter().map(|explanation| explanation.code).filter(|code| code.starts_with('E')) {
            let lists = [&MEANING_HOLDS[..], &MEANING_LOST[..], &MORE_LOST[..]];
            let decided = lists.iter().filter(|list| list.contains(&code)).count();
            assert_eq!(decided, 1, "{code}: may a table that is live have it?");
        }
    }

    #[test]
    fn a_table_keeps_its_meaning_under_what_is_bad_and_loses_it_under_what_is_broken() {
        let shipped = include_str!("../../routing.toml");
        let plan = |table: &str| check_published(table.as_bytes(), &Heard::default()).plan;
        let mute = check_published(shipped.as_bytes(), &Heard::default());
        assert!(mute.plan.is_some_and(|plan| plan.menus.len() == 9), "no prompt has a sound");
        assert_eq!(codes_of_errors(&mute.findings), "E0501");
        let unreached =
            shipped.replacen("[notice]\n", "[notice]\nnobody = { prompt = \"closed\", then = \"end\" }\n", 1);
        assert!(plan(&unreached).is_some());
        for broken in [
            shipped.replacen("go = \"menu.fund\"", "go = \"menu.fnd\"", 1),
            shipped.replacen("then = \"end\"", "then = \"notice.closed\"", 1),
            shipped.replacen("call_max", "call_mx", 1),
            shipped.replacen("[menu.fund]", "[menu.fund", 1),
        ] {
            assert!(plan(&broken).is_none());
        }
    }
}
