//! The `[[test]]` rows that ship: they hold, they reach every row, and the whole engine agrees with them.

use ivr1357::call::Saying;
use ivr1357::cli::test::{report, run, to_junit};
use ivr1357::proof::caller::Moment;
use ivr1357::proof::cases;
use ivr1357::routing::{Language, Plan, check_heard};
use ivr1357::shell::table::heard;
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::Catalogue;
use std::sync::Arc;

const SHIPPED: &str = include_str!("../../routing.toml");

fn shipped() -> (Arc<Plan>, Catalogue) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let Ok(catalogue) = ivr1357::shell::table::load_prompts(&folder, Language::English) else {
        panic!("the prompts can be read")
    };
    (table(SHIPPED, &catalogue), catalogue)
}

fn table(text: &str, catalogue: &Catalogue) -> Arc<Plan> {
    let checked = check_heard(text, &heard(catalogue));
    Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)))
}

#[test]
fn every_shipped_test_holds_and_together_they_reach_every_row() {
    let (plan, catalogue) = shipped();
    let ran = run(&plan, &catalogue);
    let told = report("routing.toml", &plan, &ran, Language::English);
    assert!(ran.len() >= 12 && ran.iter().all(|ran| ran.surprises.is_empty()), "{told}");
    assert_eq!(cases::unreached(&plan, &ran), [], "{told}");
}

/// A moment in the words of the simulator's flows.
fn words(plan: &Plan, moment: &Moment) -> String {
    match moment {
        Moment::Enters(row) => format!("enter {row}"),
        Moment::Plays(said) => {
            let sounds: Vec<&str> = said.iter().flat_map(Saying::sounds).map(|(id, _)| &**id).collect();
            format!("play {}", sounds.join("+"))
        }
        Moment::Records => "record".to_owned(),
        Moment::Key(key) => format!("key {}", key.map_or('•', |key| key.as_char())),
        Moment::Refers(center) => format!("refer {}", plan.center(*center).row),
        Moment::Fails(status) => format!("fail {status}"),
        Moment::Reaches(center) => format!("reach {}", plan.center(*center).row),
        Moment::Releases => "release".to_owned(),
    }
}

#[test]
fn each_shipped_test_meets_the_same_in_the_whole_engine() {
    let (plan, catalogue) = shipped();
    for (test, ran) in plan.tests.iter().zip(run(&plan, &catalogue)) {
        let Ok(read) = Script::parse(&ran.script, &plan) else { panic!("{}", ran.script) };
        let (world, _) = read.play(plan.clone(), &catalogue);
        let engine: Vec<String> = world
            .moments()
            .iter()
            .map(|(_, moment)| script::words(&world, moment))
            .filter(|words| words != "connect" && words != "stop")
            .collect();
        let alone: Vec<String> = ran.moments.iter().map(|moment| words(&plan, moment)).collect();
        assert_eq!(alone, engine, "{}: {}", test.name, ran.script);
    }
}

#[test]
fn a_test_that_fails_says_what_was_and_how_to_see_it() {
    let (_, catalogue) = shipped();
    let text = SHIPPED.replacen("end    = \"center.kosmes\"", "end    = \"center.semas\"", 1);
    let text = text.replacen("expect = [\"center.counsel\"]", "expect = [\"menu.fund\"]", 1);
    let text = text.replacen("hears  = [\"closed\"]", "hears  = [\"그런 말은 없다\"]", 1);
    let plan = table(&text, &catalogue);
    let ran = run(&plan, &catalogue);
    let told = report("routing.toml", &plan, &ran, Language::Korean);
    let line = 1 + text.lines().take_while(|line| !line.contains("정책자금은 두 번 눌러")).count() - 1;
    for words in [
        &format!("✗ 정책자금은 두 번 눌러 중진공에 닿는다 (routing.toml:{line})"),
        "기대: center.semas",
        "실제: center.kosmes",
        "menu.fund 에 닿지 않음",
        "들리지 않음: \"그런 말은 없다\"",
        "ivr1357 try \"at 2026-11-24T10:00; call 1357; key 1; key 1\"",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let junit = to_junit("routing.toml", &plan, &ran, Some("promise & <broken>"), Language::Korean);
    assert!(junit.contains("failures=\"4\"") && junit.contains("promise &amp; &lt;broken&gt;"), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), ran.len() + 1);
    assert_eq!(junit.matches("<failure ").count(), junit.matches("</failure>").count());
}

#[test]
fn a_test_says_who_calls_and_its_script_calls_from_there_too() {
    let (_, catalogue) = shipped();
    let text = SHIPPED.replacen(
        "when     = [",
        "when     = [\n  { caller_kind = \"relay\", go = \"center.counsel\" },\n  { caller = [\"010-1234*\"], go = \"center.keit\" },\n  { caller_kind = \"withheld\", go = \"menu.fund\" },",
        1,
    );
    let (rows, _) = text.split_once("[[test]]").expect("tests");
    let row = |caller: &str, expect: &str| {
        format!("[[test]]\nname = \"{caller}\"\ncaller = \"{caller}\"\nexpect = [\"{expect}\"]\n")
    };
    let tests = [
        row("107", "center.counsel"),
        row("010-1234-5678", "center.keit"),
        row("withheld", "menu.fund"),
        row("02-2104-5012", "menu.main"),
    ];
    let plan = table(&format!("{rows}{}", tests.concat()), &catalogue);
    for (test, ran) in plan.tests.iter().zip(run(&plan, &catalogue)) {
        assert_eq!(ran.surprises, [], "{}", ran.script);
        let Ok(read) = Script::parse(&ran.script, &plan) else { panic!("{}", ran.script) };
        let (world, _) = read.play(plan.clone(), &catalogue);
        let entered = format!("enter {}", test.expect[0]);
        assert!(world.moments().iter().any(|(_, moment)| script::words(&world, moment) == entered), "{}", ran.script);
    }
}

#[test]
fn what_a_test_cannot_say_is_a_finding() {
    let (_, catalogue) = shipped();
    for (row, code) in [
        ("press = [\"x\"]", "E0103"),
        ("press = [\"60d\"]", "E0103"),
        ("press = [\"0s\"]", "E0103"),
        ("at = \"tomorrow\"", "E0103"),
        ("call = \"1358\"", "E0103"),
        ("expect = [\"center.kosmse\"]", "E0201"),
        ("expect = [\"hours.main\"]", "E0202"),
        ("caller = \"somebody\"", "E0103"),
        ("world = { \"center.kosmes\" = \"lazy\" }", "E0103"),
        ("world = { \"menu.main\" = \"busy\" }", "E0202"),
        ("end = \"menu.main\"", "E0202"),
        ("expects = []", "E0102"),
    ] {
        let checked = check_heard(&format!("{SHIPPED}\n[[test]]\nname = \"x\"\n{row}\n"), &heard(&catalogue));
        let codes: Vec<&str> = checked.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{row}: {:#?}", checked.findings);
    }
    let nameless = check_heard(&format!("{SHIPPED}\n[[test]]\npress = [\"1\"]\n"), &heard(&catalogue));
    assert_eq!(nameless.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["E0107"]);
}
