//! Languages beside Korean: a key or a number switches, prompts with sound in the language are said in it, the rest in Korean.

use ivr1357::proof;
use ivr1357::proof::diff::compare;
use ivr1357::routing::{Language, Plan, check, check_heard, diagnostic};
use ivr1357::shell::table::{Files, Table};
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::{Catalogue, Prompt};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

fn table() -> String {
    let english = "9 = { say = \"영어\", language = \"en\", go = \"repeat\" }";
    assert!(SHIPPED.contains(english));
    SHIPPED
        .replacen(english, "9 = { say = \"FTA\", language = \"en\", go = \"menu.rnd\" }", 1)
        .replacen("[menu.rnd]\n", "[menu.rnd]\n9 = { language = \"ko\", go = \"repeat\" }\n", 1)
        .replacen(
            "[switch]\n",
            "[number.english]\nmatch = [\"1358\"]\nlanguage = \"en\"\ngreeting = \"greeting\"\ngo = \"menu.main\"\nwhen = [{ language = \"ko\", go = \"notice.closed\" }]\n\n[switch]\n",
            1,
        )
}

/// Sounds of all prompts, and of some in English.
fn lengths(english: &[&str]) -> BTreeMap<String, Duration> {
    lengths_of(&table(), english)
}

fn lengths_of(table: &str, english: &[&str]) -> BTreeMap<String, Duration> {
    let checked = ivr1357::routing::check_without_sound(table);
    let plan = checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let korean = plan.prompts().into_iter().map(|id| id.to_string());
    let english = english.iter().map(|id| id.strip_prefix("../").map_or_else(|| format!("en/{id}"), str::to_owned));
    korean.chain(english).map(|id| (id, Duration::from_millis(500))).collect()
}

fn plan(english: &[&str]) -> (Arc<Plan>, Catalogue) {
    plan_of(&table(), english)
}

fn plan_of(table: &str, english: &[&str]) -> (Arc<Plan>, Catalogue) {
    let lengths = lengths_of(table, english);
    let checked = check(table, &lengths);
    let plan = Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)));
    let mut catalogue = Catalogue::default();
    for id in lengths.keys() {
        catalogue.prompts.insert(id.clone(), Prompt { text: id.clone(), samples: Some(vec![0i16; 4000].into()) });
    }
    (plan, catalogue)
}

fn flow(text: &str, english: &[&str]) -> (Vec<String>, serde_json::Value) {
    flow_of(&table(), text, english)
}

fn flow_of(table: &str, text: &str, english: &[&str]) -> (Vec<String>, serde_json::Value) {
    let (plan, catalogue) = plan_of(table, english);
    let Ok(script) = Script::parse(text, &plan) else { panic!("{text}") };
    let (world, _) = script.play(plan.clone(), &catalogue);
    let told = world.moments().iter().map(|(_, moment)| script::words(&world, moment)).collect();
    (told, serde_json::from_str(world.records().last().expect("a record")).expect("JSON"))
}

#[test]
fn a_key_switches_the_language_and_what_has_no_sound_in_it_is_said_in_korean() {
    let (told, record) = flow("call 1357; wait 2s; key 9; wait 9s; key 1; end", &["menu_rnd", "key_1", "center/keit"]);
    let menu = told.iter().find(|moment| moment.starts_with("play en/menu_rnd+")).expect("the menu in English");
    assert!(menu.contains("+say/신청과 평가+en/key_1+"), "{menu}");
    assert!(told.contains(&"play en/center/keit".to_owned()), "{told:?}");
    assert_eq!(record["language"], "en");
    // And back.
    let (told, record) = flow("call 1357; wait 2s; key 9; wait 9s; key 9; wait 2s; hangup", &["menu_rnd"]);
    assert!(told.iter().any(|moment| moment.starts_with("play menu_rnd+")), "{told:?}");
    assert_eq!(record["language"], serde_json::Value::Null);
}

