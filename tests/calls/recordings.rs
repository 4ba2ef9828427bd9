//! Calls that are recorded: what the checker wants said, when a recording begins, is silent and ends, and what the record tells.

use crate::flow::Flow;
use ivr1357::proof::diff::{Change, compare};
use ivr1357::routing::heard::Prompt;
use ivr1357::routing::{Heard, Plan, Severity, check_heard, check_without_sound};
use serde_json::json;
use std::sync::Arc;

/// The whole call is recorded, and a business number is asked for.
const TABLE: &str = r##"
schema = 1
[number.1357]
match = ["1357"]
greeting = "greeting"
record = true
go = "menu.main"
[defaults.menu]
no_input = { retries = 1, then = "center.counsel" }
no_match = { retries = 1, then = "center.counsel" }
keys = { "0" = "center.counsel", "#" = "back", "*" = "repeat" }
[menu.main]
prompt = "menu_main"
1 = "input.business"
2 = "menu.consent"
3 = "message.word"
4 = "menu.step"
9 = { record = false, go = "menu.main" }
[menu.consent]
prompt = "ask_consent"
1 = { record = true, go = "menu.main" }
2 = { record = false, go = "menu.main" }
[menu.step]
prompt = "step_is_recorded"
record = true
1 = "menu.main"
[input.business]
prompt = "ask_business"
kind = "business-number"
no_input = { then = "center.counsel" }
no_match = { then = "center.counsel" }
then = "center.counsel"
[message.word]
then = "menu.main"
otherwise = "menu.main"
[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"], announce = false, ladder = ["refer", "notice.busy"], give_up = "notice.goodbye" }
[notice]
busy = { prompt = "busy", then = "menu.main" }
goodbye = { prompt = "goodbye", then = "end" }
"##;

const FILE: &str = "calls/2026-11-24/0000000000001357";

fn plan(text: &str) -> Plan {
    let checked = check_without_sound(text);
    checked.plan.unwrap_or_else(|| panic!("the table does not check: {:#?}", checked.findings))
}

/// The table without the recording of every call.
fn unrecorded() -> String {
    TABLE.replacen("record = true\ngo", "go", 1)
}

fn run(text: &str, flow: &str) -> Flow {
    Flow::new(plan(text), "2026-11-24T10:00:00+09:00").run(flow)
}

#[test]
fn a_call_is_recorded_from_the_end_of_the_notice_until_it_is_handed_over() {
    let flow = run(
        TABLE,
        &format!(
            "call       => play greeting
             key 0      => nothing
             wait 1s    => loop waiting_tone, refer counsel [call=0000000000001357;path=main], tape {FILE}-1
             answer 202 => nothing
             notify 486 => play busy
             wait 1s    => play menu_main
             key 0      => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
             answer 202 => nothing
             wait 2s    => nothing
             notify 200 => bye, over transferred transferred
             recorded 6 => nothing"
        ),
    );
    // The key of a caller who does not let the notice end counts behind it. That the stream is closed ends the file.
    let recordings = &flow.record()["recordings"];
    assert_eq!(recordings.as_array().map(Vec::len), Some(1), "{recordings}");
    assert_eq!((&recordings[0]["row"], &recordings[0]["file"]), (&json!("number.1357"), &json!(format!("{FILE}-1"))));
    assert_eq!(recordings[0]["at_ms"], 1000);
}

#[test]
fn a_talk_with_a_centre_that_we_bridge_is_not_recorded() {
    let flow = run(
        &TABLE.replacen("\"refer\"", "\"bridge\"", 1),
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             key 0      => loop waiting_tone, invite counsel [call=0000000000001357;path=main]
             picks-up   => bridge, end recording
             recorded 6 => nothing
             wait 60s   => nothing
             hangup     => over transferred caller-hung-up"
        ),
    );
    let recordings = &flow.record()["recordings"];
    assert_eq!(recordings.as_array().map(Vec::len), Some(1), "{recordings}");
}

#[test]
fn a_recording_is_silent_while_an_entry_is_made_and_the_record_says_for_how_long() {
    let flow = run(
        TABLE,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             key 1      => play ask_business, hush
             key 2 2 0 8 1 6 2 5 1 7 => stop, loop waiting_tone, refer counsel [call=0000000000001357;path=main], unhush
             recorded 6 => nothing
             hangup     => nothing"
        ),
    );
    let record = flow.record();
    assert_eq!(
        record["recordings"][0],
        json!({
            "row": "number.1357", "file": format!("{FILE}-1"), "at_ms": 1000, "length_ms": 11_000, "paused_ms": 1000,
            "result": "kept",
        })
    );
    // An entry that is nobody's secret is recorded, if the table says so.
    let open = TABLE.replacen("kind = \"business", "sensitive = false\nkind = \"business", 1);
    run(
        &open,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             key 1      => play ask_business"
        ),
    );
}

