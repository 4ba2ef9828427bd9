//! New calls that are not taken, and what goes on beside them.

use super::*;

#[test]
fn a_draining_agent_refuses_new_calls_and_pings_with_retry_after_and_keeps_its_dialogs() {
    let mut flows = connected();
    flows.check(
        "drain
         OPTIONS 2 c       => 200 OPTIONS
         RE-INVITE 3 d     => 100 INVITE; reinvite with body
         answer-reinvite   => 200 INVITE
         ACK 3 e           => reinvite acknowledged
         INFO 4 f body=5 Content-Type:application/dtmf => 200 INFO; info application/dtmf 5",
    );
    let dialog = flows.our_tag.clone();
    flows.check("OPTIONS 1 g out => 503 OPTIONS");
    assert_eq!(flows.header("Retry-After").as_deref(), Some("60"));
    // A copy by another way that comes late: its sender read 482 for the same INVITE before.
    flows.check("INVITE 1 z out => 482 INVITE");
    flows.check(
        "call another
         INVITE 1 h        => 503 INVITE",
    );
    assert_eq!(flows.header("Retry-After").as_deref(), Some("60"));
    flows.check(
        "ACK 1 h           =>
         INVITE 1 h        => 503 INVITE
         REGISTER 1 i out  => 405 REGISTER
         call call-1",
    );
    flows.our_tag = dialog;
    flows.check("BYE 5 j => 200 BYE; bye");
}

/// An agent that takes so many calls at one time, and so many new ones a second.
fn capped(calls: Option<u32>, calls_per_second: Option<u32>) -> Flows {
    let mut flows = Flows::new();
    let peers = Peers { calls, calls_per_second, ..Peers::default() };
    flows.agent = Agent::new(
        AgentConfig { product: "ivr1357".to_owned(), peers, session: Intervals::default() },
        Random::from_number(1),
    );
    flows
}

#[test]
fn a_call_beyond_the_cap_meets_one_refusal_without_retry_after_and_leaves_nothing_behind() {
    let mut flows = capped(Some(1), None);
    flows.check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         ACK 1 b    => acknowledged",
    );
    let (first, held) = (flows.our_tag.clone(), flows.agent.held());
    flows.check(
        "call second
         INVITE 1 c => 503 INVITE",
    );
    assert_eq!(flows.header("Retry-After"), None, "it would stop the whole trunk");
    let refused = flows.our_tag.clone();
    flows.check(
        "ACK 1 c    =>
         INVITE 1 c => 503 INVITE",
    );
    assert_eq!((&flows.our_tag, flows.agent.held()), (&refused, held));
    flows.our_tag = first;
    flows.check(
        "call call-1
         BYE 2 d    => 200 BYE; bye
         call second
         # The 503 may be under way: its copy must not become a call.
         INVITE 1 c => 503 INVITE
         # Nor must one that came by another way: its caller was told already.
         INVITE 1 z => 503 INVITE
         call third
         INVITE 1 e => 100 INVITE; invite 1357 from 01012345678 offer
         wait 5000  => refused 1 too many, 0 too fast, 0 too late",
    );
}

#[test]
fn every_way_a_call_ends_makes_room_for_the_next() {
    for end in [
        "reject 486 => 486 INVITE",
        "CANCEL 1 a out => 200 CANCEL; 487 INVITE; cancelled",
        "progress 183 => 183 INVITE\n CANCEL 1 a out => 200 CANCEL; 487 INVITE; cancelled",
        "answer => 200 INVITE\n ACK 1 b => acknowledged\n BYE 2 c => 200 BYE; bye",
        "answer => 200 INVITE\n ACK 1 b => acknowledged\n bye => BYE",
        "answer => 200 INVITE\n bye =>\n ACK 1 b => BYE",
        "answer => 200 INVITE\n ACK 1 b => acknowledged\n refer sip:x@127.0.0.1 => REFER\n BYE 2 c => 200 BYE; bye",
    ] {
        let mut flows = capped(Some(1), None);
        flows.check("INVITE 1 a Supported:100rel => 100 INVITE; invite 1357 from 01012345678 offer");
        flows.check(end);
        flows.check("call next");
        flows.check("INVITE 1 z => 100 INVITE; invite 1357 from 01012345678 offer");
    }
}

#[test]
fn more_new_calls_than_a_second_takes_are_refused_until_it_is_over() {
    let mut flows = capped(None, Some(2));
    for (call, answer) in [("a", "100"), ("b", "100"), ("c", "503")] {
        flows.call_id = call.to_owned();
        let said = flows.step(&format!("INVITE 1 {call}"));
        assert!(said.starts_with(answer), "{call}: {said}");
    }
    flows.check(
        "wait 1500
         call d
         INVITE 1 d => 100 INVITE; invite 1357 from 01012345678 offer",
    );
}

#[test]
fn what_waited_too_long_is_refused_only_if_it_is_a_new_call() {
    let mut flows = connected();
    flows.check(
        "late INFO 2 c body=5 Content-Type:application/dtmf => 200 INFO; info application/dtmf 5
         late INVITE 1 a        =>
         call fresh
         late INVITE 1 d        => 503 INVITE
         INVITE 1 d             => 503 INVITE
         call other
         INVITE 1 e             => 100 INVITE; invite 1357 from 01012345678 offer
         late INVITE 1 e        => 100 INVITE
         late OPTIONS 1 f out   => 200 OPTIONS",
    );
}

#[test]
fn a_peer_that_offers_overload_control_hears_what_to_keep_back_and_others_hear_nothing() {
    let mut flows = capped(Some(0), None);
    flows.check("OPTIONS 1 a out => 200 OPTIONS");
    assert_eq!(flows.header("Via").as_deref(), Some("SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa"));
    flows.check("OPTIONS 1 b;oc;oc-algo=\"loss,rate\";x=1 out => 200 OPTIONS");
    let calm = flows.header("Via").expect("a Via");
    assert!(
        calm.starts_with("SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKb;x=1;oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq="),
        "{calm}"
    );
    flows.check("INVITE 1 c;oc;oc-algo=\"loss\" => 503 INVITE");
    flows.step("wait 1000");
    flows.check("OPTIONS 1 d;oc;oc-algo=\"loss\" out => 200 OPTIONS");
    let pressed = flows.header("Via").expect("a Via");
    assert!(pressed.contains(";oc=95;oc-algo=\"loss\";oc-validity=5000;oc-seq="), "{pressed}");
    let sequence = |via: &str| via.rsplit_once("oc-seq=").map(|(_, number)| number.to_owned());
    assert!(sequence(&pressed) > sequence(&calm), "{calm} {pressed}");
    flows.check("OPTIONS 1 e out => 200 OPTIONS");
    assert_eq!(flows.header("Via").as_deref(), Some("SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKe"));
}
