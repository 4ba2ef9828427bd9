//! `post_dial` of a centre: what may stand there, which rungs press it, and how tables that differ in it are compared.

use crate::tables::{catalogue, plan, play};
use ivr1357::cli::diff::report;
use ivr1357::cli::test::run;
use ivr1357::proof::diff::{Change, compare};
use ivr1357::proof::replay::{Replayed, call};
use ivr1357::routing::{Language, check_without_sound, resolved};
use std::collections::BTreeMap;

const SHIPPED: &str = include_str!("../../routing.toml");
const KEIT: &str = "sip = [\"sip:keit@127.0.0.1:5070\"]";

/// The shipped table, in which keit wants these keys and has this ladder.
fn wants(post_dial: &str, ladder: &str) -> String {
    assert!(SHIPPED.contains(KEIT));
    let ladder = if ladder.is_empty() { String::new() } else { format!(", ladder = [{ladder}]") };
    SHIPPED.replacen(KEIT, &format!("{KEIT}, post_dial = {post_dial}{ladder}"), 1)
}

/// The codes found, and what each caret stands on.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let checked = check_without_sound(text);
    checked.findings.iter().map(|finding| (finding.code, text[finding.span.clone()].to_owned())).collect()
}

const CALLS: &str = "\"bridge\", \"center.counsel\", \"notice.busy\"";

#[test]
fn keys_and_commas_may_stand_there_and_nothing_else() {
    for right in ["\"1\"", "\",,1234#\"", "\"9,,*abcD#,\"", &format!("\"{}\"", "7".repeat(32))] {
        assert_eq!(found(&wants(right, CALLS)), [], "{right}");
    }
    for (wrong, code) in [
        ("\"\"", "E0308"),
        ("\",,\"", "E0308"),
        ("\"12-34\"", "E0308"),
        ("\"12 34\"", "E0308"),
        ("\"p12\"", "E0308"),
        ("\"내선 12\"", "E0308"),
        ("\"12E\"", "E0308"),
        (&format!("\"{}\"", "7".repeat(33)), "E0308"),
        (&format!("\"1{}\"", ",".repeat(32)), "E0308"),
        ("\"１２\"", "E0105"),
        ("1234", "E0103"),
        ("[\"1\"]", "E0103"),
    ] {
        assert_eq!(found(&wants(wrong, CALLS)), [(code, wrong.to_owned())], "{wrong}");
    }
}

#[test]
fn a_centre_that_wants_keys_needs_a_rung_on_which_we_call() {
    // The shipped ladder refers, and another centre's call would press that one's keys.
    for ladder in ["", "\"refer\", \"notice.busy\"", "\"center.counsel\", \"notice.busy\""] {
        assert_eq!(found(&wants("\"1\"", ladder)), [("E0309", "\"1\"".to_owned())], "{ladder}");
    }
    // A ladder that is missing, or broken, is told as such.
    let none = SHIPPED.replacen("\nladder ", "\n# ladder ", 1).replacen(KEIT, &format!("{KEIT}, post_dial = \"1\""), 1);
    assert!(found(&none).iter().all(|(code, _)| *code != "E0309"), "{:?}", found(&none));
}

#[test]
fn a_rung_that_would_press_nothing_is_a_mistake_where_it_is_written_and_skipped_where_it_is_inherited() {
    let own = wants("\"1\"", "\"refer\", \"bridge\", \"notice.busy\"");
    assert_eq!(found(&own), [("E0302", "\"refer\"".to_owned())]);
    let inherited = "[\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]";
    let both = "[\"refer\", \"next-target\", \"bridge\", \"center.counsel\", \"notice.busy\"]";
    assert!(SHIPPED.contains(inherited));
    let text = wants("\"1\"", "").replace(inherited, both).replace("refer_timeout = \"15s\"", "refer_timeout = \"8s\"");
    assert_eq!(found(&text), []);
}

#[test]
fn a_difference_in_it_leads_elsewhere_and_is_told_without_the_keys() {
    let [none, one, other, later] = [
        SHIPPED.replacen(KEIT, &format!("{KEIT}, ladder = [{CALLS}]"), 1),
        wants("\"4711\"", CALLS),
        wants("\"4712\"", CALLS),
        wants("\",4711\"", CALLS),
    ]
    .map(|text| plan(&text));
    assert_eq!(compare(&one, &one), []);
    for (old, new, words) in [
        (&none, &one, "0 keys after the answer -> 4 keys after the answer"),
        (&one, &other, "4 other keys after the answer"),
    ] {
        let found = compare(old, new);
        assert!(!found.is_empty() && found.iter().all(|found| found.change == Change::Elsewhere), "{found:?}");
        let (told, _) = report([old, new], &BTreeMap::new(), Language::English);
        assert!(told.contains(words) && !told.contains("471"), "{told}");
        let (told, _) = report([old, new], &BTreeMap::new(), Language::Korean);
        assert!(told.contains("받은 뒤 ") && !told.contains("471"), "{told}");
    }
    let found = compare(&one, &later);
    assert!(!found.is_empty() && found.iter().all(|found| found.change == Change::Waits), "a second later: {found:?}");
}

#[test]
fn it_is_shown_where_the_row_is_shown() {
    let fields = resolved::resolve(&wants("\",4711\"", CALLS), "center.keit").expect("the row");
    let shown = fields.iter().find(|field| field.field == "post_dial").map(|field| field.value.as_str());
    assert_eq!(shown, Some("\",4711\""));
}

#[test]
fn a_test_of_the_table_reaches_such_a_centre_and_a_recorded_call_replays() {
    let test = "\n[[test]]\nname = \"버튼 뒤에 닿는다\"\npress = [\"21\"]\nend = \"center.keit\"\n";
    let text = wants("\",,4711,8\"", CALLS);
    let plan = plan(&(text.clone() + test));
    let ran = run(&plan, &catalogue(&plan));
    let ran = ran.last().expect("the test");
    assert!(ran.surprises.is_empty(), "{:?}", ran.surprises);
    for (world, result) in [("", "reached"), ("center keit busy\n", "failed")] {
        let (_, record) = play(&plan, &format!("{world}call 1357\nkey 2\nkey 1\nwait 60s\nend"));
        assert_eq!(record["attempts"][0]["result"], result, "{record}");
        let mut replayed = Replayed::default();
        call([&plan, &plan], &record.to_string(), &mut replayed);
        assert_eq!((replayed.calls, replayed.unlike, replayed.otherwise.len()), (1, 0, 0), "{record}\n{replayed:?}");
    }
}
