//! One slot in words: the parts of a number, a time, a date, a menu, and every value that needs a sound of its own.

use super::saying::Value;
use super::{Form, Slot};
use crate::speech::numeral::{native, one_by_one, sino};
use crate::speech::particle::Particle;
use crate::speech::reading::{counted, hour_name, month_name, part_of_day};
use crate::speech::words::{Derived, Kind};
use jiff::civil::{Date, Time, Weekday};

/// Between two digits, in milliseconds.
const BETWEEN_DIGITS: u32 = 60;
/// Between two groups of digits, in milliseconds: who writes a number down keeps up.
const BETWEEN_GROUPS: u32 = 300;

/// A part before its neighbours are known.
pub(super) struct Draft {
    pub(super) id: Option<String>,
    /// What stands before it when it is written.
    pub(super) before: &'static str,
    pub(super) text: String,
    /// `None`: as its place in the sentence asks.
    pub(super) kind: Option<Kind>,
    pub(super) gap_ms: Option<u32>,
}

impl Draft {
    fn new(id: impl Into<String>, before: &'static str, text: impl Into<String>) -> Self {
        let id = format!("phrase/{}", id.into());
        Self { id: Some(id), before, text: text.into(), kind: None, gap_ms: None }
    }
}

/// What follows a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// The end, or a full stop.
    End,
    /// More, after a space or a comma.
    More,
    /// More of the same word: 입니다.
    Attached,
}

impl Slot {
    /// The parts of this value; `None` when it is none for this slot.
    pub(super) fn drafts(&self, value: &Value, today: Option<Date>, next: Next) -> Option<Vec<Draft>> {
        let mut drafts = match (self.form, value) {
            (Form::Count { counter, natively }, Value::Number(number)) => count(*number, counter, natively),
            (Form::Sino, Value::Number(number)) => in_sino(*number),
            (Form::Money, Value::Money(number) | Value::Number(number)) => {
                let mut drafts = in_sino(*number);
                drafts.push(Draft::new("counter-원", " ", "원"));
                drafts
            }
            (Form::Digits, Value::Digits(digits)) => one_digit_after_the_other(digits, self.particle, next),
            (Form::Digits, Value::Number(number)) => {
                one_digit_after_the_other(&number.to_string(), self.particle, next)
            }
            (Form::Time, Value::Time(time)) => clock(*time),
            (Form::Date, Value::Date(date)) => calendar(*date, today),
            (Form::Text, Value::Text(text)) => {
                let text = text.trim();
                let draft = Draft::new(format!("text-{text}"), "", text);
                if text.is_empty() { Vec::new() } else { vec![draft] }
            }
            (Form::Menu, Value::Menu(choices)) => menu(choices),
            _ => return None,
        };
        if let (Some(particle), Some(last)) = (self.particle, drafts.last_mut()) {
            let particle = particle.after(&last.text);
            last.text.push_str(particle);
            if let Some(id) = last.id.as_mut().filter(|_| self.form != Form::Text) {
                id.push('-');
                id.push_str(particle);
            } else if let Some(id) = &mut last.id {
                id.push_str(particle);
            }
        }
        (!drafts.is_empty()).then_some(drafts)
    }
}

/// Before these a number is written without a space, as dates and keys are.
const WRITTEN_TOGETHER: [&str; 4] = ["년", "월", "일", "번"];

/// Up to here a number and its counter are said in one breath.
fn whole_up_to(counter: &str) -> u64 {
    match counter {
        "월" => 12,
        "시" => 24,
        "일" => 31,
        "분" | "초" => 59,
        _ => 30,
    }
}

fn count(number: u64, counter: &'static str, natively: bool) -> Vec<Draft> {
    let space = if WRITTEN_TOGETHER.contains(&counter) { "" } else { " " };
    let words = counted(number, counter, natively);
    if number <= whole_up_to(counter) {
        return vec![Draft::new(format!("count-{counter}-{number}"), "", format!("{words}{space}{counter}"))];
    }
    let mut drafts = match native(number) {
        Some(native) if native == words => vec![Draft::new(format!("native-{number}"), "", words)],
        _ => in_sino(number),
    };
    drafts.push(Draft::new(format!("counter-{counter}"), space, counter));
    drafts
}

/// The thousands, the hundreds and what is left of every four digits, each with 만, 억 or 조 behind.
fn in_sino(number: u64) -> Vec<Draft> {
    let whole = |number: u64, before| Draft::new(format!("sino-{number}"), before, sino(number));
    if number < 100 {
        return vec![whole(number, "")];
    }
    if number >= 10_000_000_000_000_000 {
        return one_digit_after_the_other(&number.to_string(), None, Next::Attached);
    }
    let mut drafts = Vec::new();
    for (unit, name) in [(1_000_000_000_000, "조"), (100_000_000, "억"), (10_000, "만"), (1, "")] {
        let group = number / unit % 10_000;
        let mut before = if drafts.is_empty() { "" } else { " " };
        // 10,000 is 만.
        let is_bare = name == "만" && number < 20_000;
        for part in [group / 1000 * 1000, group % 1000 / 100 * 100, group % 100] {
            if part > 0 && !is_bare {
                drafts.push(whole(part, before));
                before = "";
            }
        }
        if group > 0 && !name.is_empty() {
            drafts.push(Draft::new(format!("sino-{name}"), before, name));
        }
    }
    drafts
}

