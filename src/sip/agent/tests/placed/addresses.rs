//! Requests inside a dialog whose next hop is a name with several addresses (RFC 3263 §4.3): when the next one is asked, and
//! which of their answers counts.

use super::*;

const ACCEPTED: &str = "call sip:15@two.example => INVITE 192.0.2.1
     respond 200 INVITE tag=b sdp Contact:<sip:desk@desks.example> Session-Expires:1800;refresher=uac Require:timer";

/// A call whose peer is at 192.0.2.77 and 192.0.2.78 and takes UPDATE.
fn answered() -> Placing {
    let mut placing = Placing::new();
    placing.check(&format!("{ACCEPTED} Allow:UPDATE => ACK 192.0.2.1; accepted with body"));
    placing
}

/// Its re-INVITE met silence at the first address and has gone to the second.
fn reinvited() -> Placing {
    let mut placing = Placing::new();
    placing.check(&format!("{ACCEPTED} => ACK 192.0.2.1; accepted with body"));
    placing.check(
        "wait 900000 => INVITE 192.0.2.77
         wait 6000   => INVITE 192.0.2.77; INVITE 192.0.2.77; INVITE 192.0.2.77; INVITE 192.0.2.78",
    );
    placing
}

/// Its REFER likewise.
fn referred() -> Placing {
    let mut placing = answered();
    placing.check(
        "refer     => REFER 192.0.2.77
         wait 6000 => REFER 192.0.2.77; REFER 192.0.2.77; REFER 192.0.2.77; REFER 192.0.2.78",
    );
    placing
}

#[test]
fn the_next_address_of_a_named_hop_is_tried_after_silence_and_a_broken_way() {
    for script in [
        "bye             => BYE 192.0.2.77
         wait 5999       => BYE 192.0.2.77; BYE 192.0.2.77; BYE 192.0.2.77
         wait 1          => BYE 192.0.2.78
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
        "break 192.0.2.77
         bye             => BYE 192.0.2.77; BYE 192.0.2.78
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
        // The answer is slow, yet it was asked.
        "bye             => BYE 192.0.2.77
         respond 100 BYE =>
         wait 7000       => BYE 192.0.2.77; BYE 192.0.2.77
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
        // The last of them is asked for as long as any, and what failed is passed over by the next request.
        "wait 900000     => UPDATE 192.0.2.77
         wait 6000       => UPDATE 192.0.2.77; UPDATE 192.0.2.77; UPDATE 192.0.2.77; UPDATE 192.0.2.78
         respond 200 UPDATE Session-Expires:1800;refresher=uac =>
         bye             => BYE 192.0.2.78
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
    ] {
        answered().check(script);
    }
}

#[test]
fn the_next_address_of_a_named_hop_is_tried_after_a_503_and_the_last_503_is_the_answer() {
    answered().check(
        "bye             => BYE 192.0.2.77
         respond 503 BYE => BYE 192.0.2.78
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
    );
    // Last of all comes the way by which the peer's own requests come.
    answered().check(
        "bye             => BYE 192.0.2.77
         respond 503 BYE => BYE 192.0.2.78
         respond 503 BYE => BYE 192.0.2.1
         respond 503 BYE =>
         wait 80000      =>
         held            => 0",
    );
    answered().check(
        "refer             => REFER 192.0.2.77
         respond 503 REFER => REFER 192.0.2.78
         respond 503 REFER => REFER 192.0.2.1
         respond 503 REFER => refer 2 answered 503",
    );
    // What a peer said tells more than the silence of the others.
    let mut placing = answered();
    placing.check(
        "refer             => REFER 192.0.2.77
         respond 503 REFER => REFER 192.0.2.78
         respond 503 REFER => REFER 192.0.2.1",
    );
    assert!(placing.wait(32_000).ends_with("REFER 192.0.2.1; refer 2 answered 503"));
    // Each copy of a 503 to an INVITE is acknowledged, whoever is asked meanwhile.
    let mut placing = Placing::new();
    placing.check(&format!("{ACCEPTED} => ACK 192.0.2.1; accepted with body"));
    placing.check(
        "wait 900000                        => INVITE 192.0.2.77
         respond 503 INVITE                 => ACK 192.0.2.77; INVITE 192.0.2.78
         respond 503 INVITE of=192.0.2.77   => ACK 192.0.2.77
         respond 200 INVITE sdp Session-Expires:1800;refresher=uac => ACK 192.0.2.78; refreshed with body
         respond 503 INVITE of=192.0.2.77   => ACK 192.0.2.77
         wait 80000                         =>",
    );
    // A next hop that is an address has no next one.
    Placing::new().check(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp Contact:<sip:desk@192.0.2.77> => ACK 192.0.2.77; accepted with body
         refer                   => REFER 192.0.2.77
         respond 503 REFER       => refer 2 answered 503",
    );
}

