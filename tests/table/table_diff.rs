//! Two tables compared, and recorded calls made again.

use ivr1357::cli::diff::report;
use ivr1357::proof::diff::{Change, compare};
use ivr1357::proof::replay::{Replayed, call};
use ivr1357::routing::{Language, Plan, check_without_sound};
use ivr1357::sim::script::Script;
use ivr1357::speech::{Catalogue, Prompt};
use std::sync::Arc;

const SHIPPED: &str = include_str!("../../routing.toml");
/// A key of the shipped table, and the same key leading elsewhere.
const FUND: &str = "1 = { say = \"중소벤처기업진흥공단 정책자금\", go = \"center.kosmes\" }";
const FUND_ELSEWHERE: &str = "1 = { say = \"중소벤처기업진흥공단 정책자금\", go = \"center.semas\" }";

fn plan(text: &str) -> Arc<Plan> {
    let checked = check_without_sound(text);
    Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)))
}

/// The shipped table with one text replaced by another.
fn with(old: &str, new: &str) -> Arc<Plan> {
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

#[test]
fn nobody_can_tell_a_table_from_itself() {
    let shipped = plan(SHIPPED);
    assert_eq!(compare(&shipped, &shipped), []);
    let (told, same) = report([&shipped, &shipped], &catalogue(&shipped).lengths(), Language::Korean);
    assert!(same && told.starts_with("0 "), "{told}");
    // What no caller meets is no difference: remarks, tests, the order of rows.
    let reordered = with("tipa    = {", "# a remark\ntipa    = {");
    assert_eq!(compare(&shipped, &reordered), []);
}

#[test]
fn each_kind_of_difference_is_named_once_with_the_keys_that_lead_there() {
    let shipped = plan(SHIPPED);
    let one = |old: &str, new: &str| {
        let found = compare(&shipped, &with(old, new));
        found.into_iter().map(|found| (found.change, found.row.to_string(), found.steps.len())).collect::<Vec<_>>()
    };
    let found = one(FUND, FUND_ELSEWHERE);
    assert_eq!(
        found.first().map(|(change, row, _)| (*change, row.as_str())),
        Some((Change::Elsewhere, "menu.fund")),
        "{found:?}"
    );
    assert!(found.iter().all(|(change, ..)| *change == Change::Elsewhere), "{found:?}");
    let found = one("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 09:00-17:00\"]");
    assert_eq!(found.first().map(|(change, ..)| *change), Some(Change::Elsewhere), "{found:?}");
    let found = one("digit_timeout = \"5s\"", "digit_timeout = \"7s\"");
    assert!(!found.is_empty() && found.iter().all(|(change, ..)| *change == Change::Waits), "{found:?}");
    let found = one("closed  = { prompt = \"closed\",", "closed  = { prompt = \"goodbye\",");
    assert_eq!(found.iter().map(|(change, ..)| *change).collect::<Vec<_>>(), [Change::Words], "{found:?}");
    let found = one("match    = [\"1357\"]", "match    = [\"1357\", \"021357\"]");
    assert_eq!(found.iter().map(|(change, ..)| *change).collect::<Vec<_>>(), [Change::Number], "{found:?}");
    let found = one("rounds        = 2", "rounds        = 3");
    assert_eq!(found.first().map(|(change, ..)| *change), Some(Change::Elsewhere), "{found:?}");
    let found = one("\"sip:kised@127.0.0.1:5070\"", "\"sip:kised@127.0.0.2:5070\"");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1.as_str()), (Change::Elsewhere, "center.kised"));
}

