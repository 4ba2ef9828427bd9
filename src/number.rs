//! Telephone keys and numbers: parsed once at the edge, masked when printed.

pub mod entry;

use crate::limits::DIGITS_MAX;
use std::fmt;

pub use entry::{Entry, EntryKind};

/// One key of a telephone: `0`–`9`, `*`, `#`, and `A`–`D` of the military keypad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u8);

impl Key {
    /// From its character; letters in either case.
    pub fn from_char(character: char) -> Option<Self> {
        match character.to_ascii_uppercase() {
            c @ ('0'..='9' | '*' | '#' | 'A'..='D') => Some(Self(c as u8)),
            _ => None,
        }
    }

    /// From the event code of RFC 4733 §3.2 (0–15); higher codes are not keys.
    pub fn from_event(code: u8) -> Option<Self> {
        b"0123456789*#ABCD".get(usize::from(code)).map(|&c| Self(c))
    }

    /// The event code of RFC 4733 §3.2.
    pub fn event(self) -> u8 {
        b"0123456789*#ABCD".iter().position(|&c| c == self.0).map_or(0, |at| at as u8)
    }

    /// Its character.
    pub fn as_char(self) -> char {
        char::from(self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.as_char())
    }
}

/// A short run of keys, at most [`DIGITS_MAX`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digits(String);

impl Digits {
    /// From text; `None` if it holds anything but keys, nothing, or too many.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > DIGITS_MAX {
            return None;
        }
        text.chars().map(|c| Key::from_char(c).map(Key::as_char)).collect::<Option<String>>().map(Self)
    }

    /// Adds a key; a full buffer stays as it is.
    pub fn push(&mut self, key: Key) {
        if self.0.len() < DIGITS_MAX {
            self.0.push(key.as_char());
        }
    }

    /// The keys as text.
    pub fn as_str(&self) -> &str {
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

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digits({})", self.0)
    }
}

/// What the caller dialled: the user part without visual separators (RFC 3966 §5.1.1) and as it is dialled within Korea, or a name
/// in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Dialled(String);

impl Dialled {
    /// From an unescaped user part. `02-2104-5012`, `(02)2104.5012`, `+82221045012` and `0221045012` are one number; what a number
    /// carries behind it (`1357;phone-context=+82`, RFC 3261 §19.1.6) is no part of it.
    pub fn new(user: &str) -> Self {
        let number = user.split(';').next().unwrap_or(user);
        let plain: String = number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let is_number = !plain.is_empty() && plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'));
        Self(if is_number { national(&plain) } else { user.to_ascii_lowercase() })
    }

    /// The number or name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number without separators as it is dialled within Korea: a carrier may hand over `+8221357`, `008221357` or `021357` for one
/// number. Area codes and mobile numbers lose their 0 behind +82 (ITU-T E.164); special numbers (`1588-0000`, `1357`) have none. What
/// belongs to another country stays.
pub fn national(plain: &str) -> String {
    let rest = plain.strip_prefix("+82").or_else(|| plain.strip_prefix("0082")).unwrap_or_default();
    // The relay service (107) begins as mobile numbers do.
    let longest = if rest.starts_with("10") { SHORT_DIGITS_MAX } else { SPECIAL_DIGITS_MAX };
    let special = rest.starts_with('1') && rest.len() <= longest;
    match rest.strip_prefix('0').unwrap_or(rest) {
        "" => plain.to_owned(),
        number if special => number.to_owned(),
        number => format!("0{number}"),
    }
}

/// `107`, `1357`.
const SHORT_DIGITS_MAX: usize = 4;
/// `1588-0000`; what is longer and begins with 1 is an old mobile number.
const SPECIAL_DIGITS_MAX: usize = 8;

/// Who calls, as the peer says. Prints masked: `010****5678`, `a***`; the whole number never reaches a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Caller(String);

impl Caller {
    /// From an unescaped user part, as [`Dialled`] takes it. Empty means withheld.
    pub fn new(user: &str) -> Self {
        Self(Dialled::new(user).0)
    }