#[test]
fn keys_typed_ahead_may_be_an_entry_and_their_tones_are_not_kept() {
    run(
        TABLE,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             key 0      => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
             answer 486 => play busy
             key 1      => hush, unhush"
        ),
    );
}

#[test]
fn a_caller_who_agrees_is_recorded_and_one_who_does_not_goes_on_without() {
    let table = unrecorded();
    run(
        &table,
        &format!(
            "call      => play greeting
             wait 1s   => play menu_main
             key 2     => play ask_consent
             key 1     => play menu_main, tape {FILE}-1
             key 2     => play ask_consent"
        ),
    );
    let flow = run(
        &table,
        "call      => play greeting
         key 2     => play ask_consent
         key 2     => play menu_main
         key 0     => loop waiting_tone, refer counsel [call=0000000000001357;path=main]",
    );
    assert_eq!(flow.record().get("recordings"), None);
    // Silence agrees to nothing, and keys pressed before the question are no answer to it.
    run(
        &table,
        "call      => play greeting
         key 2     => play ask_consent
         wait 13s  => play again ask_consent, loop waiting_tone, refer counsel [call=0000000000001357;path=main,consent]",
    );
    // Where every call is recorded, who does not want it is heard, and what there is is removed.
    let flow = run(
        TABLE,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             key 9      => discard {FILE}-1, play menu_main
             recorded 4 => nothing
             key 4      => play step_is_recorded
             wait 1s    => nothing
             hangup     => over abandoned caller-hung-up"
        ),
    );
    let record = flow.record();
    assert_eq!(
        (&record["recordings"][0]["result"], record["recordings"].as_array().map(Vec::len)),
        (&json!("refused"), Some(1))
    );
}

#[test]
fn a_step_is_recorded_from_the_end_of_its_words_until_the_caller_leaves_it() {
    let flow = run(
        &unrecorded(),
        &format!(
            "call       => play greeting
             key 4      => play step_is_recorded
             key 1      => nothing
             wait 1s    => play menu_main
             wait 1s    => nothing
             key 4      => play step_is_recorded
             wait 1s    => tape {FILE}-1
             wait 2s    => nothing
             key 1      => play menu_main, end recording
             recorded 2 => nothing
             key 4      => play step_is_recorded
             wait 1s    => tape {FILE}-2
             spoiled 0  => nothing
             key 5      => play invalid step_is_recorded
             hangup     => over abandoned caller-hung-up"
        ),
    );
    let record = flow.record();
    let results: Vec<_> =
        (0..2).map(|at| (&record["recordings"][at]["row"], &record["recordings"][at]["result"])).collect();
    assert_eq!(results, [(&json!("menu.step"), &json!("kept")), (&json!("menu.step"), &json!("failed"))]);
}

#[test]
fn a_step_is_not_recorded_before_its_words_were_heard_whoever_is_on_hold() {
    run(
        &unrecorded(),
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main
             wait 1s    => nothing
             key 4      => play step_is_recorded
             hold       => stop
             wait 2s    => nothing
             key 5      => nothing
             resume     => play step_is_recorded
             wait 1s    => play invalid step_is_recorded
             wait 2s    => tape {FILE}-1"
        ),
    );
}

#[test]
fn what_cannot_be_kept_is_told_by_the_record_and_the_call_goes_on() {
    let flow = run(
        TABLE,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             spoiled 0  => nothing
             key 1      => play ask_business
             key #      => play menu_main
             key 0      => loop waiting_tone, refer counsel [call=0000000000001357;path=main]
             answer 202 => nothing
             notify 200 => bye, over transferred transferred"
        ),
    );
    let recording = &flow.record()["recordings"][0];
    assert_eq!((&recording["result"], &recording["why"]), (&json!("failed"), &json!("disk")));
}

#[test]
fn a_message_is_recorded_beside_the_call() {
    run(
        TABLE,
        &format!(
            "call         => play greeting
             wait 1s      => play menu_main, tape {FILE}-1
             key 3        => play message_consent
             key 1        => play message_ask message_tone
             wait 2s      => record messages/2026-11-24/0000000000001357-2 120 5
             recorded 4 2 => play message_saved
             recorded 9 1 => nothing
             wait 1s      => play menu_main"
        ),
    );
}

#[test]
fn who_takes_a_call_over_has_agreed_to_nothing() {
    run(
        &unrecorded(),
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main
             wait 1s    => nothing
             key 2      => play ask_consent
             wait 1s    => nothing
             key 1      => play menu_main, tape {FILE}-1
             wait 1s    => nothing
             replaced   => nothing
             ack        => play menu_main
             wait 1s    => nothing
             key 2      => play ask_consent
             wait 1s    => nothing
             key 1      => play menu_main, tape {FILE}-2"
        ),
    );
}

