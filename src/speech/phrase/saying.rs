//! A phrase filled in: the parts to play one after the other, and the whole as it is written.
//!
//! What has few values is one part, said in one breath (세 명, 오전 아홉 시); larger numbers are joined from their thousands, hundreds and
//! what is left. A part's id is the same whenever its words, its melody and its particle are, so a sound can be built for it
//! ahead ([`Phrase::closed_set`]).

use super::{Form, Phrase, Piece, Slot};
use crate::speech::numeral::{native, one_by_one, sino};
use crate::speech::particle::Particle;
use crate::speech::reading::{counted, hour_name, month_name, part_of_day};
use crate::speech::sound::silence;
use crate::speech::texts::id_is_a_path_inside;
use crate::speech::words::{Derived, Kind};
use jiff::civil::{Date, Time, Weekday};
use std::collections::{BTreeMap, BTreeSet};

/// Between two digits, in milliseconds.
const BETWEEN_DIGITS: u32 = 60;
/// Between two groups of digits, in milliseconds: who writes a number down keeps up.
const BETWEEN_GROUPS: u32 = 300;

/// What a slot is filled with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A count.
    Number(u64),
    /// A number told digit by digit; what is no digit parts its groups.
    Digits(String),
    /// Words of the table.
    Text(String),
    /// A time of day; its seconds are not said.
    Time(Time),
    /// A day.
    Date(Date),
    /// Won.
    Money(u64),
    /// Choices and their keys, in the order of the table.
    Menu(Vec<(String, String)>),
}

/// What is known when a phrase is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Values {
    /// The day of the call: a date of its year is said without the year, and so is every date when this is not known.
    pub today: Option<Date>,
    /// The values by name.
    pub by_name: BTreeMap<String, Value>,
}

/// Why a phrase cannot be said: the name whose value is missing, is empty or is another than its kind wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lack(pub String);

/// One sound of a phrase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The prompt that sounds so; `None` when its words cannot name one.
    pub id: Option<String>,
    /// What is said.
    pub text: String,
    /// How it ends.
    pub kind: Kind,
    /// Silence between the voice before it and its own, in milliseconds; 0 for the first.
    pub gap_ms: u32,
    /// How much of that has to be added: the rest lies in the built sounds themselves.
    pub added_ms: u32,
}

/// A phrase for one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spoken {
    /// What to play, in order.
    pub parts: Vec<Part>,
    /// The whole, numbers in words, as a transcript has it.
    pub text: String,
}

/// A sound that a phrase may need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sound {
    /// Its prompt.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How it ends.
    pub kind: Kind,
}

/// A part before its neighbours are known.
struct Draft {
    id: Option<String>,
    /// What stands before it when it is written.
    before: &'static str,
    text: String,
    /// `None`: as its place in the sentence asks.
    kind: Option<Kind>,
    gap_ms: Option<u32>,
}

impl Draft {
    fn new(id: impl Into<String>, before: &'static str, text: impl Into<String>) -> Self {
        let id = format!("phrase/{}", id.into());
        Self { id: Some(id), before, text: text.into(), kind: None, gap_ms: None }
    }
}

/// What follows a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// The end, or a full stop.
    End,
    /// More, after a space or a comma.
    More,
    /// More of the same word: 입니다.
    Attached,
}

