//! Session timers (RFC 4028): who refreshes, how, and what ends the call.

use super::*;

/// A connected call whose INVITE said this.
fn agreed(options: &str) -> Flows {
    let mut flows = Flows::new();
    flows.check(&format!("INVITE 1 a {options} => 100 INVITE; invite 1357 from 01012345678 offer"));
    flows.check("answer => 200 INVITE");
    flows
}

const OURS: &str = "Allow:UPDATE Supported:timer Session-Expires:90;refresher=uas";

#[test]
fn the_200_says_what_is_agreed_and_a_peer_without_timers_has_none() {
    let flows = agreed("Supported:timer,_100rel");
    assert_eq!(flows.header("Session-Expires").as_deref(), Some("1800;refresher=uac"));
    assert_eq!(flows.header("Require").as_deref(), Some("timer"));
    let flows = agreed("Supported:replaces");
    assert_eq!((flows.header("Session-Expires"), flows.header("Require")), (None, None));
    let mut flows = Flows::new();
    flows.check("INVITE 1 a Supported:timer Session-Expires:30 => 422 INVITE");
    assert_eq!(flows.header("Min-SE").as_deref(), Some("90"));
}

#[test]
fn a_peer_that_refreshes_goes_on_and_one_that_does_not_is_let_go_before_the_end() {
    let mut flows = agreed("Supported:timer Session-Expires:90");
    flows.check(
        "ACK 1 b    => acknowledged
         wait 50000 =>
         UPDATE 2 u Supported:timer Session-Expires:90;refresher=uac => 200 UPDATE",
    );
    assert_eq!(flows.header("Session-Expires").as_deref(), Some("90;refresher=uac"));
    flows.check(
        "wait 50000 =>
         RE-INVITE 3 c Supported:timer Session-Expires:90 => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         ACK 3 d    => reinvite acknowledged
         UPDATE 4 e Supported:timer Session-Expires:10 => 422 UPDATE
         wait 59999 =>
         wait 1     => BYE; expired",
    );
    assert_eq!(flows.header("Reason").as_deref(), Some("Q.850;cause=102"));
    flows.check(
        "respond 200 =>
         wait 70000  =>
         held        => 0",
    );
}

#[test]
fn our_refresh_is_an_update_where_the_peer_takes_it() {
    let mut flows = agreed(OURS);
    flows.check(
        "ACK 1 b    => acknowledged
         wait 45000 => UPDATE",
    );
    assert_eq!(flows.header("Session-Expires").as_deref(), Some("90;refresher=uac"));
    assert_eq!((flows.header("Min-SE").as_deref(), flows.header("Content-Length").as_deref()), (Some("90"), Some("0")));
    flows.check(
        "respond 200 Session-Expires:90;refresher=uac =>
         wait 45000  => UPDATE
         # lost twice
         wait 1600   => UPDATE; UPDATE
         respond 200 Session-Expires:90;refresher=uas Contact:<sip:new@127.0.0.1:6000> => moved
         wait 59999  =>
         UPDATE 2 u  => 200 UPDATE; moved
         bye         => BYE",
    );
}

#[test]
fn without_update_our_refresh_is_a_reinvite_with_the_description_as_it_was() {
    let mut flows = agreed("Supported:timer Session-Expires:90;refresher=uas");
    flows.check(
        "ACK 1 b    => acknowledged
         wait 45000 => INVITE",
    );
    assert!(flows.last.ends_with(SDP), "{}", flows.last);
    flows.check(
        "respond 100 =>
         # glare: their offer meets ours
         RE-INVITE 2 c => 100 INVITE; 491 INVITE
         ACK 2 c     =>
         UPDATE 3 d body=v=0 => 491 UPDATE
         respond 200 INVITE Session-Expires:90;refresher=uac => ACK; refreshed
         respond 200 INVITE => ACK
         RE-INVITE 4 e => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         ACK 4 f     => reinvite acknowledged
         wait 45000  => INVITE
         bye         => BYE
         respond 200 BYE =>
         wait 40000  =>
         held        => 0",
    );
    assert!(flows.requests.iter().any(|request| request.starts_with("ACK") && request.contains("CSeq: 1 ACK")));
}

#[test]
fn an_update_that_the_peer_does_not_know_becomes_a_reinvite() {
    for status in ["405", "501"] {
        let mut flows = agreed(OURS);
        flows.check("ACK 1 b => acknowledged");
        flows.check("wait 45000 => UPDATE");
        flows.check(&format!("respond {status} =>"));
        flows.check("wait 0 => INVITE");
    }
}

