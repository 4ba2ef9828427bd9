//! What the checker says of texts with slots: which names a place fills, in which language, and of parts without sound.

use crate::slots::{PROMPTS, SHIPPED, english, with_input, world};
use ivr1357::routing::{Heard, Language, check_heard, check_without_sound, diagnostic, heard};
use ivr1357::shell::table;
use ivr1357::speech::Catalogue;
use ivr1357::time::Duration;

/// What the checker says of a text in a place: nothing, or code and a few words.
#[test]
fn each_place_fills_its_own_names_and_tells_what_is_wrong() {
    let input = with_input();
    // After hours a message may be left: what follows it is about the same closed door.
    let word = SHIPPED
        .replacen(
            "{ outside = \"hours.main\", go = \"notice.closed\" }",
            "{ outside = \"hours.main\", go = \"message.closed\" }",
            1,
        )
        .replacen("[limits]\n", "[message.closed]\nthen = \"end\"\notherwise = \"notice.closed\"\n\n[limits]\n", 1);
    let (before, rows) = SHIPPED.split_once("[menu.expert]\n").expect("the menu");
    let (_, after) = rows.split_once("\n\n").expect("another row");
    let before = before.replacen("{ say = \"상담원\", go = \"center.counsel\" }", "\"center.counsel\"", 1);
    let wordless = format!("{before}[menu.expert]\nprompt = \"menu_expert\"\n1 = \"center.counsel\"\n\n{after}");
    let info = SHIPPED.replacen("[menu.fund]\n", "[menu.fund]\n9 = \"notice.closed\"\n", 1);
    for (table, id, text, said) in [
        (SHIPPED, "greeting", "지금은 {time}입니다. {date}입니다.", ""),
        (
            SHIPPED,
            "greeting",
            "상담은 {opens|에} 시작합니다. 안녕하십니까.",
            "{opens} of \"greeting\" cannot be filled in a greeting: it is filled in notices that only outside, holiday, closed or a switch lead to",
        ),
        (SHIPPED, "greeting", "{menu}. 안녕하십니까.", "{menu} of \"greeting\" cannot be filled in a greeting"),
        (SHIPPED, "menu_fund", "{menu}입니다.", ""),
        (SHIPPED, "menu_fund", "{center.name|으로/로} 갑니다.", "it is filled in the prompt of a transfer"),
        (SHIPPED, "again_slowly", "지금은 {time}입니다.", ""),
        (
            SHIPPED,
            "again_slowly",
            "{menu}입니다.",
            "{menu} of \"again_slowly\" cannot be filled in the prompt before a repetition",
        ),
        (SHIPPED, "center_busy", "{center.name|과/와} {time}입니다.", ""),
        (SHIPPED, "center_busy", "{center.name}으로 갑니다.", "the particle changes with the name: {name|으로/로}"),
        (
            SHIPPED,
            "center_busy",
            "{center.nam|으로/로} 갑니다.",
            "nothing here has this name; there are: caller, center.name, date, time",
        ),
        (SHIPPED, "closed", "닫혔습니다. {opens.date} {opens.time|에} 엽니다.", ""),
        (SHIPPED, "closed", "{opens|에} 엽니다.", "nothing is left to say when the value is not known"),
        (SHIPPED, "closed", "{position|sino}번째", "번째 takes native numbers: native:번째"),
        (SHIPPED, "closed", "{position|native}번째", "it is for queues, which no table has yet"),
        (SHIPPED, "closed", "닫혔습니다. {opens|sino:분}", "this name is an opening and cannot be said so"),
        (SHIPPED, "closed", "닫혔습니다. {opens", "{ without }"),
        (SHIPPED, "closed_holiday", "닫혔습니다. {opens|까지} 쉽니다.", ""),
        (SHIPPED, "busy", "{center.name|과/와} 연결이 안 됩니다.", ""),
        (SHIPPED, "busy", "닫혔습니다. {opens|에} 엽니다.", "{opens} of \"busy\" cannot be filled in a notice"),
        // The goodbye of the longest call is about no centre.
        (SHIPPED, "goodbye", "{center.name|과/와} 연결이 안 됩니다.", "{center.name} of \"goodbye\" cannot be filled"),
        // A switch that leads to an announcement alone shuts the number.
        (SHIPPED, "emergency", "닫혔습니다. {opens|에} 엽니다.", ""),
        (&input, "read_back", "누르신 번호는 {number|digits}번입니다.", ""),
        (
            &input,
            "visit_business_number",
            "{number|digits}번입니다.",
            "it is filled in read_back, where an entry is confirmed",
        ),
        (&word, "closed", "닫혔습니다. {opens|에} 엽니다.", ""),
        // A key leads to the announcement while all is open.
        (&info, "menu_main", "상담원은 0번,", "{opens} of \"closed\" cannot be filled in a notice"),
        (&wordless, "menu_expert", "{menu}.", "no row of menu.expert has a say, so {menu} says nothing"),
        (SHIPPED, "waiting_tone", "{time}", "{time} of \"waiting_tone\" cannot be filled in this place"),
    ] {
        let (plan, _, mut findings) = world(table, &[(id, text)]);
        // That some of these texts are Korean alone is another matter.
        findings.retain(|finding| finding.code != "W0507");
        let shown = diagnostic::render("routing.toml", table, &findings, Language::English, false);
        if said.is_empty() {
            assert!(findings.is_empty(), "{id} {text}\n{shown}");
            continue;
        }
        assert!(
            plan.is_none() && shown.contains("error[E0503]") && shown.contains(said),
            "{id} {text}: {said}\n{shown}"
        );
        assert_eq!(findings.len(), 1, "{id} {text}\n{shown}");
        let korean = diagnostic::render("routing.toml", table, &findings, Language::Korean, false);
        assert!(korean.contains("오류[E0503]") && korean.contains("고치는 법"), "{korean}");
    }
}

