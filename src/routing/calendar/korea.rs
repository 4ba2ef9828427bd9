//! Public holidays of Korea, computed from the decree on the holidays of public offices (관공서의 공휴일에 관한 규정,
//! presidential decree 36290 of 2026-04-30) and, for the elections at the end of a term, article 34 of the election act.
//!
//! Sundays are holidays of the decree too, but the weekdays of an hours row speak for themselves: this list holds what a
//! weekday does not tell. Days the government designates are known late; `[holidays]` of the table adds them.
//! Presidential elections stay with the table as well: a vacancy moves them.

use icu_calendar::types::Month;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// The years these rules hold for: before, 제헌절 and 노동절 were no holidays; behind, the lunar calendar is a forecast.
pub const YEARS: RangeInclusive<i16> = 2026..=2050;

/// One public holiday.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holiday {
    /// The day.
    pub date: Date,
    /// What it is, in Korean and in English.
    pub name: [String; 2],
}

/// A year whose holidays these rules do not give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfYears(pub i16);

impl OutOfYears {
    /// Why, in Korean and in English.
    pub fn words(self) -> [String; 2] {
        let (year, first, last) = (self.0, YEARS.start(), YEARS.end());
        if year < *first {
            [
                format!("{year}년의 공휴일은 계산하지 않습니다: {first}년 전에는 규정이 달랐습니다"),
                format!("the holidays of {year} are not computed: before {first} the rules were others"),
            ]
        } else {
            [
                format!("{year}년의 공휴일은 아직 알 수 없습니다: {last}년까지 계산합니다"),
                format!("the holidays of {year} are not known yet: they are computed up to {last}"),
            ]
        }
    }
}

impl fmt::Display for OutOfYears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, english] = self.words();
        f.write_str(&english)
    }
}

/// Every public holiday of a year, in order.
pub fn holidays(year: i16) -> Result<Vec<Holiday>, OutOfYears> {
    if !YEARS.contains(&year) {
        return Err(OutOfYears(year));
    }
    let days = ALL.range(date(year, 1, 1)..=date(year, 12, 31));
    Ok(days.map(|(&date, name)| Holiday { date, name: name.clone() }).collect())
}

/// What a day is, if it is a public holiday; never outside [`YEARS`].
pub fn holiday(day: Date) -> Option<&'static [String; 2]> {
    ALL.get(&day)
}

/// All years at once: some 500 days, made at the first question.
static ALL: LazyLock<BTreeMap<Date, [String; 2]>> = LazyLock::new(|| YEARS.flat_map(year).collect());

/// When a holiday is given back on another day.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Substitute {
    /// 1/1, 6/6, elections.
    Never,
    /// Lost to a Saturday or a Sunday.
    Weekend,
    /// 설날, 추석: lost to a Sunday.
    Sunday,
}

