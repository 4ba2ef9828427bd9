//! Calls that are answered, refused, cancelled, held and hung up, in every awkward order.

use super::*;

#[test]
fn a_call_is_answered_and_hung_up_by_the_caller() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         ACK 1 b    => acknowledged
         BYE 2 c    => 200 BYE; bye
         BYE 2 c    => 200 BYE
         BYE 3 d    => 481 BYE
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn our_bye_ends_the_call_and_is_repeated_until_its_answer() {
    let mut flows = connected();
    flows.check(
        "bye         => BYE
         wait 600    => BYE
         respond 200 =>
         wait 40000  =>
         held        => 0",
    );
}

#[test]
fn a_200_is_repeated_until_its_ack_and_then_given_up_with_a_bye() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         wait 4000  => 200 INVITE; 200 INVITE; 200 INVITE
         ACK 9 b    =>
         wait 27999 => 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE
         wait 1     => BYE; unacknowledged
         respond 481 =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn the_ack_of_a_refused_invite_does_not_acknowledge_the_200_of_the_same_number() {
    check(
        "INVITE 1 a    => 100 INVITE; invite 1357 from 01012345678 offer
         answer        => 200 INVITE
         RE-INVITE 1 o => 100 INVITE; 500 INVITE
         ACK 1 o       =>
         wait 500      => 200 INVITE
         ACK 1 b       => acknowledged
         wait 40000    =>",
    );
}

#[test]
fn a_200_is_repeated_over_tcp_too() {
    let mut flows = Flows::new();
    flows.check(
        "tcp
         INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         wait 1600  => 200 INVITE; 200 INVITE
         ACK 1 b    => acknowledged
         bye        => BYE
         wait 31999 =>
         wait 1     =>
         held       => 0",
    );
    assert_eq!(flows.header("Contact").as_deref(), Some("<sip:1357@127.0.0.1:5060;transport=tcp>"));
}

#[test]
fn a_retransmitted_invite_never_makes_a_second_call() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         INVITE 1 a => 100 INVITE
         answer     => 200 INVITE
         INVITE 1 a =>
         ACK 1 b    => acknowledged
         INVITE 1 a =>
         INVITE 1 z => 482 INVITE",
    );
}

#[test]
fn a_cancelled_call_ends_in_487_and_its_late_copies_are_absorbed() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         CANCEL 1 a out => 200 CANCEL; 487 INVITE; cancelled
         answer     =>
         CANCEL 1 a out => 200 CANCEL
         INVITE 1 a => 487 INVITE
         wait 500   => 487 INVITE
         ACK 1 a    =>
         INVITE 1 a =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         CANCEL 1 a out => 200 CANCEL
         ACK 1 b    => acknowledged
         CANCEL 1 x out => 481 CANCEL",
    );
}

#[test]
fn a_cancel_is_answered_with_the_tag_of_its_invite() {
    let mut flows = Flows::new();
    flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
    let mut out = Vec::new();
    let cancel = flows.request("CANCEL", &["1", "a", "out"]);
    flows.agent.received(flows.now, flows.flow, cancel.as_bytes(), &mut out);
    let mut tags: Vec<String> = Vec::new();
    for output in out {
        if flows.name(output).contains(' ') {
            tags.push(flows.our_tag.clone());
        }
    }
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0], tags[1]);
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         reject 404 => 404 INVITE
         wait 1600  => 404 INVITE; 404 INVITE
         ACK 1 a    =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn an_invite_of_rfc_2543_without_branch_and_tag_is_a_call() {
    let mut flows = Flows::new();
    let invite = "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062\r\nFrom: <sip:a@127.0.0.1>\r\n\
        To: <sip:1357@127.0.0.1>\r\nCall-ID: old\r\nCSeq: 1 INVITE\r\n\r\n";
    for expected in ["100 INVITE; invite 1357 from a no offer", "100 INVITE"] {
        let mut out = Vec::new();
        flows.agent.received(flows.now, flows.flow, invite.as_bytes(), &mut out);
        assert_eq!(flows.note(out), expected);
    }
    flows.check("answer => 200 INVITE");
    let ack = invite
        .replace("INVITE", "ACK")
        .replace("127.0.0.1>\r\nCall", &format!("127.0.0.1>;tag={}\r\nCall", flows.our_tag));
    let mut out = Vec::new();
    flows.agent.received(flows.now, flows.flow, ack.as_bytes(), &mut out);
    assert_eq!(flows.note(out), "acknowledged");
    // No Contact: the request goes to the From, over the flow of the call.
    flows.check("bye => BYE");
    assert!(flows.last.starts_with("BYE sip:a@127.0.0.1 SIP/2.0\r\n"), "{}", flows.last);
}

