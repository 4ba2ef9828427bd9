//! The parts of a slot in English: tomorrow, at 9 a.m.; on Monday, November 30th, at 9:30 a.m.
//!
//! Kinds and particles are Korean, so an English slot is its name alone. Rows of the table are said by their prompts (`name/kosmes`).

use super::Form;
use super::saying::Value;
use super::slots::{Draft, Next, WEEKDAY_ALONE, days_until, one_digit_after_the_other};
use crate::speech::naming;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// The largest number that is said as one.
pub(super) const NUMBER_MAX: u64 = 99;

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// How a voice is told what is written: A M is two letters.
pub fn pronunciation(text: &str) -> String {
    text.replace("a.m.", "A M").replace("p.m.", "P M")
}

/// The parts of this value; `None` when it is none for this form.
pub(super) fn drafts(form: Form, value: &Value, today: Option<Date>, next: Next) -> Option<Vec<Draft>> {
    Some(match (form, value) {
        (Form::Digits, Value::Digits(digits)) => digits_of(digits, next),
        (Form::Digits, Value::Number(number)) => digits_of(&number.to_string(), next),
        (Form::Sino, Value::Number(number)) if *number <= NUMBER_MAX => {
            vec![Draft::new(format!("number-{number}"), "", number.to_string())]
        }
        (Form::Time, Value::Time(time)) => clock(*time, ""),
        (Form::Date { .. }, Value::Date(date)) => calendar(*date, "weekday", ""),
        (Form::Opening, Value::Opening(at)) => opening(*at, today),
        (Form::Text, Value::Named(row, name)) => {
            let id = Some(format!("name/{row}"));
            vec![Draft { id, before: "", text: name.clone(), kind: None, gap_ms: None }]
        }
        (Form::Text, Value::Text(text)) => vec![Draft::new(format!("text-{}", naming::part(text)), "", text.clone())],
        _ => return None,
    })
}

/// In the groups and pauses of Korean, by the names of English digits.
fn digits_of(digits: &str, next: Next) -> Vec<Draft> {
    let mut drafts = one_digit_after_the_other(digits, None, next);
    let written = digits.chars().filter_map(|digit| digit.to_digit(10));
    for (draft, digit) in drafts.iter_mut().zip(written) {
        draft.text = DIGITS[digit as usize].to_owned();
        draft.before = if draft.before.is_empty() { " " } else { draft.before };
    }
    drafts.iter_mut().take(1).for_each(|draft| draft.before = "");
    drafts
}

/// 9 a.m.; 9 30 a.m.
fn clock(time: Time, at: &str) -> Vec<Draft> {
    let (hour, minute) = (time.hour(), time.minute());
    let half = if hour < 12 { "a.m." } else { "p.m." };
    let face = (hour + 11) % 12 + 1;
    let (family, word) = if at.is_empty() { ("", "".to_owned()) } else { ("at-", format!("{at} ")) };
    if minute == 0 {
        return vec![Draft::new(format!("{family}time-{hour}"), "", format!("{word}{face} {half}"))];
    }
    let minutes = if minute < 10 { format!("oh {minute}") } else { minute.to_string() };
    vec![
        Draft::new(format!("{family}hour-{face}"), "", format!("{word}{face}")),
        Draft::new(format!("minute-{minute}"), " ", minutes),
        Draft::new(format!("clock-{}", half.replace('.', "")), " ", half),
    ]
}

/// Monday, November 30th. A date that is not far away needs no year.
fn calendar(date: Date, family: &str, on: &str) -> Vec<Draft> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::from(date.month().unsigned_abs());
    let day = date.day();
    let ending = match (day % 10, day / 10) {
        (1, tens) if tens != 1 => "st",
        (2, tens) if tens != 1 => "nd",
        (3, tens) if tens != 1 => "rd",
        _ => "th",
    };
    vec![
        weekday(date, family, on),
        Draft::new(format!("month-{month}"), ", ", MONTHS.get(month - 1).copied().unwrap_or_default()),
        Draft::new(format!("day-{day}"), " ", format!("{day}{ending}")),
    ]
}

fn weekday(date: Date, family: &str, on: &str) -> Draft {
    let name = match date.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    Draft::new(format!("{family}-{}", date.weekday().to_monday_one_offset()), "", format!("{on}{name}"))
}

