//! Centres whose address is our own, by what a running engine knows of itself: `check` alone knows only the numbers of the table.

use super::diagnostic::Diagnostic;
use super::online;
use super::plan::Plan;
use crate::sip::uri::SipUri;
use std::collections::BTreeSet;

/// E0304 for each address of which `ours` says that a call to it comes back to us.
pub fn findings(text: &str, plan: &Plan, ours: &dyn Fn(&SipUri) -> bool) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    let targets = plan.centers.iter().flat_map(|center| center.targets.iter().map(move |target| (center, target)));
    let mut findings: Vec<_> = targets
        .filter(|(_, target)| ours(target.uri()) && told.insert(target.uri().to_string()))
        .map(|(center, target)| {
            let (row, uri) = (&center.row, target.uri());
            Diagnostic::error(
                "E0304",
                online::place(text, uri),
                format!("{row}: {uri} 에서는 이 엔진이 전화를 받습니다. 전화가 여기로 되돌아옵니다"),
                format!("{row}: this engine itself answers at {uri}; the call would come back here"),
            )
            .help("그 기관의 주소를 쓰세요", "write the centre's own address")
        })
        .collect();
    findings.sort_by_key(|finding| finding.span.start);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;

    #[test]
    fn each_address_of_ours_is_an_error_where_it_is_written() {
        const SHIPPED: &str = include_str!("../../routing.toml");
        let plan = check_without_sound(SHIPPED).plan.expect("the shipped table");
        assert!(findings(SHIPPED, &plan, &|_| false).is_empty());
        let found = findings(SHIPPED, &plan, &|uri| uri.user() == "keit");
        let [finding] = found.as_slice() else { panic!("one finding: {found:?}") };
        assert_eq!((finding.code, &SHIPPED[finding.span.clone()]), ("E0304", "sip:keit@127.0.0.1:5070"));
        assert!(finding.message[1].starts_with("center.keit: "), "{:?}", finding.message);
    }
}
