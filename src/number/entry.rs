//! What a caller enters: personal until proven otherwise, so it prints as its length only; and the kinds of numbers
//! that can be told right from wrong.

use super::Key;
use crate::limits::ENTRY_DIGITS_MAX;
use std::fmt;
use std::ops::RangeInclusive;

/// Digits a caller entered. They are nobody's business but the caller's: they print as how many there are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Entry(String);

impl Entry {
    /// Adds a key; what is longer than any entry stays as it is.
    pub fn push(&mut self, key: Key) {
        if self.0.len() <= ENTRY_DIGITS_MAX {
            self.0.push(key.as_char());
        }
    }

    /// The digits, for comparing and for reading back to the caller; never for output.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No key yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} keys)", self.len())
    }
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntryKind {
    /// Digits.
    Any,
    /// A telephone number of Korea, with its area or mobile code.
    Phone,
    /// 사업자등록번호: ten digits, the last of which checks the others.
    BusinessNumber,
    /// A day, as 20261124.
    Date,
}

/// Heads of telephone numbers, each with how long a number is that begins so.
const PHONES: [(&str, RangeInclusive<usize>); 30] = [
    ("010", 11..=11),
    ("011", 10..=11),
    ("016", 10..=11),
    ("017", 10..=11),
    ("018", 10..=11),
    ("019", 10..=11),
    ("050", 11..=12),
    ("070", 11..=11),
    ("080", 10..=11),
    ("02", 9..=10),
    ("031", 10..=11),
    ("032", 10..=11),
    ("033", 10..=11),
    ("041", 10..=11),
    ("042", 10..=11),
    ("043", 10..=11),
    ("044", 10..=11),
    ("051", 10..=11),
    ("052", 10..=11),
    ("053", 10..=11),
    ("054", 10..=11),
    ("055", 10..=11),
    ("061", 10..=11),
    ("062", 10..=11),
    ("063", 10..=11),
    ("064", 10..=11),
    ("15", 8..=8),
    ("16", 8..=8),
    ("18", 8..=8),
    // 14xxxx, such as the information service of a company.
    ("14", 6..=6),
];