impl Phrase {
    /// The phrase with these values.
    pub fn say(&self, values: &Values) -> Result<Spoken, Lack> {
        let (mut parts, mut text): (Vec<Part>, _) = (Vec::new(), String::new());
        let mut literals = 0;
        // Whether a sentence is under way, so that what ends it is its ending.
        let mut going = false;
        for (at, piece) in self.pieces.iter().enumerate() {
            let next = self.next(at);
            match piece {
                Piece::Literal(literal) => {
                    text.push_str(literal);
                    for sentence in sentences(literal) {
                        literals += 1;
                        let ends = ends_a_sentence(sentence);
                        let kind = match (ends || (next == Next::End && literal.trim_end().ends_with(sentence)), going)
                        {
                            (true, true) => Kind::Ending,
                            (true, false) => Kind::Sentence,
                            (false, _) => Kind::GoingOn,
                        };
                        going = kind == Kind::GoingOn;
                        let id = Some(format!("phrase/{}-{literals}", self.id));
                        push(
                            &mut parts,
                            Draft { id, before: "", text: sentence.to_owned(), kind: None, gap_ms: None },
                            kind,
                        );
                    }
                    // A full stop right behind a slot.
                    if ends_a_sentence(literal) {
                        going = false;
                    }
                }
                Piece::Slot(slot) => {
                    let value = values.by_name.get(&slot.name).ok_or_else(|| Lack(slot.name.clone()))?;
                    let drafts = slot.drafts(value, values.today, next).ok_or_else(|| Lack(slot.name.clone()))?;
                    let last = drafts.len().saturating_sub(1);
                    for (index, draft) in drafts.into_iter().enumerate() {
                        text.push_str(draft.before);
                        text.push_str(&draft.text);
                        let falls = index == last && next == Next::End;
                        let kind = draft.kind.unwrap_or(if falls { Kind::Ending } else { Kind::GoingOn });
                        going = true;
                        push(&mut parts, draft, kind);
                    }
                    going &= next != Next::End;
                }
            }
        }
        Ok(Spoken { parts, text: text.trim().to_owned() })
    }

    /// Every sound of it that does not hang on words of the table: what a build has to make, each once, by id.
    pub fn closed_set(&self) -> Vec<Sound> {
        let mut sounds = BTreeSet::new();
        let mut only = self.clone();
        for (at, piece) in self.pieces.iter().enumerate() {
            let Piece::Slot(slot) = piece else { continue };
            let next = self.next(at);
            for value in slot.form.every_value() {
                // Another year, so that years are among them.
                let today = (slot.form == Form::Date).then_some(Date::MIN);
                let drafts = slot.drafts(&value, today, next).unwrap_or_default();
                let last = drafts.len().saturating_sub(1);
                for (index, draft) in drafts.into_iter().enumerate() {
                    let falls = index == last && next == Next::End;
                    let kind = draft.kind.unwrap_or(if falls { Kind::Ending } else { Kind::GoingOn });
                    sounds.extend(draft.id.map(|id| Sound { id: named(id, kind), text: draft.text, kind }));
                }
            }
        }
        // The literals are the same whatever the slots hold.
        only.pieces.iter_mut().for_each(|piece| {
            if let Piece::Slot(slot) = piece {
                *slot = Slot { name: String::new(), form: Form::Text, particle: None };
            }
        });
        let anything =
            Values { today: None, by_name: BTreeMap::from([(String::new(), Value::Text("가".to_owned()))]) };
        let literal = format!("phrase/{}-", self.id);
        let spoken = only.say(&anything).map(|spoken| spoken.parts).unwrap_or_default();
        sounds.extend(spoken.into_iter().filter_map(|part| {
            let id = part.id.filter(|id| id.starts_with(&literal))?;
            Some(Sound { id, text: part.text, kind: part.kind })
        }));
        sounds.into_iter().collect()
    }

    fn next(&self, at: usize) -> Next {
        let Some(Piece::Literal(literal)) = self.pieces.get(at + 1) else {
            return if at + 1 < self.pieces.len() { Next::More } else { Next::End };
        };
        let is_last = at + 2 == self.pieces.len();
        let word = literal.trim_start_matches(|c: char| !c.is_alphanumeric());
        let between = literal.get(..literal.len() - word.len()).unwrap_or("");
        match (word.is_empty() && is_last, between) {
            (true, _) => Next::End,
            (false, between) if ends_a_sentence(between) => Next::End,
            (false, "") => Next::Attached,
            (false, _) => Next::More,
        }
    }
}

/// Adds a part behind the others.
fn push(parts: &mut Vec<Part>, draft: Draft, kind: Kind) {
    let (lead, _) = silence(kind);
    let own = parts.last().map_or(0, |before| silence(before.kind).1 + lead);
    let own = u32::try_from(own).unwrap_or(u32::MAX);
    let gap_ms = if parts.is_empty() { 0 } else { draft.gap_ms.unwrap_or(own).max(own) };
    let id = draft.id.map(|id| named(id, kind)).filter(|id| id_is_a_path_inside(id));
    parts.push(Part { id, text: draft.text, kind, gap_ms, added_ms: gap_ms - own });
}