#[test]
fn a_key_is_offered_in_the_language_it_leads_to_and_back_from_there() {
    let keys = "call 1357; wait 2s; key 9; wait 2s; key 9; wait 2s; key 9; wait 2s; key 1; wait 1s; hangup";
    let (told, record) = flow_of(SHIPPED, keys, &["menu_main", "menu_fund", "say/영어", "key_9"]);
    let menus: Vec<&String> = told.iter().filter(|moment| moment.contains("menu_main+")).collect();
    assert!(menus[0].starts_with("play menu_main+") && menus[0].ends_with("+en/say/영어+en/key_9"), "{menus:#?}");
    assert!(menus[1].starts_with("play en/menu_main+") && menus[1].ends_with("+say/한국어+key_9"), "{menus:#?}");
    assert!(!menus[1].contains("영어"), "nobody is offered what is spoken: {menus:#?}");
    assert_eq!(menus[0], menus[2], "the same key leads back");
    assert_eq!(menus[1], menus[3]);
    assert!(told.iter().any(|moment| moment.starts_with("play en/menu_fund+")), "{told:#?}");
    assert_eq!(record["language"], "en");
    // Without its sounds a language is offered in Korean.
    let (told, _) = flow_of(SHIPPED, "call 1357; wait 2s; hangup", &["menu_main"]);
    assert!(told.iter().any(|moment| moment.ends_with("+say/영어+key_9")), "{told:#?}");
}

#[test]
fn among_several_languages_a_key_offers_its_own_alone() {
    let several = SHIPPED.replacen("[\"ko\", \"en\"]", "[\"ko\", \"en\", \"vi\"]", 1).replacen(
        "8 = { say = \"전문가\",       go = \"menu.expert\" }",
        "8 = { say = \"베트남어\", language = \"vi\", go = \"repeat\" }\n88 = { say = \"한국어\", language = \"ko\", go = \"repeat\" }\n89 = \"menu.expert\"",
        1,
    );
    let keys = "call 1357; wait 2s; key 8; wait 3s; key 9; wait 3s; key 88; wait 2s; hangup";
    let mut sounds = vec!["menu_main", "say/영어", "key_9"];
    let vietnamese = ["../vi/menu_main", "../vi/say/베트남어", "../vi/key_8"];
    sounds.extend(vietnamese);
    let (told, _) = flow_of(&several, keys, &sounds);
    let menus: Vec<&String> = told.iter().filter(|moment| moment.contains("menu_main+")).collect();
    assert!(menus[0].contains("+vi/say/베트남어+vi/key_8+en/say/영어+en/key_9"), "{menus:#?}");
    assert!(!menus[0].contains("say/한국어"), "{menus:#?}");
    assert!(menus[1].starts_with("play vi/menu_main+") && !menus[1].contains("베트남어"), "{menus:#?}");
    assert!(menus[1].contains("+en/say/영어+en/key_9") && menus[1].contains("+say/한국어+key_8+key_8"), "{menus:#?}");
    assert!(menus[2].starts_with("play en/menu_main+") && menus[2].contains("+vi/say/베트남어+vi/key_8"), "{menus:#?}");
    assert_eq!(menus[0], menus[3]);
}

#[test]
fn a_menu_that_asks_for_the_language_offers_each_and_no_key_leads_back() {
    let asks = SHIPPED
        .replacen("language = \"en\", go = \"repeat\"", "go = \"menu.language\"", 1)
        .replacen(
            "[menu.fund]\n",
            "[menu.language]\nprompt = \"menu_expert\"\n1 = { say = \"한국어\", language = \"ko\", go = \"menu.main\" }\n2 = { say = \"영어\", language = \"en\", go = \"menu.main\" }\n\n[menu.fund]\n",
            1,
        );
    let keys = "call 1357; wait 2s; key 9; wait 3s; key 2; wait 3s; key 9; wait 3s; key 2; wait 3s; hangup";
    let (told, record) = flow_of(&asks, keys, &["say/영어", "key_2"]);
    let menus: Vec<&String> = told.iter().filter(|moment| moment.contains("play menu_expert+")).collect();
    for menu in menus {
        assert!(menu.contains("say/한국어+key_1+en/say/영어+en/key_2"), "{menu}");
    }
    assert_eq!(record["language"], "en", "chosen twice is chosen");
}

