//! Menus, inputs and announcements with hours: who comes outside them goes elsewhere, and that way is walked too.

use ivr1357::proof::{self, Promise};
use ivr1357::routing::{Plan, check_without_sound};
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::{Catalogue, Prompt};
use std::sync::Arc;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table, whose partner menu keeps office hours with a break, whose expert menu is never closed, and whose
/// announcement for busy times says something else at lunch.
fn table() -> String {
    SHIPPED
        .replacen("[hours]\n", "[hours]\nlunch = [\"월-금 12:00-13:00\"]\npartner = [\"월-금 09:00-12:00\"]\n", 1)
        .replacen("[menu.partner]\n", "[menu.partner]\nhours = \"hours.partner\"\nclosed = \"notice.partner\"\n", 1)
        .replacen(
            "[notice]\n",
            "[notice]\npartner = { prompt = \"closed\", then = \"menu.main\", hours = \"hours.lunch\", closed = \"center.counsel\" }\n",
            1,
        )
}

fn plan(text: &str) -> Arc<Plan> {
    let checked = check_without_sound(text);
    Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)))
}

fn rows(text: &str) -> Vec<String> {
    let plan = plan(&table());
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        let samples = Some(vec![0i16; 8000].into());
        catalogue.prompts.insert(id.to_string(), Prompt { text: id.to_string(), samples });
    }
    let Ok(script) = Script::parse(text, &plan) else { panic!("{text}") };
    let (world, _) = script.play(plan.clone(), &catalogue);
    assert!(world.violations().is_empty(), "{text}: {:?}", world.violations());
    let words = world.moments().iter().map(|(_, moment)| script::words(&world, moment));
    words.filter_map(|words| words.strip_prefix("enter ").map(str::to_owned)).collect()
}

#[test]
fn who_comes_outside_the_hours_of_a_menu_goes_elsewhere() {
    let open = rows("at 2026-11-24T10:00; call 1357; key 79; end");
    assert_eq!(open, ["menu.main", "menu.partner", "center.tax"]);
    // Past noon the menu is closed; its announcement is for lunch.
    let lunch = rows("at 2026-11-24T12:30; call 1357; key 7; wait 3s; key 0; end");
    assert_eq!(lunch[..4], ["menu.main", "menu.partner", "notice.partner", "menu.main"]);
    // Later that announcement is closed too, and a person answers.
    let later = rows("at 2026-11-24T15:00; call 1357; key 7; end");
    assert_eq!(later, ["menu.main", "menu.partner", "notice.partner", "center.counsel"]);
}

#[test]
fn every_way_in_and_out_of_hours_keeps_the_promises() {
    let plan = plan(&table());
    let graph = proof::explore(&plan);
    let broken = proof::prove(&plan, &graph);
    assert_eq!(broken.iter().filter(|broken| !matches!(broken.promise, Promise::Keys(..))).count(), 0, "{broken:?}");
    let closed = graph.edges.iter().filter(|edge| edge.closed).count();
    assert!(closed > 0);
}

#[test]
fn rows_that_are_closed_in_a_circle_are_found() {
    for (old, new, code) in [
        ("closed = \"notice.partner\"", "closed = \"menu.partner\"", "E0205"),
        ("closed = \"center.counsel\"", "closed = \"notice.partner\"", "E0205"),
        ("closed = \"notice.partner\"\n", "", "W0404"),
        ("hours = \"hours.partner\"\nclosed", "closed", "W0407"),
        ("goodbye = { ", "goodbye = { hours = \"hours.main\", closed = \"notice.closed\", ", "E0202"),
    ] {
        let text = table();
        assert!(text.contains(old), "{old}");
        let found = check_without_sound(&text.replacen(old, new, 1)).findings;
        assert!(found.iter().any(|finding| finding.code == code), "{new}: {found:#?}");
    }
}

#[test]
fn closed_without_hours_is_told_and_leads_nobody_anywhere() {
    let text = SHIPPED.replacen("sip = [\"sip:keit@127.0.0.1:5070\"]", "closed = \"notice.night\", $0", 1);
    let text = text.replacen("$0", "sip = [\"sip:keit@127.0.0.1:5070\"]", 1);
    let text = text.replacen("[notice]\n", "[notice]\nnight = { prompt = \"closed\", then = \"end\" }\n", 1);
    let codes: Vec<_> = check_without_sound(&text).findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["W0407", "E0203"], "the announcement that nobody hears is found, too");
}
