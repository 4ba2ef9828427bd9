//! Which entries an input takes, and when the caller has said all there is to say.

use crate::limits::ENTRY_DIGITS_MAX;
use crate::number::EntryKind;
use std::ops::RangeInclusive;

/// What an input takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepts {
    /// The kind of entry.
    pub kind: EntryKind,
    /// How many digits, at least and at most.
    pub digits: RangeInclusive<usize>,
    /// Only these values; empty is all.
    pub allow: Vec<Allowed>,
}

/// `"01-17"`: values of one length, from the first to the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// How many digits.
    pub width: usize,
    /// The first.
    pub low: u64,
    /// The last.
    pub high: u64,
}

/// What a made-up entry is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// One that is taken.
    Valid,
    /// One that is not.
    Invalid,
    /// The beginning of one.
    Short,
}

impl Allowed {
    /// From `"17"` or `"01-17"`; `"1-17"` is one of a digit and one of two. `None` is no such text.
    pub fn read(text: &str) -> Option<Vec<Self>> {
        let (first, last) = text.split_once('-').map_or((text, text), |(first, last)| (first.trim(), last.trim()));
        let number = |text: &str| {
            let plain = !text.is_empty() && text.len() <= ENTRY_DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (low, high) = (number(first)?, number(last)?);
        if low > high || first.len() > last.len() || (first.len() < last.len() && first.starts_with('0')) {
            return None;
        }
        let ranges = (first.len()..=last.len()).map(|width| Self {
            width,
            low: if width == first.len() { low } else { 10u64.pow(width as u32 - 1) },
            high: if width == last.len() { high } else { 10u64.pow(width as u32) - 1 },
        });
        Some(ranges.collect())
    }

    /// The values that begin with these digits, the first and the last.
    fn beginning(&self, digits: &str) -> Option<(u64, u64)> {
        let missing = self.width.checked_sub(digits.len())? as u32;
        let scale = 10u64.pow(missing);
        let from = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()? * scale };
        let (low, high) = (self.low.max(from), self.high.min(from.saturating_add(scale - 1)));
        (low <= high).then_some((low, high))
    }
}

impl Accepts {
    /// Whether this is an entry.
    pub fn is_valid(&self, digits: &str) -> bool {
        self.digits.contains(&digits.len())
            && self.kind.fits(digits)
            && (self.allow.is_empty() || self.allow.iter().any(|allowed| allowed.is(digits)))
    }

    /// Whether a longer entry may begin with these digits.
    pub fn may_go_on(&self, digits: &str) -> bool {
        let longer = |allowed: &Allowed| allowed.width > digits.len() && allowed.beginning(digits).is_some();
        digits.len() < *self.digits.end()
            && self.kind.may_go_on(digits)
            && (self.allow.is_empty() || self.allow.iter().any(longer))
    }

    /// Whether the caller has said all: there is nothing to wait for. A wrong beginning is waited for to its end, or
    /// the rest of it would count as the next entry.
    pub fn is_complete(&self, digits: &str) -> bool {
        digits.len() >= *self.digits.end() || (self.is_valid(digits) && !self.may_go_on(digits))
    }

    /// Made-up entries that begin with these digits, one or two of each class, for those who try every way through a
    /// table: what an input does depends on the class alone.
    pub fn examples(&self, begins: &str) -> Vec<(Class, String)> {
        let mut all: Vec<(Class, String)> = Vec::new();
        let mut add = |class, text: Option<String>| {
            let known = |text: &String| all.iter().any(|(_, known)| known == text);
            all.extend(text.filter(|text| text.len() > begins.len() && !known(text)).map(|text| (class, text)));
        };
        let (shortest, longest) = (*self.digits.start(), *self.digits.end());
        let mut valid = Vec::new();
        for long in [false, true] {
            let made = match self.kind {
                EntryKind::Any if self.allow.is_empty() => {
                    Some(filled(begins, if long { longest } else { shortest }, '1'))
                }
                EntryKind::Any => {
                    let within =
                        self.allow.iter().filter_map(|allowed| Some((allowed.beginning(begins)?, allowed.width)));
                    let mut values = within.map(|((low, high), width)| if long { (high, width) } else { (low, width) });
                    let value = if long { values.next_back() } else { values.next() };
                    value.map(|(value, width)| format!("{value:0width$}"))
                }
                kind => kind.example(begins, long),
            };
            valid.extend(made.filter(|text| self.is_valid(text)));
        }
        for text in &valid {
            add(Class::Valid, Some(text.clone()));
        }
        let after = self.allow.iter().map(|allowed| format!("{:0width$}", allowed.high + 1, width = allowed.width));
        let wrong = after
            .chain(["9", "0", "5"].iter().map(|digit| filled(begins, longest, digit.chars().next().unwrap_or('9'))));
        let mut wrong = wrong.filter(|text| text.starts_with(begins) && text.len() <= longest);
        add(Class::Invalid, wrong.find(|text| !self.is_valid(text)));
        let start = valid.first().and_then(|text| text.get(..text.len().saturating_sub(1)));
        let short = start.filter(|start| !start.is_empty() && !self.is_valid(start) && !self.is_complete(start));
        add(Class::Short, short.map(str::to_owned));
        all
    }
}

