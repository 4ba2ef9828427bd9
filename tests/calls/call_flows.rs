//! What a call does, told as flows: an action, and what comes of it. No SIP, no sound, no clock.
//!
//! Every prompt lasts one second. `wait` lets time pass and plays end; a line lists all that happened meanwhile.

use crate::flow::Flow;
use ivr1357::call::record::Origin;
use ivr1357::call::{CallKey, Effect, Event, Record, Session};
use ivr1357::number::Caller;
use ivr1357::routing::switch::Switches;
use ivr1357::routing::{self, Plan};
use ivr1357::time::{Duration, Instant, Now, Wall};
use std::collections::BTreeMap;
use std::sync::Arc;

const TABLE: &str = r##"
schema = 1
timezone = "Asia/Seoul"
waiting = "waiting_tone"

[number.1357]
match = ["1357"]
greeting = "greeting"
go = "menu.main"
when = [{ outside = "hours.main", go = "notice.closed" }]

[defaults.menu]
barge_in = true
digit_timeout = "5s"
interdigit = "2s"
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 1, prompt = "invalid", then = "center.counsel" }
keys = { "0" = "center.counsel", "7" = "slower", "#" = "back", "*" = "repeat" }

[defaults.transfer]
ladder = ["refer", "next-target", "center.counsel", "notice.busy"]
refer_success = "notify-200"
refer_timeout = "15s"
ring_timeout = "60s"
prompt = "center_busy"
context = "refer-to"
rounds = 2
give_up = "notice.goodbye"

[limits]
call_max = "60m"

[hours]
main = ["월-금 09:00-18:00"]

[menu.main]
prompt = "menu_main"
1 = { go = "menu.fund" }
2 = { go = "center.kised" }
3 = { go = "center.keit" }
4 = { go = "menu.long" }
5 = { go = "notice.info" }
6 = "message.word"
8 = "center.ours"

[menu.fund]
prompt = "menu_fund"
1 = { go = "center.kosmes" }
2 = "center.both"

[menu.long]
prompt = "menu_long"
barge_in = false
1 = { go = "center.kised" }
12 = { go = "center.kosmes" }

[message.word]
longest = "60s"
then = "notice.busy"
otherwise = "center.counsel"

[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
kosmes = { name = "중진공", sip = ["sip:kosmes@127.0.0.1:5070", "sip:kosmes2@127.0.0.1:5070"] }
ours = { name = "우리", sip = ["sip:ours@127.0.0.1:5070", "sip:ours2@127.0.0.1:5070"], announce = false, ladder = ["bridge", "notice.busy"] }
both = { name = "둘 다", sip = ["sip:both@127.0.0.1:5070"], announce = false, ladder = ["refer", "bridge", "notice.busy"] }
kised = { name = "창업진흥원", sip = ["sip:kised@127.0.0.1:5070"], announce = false, context = "none" }
keit = { name = "평가원", sip = ["sip:keit@127.0.0.1:5070"], refer_success = "accepted", announce = false }

[notice]
closed = { prompt = "closed", then = "end" }
busy = { prompt = "busy", then = "menu.main" }
goodbye = { prompt = "goodbye", then = "end" }
info = { prompt = "info", then = "menu.main" }
"##;

pub fn plan() -> Plan {
    let ids = "greeting menu_main menu_fund menu_long again invalid center_busy closed busy goodbye info waiting_tone \
               message_consent message_ask message_tone message_saved message_empty key_0 key_1 key_2 key_3 key_4 key_5 center/counsel center/kosmes center/kised center/keit \
               name/counsel name/kosmes name/kised name/keit";
    let prompts: BTreeMap<String, Duration> =
        ids.split_whitespace().map(|id| (id.to_owned(), Duration::from_secs(1))).collect();
    let checked = routing::check(TABLE, &prompts);
    let errors: Vec<_> =
        checked.findings.iter().filter(|finding| finding.severity == routing::Severity::Error).collect();
    checked.plan.unwrap_or_else(|| panic!("the table of this test does not check: {errors:?}"))
}

/// Runs a flow at Tuesday 10:00 in Seoul.
pub fn check(flow: &str) {
    check_at("2026-11-24T10:00:00+09:00", flow);
}

pub fn check_at(wall: &str, flow: &str) -> Flow {
    Flow::new(plan(), wall).run(flow)
}

#[test]
fn a_caller_listens_chooses_and_is_handed_over() {
    check(
        "call        => play greeting
         wait 1s     => play menu_main
         wait 1s     => nothing
         key 1       => play menu_fund
         key 1       => play center/kosmes
         wait 1s     => loop waiting_tone, refer kosmes [call=0000000000001357;path=main,fund]
         answer 202  => nothing
         notify 100  => nothing
         notify 200  => bye, over transferred transferred",
    );
}

#[test]
fn a_key_during_the_greeting_cuts_it_and_counts_for_the_menu() {
    check(
        "call        => play greeting
         key 1       => play menu_fund
         key 1       => play center/kosmes",
    );
}

#[test]
fn a_greeting_before_the_answer_is_heard_whole_and_then_the_call_is_answered() {
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        "progress    => play greeting
         wait 1s     => 200
         wait 1s     => nothing
         answered    => nothing
         ack         => play menu_main
         key 1       => play menu_fund",
    );
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    assert_eq!(record["answered"], "2026-11-24T10:00:02.000+09:00", "it costs from the 200 on");
}