/// Digit by digit, 0 as 공; the last one falls when its word ends with it.
fn one_digit_after_the_other(digits: &str, particle: Option<Particle>, next: Next) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for group in groups(digits) {
        for (at, digit) in group.chars().enumerate() {
            let (before, gap) = match (drafts.is_empty(), at) {
                (true, _) => ("", None),
                (false, 0) => (", ", Some(BETWEEN_GROUPS)),
                (false, _) => ("", Some(BETWEEN_DIGITS)),
            };
            drafts.push(Draft {
                id: Some(format!("digit_{digit}")),
                before,
                text: one_by_one(&digit.to_string()),
                kind: Some(Kind::Digit),
                gap_ms: gap,
            });
        }
    }
    if let Some(last) = drafts.last_mut().filter(|_| particle.is_some() || next != Next::Attached) {
        last.id = last.id.take().map(|id| id.replace("digit_", "phrase/digit-"));
        last.kind = Some(if particle.is_some() && next != Next::End { Kind::GoingOn } else { Kind::Ending });
    }
    drafts
}

/// Telephone-like groups of three and four: as they are written where they are, by the prefix of Seoul, or the short ones first.
fn groups(written: &str) -> Vec<String> {
    let parts: Vec<String> =
        written.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let [digits] = &parts[..] else { return parts };
    let (mut out, rest) = match digits.strip_prefix("02") {
        Some(rest) if (7..=8).contains(&rest.len()) => (vec!["02".to_owned()], rest),
        _ => (Vec::new(), digits.as_str()),
    };
    let count = rest.len().div_ceil(4);
    let mut at = 0;
    for index in 0..count {
        // As many as are left, spread over the groups that are left, rounded down: 3, 3, 4.
        let length = (rest.len() - at) / (count - index);
        out.extend(rest.get(at..at + length).map(str::to_owned));
        at += length;
    }
    out
}

/// 오전 아홉 시 삼십 분.
fn clock(time: Time) -> Vec<Draft> {
    let (hour, minute) = (u64::from(time.hour().unsigned_abs()), u64::from(time.minute().unsigned_abs()));
    let part = part_of_day(hour).map(|part| format!("{part} ")).unwrap_or_default();
    let mut drafts = vec![Draft::new(format!("time-{hour}"), "", format!("{part}{} 시", hour_name(hour)))];
    if minute > 0 {
        drafts.extend(count(minute, "분", false).into_iter().map(|draft| Draft { before: " ", ..draft }));
    }
    drafts
}

/// 십일월 이십구일 일요일, with the year when it is not this one.
fn calendar(date: Date, today: Option<Date>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if today.is_some_and(|today| today.year() != date.year()) {
        drafts = in_sino(u64::from(date.year().unsigned_abs()));
        drafts.push(Draft::new("counter-년", "", "년"));
    }
    let (month, day) = (u64::from(date.month().unsigned_abs()), u64::from(date.day().unsigned_abs()));
    let before = if drafts.is_empty() { "" } else { " " };
    let weekday = match date.weekday() {
        Weekday::Monday => "월요일",
        Weekday::Tuesday => "화요일",
        Weekday::Wednesday => "수요일",
        Weekday::Thursday => "목요일",
        Weekday::Friday => "금요일",
        Weekday::Saturday => "토요일",
        Weekday::Sunday => "일요일",
    };
    drafts.push(Draft::new(format!("month-{month}"), before, format!("{}월", month_name(month))));
    drafts.push(Draft::new(format!("day-{day}"), " ", format!("{}일", sino(day))));
    drafts.push(Draft::new(format!("weekday-{}", date.weekday().to_monday_one_offset()), " ", weekday));
    drafts
}

/// 정책자금은 1번, 기술개발은 2번: the prompts that a menu of the table has.
fn menu(choices: &[(String, String)]) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for (choice, key) in choices {
        let derived = Derived::Choice(choice.clone());
        let before = if drafts.is_empty() { "" } else { ", " };
        let id = Some(format!("say/{choice}"));
        drafts.push(Draft { id, before, text: derived.text(), kind: Some(derived.kind()), gap_ms: None });
        // A key of two digits is said as its digits, as menus say it.
        for key in key.chars() {
            let (name, text) = match key {
                '*' => ("star".to_owned(), "별표".to_owned()),
                '#' => ("hash".to_owned(), "우물정자".to_owned()),
                digit => (digit.to_string(), format!("{digit}번")),
            };
            let id = Some(format!("key_{name}"));
            drafts.push(Draft { id, before: " ", text, kind: Some(Kind::Ending), gap_ms: None });
        }
    }
    drafts
}

impl Form {
    /// Values that need every sound this form has; none where its words are the table's.
    pub(super) fn every_value(self) -> Vec<Value> {
        // Every part of a number stands before 만, and at its end, somewhere here.
        let numbers = || {
            let large = [100_000_000, 1_000_000_000_000].into_iter().flat_map(|unit| [unit, unit + 1]);
            (0..10_000).chain((1..10_000).map(|group| group * 10_000)).chain([20_001]).chain(large)
        };
        match self {
            Self::Digits => {
                let last = (0..10).map(|digit| format!("0{digit}"));
                let first = (0..10).map(|digit| format!("{digit}0"));
                first.chain(last).map(Value::Digits).collect()
            }
            Self::Count { .. } | Self::Sino => numbers().map(Value::Number).collect(),
            Self::Money => numbers().map(Value::Money).collect(),
            Self::Time => {
                let times = (0..24).flat_map(|hour| (0..60).map(move |minute| Time::new(hour, minute, 0, 0)));
                times.filter_map(Result::ok).map(Value::Time).collect()
            }
            Self::Date => {
                // Every day of a leap year, and any year a caller may ask for.
                let days = (1..=12).flat_map(|month| (1..=31).map(move |day| Date::new(2028, month, day)));
                let years = (1900..2200).map(|year| Date::new(year, 1, 1));
                days.chain(years).filter_map(Result::ok).map(Value::Date).collect()
            }
            Self::Text | Self::Menu => Vec::new(),
        }
    }
}