#[test]
fn what_the_answer_to_a_refresh_means() {
    // Glare: tried again within two seconds, for the Call-ID is not ours (RFC 3261 §14.1).
    let mut flows = agreed(OURS);
    flows.check("ACK 1 b => acknowledged");
    flows.check("wait 45000 => UPDATE");
    flows.check("respond 491 =>");
    assert!(flows.wait(2_000).starts_with("UPDATE"));
    // Too short for somebody on the way.
    flows.check("respond 422 Min-SE:300 =>");
    flows.check("wait 0 => UPDATE");
    assert_eq!(flows.header("Session-Expires").as_deref(), Some("300;refresher=uac"));
    assert_eq!(flows.header("Min-SE").as_deref(), Some("300"));
    // Any other failure is tried again, and the session ends before its end.
    flows.check("respond 503 =>");
    flows.check("wait 2500 =>");
    let mut flows = agreed(OURS);
    flows.check("ACK 1 b => acknowledged");
    flows.check("wait 45000 => UPDATE");
    flows.check("respond 500 =>");
    flows.check("wait 10000 => UPDATE");
    flows.check("respond 500 =>");
    flows.check("wait 5000 => BYE; expired");
    // The peer has forgotten the dialog.
    let mut flows = agreed(OURS);
    flows.check("ACK 1 b => acknowledged");
    flows.check("wait 45000 => UPDATE");
    flows.check("respond 481 => BYE; lost");
}

#[test]
fn a_peer_that_never_answers_our_refresh_is_gone() {
    let mut flows = agreed("Allow:UPDATE Supported:timer Session-Expires:600;refresher=uas");
    flows.check("ACK 1 b => acknowledged");
    flows.check("wait 300000 => UPDATE");
    let said = flows.wait(32_000);
    assert!(said.ends_with("UPDATE; BYE; lost"), "{said}");
    let mut flows = agreed(OURS);
    flows.check("ACK 1 b => acknowledged");
    flows.check("wait 45000 => UPDATE");
    // One that could not leave is no word of the peer's: the next follows soon.
    flows.check("fail =>");
    flows.check("wait 1900 =>");
    flows.check("wait 100 => UPDATE");
}

#[test]
fn a_refresh_waits_while_something_is_open() {
    let mut flows = agreed(OURS);
    flows.check(
        "ACK 1 b    => acknowledged
         wait 44000 =>
         RE-INVITE 2 c Allow:UPDATE,_INVITE => 100 INVITE; reinvite with body
         wait 2900  =>
         reject-reinvite 488 => 488 INVITE
         ACK 2 c    =>",
    );
    assert!(flows.wait(2_000).starts_with("UPDATE"));
}

#[test]
fn a_refer_that_wants_no_word_asks_for_none_and_waits_for_none() {
    let mut flows = connected();
    flows.check("refer sip:k@h unsubscribed => REFER");
    assert_eq!(flows.header("Refer-Sub").as_deref(), Some("false"));
    assert_eq!(flows.header("Supported").as_deref(), Some("norefersub"));
    flows.check(
        "respond 202 Refer-Sub:false => refer 1 answered 202
         bye         => BYE
         respond 200 BYE =>
         NOTIFY 2 n body=SIP/2.0_200_OK => 481 NOTIFY
         wait 40000  =>
         held        => 0",
    );
    // A peer that does not know norefersub subscribes us all the same; 200 is as good as 202 (RFC 7647 §4).
    let mut flows = connected();
    flows.check(
        "refer sip:k@h unsubscribed => REFER
         respond 200 => refer 1 answered 200
         NOTIFY 2 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200",
    );
    // One that says so unasked is heard if it speaks after all.
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         respond 202 Refer-Sub:false => refer 1 answered 202
         NOTIFY 2 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200",
    );
}

#[test]
fn a_description_with_keys_is_not_repeated_where_others_can_read_it() {
    for open in [false, true] {
        let mut flows = agreed("Supported:timer Session-Expires:90;refresher=uas");
        flows.agent.config.peers.srtp_over_plain = open;
        flows.check("ACK 1 b => acknowledged");
        for dialog in flows.agent.dialogs.values_mut() {
            dialog.described =
                b"v=0\r\nm=audio 4000 RTP/SAVP 8\r\na=crypto:1 AEAD_AES_128_GCM inline:secret\r\n".to_vec();
        }
        let shown = flows.step("wait 45000");
        assert_eq!(shown, if open { "INVITE" } else { "" });
        assert_eq!(flows.requests.iter().any(|request| request.contains("inline:")), open);
        if !open {
            let over = flows.step("wait 60000");
            assert!(over.starts_with("BYE; expired"), "nobody refreshed it: {over}");
        }
    }
}