#[test]
fn a_key_before_the_answer_answers_and_counts_for_the_menu() {
    check(
        "progress    => play greeting
         wait 0.3s   => nothing
         key 1       => stop, 200
         key 1       => nothing
         answered    => nothing
         wait 0.5s   => play center/kosmes",
    );
}

#[test]
fn a_greeting_that_nobody_hears_is_answered_after_a_minute() {
    let mut flow = Flow::new(plan(), "2026-11-24T20:00:00+09:00");
    flow.act("progress");
    flow.playing = None;
    flow.happened.clear();
    flow.act("wait 60s");
    assert_eq!(flow.happened, ["stop", "200"]);
    flow.happened.clear();
    flow.act("answered");
    flow.act("ack");
    assert_eq!(flow.happened, ["play closed"], "the hours hold as always");
}

#[test]
fn before_the_answer_a_call_is_cancelled_or_refused_and_never_answered() {
    for (end, told) in [("cancel", "over cancelled cancelled"), ("stop", "over refused shutdown")] {
        let flow = check_at("2026-11-24T10:00:00+09:00", &format!("progress => play greeting\n{end} => {told}"));
        let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
        assert!(record["answered"].is_null());
    }
}

#[test]
fn on_a_new_line_the_call_goes_on_where_it_was() {
    check(
        "call        => play greeting
         replaced    => nothing
         ack         => play greeting
         key 1       => play menu_fund
         key 1       => play center/kosmes
         wait 1s     => loop waiting_tone, refer kosmes [call=0000000000001357;path=main,fund]
         replaced    => nothing
         ack         => play menu_fund
         notify 486  => nothing
         key 0       => play center/counsel",
    );
    check_at(
        "2026-11-24T20:00:00+09:00",
        "call        => play greeting
         wait 1s     => play closed
         replaced    => nothing
         wait 0.5s   => play closed
         wait 1s     => bye, over announced announced",
    );
}

#[test]
fn keys_typed_before_we_speak_are_kept() {
    check(
        "answered    => nothing
         key 1 1     => nothing
         wait 0.5s   => play greeting
         wait 1s     => play center/kosmes",
    );
}

#[test]
fn with_a_lost_ack_the_greeting_starts_after_half_a_second() {
    check(
        "answered    => nothing
         wait 0.4s   => nothing
         wait 0.1s   => play greeting",
    );
}

#[test]
fn outside_the_hours_the_caller_hears_so_and_the_call_ends() {
    check_at(
        "2026-11-24T20:00:00+09:00",
        "call        => play greeting
         wait 1s     => play closed
         wait 1s     => bye, over announced announced",
    );
}

#[test]
fn silence_is_asked_again_and_then_leads_to_a_counsellor() {
    check(
        "call        => play greeting
         wait 2s     => play menu_main
         wait 5s     => play again menu_main
         wait 7s     => play center/counsel
         wait 1s     => loop waiting_tone, refer counsel [call=0000000000001357;path=main]",
    );
}

#[test]
fn wrong_keys_are_counted_apart_from_silence() {
    check(
        "call        => play greeting
         wait 7s     => play menu_main, play again menu_main
         key 9       => play invalid menu_main
         key 9       => play center/counsel",
    );
}

