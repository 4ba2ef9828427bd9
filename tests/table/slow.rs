//! Slow reading: what it sounds like, and that every way through a table is kept at both paces.

use ivr1357::proof;
use ivr1357::routing::{Language, Plan, check, check_without_sound};
use ivr1357::shell::table::load_prompts;
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::standard::Pace;
use ivr1357::speech::{Catalogue, Prompt, pronunciation, shape, sound};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table without its slow key, and with one.
fn tables() -> [String; 2] {
    let slow = "\"8\" = { say = \"FTA\", go = \"slower\" }, ";
    let usual = SHIPPED.replacen("repeat-slowly", "repeat", 1);
    let with_key = usual.replacen("\"#\" = \"back\"", &format!("{slow}\"#\" = \"back\""), 1);
    [usual, with_key]
}

fn plan(table: &str) -> Arc<Plan> {
    let checked = check_without_sound(table);
    Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)))
}

fn shipped() -> Catalogue {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    load_prompts(&folder, Language::English).expect("readable")
}

/// How much higher the voice is in the slow sound: the middle of what its voiced parts say, each held against its own.
fn higher(usual: &[i16], slow: &[i16]) -> f64 {
    let pairs = (0..usual.len().saturating_sub(480)).step_by(800).filter_map(|at| {
        let part = slow.get(at * 4 / 3..at * 4 / 3 + 480)?;
        Some(period(&usual[at..at + 480])? as f64 / period(part)? as f64)
    });
    let mut found: Vec<f64> = pairs.collect();
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

/// The period of a part that is voiced, in samples.
fn period(part: &[i16]) -> Option<usize> {
    let product = |lag: usize| -> f64 {
        part.iter().zip(&part[lag..]).take(320).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
    };
    let energy = product(0);
    if energy < 320.0 * 500.0 * 500.0 {
        return None;
    }
    let (best, alike) = (26..=160).map(|lag| (lag, product(lag))).max_by(|one, other| one.1.total_cmp(&other.1))?;
    (alike > 0.6 * energy).then_some(best)
}

fn steepest(samples: &[i16]) -> i32 {
    samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

#[test]
fn a_slow_prompt_keeps_pitch_and_level_and_has_no_clicks() {
    let catalogue = shipped();
    let mut seen = 0;
    for (id, prompt) in &catalogue.prompts {
        // A text with slots has the sounds of its parts.
        let Some(usual) = prompt.samples.as_deref() else {
            assert!(prompt.text.contains('{'), "{id} sounds");
            continue;
        };
        if usual.len() < 16_000 || id.ends_with("_tone") {
            continue;
        }
        let id = id.strip_prefix("en/").map_or_else(|| format!("slow/{id}"), |id| format!("en/slow/{id}"));
        let slow = catalogue.sound(&id).unwrap_or_else(|| panic!("{id} sounds")).samples;
        assert_eq!(slow.len(), (usual.len() * 4).div_ceil(3), "{id}");
        let higher = higher(usual, &slow);
        assert!((0.99..1.01).contains(&higher), "{id}: {higher:.3} of the pitch");
        let measured = [usual, &slow].map(|samples| sound::measure(samples).expect("it sounds"));
        let louder = measured[1].active_dbov - measured[0].active_dbov;
        assert!(louder.abs() < 0.7, "{id}: {louder:.2} dB");
        assert!(measured[1].peak_dbfs < measured[0].peak_dbfs + 0.1, "{id}: {measured:?}");
        // A splice that does not fit is a step that the voice does not have.
        assert!(steepest(&slow) <= steepest(usual) + 200, "{id}: {} {}", steepest(&slow), steepest(usual));
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn slow_sentences_have_three_and_a_half_syllables_a_second() {
    let catalogue = shipped();
    for id in
        ["greeting", "phrase/closed/4", "emergency", "again", "busy", "goodbye", "phrase/closed/5", "center/kosmes"]
    {
        let text = catalogue.text(id).expect("it has words");
        let spoken = pronunciation::said(text, Pace::Apart);
        let slow = catalogue.sound(&format!("slow/{id}")).expect("it sounds").samples;
        let rate = shape::rate(&spoken, &slow).expect("it is Korean");
        assert!((3.1..3.8).contains(&rate), "{id}: {rate:.2} syllables a second");
    }
}

/// A caller of the table with a slow key, and what it hears.
fn heard(text: &str) -> (Vec<String>, serde_json::Value) {
    let plan = plan(&tables()[1]);
    let mut catalogue = Catalogue::default();
    for id in plan.prompts().iter().filter(|id| !id.contains("slow/")) {
        let prompt = Prompt { text: id.to_string(), samples: Some(vec![0i16; 2400].into()) };
        catalogue.prompts.insert(id.to_string(), prompt);
    }
    let Ok(script) = Script::parse(text, &plan) else { panic!("{text}") };
    let (world, _) = script.play(plan.clone(), &catalogue);
    let told = world.moments().iter().map(|(at, moment)| format!("{at:.1?} {}", script::words(&world, moment)));
    (told.collect(), serde_json::from_str(world.records().last().expect("a record")).expect("JSON"))
}

#[test]
fn the_simulator_hears_slow_words_for_as_long_as_they_last() {
    let (told, record) = heard("call 1357; wait 1s; key 1; wait 1s; key 8; wait 12s; key #; wait 1s; hangup");
    let at = |words: &str| {
        told.iter().position(|told| told.contains(words)).unwrap_or_else(|| panic!("{words} in {told:#?}"))
    };
    assert!(at("play menu_fund+") < at("play slow/menu_fund+"), "{told:#?}");
    assert!(at("play slow/again_slowly+slow/menu_fund+") < at("play slow/menu_main+"), "{told:#?}");
    assert_eq!(record["pace"], "slow");
}

#[test]
fn a_text_with_slots_is_said_slowly_by_its_parts() {
    let heard = ivr1357::shell::table::heard(&shipped());
    let checked = ivr1357::routing::check_heard(&tables()[1], &heard);
    let plan = checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings));
    assert!(!plan.phrases.is_empty(), "the shipped table says what only a call knows");
    for (id, slotted) in &plan.phrases {
        assert!(!plan.slow.contains_key(id), "{id} has no sound to stretch");
        for part in &slotted.sounds {
            assert!(plan.slow.contains_key(part), "{part} of {id}");
        }
    }
    let lengths = shipped().lengths_of(plan.slow.values().cloned());
    let silent: Vec<_> = plan.slow.values().filter(|id| !lengths.contains_key(&***id)).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_way_is_kept_at_both_paces_and_a_table_without_the_key_has_none_of_it() {
    let [usual, slow] = tables().map(|table| plan(&table));
    let graphs = [&usual, &slow].map(proof::explore);
    for (plan, graph) in [&usual, &slow].into_iter().zip(&graphs) {
        let broken = proof::prove(plan, graph);
        assert!(broken.is_empty(), "{broken:?}");
    }
    assert!(graphs[0].nodes.iter().all(|node| !node.standing.slow));
    assert!(graphs[1].nodes.iter().any(|node| node.standing.slow));
    assert!(usual.slow.is_empty() && usual.prompts().iter().all(|id| !id.contains("slow/")));
    assert_eq!(slow.slow.get("menu_fund").map(|id| &**id), Some("slow/menu_fund"));
    assert_eq!(slow.slow.get("waiting_tone"), None, "music has one pace");
    assert!(!proof::diff::compare(&usual, &slow).is_empty());
}

#[test]
fn the_slow_key_of_an_input_asks_it_again_and_stands_nowhere_but_on_a_key() {
    let table = r##"
schema = 1
[number.1357]
match = ["1357"]
go = "input.receipt"
[input.receipt]
prompt = "ask"
digits = 4
keys = { "*" = "slower" }
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 1, prompt = "entry_invalid", then = "center.counsel" }
then = "center.counsel"
[defaults.transfer]
ladder = ["refer", "notice.bye"]
give_up = "notice.bye"
[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
[notice]
bye = { prompt = "bye", then = "end" }
"##;
    let plan = plan(table);
    let sounds = plan.prompts().iter().map(|id| (id.to_string(), Duration::from_secs(1))).collect::<BTreeMap<_, _>>();
    let mut catalogue = Catalogue::default();
    for id in sounds.keys() {
        let prompt = Prompt { text: id.clone(), samples: Some(vec![0i16; 8000].into()) };
        catalogue.prompts.insert(id.clone(), prompt);
    }
    let Ok(script) = Script::parse("call 1357; wait 2s; key *; wait 2s; key 1234; wait 1s; hangup", &plan) else {
        panic!("a script")
    };
    let (world, _) = script.play(plan.clone(), &catalogue);
    let told: Vec<String> = world.moments().iter().map(|(_, moment)| script::words(&world, moment)).collect();
    assert!(told.contains(&"play slow/ask".to_owned()), "{told:?}");
    assert!(told.contains(&"play slow/center/counsel".to_owned()), "{told:?}");
    for (old, new) in [("then = \"end\"", "then = \"slower\""), ("go = \"input.receipt\"", "go = \"slower\"")] {
        let found = check(&table.replacen(old, new, 1), &sounds).findings;
        assert!(found.iter().any(|finding| finding.code == "E0202"), "{new}: {found:#?}");
    }
}
