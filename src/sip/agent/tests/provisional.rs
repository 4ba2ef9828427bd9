//! What is told before the answer: 180 and 183, reliable (RFC 3262) and plain, and UPDATEs in early dialogs (RFC 3311).

use super::*;

/// A caller who knows 100rel, and our 183 with the answer.
fn ringing(options: &str) -> Flows {
    let mut flows = Flows::new();
    let offer = if options.contains("no-sdp") { "no offer" } else { "offer" };
    flows.check(&format!("INVITE 1 a {options} => 100 INVITE; invite 1357 from 01012345678 {offer}"));
    flows.check("progress 183 => 183 INVITE");
    flows
}

#[test]
fn a_plain_183_is_repeated_each_minute_and_with_each_copy_of_the_invite() {
    let mut flows = ringing("Supported:timer");
    assert_eq!((flows.header("RSeq"), flows.header("Require")), (None, None));
    assert!(flows.last.ends_with(SDP));
    flows.check(
        "INVITE 1 a => 183 INVITE
         wait 59999 =>
         wait 1     => 183 INVITE
         wait 60000 => 183 INVITE
         answer     => 200 INVITE",
    );
    assert!(flows.last.ends_with(SDP));
    flows.check(
        "ACK 1 b    => acknowledged
         wait 70000 =>",
    );
}

#[test]
fn a_reliable_183_is_repeated_with_doubled_waits_until_its_prack() {
    for offered in ["Supported:100rel,_timer", "k:100rel", "Require:100rel"] {
        let mut flows = ringing(offered);
        assert_eq!(flows.header("Require").as_deref(), Some("100rel"));
        flows.check(
            "wait 500  => 183 INVITE
             wait 999  =>
             wait 1    => 183 INVITE
             wait 2000 => 183 INVITE
             wait 4000 => 183 INVITE
             PRACK 2 p rack+1 => 481 PRACK
             PRACK 2 p RAck:1_1_INVITE => 481 PRACK
             PRACK 2 q rack => 200 PRACK; pracked
             PRACK 2 q rack => 200 PRACK
             PRACK 3 r rack => 481 PRACK
             wait 40000 =>
             answer     => 200 INVITE
             ACK 1 b    => acknowledged
             BYE 4 c    => 200 BYE; bye
             wait 70000 =>
             held       => 0",
        );
    }
}

#[test]
fn each_minute_a_reliable_response_with_a_number_of_its_own_is_sent() {
    let mut flows = ringing("Supported:100rel");
    flows.check("PRACK 2 p rack => 200 PRACK; pracked");
    let first = flows.rseq;
    flows.check("wait 60000 => 183 INVITE");
    assert_eq!((flows.rseq, flows.header("Content-Length").as_deref()), (first + 1, Some("0")));
    flows.check("PRACK 3 q rack => 200 PRACK");
    flows.check("answer => 200 INVITE");
}

#[test]
fn the_200_waits_for_the_prack_of_a_description_and_for_no_other() {
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "answer   =>
         wait 500 => 183 INVITE
         PRACK 2 p rack => 200 PRACK; pracked; 200 INVITE; answered
         ACK 1 b  => acknowledged",
    );
    let mut flows = Flows::new();
    flows.check(
        "INVITE 1 a Supported:100rel => 100 INVITE; invite 1357 from 01012345678 offer
         progress 180 => 180 INVITE
         progress 183 =>
         answer       => 200 INVITE
         PRACK 2 p rack => 200 PRACK
         ACK 1 b      => acknowledged
         wait 40000   =>",
    );
}

#[test]
fn without_a_prack_a_description_leads_to_504_and_a_ringing_tone_to_the_answer() {
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "wait 31999 => 183 INVITE; 183 INVITE; 183 INVITE; 183 INVITE; 183 INVITE; 183 INVITE
         wait 1     => 504 INVITE; unpracked
         ACK 1 a    =>
         PRACK 2 p rack => 200 PRACK
         wait 40000 =>
         held       => 0",
    );
    let mut flows = Flows::new();
    flows.check(
        "INVITE 1 a Require:100rel => 100 INVITE; invite 1357 from 01012345678 offer
         progress 180 => 180 INVITE
         wait 31999   => 180 INVITE; 180 INVITE; 180 INVITE; 180 INVITE; 180 INVITE; 180 INVITE
         wait 1       =>
         answer       => 200 INVITE
         ACK 1 b      => acknowledged",
    );
}