/// The same words fall at an end and stay up before more: two sounds. Prompts of the tables have one kind, and literals one place.
fn named(id: String, kind: Kind) -> String {
    let of_a_slot =
        id.strip_prefix("phrase/").is_some_and(|rest| OF_SLOTS.iter().any(|family| rest.starts_with(family)));
    if of_a_slot && kind == Kind::Ending { format!("{id}-end") } else { id }
}

/// Families of parts that stand in more than one place.
const OF_SLOTS: [&str; 10] =
    ["count-", "counter-", "native-", "sino-", "time-", "month-", "day-", "weekday-", "digit-", "text-"];

fn ends_a_sentence(text: &str) -> bool {
    text.trim_end().ends_with(['.', '?', '!', '。'])
}

/// The sentences of a text, and what is left behind them, without those that do not sound. A full stop ends one before a space only.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.match_indices(['.', '?', '!', '。']).map(|(at, mark)| at + mark.len());
    let ends = ends.filter(|&end| text.get(end..).is_some_and(|rest| rest.starts_with(' '))).chain([text.len()]);
    let mut begin = 0;
    ends.filter_map(move |end| {
        let sentence = text.get(begin..end)?;
        begin = end;
        // Marks right behind a slot are written, and heard in its melody.
        let sentence = sentence.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '#' && c != '*').trim_end();
        (!sentence.is_empty()).then_some(sentence)
    })
}

