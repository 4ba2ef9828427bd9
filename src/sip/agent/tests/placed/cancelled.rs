//! Calls that are taken back before they are answered: by their owner, by the next process, by the clock.

use super::*;

#[test]
fn a_cancel_waits_for_the_first_word_and_a_2xx_that_crosses_it_is_hung_up() {
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         cancel                       =>
         respond 180 INVITE tag=b     => CANCEL 192.0.2.1
         respond 180 INVITE tag=b     =>
         respond 200 CANCEL           =>
         respond 487 INVITE tag=b     => ACK 192.0.2.1; failed 487
         wait 40000 =>
         held => 0",
    );
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         cancel                       => CANCEL 192.0.2.1
         cancel                       =>
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; BYE 192.0.2.1; failed 487
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1
         respond 200 BYE              =>
         respond 200 CANCEL           =>
         wait 70000 =>
         held => 0",
    );
    // One that cannot leave is sent again: nobody else would tell the telephone.
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         break 192.0.2.1
         cancel                       => CANCEL 192.0.2.1
         wait 500                     => CANCEL 192.0.2.1
         respond 200 CANCEL           =>
         respond 487 INVITE tag=b     => ACK 192.0.2.1; failed 487
         wait 40000 =>
         held => 0",
    );
    // Nobody ever answers: the INVITE ends as it would have, or 64·T1 after the CANCEL.
    Placing::new().check(
        "call sip:15@one.example direct => INVITE 192.0.2.1
         respond 100 INVITE           =>
         bye                          => CANCEL 192.0.2.1
         respond 200 CANCEL           =>
         wait 31999                   =>
         wait 1                       => failed 487
         wait 40000 =>
         held => 0",
    );
}

#[test]
fn a_call_that_rang_when_its_process_died_is_taken_back_by_the_next() {
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         crash                        => CANCEL 192.0.2.1
         respond 180 INVITE tag=b     =>
         wait 500                     => CANCEL 192.0.2.1
         respond 200 CANCEL           =>
         respond 487 INVITE tag=b     => ACK 192.0.2.1
         respond 487 INVITE tag=b     => ACK 192.0.2.1
         wait 40000 =>
         held => 0",
    );
    // It has answered meanwhile.
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         crash                        => CANCEL 192.0.2.1
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; BYE 192.0.2.1
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1
         respond 200 BYE              =>
         respond 481 CANCEL           =>
         wait 70000 =>
         held => 0",
    );
    // Nothing was heard of it yet, and nothing ever is.
    Placing::new().check(
        "call sip:15@two.example direct => INVITE 192.0.2.1
         crash                          => CANCEL 192.0.2.1
         respond 481 CANCEL             =>
         wait 70000 =>
         held => 0",
    );
    // The address that was tried last is the one that rings.
    Placing::new().check(
        "call sip:15@two.example  => INVITE 192.0.2.1
         respond 503 INVITE tag=b => ACK 192.0.2.1; INVITE 192.0.2.2
         crash                    => CANCEL 192.0.2.2",
    );
}

#[test]
fn a_saved_call_holds_no_proof_and_no_description_and_its_cancel_finds_the_invite() {
    let mut placing = Placing::new();
    placing.check(&format!(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 401 INVITE tag=x {CHALLENGE} => ACK 192.0.2.1; INVITE 192.0.2.1"
    ));
    let invite = placing.sent.last().expect("an INVITE").1.clone();
    let saved = placing.agent.saved(placing.call).expect("a call");
    assert!(!saved.contains("Authorization") && !saved.contains("m=audio"), "{saved}");
    placing.check("crash => CANCEL 192.0.2.1");
    let cancel = placing.sent.last().expect("a CANCEL").1.clone();
    assert_eq!(cancel.split(' ').nth(1), invite.split(' ').nth(1));
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(line_of(&cancel, name), line_of(&invite, name), "{name}");
    }
    assert_eq!(line_of(&cancel, "CSeq").as_deref(), Some("2 CANCEL"));
}

#[test]
fn a_call_rings_three_minutes_and_no_longer() {
    Placing::new().check(
        "call sip:15@two.example  => INVITE 192.0.2.1
         respond 180 INVITE tag=b => progress 180 fork 0
         wait 179999              =>
         wait 1                   => CANCEL 192.0.2.1
         respond 200 CANCEL       =>
         respond 487 INVITE tag=b => ACK 192.0.2.1; failed 408",
    );
}
