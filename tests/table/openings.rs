//! What callers hear as the next opening: the moment at which they would really be served, whatever else is closed by then; and tables in which
//! nothing ever opens are refused.

use ivr1357::cli::try_;
use ivr1357::number::Caller;
use ivr1357::routing::opening::TurnedAway;
use ivr1357::routing::select::Situation;
use ivr1357::routing::switch::Switches;
use ivr1357::routing::{Language, check_heard, check_without_sound};
use ivr1357::shell::table;
use ivr1357::speech::Catalogue;
use ivr1357::time::Wall;
use std::path::Path;
use std::sync::{Arc, LazyLock};

const SHIPPED: &str = include_str!("../../routing.toml");

/// The prompts that ship.
static PROMPTS: LazyLock<Catalogue> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    table::load_prompts(&folder, Language::English).expect("the prompts can be read")
});

/// What the caller of a script hears of the next opening.
#[track_caller]
fn opening(table: &str, script: &str) -> String {
    let checked = check_heard(table, &table::heard(&PROMPTS));
    let plan = checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let told = try_::run(Arc::new(plan), &PROMPTS, script, Language::Korean).expect("a script");
    let said = told.split_once("상담은 ").and_then(|(_, rest)| rest.split_once(" 시작합니다"));
    said.unwrap_or_else(|| panic!("no opening in\n{told}")).0.to_owned()
}

#[track_caller]
fn check(table: &str, lines: &[(&str, &str, &str)]) {
    for (at, keys, opens) in lines {
        assert_eq!(opening(table, &format!("at {at}; call 1357{keys}")), *opens, "{at}");
    }
}

/// The shipped table with other lines; each must be there.
#[track_caller]
fn shipped(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SHIPPED.to_owned(), |table, (old, new)| {
        assert!(table.contains(old), "{old}");
        table.replacen(old, new, 1)
    })
}

/// The shipped table whose FTA call centre has hours of its own.
fn centre_open(hours: &str) -> String {
    let hours = format!("[hours]\nfta = [{hours}]\n");
    let closed = "name = \"FTA 콜센터\", hours = \"hours.fta\", closed = \"notice.closed\",";
    shipped(&[("[hours]\n", &hours), ("name = \"FTA 콜센터\",", closed)])
}

#[test]
fn a_centre_that_opens_before_its_number_is_told_with_the_opening_of_the_number() {
    let early = centre_open("\"월-금 08:00-12:00\"");
    check(
        &early,
        &[
            // 2026-11-24 is a Tuesday.
            ("2026-11-24T13:00", "; key 71", "내일 오전 아홉 시에"),
            ("2026-11-27T13:00", "; key 71", "월요일 오전 아홉 시에"),
            // The number alone is what is closed at eight.
            ("2026-11-24T08:10", "", "오늘 오전 아홉 시에"),
        ],
    );
    let late = centre_open("\"월-금 10:00-12:00\"");
    check(
        &late,
        &[
            ("2026-11-24T09:10", "; key 71", "오늘 오전 열 시에"),
            ("2026-11-24T13:00", "; key 71", "내일 오전 열 시에"),
            ("2026-11-24T08:10", "", "오늘 오전 아홉 시에"),
        ],
    );
    // On Saturdays alone the number is closed, but for the first one of the year that it is not.
    let saturday = centre_open("\"토 08:00-12:00\"").replacen(
        "main = [\"월-금 09:00-18:00\"]",
        "main = [\"월-금 09:00-18:00\", \"2027-01-09 10:00-11:00\"]",
        1,
    );
    check(&saturday, &[("2026-12-29T10:00", "; key 71", "일월 구일 토요일 오전 열 시에")]);
}

#[test]
fn a_door_that_was_passed_while_it_was_open_must_be_open_then_too() {
    let both = centre_open("\"월-금 10:00-11:00, 14:00-16:00\"")
        .replacen("[hours]\n", "[hours]\nmorning = [\"월-금 09:00-12:00\"]\n", 1)
        .replacen("[menu.partner]\n", "[menu.partner]\nhours = \"hours.morning\"\nclosed = \"notice.closed\"\n", 1);
    assert!(both.contains("hours.morning"));
    check(
        &both,
        &[
            // At two the centre is open, and the menu before it is not.
            ("2026-11-24T11:30", "; key 71", "내일 오전 열 시에"),
            ("2026-11-24T09:30", "; key 71", "오늘 오전 열 시에"),
            // Closed at the menu: both are asked.
            ("2026-11-24T13:00", "; key 7", "내일 오전 아홉 시에"),
        ],
    );
}

