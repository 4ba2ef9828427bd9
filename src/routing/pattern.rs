//! Patterns of telephone numbers: what a row answers, and whose calls a condition means.
//!
//! | written | means |
//! |---|---|
//! | `1357`, `02-1357` | this number; `-` `.` `( )` and blanks do not count |
//! | `135x` | each `x` is one digit |
//! | `1357*` | these digits and any that follow, also none |
//! | `0221045000~0221045099` | every number from the first to the last, both of one length |
//! | `+1*` | what comes from another country |
//!
//! Numbers of Korea are what is dialled within it, in whichever of its forms the pattern and the number are written
//! ([`national`]).

use crate::number::{Dialled, national};
use std::fmt;

/// One pattern. What it was written as is what it prints.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pattern {
    /// One number or name.
    Exact(Dialled),
    /// Digits and `x`, of one length.
    Mask(String),
    /// Digits (and `x`) that a number begins with.
    Prefix(String),
    /// First and last, digits of one length.
    Range(String, String),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatternError {
    /// Nothing, or characters nobody can dial.
    Characters,
    /// `a~b` with two lengths, or `b` before `a`, or anything but digits.
    Range,
    /// `+82*`: all of Korea, whose numbers are known without it.
    Country,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if let Some((first, last)) = text.split_once('~') {
            let (first, last) = (plain(first), plain(last));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let fits = digits(&first) && digits(&last) && first.len() == last.len() && first <= last;
            return if fits { Ok(Self::Range(first, last)) } else { Err(PatternError::Range) };
        }
        let written = |c: char| c.is_ascii_alphanumeric() || "+*#-._() ".contains(c);
        if text.trim().is_empty() || !text.chars().all(written) {
            return Err(PatternError::Characters);
        }
        if matches!(bare(text).strip_suffix('*'), Some("+82" | "0082")) {
            return Err(PatternError::Country);
        }
        let plain = plain(text);
        let masked = |text: &str| {
            let text = text.strip_prefix('+').unwrap_or(text);
            text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'x' | b'X'))
        };
        Ok(match plain.strip_suffix('*') {
            Some(begin) if !begin.is_empty() && masked(begin) => Self::Prefix(begin.to_ascii_lowercase()),
            _ if masked(&plain) && plain.bytes().any(|byte| matches!(byte, b'x' | b'X')) => {
                Self::Mask(plain.to_ascii_lowercase())
            }
            _ => Self::Exact(Dialled::new(text)),
        })
    }

    /// Whether a number is meant.
    pub fn matches(&self, number: &str) -> bool {
        match self {
            Self::Exact(dialled) => dialled.as_str() == number,
            Self::Mask(mask) => mask.len() == number.len() && begins(mask, number),
            Self::Prefix(begin) => {
                let digits = number.strip_prefix('+').unwrap_or(number);
                begins(begin, number) && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Range(first, last) => {
                number.len() == first.len()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
                    && (first.as_str()..=last.as_str()).contains(&number)
            }
        }
    }

    /// A number it matches: where one must be shown or dialled.
    pub fn example(&self) -> String {
        match self {
            Self::Exact(dialled) => dialled.as_str().to_owned(),
            Self::Mask(mask) | Self::Prefix(mask) => mask.replace('x', "0"),
            Self::Range(first, _) => first.clone(),
        }
    }

    /// Whether some number is meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(number), pattern) | (pattern, Self::Exact(number)) => pattern.matches(number.as_str()),
            (Self::Range(first, last), Self::Range(other_first, other_last)) => {
                first.len() == other_first.len() && first <= other_last && other_first <= last
            }
            (Self::Range(first, last), mask) | (mask, Self::Range(first, last)) => {
                mask.of_length(first.len()).and_then(|mask| least(&mask, first)).is_some_and(|found| found <= *last)
            }
            (Self::Mask(a), Self::Mask(b)) => a.len() == b.len() && meets(a, b),
            (Self::Mask(mask), Self::Prefix(begin)) | (Self::Prefix(begin), Self::Mask(mask)) => {
                begin.len() <= mask.len() && meets(begin, mask)
            }
            (Self::Prefix(a), Self::Prefix(b)) => meets(a, b),
        }
    }

    /// The numbers of one length as a mask; `None` where it has none of that length.
    fn of_length(&self, length: usize) -> Option<String> {
        match self {
            Self::Mask(mask) => (mask.len() == length).then(|| mask.clone()),
            Self::Prefix(begin) => {
                let rest = length.checked_sub(begin.len())?;
                Some(format!("{begin}{}", "x".repeat(rest)))
            }
            Self::Exact(_) | Self::Range(..) => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(dialled) => f.write_str(dialled.as_str()),
            Self::Mask(mask) => f.write_str(mask),
            Self::Prefix(begin) => write!(f, "{begin}*"),
            Self::Range(first, last) => write!(f, "{first}~{last}"),
        }
    }
}