    /// The whole number, for keyed hashing and comparison only; never for output.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What kind of line the call comes from. Special numbers have no area and no E.164 form, so the plan of the country is
    /// looked at, not a library's.
    pub fn kind(&self) -> CallerKind {
        let number = self.0.as_str();
        let digits = |lengths: std::ops::RangeInclusive<usize>| {
            lengths.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let starts = |heads: &[&str]| heads.iter().any(|head| number.starts_with(head));
        const AREAS: [&str; 17] = [
            "031", "032", "033", "041", "042", "043", "044", "051", "052", "053", "054", "055", "061", "062", "063",
            "064", "02",
        ];
        if self.is_withheld() {
            CallerKind::Withheld
        } else if number == "107" {
            CallerKind::Relay
        } else if starts(&["+", "00"]) {
            CallerKind::Foreign
        } else if starts(&["010"]) && digits(11..=11) {
            CallerKind::Mobile
        } else if starts(&["070", "050"]) && digits(11..=12) {
            CallerKind::Internet
        } else if starts(&AREAS) && digits(9..=11) {
            CallerKind::Landline
        } else {
            CallerKind::Other
        }
    }

    /// No number came with the call.
    pub fn is_withheld(&self) -> bool {
        self.0.is_empty() || self.0 == "anonymous"
    }
}

/// What kind of line a call comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CallerKind {
    /// 107, the relay centre: an interpreter speaks and presses keys for a deaf caller.
    Relay,
    /// 010.
    Mobile,
    /// An area code.
    Landline,
    /// 070, and the personal numbers 050x.
    Internet,
    /// Another country.
    Foreign,
    /// No number came.
    Withheld,
    /// Specials such as 15xx-xxxx, and what is no number.
    Other,
}

impl CallerKind {
    /// Each with its word in the table.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("relay", Self::Relay),
        ("mobile", Self::Mobile),
        ("landline", Self::Landline),
        ("internet", Self::Internet),
        ("foreign", Self::Foreign),
        ("withheld", Self::Withheld),
        ("other", Self::Other),
    ];
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_withheld() {
            return f.write_str("withheld");
        }
        let characters: Vec<char> = self.0.chars().collect();
        let is_number = characters.iter().all(|c| c.is_ascii_digit() || *c == '+');
        // At least half stays hidden: short extensions would otherwise print whole.
        let (head, tail) = match (is_number, characters.len()) {
            (true, 10..) => (3, 4),
            (true, 7..) => (0, 3),
            (true, _) => (0, 1),
            (false, _) => (1, 0),
        };
        if head + tail >= characters.len() {
            return f.write_str("***");
        }
        let stars = if is_number { characters.len() - head - tail } else { 3 };
        for c in &characters[..head] {
            write!(f, "{c}")?;
        }
        for _ in 0..stars {
            f.write_str("*")?;
        }
        for c in &characters[characters.len() - tail..] {
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_prints_masked_and_keeps_at_least_half_hidden() {
        for (said, printed) in [
            ("01012345678", "010****5678"),
            ("+821012345678", "010****5678"),
            ("0221045012", "022***5012"),
            ("15880800", "*****800"),
            ("1357", "***7"),
            ("7", "***"),
            ("alice", "a***"),
            ("a", "***"),
            ("", "withheld"),
            ("anonymous", "withheld"),
        ] {
            assert_eq!(Caller::new(said).to_string(), printed, "{said}");
        }
    }

    #[test]
    fn a_caller_is_of_the_kind_its_number_says() {
        use CallerKind::{Foreign, Internet, Landline, Mobile, Other, Relay, Withheld};
        for (said, kind) in [
            ("01012345678", Mobile),
            ("+821012345678", Mobile),
            ("0221045012", Landline),
            ("021234567", Landline),
            ("+82312345678", Landline),
            ("00821012345678", Mobile),
            ("+8215880800", Other),
            ("07012345678", Internet),
            ("050512345678", Internet),
            ("107", Relay),
            ("15880800", Other),
            ("1357", Other),
            ("alice", Other),
            ("+14155550100", Foreign),
            ("", Withheld),
            ("anonymous", Withheld),
        ] {
            assert_eq!(Caller::new(said).kind(), kind, "{said}");
        }
    }

    #[test]
    fn visual_separators_do_not_change_what_was_dialled() {
        for written in ["02-2104-5012", "(02)2104.5012", "02 2104 5012", "0221045012", "0221045012;npdi;rn=+82"] {
            assert_eq!(Dialled::new(written).as_str(), "0221045012");
        }
        assert_eq!(Dialled::new("Alice-Kim").as_str(), "alice-kim");
        assert_eq!(Dialled::new("user;par=u@example.net").as_str(), "user;par=u@example.net");
    }

    #[test]
    fn a_number_of_korea_is_one_number_however_it_is_handed_over() {
        for (written, number) in [
            ("+8221357", "021357"),
            ("008221357", "021357"),
            ("+82-(0)2-1357", "021357"),
            ("+821012345678", "01012345678"),
            ("+82161234567", "0161234567"),
            ("+8215880800", "15880800"),
            ("+821357", "1357"),
            ("+82107", "107"),
            ("+82", "+82"),
            ("+12025550123", "+12025550123"),
            ("0012025550123", "0012025550123"),
        ] {
            assert_eq!(Dialled::new(written).as_str(), number, "{written}");
            assert_eq!(Dialled::new(number).as_str(), number, "{number} is as it is dialled here");
        }
    }

    #[test]
    fn every_key_survives_its_event_code() {
        for code in 0..16 {
            assert_eq!(Key::from_event(code).map(Key::event), Some(code));
        }
        assert_eq!(Key::from_event(16), None);
    }
}