impl Slot {
    /// The parts of this value; `None` when it is none for this slot.
    fn drafts(&self, value: &Value, today: Option<Date>, next: Next) -> Option<Vec<Draft>> {
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
    fn every_value(self) -> Vec<Value> {
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

#[cfg(test)]
mod tests {
    use super::super::{Known, Type};
    use super::*;

    fn say(text: &str, values: &[(&str, Value)]) -> Spoken {
        let known = Known::from([
            ("position", Type::Number),
            ("wait", Type::Number),
            ("number", Type::Digits),
            ("center.name", Type::Text),
            ("opens", Type::Time),
            ("day", Type::Date),
            ("menu", Type::Menu),
        ]);
        let by_name = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Phrase::read("p", text, &known).unwrap().say(&Values { today: None, by_name }).unwrap()
    }

    /// id, text, kind, gap and what is added to it.
    fn parts(spoken: &Spoken) -> Vec<String> {
        let parts = spoken.parts.iter();
        parts
            .map(|part| {
                let id = part.id.as_deref().unwrap_or("-");
                format!("{id} {} {} {}+{}", part.text, part.kind, part.gap_ms, part.added_ms)
            })
            .collect()
    }

    #[test]
    fn a_place_in_the_queue_is_joined_from_whole_phrases() {
        let spoken = say(
            "대기 순서는 {position|native}번째이고, 예상 대기 시간은 {wait|sino:분}입니다.",
            &[("position", Value::Number(3)), ("wait", Value::Number(12))],
        );
        assert_eq!(spoken.text, "대기 순서는 세 번째이고, 예상 대기 시간은 십이 분입니다.");
        assert_eq!(
            parts(&spoken),
            [
                "phrase/p-1 대기 순서는 going-on 0+0",
                "phrase/count-번째-3 세 번째 going-on 50+0",
                "phrase/p-2 이고, 예상 대기 시간은 going-on 50+0",
                "phrase/count-분-12 십이 분 going-on 50+0",
                "phrase/p-3 입니다. ending 30+0",
            ]
        );
    }

    #[test]
    fn what_ends_a_sentence_falls() {
        let spoken = say(
            "안내입니다. 지금은 {opens}. {wait|native:명}, 그리고 {position|sino:분}",
            &[
                ("opens", Value::Time(Time::constant(9, 30, 0, 0))),
                ("wait", Value::Number(45)),
                ("position", Value::Number(2)),
            ],
        );
        assert_eq!(spoken.text, "안내입니다. 지금은 오전 아홉 시 삼십 분. 마흔다섯 명, 그리고 이 분");
        assert_eq!(
            parts(&spoken),
            [
                "phrase/p-1 안내입니다. sentence 0+0",
                "phrase/p-2 지금은 going-on 160+0",
                "phrase/time-9 오전 아홉 시 going-on 50+0",
                "phrase/count-분-30-end 삼십 분 ending 30+0",
                "phrase/native-45 마흔다섯 going-on 140+0",
                "phrase/counter-명 명 going-on 50+0",
                "phrase/p-3 그리고 going-on 50+0",
                "phrase/count-분-2-end 이 분 ending 30+0",
            ]
        );
    }

    #[test]
    fn digits_stand_apart_their_groups_further_and_the_last_one_falls() {
        let spoken = say("{number}", &[("number", Value::Digits("120-345".into()))]);
        assert_eq!(spoken.text, "일이공, 삼사오");
        assert_eq!(
            parts(&spoken),
            [
                "digit_1 일 digit 0+0",
                "digit_2 이 digit 60+0",
                "digit_0 공 digit 60+0",
                "digit_3 삼 digit 300+240",
                "digit_4 사 digit 60+0",
                "phrase/digit-5-end 오 ending 60+20",
            ]
        );
        let inside = say("{number|digits}번입니다.", &[("number", Value::Digits("7".into()))]);
        assert_eq!(parts(&inside)[0], "digit_7 칠 digit 0+0", "a word goes on behind it");
        let particle = say("{number|digits|으로/로} 겁니다.", &[("number", Value::Digits("10".into()))]);
        assert_eq!(particle.text, "일공으로 겁니다.");
        assert_eq!(parts(&particle)[1], "phrase/digit-0-으로 공으로 going-on 60+0");
    }

    #[test]
    fn a_menu_is_said_by_the_prompts_it_has() {
        let choices = [("정책자금", "1"), ("다른 부처 상담센터", "12"), ("처음", "*")];
        let choices = choices.map(|(choice, key)| (choice.to_owned(), key.to_owned())).to_vec();
        let spoken = say("{menu}입니다.", &[("menu", Value::Menu(choices))]);
        assert_eq!(spoken.text, "정책자금은 1번, 다른 부처 상담센터는 1번 2번, 처음은 별표입니다.");
        let parts = parts(&spoken);
        assert_eq!(parts[..2], ["say/정책자금 정책자금은 going-on 0+0", "key_1 1번 ending 30+0"]);
        assert_eq!(parts[2], "say/다른 부처 상담센터 다른 부처 상담센터는 going-on 140+0");
        assert_eq!(parts[6], "key_star 별표 ending 30+0");
    }

    #[test]
    fn a_name_that_cannot_be_a_file_is_said_without_an_id() {
        let name = |name: &str| say("{center.name|으로/로} 연결합니다.", &[("center.name", Value::Text(name.into()))]);
        assert_eq!(parts(&name("서울"))[0], "phrase/text-서울로 서울로 going-on 0+0");
        assert_eq!(parts(&name("가/../나"))[0], "- 가/../나로 going-on 0+0");
    }

    #[test]
    fn a_value_that_is_missing_empty_or_of_another_kind_is_named() {
        let known = Known::from([("t", Type::Text), ("number", Type::Digits)]);
        let lack = |name: &str, value: Value| {
            let values = Values { today: None, by_name: BTreeMap::from([(name.to_owned(), value)]) };
            Phrase::read("p", "{t} {number}", &known).unwrap().say(&values)
        };
        assert_eq!(lack("number", Value::Digits("1".into())), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Number(1)), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Text(" ".into())), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Text("가".into())), Err(Lack("number".into())));
    }

    #[test]
    fn a_closed_set_has_one_sound_for_each_id_and_the_words_of_the_phrase() {
        let known = Known::from([("wait", Type::Number)]);
        let phrase = Phrase::read("wait", "예상 대기 시간은 {wait|sino:분}입니다.", &known).unwrap();
        let set = phrase.closed_set();
        let ids: BTreeSet<_> = set.iter().map(|sound| &sound.id).collect();
        assert_eq!(ids.len(), set.len());
        let text = |id: &str| set.iter().find(|sound| sound.id == id).map(|sound| (sound.text.as_str(), sound.kind));
        assert_eq!(text("phrase/wait-1"), Some(("예상 대기 시간은", Kind::GoingOn)));
        assert_eq!(text("phrase/wait-2"), Some(("입니다.", Kind::Ending)));
        assert_eq!(text("phrase/count-분-59"), Some(("오십구 분", Kind::GoingOn)));
        assert_eq!(text("phrase/counter-분"), Some(("분", Kind::GoingOn)));
        assert_eq!(text("phrase/count-분-60"), None);
    }
}