#[test]
fn holidays_substitutes_and_the_end_of_the_year_lie_between() {
    // The centre has hours on holidays, on which its number says something else.
    let holidays = centre_open("\"매일 08:00-12:00\"");
    check(
        &holidays,
        &[
            // Christmas is a Friday.
            ("2026-12-24T13:00", "; key 71", "십이월 이십팔일 월요일 오전 아홉 시에"),
            ("2026-12-31T13:00", "; key 71", "일월 사일 월요일 오전 아홉 시에"),
            // 설날 2027: Saturday to Monday, and Tuesday in its place.
            ("2027-02-05T13:00", "; key 71", "이월 십일 수요일 오전 아홉 시에"),
            ("2027-02-09T09:30", "", "내일 오전 아홉 시에"),
            // 삼일절 2027 is a Monday.
            ("2027-02-26T13:00", "; key 71", "삼월 이일 화요일 오전 아홉 시에"),
        ],
    );
    // A condition that is true on working days leads to no closed door, and opens nothing.
    let both = shipped(&[(
        "  { outside = \"hours.main\", go = \"notice.closed\" }, ",
        "  { outside = \"hours.main\", go = \"notice.closed\" },\n  { holiday = false, go = \"menu.main\" }, ",
    )])
    .replacen("  { holiday = true, go = \"notice.holiday\" }, ", "  # ", 1)
    .replacen("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 09:00-18:00\", \"휴일 09:00-18:00\"]", 1)
    .replacen("holiday = { prompt = \"closed_holiday\", then = \"end\" }", "", 1)
    .replacen("end    = \"notice.holiday\"", "hears = [\"closed\"]", 1);
    let both = both.split("[[test]]").next().expect("the rows before the tests");
    check(both, &[("2026-11-24T18:30", "", "내일 오전 아홉 시에")]);
}

#[test]
fn a_number_that_is_closed_may_lead_to_what_is_open_then() {
    // At night a menu of its own offers a centre with hours.
    let night = shipped(&[
        ("[hours]\n", "[hours]\nnight = [\"월-금 07:30-08:30, 19:00-22:00\"]\n"),
        ("{ outside = \"hours.main\", go = \"notice.closed\" }", "{ outside = \"hours.main\", go = \"menu.night\" }"),
        (
            "[menu.fund]\n",
            "[menu.night]\nprompt = \"menu_expert\"\n1 = { say = \"특허\", go = \"center.patent\" }\n\n[menu.fund]\n",
        ),
        ("7 = { say = \"특허\",                go = \"center.patent\" }", ""),
        (
            "name = \"특허고객상담센터\",",
            "name = \"특허고객상담센터\", hours = \"hours.night\", closed = \"notice.closed\",",
        ),
    ]);
    let night = night.split("[[test]]").next().expect("the rows before the tests");
    check(
        night,
        &[
            ("2026-11-24T18:30", "; key 1", "오늘 오후 일곱 시에"),
            ("2026-11-24T22:30", "; key 1", "내일 오전 일곱 시 삼십 분에"),
            ("2026-11-27T23:00", "; key 1", "월요일 오전 일곱 시 삼십 분에"),
        ],
    );
    // Hours that begin by day are reached when the number closes.
    let afternoon = night.replacen("07:30-08:30, 19:00-22:00", "16:00-22:00", 1);
    check(&afternoon, &[("2026-11-24T23:00", "; key 1", "내일 오후 여섯 시에")]);
}

#[test]
fn of_two_closed_doors_the_first_that_opens_serves() {
    let two = centre_open("\"월-금 10:00-12:00\"").replacen(
        "\"hours.fta\", closed = \"notice.closed\"",
        "\"hours.fta\", closed = \"center.cert\"",
        1,
    );
    let two = two.replacen("fta = [", "cert = [\"월-금 09:00-10:00, 14:00-15:00\"]\nfta = [", 1).replacen(
        "name = \"인증표준콜센터\",",
        "name = \"인증표준콜센터\", hours = \"hours.cert\", closed = \"notice.closed\",",
        1,
    );
    check(
        &two,
        &[
            ("2026-11-24T12:30", "; key 71", "오늘 오후 두 시에"),
            ("2026-11-24T15:30", "; key 71", "내일 오전 아홉 시에"),
            // Who wants the second one alone does not get the first.
            ("2026-11-24T10:30", "; key 72", "오늘 오후 두 시에"),
        ],
    );
    // An announcement behind a door serves nobody when it can be heard.
    let lunch = centre_open("\"월-금 14:00-16:00\"")
        .replacen("fta = [", "lunch = [\"월-금 12:00-13:00\"]\nfta = [", 1)
        .replacen("\"hours.fta\", closed = \"notice.closed\"", "\"hours.fta\", closed = \"notice.lunch\"", 1)
        .replacen(
            "[notice]\n",
            "[notice]\nlunch = { prompt = \"closed\", then = \"end\", hours = \"hours.lunch\", closed = \"notice.closed\" }\n",
            1,
        );
    check(
        &lunch,
        &[("2026-11-24T11:00", "; key 71", "오늘 오후 두 시에"), ("2026-11-24T12:30", "; key 71", "오늘 오후 두 시에")],
    );
}

