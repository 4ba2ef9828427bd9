//! From the key to the centre, told as flows on the table of `call_flows`: by REFER, by a call of ours, and down the ladder.

use crate::call_flows::{check, check_at};
use ivr1357::routing;

#[test]
fn a_failed_centre_leads_to_its_next_address_then_the_counsellors_then_the_menu_and_at_last_a_goodbye() {
    check(
        "call        => play greeting
         key 1 1     => play menu_fund, play center/kosmes
         wait 1s     => loop waiting_tone, refer kosmes [call=0000000000001357;path=main,fund]
         answer 603  => play center_busy
         wait 1s     => loop waiting_tone, refer kosmes2 [call=0000000000001357;path=main,fund]
         answer 202  => nothing
         notify 100  => nothing
         notify 486  => play center_busy center/counsel
         wait 2s     => loop waiting_tone, refer counsel [call=0000000000001357;path=main,fund]
         wait 14.9s  => nothing
         wait 0.1s   => play busy
         wait 1s     => play menu_main
         key 0       => play center/counsel
         wait 1s     => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
         answer 405  => play goodbye
         wait 1s     => bye, over announced announced",
    );
}

#[test]
fn a_ringing_centre_has_the_ring_timeout_however_often_it_says_so() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         notify 180  => nothing
         answer 202  => nothing
         wait 30s    => nothing
         notify 180  => nothing
         wait 29.9s  => nothing
         wait 0.1s   => play center_busy center/counsel",
    );
}

#[test]
fn a_refer_accepted_and_never_notified_is_given_up() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         wait 1s     => nothing
         answer 202  => nothing
         wait 14.9s  => nothing
         wait 0.1s   => play center_busy center/counsel",
    );
}

#[test]
fn where_the_202_is_all_we_hear_it_counts_as_reached() {
    check(
        "call        => play greeting
         key 3       => loop waiting_tone, refer keit [call=0000000000001357;path=main]
         answer 202  => bye, over transferred transferred",
    );
}

#[test]
fn a_refer_given_up_that_succeeds_after_all_still_counts() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         wait 15s    => play center_busy center/counsel
         late 0 200  => bye, over transferred transferred",
    );
}

#[test]
fn a_refer_given_up_that_fails_late_does_not_disturb_the_next() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         wait 15s    => play center_busy center/counsel
         wait 2s     => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
         late 0 408  => nothing
         notify 200  => bye, over transferred transferred",
    );
}

#[test]
fn a_notify_may_overtake_the_202() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         notify 200  => bye, over transferred transferred
         answer 202  => nothing",
    );
}

#[test]
fn a_bye_during_a_transfer_waits_for_the_notify_it_races() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         hangup      => nothing
         notify 200  => over transferred transferred",
    );
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         hangup      => nothing
         wait 0.7s   => nothing
         wait 0.1s   => over abandoned caller-hung-up",
    );
}

/// Seed 20193 of the simulator: the centre had answered 7 ms after SIGTERM, and the record said `failed`.
#[test]
fn our_bye_at_a_stop_waits_for_the_notify_it_crosses_and_less_than_the_process_for_its_calls() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         stop        => bye
         notify 200  => over transferred transferred",
    );
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         stop        => bye
         hangup      => nothing
         notify 486  => nothing
         wait 0.8s   => over failed shutdown",
    );
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         stop        => bye
         stop        => over failed shutdown",
    );
}

#[test]
fn keys_during_a_transfer_choose_nothing_later() {
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         key 1 1     => nothing
         answer 603  => play center_busy center/counsel
         wait 2s     => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
         answer 603  => play busy
         wait 1s     => play menu_main",
    );
}

