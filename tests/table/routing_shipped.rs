//! The table that ships: clean, complete, and every centre within two keys.

use ivr1357::number::{Dialled, Digits};
use ivr1357::routing::plan::{Destination, Plan, Rung, Words};
use ivr1357::routing::stand_in::stand_ins;
use ivr1357::routing::{Language, check, check_heard, check_without_sound, diagnostic};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The prompts somebody must write and record; the rest comes from the table's own words.
const CATALOGUE: &[&str] = &[
    "greeting",
    "menu_main",
    "menu_fund",
    "menu_rnd",
    "menu_startup",
    "menu_market",
    "menu_merchant",
    "menu_people",
    "menu_partner",
    "menu_expert",
    "again_slowly",
    "invalid",
    "center_busy",
    "closed",
    "closed_holiday",
    "emergency",
    "busy",
    "goodbye",
    "waiting_tone",
    "stand_in",
    "stand_in_bye",
    "key_0",
    "key_1",
    "key_2",
    "key_3",
    "key_4",
    "key_5",
    "key_6",
    "key_7",
    "key_8",
    "key_9",
    "key_star",
    "key_hash",
];

fn shipped() -> Plan {
    let checked = check(SHIPPED, &lengths(SHIPPED, Duration::from_millis(700)));
    let report = diagnostic::render("routing.toml", SHIPPED, &checked.findings, Language::English, false);
    assert!(checked.findings.is_empty(), "{report}");
    checked.plan.expect("no finding, so a plan")
}

/// A length for every prompt the table needs.
fn lengths(text: &str, each: Duration) -> BTreeMap<String, Duration> {
    let plan = check_without_sound(text).plan.expect("clean but for sounds");
    plan.prompts().iter().flat_map(|id| [id.to_string(), format!("en/{id}")].map(|id| (id, each))).collect()
}

fn press(plan: &Plan, menu: Destination, key: &str) -> Option<Destination> {
    let Destination::Menu(id) = menu else { return None };
    plan.menu(id).choices.get(&Digits::parse(key).expect("a key")).copied()
}

fn center(plan: &Plan, at: Option<Destination>) -> Option<String> {
    match at {
        Some(Destination::Center(id)) => Some(plan.center(id).row.to_string()),
        _ => None,
    }
}

#[test]
fn the_shipped_table_has_no_finding() {
    shipped();
}

#[test]
fn the_shipped_table_is_clean_with_the_shipped_sounds_and_asks_within_twenty_seconds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let Ok(catalogue) = ivr1357::shell::table::load_prompts(&folder, Language::English) else {
        panic!("the prompts can be read")
    };
    let checked = check_heard(SHIPPED, &ivr1357::shell::table::heard(&catalogue));
    let report = diagnostic::render("routing.toml", SHIPPED, &checked.findings, Language::English, false);
    assert!(checked.findings.is_empty(), "{report}");
}

#[test]
fn every_centre_is_reached_by_at_most_two_keys() {
    let plan = shipped();
    let number = plan.number(&Dialled::new("1357")).expect("1357 is answered");
    let keys = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let mut reached = BTreeSet::new();
    for first in keys {
        let Some(then) = press(&plan, number.go, first) else { continue };
        reached.extend(center(&plan, Some(then)));
        for second in keys {
            reached.extend(center(&plan, press(&plan, then, second)));
        }
    }
    let wanted = [
        "kosmes", "semas", "keit", "tipa", "auri", "kised", "fta", "cert", "tech", "labor", "finance", "procure",
        "patent", "customs", "tax", "counsel",
    ];
    let wanted: BTreeSet<String> = wanted.iter().map(|id| format!("center.{id}")).collect();
    assert_eq!(reached, wanted);
}