#[test]
fn what_never_opens_is_refused_and_what_is_never_closed_is_not() {
    let when = "  { outside = \"hours.main\", go = \"notice.closed\" }, ";
    let codes = |changes: &[(&str, &str)]| {
        let found = check_without_sound(&shipped(changes)).findings;
        found.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let pair = format!("{when}\n  {{ holiday = false, go = \"notice.closed\" }}, ");
    assert_eq!(codes(&[(when, &pair)]), ["E0203"], "working days and others");
    let working = format!("{when}\n  {{ holiday = false, go = \"menu.main\" }}, ");
    assert_eq!(codes(&[(when, &working)]), [""; 0], "somebody answers on working days");
    let twice = format!("{when}\n  {{ outside = \"hours.evening\", go = \"notice.closed\" }}, ");
    let evening = ("[hours]\n", "[hours]\nevening = [\"월-금 18:00-22:00\"]\n");
    assert_eq!(codes(&[(when, &twice), evening]), ["E0203"]);
    let overlapping = ("[hours]\n", "[hours]\nevening = [\"월-금 17:59-22:00\"]\n");
    assert_eq!(codes(&[(when, &twice), overlapping]), [""; 0], "a minute is enough");
    let never = ("main = [\"월-금 09:00-18:00\"]", "main = [\"2027-01-01~2027-01-03 휴무\", \"금 09:00-18:00\"]");
    assert_eq!(codes(&[never]), [""; 0]);
    // Hours for holidays in a table that has none.
    let none = [
        ("timezone = \"Asia/Seoul\"", "timezone = \"Europe/Berlin\""),
        ("main = [\"월-금 09:00-18:00\"]", "main = [\"휴일 09:00-18:00\"]"),
    ];
    let mut never = codes(&none);
    never.sort_unstable();
    assert_eq!(never, ["E0203", "W0405", "W0405"], "the hours, and the condition for holidays");
    // Conditions for holidays in a table that has none; one day is one.
    let holidays = |written: &str| codes(&[("[limits]", &format!("[holidays]\n{written}\n[limits]"))]);
    assert_eq!(holidays("calendar = \"none\""), ["W0405"]);
    assert_eq!(holidays("calendar = \"none\"\ndesignated = [\"2027-01-01\"]"), ["W0403"]);
    assert_eq!(holidays("calendar = \"kr\""), [""; 0]);
    // Night and day are served by a menu each, so that nobody ever comes to `go`.
    let day_and_night = format!("{when}\n  {{ outside = \"hours.night\", go = \"menu.main\" }}, ");
    let day_and_night = day_and_night.replacen("notice.closed", "menu.partner", 1);
    let night = ("[hours]\n", "[hours]\nnight = [\"매일 18:00-09:00\"]\n");
    // What is closed is said behind a centre.
    let hours = "name = \"FTA 콜센터\", hours = \"hours.main\", closed = \"notice.closed\",";
    let found = codes(&[(when, &day_and_night), night, ("name = \"FTA 콜센터\",", hours)]);
    assert!(!found.contains(&"E0203"), "{found:?}");
    let always = ("main = [\"월-금 09:00-18:00\"]", "main = [\"매일 00:00-24:00\"]");
    assert_eq!(codes(&[always]), [""; 0]);
}

#[test]
fn a_table_whose_hours_hardly_meet_is_answered_soon() {
    // Two rows of hours that change every two minutes and meet once a year.
    let spans = |from: u32| {
        let spans = (0..700).map(|at| {
            let minute = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
            format!("{}-{}", minute(at * 2 + from), minute(at * 2 + from + 1))
        });
        format!("\"매일 {}\"", spans.collect::<Vec<_>>().join(", "))
    };
    let table = centre_open(&format!("{}, \"2027-11-19 10:00-10:10\"", spans(0))).replacen(
        "main = [\"월-금 09:00-18:00\"]",
        &format!("main = [{}]", spans(1)),
        1,
    );
    let table = table.split("[[test]]").next().expect("the rows before the tests");
    let checked = check_without_sound(table);
    let plan = Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)));
    let told = try_::run(plan, &PROMPTS, "at 2026-11-24T10:01; call 1357; key 71", Language::Korean).expect("a script");
    assert!(told.contains("[notice.closed]"), "{told}");
    assert!(!told.contains("시작합니다"), "it lies too far ahead: {told}");
}

