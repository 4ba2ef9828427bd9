//! Callers who leave a message: what the checker wants said and done, what every way through it leads to, and what is kept.

use crate::tables::{catalogue, plan, play, walk};
use ivr1357::chart::markup;
use ivr1357::cli::test::run as run_tests;
use ivr1357::proof;
use ivr1357::proof::caller::Finish;
use ivr1357::proof::diff::{Change, compare};
use ivr1357::proof::replay::{Replayed, call};
use ivr1357::routing::resolved::resolve;
use ivr1357::routing::{Heard, Language, check_heard, check_without_sound, heard};
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table, and who calls after hours may leave a message.
fn table() -> String {
    let closed = "{ outside = \"hours.main\", go = \"notice.closed\" }";
    assert!(SHIPPED.contains(closed), "callers after hours are sent to notice.closed");
    let open = "{ outside = \"hours.main\", go = \"message.closed\" }";
    // On holidays nobody is asked for a message.
    let rows = SHIPPED
        .replacen(closed, open, 1)
        .replacen("holiday = { prompt = \"closed_holiday\", then = \"end\" }", "", 1)
        .replace("\"notice.holiday\"", "\"notice.closed\"");
    let message = "[message.closed]\nsilence = \"4s\"\nthen = \"end\"\notherwise = \"notice.closed\"\n\n[limits]\n";
    rows.replacen("[limits]\n", message, 1)
}

/// A test row of the table: after hours, with these presses.
fn row(press: &str, expect: &str) -> String {
    // The greeting and the question have a second each.
    format!("\n[[test]]\nname = \"message\"\nat = \"2026-11-24T22:00\"\npress = [\"1s\", {press}]\n{expect}\n")
}

#[test]
fn every_way_to_end_a_message_leads_where_the_table_says() {
    for (press, expect) in [
        // Said, and silent: kept.
        (
            "\"1\", \"say 10s\"",
            "hears = [\"message_consent\", \"message_tone\", \"message_saved\"]\nend = \"message.closed\"",
        ),
        ("\"1\", \"say 10s\", \"#\"", "hears = [\"message_saved\"]\nend = \"message.closed\""),
        // Begun again: what was said before the star is not what is kept.
        (
            "\"1\", \"say 3s\", \"*\", \"say 3s\", \"#\"",
            "hears = [\"message_tone\", \"message_tone\", \"message_saved\"]\nend = \"message.closed\"",
        ),
        // Most just hang up.
        ("\"1\", \"say 10s\", \"hangup\"", "end = \"message.closed\""),
        // Who presses a key has heard what to do, and goes to the tone.
        (
            "\"1\", \"5\", \"say 3s\"",
            "hears = [\"message_ask\", \"message_tone\", \"message_saved\"]\nend = \"message.closed\"",
        ),
        // Nobody is recorded who does not agree.
        ("\"2\"", "hears = [\"message_consent\", \"closed\"]\nend = \"notice.closed\""),
        ("\"hangup\"", "end = \"hangup\""),
        // Nothing said is asked for once more, and is no message.
        ("\"1\", \"30s\"", "hears = [\"message_ask\", \"message_empty\", \"closed\"]\nend = \"notice.closed\""),
        // 0 is a person, before the tone and behind it; who is closed says so.
        ("\"1\", \"0\"", "expect = [\"message.closed\", \"center.counsel\"]"),
        ("\"1\", \"say 3s\", \"0\"", "expect = [\"message.closed\", \"center.counsel\"]"),
        // Longer than a message may be.
        ("\"1\", \"say 300s\"", "end = \"message.closed\""),
    ] {
        let text = format!("{}{}", table(), row(press, expect));
        let plan = plan(&text);
        let ran = run_tests(&plan, &catalogue(&plan));
        let last = ran.last().expect("a test");
        assert_eq!(last.surprises, [], "{press}: {}\n{:#?}", last.script, last.moments);
    }
}

#[test]
fn a_key_pressed_before_the_question_is_no_answer_to_it() {
    let early = "\n[[test]]\nname = \"early\"\nat = \"2026-11-24T22:00\"\npress = [\"1\"]\n\
                 hears = [\"message_consent\", \"closed\"]\nend = \"notice.closed\"\n";
    let plan = plan(&format!(
        "{}{early}",
        table().replacen("silence =", "no_input = { retries = 0, then = \"notice.closed\" }\nsilence =", 1)
    ));
    let ran = run_tests(&plan, &catalogue(&plan));
    let last = ran.last().expect("a test");
    assert_eq!(last.surprises, [], "{:#?}", last.moments);
}

