//! What a table must pass before it goes live: the same checks, proof and tests that operators run themselves.

use super::prove::{self, Proof};
use super::{diff, test};
use crate::routing::diagnostic::Severity;
use crate::routing::{check_bytes, diagnostic, ourselves};
use crate::shell::clock::Clock;
use crate::shell::publish::{Candidate, Verdict};
use crate::shell::table;
use std::sync::Arc;

/// Checks, proves and tests; green only when all three are.
pub(super) fn gate(candidate: &Candidate<'_>) -> Verdict {
    let &Candidate { name, bytes, catalogue, live, ours, language } = candidate;
    let mut checked = check_bytes(bytes, &table::heard(catalogue)).as_of(table::day(Clock::start(None).now().wall));
    let text = String::from_utf8_lossy(bytes);
    let circular = checked.plan.as_ref().map(|plan| ourselves::findings(&text, plan, &|uri| ours.has(uri)));
    if let Some(circular) = circular.filter(|circular| !circular.is_empty()) {
        checked.plan = None;
        checked.findings.extend(circular);
    }
    let mut told = String::new();
    if !checked.findings.is_empty() {
        told = diagnostic::render(name, &text, &checked.findings, language, false);
    }
    let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let mut findings: Vec<String> = errors.map(|finding| diagnostic::line(name, &text, finding, language)).collect();
    // A table that means nothing cannot be walked.
    let Some(plan) = checked.plan.map(Arc::new) else { return Verdict::Red { told, findings } };
    let prompts = live.iter().flat_map(|live| live.prompts()).chain(plan.prompts());
    let lengths = catalogue.lengths_of(prompts);
    let ran = test::run(&plan, catalogue);
    told.push_str(&test::report(name, &plan, &ran, language));
    findings.extend(test::failed(name, &plan, &ran, language));
    let Proof { told: proved, kept, broken } = prove::run(&plan, &lengths, language);
    told.push_str(&proved);
    findings.extend(broken);
    if !kept || ran.iter().any(|ran| !ran.surprises.is_empty()) {
        return Verdict::Red { told, findings };
    }
    let difference = live.map_or_else(String::new, |live| diff::report([live, &plan], &lengths, language).0);
    Verdict::Green { plan, told, difference }
}
