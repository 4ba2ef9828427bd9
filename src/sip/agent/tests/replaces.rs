//! INVITEs that take the place of another dialog (RFC 3891).

use super::*;
use crate::sip::trunk::Trunk;

/// The Replaces value of the call of these flows.
fn replaces(flows: &Flows, more: &str) -> String {
    format!("Replaces:{};to-tag={};from-tag=caller{more}", flows.call_id, flows.our_tag)
}

/// What an INVITE of another call with this header meets, and which dialog it is said to replace.
fn arrives(flows: &mut Flows, headers: &[String]) -> (String, Option<DialogKey>) {
    let ours = (flows.call_id.clone(), flows.our_tag.clone(), flows.dialog);
    flows.call_id = format!("{}-other", flows.call_id);
    let mut options = vec!["1", "r"];
    options.extend(headers.iter().map(String::as_str));
    let text = flows.request("INVITE", &options);
    let mut out = Vec::new();
    flows.agent.received(flows.now, flows.flow, text.as_bytes(), &mut out);
    let replaced = out.iter().find_map(|output| match output {
        AgentOutput::Event(AgentEvent::Invite(invite)) => invite.replaces,
        _ => None,
    });
    let said = flows.note(out);
    (flows.call_id, flows.our_tag, flows.dialog) = ours;
    (said, replaced)
}

#[test]
fn a_live_dialog_may_be_replaced_and_no_other() {
    const TAKEN: &str = "100 INVITE; invite 1357 from 01012345678 offer";
    let mut flows = connected();
    let header = replaces(&flows, "");
    let dialog = flows.dialog;
    assert_eq!(arrives(&mut flows, &[header, "Require:replaces".to_owned()]), (TAKEN.to_owned(), Some(dialog)));

    let mut flows = connected();
    let header = replaces(&flows, ";early-only");
    assert_eq!(arrives(&mut flows, &[header]), ("100 INVITE; 486 INVITE".to_owned(), None));
    for (header, status) in [
        ("Replaces:nobody;to-tag=a;from-tag=b", "100 INVITE; 481 INVITE"),
        ("Replaces:call-1;to-tag=a", "100 INVITE; 400 INVITE"),
        ("Replaces:", "100 INVITE; 400 INVITE"),
    ] {
        let mut flows = connected();
        assert_eq!(arrives(&mut flows, &[header.to_owned()]), (status.to_owned(), None), "{header}");
    }
    let mut flows = connected();
    let twice = [replaces(&flows, ""), replaces(&flows, "")];
    assert_eq!(arrives(&mut flows, &twice), ("100 INVITE; 400 INVITE".to_owned(), None));
}

#[test]
fn a_dialog_that_is_over_is_declined_and_an_early_one_is_not_found() {
    let mut flows = connected();
    let header = replaces(&flows, "");
    flows.check("bye => BYE");
    assert_eq!(arrives(&mut flows, &[header]), ("100 INVITE; 603 INVITE".to_owned(), None));
    let mut flows = Flows::new();
    flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
    flows.check("progress 183 => 183 INVITE");
    let header = replaces(&flows, "");
    assert_eq!(arrives(&mut flows, &[header]), ("100 INVITE; 481 INVITE".to_owned(), None));
}

#[test]
fn a_takeover_that_comes_too_late_meets_one_answer_however_often_it_comes() {
    let mut flows = connected();
    let header = replaces(&flows, "");
    flows.check("bye => BYE");
    assert_eq!(arrives(&mut flows, std::slice::from_ref(&header)).0, "100 INVITE; 603 INVITE");
    // With this the old dialog is forgotten: a copy must not meet 481 after 603.
    flows.check("respond 200 BYE =>");
    assert_eq!(arrives(&mut flows, &[header]).0, "603 INVITE");
}

#[test]
fn a_takeover_is_no_new_call_at_the_cap_nor_in_a_drain_and_counts_once_afterwards() {
    for (drain, second) in [("", "503 INVITE"), ("drain", "503 INVITE")] {
        let mut flows = connected();
        // The cap is full with the call that is there.
        let peers = Peers { calls: Some(1), ..Peers::default() };
        flows.agent = Agent::new(AgentConfig { peers, ..flows.agent.config.clone() }, Random::from_number(2));
        flows.check(
            "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
             answer     => 200 INVITE
             ACK 1 b    => acknowledged",
        );
        flows.check(drain);
        let (header, old) = (replaces(&flows, ""), flows.dialog);
        flows.check("call second");
        assert_eq!(flows.step("INVITE 1 c"), second);
        flows.check("call third");
        assert_eq!(flows.step(&format!("INVITE 1 d {header}")), "100 INVITE; invite 1357 from 01012345678 offer");
        let new = flows.dialog;
        flows.check("answer => 200 INVITE");
        flows.check("ACK 1 e => acknowledged");
        flows.dialog = old;
        flows.check("bye => BYE");
        flows.check("call fourth");
        assert_eq!(flows.step("INVITE 1 f"), second, "the call is still there");
        flows.dialog = new;
        flows.check("bye => BYE");
        flows.check("call fifth");
        let room = if drain.is_empty() { "100 INVITE; invite 1357 from 01012345678 offer" } else { second };
        assert_eq!(flows.step("INVITE 1 g"), room, "and now it is not");
    }
}

#[test]
fn nobody_takes_over_the_dialog_of_another_trunk() {
    for (from, taken) in [("127.0.0.2:5062", false), ("127.0.0.1:5070", true)] {
        let mut flows = Flows::new();
        let network = |text: &str| text.parse().expect("a network");
        flows.agent.config.peers.trunks =
            vec![Trunk::new("kt", vec![network("127.0.0.1")]), Trunk::new("lg", vec![network("127.0.0.2")])];
        flows.check(
            "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
             answer     => 200 INVITE
             ACK 1 b    => acknowledged",
        );
        let (header, dialog) = (replaces(&flows, ""), flows.dialog);
        flows.flow.remote = from.parse().expect("an address");
        let (said, replaced) = arrives(&mut flows, &[header]);
        assert_eq!(replaced, taken.then_some(dialog), "{from}: {said}");
        assert_eq!(said == "100 INVITE; 481 INVITE", !taken, "{from}: {said}");
    }
}
