//! Questions that are answered with digits: by the whole engine, by the explorer, and in what is kept of them.

use crate::tables::{catalogue, plan, play, walk};
use ivr1357::cli::test::run as run_tests;
use ivr1357::cli::try_;
use ivr1357::proof::diff::{Change, compare};
use ivr1357::proof::replay::{Replayed, call};
use ivr1357::proof::{self, way};
use ivr1357::routing::resolved::resolve;
use ivr1357::routing::{Language, check_without_sound};
use ivr1357::sim::script::Script;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table with three questions behind its menus.
fn table() -> String {
    let rows = SHIPPED.replacen(
        "3 = { say = \"보증 이용절차\",       go = \"center.counsel\" }",
        "3 = { say = \"창업\", go = \"input.business\" }\n4 = { say = \"인력\", go = \"input.region\" }\n5 = \"input.phone\"",
        1,
    );
    let inputs = r##"
[defaults.input]
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 1, then = "center.counsel" }

[input.business]
prompt  = "menu_startup"
kind    = "business-number"
confirm = true
then    = "center.kosmes"

[input.region]
prompt = "menu_market"
allow  = "01-17"
keys   = { "*" = "center.counsel" }
then   = "center.semas"

[input.phone]
prompt   = "menu_people"
kind     = "phone"
barge_in = false
then     = "notice.busy"

[limits]
"##;
    rows.replacen("[limits]\n", inputs.trim_start(), 1)
}

/// What happens, in the words of a flow, and the record.
fn flow(text: &str) -> (Vec<String>, serde_json::Value) {
    play(&plan(&table()), text)
}

#[track_caller]
fn check(text: &str, wanted: &[&str]) -> serde_json::Value {
    let (told, record) = flow(text);
    let mut rest = told.iter();
    for want in wanted {
        assert!(rest.any(|moment| moment == want), "{text}: no {want:?} (in this order) in\n{told:#?}");
    }
    record
}

#[test]
fn a_right_number_is_read_back_and_leads_on() {
    let record = check(
        "call 1357; key 13; wait 3s; key 1108141272; wait 14s; key 1; end",
        &[
            "enter input.business",
            "play menu_startup",
            "key •",
            "play read_back+digit_1+digit_1+digit_0+digit_8+digit_1+digit_4+digit_1+digit_2+digit_7+digit_2+read_back_right",
            "key •",
            "enter center.kosmes",
            "reach center.kosmes",
        ],
    );
    let entries = &record["entries"];
    assert_eq!(entries.as_array().map(Vec::len), Some(1), "{record}");
    assert_eq!((&entries[0]["input"], &entries[0]["kind"]), (&"input.business".into(), &"business-number".into()));
    assert_eq!((&entries[0]["length"], &entries[0]["valid"]), (&10.into(), &true.into()));
}

#[test]
fn a_wrong_number_is_asked_for_again_and_then_a_person_answers() {
    let record = check(
        "call 1357; key 13; wait 3s; key 1108141273; wait 5s; key 9999999999; end",
        &["play menu_startup", "play entry_invalid+menu_startup", "enter center.counsel"],
    );
    let valid: Vec<_> =
        record["entries"].as_array().into_iter().flatten().map(|entry| entry["valid"].clone()).collect();
    assert_eq!(valid, [false, false]);
}

#[test]
fn the_keys_that_are_no_digits_lead_before_the_first_one_and_end_or_begin_again_after_it() {
    // `#` goes back to the menu, where 0 is a person.
    check(
        "call 1357; key 13; wait 3s; key #; wait 2s; key 0; end",
        &["enter input.business", "enter menu.fund", "enter center.counsel"],
    );
    // 0 is a digit here; `*` forgets what was entered and asks again.
    check(
        "call 1357; key 13; wait 3s; key 00*; wait 2s; key 1108141272; wait 14s; key 1; end",
        &["enter input.business", "play menu_startup", "play menu_startup", "enter center.kosmes"],
    );
    // `#` ends an entry that is too short.
    check("call 1357; key 13; wait 3s; key 11#; wait 2s; hangup", &["play entry_invalid+menu_startup"]);
    // The row says otherwise.
    check("call 1357; key 14; wait 3s; key *; end", &["enter input.region", "enter center.counsel"]);
    // 2 after the reading enters again, `*` reads again.
    check(
        "call 1357; key 13; wait 3s; key 1108141272; wait 14s; key *; wait 14s; key 2; wait 2s; hangup",
        &["enter input.business", "play menu_startup"],
    );
}