impl Allowed {
    fn is(&self, digits: &str) -> bool {
        digits.len() == self.width && digits.parse().is_ok_and(|value| (self.low..=self.high).contains(&value))
    }
}

fn filled(begins: &str, length: usize, digit: char) -> String {
    let missing = length.saturating_sub(begins.len());
    begins.chars().chain(std::iter::repeat_n(digit, missing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(kind: EntryKind, digits: RangeInclusive<usize>, allow: &[&str]) -> Accepts {
        let allow = allow.iter().flat_map(|text| Allowed::read(text).expect("a range")).collect();
        Accepts { kind, digits, allow }
    }

    #[test]
    fn a_range_is_read_by_its_lengths() {
        let range = |width, low, high| Allowed { width, low, high };
        for (text, ranges) in [
            ("7", Some(vec![range(1, 7, 7)])),
            ("01-17", Some(vec![range(2, 1, 17)])),
            ("1-17", Some(vec![range(1, 1, 9), range(2, 10, 17)])),
            ("1 - 7", Some(vec![range(1, 1, 7)])),
            ("17-1", None),
            ("01-170", None),
            ("1-", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(Allowed::read(text), ranges, "{text}");
        }
    }

    #[test]
    fn an_entry_is_complete_when_nothing_can_follow() {
        let regions = accepts(EntryKind::Any, 1..=2, &["1-17"]);
        for (digits, valid, complete) in
            [("1", true, false), ("9", true, true), ("17", true, true), ("18", false, true), ("0", false, false)]
        {
            assert_eq!((regions.is_valid(digits), regions.is_complete(digits)), (valid, complete), "{digits}");
        }
        let number = accepts(EntryKind::BusinessNumber, 10..=10, &[]);
        assert!(!number.is_complete("999999999") && number.is_complete("9999999999"));
        let phone = accepts(EntryKind::Phone, 6..=12, &[]);
        assert!(phone.is_complete("01012345678") && !phone.is_complete("021234567") && !phone.is_complete("99"));
    }

    #[test]
    fn examples_are_of_their_class_and_begin_as_asked() {
        for (accepts, begins, classes) in [
            (accepts(EntryKind::Any, 4..=6, &[]), "", "VVS"),
            (accepts(EntryKind::Any, 1..=1, &["1-7"]), "", "VVI"),
            (accepts(EntryKind::Any, 2..=2, &["01-17"]), "", "VVIS"),
            (accepts(EntryKind::Any, 2..=2, &["01-17"]), "9", "I"),
            (accepts(EntryKind::Phone, 6..=12, &[]), "", "VIS"),
            (accepts(EntryKind::Phone, 6..=12, &[]), "02", "VVIS"),
            (accepts(EntryKind::BusinessNumber, 10..=10, &[]), "1", "VIS"),
            (accepts(EntryKind::Date, 8..=8, &[]), "", "VVIS"),
        ] {
            let made = accepts.examples(begins);
            let told: String =
                made.iter().map(|(class, _)| format!("{class:?}").chars().next().unwrap_or('?')).collect();
            assert_eq!(told, classes, "{accepts:?} {begins}: {made:?}");
            for (class, text) in made {
                assert!(text.starts_with(begins) && accepts.is_valid(&text) == (class == Class::Valid), "{text}");
            }
        }
    }
}