#[test]
fn a_bye_that_could_not_leave_for_a_moment_is_sent_again_beside_an_address_that_refuses() {
    let mut placing = Placing::new();
    placing.check(BOTH);
    placing.check(
        "break 192.0.2.1
         bye                     => BYE 192.0.2.1; BYE 192.0.2.2
         respond 503 BYE         =>
         # Nor does it have to be the first copy.
         wait 500                => BYE 192.0.2.1
         mend
         wait 1000               => BYE 192.0.2.1
         respond 200 BYE of=192.0.2.1 =>
         wait 80000              =>
         held                    => 0",
    );
    // Whoever waits for another answer learns at once that none will come.
    let mut placing = Placing::new();
    placing.check(BOTH);
    placing.check(
        "break 192.0.2.1
         refer                   => REFER 192.0.2.1; REFER 192.0.2.2
         respond 503 REFER       => refer 2 answered 503",
    );
}

/// A call whose peer is at 192.0.2.1, where its own requests come from, and 192.0.2.2.
const BOTH: &str = "call sip:15@two.example => INVITE 192.0.2.1
     respond 200 INVITE tag=b sdp Contact:<sip:desk@two.example> Session-Expires:1800;refresher=uac Require:timer => ACK 192.0.2.1; accepted with body";

#[test]
fn six_seconds_behind_the_last_address_a_refusal_counts_though_another_says_nothing() {
    let mut placing = Placing::new();
    placing.check(BOTH);
    placing.check(
        "refer             => REFER 192.0.2.1
         wait 6000         => REFER 192.0.2.1; REFER 192.0.2.1; REFER 192.0.2.1; REFER 192.0.2.2
         respond 503 REFER =>
         wait 5999         =>
         wait 1            => refer 2 answered 503",
    );
    // One that cannot leave is none of the peer's: the session is refreshed again, and the call goes on.
    let mut placing = Placing::new();
    placing.check(BOTH);
    placing.check(
        "wait 900000 => INVITE 192.0.2.1
         wait 6000   => INVITE 192.0.2.1; INVITE 192.0.2.1; INVITE 192.0.2.1; INVITE 192.0.2.2
         break 192.0.2.2
         wait 500    => INVITE 192.0.2.2
         mend
         wait 5999   =>
         wait 1      =>
         wait 2000   => INVITE 192.0.2.2",
    );
}

#[test]
fn an_address_that_says_503_is_passed_over_as_long_as_it_asks() {
    for (said, next) in [("", "192.0.2.77"), ("Retry-After:30", "192.0.2.78")] {
        answered().check(&format!(
            "refer                    => REFER 192.0.2.77
             respond 503 REFER {said} => REFER 192.0.2.78
             respond 202 REFER        => refer 2 answered 202
             bye                      => BYE {next}"
        ));
    }
}

#[test]
fn every_2xx_to_a_reinvite_is_acknowledged_where_it_came_from_and_the_first_counts() {
    for (first, second) in [("192.0.2.77", "192.0.2.78"), ("192.0.2.78", "192.0.2.77")] {
        reinvited().check(&format!(
            "respond 200 INVITE of={first} sdp Session-Expires:1800;refresher=uac => ACK {first}; refreshed with body
             respond 200 INVITE of={second} sdp => ACK {second}
             respond 200 INVITE of={first} sdp => ACK {first}
             respond 200 INVITE of={second} sdp => ACK {second}
             wait 80000 =>"
        ));
    }
    let mut placing = reinvited();
    placing.check("respond 200 INVITE of=192.0.2.77 sdp => ACK 192.0.2.77; refreshed with body");
    let ack = placing.sent.last().expect("an ACK").1.clone();
    assert_eq!(line_of(&ack, "CSeq").as_deref(), Some("2 ACK"));
    placing.check("respond 200 INVITE of=192.0.2.77 sdp => ACK 192.0.2.77");
    assert_eq!(placing.sent.last().expect("an ACK").1, ack, "the same ACK for a copy (RFC 3261 §13.2.2.4)");
}

#[test]
fn a_success_is_not_lost_by_what_another_address_says_of_a_request_it_has_already() {
    for status in ["408", "481", "482", "491", "500", "502", "503", "504"] {
        // The second address refuses the copy; the answer of the first was only late.
        let mut placing = reinvited();
        // Where 192.0.2.78 has no room, the way of the peer's own requests is left.
        let next = if status == "503" { "; INVITE 192.0.2.1" } else { "" };
        placing.check(&format!(
            "respond {status} INVITE of=192.0.2.78  => ACK 192.0.2.78{next}
             respond 200 INVITE of=192.0.2.77 sdp   => ACK 192.0.2.77; refreshed with body
             respond {status} INVITE of=192.0.2.78  => ACK 192.0.2.78"
        ));
        // The first address refuses it late; the second accepts.
        reinvited().check(&format!(
            "respond {status} INVITE of=192.0.2.77  => ACK 192.0.2.77
             respond 200 INVITE of=192.0.2.78 sdp   => ACK 192.0.2.78; refreshed with body"
        ));
        reinvited().check(&format!(
            "respond 200 INVITE of=192.0.2.78 sdp   => ACK 192.0.2.78; refreshed with body
             respond {status} INVITE of=192.0.2.77  => ACK 192.0.2.77"
        ));
        let mut placing = referred();
        let next = if status == "503" { "REFER 192.0.2.1" } else { "" };
        placing.check(&format!(
            "respond {status} REFER of=192.0.2.78 => {next}
             respond 202 REFER of=192.0.2.77      => refer 2 answered 202
             respond 200 REFER of=192.0.2.78      =>"
        ));
    }
}

