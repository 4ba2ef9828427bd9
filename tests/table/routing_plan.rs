//! What a right table means: what is inherited, what a row overrides, what is said.

use ivr1357::number::{Dialled, Digits};
use ivr1357::routing::plan::{Condition, Context, Destination, Menu, Plan, Rung, Success};
use ivr1357::routing::{Language, check_without_sound, diagnostic};
use std::time::Duration;

const TABLE: &str = r##"
schema = 1

[number.1357]
match = ["1357", "02-1357"]
go = "menu.main"
when = [{ outside = "hours.main", go = "notice.bye" }]

[number.fund]
match = ["13571"]
go = "menu.fund"

[defaults.menu]
barge_in = false
digit_timeout = "7s"
no_input = { retries = 1, then = "center.counsel" }
no_match = { then = "center.counsel" }
keys = { "0" = { say = "상담원", go = "center.counsel" }, "9" = { say = "처음", go = "menu.main" }, "#" = "back", "*" = "repeat" }

[defaults.transfer]
ladder = ["refer", "next-target", "center.counsel", "notice.busy"]
give_up = "notice.bye"

[menu.main]
prompt = ["hello", "menu_main"]
2 = { say = "둘", go = "menu.fund" }
1 = { say = "하나", go = "center.keit" }
"10" = { say = "열", go = "center.keit" }

[menu.fund]
prompt = "menu_fund"
barge_in = true
interdigit = "500ms"
no_input = { retries = 4 }
0 = "center.keit"
1 = "center.keit"

[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"], announce = false }
keit = { name = "평가원", sip = ["sip:a@h.example", "sip:b@h.example"], refer_success = "accepted", context = "none", rounds = 1, ring_timeout = "30s", ladder = ["refer", "notice.busy"], hours = "hours.main", closed = "notice.bye" }

[hours]
main = "월-금 09:00-18:00"

[notice]
busy = { prompt = ["busy", "again"], then = "menu.main" }
bye = { prompt = "goodbye", then = "end" }
"##;

fn plan() -> Plan {
    let checked = check_without_sound(TABLE);
    let report = diagnostic::render("t.toml", TABLE, &checked.findings, Language::English, false);
    let errors = checked.findings.iter().filter(|finding| finding.code.starts_with('E')).count();
    assert_eq!(errors, 0, "{report}");
    checked.plan.expect("no error, so a plan")
}

fn menu<'p>(plan: &'p Plan, row: &str) -> &'p Menu {
    plan.menus.iter().find(|menu| &*menu.row == row).expect("the row exists")
}

fn go(menu: &Menu, key: &str) -> Option<Destination> {
    menu.choices.get(&Digits::parse(key)?).copied()
}

#[test]
fn a_number_is_found_however_it_is_written() {
    let plan = plan();
    for written in ["1357", "+821357", "021357", "02-1357", "+8221357", "0082-2-1357"] {
        assert_eq!(plan.number(&Dialled::new(written)).map(|number| &*number.row), Some("number.1357"), "{written}");
    }
    assert!(plan.number(&Dialled::new("1358")).is_none());
    let [when] = plan.numbers[0].when.as_slice() else { panic!("one condition") };
    let Condition::Outside(hours) = when.condition else { panic!("hours") };
    assert_eq!(&*plan.hours[hours.0].row, "hours.main");
}

#[test]
fn a_menu_inherits_what_it_does_not_write() {
    let plan = plan();
    let (main, fund) = (menu(&plan, "menu.main"), menu(&plan, "menu.fund"));
    assert!(!main.barge_in && fund.barge_in);
    assert_eq!((main.digit_timeout, main.interdigit), (Duration::from_secs(7), Duration::from_secs(2)));
    assert_eq!((fund.digit_timeout, fund.interdigit), (Duration::from_secs(7), Duration::from_millis(500)));
    // Part by part: another number of retries, the same prompt and way on.
    assert_eq!((main.no_input.retries, fund.no_input.retries, fund.no_match.retries), (1, 4, 2));
    assert_eq!((&*fund.no_input.prompt, &*fund.no_match.prompt), ("again", "invalid"));
    assert_eq!(fund.no_input.then, main.no_input.then);
    // A single inherited key can be another one.
    assert_ne!(go(fund, "0"), go(main, "0"));
    assert_eq!((go(fund, "#"), go(fund, "*")), (Some(Destination::Back), Some(Destination::Repeat)));
}