#[test]
fn who_asks_for_slow_reading_of_an_entry_hears_it_slowly_and_keeps_it() {
    let slower = "\"#\" = \"slower\"";
    let table = table().replacen("confirm = true", &format!("confirm = true\nkeys = {{ {slower} }}"), 1);
    let (told, record) =
        play(&plan(&table), "call 1357; key 13; wait 3s; key 1108141272; wait 3s; key #; wait 20s; key 1; end");
    let read: Vec<&String> = told.iter().filter(|moment| moment.contains("read_back+")).collect();
    assert_eq!(read.len(), 2, "{told:#?}");
    assert!(read[1].starts_with("play slow/read_back+slow/digit_1+"), "{told:#?}");
    assert!(told.contains(&"enter center.kosmes".to_owned()), "{told:#?}");
    assert_eq!(record["entries"].as_array().map(Vec::len), Some(1), "{record}");
}

#[test]
fn silence_and_unfinished_entries_are_waited_for_and_asked_again() {
    check(
        "call 1357; key 14; end",
        &["enter input.region", "play menu_market", "play again+menu_market", "enter center.counsel"],
    );
    check(
        "call 1357; key 14; wait 3s; key 1; wait 6s; key 17; end",
        &["play entry_invalid+menu_market", "enter center.semas"],
    );
}

#[test]
fn what_no_key_may_cut_is_heard_whole_and_keys_typed_ahead_count() {
    check(
        "call 1357; key 15; key 01012345678; wait 4s; hangup",
        &["enter input.phone", "play menu_people", "key •", "enter notice.busy"],
    );
    check(
        "call 1357; key 15; wait 3s; hold; wait 2s; resume; wait 3s; key 021234567#; wait 2s; hangup",
        &["enter input.phone", "play menu_people", "play menu_people", "enter notice.busy"],
    );
}

#[test]
fn digits_stand_in_no_record_no_transcript_and_no_transfer() {
    let text = "call 1357; key 13; wait 3s; key 3058221570; wait 14s; key 1; end";
    let plan = plan(&table());
    let told = try_::run(plan.clone(), &catalogue(&plan), text, Language::Korean).unwrap_or_else(|_| panic!("{text}"));
    let Ok(script) = Script::parse(text, &plan) else { panic!("{text}") };
    let (world, _) = script.play(plan.clone(), &catalogue(&plan));
    let record = world.records().last().expect("a record");
    for kept in [&told, record] {
        let keys: String = kept.lines().filter_map(|line| line.split("누름 ").nth(1)).collect();
        assert!(!kept.contains("3058221570") && !kept.contains("digit_3"), "{kept}");
        // The two keys of the menus, and nothing of what was entered.
        assert!(
            keys.is_empty() || keys.chars().filter(|key| key.is_ascii_digit()).collect::<String>() == "13",
            "{kept}"
        );
    }
    assert!(told.contains("• • • • • • • • • •"), "{told}");
    assert!(!format!("{:?}", proof::Line::new(&plan, 0, ivr1357::time::Wall::default())).contains("3058"));
}

#[test]
fn every_way_through_inputs_keeps_the_promises_and_is_a_way_of_the_engine() {
    let plan = plan(&table().replacen("person = 1 ", "person = 2 ", 1));
    let (graph, told) = walk(&plan);
    assert!(told.is_empty() && !graph.cut, "{told:#?}");
    // By classes, not by values: the inputs add some hundreds of states, not millions.
    assert!(graph.nodes.len() < 40_000, "{}", graph.nodes.len());
    let catalogue = catalogue(&plan);
    let mut walked = 0;
    for node in (0..graph.nodes.len() as u32).step_by(7) {
        let (root, steps) = graph.way(node);
        let enters = steps.iter().any(|step| matches!(step, proof::Step::Enter(_)));
        let phone =
            |step: &proof::Step| matches!(step, proof::Step::Refuses | proof::Step::Vanishes | proof::Step::CallMax);
        if !enters || steps.iter().any(phone) {
            continue;
        }
        let mut line = proof::Line::called(&plan, root.number, &root.circumstance);
        let mut effects = Vec::new();
        steps.iter().for_each(|step| line.step(*step, &mut effects));
        let expected: Vec<String> = line.record().path().iter().map(ToString::to_string).collect();
        let text = way::script(&plan, root, &steps, &catalogue.lengths());
        let Ok(read) = Script::parse(&text, &plan) else { panic!("{text}") };
        let (world, _) = read.play(plan.clone(), &catalogue);
        let record: serde_json::Value = serde_json::from_str(world.records().last().expect("a record")).expect("JSON");
        let passed: Vec<&str> =
            record["path"].as_array().into_iter().flatten().filter_map(|row| row.as_str()).collect();
        assert!(
            passed.iter().zip(&expected).all(|(a, b)| a == b) && passed.len() >= expected.len(),
            "{text}\n{expected:?}\n{passed:?}"
        );
        walked += 1;
    }
    assert!(walked > 20, "{walked}");
}