#[test]
fn the_headers_of_a_contact_stay_out_of_the_request_uri() {
    for contact in ["<sip:a@127.0.0.1:5099?Subject=x>", "<sip:a@127.0.0.1:5099?>"] {
        let mut flows = Flows::new();
        flows.check(&format!(
            "INVITE 1 a Contact:{contact} => 100 INVITE; invite 1357 from 01012345678 offer
             answer  => 200 INVITE
             ACK 1 b => acknowledged
             bye     => BYE"
        ));
        assert!(flows.last.starts_with("BYE sip:a@127.0.0.1:5099 SIP/2.0\r\n"), "{}", flows.last);
    }
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    check(
        "INVITE 1 a no-sdp => 100 INVITE; invite 1357 from 01012345678 no offer
         answer => 200 INVITE
         ACK 1 b no-sdp body=v=0 => acknowledged with body",
    );
}

#[test]
fn a_bye_before_the_ack_waits_for_it() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         bye        =>
         asking     => 1
         wait 500   => 200 INVITE
         ACK 1 b    => BYE
         BYE 2 c    => 200 BYE
         respond 200 =>
         wait 40000 =>
         held       => 0",
    );
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         bye        =>
         BYE 2 c    => 200 BYE
         ACK 1 b    =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn hold_and_resume_are_reinvites_with_an_ack_each() {
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c   => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         RE-INVITE 2 c   =>
         wait 500        => 200 INVITE
         ACK 2 d         => reinvite acknowledged
         RE-INVITE 3 e no-sdp => 100 INVITE; reinvite
         answer-reinvite => 200 INVITE
         ACK 3 f no-sdp body=v=0 => reinvite acknowledged with body
         UPDATE 4 g body=v=0 => reinvite with body
         answer-reinvite => 200 UPDATE
         UPDATE 5 h      => 200 UPDATE
         RE-INVITE 6 i   => 100 INVITE; reinvite with body
         reject-reinvite 488 => 488 INVITE
         ACK 6 i         =>
         BYE 7 j         => 200 BYE; bye
         wait 40000      =>
         held            => 0",
    );
}

#[test]
fn two_offers_at_a_time_are_refused() {
    let mut flows = connected();
    flows.check("RE-INVITE 2 c => 100 INVITE; reinvite with body");
    flows.check("RE-INVITE 3 d => 100 INVITE; 500 INVITE");
    let retry_after: u32 = flows.header("Retry-After").expect("a header").parse().expect("seconds");
    assert!(retry_after <= 10);
    flows.check(
        "ACK 3 d         =>
         UPDATE 4 e body=v=0 => 500 UPDATE
         answer-reinvite => 200 INVITE
         RE-INVITE 5 f   => 100 INVITE; 491 INVITE
         ACK 5 f         =>
         ACK 2 g         => reinvite acknowledged
         RE-INVITE 2 h   => 100 INVITE; 500 INVITE
         RE-INVITE 6 i   => 100 INVITE; reinvite with body",
    );
}

#[test]
fn a_copy_of_a_refused_reinvite_meets_the_same_refusal_when_the_reason_has_gone() {
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c   => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         RE-INVITE 3 d   => 100 INVITE; 491 INVITE
         ACK 2 e         => reinvite acknowledged
         RE-INVITE 3 d   => 491 INVITE
         ACK 3 d         =>
         RE-INVITE 3 d   =>",
    );
}

#[test]
fn a_bye_during_a_reinvite_answers_both() {
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c => 100 INVITE; reinvite with body
         BYE 3 d       => 200 BYE; 487 INVITE; bye
         ACK 2 c       =>
         wait 40000    =>
         held          => 0",
    );
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c => 100 INVITE; reinvite with body
         CANCEL 2 c    => 200 CANCEL; 487 INVITE
         answer-reinvite =>
         ACK 2 c       =>
         RE-INVITE 3 d => 100 INVITE; reinvite with body
         bye           => 487 INVITE; BYE",
    );
}

