//! One slot in words: the parts of a number, a time, a date, a menu, and every value that needs a sound of its own.

use super::saying::{MenuRow, Reach, Value};
use super::{Form, Slot, Tongue, english};
use crate::speech::naming;
use crate::speech::numeral::{native, one_by_one, sino};
use crate::speech::particle::Particle;
use crate::speech::reading::{counted, hour_name, month_name, part_of_day};
use crate::speech::words::{Derived, Kind};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// Between two digits, in milliseconds.
const BETWEEN_DIGITS: u32 = 60;
/// Between two groups of digits, in milliseconds: who writes a number down keeps up.
const BETWEEN_GROUPS: u32 = 300;

/// From today to a day that its weekday alone tells: over a weekend, and not far enough to be taken for another week's.
pub(super) const WEEKDAY_ALONE: std::ops::RangeInclusive<i32> = 2..=3;

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
    pub(super) fn new(id: impl Into<String>, before: &'static str, text: impl Into<String>) -> Self {
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
    pub(super) fn drafts(&self, tongue: Tongue, value: &Value, today: Option<Date>, next: Next) -> Option<Vec<Draft>> {
        if let (Some(most), Value::Number(number)) = (self.most, value)
            && *number > most
        {
            return None;
        }
        if let (Form::Menu, Value::Menu(rows)) = (self.form, value) {
            return (!rows.is_empty()).then(|| menu(tongue, rows));
        }
        if tongue == Tongue::English {
            return english::drafts(self.form, value, today, next).filter(|drafts| !drafts.is_empty());
        }
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
            (Form::Date { year }, Value::Date(date)) => calendar(*date, today.filter(|_| year)),
            (Form::Opening, Value::Opening(at)) => opening(*at, today),
            (Form::Text, Value::Text(text) | Value::Named(_, text)) => {
                let text = text.trim();
                let draft = Draft::new(format!("text-{}", naming::part(text)), "", text);
                if text.is_empty() { Vec::new() } else { vec![draft] }
            }
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
pub(super) fn one_digit_after_the_other(digits: &str, particle: Option<Particle>, next: Next) -> Vec<Draft> {
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
    drafts.push(Draft::new(format!("month-{month}"), before, format!("{}월", month_name(month))));
    drafts.push(Draft::new(format!("day-{day}"), " ", format!("{}일", sino(day))));
    drafts.push(Draft { before: " ", ..weekday(date) });
    drafts
}

fn weekday(date: Date) -> Draft {
    let name = match date.weekday() {
        Weekday::Monday => "월요일",
        Weekday::Tuesday => "화요일",
        Weekday::Wednesday => "수요일",
        Weekday::Thursday => "목요일",
        Weekday::Friday => "금요일",
        Weekday::Saturday => "토요일",
        Weekday::Sunday => "일요일",
    };
    Draft::new(format!("weekday-{}", date.weekday().to_monday_one_offset()), "", name)
}

/// 내일 오전 아홉 시: a caller understands 오늘, 내일 and a weekday at once; what lies further needs its date.
fn opening(at: DateTime, today: Option<Date>) -> Vec<Draft> {
    let mut drafts = match today.and_then(|today| days_until(today, at.date())) {
        Some(0) => vec![Draft::new("day-today", "", "오늘")],
        Some(1) => vec![Draft::new("day-tomorrow", "", "내일")],
        Some(days) if WEEKDAY_ALONE.contains(&days) => vec![weekday(at.date())],
        _ => calendar(at.date(), None),
    };
    let mut time = clock(at.time());
    time.iter_mut().for_each(|draft| draft.before = " ");
    drafts.append(&mut time);
    drafts
}

/// From one day to another.
pub(super) fn days_until(today: Date, day: Date) -> Option<i32> {
    today.until(day).ok().map(|span| span.get_days())
}

/// 정책자금은 1번, 기술개발은 2번, For English, press 9: the prompts that a menu of the table has, each row in the language it is offered in.
fn menu(tongue: Tongue, rows: &[MenuRow]) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for row in rows {
        let (tongue, folder) = match row.offered.as_deref() {
            None => (tongue, String::new()),
            // Of a language that has no words of its own here English ones are written.
            Some(language) => (Tongue::of_language(language).unwrap_or(Tongue::English), format!("{language}/")),
        };
        let words = match tongue {
            Tongue::Korean => Derived::Choice(row.words.clone()).text(),
            Tongue::English => row.words.clone(),
        };
        let before = if drafts.is_empty() { "" } else { ", " };
        let mut push = |name: &str, before, text, kind| {
            let id = Some(format!("{folder}{name}"));
            drafts.push(Draft { id, before, text, kind: Some(kind), gap_ms: None });
        };
        push(&format!("say/{}", naming::part(&row.words)), before, words, Kind::GoingOn);
        // A key of two digits is said as its digits, as menus say it.
        for key in row.keys.chars() {
            let name = match key {
                '*' => "star".to_owned(),
                '#' => "hash".to_owned(),
                digit => digit.to_string(),
            };
            let text = match (tongue, key) {
                (Tongue::Korean, '*') => "별표".to_owned(),
                (Tongue::Korean, '#') => "우물정자".to_owned(),
                (Tongue::Korean, digit) => format!("{digit}번"),
                (Tongue::English, _) => format!("press {name}"),
            };
            push(&format!("key_{name}"), " ", text, Kind::Ending);
        }
    }
    drafts
}

impl Slot {
    /// A value that takes long to say; none for a menu, whose rows are known where it stands.
    pub(super) fn example(&self, reach: &Reach) -> Option<Value> {
        let time = reach.openings.as_ref().and_then(|openings| openings.last().copied());
        let day = Date::constant(2026, 11, 29);
        let longest = reach.names.iter().max_by_key(|(_, name)| name.chars().count());
        Some(match self.form {
            Form::Digits => Value::Digits("01012345678".to_owned()),
            Form::Count { .. } | Form::Sino => Value::Number(self.most.unwrap_or(u64::MAX).min(45)),
            Form::Money => Value::Money(12_345),
            Form::Time => Value::Time(Time::constant(11, 45, 0, 0)),
            Form::Date { .. } => Value::Date(day),
            Form::Opening => Value::Opening(day.to_datetime(time.unwrap_or(Time::constant(11, 45, 0, 0)))),
            Form::Text => longest.map(|(row, name)| Value::Named(row.clone(), name.clone()))?,
            Form::Menu => return None,
        })
    }

    /// Values that need every sound this slot has, each with the day of its call.
    pub(super) fn every_value(&self, tongue: Tongue, reach: &Reach) -> Vec<(Value, Option<Date>)> {
        let most = self.most.unwrap_or(u64::MAX);
        // Every part of a number stands before 만, and at its end, somewhere here.
        let numbers = || {
            let large = [100_000_000, 1_000_000_000_000].into_iter().flat_map(|unit| [unit, unit + 1]);
            let all = (0..10_000).chain((1..10_000).map(|group| group * 10_000)).chain([20_001]).chain(large);
            all.take_while(move |number| *number <= most)
        };
        let times = || {
            let times = (0..24).flat_map(|hour| (0..60).map(move |minute| Time::new(hour, minute, 0, 0)));
            times.filter_map(Result::ok)
        };
        // Every day of a leap year.
        let days = || {
            let days = (1..=12).flat_map(|month| (1..=31).map(move |day| Date::new(2028, month, day)));
            days.filter_map(Result::ok)
        };
        let always = |values: Vec<Value>| values.into_iter().map(|value| (value, None)).collect();
        match self.form {
            Form::Digits => {
                let last = (0..10).map(|digit| format!("0{digit}"));
                let first = (0..10).map(|digit| format!("{digit}0"));
                always(first.chain(last).map(Value::Digits).collect())
            }
            Form::Count { .. } => always(numbers().map(Value::Number).collect()),
            Form::Sino if tongue == Tongue::English => {
                always((0..=most.min(english::NUMBER_MAX)).map(Value::Number).collect())
            }
            Form::Sino => always(numbers().map(Value::Number).collect()),
            Form::Money => always(numbers().map(Value::Money).collect()),
            Form::Time => always(times().map(Value::Time).collect()),
            Form::Date { year: false } => always(days().map(Value::Date).collect()),
            Form::Date { year: true } => {
                // Any year a caller may ask for, seen from another.
                let years = (1900..2200).filter_map(|year| Date::new(year, 1, 1).ok());
                days().chain(years).map(|date| (Value::Date(date), Some(Date::MIN))).collect()
            }
            Form::Opening => {
                let nine = Time::constant(9, 0, 0, 0);
                let openings: Vec<Time> = match &reach.openings {
                    Some(openings) => openings.iter().copied().collect(),
                    None => times().collect(),
                };
                let time = openings.first().copied().unwrap_or(nine);
                let near = days().take(7).flat_map(|day| {
                    let today = |back: i64| day.checked_sub(back.days()).ok();
                    [0, 1, i64::from(*WEEKDAY_ALONE.start())].map(|back| (day, today(back)))
                });
                let far = days().map(|day| (day, None));
                let dates = near.chain(far).map(|(day, today)| (Value::Opening(day.to_datetime(time)), today));
                let day = Date::constant(2028, 1, 1);
                let times = openings.iter().map(|time| (Value::Opening(day.to_datetime(*time)), Some(day)));
                dates.chain(times).collect()
            }
            Form::Text => {
                always(reach.names.iter().map(|(row, name)| Value::Named(row.clone(), name.clone())).collect())
            }
            Form::Menu => Vec::new(),
        }
    }
}
