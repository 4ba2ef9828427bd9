//! REFER and its NOTIFYs, as peers really send them.

use super::*;

#[test]
fn a_transfer_that_succeeds_is_told_and_ends_with_our_bye() {
    let mut flows = connected();
    flows.check("refer sip:kosmes@127.0.0.1:5081 => REFER");
    assert_eq!(flows.header("Refer-To").as_deref(), Some("sip:kosmes@127.0.0.1:5081"));
    assert_eq!(flows.header("Referred-By").as_deref(), Some("<sip:1357@127.0.0.1>"));
    flows.check(
        "respond 202 => refer 1 answered 202
         respond 202 =>
         NOTIFY 2 n Event:refer Subscription-State:active body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         NOTIFY 3 o Event:refer Subscription-State:terminated body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200 terminated
         NOTIFY 3 o Event:refer Subscription-State:terminated body=SIP/2.0_200_OK => 200 NOTIFY
         bye         => BYE
         respond 200 =>
         wait 40000  =>
         held        => 0",
    );
}

#[test]
fn a_notify_is_matched_by_its_dialog_alone() {
    let mut flows = connected();
    flows.check(
        "NOTIFY 2 early Event:refer body=SIP/2.0_200_OK => 481 NOTIFY
         NOTIFY 3 mwi Event:message-summary => 489 NOTIFY
         refer sip:k@h => REFER
         # before the 202, with the branch of another request, without Event, to a strange R-URI
         NOTIFY 4 a uri=sip:nobody@elsewhere body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         NOTIFY 5 a body=SIP/2.0_180_Ringing => 200 NOTIFY; refer 1 notified 180
         respond 202 => refer 1 answered 202
         # without any branch
         NOTIFY 6    => 200 NOTIFY; refer 1 notified nothing
         refer sip:l@h => REFER
         NOTIFY 7 p Event:refer;id=1 body=SIP/2.0_486_Busy => 200 NOTIFY; refer 1 notified 486
         NOTIFY 8 q Event:refer;id=2 body=SIP/2.0_200_OK   => 200 NOTIFY; refer 2 notified 200
         NOTIFY 7 r body=SIP/2.0_503_late => 200 NOTIFY; refer 2 notified 503",
    );
}

#[test]
fn a_notify_after_the_bye_is_still_told_for_a_while() {
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         bye           => BYE
         NOTIFY 2 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         respond 200 BYE =>
         wait 20000    =>
         NOTIFY 3 o body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         INFO 4 p      => 481 INFO
         wait 12000    => refer 1 answered 408
         NOTIFY 5 q body=SIP/2.0_200_OK => 481 NOTIFY
         wait 40000    =>
         held          => 0",
    );
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         respond 202   => refer 1 answered 202
         BYE 2 c       => 200 BYE; bye
         NOTIFY 3 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         wait 70000    =>
         held          => 0",
    );
}

#[test]
fn a_refer_that_is_refused_or_never_answered_is_told() {
    for status in ["401", "407", "405", "481", "501", "603"] {
        let mut flows = connected();
        flows.check("refer sip:k@h => REFER");
        assert_eq!(flows.step(&format!("respond {status}")), format!("refer 1 answered {status}"));
        flows.check("wait 6000 =>");
    }
    let mut flows = connected();
    flows.check("refer sip:k@h => REFER");
    assert_eq!(flows.wait(15_000), "REFER; REFER; REFER; REFER; REFER");
    assert_eq!(flows.wait(17_000), "refer 1 answered 408", "nobody waits for it any more, so no copy may arrive late");
    flows.check(
        "refer sip:k@h => REFER
         fail          => refer 2 answered 503
         bye           => BYE
         fail          =>
         refer sip:k@h => too late",
    );
}

#[test]
fn a_refer_that_left_is_not_lost_with_what_could_not_leave_behind_it() {
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         wait 50       =>
         NOTIFY 2 n body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         fail          =>
         respond 202   => refer 1 answered 202",
    );
}

#[test]
fn a_phone_may_put_us_on_hold_while_it_calls_the_centre_and_come_back() {
    let mut flows = connected();
    flows.check(
        "refer sip:k@h   => REFER
         respond 202     => refer 1 answered 202
         RE-INVITE 2 c   => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         NOTIFY 3 n body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         ACK 2 d         => reinvite acknowledged
         NOTIFY 4 o body=SIP/2.0_486_Busy => 200 NOTIFY; refer 1 notified 486
         RE-INVITE 5 e   => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         ACK 5 f         => reinvite acknowledged
         refer sip:l@h   => REFER
         # two within a millisecond, the later one first
         NOTIFY 7 q body=SIP/2.0_200_OK => 200 NOTIFY; refer 2 notified 200
         NOTIFY 6 p body=SIP/2.0_180_Ringing => 200 NOTIFY; refer 2 notified 180
         bye             => BYE",
    );
}