#[test]
fn a_call_that_requires_100rel_may_be_answered_at_once() {
    check(
        "INVITE 1 a Require:100rel => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged",
    );
}

#[test]
fn a_late_offer_is_made_in_the_183_and_answered_in_the_prack() {
    let mut flows = ringing("no-sdp Supported:100rel");
    flows.check(
        "UPDATE 2 u body=v=0 => 491 UPDATE
         PRACK 3 p rack body=v=0 => 200 PRACK; pracked with body
         answer => 200 INVITE",
    );
    assert_eq!(flows.header("Content-Length").as_deref(), Some("0"), "a description would be a new offer");
    flows.check("ACK 1 b => acknowledged");
    let mut flows = ringing("no-sdp Supported:100rel");
    flows.check("PRACK 3 p rack => 200 PRACK; pracked");
}

#[test]
fn a_prack_may_bring_an_offer_once_the_first_is_answered() {
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "answer =>
         PRACK 2 p rack body=v=0 => pracked; reinvite with body
         UPDATE 3 u body=v=0 => 500 UPDATE
         answer-reinvite => 200 PRACK; 200 INVITE; answered",
    );
    assert_eq!(flows.header("Content-Length").as_deref(), Some("0"));
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "answer =>
         PRACK 2 p rack body=v=0 => pracked; reinvite with body
         reject-reinvite 488 => 488 PRACK; 200 INVITE; answered",
    );
    let mut flows = ringing("Supported:100rel");
    flows.check("PRACK 2 p rack Content-Type:text/plain body=x => 415 PRACK");
    flows.check("answer => 200 INVITE");
}

#[test]
fn an_update_before_the_answer_is_taken_when_no_other_offer_is_open() {
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "PRACK 2 p rack => 200 PRACK; pracked
         UPDATE 3 u body=v=0 => reinvite with body
         RE-INVITE 4 i  => 100 INVITE; 500 INVITE
         ACK 4 i        =>
         answer-reinvite => 200 UPDATE
         UPDATE 5 v     => 200 UPDATE
         answer         => 200 INVITE
         ACK 1 b        => acknowledged",
    );
    // What a plain 183 says is not agreed before the 200 says it too.
    let mut flows = ringing("Supported:timer");
    flows.check("UPDATE 2 u body=v=0 => 500 UPDATE");
    assert!(flows.header("Retry-After").is_some());
    flows.check("UPDATE 3 v => 200 UPDATE");
}

#[test]
fn a_cancel_or_bye_before_the_answer_ends_the_call_and_a_late_prack_is_still_answered() {
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "CANCEL 1 a out => 200 CANCEL; 487 INVITE; cancelled
         PRACK 2 p rack => 200 PRACK
         PRACK 3 q rack => 481 PRACK
         ACK 1 a    =>
         wait 40000 =>
         held       => 0",
    );
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "PRACK 2 p rack => 200 PRACK; pracked
         INFO 3 i Content-Type:application/dtmf body=5 => 200 INFO; info application/dtmf 5
         OPTIONS 4 o => 200 OPTIONS
         BYE 5 c    => 200 BYE; 487 INVITE; cancelled
         ACK 1 a    =>
         answer     =>
         wait 40000 =>
         held       => 0",
    );
    let mut flows = ringing("Supported:100rel");
    flows.check(
        "PRACK 2 p rack => 200 PRACK; pracked
         UPDATE 3 u body=v=0 => reinvite with body
         CANCEL 1 a out => 200 CANCEL; 487 UPDATE; 487 INVITE; cancelled",
    );
}

#[test]
fn early_media_is_authorised_where_the_peer_asks_for_it() {
    let flows = ringing("P-Early-Media:supported");
    assert_eq!(flows.header("P-Early-Media").as_deref(), Some("sendrecv"));
    let flows = ringing("Supported:100rel");
    assert_eq!(flows.header("P-Early-Media"), None);
}

#[test]
fn a_183_carries_the_route_and_the_contact_of_its_dialog() {
    let flows = ringing("Record-Route:<sip:127.0.0.1:5090;lr>");
    assert_eq!(flows.header("Record-Route").as_deref(), Some("<sip:127.0.0.1:5090;lr>"));
    assert_eq!(flows.header("Contact").as_deref(), Some("<sip:1357@127.0.0.1:5060>"));
    assert!(flows.header("To").expect("a To").contains(";tag="));
}