#[test]
fn a_refusal_waits_six_seconds_for_a_better_word_and_a_decision_of_the_peer_not_at_all() {
    reinvited().check(
        "respond 481 INVITE => ACK 192.0.2.78
         wait 5999          =>
         wait 1             => BYE 192.0.2.78; lost",
    );
    referred().check(
        "respond 500 REFER  =>
         wait 5999          =>
         wait 1             => refer 2 answered 500",
    );
    // Both have refused: nobody is left to wait for.
    referred().check(
        "respond 500 REFER  =>
         respond 500 REFER of=192.0.2.77 => refer 2 answered 500",
    );
    for address in ["192.0.2.77", "192.0.2.78"] {
        referred().check(&format!("respond 603 REFER of={address} => refer 2 answered 603"));
    }
    // Somebody is at work on it.
    referred().check(
        "respond 100 REFER of=192.0.2.77 =>
         respond 500 REFER of=192.0.2.78 =>
         wait 10000                      =>
         respond 202 REFER of=192.0.2.77 => refer 2 answered 202",
    );
}

#[test]
fn a_late_answer_of_the_address_that_was_left_counts() {
    referred().check(
        "respond 202 REFER of=192.0.2.77 => refer 2 answered 202
         respond 500 REFER of=192.0.2.78 =>
         wait 5000                       =>
         bye                             => BYE 192.0.2.78",
    );
    answered().check(
        "wait 900000 => UPDATE 192.0.2.77
         wait 6000   => UPDATE 192.0.2.77; UPDATE 192.0.2.77; UPDATE 192.0.2.77; UPDATE 192.0.2.78
         respond 200 UPDATE of=192.0.2.77 Session-Expires:1800;refresher=uac =>
         wait 899999 =>
         wait 1      => UPDATE 192.0.2.77",
    );
    answered().check(
        "bye         => BYE 192.0.2.77
         wait 6000   => BYE 192.0.2.77; BYE 192.0.2.77; BYE 192.0.2.77; BYE 192.0.2.78
         respond 200 BYE of=192.0.2.77 =>
         wait 80000  =>
         held        => 0",
    );
    // A late 503 changes nothing: the next address is asked in its turn.
    referred().check(
        "respond 503 REFER of=192.0.2.77 =>
         wait 5999                       => REFER 192.0.2.78; REFER 192.0.2.78; REFER 192.0.2.78
         wait 1                          => REFER 192.0.2.1",
    );
}

#[test]
fn a_reinvite_that_crosses_a_goodbye_is_acknowledged_and_not_repeated() {
    for (said, answer) in [("200", "ACK"), ("487", "ACK")] {
        for host in ["192.0.2.77", "192.0.2.78"] {
            reinvited().check(&format!(
                "bye                            => BYE 192.0.2.78
                 respond {said} INVITE of={host} => {answer} {host}
                 respond 200 BYE                =>
                 respond {said} INVITE of={host} => {answer} {host}
                 wait 80000                     =>
                 held                           => 0"
            ));
        }
    }
    let mut placing = reinvited();
    placing.check(
        "hang-up b 192.0.2.1                 => 200; bye
         respond 200 INVITE of=192.0.2.77    => ACK 192.0.2.77
         respond 487 INVITE of=192.0.2.78    => ACK 192.0.2.78
         wait 80000                          =>
         held                                => 0",
    );
}

#[test]
fn a_goodbye_leaves_by_a_stream_that_was_refused_of_late_when_there_is_no_other_way() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@192.0.2.50;transport=tcp direct => INVITE TCP 192.0.2.50
         respond 200 INVITE tag=b sdp Contact:<sip:desk@192.0.2.50;transport=tcp> => ACK TCP 192.0.2.50; accepted with body",
    );
    let flow = placing.sent.last().expect("an ACK").0;
    placing.agent.outgoing.shun(placing.now.instant, flow.transport, flow.remote, Duration::from_secs(60));
    placing.check(
        "bye             => BYE TCP 192.0.2.50
         respond 200 BYE =>
         wait 80000      =>
         held            => 0",
    );
}