/// What happens, in the words of a flow, and the record.
fn flow(text: &str) -> (Vec<String>, serde_json::Value) {
    play(&plan(&table()), text)
}

#[test]
fn the_whole_engine_takes_a_message_and_keeps_none_that_cannot_be_kept() {
    let night = "at 2026-11-24T22:00; call 1357; wait 1s; key 1";
    let (told, record) = flow(&format!("{night}; say 8s; end"));
    assert!(told.contains(&"record".to_owned()) && told.contains(&"play message_saved".to_owned()), "{told:?}");
    let message = &record["messages"][0];
    assert_eq!((&record["outcome"], &message["message"]), (&"message".into(), &"message.closed".into()), "{record}");
    assert!(message["spoken_ms"].as_u64().is_some_and(|spoken| (7_500..=8_500).contains(&spoken)), "{record}");
    // Hung up in the middle: what was said is kept.
    let (_, record) = flow(&format!("{night}; say 8s; hangup"));
    assert_eq!(
        (&record["outcome"], record["messages"].as_array().map(Vec::len)),
        (&"message".into(), Some(1)),
        "{record}"
    );
    let (told, record) = flow(&format!("{night}; disk full; say 8s; end"));
    assert!(told.contains(&"enter notice.closed".to_owned()), "{told:?} {record}");
    let message = &record["messages"][0];
    assert_eq!(
        (&record["outcome"], &message["result"], &message["why"]),
        (&"announced".into(), &"failed".into(), &"disk".into()),
        "{record}"
    );
    let (told, record) = flow(&format!("{night}; wait 60s; end"));
    assert!(told.contains(&"play message_empty+message_ask+message_tone".to_owned()), "{told:?}");
    assert_eq!((&record["outcome"], record.get("messages")), (&"announced".into(), None), "{record}");
}

#[test]
fn recorded_messages_are_left_again_when_calls_are_replayed() {
    let old = plan(&table());
    let elsewhere = plan(&table().replacen("then = \"end\"\notherwise", "then = \"menu.main\"\notherwise", 1));
    for (script, changed) in [
        ("say 8s; end", 1),
        ("say 8s; hangup", 0),
        ("hangup", 0),
        ("disk full; say 8s; end", 0),
        ("disk full; hangup", 0),
    ] {
        let (_, record) = flow(&format!("at 2026-11-24T22:00; call 1357; wait 1s; key 1; wait 3s; {script}"));
        let mut replayed = Replayed::default();
        call([&old, &old], &record.to_string(), &mut replayed);
        assert_eq!((replayed.unlike, replayed.otherwise.len()), (0, 0), "{script}: {replayed:?} {record}");
        call([&old, &elsewhere], &record.to_string(), &mut replayed);
        assert!(replayed.otherwise.len() >= changed, "{script}: {replayed:?} {record}");
    }
}

#[test]
fn every_way_through_a_message_keeps_the_promises() {
    let plan = plan(&table());
    let (graph, told) = walk(&plan);
    assert!(told.is_empty() && !graph.cut, "{told:#?}");
    let steps = |step| graph.edges.iter().filter(|edge| edge.step == step).count();
    for step in [proof::Step::Speaks, proof::Step::SaysNothing, proof::Step::Spoils] {
        assert!(steps(step) > 2, "{step:?} is tried");
    }
}

