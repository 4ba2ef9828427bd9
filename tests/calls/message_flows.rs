//! Messages that callers leave, told as flows on the table of `call_flows`.

use crate::call_flows::{check, check_at, plan};
use crate::flow::Flow;
use ivr1357::time::{Duration, Instant};
use serde_json::json;

/// Up to the tone.
const TO_THE_TONE: &str = "call       => play greeting
    key 6      => play message_consent
    key 1      => play message_ask message_tone
    wait 1s    => nothing
    wait 1s    => record messages/2026-11-24/0000000000001357-1 60 5
    wait 9s    => nothing\n";

#[test]
fn a_message_is_kept_and_the_call_goes_on() {
    let flow = check_at(
        "2026-11-24T10:00:00+09:00",
        &format!(
            "{TO_THE_TONE}recorded 4 => play message_saved
             wait 1s    => play busy
             hangup     => over message caller-hung-up"
        ),
    );
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    let message = &record["messages"][0];
    assert_eq!(
        (&message["message"], &message["file"]),
        (&"message.word".into(), &"messages/2026-11-24/0000000000001357-1".into())
    );
    assert_eq!(
        (&message["at_ms"], &message["length_ms"], &message["spoken_ms"], &message["result"]),
        (&2000.into(), &9000.into(), &4000.into(), &"kept".into())
    );
    // The question is a row of the path, once.
    assert_eq!(record["path"], serde_json::json!(["number.1357", "menu.main", "message.word", "notice.busy"]));
}

#[test]
fn a_caller_who_hangs_up_in_a_message_has_left_it() {
    check(&format!(
        "{TO_THE_TONE}hangup     => nothing
         wait 1s    => nothing
         recorded 9 => over message caller-hung-up"
    ));
    // Without a word it is none, and nothing of it stays.
    check(&format!(
        "{TO_THE_TONE}hangup     => nothing
         recorded 0 => discard messages/2026-11-24/0000000000001357-1, over abandoned caller-hung-up"
    ));
    // Whoever writes it never tells its end.
    check(&format!(
        "{TO_THE_TONE}hangup     => nothing
         wait 2s    => over abandoned caller-hung-up
         recorded 9 => nothing"
    ));
}

/// What the record says of its messages: the result, the length, the reason.
fn messages(flow: &Flow) -> serde_json::Value {
    let record = flow.record();
    let messages = record["messages"].as_array().into_iter().flatten();
    messages.map(|message| json!(["result", "length_ms", "why"].map(|field| message[field].clone()))).collect()
}

#[test]
fn a_slow_disk_keeps_nobody_waiting_longer_than_its_patience_and_what_it_says_later_is_on_record() {
    let at = "2026-11-24T10:00:00+09:00";
    let slow = format!(
        "{TO_THE_TONE}recording-over => nothing
         key *      => nothing
         wait 1.9s  => nothing
         wait 0.1s  => end recording, play center/counsel"
    );
    let flow = check_at(at, &slow);
    assert_eq!(messages(&flow), json!([["unknown", null, null]]));
    assert!(!flow.session.record().awaits_recordings(), "nor is its record waited with");
    let kept = check_at(at, &format!("{slow}\nrecorded 4 => nothing\nhangup => over message caller-hung-up"));
    assert_eq!(messages(&kept), json!([["kept", 9000, null]]));
    let lost = check_at(at, &format!("{slow}\nspoiled 4 => nothing\nhangup => over abandoned caller-hung-up"));
    assert_eq!(messages(&lost), json!([["failed", 9000, "disk"]]));
    let unsaid = check_at(at, &format!("{slow}\nrecorded 0 => discard messages/2026-11-24/0000000000001357-1"));
    assert_eq!(messages(&unsaid), json!([]));
    // A caller who has gone meanwhile.
    let gone = check_at(at, &format!("{TO_THE_TONE}hangup => nothing\nwait 2s => over abandoned caller-hung-up"));
    assert_eq!(messages(&gone), json!([["unknown", null, null]]));
}