#[test]
fn texts_of_other_languages_are_read_as_theirs() {
    for (id, text, said) in [
        ("en/closed", "We are closed. We open {opens|에}.", "is Korean; an English text has the {name} alone"),
        ("en/closed", "We are closed. {menu}.", "{menu} of \"en/closed\" cannot be filled in a notice"),
        ("en/closed", "We open {opens}.", "nothing is left to say"),
    ] {
        let (_, _, findings) = world(&english(), &[(id, text)]);
        let shown = diagnostic::render("routing.toml", &english(), &findings, Language::English, false);
        assert!(shown.contains("error[E0503]") && shown.contains(said), "{text}\n{shown}");
    }
    let chinese = english().replace("\"en\"", "\"zh\"");
    let (_, _, findings) = world(&chinese, &[("zh/closed", "{opens}")]);
    let shown = diagnostic::render("routing.toml", &chinese, &findings, Language::English, false);
    assert!(shown.contains("cannot be filled in this language, only in Korean and English"), "{shown}");
}

#[test]
fn a_part_without_sound_is_refused_like_any_prompt() {
    let without = |id: &str| {
        let mut catalogue = Catalogue::clone(&PROMPTS);
        catalogue.prompts.remove(id).unwrap_or_else(|| panic!("{id}"));
        check_heard(SHIPPED, &table::heard(&catalogue))
    };
    for id in ["phrase/closed/2", "phrase/weekday-1", "phrase/time-9-에", "phrase/text-FTA 콜센터로"] {
        let checked = without(id);
        let shown = diagnostic::render("routing.toml", SHIPPED, &checked.findings, Language::English, false);
        assert!(checked.plan.is_none() && shown.contains("E0501") && shown.contains(id), "{id}\n{shown}");
    }
    // This table opens at nine only.
    assert!(without("phrase/time-8-에").plan.is_some());
    // The whole has no sound of its own.
    assert!(!PROMPTS.lengths().contains_key("closed") && PROMPTS.text("closed").is_some());
}

#[test]
fn without_texts_a_prompt_is_whatever_sound_it_has() {
    let plan = check_without_sound(SHIPPED).plan.expect("the shipped table");
    let prompt = heard::Prompt { length: Some(Duration::from_secs(1)), ..heard::Prompt::default() };
    let all = Heard(plan.prompts().iter().map(|id| (id.to_string(), prompt.clone())).collect());
    let plan = check_heard(SHIPPED, &all).plan.expect("all have sound");
    assert!(plan.phrases.is_empty() && plan.prompts().contains("closed"));
}
