//! `check --online`: the hosts of a table that the name system does not know. Asking is the shell's work.

use super::diagnostic::Diagnostic;
use super::plan::Plan;
use crate::sip::uri::SipUri;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Range;

/// The names that a table sends callers to; addresses need no asking.
pub fn hosts(plan: &Plan) -> BTreeSet<String> {
    let hosts = plan.targets().map(|(_, target)| target.uri().host().trim_matches(['[', ']']).to_owned());
    hosts.filter(|host| host != "localhost" && host.parse::<IpAddr>().is_err()).collect()
}

/// E0303 for each host that has no address and no SIP service; a note for each of which nobody could say.
pub fn findings(text: &str, plan: &Plan, known: &mut dyn FnMut(&str) -> Option<bool>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for host in hosts(plan) {
        let span = place_of_host(text, &host);
        match known(&host) {
            Some(true) => {}
            Some(false) => findings.push(
                Diagnostic::error(
                    "E0303",
                    span,
                    format!("이름을 찾을 수 없는 호스트입니다: {host}"),
                    format!("the host {host} does not resolve"),
                )
                .help(
                    "이름을 다시 보세요. 그대로 두면 이 기관에는 닿지 않습니다",
                    "is the name right? As it is, no call reaches it",
                ),
            ),
            None => findings.push(
                Diagnostic::warning(
                    "E0303",
                    span,
                    format!("네임 서버의 답이 없어 확인하지 못했습니다: {host}"),
                    format!("no name server answered for {host}"),
                )
                .help("네임 서버를 보고 다시 확인하세요", "look at the name servers, then check again"),
            ),
        }
    }
    findings.sort_by_key(|finding| finding.span.start);
    findings
}

/// Where an address is written first; its host, where it is written otherwise.
pub(super) fn place(text: &str, uri: &SipUri) -> Range<usize> {
    let written = uri.to_string();
    let quoted = [format!("\"{written}\""), format!("'{written}'")];
    let found = quoted.iter().flat_map(|quoted| text.match_indices(quoted.as_str())).map(|(at, _)| at + 1);
    let first = found.filter(|at| in_code(text, *at)).min();
    first.map_or_else(|| place_of_host(text, uri.host().trim_matches(['[', ']'])), |at| at..at + written.len())
}

/// Not in a remark.
fn in_code(text: &str, at: usize) -> bool {
    let line = text.get(..at).map_or("", |before| before.rsplit('\n').next().unwrap_or(""));
    !line.trim_start().starts_with('#')
}

/// Where a host is written first: in an address, not in a remark.
fn place_of_host(text: &str, host: &str) -> Range<usize> {
    let lower = text.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let ends = |at: usize| {
        lower.get(at..).is_none_or(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-')))
    };
    let begins = |at: usize| lower.get(..at).is_some_and(|before| before.ends_with(['@', ':']));
    let found = lower.match_indices(&host).map(|(at, _)| at);
    let at = found.into_iter().find(|&at| begins(at) && ends(at + host.len()) && in_code(&lower, at));
    at.map_or(0..0, |at| at..at + host.len())
}