#[test]
fn who_goes_elsewhere_behind_words_goes_elsewhere() {
    let old = plan(SHIPPED);
    let turned = with("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 18:00-09:00\"]");
    let found = compare(&old, &turned);
    let changes: Vec<_> = found.iter().map(|found| (found.change, found.row.to_string())).collect();
    assert!(changes.len() > 2 && changes.iter().all(|(change, _)| *change == Change::Elsewhere), "{changes:?}");
    let (told, _) = report([&old, &turned], &catalogue(&old).lengths(), Language::Korean);
    assert!(told.contains("center.counsel") && !told.contains("기다리는 시간"), "{told}");
    // The same key, which only counts later: nobody goes elsewhere.
    let deaf = with("barge_in      = true", "barge_in      = false");
    let found = compare(&old, &deaf);
    assert!(!found.is_empty() && found.iter().all(|found| found.change == Change::Waits), "{found:#?}");
    let (told, _) = report([&old, &deaf], &catalogue(&old).lengths(), Language::Korean);
    assert!(told.contains("바로 셈 → 안내가 끝난 뒤에 셈"), "{told}");
}

#[test]
fn the_report_tells_where_from_and_where_to() {
    let (old, new) = (plan(SHIPPED), with(FUND, FUND_ELSEWHERE));
    let (told, same) = report([&old, &new], &catalogue(&old).lengths(), Language::Korean);
    assert!(!same);
    assert!(
        told.contains("menu.fund: center.kosmes 중소벤처기업진흥공단 → center.semas 소상공인시장진흥공단"),
        "{told}"
    );
    assert!(told.contains("누르기: 1, 1 (1357)"), "{told}");
}

/// Records of calls as the engine writes them.
fn records(plan: &Arc<Plan>) -> Vec<String> {
    let catalogue = catalogue(plan);
    let scripts = [
        "call 1357; key 1; key 1",
        "call 1357; key 31",
        "call 1357; key 3; wait 2s; hangup",
        "call 1357; wait 2s; hangup",
        "call 1357; wait 90s",
        "call 1357; key 9; key 1; key 7; wait 60s",
        "call 1357; key 9; wait 3s; key 7; wait 1s; key 9",
        "call 1357; key 2; key #; key *; key 21",
        "at 2026-11-24T22:00; call 1357",
        "at 2026-11-24T22:00; call 1357; wait 1s; hangup",
        "center kosmes busy; call 1357; key 11",
        "center kosmes busy answers; call 1357; key 11",
        "center counsel busy; center kised busy; call 1357; key 31; wait 30s; key 0",
        "center kised rings; call 1357; key 31; wait 10s; hangup",
        "center kised dead; call 1357; key 31",
    ];
    let mut records = Vec::new();
    for script in scripts {
        let Ok(read) = Script::parse(script, plan) else { panic!("{script}") };
        let (world, _) = read.play(plan.clone(), &catalogue);
        records.push(world.records().last().unwrap_or_else(|| panic!("{script}")).clone());
    }
    records
}

#[test]
fn recorded_calls_end_as_they_did_on_the_same_table() {
    let shipped = plan(SHIPPED);
    for record in records(&shipped) {
        let mut replayed = Replayed::default();
        call([&shipped, &shipped], &record, &mut replayed);
        assert_eq!((replayed.calls, replayed.unlike, replayed.otherwise.len()), (1, 0, 0), "{record}\n{replayed:?}");
    }
}

#[test]
fn recorded_calls_that_would_end_otherwise_are_listed() {
    let (old, new) = (plan(SHIPPED), with(FUND, FUND_ELSEWHERE));
    let mut replayed = Replayed::default();
    for record in records(&old) {
        call([&old, &new], &record, &mut replayed);
    }
    call([&old, &new], "{\"schema\":1", &mut replayed);
    call([&old, &new], "", &mut replayed);
    let ends: Vec<(&str, &str)> = replayed.otherwise.iter().map(|other| (&*other.old, &*other.new)).collect();
    // The one that was answered, the one whose second address answered; the busy one is led on to the counsellors as before.
    assert!(ends.contains(&("transferred center.kosmes", "transferred center.semas")), "{ends:?}");
    assert!((2..=4).contains(&ends.len()), "{ends:?}");
    assert_eq!((replayed.calls, replayed.unreadable), (15, 1));
}
