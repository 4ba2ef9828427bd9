//! What the explorer finds in a table: nothing in the shipped one, and in broken ones the keys that show it.

use ivr1357::call::Effect;
use ivr1357::proof::{self, Graph, Line, Promise, Step, way};
use ivr1357::routing::plan::{Destination, MenuId, Plan};
use ivr1357::routing::{Language, check_without_sound};
use ivr1357::sim::script::Script;
use ivr1357::speech::{Catalogue, Prompt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table with other rules.
fn with_rules(rules: &str) -> Plan {
    let (rows, own) = SHIPPED.split_once("[prove]").expect("the shipped table has rules");
    let (_, tests) = own.split_once("[[test]]").expect("and tests");
    plan(&format!("{rows}[prove]\n{rules}\n[[test]]{tests}"))
}

fn plan(text: &str) -> Plan {
    let checked = check_without_sound(text);
    checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

/// The shipped table with one text replaced by another.
fn with(old: &str, new: &str) -> Plan {
    assert!(SHIPPED.contains(old), "{old}");
    plan(&SHIPPED.replacen(old, new, 1))
}

fn catalogue(plan: &Plan) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        catalogue
            .prompts
            .insert(id.to_string(), Prompt { text: id.to_string(), samples: Some(vec![0i16; 8000].into()) });
    }
    catalogue
}

fn lengths(plan: &Plan) -> BTreeMap<String, Duration> {
    catalogue(plan).lengths()
}

/// The broken promises in words: the row, the promise, the keys.
fn told(plan: Plan) -> Vec<String> {
    let plan = Arc::new(plan);
    let graph = proof::explore(&plan);
    let tell = |broken: &proof::Broken| {
        let (_, mut steps) = graph.way(broken.node);
        steps.extend(&broken.then);
        let promise = broken.promise.words(&plan, Language::English);
        format!("{}: {promise}: {}", broken.row, way::keys(&steps, Language::English))
    };
    proof::prove(&plan, &graph).iter().map(tell).collect()
}

#[test]
fn every_way_through_the_shipped_table_keeps_the_promises() {
    let plan = Arc::new(plan(SHIPPED));
    let graph = proof::explore(&plan);
    assert_eq!(proof::prove(&plan, &graph), []);
    assert!(!graph.cut && graph.nodes.len() > 1_000, "{} states", graph.nodes.len());
    // Open, closed and a public holiday, each with the emergency switch off and on.
    assert_eq!(graph.roots.len(), 6);
}

#[test]
fn a_menu_without_0_is_shown_by_its_keys() {
    let plan = with("9 = { say = \"국세\",", "0 = \"menu.main\"\n9 = { say = \"국세\",");
    assert_eq!(told(plan), ["menu.partner: 0 leads to a person everywhere: 7, 0"]);
}

#[test]
fn the_rules_of_the_table_hold_on_every_way() {
    for (rules, found) in [
        ("menus = 1", "menu.fund: no caller is led deeper than 1 menus: 1"),
        ("keys = { \"center.kosmes\" = 1 }", "center.kosmes: at most 1 keys to center.kosmes: 1, 1"),
        ("keys = { \"center.counsel\" = 0 }", "center.counsel: at most 0 keys to center.counsel: 0"),
    ] {
        let told = told(with_rules(rules));
        assert_eq!(told.first().map(String::as_str), Some(found), "{told:?}");
    }
    assert_eq!(told(with_rules("keys = { \"center.*\" = 2 }\nmenus = 2\nperson = 1")), [""; 0]);
    let without = with("\"0\" = { say = \"상담원\", go = \"center.counsel\" }, ", "");
    let told = told(without);
    assert!(told.iter().all(|line| line.contains("0 leads to a person")), "{told:?}");
    assert_eq!(told.len(), 8, "{told:?}");
}

/// Tables that `check` refuses: the explorer finds the same by walking.
#[test]
fn the_promises_that_always_hold_are_seen_broken() {
    let main = |change: fn(&mut Plan)| {
        let mut plan = plan(SHIPPED);
        change(&mut plan);
        told(plan)
    };
    let cut = main(|plan| plan.numbers[0].go = Destination::End);
    assert_eq!(cut, ["number.1357: no call is cut without a word: just listen"]);
    let silent = main(|plan| plan.menus[1].digit_timeout = Duration::from_secs(7200));
    assert_eq!(silent, ["menu.fund: no caller is left in silence: 1"]);
    let round = main(|plan| plan.menus[1].no_input.then = Destination::Menu(MenuId(1)));
    assert_eq!(round.len(), 1, "{round:?}");
    assert!(round[0].starts_with("menu.fund: who presses nothing"), "{round:?}");
    let stuck = main(|plan| {
        let only_here = Destination::Menu(MenuId(8));
        let menu = &mut plan.menus[8];
        menu.choices.values_mut().for_each(|go| *go = only_here);
        menu.no_input.then = only_here;
        menu.no_match.then = only_here;
    });
    assert!(stuck.iter().any(|line| line == "menu.expert: there is a way on from everywhere: 8"), "{stuck:?}");
}

/// The rows a way passes, by the call's own record.
fn rows(plan: &Arc<Plan>, graph: &Graph, node: u32) -> (String, Vec<String>) {
    let (root, steps) = graph.way(node);
    let mut line = Line::called(plan, root.number, &root.circumstance);
    let mut effects: Vec<Effect> = Vec::new();
    steps.iter().for_each(|step| line.step(*step, &mut effects));
    let rows = line.record().path().iter().map(|row| row.to_string()).collect();
    (way::script(plan, root, &steps, &lengths(plan)), rows)
}

/// The ways of the explorer are ways of the whole engine: what it prints can be pasted into `try`.
#[test]
fn a_way_that_was_found_is_a_way_that_a_caller_goes() {
    let plan = Arc::new(plan(SHIPPED));
    let catalogue = catalogue(&plan);
    let graph = proof::explore(&plan);
    let mut walked = 0;
    for node in (0..graph.nodes.len() as u32).step_by(11) {
        let (script, expected) = rows(&plan, &graph, node);
        // A phone that refuses, or never says more, is not a manner of a centre.
        let (_, steps) = graph.way(node);
        if steps.is_empty() || steps.iter().any(|step| matches!(step, Step::Refuses | Step::Vanishes | Step::CallMax)) {
            continue;
        }
        let Ok(read) = Script::parse(&script, &plan) else { panic!("{script}") };
        let (world, _) = read.play(plan.clone(), &catalogue);
        let record: serde_json::Value = serde_json::from_str(world.records().last().expect("a record")).expect("JSON");
        let passed: Vec<&str> =
            record["path"].as_array().into_iter().flatten().filter_map(|row| row.as_str()).collect();
        assert!(
            passed.iter().zip(&expected).all(|(a, b)| a == b) && passed.len() >= expected.len(),
            "{script}\n{expected:?}\n{passed:?}"
        );
        walked += 1;
    }
    assert!(walked > 100, "{walked}");
}

#[test]
fn a_promise_names_itself_in_both_languages() {
    let plan = plan(SHIPPED);
    for promise in [
        Promise::NoDrop,
        Promise::NoSilence,
        Promise::NoLoop,
        Promise::WayOn,
        Promise::Zero,
        Promise::Person(2),
        Promise::Menus(3),
    ] {
        let (korean, english) = (promise.words(&plan, Language::Korean), promise.words(&plan, Language::English));
        assert!(english.is_ascii() && !korean.is_ascii(), "{korean} {english}");
    }
}