#[test]
fn addresses_of_one_order_share_the_calls_by_weight() {
    let text = r#"
schema = 1
[number.1357]
match = ["1357"]
go = "center.a"
[defaults.transfer]
ladder = ["refer", "next-target", "notice.busy"]
give_up = "notice.busy"
[center]
a = { name = "가", sip = [{ uri = "sip:big@h.example", order = 1, weight = 3 }, { uri = "sip:small@h.example", order = 1 }, "sip:spare@h.example"] }
[notice]
busy = { prompt = "a", then = "end" }
"#;
    let plan = routing::check_without_sound(text).plan.expect("the table is right");
    let center = &plan.centers[0];
    let orders: Vec<Vec<usize>> =
        (0..400u64).map(|n| center.targets_in_order(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8)).collect();
    // The spare one is last, however the other two are drawn.
    assert!(orders.iter().all(|order| order.len() == 3 && order[2] == 2), "{orders:?}");
    let big = orders.iter().filter(|order| order[0] == 0).count();
    assert!((260..=340).contains(&big), "{big} of 400");
}

/// Up to the INVITE of ours.
const TO_OUR_CALL: &str = "call      => play greeting
    key 8     => loop waiting_tone, invite ours [call=0000000000001357;path=main]\n";

#[test]
fn a_centre_that_we_call_talks_with_the_caller_until_it_hangs_up() {
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        &format!(
            "{TO_OUR_CALL}wait 10s  => nothing
             rings     => nothing
             wait 59s  => nothing
             picks-up  => bridge
             key 1     => nothing
             wait 7200s => nothing
             parts     => bye, over transferred transferred"
        ),
    );
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    let attempt = &record["attempts"][0];
    assert_eq!((&attempt["center"], &attempt["result"]), (&"center.ours".into(), &"reached".into()));
}

#[test]
fn a_centre_that_does_not_answer_us_gives_way_to_the_next_rung() {
    // Busy; then no word at all, and then nobody.
    check(&format!(
        "{TO_OUR_CALL}fails 486 => play center_busy
         wait 1s   => loop waiting_tone, invite ours2 [call=0000000000001357;path=main]
         wait 15s  => drop, play busy
         picks-up  => drop
         wait 1s   => play menu_main"
    ));
    // It rings for as long as it may.
    check(&format!(
        "{TO_OUR_CALL}rings     => nothing
         wait 59s  => nothing
         wait 1s   => drop, play center_busy
         fails 487 => nothing"
    ));
}

#[test]
fn whoever_refuses_a_refer_has_the_centre_called_for_him() {
    for status in ["403", "405", "501", "603"] {
        check(&format!(
            "call       => play greeting
             wait 1s    => play menu_main
             key 1 2    => play menu_fund, loop waiting_tone, refer both [call=0000000000001357;path=main,fund]
             answer {status} => play center_busy
             wait 1s    => loop waiting_tone, invite both [call=0000000000001357;path=main,fund]
             picks-up   => bridge
             parts      => bye, over transferred transferred"
        ));
    }
}

#[test]
fn a_caller_who_hangs_up_while_we_call_has_reached_nobody_and_one_who_talked_has() {
    check(&format!("{TO_OUR_CALL}hangup    => over abandoned caller-hung-up"));
    for (action, expected) in [
        ("hangup", "over transferred caller-hung-up"),
        ("stop", "bye, over transferred shutdown"),
        ("silent", "bye, over transferred media-timeout"),
    ] {
        check(&format!("{TO_OUR_CALL}picks-up  => bridge\n{action} => {expected}"));
    }
}

#[test]
fn whoever_holds_lets_the_other_hear_the_waiting_tone() {
    check(&format!(
        "{TO_OUR_CALL}picks-up   => bridge
         hold       => far hears waiting_tone
         resume     => far hears the caller
         far-hold   => loop waiting_tone
         far-hold   => nothing
         far-resume => stop
         hangup     => over transferred caller-hung-up"
    ));
    // Before it answers as well, whoever is on hold.
    check(&format!(
        "{TO_OUR_CALL}sounds    => overhear
         picks-up  => bridge"
    ));
    // On hold already when the centre answers.
    check(&format!(
        "{TO_OUR_CALL}hold      => nothing
         picks-up  => bridge, far hears waiting_tone"
    ));
}

#[test]
fn a_new_line_is_bridged_again_or_rings_nobody() {
    check(&format!(
        "{TO_OUR_CALL}picks-up  => bridge
         replaced  => far hears the caller, bridge
         parts     => bye, over transferred transferred"
    ));
    check(&format!(
        "{TO_OUR_CALL}replaced  => drop
         ack       => play menu_main"
    ));
}