#[test]
fn choices_are_said_in_the_order_they_are_written_and_the_counsellor_last() {
    let plan = plan();
    let said = |row: &str| menu(&plan, row).speech.iter().map(|id| id.to_string()).collect::<Vec<_>>();
    assert_eq!(
        said("menu.main"),
        [
            "hello",
            "menu_main",
            "say/둘",
            "key_2",
            "say/하나",
            "key_1",
            "say/열",
            "key_1",
            "key_0",
            "say/처음",
            "key_9",
            "say/상담원",
            "key_0"
        ]
    );
    // An own key without words is silent, also where the inherited one had some.
    assert_eq!(said("menu.fund"), ["menu_fund", "say/처음", "key_9"]);
}

#[test]
fn a_centre_inherits_its_transfer_and_overrides_any_part() {
    let plan = plan();
    let [counsel, keit] = plan.centers.as_slice() else { panic!("two centres") };
    assert_eq!(counsel.announce, None);
    assert_eq!(keit.announce.as_deref(), Some("center/keit"));
    assert!(plan.words.contains_key("name/counsel") && !plan.words.contains_key("center/counsel"));
    assert!(matches!(counsel.transfer.ladder[..], [Rung::Refer, Rung::NextTarget, Rung::Center(_), Rung::Notice(_)]));
    assert!(matches!(keit.transfer.ladder[..], [Rung::Refer, Rung::Notice(_)]));
    let usual = &counsel.transfer;
    assert_eq!((usual.success, usual.context, usual.rounds), (Success::Notify200, Context::ReferTo, 2));
    assert_eq!((usual.refer_timeout, usual.ring_timeout), (Duration::from_secs(15), Duration::from_secs(60)));
    let own = &keit.transfer;
    assert_eq!((own.success, own.context, own.rounds), (Success::Accepted, Context::None, 1));
    assert_eq!((own.refer_timeout, own.ring_timeout), (Duration::from_secs(15), Duration::from_secs(30)));
    assert_eq!((own.prompt.as_ref(), own.give_up), ("center_busy", usual.give_up));
    let addresses: Vec<String> = keit.targets.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["sip:a@h.example", "sip:b@h.example"]);
}

#[test]
fn the_version_names_the_very_bytes() {
    let version = plan().version;
    assert!(version.len() == 12 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
    let other = check_without_sound(&format!("{TABLE}# a remark\n")).plan.expect("still right");
    assert_ne!(version, other.version);
    assert_eq!(version, plan().version);
}

#[test]
fn a_list_of_holidays_that_ends_is_told_of_a_month_before() {
    let day = |text: &str| text.parse::<jiff::civil::Date>().expect("a date");
    let codes = |holidays: &str, today: &str| {
        let shipped = include_str!("../../routing.toml");
        let text = shipped.replacen("[limits]", &format!("[holidays]\n{holidays}\n[limits]"), 1);
        let checked = check_without_sound(&text).as_of(day(today));
        checked.findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let until = "until = \"2027-12-31\"";
    assert_eq!(codes(until, "2027-11-30"), [""; 0]);
    assert_eq!(codes(until, "2027-12-01"), ["W0402"]);
    assert_eq!(codes(until, "2028-03-01"), ["W0402"]);
    // What is computed has no end of its own; what is kept by hand ends with its last year.
    assert_eq!(codes("designated = [\"2027-01-04\"]", "2030-01-01"), [""; 0]);
    assert_eq!(codes("calendar = \"none\"\ndesignated = [\"2027-01-04\"]", "2027-06-01"), ["W0403"]);
    assert_eq!(codes("calendar = \"none\"\ndesignated = [\"2027-01-04\"]", "2028-01-01"), ["W0403", "W0402"]);
    assert_eq!(codes("until = \"2027-13-31\"", "2027-01-01"), ["E0403"]);
}