#[test]
fn back_repeat_and_counsellor_work_in_every_menu() {
    check(
        "call        => play greeting
         key *       => play menu_main
         key #       => play menu_main
         key 1       => play menu_fund
         key *       => play menu_fund
         key #       => play menu_main
         key 1       => play menu_fund
         key 0       => play center/counsel",
    );
}

#[test]
fn slow_reading_lasts_over_menus_failed_transfers_and_a_new_line_until_it_is_ended() {
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        "call        => play greeting
         key 7       => play slow/menu_main
         key 1       => play slow/menu_fund
         key 1       => play slow/center/kosmes
         wait 1s     => loop waiting_tone, refer kosmes [call=0000000000001357;pace=slow;path=main,fund]
         notify 486  => play slow/center_busy
         replaced    => nothing
         ack         => play slow/menu_fund
         key #       => play slow/menu_main
         key 6       => play slow/message_consent
         key 7       => play message_consent
         key 7       => play slow/message_consent
         key 1       => play slow/message_ask message_tone",
    );
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    assert_eq!(record["pace"], "slow");
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        "call        => play greeting
         key 7       => play slow/menu_main
         key 7       => play menu_main
         hangup      => over abandoned caller-hung-up",
    );
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    assert_eq!((record["pace"].as_str(), record["keys"].as_array().map(Vec::len)), (None, Some(2)));
}

#[test]
fn a_longer_choice_waits_for_its_second_digit_and_no_longer() {
    check(
        "call        => play greeting
         key 4       => play menu_long
         wait 1s     => nothing
         key 1       => nothing
         key 2       => play center/kosmes",
    );
    check(
        "call        => play greeting
         key 4       => play menu_long
         wait 1s     => nothing
         key 1       => nothing
         wait 1.9s   => nothing
         wait 0.1s   => loop waiting_tone, refer kised",
    );
}

#[test]
fn a_menu_that_no_key_may_cut_keeps_the_keys_for_its_end() {
    check(
        "call        => play greeting
         key 4       => play menu_long
         key 1 2     => nothing
         wait 1s     => play center/kosmes",
    );
}

#[test]
fn an_announcement_leads_on_to_its_menu() {
    check(
        "call        => play greeting
         key 5       => play info
         wait 1s     => play menu_main
         key 1       => play menu_fund",
    );
}

#[test]
fn on_hold_a_menu_keeps_still_and_is_said_again_afterwards() {
    check(
        "call        => play greeting
         wait 2s     => play menu_main
         hold        => nothing
         wait 100s   => nothing
         resume      => play menu_main
         wait 6s     => play again menu_main",
    );
}

#[test]
fn a_call_ends_at_its_longest_with_a_goodbye() {
    check(
        "call        => play greeting
         wait 2s     => play menu_main
         hold        => nothing
         wait 3597s  => nothing
         resume      => play menu_main
         wait 1s     => play goodbye
         wait 1s     => bye, over announced announced",
    );
    check(
        "call        => play greeting
         wait 2s     => play menu_main
         hold        => nothing
         wait 3598s  => bye, over failed call-max",
    );
}

#[test]
fn a_stop_says_bye_and_leaves_one_record() {
    check(
        "call        => play greeting
         stop        => bye, over failed shutdown
         hangup      => nothing
         stop        => nothing",
    );
}

#[test]
fn a_stop_before_the_answer_refuses_and_one_just_after_a_hangup_changes_nothing() {
    check("stop => over refused shutdown");
    check(
        "call        => play greeting
         key 2       => loop waiting_tone, refer kised
         hangup      => nothing
         stop        => over abandoned caller-hung-up",
    );
}