impl From<Dialled> for Pattern {
    fn from(dialled: Dialled) -> Self {
        Self::Exact(dialled)
    }
}

/// Without visual separators (RFC 3966 §5.1.1).
fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect()
}

/// And as it is dialled within Korea.
fn plain(text: &str) -> String {
    national(&bare(text))
}

/// Whether a number begins as the mask says.
fn begins(mask: &str, number: &str) -> bool {
    mask.len() <= number.len()
        && mask
            .bytes()
            .zip(number.bytes())
            .all(|(mask, digit)| mask == digit || (mask == b'x' && digit.is_ascii_digit()))
}

/// Whether two masks agree as far as both go.
fn meets(a: &str, b: &str) -> bool {
    let digit = |byte: u8| byte == b'x' || byte.is_ascii_digit();
    a.bytes().zip(b.bytes()).all(|(a, b)| a == b || (a == b'x' && digit(b)) || (b == b'x' && digit(a)))
}

/// The least number of a mask that is not below `from`; both have one length.
fn least(mask: &str, from: &str) -> Option<String> {
    if begins(mask, from) {
        return Some(from.to_owned());
    }
    // The longest common beginning gives the least number: there one digit is above, and the rest is as low as it goes.
    (0..from.len()).rev().find_map(|at| {
        let (mask_digit, digit) = (mask.as_bytes()[at], from.as_bytes()[at]);
        let above = match mask_digit {
            b'x' => (digit < b'9').then(|| digit + 1),
            fixed => (fixed > digit).then_some(fixed),
        }?;
        let rest = mask.get(at + 1..)?.replace('x', "0");
        begins(mask.get(..at)?, from.get(..at)?).then(|| format!("{}{}{rest}", &from[..at], char::from(above)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn a_pattern_means_the_numbers_it_shows() {
        for (text, yes, no) in [
            ("1357", ["1357", "1357"], ["13570", "135"]),
            ("02-1357", ["021357", "021357"], ["1357", "0213570"]),
            ("135x", ["1350", "1359"], ["135", "13500"]),
            ("1357*", ["1357", "1357123"], ["135", "1358"]),
            ("02-2104-5000~02-2104-5099", ["0221045000", "0221045099"], ["0221045100", "022104500"]),
            ("alice", ["alice", "alice"], ["bob", "alicex"]),
            ("*99", ["*99", "*99"], ["99", "*9"]),
            ("+82-2-1357", ["021357", "021357"], ["1357", "8221357"]),
            ("+82-2-2104*", ["0221045012", "022104"], ["2104", "0221055012"]),
            ("0082 10 1234 56xx", ["01012345600", "01012345699"], ["1012345600", "0101234560"]),
            ("+82221045000~+82221045099", ["0221045000", "0221045099"], ["0221045100", "022104500"]),
            ("+1*", ["+12025550123", "+1"], ["12025550123", "+442079460000"]),
            ("+81312345xxx", ["+81312345000", "+81312345999"], ["81312345000", "+8131234500"]),
            ("x*", ["1357", "021357"], ["+12025550123", "*99"]),
        ] {
            for number in yes {
                assert!(pattern(text).matches(number), "{text} means {number}");
            }
            for number in no {
                assert!(!pattern(text).matches(number), "{text} does not mean {number}");
            }
            assert!(pattern(text).matches(&pattern(text).example()), "{text}");
            assert_eq!(pattern(&pattern(text).to_string()), pattern(text), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_dial_is_no_pattern() {
        for (text, error) in [
            ("", PatternError::Characters),
            (" ", PatternError::Characters),
            ("13\"57", PatternError::Characters),
            ("일삼오칠", PatternError::Characters),
            ("1~10", PatternError::Range),
            ("20~10", PatternError::Range),
            ("10~x9", PatternError::Range),
            ("~", PatternError::Range),
            ("+82*", PatternError::Country),
            ("0082-*", PatternError::Country),
        ] {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
    }

    /// Every pattern against every number of up to four digits, the slow way.
    #[test]
    fn two_patterns_overlap_exactly_when_a_number_is_meant_by_both() {
        let texts = [
            "1357",
            "13",
            "13x",
            "x3x",
            "135x",
            "x",
            "xx",
            "13*",
            "1*",
            "9*",
            "x5*",
            "130~139",
            "1350~1359",
            "1000~1349",
            "0~5",
            "1290~1301",
            "2999~3000",
            "+1*",
            "+xx",
        ];
        let numbers: Vec<String> = (1..=4usize)
            .flat_map(|length| (0..10u32.pow(length as u32)).map(move |n| format!("{n:0length$}")))
            .flat_map(|number| [format!("+{number}"), number])
            .collect();
        for a in texts {
            for b in texts {
                let (first, second) = (pattern(a), pattern(b));
                let meets = numbers.iter().any(|number| first.matches(number) && second.matches(number));
                assert_eq!(first.overlaps(&second), meets, "{a} and {b}");
            }
        }
    }
}