/// A moment in Seoul.
fn wall(text: &str) -> Wall {
    let at: jiff::Timestamp = format!("{text}+09:00").parse().expect("a moment");
    Wall::from_micros(at.as_microsecond())
}

/// The state line of a start at each moment, with the emergency switch on until some time; and what a caller of that moment is told as the next opening.
#[track_caller]
fn with_switch(table: &str, lines: &[(&str, Option<&str>, &str, Option<&str>)]) {
    let checked = check_heard(table, &table::heard(&PROMPTS));
    let plan = checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings));
    for &(at, until, line, told) in lines {
        let mut switches = Switches::default();
        switches.turn_on("emergency", until.map(wall));
        let line = format!("{line}(now {at})");
        let told_line = table::opening(&plan, &switches, wall(at), Language::English);
        assert_eq!(told_line.replace("Tue 2026-11-24 ", "2026-11-24T"), line);
        let caller = Caller::new("");
        let caller = Situation { at: wall(at), caller: &caller, switches: &switches, language: None, draw: 0 };
        assert_eq!(TurnedAway::by_number(wall(at)).served(&plan, &plan.numbers[0], caller), told.map(wall), "{at}");
    }
}

#[test]
fn a_switch_that_goes_off_by_itself_opens_what_it_shut() {
    let emergency = Some("2026-11-24T14:00");
    with_switch(
        SHIPPED,
        &[
            ("2026-11-24T10:00", emergency, "closed until 2026-11-24T14:00 ", Some("2026-11-24T14:00")),
            // At nine the switch is still on.
            ("2026-11-24T03:00", emergency, "closed until 2026-11-24T14:00 ", Some("2026-11-24T14:00")),
            ("2026-11-24T10:00", Some("2026-11-24T14:07"), "closed until 2026-11-24T14:07 ", Some("2026-11-24T14:07")),
            // It ends at night: the number opens in the morning.
            (
                "2026-11-24T10:00",
                Some("2026-11-24T20:00"),
                "closed until Wed 2026-11-25 09:00 ",
                Some("2026-11-25T09:00"),
            ),
            // Nobody knows when it goes off.
            ("2026-11-24T10:00", None, "closed ", None),
            // It was on.
            ("2026-11-24T15:00", emergency, "open until 2026-11-24T18:00 ", Some("2026-11-25T09:00")),
        ],
    );
    // A switch that leads to a menu of its own shuts nothing.
    let menu = shipped(&[
        ("{ switch = \"emergency\", go = \"notice.emergency\" }", "{ switch = \"emergency\", go = \"menu.fund\" }"),
        ("emergency = { prompt", "# "),
    ]);
    let plan = check_without_sound(menu.split("[[test]]").next().expect("rows")).plan.expect("a table");
    let mut switches = Switches::default();
    switches.turn_on("emergency", emergency.map(wall));
    let line = table::opening(&plan, &switches, wall("2026-11-24T10:00"), Language::English);
    assert_eq!(line, "open until Tue 2026-11-24 18:00 (now Tue 2026-11-24 10:00)");
}

#[test]
fn the_notice_of_a_switch_may_say_when_it_ends_and_is_silent_of_it_where_nobody_knows() {
    let table = shipped(&[
        ("emergency = { prompt = \"emergency\", then", "emergency = { prompt = \"closed\", then"),
        ("hears  = [\"emergency\"]", "hears = [\"closed\"]"),
    ]);
    let checked = check_heard(&table, &table::heard(&PROMPTS));
    let plan = checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let script = "at 2026-11-24T10:00; switch emergency; call 1357";
    let told = try_::run(Arc::new(plan), &PROMPTS, script, Language::Korean).expect("a script");
    assert!(
        told.contains("[notice.emergency]") && told.contains("상담 시간이 아닙니다") && !told.contains("시작합니다"),
        "{told}"
    );
}

#[test]
fn the_line_of_a_start_follows_the_rule_of_the_announcement() {
    // On working days everybody is led to an announcement: closed for both.
    let plan = |table: &str| check_without_sound(table).plan.expect("a table");
    let line = |table: &str, at: &str| table::opening(&plan(table), &Switches::default(), wall(at), Language::English);
    assert_eq!(line(SHIPPED, "2026-11-24T18:00"), "closed until Wed 2026-11-25 09:00 (now Tue 2026-11-24 18:00)");
    let working = shipped(&[
        ("{ holiday = true, go = \"notice.holiday\" }", "{ holiday = false, go = \"notice.holiday\" }"),
        ("main = [\"월-금 09:00-18:00\"]", "main = [\"매일 09:00-18:00\"]"),
    ]);
    let working = working.split("[[test]]").next().expect("rows");
    assert_eq!(line(working, "2026-12-24T10:00"), "closed until Fri 2026-12-25 09:00 (now Thu 2026-12-24 10:00)");
}