#[test]
fn a_message_that_goes_round_or_nowhere_is_found() {
    let found = |old: &str, new: &str| {
        let text = table();
        assert!(text.contains(old), "{old}");
        let checked = check_without_sound(&text.replacen(old, new, 1));
        checked.findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(found("otherwise = \"notice.closed\"\n", ""), ["E0204"]);
    assert_eq!(found("then = \"end\"\notherwise", "otherwise"), ["E0204"]);
    // Who says nothing is asked again, and agreed each time; who does not answer is led on.
    assert_eq!(found("otherwise = \"notice.closed\"\n", "otherwise = \"message.closed\"\n"), [""; 0]);
    let round = "otherwise = \"message.closed\"\nno_input = { then = \"message.closed\" }\n";
    assert_eq!(found("otherwise = \"notice.closed\"\n", round), ["E0206"]);
    // A call that is cut without a word.
    assert_eq!(found("otherwise = \"notice.closed\"\n", "otherwise = \"end\"\n"), ["E0202"]);
    assert_eq!(found("silence = \"4s\"", "silence = \"4m\""), ["E0103"]);
    assert_eq!(found("silence = \"4s\"", "longest = \"1h\""), ["E0103"]);
    assert_eq!(found("silence = \"4s\"", "retries = 10"), ["E0103"]);
    assert_eq!(found("silence = \"4s\"", "slience = \"4s\""), ["E0102"]);
    assert_eq!(found("go = \"message.closed\"", "go = \"notice.closed\""), ["E0203"]);
    assert_eq!(found("go = \"message.closed\"", "go = \"message.close\""), ["E0201"]);
}

#[test]
fn who_agrees_has_been_told_of_the_recording_and_of_keys_that_do_something() {
    let plan = plan(&table());
    let heard = |texts: &[(&str, &str)]| {
        let sound = |text: Option<&str>| heard::Prompt {
            length: Some(Duration::from_millis(500)),
            text: text.map(str::to_owned),
            ..heard::Prompt::default()
        };
        let mut prompts = Heard(plan.prompts().iter().map(|id| (id.to_string(), sound(None))).collect());
        prompts.0.extend(texts.iter().map(|(id, text)| ((*id).to_owned(), sound(Some(text)))));
        // That these texts are Korean alone is another matter.
        let findings = check_heard(&table(), &prompts).findings;
        findings.iter().map(|finding| finding.code).filter(|code| *code != "W0507").collect::<Vec<_>>()
    };
    assert_eq!(
        heard(&[("message_consent", "남기신 말씀은 녹음됩니다. 동의하시면 1번, 아니면 2번을 눌러 주십시오.")]),
        [""; 0]
    );
    assert_eq!(heard(&[("message_consent", "동의하시면 1번, 아니면 2번을 눌러 주십시오.")]), ["K1005"]);
    assert_eq!(heard(&[("message_consent", "녹음에 동의하시면 7번을 눌러 주십시오.")]), ["E0504"]);
    assert_eq!(heard(&[("message_ask", "끝나면 우물정자, 다시 하시려면 별표, 상담원은 0번입니다.")]), [""; 0]);
    assert_eq!(heard(&[("message_ask", "끝나면 1번을 눌러 주십시오.")]), ["E0504"]);
}

#[test]
fn two_tables_that_take_messages_otherwise_are_told_apart() {
    let old = plan(&table());
    assert_eq!(compare(&old, &old), []);
    for (from, to, change) in [
        ("otherwise = \"notice.closed\"", "otherwise = \"notice.emergency\"", Change::Elsewhere),
        ("silence = \"4s\"", "silence = \"4s\"\nsaved = \"message_empty\"", Change::Words),
        ("silence = \"4s\"", "silence = \"9s\"", Change::Waits),
        ("silence = \"4s\"", "silence = \"4s\"\nlongest = \"1m\"", Change::Waits),
        ("silence = \"4s\"", "silence = \"4s\"\nretries = 2", Change::Elsewhere),
    ] {
        let new = plan(&table().replacen(from, to, 1));
        let found = compare(&old, &new);
        assert!(found.iter().any(|found| found.change == change), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_chart_shows_the_message_and_show_tells_its_values() {
    let text = table();
    let plan = plan(&text);
    let mermaid = markup::mermaid(&plan);
    assert!(mermaid.contains("메시지 closed") && !mermaid.contains("녹음 closed"), "{mermaid}");
    let svg = ivr1357::chart::svg::draw(&plan, &|_| None).svg;
    assert!(svg.contains("동의하고 녹음") && svg.contains("동의하지 않음"), "{svg}");
    let shown = resolve(&text, "message.closed").expect("the row");
    let field = |name: &str| {
        shown.iter().find(|field| field.field == name).map(|field| (field.value.as_str(), field.line.is_some()))
    };
    assert_eq!(field("silence"), Some(("\"4s\"", true)));
    assert_eq!(field("longest"), Some(("\"2m\"", false)));
    assert_eq!(field("consent"), Some(("\"message_consent\"", false)));
    assert_eq!(field("otherwise"), Some(("\"notice.closed\"", true)));
    assert_eq!(field("0").map(|(_, written)| written), Some(true));
    let finish = Finish::Message(ivr1357::routing::plan::MessageId(0));
    assert_eq!(finish.words(&plan, Language::English), "message.closed");
}