#[test]
fn a_record_tells_path_keys_attempts_and_masks_the_caller() {
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        "call        => play greeting
         key 1 1     => play menu_fund, play center/kosmes
         wait 1s     => loop waiting_tone, refer kosmes [call=0000000000001357;path=main,fund]
         notify 503  => play center_busy
         wait 1s     => loop waiting_tone, refer kosmes2 [call=0000000000001357;path=main,fund]
         notify 200  => bye, over transferred transferred",
    );
    let line = flow.session.record().line();
    assert!(!line.contains("01012345678"), "{line}");
    let record: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(record["schema"], 1);
    assert_eq!(record["began"], "2026-11-24T10:00:00.000+09:00");
    assert_eq!(record["ended"], "2026-11-24T10:00:02.000+09:00");
    assert_eq!(record["caller"], "010****5678");
    assert_eq!(record["caller_hash"].as_str().map(str::len), Some(16));
    assert_eq!(record["table"], flow.plan.version);
    assert_eq!(record["path"], serde_json::json!(["number.1357", "menu.main", "menu.fund", "center.kosmes"]));
    assert_eq!(record["keys"][1], serde_json::json!({ "menu": "menu.fund", "keys": "1", "at_ms": 0 }));
    assert_eq!(record["attempts"][0]["result"], "failed");
    assert_eq!(record["attempts"][0]["status"], 503);
    assert_eq!(record["attempts"][1]["result"], "reached");
    assert_eq!(record["attempts"][1]["at_ms"], 2000);
}

/// Where a call with this key and caller enters a table with these conditions: the first row behind the number's.
fn enters(when: &str, caller: &str, key: u64, on: &[&str]) -> String {
    let text = format!(
        r#"
schema = 1
[number.1357]
match = ["1357"]
go = "notice.usual"
when = [{{ {when}, go = "notice.other" }}]
[switch]
emergency = "for tests"
[notice]
usual = {{ prompt = "a", then = "end" }}
other = {{ prompt = "b", then = "end" }}
"#
    );
    let plan = Arc::new(routing::check_without_sound(&text).plan.expect("the table is right"));
    let caller = Caller::new(caller);
    let mut switches = Switches::default();
    on.iter().for_each(|name| switches.turn_on(name, None));
    let now = Now { instant: Instant::START, wall: Wall::from_micros(1_795_500_000_000_000) };
    let origin = Origin {
        call: CallKey(key),
        call_id: "a@b",
        caller: &caller,
        dialled: "1357",
        table: &plan.version,
        zone: &plan.timezone,
        hash_key: &[7; 32],
    };
    let record = Record::new(now, &origin);
    let mut session =
        Session::new(now, CallKey(key), plan.clone(), 0, record).situated(caller.clone(), Arc::new(switches));
    let mut effects = Vec::new();
    session.handle(now, Event::Answered, &mut effects);
    session.handle(now, Event::Connected, &mut effects);
    let entered = effects.iter().find_map(|effect| match effect {
        Effect::Entered(row) => Some(row.to_string()),
        _ => None,
    });
    entered.expect("a row is entered")
}

#[test]
fn conditions_ask_the_caller_the_switches_and_chance() {
    for (when, caller, on, other) in [
        ("switch = \"emergency\"", "01012345678", ["emergency"].as_slice(), true),
        ("switch = \"emergency\"", "01012345678", &[], false),
        ("caller_kind = \"relay\"", "107", &[], true),
        ("caller_kind = \"relay\"", "01012345678", &[], false),
        ("caller = [\"02-2104*\", \"+82-10-1234-5678\"]", "+821012345678", &[], true),
        ("caller = [\"02-2104*\"]", "0221045012", &[], true),
        ("caller = [\"02-2104*\"]", "0221055012", &[], false),
        ("caller = [\"02-2104*\"]", "0082221045012", &[], true),
        ("caller = [\"+82-2-2104*\"]", "0221045012", &[], true),
        ("caller = [\"1588-08xx\"]", "+8215880800", &[], true),
        ("caller = [\"+1*\"]", "+12025550123", &[], true),
        ("caller = [\"+1*\"]", "01012345678", &[], false),
        ("caller_kind = \"withheld\"", "", &[], true),
    ] {
        let row = enters(when, caller, 1, on);
        assert_eq!(row, if other { "notice.other" } else { "notice.usual" }, "{when} for {caller}");
    }
}

#[test]
fn a_share_of_the_calls_goes_another_way_and_a_call_always_the_same() {
    let others = |percent: u8| {
        let when = format!("share = {percent}");
        // Keys as they come: milliseconds above, chance below.
        let keys = (0..500u64).map(|n| (n << 24) | (n * 7919 % (1 << 24)));
        keys.filter(|key| enters(&when, "", *key, &[]) == "notice.other").count()
    };
    assert!((110..=190).contains(&others(30)), "{}", others(30));
    assert!(others(1) < 25 && others(99) > 475);
    assert_eq!(enters("share = 50", "", 77, &[]), enters("share = 50", "", 77, &[]));
}