#[test]
fn an_input_that_leads_in_circles_is_found() {
    let found = |old: &str, new: &str| {
        let text = table();
        assert!(text.contains(old), "{old}");
        let checked = check_without_sound(&text.replacen(old, new, 1));
        checked.findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let phone = "barge_in = false\n";
    assert_eq!(found(phone, "no_input = { then = \"input.phone\" }\n"), ["E0206"]);
    assert_eq!(found(phone, "no_match = { then = \"input.phone\" }\n"), ["E0206"]);
    assert_eq!(found(phone, "keys = { \"#\" = \"notice.goodbye\", \"*\" = \"repeat\" }\n"), ["K1001"]);
    assert_eq!(found("person = 1 ", "person = 1"), [""; 0]);
    let strict = plan(&table());
    let broken = proof::prove(&strict, &proof::explore(&strict));
    // From a number that asks, a person is two keys away: back, and 0.
    assert!(broken.iter().any(|broken| &*broken.row == "input.business"), "{broken:?}");
}

#[test]
fn tables_that_take_other_values_are_told_apart() {
    let old = plan(&table());
    assert_eq!(compare(&old, &old), []);
    for (from, to) in [
        ("allow  = \"01-17\"", "allow  = \"01-18\""),
        ("kind    = \"business-number\"", "digits = 10"),
        ("then   = \"center.semas\"", "then   = \"center.keit\""),
    ] {
        let new = plan(&table().replacen(from, to, 1));
        let found = compare(&old, &new);
        assert!(found.iter().any(|found| found.change == Change::Elsewhere), "{from} -> {to}: {found:?}");
    }
    let waits = plan(&table().replacen("barge_in = false\n", "barge_in = false\ninterdigit = \"9s\"\n", 1));
    assert!(compare(&old, &waits).iter().all(|found| found.change == Change::Waits));
}

#[test]
fn recorded_entries_are_made_again_by_their_class() {
    let (_, record) = flow("call 1357; key 13; wait 3s; key 1108141273; wait 5s; key 1108141272; wait 14s; key 1; end");
    let old = plan(&table());
    let mut replayed = Replayed::default();
    let elsewhere = plan(&table().replacen("then    = \"center.kosmes\"", "then    = \"center.keit\"", 1));
    call([&old, &elsewhere], &record.to_string(), &mut replayed);
    assert_eq!((replayed.calls, replayed.unlike, replayed.unreadable), (1, 0, 0), "{record}");
    let ends = |otherwise: &ivr1357::proof::replay::Otherwise| (otherwise.old.clone(), otherwise.new.clone());
    assert_eq!(
        replayed.otherwise.iter().map(ends).collect::<Vec<_>>(),
        [("transferred center.kosmes".to_owned(), "transferred center.keit".to_owned())]
    );
}

#[test]
fn a_test_row_may_enter_digits_and_a_chart_shows_the_question() {
    let text = format!(
        "{}\n[[test]]\nname = \"사업자등록번호\"\npress = [\"13\", \"3s\", \"1108141272\", \"14s\", \"1\"]\nexpect = [\"input.business\"]\nhears = [\"read_back\"]\nend = \"center.kosmes\"\n\
         [[test]]\nname = \"말없이\"\npress = [\"14\", \"\", \"\"]\nend = \"center.counsel\"\n",
        table()
    );
    let plan = plan(&text);
    let ran = run_tests(&plan, &catalogue(&plan));
    for ran in ran.iter().rev().take(2) {
        assert_eq!(ran.surprises, [], "{}", ran.script);
    }
    let mermaid = ivr1357::chart::markup::mermaid(&plan);
    assert!(
        mermaid.contains("input_0[/\"창업\"/]") && mermaid.contains("input_0 -- \"사업자등록번호 입력\" --> center_"),
        "{mermaid}"
    );
    let svg = ivr1357::chart::svg::draw(&plan, &|_| None).svg;
    assert!(svg.contains("사업자등록번호 입력"), "{svg}");
    let shown = resolve(&text, "input.business").expect("the row");
    let field = |name: &str| {
        shown.iter().find(|field| field.field == name).map(|field| (field.value.as_str(), field.line.is_some()))
    };
    assert_eq!(field("kind"), Some(("\"business-number\"", true)));
    assert_eq!(field("digits"), Some(("10", false)));
    assert_eq!(field("keys.#"), Some(("\"back\"", false)));
    assert_eq!(field("no_input.then"), Some(("\"center.counsel\"", true)));
}