#[test]
fn a_number_has_its_language_from_the_first_word_and_a_condition_asks_for_it() {
    let (told, _) = flow("call 1358; wait 5s; hangup", &["greeting", "menu_main"]);
    assert!(told.contains(&"play en/greeting".to_owned()), "{told:?}");
    assert!(told.iter().any(|moment| moment.starts_with("play en/menu_main+")), "{told:?}");
    assert!(!told.contains(&"enter notice.closed".to_owned()), "{told:?}");
}

#[test]
fn what_lacks_a_language_is_one_note_with_names() {
    let findings = check(&table(), &lengths(&["greeting"])).findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["W0507"]);
    let shown = diagnostic::render("routing.toml", &table(), &findings, Language::English, false);
    assert!(shown.contains("prompts lack this language and are said in Korean: menu_main,"), "{shown}");
    let all = lengths(&[]);
    let every: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(check(&table(), &lengths(&every)).findings, []);
}

#[test]
fn a_language_nobody_comes_to_or_nobody_declared_is_found() {
    for (old, new, code) in [
        ("language = \"en\", go = \"menu.rnd\"", "language = \"fr\", go = \"menu.rnd\"", "E0201"),
        ("languages = [\"ko\", \"en\"]", "languages = [\"ko\", \"en\", \"vi\"]", "E0203"),
        ("languages = [\"ko\", \"en\"]", "languages = [\"ko\", \"en\", \"en\"]", "E0104"),
        ("languages = [\"ko\", \"en\"]", "languages = [\"ko\", \"en\", \"English\"]", "E0103"),
        ("{ language = \"ko\", go = \"notice.closed\" }", "{ language = \"zh\", go = \"notice.closed\" }", "E0201"),
    ] {
        assert!(table().contains(old), "{old}");
        let found = check(&table().replacen(old, new, 1), &lengths(&[])).findings;
        assert!(found.iter().any(|finding| finding.code == code), "{new}: {found:#?}");
    }
}

#[test]
fn the_explorer_tells_languages_apart_and_every_way_is_kept() {
    let (all, _) = plan(&["menu_rnd"]);
    let graph = proof::explore(&all);
    let broken = proof::prove(&all, &graph);
    assert!(broken.is_empty(), "{broken:?}");
    assert!(graph.nodes.iter().any(|node| node.standing.language.as_deref() == Some("en")));
    let (more, _) = plan(&["menu_rnd", "menu_fund"]);
    assert_eq!(compare(&all, &all), []);
    assert!(!compare(&all, &more).is_empty());
}

#[test]
fn prompts_of_a_language_lie_in_its_folder() {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let folder = std::env::temp_dir().join(format!("ivr1357-languages-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("ko/say")).expect("made");
    std::fs::create_dir_all(folder.join("en")).expect("made");
    let copy = |from: &str, to: &str| std::fs::copy(prompts.join(from), folder.join(to)).expect("copied");
    copy("ko/greeting.wav", "ko/greeting.wav");
    copy("ko/greeting.wav", "en/greeting.wav");
    std::fs::write(folder.join("en/prompts.tsv"), "id\tkind\ttext\tpronunciation\ngreeting\tsentence\tWelcome\n")
        .expect("written");
    let loaded = ivr1357::shell::table::load_prompts(&folder, Language::English).expect("readable");
    assert_eq!(loaded.text("en/greeting"), Some("Welcome"));
    assert!(loaded.lengths().contains_key("en/greeting") && loaded.lengths().contains_key("greeting"));
    std::fs::remove_dir_all(&folder).expect("removed");
    let shipped = Files {
        routing: Path::new(env!("CARGO_MANIFEST_DIR")).join("routing.toml"),
        prompts,
        language: Language::English,
    };
    assert!(Table::load(&shipped).is_ok());
}

#[test]
fn the_shipped_table_says_all_of_itself_in_english_too() {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let catalogue = ivr1357::shell::table::load_prompts(&prompts, Language::English).expect("readable");
    for table in [SHIPPED, &table()] {
        let findings = check_heard(table, &ivr1357::shell::table::heard(&catalogue)).findings;
        assert!(findings.iter().all(|finding| !matches!(finding.code, "W0507" | "E0501")), "{findings:#?}");
    }
    assert!(!catalogue.lengths().contains_key("en/waiting_tone"), "music needs no language");
}