#[test]
fn an_info_is_answered_and_told_once() {
    let mut flows = connected();
    flows.check(
        "INFO 2 c Content-Type:Application/DTMF-Relay;x=y body=Signal=1 => 200 INFO; info application/dtmf-relay Signal=1
         INFO 2 c Content-Type:Application/DTMF-Relay;x=y body=Signal=1 => 200 INFO
         INFO 9 d Content-Type:application/dtmf body=2 => 200 INFO; info application/dtmf 2
         # overtaken on the way: a key must not be lost
         INFO 8 e Content-Type:application/dtmf body=3 => 200 INFO; info application/dtmf 3",
    );
}

#[test]
fn a_connection_that_cannot_be_opened_again_is_known_at_once() {
    let mut flows = Flows::new();
    flows.check(
        "tcp
         INVITE 1 a Contact:<sip:caller@127.0.0.1:5099;transport=tcp> => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged",
    );
    flows.agent.disconnected(7);
    flows.check("refer sip:kosmes@127.0.0.1 => REFER");
    // The shell numbered the connection that it tried to open; the REFER was sent before there was a number.
    let asked = flows.sent_to.expect("a REFER was sent");
    assert_eq!(asked.connection, 0);
    let (mut out, other) = (Vec::new(), Flow { remote: "127.0.0.1:5098".parse().expect("an address"), ..asked });
    flows.agent.send_failed(flows.now, Flow { connection: 9, ..other }, &mut out);
    assert_eq!(flows.note(std::mem::take(&mut out)), "");
    flows.agent.send_failed(flows.now, Flow { connection: 9, ..asked }, &mut out);
    assert_eq!(flows.note(out), "refer 1 answered 503");
}

#[test]
fn a_send_that_fails_at_once_is_an_ordinary_event() {
    // Answers: the caller sends again, or the dialog does.
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         fail       =>
         INVITE 1 a => 100 INVITE
         answer     => 200 INVITE
         fail       =>
         wait 500   => 200 INVITE
         fail       =>
         ACK 1 b    => acknowledged
         RE-INVITE 2 c => 100 INVITE; reinvite with body
         reject-reinvite 488 => 488 INVITE
         fail       =>
         wait 500   => 488 INVITE
         ACK 2 c    =>
         BYE 3 d    => 200 BYE; bye
         fail       =>
         BYE 3 d    => 200 BYE
         wait 40000 =>
         held       => 0",
    );
    check(
        "INVITE 1 a Supported:100rel => 100 INVITE; invite 1357 from 01012345678 offer
         progress 183 => 183 INVITE
         fail       =>
         wait 500   => 183 INVITE
         PRACK 2 p rack => 200 PRACK; pracked
         fail       =>
         PRACK 2 p rack => 200 PRACK
         reject 486 => 486 INVITE
         fail       =>
         wait 500   => 486 INVITE
         ACK 1 a    =>
         wait 40000 =>
         held       => 0",
    );
    // A BYE that cannot leave is sent again, and ends the dialog all the same.
    let mut flows = connected();
    flows.check(
        "bye        => BYE
         fail       =>
         wait 500   => BYE
         fail       =>",
    );
    assert_eq!(flows.step("wait 40000"), ["BYE"; 9].join("; "));
    flows.check("held => 0");
}

#[test]
fn nobody_gets_our_password_by_challenging_our_bye() {
    for status in ["401", "407"] {
        let mut flows = connected();
        flows.check("bye => BYE");
        flows.check(&format!("respond {status} WWW-Authenticate:Digest_realm=x,nonce=y =>"));
        flows.check("wait 40000 =>");
        flows.check("held => 0");
    }
}

#[test]
fn a_ping_inside_a_call_is_answered_whatever_its_max_forwards() {
    let mut flows = connected();
    flows.check("OPTIONS 2 o Max-Forwards:0 => 200 OPTIONS");
    flows.check("OPTIONS 3 p Max-Forwards:0 => 200 OPTIONS");
    flows.check("BYE 4 c Max-Forwards:0 => 200 BYE; bye");
}

#[test]
fn nobody_is_woken_for_a_call_that_is_over() {
    let over = |script: &str| {
        let mut flows = Flows::new();
        flows.check(script);
        flows.step("wait 64001");
        assert_eq!(flows.step("held"), "0");
        assert_eq!(flows.agent.deadline(), None, "{script}");
    };
    over(
        "INVITE 1 a Supported:timer Session-Expires:1800 => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged
         BYE 2 c => 200 BYE; bye",
    );
    over(
        "INVITE 1 a Supported:timer Session-Expires:1800 => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged
         bye     => BYE
         respond 200 =>",
    );
}