/// A holiday before it is known what its day is lost to.
struct Rule {
    date: Date,
    name: [&'static str; 2],
    substitute: Substitute,
}

/// One year's holidays, substitutes included.
fn year(year: i16) -> BTreeMap<Date, [String; 2]> {
    let rules = rules(year);
    let mut days: BTreeMap<Date, Vec<&Rule>> = BTreeMap::new();
    for rule in &rules {
        days.entry(rule.date).or_default().push(rule);
    }
    let mut taken: BTreeSet<Date> = days.keys().copied().collect();
    let mut names: BTreeMap<Date, [String; 2]> = BTreeMap::new();
    for (&day, rules) in &days {
        let joined = |at: usize| rules.iter().map(|rule| rule.name[at]).collect::<Vec<_>>().join(", ");
        names.insert(day, [joined(0), joined(1)]);
    }
    // In the order of the days: the earlier holiday has the first claim on a free day.
    for (&day, rules) in &days {
        for lost in lost(day, rules) {
            let free = first_free(day, &taken);
            taken.insert(free);
            names.insert(free, [format!("대체공휴일({})", lost[0]), format!("substitute for {}", lost[1])]);
        }
    }
    names
}

/// The holidays of a day that are given back, by name.
fn lost(day: Date, rules: &[&Rule]) -> Vec<[&'static str; 2]> {
    let given = |wanted: &[Substitute]| {
        rules.iter().filter(|rule| wanted.contains(&rule.substitute)).map(|rule| rule.name).collect::<Vec<_>>()
    };
    match day.weekday() {
        Weekday::Sunday => given(&[Substitute::Weekend, Substitute::Sunday]),
        Weekday::Saturday => given(&[Substitute::Weekend]),
        // Two holidays on one working day cost one day.
        _ => {
            let mut names = given(&[Substitute::Weekend, Substitute::Sunday]);
            names.truncate(rules.len() - 1);
            names
        }
    }
}

/// The first day after that is neither a holiday nor a weekend: a substitute on a Saturday moves on.
fn first_free(day: Date, taken: &BTreeSet<Date>) -> Date {
    let mut free = day;
    loop {
        free = free.saturating_add(1.day());
        if !taken.contains(&free) && !matches!(free.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return free;
        }
    }
}

fn rules(year: i16) -> Vec<Rule> {
    use Substitute::{Never, Sunday, Weekend};
    let solar = |month, day, korean, english, substitute| Rule {
        date: date(year, month, day),
        name: [korean, english],
        substitute,
    };
    let mut rules = vec![
        solar(1, 1, "신정", "New Year's Day", Never),
        solar(3, 1, "삼일절", "Independence Movement Day", Weekend),
        solar(5, 1, "노동절", "Labour Day", Weekend),
        solar(5, 5, "어린이날", "Children's Day", Weekend),
        solar(6, 6, "현충일", "Memorial Day", Never),
        solar(7, 17, "제헌절", "Constitution Day", Weekend),
        solar(8, 15, "광복절", "Liberation Day", Weekend),
        solar(10, 3, "개천절", "National Foundation Day", Weekend),
        solar(10, 9, "한글날", "Hangeul Day", Weekend),
        solar(12, 25, "기독탄신일", "Christmas Day", Weekend),
        Rule { date: lunar(year, 4, 8), name: ["부처님오신날", "Buddha's Birthday"], substitute: Weekend },
    ];
    for (month, day, korean, english) in [(1, 1, "설날", "Seollal"), (8, 15, "추석", "Chuseok")] {
        let middle = lunar(year, month, day);
        // The eve of 설날 is the last day of a lunar year of 29 or 30 days, so it is counted from the day itself.
        rules.extend((-1..=1).map(|offset| Rule {
            date: middle.saturating_add(offset.days()),
            name: [korean, english],
            substitute: Sunday,
        }));
    }
    let before: BTreeSet<Date> = rules.iter().map(|rule| rule.date).collect();
    rules.extend(elections(year, &before).map(|(date, name)| Rule { date, name, substitute: Never }));
    rules
}

/// A day of the lunar calendar of Korea, which is not the Chinese one: new moons are those of Korean time.
fn lunar(year: i16, month: u8, day: u8) -> Date {
    let lunar = icu_calendar::Date::try_new_korean_traditional(i32::from(year), Month::new(month), day)
        .expect("months 1, 4 and 8 exist in every lunar year, and have a 15th");
    // Both crates count the same days; 1970-01-01 is their common landmark.
    let landmark = icu_calendar::Date::try_new_gregorian(1970, 1, 1).expect("a day of the calendar");
    let days = lunar.to_rata_die() - landmark.to_rata_die();
    date(1970, 1, 1).saturating_add(days.days())
}

/// Elections whose terms the constitution fixes: local ones (2026, 2030, …) and the National Assembly's (2028, 2032, …).
fn elections(year: i16, holidays: &BTreeSet<Date>) -> impl Iterator<Item = (Date, [&'static str; 2])> {
    let (days, end, name) = match year % 4 {
        2 => (30, date(year, 6, 30), ["지방선거일", "local election day"]),
        0 => (50, date(year, 5, 29), ["국회의원선거일", "National Assembly election day"]),
        _ => (0, date(year, 1, 1), ["", ""]),
    };
    (days > 0).then(|| (election(end, days, holidays), name)).into_iter()
}

/// The first Wednesday from so many days before the term ends; a week later when the day, or one beside it, is a holiday.
fn election(end: Date, days: i64, holidays: &BTreeSet<Date>) -> Date {
    let mut day = end.saturating_sub(days.days());
    while day.weekday() != Weekday::Wednesday {
        day = day.saturating_add(1.day());
    }
    let beside = (-1..=1).any(|offset: i64| holidays.contains(&day.saturating_add(offset.days())));
    if beside { day.saturating_add(7.days()) } else { day }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists as the project keeps them, word for word.
    const LISTS: [(i16, &str); 2] = [
        (
            2026,
            "1/1, 2/16–18, 3/1 + 3/2, 5/1, 5/5, 5/24 + 5/25, 6/3 (election), 6/6, 7/17, 8/15 + 8/17, 9/24–26, 10/3 + 10/5, 10/9, 12/25.",
        ),
        (
            2027,
            "1/1, 2/6–8 + 2/9, 3/1, 5/1 + 5/3, 5/5, 5/13, 6/6, 7/17 + 7/19, 8/15 + 8/16, 9/14–16, 10/3 + 10/4, 10/9 + 10/11, 12/25 + 12/27.",
        ),
    ];

    /// `2/16–18, 3/1 + 3/2, 6/3 (election)`.
    fn listed(year: i16, text: &str) -> Vec<Date> {
        let mut days = Vec::new();
        for part in text.trim_end_matches('.').split([',', '+']) {
            let part = part.trim().trim_end_matches(" (election)");
            let (month, rest) = part.split_once('/').expect("month/day");
            let (first, last) = rest.split_once('–').unwrap_or((rest, rest));
            let number = |text: &str| text.parse::<i8>().expect("a number");
            days.extend((number(first)..=number(last)).map(|day| date(year, number(month), day)));
        }
        days
    }

    fn dates(year: i16) -> Vec<Date> {
        holidays(year).expect("a year of the rules").into_iter().map(|holiday| holiday.date).collect()
    }

    #[test]
    fn the_lists_of_2026_and_2027_are_computed_day_by_day() {
        for (year, text) in LISTS {
            assert_eq!(dates(year), listed(year, text), "{year}");
        }
    }

    #[test]
    fn every_year_is_as_another_program_computes_it() {
        // Made with the Python package `holidays` 0.109, which shares no code or data with this one; presidential elections left out.
        for line in include_str!("../../../tests/golden/holidays.txt").lines() {
            let (year, days) = line.split_once(' ').expect("a year and its days");
            let found = dates(year.parse().expect("a year"));
            let found: Vec<String> = found.iter().map(|day| format!("{:02}-{:02}", day.month(), day.day())).collect();
            assert_eq!(found.join(" "), days, "{year}");
        }
    }

    #[test]
    fn lunar_days_are_those_of_korea_and_not_of_china() {
        // Published by the Korea Astronomy and Space Science Institute: 설날, 부처님오신날, 추석.
        for (year, days) in [
            (2026, ["02-17", "05-24", "09-25"]),
            (2027, ["02-07", "05-13", "09-15"]),
            (2028, ["01-27", "05-02", "10-03"]),
            (2029, ["02-13", "05-20", "09-22"]),
            (2030, ["02-03", "05-09", "09-12"]),
            (2031, ["01-23", "05-28", "10-01"]),
            (2032, ["02-11", "05-16", "09-19"]),
            (2033, ["01-31", "05-06", "09-08"]),
            (2034, ["02-19", "05-25", "09-27"]),
            (2035, ["02-08", "05-15", "09-16"]),
            (2036, ["01-28", "05-03", "10-04"]),
            (2037, ["02-15", "05-22", "09-24"]),
            (2038, ["02-04", "05-11", "09-13"]),
            (2039, ["01-24", "04-30", "10-02"]),
            (2040, ["02-12", "05-18", "09-21"]),
            (2041, ["02-01", "05-07", "09-10"]),
            (2042, ["01-22", "05-26", "09-28"]),
            (2043, ["02-10", "05-16", "09-17"]),
            (2044, ["01-30", "05-05", "10-05"]),
            (2045, ["02-17", "05-24", "09-25"]),
            (2046, ["02-06", "05-13", "09-15"]),
            (2047, ["01-26", "05-02", "10-04"]),
            (2048, ["02-14", "05-20", "09-22"]),
            (2049, ["02-02", "05-09", "09-11"]),
            (2050, ["01-23", "05-28", "09-30"]),
        ] {
            let found = [lunar(year, 1, 1), lunar(year, 4, 8), lunar(year, 8, 15)];
            let found = found.map(|day| format!("{:02}-{:02}", day.month(), day.day()));
            assert_eq!(found, days, "{year}");
        }
    }

    #[test]
    fn holidays_that_meet_are_given_back_one_after_the_other() {
        let substitutes = |year: i16| -> Vec<String> {
            let all = holidays(year).expect("a year of the rules");
            let given = all.iter().filter(|holiday| holiday.name[1].starts_with("substitute"));
            given.map(|holiday| holiday.date.to_string()).collect()
        };
        // 추석 on 개천절, a Tuesday: one day.
        assert_eq!(substitutes(2028), ["2028-10-05"]);
        // 개천절 on the eve of 추석 (a Friday), whose third day is a Sunday: two days in a row.
        assert_eq!(substitutes(2036)[3..], ["2036-10-06", "2036-10-07"]);
        // 부처님오신날 on a Saturday before 노동절 on a Sunday: Monday and Tuesday.
        assert_eq!(substitutes(2039)[1..3], ["2039-05-02", "2039-05-03"]);
        assert_eq!(substitutes(2039)[4..6], ["2039-10-04", "2039-10-05"]);
    }

    #[test]
    fn elections_fall_as_the_act_says() {
        let holidays: BTreeSet<Date> = [date(2018, 6, 6), date(2030, 6, 6)].into();
        for (end, days, day) in [
            (date(2014, 6, 30), 30, date(2014, 6, 4)),
            // 2018-06-06 is 현충일, so a week later.
            (date(2018, 6, 30), 30, date(2018, 6, 13)),
            (date(2022, 6, 30), 30, date(2022, 6, 1)),
            (date(2026, 6, 30), 30, date(2026, 6, 3)),
            (date(2030, 6, 30), 30, date(2030, 6, 12)),
            (date(2016, 5, 29), 50, date(2016, 4, 13)),
            (date(2020, 5, 29), 50, date(2020, 4, 15)),
            (date(2024, 5, 29), 50, date(2024, 4, 10)),
            (date(2028, 5, 29), 50, date(2028, 4, 12)),
        ] {
            assert_eq!(election(end, days, &holidays), day);
        }
    }

    #[test]
    fn what_holds_for_every_year() {
        for year in YEARS {
            let all = holidays(year).expect("a year of the rules");
            let days: BTreeSet<Date> = all.iter().map(|holiday| holiday.date).collect();
            assert_eq!(days.len(), all.len(), "{year}: a day is listed once");
            for holiday in &all {
                let day = holiday.date;
                assert_eq!(super::holiday(day), Some(&holiday.name));
                if holiday.name[1].starts_with("substitute") {
                    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                    assert!(!weekend, "{year}: a substitute is a day off that would not be one: {day}");
                    let near = (1..=9).any(|back: i64| days.contains(&day.saturating_sub(back.days())));
                    assert!(near, "{year}: {day} follows what it is given for");
                }
            }
            for (month, day) in [(1, 1), (6, 6)] {
                let next = date(year, month, day).saturating_add(1.day());
                assert!(!days.contains(&next), "{year}: {month}/{day} is never given back");
            }
            // Each of the eleven single days and two feasts of three days that is lost comes back, so their number is fixed.
            let kept = all.iter().filter(|holiday| {
                let single = !holiday.name[1].starts_with("substitute") && !holiday.name[1].contains("election");
                let weekend = match holiday.date.weekday() {
                    Weekday::Sunday => true,
                    Weekday::Saturday => !["설날", "추석"].contains(&holiday.name[0].as_str()),
                    _ => false,
                };
                let never = ["신정", "현충일"].contains(&holiday.name[0].as_str());
                (single && (never || !weekend)) || holiday.name[1].starts_with("substitute")
            });
            assert_eq!(kept.count(), 17, "{year}");
        }
    }

    #[test]
    fn other_years_are_refused_with_the_reason() {
        assert_eq!(holidays(2025), Err(OutOfYears(2025)));
        assert!(OutOfYears(2025).words()[0].contains("규정이 달랐습니다"));
        assert!(OutOfYears(2025).to_string().contains("the rules were others"));
        assert_eq!(holidays(2051), Err(OutOfYears(2051)));
        assert!(OutOfYears(2051).to_string().contains("not known yet"));
        assert_eq!(holiday(date(2025, 12, 25)), None);
    }
}