#[test]
fn the_keys_of_the_press_release_lead_where_it_says() {
    let plan = shipped();
    let main = plan.number(&Dialled::new("1357")).expect("1357 is answered").go;
    assert_eq!(center(&plan, press(&plan, main, "0")).as_deref(), Some("center.counsel"));
    let fund = press(&plan, main, "1").expect("1 is offered");
    assert_eq!(center(&plan, press(&plan, fund, "1")).as_deref(), Some("center.kosmes"));
    for menu in &plan.menus {
        let at = |key: &str| menu.choices.get(&Digits::parse(key).expect("a key")).copied();
        assert_eq!(center(&plan, at("0")).as_deref(), Some("center.counsel"), "{}", menu.row);
        assert_eq!((at("#"), at("*")), (Some(Destination::Back), Some(Destination::RepeatSlowly)), "{}", menu.row);
    }
}

#[test]
fn a_menu_says_its_prompt_then_each_choice_with_its_key_and_the_counsellor_last() {
    let plan = shipped();
    let speech = |row: &str| -> Vec<String> {
        let menu = plan.menus.iter().find(|menu| &*menu.row == row).expect("the row exists");
        menu.speech.iter().map(|id| id.to_string()).collect()
    };
    let rnd = [
        "menu_rnd",
        "say/신청과 평가",
        "key_1",
        "say/협약과 사업비",
        "key_2",
        "say/산학연 협력",
        "key_3",
        "say/상담원",
        "key_0",
    ];
    assert_eq!(speech("menu.rnd"), rnd);
    // The main menu's own prompt names the counsellor first, so the key is not said again.
    let main = speech("menu.main");
    assert_eq!(main[..3], ["menu_main", "say/정책자금", "key_1"]);
    assert!(!main.contains(&"say/상담원".to_owned()), "{main:?}");
    let said = main.iter().filter(|id| id.starts_with("say/")).count();
    assert!(said <= 9, "{main:?}");
}

#[test]
fn every_ladder_ends_in_a_notice_that_leads_on() {
    let plan = shipped();
    for center in &plan.centers {
        let Some(Rung::Notice(id)) = center.transfer.ladder.last() else {
            panic!("{} ends in a rung that can fail", center.row)
        };
        assert!(matches!(plan.notice(*id).then, Destination::Menu(_)), "{}", center.row);
        assert_eq!(plan.notice(center.transfer.give_up).then, Destination::End, "{}", center.row);
    }
}

#[test]
fn only_prompts_of_the_catalogue_are_named() {
    let plan = shipped();
    for id in plan.prompts() {
        let id: Arc<str> = id.rsplit_once("slow/").map_or(&*id, |(_, id)| id).into();
        let id: Arc<str> = id.strip_prefix("en/").unwrap_or(&id).into();
        assert!(plan.words.contains_key(&id) || CATALOGUE.contains(&&*id), "{id}");
    }
    assert_eq!(plan.words.get("name/kosmes"), Some(&Words::Name("중소벤처기업진흥공단".into())));
    assert_eq!(plan.words.get("center/kosmes"), Some(&Words::Connecting("중소벤처기업진흥공단".into())));
    assert_eq!(plan.words.get("say/정책자금"), Some(&Words::Choice("정책자금".into())));
}

#[test]
fn the_stand_ins_answer_for_every_target() {
    let plan = shipped();
    let stand_ins = stand_ins(&plan);
    for (center, target) in plan.targets() {
        let number = stand_ins.number(&Dialled::new(&target.uri().user())).expect("somebody answers");
        let Destination::Menu(id) = number.go else { panic!("a stand-in talks") };
        let name = format!("name/{}", center.row.trim_start_matches("center."));
        assert_eq!(stand_ins.menu(id).speech, [name.as_str().into(), "stand_in".into()]);
    }
    for id in stand_ins.prompts() {
        assert!(stand_ins.words.contains_key(&id) || CATALOGUE.contains(&&*id), "{id}");
        assert!(!stand_ins.words.contains_key(&id) || plan.words.contains_key(&id), "{id} is built with the table");
    }
}