#[test]
fn a_call_that_is_taken_over_is_recorded_into_a_second_file_once_the_notice_was_heard_again() {
    let flow = run(
        TABLE,
        &format!(
            "call       => play greeting
             wait 1s    => play menu_main, tape {FILE}-1
             wait 2s    => nothing
             replaced   => nothing
             ack        => play greeting
             wait 1s    => play menu_main, tape {FILE}-2"
        ),
    );
    let told = |flow: &Flow| {
        let first = &flow.record()["recordings"][0];
        (first["length_ms"].clone(), first["result"].clone(), flow.session.record().awaits_recordings())
    };
    // What became of the first is not known before whoever writes it tells, and that is after its line is gone.
    assert_eq!(told(&flow), (json!(null), json!("unknown"), true));
    assert_eq!(told(&flow.run("spoiled 2 1 => nothing")), (json!(7000), json!("failed"), true));
}

/// Prompts with these words, and all others with some of their own.
fn heard(plan: &Plan, words: &[(&str, &str)]) -> Heard {
    let mut all = Heard::default();
    for id in plan.prompts() {
        let said = words.iter().find(|(said, _)| **said == *id).map_or("안내입니다", |(_, text)| text);
        let length = Some(std::time::Duration::from_secs(1));
        all.0.insert(id.to_string(), Prompt { length, text: Some(said.to_owned()), ..Prompt::default() });
    }
    all
}

#[test]
fn nobody_is_recorded_who_was_not_told_and_nobody_is_asked_who_cannot_refuse() {
    let told = [
        ("greeting", "안녕하십니까. 통화는 녹음됩니다."),
        ("ask_consent", "녹음에 동의하십니까?"),
        ("step_is_recorded", "This step is Recorded."),
        ("message_consent", "말씀은 녹음됩니다."),
    ];
    let rows = |table: &str, words: &[(&str, &str)]| -> Vec<String> {
        let all = heard(&plan(table), words);
        let errors = check_heard(table, &all).findings.into_iter().filter(|found| found.severity == Severity::Error);
        errors.map(|found| format!("{} {}", found.code, found.message[1].split(':').next().unwrap_or(""))).collect()
    };
    assert_eq!(rows(TABLE, &told), [""; 0]);
    for (at, row) in [(0, "number.1357"), (1, "menu.consent"), (2, "menu.step")] {
        let mut words = told;
        words[at].1 = "안내입니다";
        assert_eq!(rows(TABLE, &words), [format!("K1005 {row}")]);
    }
    // What is left out when the number is withheld tells nobody, and no choice does, and no denial.
    for text in ["안내입니다. {caller|digits}번과의 통화는 녹음됩니다.", "통화는 녹음하지 않습니다."]
    {
        let mut words = told;
        words[0].1 = text;
        assert!(rows(TABLE, &words).contains(&"K1005 number.1357".to_owned()), "{text}: {:?}", rows(TABLE, &words));
    }
    let choice =
        TABLE.replacen("record = true\n1 =", "record = true\n1 = { say = \"녹음 신청\", go = \"menu.main\" }\n2 =", 1);
    let mut words = told;
    words[2].1 = "안내입니다";
    assert_eq!(rows(&choice, &words), ["K1005 menu.step"]);
    assert_eq!(rows(&TABLE.replacen("greeting = \"greeting\"\n", "", 1), &told), ["K1005 number.1357"]);
    // Of prompts without words nothing is claimed.
    let mut all = heard(&plan(TABLE), &told);
    all.0.values_mut().for_each(|prompt| prompt.text = None);
    assert!(check_heard(TABLE, &all).plan.is_some());
    let only_yes = TABLE.replacen("2 = { record = false, go = \"menu.main\" }\n", "", 1);
    let found = check_without_sound(&only_yes).findings;
    assert!(found.iter().any(|found| found.code == "E0604"), "{found:?}");
}

#[test]
fn a_table_that_records_where_the_other_does_not_is_a_difference() {
    let [old, new] = [unrecorded(), TABLE.to_owned()].map(|text| Arc::new(plan(&text)));
    let found = compare(&old, &new);
    assert!(found.iter().any(|found| found.change == Change::Recording && found.new.recorded), "{found:#?}");
    assert_eq!(compare(&new, &new), []);
}

#[test]
fn whoever_tries_a_table_sees_where_its_calls_are_recorded() {
    let (told, _) =
        crate::tables::play(&Arc::new(plan(TABLE)), "call 1357\nwait 4s\nkey 1\nkey 2208162517\nwait 2s\nhangup");
    let tapes: Vec<&str> = told.iter().filter_map(|moment| moment.strip_prefix("tape ")).collect();
    assert_eq!(tapes, ["begins", "pauses", "goes on"], "{told:?}");
}