#[test]
fn a_message_in_which_the_call_is_cut_short_is_on_record_and_waited_for() {
    let flow = check_at("2026-11-24T10:00:00+09:00", &format!("{TO_THE_TONE}stop => bye, over failed shutdown"));
    assert_eq!(messages(&flow), json!([["unknown", null, null]]));
    assert!(flow.session.record().awaits_recordings());
    let mut record = flow.session.into_record();
    let recorded = |spoken| ivr1357::call::Recorded {
        key: ivr1357::media::RecordingKey { call: 0x1357, number: 1 },
        length: Duration::from_secs(9),
        spoken,
        hushed: Duration::ZERO,
        loss: None,
    };
    let mut unsaid = record.clone();
    assert_eq!(record.recorded(recorded(Duration::from_secs(4))), None);
    assert_eq!((record.messages().len(), record.awaits_recordings()), (1, false));
    assert_eq!(unsaid.recorded(recorded(Duration::ZERO)).as_deref(), Some("messages/2026-11-24/0000000000001357-1"));
    assert_eq!((unsaid.messages().len(), unsaid.awaits_recordings()), (0, false));
}

#[test]
fn hash_ends_a_message_star_begins_it_again_and_zero_is_a_person() {
    check(&format!(
        "{TO_THE_TONE}key 5      => nothing
         key #      => end recording
         key 0      => nothing
         recorded 9 => play message_saved"
    ));
    check(&format!(
        "{TO_THE_TONE}key *      => discard messages/2026-11-24/0000000000001357-1, play message_ask message_tone
         recorded 9 => nothing
         wait 1s    => nothing
         key 7      => play message_tone
         wait 1s    => record messages/2026-11-24/0000000000001357-2 60 5
         recorded 9 1 => nothing
         recorded 9 => play message_saved"
    ));
    check(&format!("{TO_THE_TONE}key 0      => discard messages/2026-11-24/0000000000001357-1, play center/counsel"));
}

#[test]
fn a_message_that_cannot_be_kept_leads_to_a_person_and_silence_is_asked_again_once() {
    check(&format!("{TO_THE_TONE}spoiled 9  => play center/counsel"));
    check(&format!(
        "{TO_THE_TONE}wait 52s   => nothing
         wait 1s    => end recording, play center/counsel"
    ));
    check(&format!(
        "{TO_THE_TONE}recorded 0 => discard messages/2026-11-24/0000000000001357-1, play message_empty message_ask message_tone
         wait 3s    => record messages/2026-11-24/0000000000001357-2 60 5
         recorded 0 => discard messages/2026-11-24/0000000000001357-2, play center/counsel"
    ));
}

#[test]
fn star_asks_for_consent_again_and_hash_goes_back_to_the_menu_before() {
    check(
        "call       => play greeting
         key 6      => play message_consent
         key *      => play message_consent
         key #      => play menu_main
         key 6      => play message_consent
         key 2      => play center/counsel",
    );
}

#[test]
fn the_longest_call_ends_a_message_too() {
    let mut flow = Flow::new(plan(), "2026-11-24T10:00:00+09:00");
    // A caller who goes round for almost an hour.
    flow.act("call");
    while flow.now.instant < Instant::START + Duration::from_secs(3560) {
        flow.act("key *");
        flow.act("wait 1s");
    }
    for act in ["key 6", "key 1", "wait 2s"] {
        flow.act(act);
    }
    flow.happened.clear();
    let limit = flow.now.instant + Duration::from_secs(60);
    while flow.happened.is_empty() && flow.now.instant < limit {
        flow.act("wait 0.1s");
    }
    assert_eq!(flow.happened.first().map(String::as_str), Some("end recording"), "{:?}", flow.happened);
    assert!(flow.happened.contains(&"play goodbye".to_owned()));
    flow.happened.clear();
    flow.act("recorded 9");
    flow.act("wait 9s");
    let record: serde_json::Value = serde_json::from_str(&flow.session.record().line()).expect("JSON");
    assert_eq!((&record["outcome"], record["messages"].as_array().map(Vec::len)), (&"message".into(), Some(1)));
}
