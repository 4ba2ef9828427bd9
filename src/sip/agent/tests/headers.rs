//! What the headers of a request change: who calls, what is required, what a body is.

use super::*;
use crate::sip::reason::Reason;
use crate::sip::trunk::{Trunk, TrunkId};

fn from_trunk(trusted: bool) -> Flows {
    let mut flows = Flows::new();
    let trunk = Trunk { trusted, ..Trunk::new("kt", vec!["127.0.0.0/8".parse().expect("a network")]) };
    flows.agent.config.peers.trunks = vec![trunk];
    flows
}

fn invite(flows: &mut Flows, options: &[&str]) -> Invite {
    let text = flows.request("INVITE", options);
    let mut out = Vec::new();
    flows.agent.received(flows.now, flows.flow, text.as_bytes(), &mut out);
    out.into_iter()
        .find_map(|output| match output {
            AgentOutput::Event(AgentEvent::Invite(invite)) => Some(*invite),
            _ => None,
        })
        .expect("an INVITE")
}

#[test]
fn only_a_trusted_trunk_says_who_calls() {
    let asserted = ["1", "a", "P-Asserted-Identity:<tel:+82-2-2100-0000>", "Diversion:<sip:15880000@pbx>"];
    for (mut flows, caller, diverted) in [
        (from_trunk(true), "0221000000", true),
        (from_trunk(false), "01012345678", false),
        // Without trunks nobody is better proven than anybody else.
        (Flows::new(), "0221000000", true),
    ] {
        let invite = invite(&mut flows, &asserted);
        assert_eq!(invite.identity.caller.secret(), caller);
        assert_eq!(invite.identity.diverted.is_some(), diverted);
        assert_eq!(invite.trunk, (!flows.agent.config.peers.trunks.is_empty()).then_some(TrunkId(0)));
    }
}

#[test]
fn an_offer_among_the_parts_of_a_body_is_the_offer() {
    let mut flows = Flows::new();
    let body =
        "body=--x\r\nContent-Type:application/isup\r\n\r\nA\r\n--x\r\nContent-Type:application/sdp\r\n\r\nv=0\r\n--x--";
    let invite = invite(&mut flows, &["1", "a", "Content-Type:multipart/mixed;boundary=x", body]);
    assert_eq!(invite.offer.as_deref(), Some(&b"v=0"[..]));
}

#[test]
fn what_is_required_is_refused_by_name_and_only_what_we_lack() {
    let mut flows = Flows::new();
    flows.check("INVITE 1 a Require:norefersub,_precondition Require:uui,_x-new => 420 INVITE");
    let unsupported: Vec<&str> = flows.last.lines().filter(|line| line.starts_with("Unsupported")).collect();
    assert_eq!(unsupported, ["Unsupported: precondition", "Unsupported: x-new"]);
    // Proxy-Require is not addressed to us.
    flows
        .check("INVITE 1 b Proxy-Require:privacy Require:norefersub => 100 INVITE; invite 1357 from 01012345678 offer");
    flows.check("answer => 200 INVITE");
    let of_the_200 = flows.header("Supported");
    flows.check("OPTIONS 1 c out => 200 OPTIONS");
    assert_eq!(flows.header("Supported"), of_the_200);
    assert_eq!(flows.header("Accept").as_deref(), Some("application/sdp, multipart/mixed"));
    assert!(of_the_200.is_some());
}

#[test]
fn the_reason_of_a_cancel_or_bye_is_told_and_ours_is_written() {
    let reasons = |flows: &mut Flows, method: &str, options: &[&str]| {
        let text = flows.request(method, options);
        let mut out = Vec::new();
        flows.agent.received(flows.now, flows.flow, text.as_bytes(), &mut out);
        out.into_iter().find_map(|output| match output {
            AgentOutput::Event(AgentEvent::Cancelled { reason, .. } | AgentEvent::Bye { reason, .. }) => reason,
            _ => None,
        })
    };
    let mut flows = Flows::new();
    flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
    let elsewhere = reasons(&mut flows, "CANCEL", &["1", "a", "out", "Reason:SIP;cause=200"]);
    assert_eq!(elsewhere, Some(Reason::sip(200)));
    let mut flows = connected();
    let cleared = reasons(&mut flows, "BYE", &["2", "c", "Reason:Q.850;cause=16"]);
    assert_eq!(cleared, Some(Reason::q850(16)));
    let mut flows = connected();
    let mut out = Vec::new();
    flows.agent.bye(flows.now, flows.dialog, Some(Reason::q850(16)), &mut out);
    assert_eq!(flows.note(out), "BYE");
    assert_eq!(flows.header("Reason").as_deref(), Some("Q.850;cause=16"));
}