/// tomorrow at 9 a.m.; on Monday at 9 a.m.
fn opening(at: DateTime, today: Option<Date>) -> Vec<Draft> {
    let mut drafts = match today.and_then(|today| days_until(today, at.date())) {
        Some(0) => vec![Draft::new("day-today", "", "today")],
        Some(1) => vec![Draft::new("day-tomorrow", "", "tomorrow")],
        Some(days) if WEEKDAY_ALONE.contains(&days) => vec![weekday(at.date(), "on-weekday", "on ")],
        _ => calendar(at.date(), "on-weekday", "on "),
    };
    let mut time = clock(at.time(), "at");
    time.iter_mut().for_each(|draft| draft.before = " ");
    drafts.append(&mut time);
    drafts
}

#[cfg(test)]
mod tests {
    use super::super::{Known, MenuRow, Mistake, Phrase, Reach, Tongue, Type, Values};
    use super::*;
    use std::collections::BTreeMap;

    fn known() -> Known<'static> {
        Known::from([
            ("opens", Type::Opening),
            ("time", Type::Time),
            ("date", Type::Day),
            ("number", Type::Digits),
            ("wait", Type::UpTo(60)),
            ("center.name", Type::Text),
            ("menu", Type::Menu),
        ])
    }

    fn say(text: &str, name: &str, value: Value) -> (String, Vec<String>) {
        let phrase = Phrase::read_in(Tongue::English, "p", text, &known()).unwrap();
        let by_name = BTreeMap::from([(name.to_owned(), value)]);
        let spoken = phrase.say(&Values { today: Some(Date::constant(2026, 11, 27)), by_name }).unwrap();
        let reach = Reach { names: vec![("fta".to_owned(), "FTA".to_owned())], openings: None };
        let known: BTreeMap<String, String> =
            phrase.sounds(&reach).into_iter().map(|sound| (sound.id, sound.text)).collect();
        for part in &spoken.parts {
            let id = part.id.clone().unwrap();
            assert!(id.starts_with("say/") || id.starts_with("key_") || known[&id] == part.text, "{id}");
        }
        (spoken.text, spoken.parts.into_iter().map(|part| part.id.unwrap()).collect())
    }

    #[test]
    fn an_opening_is_said_as_english_callers_expect_it() {
        let at = |date: &str| Value::Opening(date.parse().unwrap());
        for (value, said) in [
            ("2026-11-27T13:00", "We open today at 1 p.m."),
            ("2026-11-28T09:00", "We open tomorrow at 9 a.m."),
            ("2026-11-30T09:05", "We open on Monday at 9 oh 5 a.m."),
            ("2026-12-01T12:30", "We open on Tuesday, December 1st at 12 30 p.m."),
            ("2027-01-22T00:00", "We open on Friday, January 22nd at 12 a.m."),
        ] {
            assert_eq!(say("We open {opens}", "opens", at(value)).0, said);
        }
        let (_, parts) = say("We open {opens}.", "opens", at("2026-12-03T09:30"));
        assert_eq!(
            parts,
            [
                "phrase/p/1",
                "phrase/on-weekday-4",
                "phrase/month-12",
                "phrase/day-3",
                "phrase/at-hour-9",
                "phrase/minute-30",
                "phrase/clock-am-end",
            ]
        );
    }

    #[test]
    fn other_slots_are_their_name_alone() {
        let (text, parts) = say("You entered {number}.", "number", Value::Digits("1357".to_owned()));
        assert_eq!(text, "You entered one three five seven.");
        assert_eq!(parts[4], "phrase/digit-7-end");
        assert_eq!(say("{wait} minutes", "wait", Value::Number(12)).1, ["phrase/number-12", "phrase/p/1"]);
        assert_eq!(say("{date}", "date", Value::Date(Date::constant(2026, 11, 27))).0, "Friday, November 27th");
        assert_eq!(say("It is {time}.", "time", Value::Time(Time::constant(13, 0, 0, 0))).0, "It is 1 p.m.");
        let centre = Value::Named("fta".to_owned(), "FTA".to_owned());
        assert_eq!(say("{center.name} is busy.", "center.name", centre).1, ["name/fta", "phrase/p/1"]);
        let row = MenuRow { words: "창업".to_owned(), keys: "1".to_owned(), offered: None };
        let choices = Value::Menu(vec![row]);
        assert_eq!(say("{menu}.", "menu", choices).1, ["say/창업", "key_1"]);
        for (text, option) in
            [("{wait|sino:분}", "sino:분"), ("{center.name|으로/로}", "으로/로"), ("{opens|에}", "에")]
        {
            let errors = Phrase::read_in(Tongue::English, "p", text, &known()).unwrap_err();
            assert_eq!(errors[0].mistake, Mistake::KoreanOnly(option.to_owned()));
        }
    }
}