impl EntryKind {
    /// Each with its word in the table.
    pub const WORDS: [(&'static str, Self); 4] =
        [("any", Self::Any), ("phone", Self::Phone), ("business-number", Self::BusinessNumber), ("date", Self::Date)];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// How long such an entry is; `None` where the table says.
    pub fn lengths(self) -> Option<RangeInclusive<usize>> {
        match self {
            Self::Any => None,
            Self::Phone => Some(6..=12),
            Self::BusinessNumber => Some(10..=10),
            Self::Date => Some(8..=8),
        }
    }

    /// Whether these digits are one.
    pub fn fits(self, digits: &str) -> bool {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        match self {
            Self::Any => true,
            Self::Phone => {
                PHONES.iter().any(|(head, lengths)| digits.starts_with(head) && lengths.contains(&digits.len()))
            }
            Self::BusinessNumber => digits.len() == 10 && business_check(digits) == digits.chars().last(),
            Self::Date => is_date(digits),
        }
    }

    /// Whether longer digits that begin with these may be one. (Asked of digits only.)
    pub fn may_go_on(self, digits: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Phone => PHONES.iter().any(|(head, lengths)| {
                let alike = head.starts_with(digits) || digits.starts_with(head);
                alike && digits.len() < *lengths.end()
            }),
            Self::BusinessNumber => digits.len() < 10,
            Self::Date => digits.len() < 8,
        }
    }

    /// Such an entry that begins with these digits: made up, for those who try every way through a table. The longest
    /// of its kind, if asked for.
    pub fn example(self, begins: &str, longest: bool) -> Option<String> {
        let filled = |text: &str, length: usize| format!("{text}{}", "1".repeat(length.saturating_sub(text.len())));
        match self {
            Self::Any => None,
            Self::Phone => {
                let (head, lengths) =
                    PHONES.iter().find(|(head, _)| head.starts_with(begins) || begins.starts_with(head))?;
                let start = if head.len() > begins.len() { head } else { begins };
                let length = if longest { *lengths.end() } else { *lengths.start() };
                Some(filled(start, length)).filter(|number| self.fits(number))
            }
            Self::BusinessNumber => {
                let nine = filled(begins, 9);
                let check = business_check(nine.get(..9)?)?;
                Some(format!("{}{check}", nine.get(..9)?)).filter(|number| number.starts_with(begins))
            }
            Self::Date => {
                let years = if longest { [2027, 2026, 1999, 1985] } else { [2026, 2027, 1999, 1985] };
                let days = years.iter().flat_map(|year| {
                    (1..=12).flat_map(move |month| (1..=31).map(move |day| format!("{year:04}{month:02}{day:02}")))
                });
                days.filter(|day| day.starts_with(begins)).find(|day| is_date(day))
            }
        }
    }
}

/// The tenth digit of a 사업자등록번호: weights 1, 3, 7, and the tens of five times the ninth digit.
fn business_check(digits: &str) -> Option<char> {
    const WEIGHTS: [u32; 9] = [1, 3, 7, 1, 3, 7, 1, 3, 5];
    let values: Vec<u32> = digits.chars().take(9).filter_map(|digit| digit.to_digit(10)).collect();
    let ninth = *values.get(8)?;
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum::<u32>() + ninth * 5 / 10;
    char::from_digit((10 - sum % 10) % 10, 10)
}

/// A day of the years in which callers were born or will be visited.
fn is_date(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(4..6), part(6..8)) else { return false };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return false };
    digits.len() == 8 && (1900..=2100).contains(&year) && jiff::civil::Date::new(year, month, day).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_number_is_known_by_its_last_digit() {
        for (digits, right) in [
            ("1108141272", true),
            ("3058221570", true),
            ("1234567891", true),
            ("1108141273", false),
            ("1180141272", false),
            ("110814127", false),
            ("11081412720", false),
            ("", false),
        ] {
            assert_eq!(EntryKind::BusinessNumber.fits(digits), right, "{digits}");
        }
    }

    #[test]
    fn a_telephone_number_has_a_known_head_and_its_length() {
        for (digits, right) in [
            ("01012345678", true),
            ("0101234567", false),
            ("0221045012", true),
            ("021234567", true),
            ("0311234567", true),
            ("15880800", true),
            ("158808001", false),
            ("07012345678", true),
            ("050712345678", true),
            ("99912345", false),
        ] {
            assert_eq!(EntryKind::Phone.fits(digits), right, "{digits}");
        }
        assert!(EntryKind::Phone.may_go_on("021234567") && !EntryKind::Phone.may_go_on("0221045012"));
        assert!(!EntryKind::Phone.may_go_on("9"));
    }

    #[test]
    fn a_date_is_a_day_that_exists() {
        for (digits, right) in
            [("20261124", true), ("20280229", true), ("20260229", false), ("20261301", false), ("2026112", false)]
        {
            assert_eq!(EntryKind::Date.fits(digits), right, "{digits}");
        }
    }

    #[test]
    fn an_example_is_what_it_stands_for() {
        for (_, kind) in EntryKind::WORDS {
            for (begins, longest) in [("", false), ("", true), ("0", false), ("1", true), ("2", false)] {
                let example = kind.example(begins, longest);
                assert!(example.iter().all(|example| kind.fits(example) && example.starts_with(begins)), "{example:?}");
            }
        }
        assert!(EntryKind::Phone.example("", true).is_some() && EntryKind::Phone.example("9", true).is_none());
    }

    #[test]
    fn an_entry_never_prints_its_digits() {
        let mut entry = Entry::default();
        "0101234".chars().filter_map(Key::from_char).for_each(|key| entry.push(key));
        assert_eq!(format!("{entry:?}"), "Entry(7 keys)");
        assert_eq!(entry.secret(), "0101234");
    }
}
