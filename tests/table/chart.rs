//! The linkage flow chart: complete, without labels that touch, and the one in `docs/` as the table draws it.

use ivr1357::chart::{markup, svg};
use ivr1357::routing::{Plan, check_without_sound, slots};
use ivr1357::speech::Catalogue;

fn plan(text: &str) -> Plan {
    let checked = check_without_sound(text);
    checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

fn shipped() -> (Plan, Catalogue) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko");
    let Ok(catalogue) = ivr1357::shell::prompts::load(&folder) else { panic!("the prompts can be read") };
    (plan(include_str!("../../routing.toml")), catalogue)
}

fn draw(plan: &Plan, catalogue: &Catalogue) -> svg::Drawing {
    svg::draw(plan, &|prompt| catalogue.text(prompt).map(|text| slots::shown(text, true)))
}

/// Left, top, width, height.
fn touch(a: [f32; 4], b: [f32; 4]) -> bool {
    a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3]
}

fn apart(drawing: &svg::Drawing) {
    let labels: Vec<([f32; 4], &str)> = drawing
        .labels
        .iter()
        .map(|label| ([label.x, label.y, label.width, label.height], label.text.as_str()))
        .collect();
    for (at, (place, text)) in labels.iter().enumerate() {
        let inside = place[0] >= 0.0
            && place[1] >= 0.0
            && place[0] + place[2] <= drawing.page.0
            && place[1] + place[3] <= drawing.page.1;
        assert!(inside, "{text} leaves the page: {place:?} {:?}", drawing.page);
        for (other, words) in &labels[at + 1..] {
            assert!(!touch(*place, *other), "{text} touches {words}: {place:?} {other:?}");
        }
        // A label lies in one box, or between them: it never crosses a border.
        for frame in &drawing.boxes {
            let within = place[0] >= frame[0]
                && place[1] >= frame[1]
                && place[0] + place[2] <= frame[0] + frame[2]
                && place[1] + place[3] <= frame[1] + frame[3];
            assert!(within || !touch(*place, *frame), "{text} crosses the border of {frame:?}: {place:?}");
        }
    }
    for (at, one) in drawing.boxes.iter().enumerate() {
        assert!(drawing.boxes[at + 1..].iter().all(|other| !touch(*one, *other)), "boxes touch at {one:?}");
    }
}

#[test]
fn labels_never_touch_each_other_nor_a_border() {
    let (plan, catalogue) = shipped();
    apart(&draw(&plan, &catalogue));
    // Long names, hours and several spans make other boxes.
    let text = include_str!("../../routing.toml")
        .replace("name = \"창업진흥원\",", "name = \"아주 길고 긴 이름을 가진 기관의 고객상담센터 본부\", hours = \"hours.main\", closed = \"notice.closed\",")
        .replace("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 09:00-12:00\", \"월-금 13:00-18:00\", \"토,일 10:00-12:00\"]");
    let long = self::plan(&text);
    assert!(long.centers.iter().any(|center| center.hours.is_some()), "the replacement took");
    apart(&draw(&long, &catalogue));
}

#[test]
fn every_menu_key_and_centre_stands_in_the_chart() {
    let (plan, catalogue) = shipped();
    let drawing = draw(&plan, &catalogue);
    let (mermaid, dot) = (markup::mermaid(&plan), markup::dot(&plan));
    let ministries = plan.centers.iter().filter_map(|center| center.ministry.clone());
    for name in plan.centers.iter().map(|center| center.name.clone()).chain(ministries) {
        assert!(drawing.labels.iter().any(|label| label.text == name), "{name}");
        assert!(mermaid.contains(&name) && dot.contains(&name), "{name}");
    }
    for words in ["정책자금", "협약과 사업비", "전통시장과 온누리상품권"] {
        assert!(drawing.labels.iter().any(|label| label.text == words), "{words}");
        assert!(mermaid.contains(words) && dot.contains(words), "{words}");
    }
    assert!(drawing.svg.contains("width=\"420mm\" height=\"297mm\"") && drawing.svg.contains("font-family"));
}

#[test]
fn a_chart_shows_where_a_call_is_recorded() {
    let plan = self::plan(include_str!("../calls/sim_table/bridged.toml"));
    let drawing = draw(&plan, &Catalogue::default());
    apart(&drawing);
    let (mermaid, dot) = (markup::mermaid(&plan), markup::dot(&plan));
    assert!(drawing.labels.iter().any(|label| label.text == "인사말 뒤부터 통화를 녹음합니다"), "the number");
    assert!(drawing.labels.iter().any(|label| label.text.ends_with(" · 녹음")), "the step");
    for (what, words) in [("who agrees", "(녹음)"), ("who does not", "(녹음하지 않음)")] {
        assert!(drawing.labels.iter().any(|label| label.text.ends_with(words)), "{what}");
        assert!(mermaid.contains(words) && dot.contains(words), "{what}");
    }
    assert!(mermaid.contains("1357 · 녹음") && !mermaid.contains("1351 · 녹음"), "{mermaid}");
}

#[test]
fn a_key_that_leads_to_a_language_is_drawn_with_its_way() {
    const ENGLISH: &str = "9 = { say = \"영어\", language = \"en\", go = \"repeat\" }";
    let shipped = include_str!("../../routing.toml");
    assert!(shipped.contains(ENGLISH));
    let lines = |plan: &Plan| draw(plan, &Catalogue::default()).svg.matches("<circle").count();
    let labelled = |plan: &Plan, words: &str| {
        let drawing = draw(plan, &Catalogue::default());
        apart(&drawing);
        drawing.labels.iter().any(|label| label.text == words)
    };
    // The same menu again, in the language.
    let again = plan(shipped);
    assert!(labelled(&again, "영어 (언어 en)"));
    // A notice has a mark, and no line.
    let notice = plan(&shipped.replacen(ENGLISH, "9 = { say = \"영어\", language = \"en\", go = \"notice.busy\" }", 1));
    assert_eq!(lines(&again), lines(&notice) + 1, "a line from the key to the head of its own menu");
    assert!(
        markup::mermaid(&again).contains("menu_0 -- \"9 영어 (언어 en)\" --> menu_0"),
        "{}",
        markup::mermaid(&again)
    );
    assert!(markup::dot(&again).contains("menu_0 -> menu_0 [label=\"9 영어 (언어 en)\"]"));
    // Another menu.
    let other = plan(&shipped.replacen(ENGLISH, "9 = { say = \"FTA\", language = \"en\", go = \"menu.rnd\" }", 1));
    assert!(labelled(&other, "FTA (언어 en)"));
    // In every menu: each again, and so no key with one way for all.
    let everywhere = shipped.replacen(ENGLISH, "9 = { say = \"전문가\", go = \"menu.expert\" }", 1).replacen(
        "\"#\" = \"back\"",
        "99 = { say = \"영어\", language = \"en\", go = \"repeat\" }, \"#\" = \"back\"",
        1,
    );
    let everywhere = plan(&everywhere);
    assert!(labelled(&everywhere, "영어 (언어 en)"));
    let arrows = markup::mermaid(&everywhere).matches("-- \"99 영어 (언어 en)\" -->").count();
    assert_eq!(arrows, everywhere.menus.len());
}

#[test]
fn the_chart_in_the_documents_is_the_one_the_table_draws() {
    let (plan, catalogue) = shipped();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/flow-chart.svg")).unwrap_or_default();
    assert!(
        kept == draw(&plan, &catalogue).svg,
        "docs/flow-chart.svg is not what the table draws: cargo run -- chart --output docs/flow-chart.svg"
    );
}
