//! What one value of the settings says. The environment knows texts only, so everything may come as a text.

use super::Wrong;
use crate::sip::trunk::Srtp;
use crate::time::Duration;
use config::{Value, ValueKind};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// As written, without the space around it.
pub fn text(value: &Value) -> String {
    value.clone().into_string().unwrap_or_else(|_| value.to_string()).trim().to_owned()
}

/// A list, or a text with commas (the environment has no lists); `None` for a table.
pub fn texts(value: &Value) -> Option<Vec<String>> {
    match &value.kind {
        ValueKind::Array(values) => Some(values.iter().map(text).collect()),
        ValueKind::Table(_) => None,
        _ => Some(text(value).split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()),
    }
}

/// Levenshtein: how many letters differ.
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &r) in right.iter().enumerate() {
            let next = (diagonal + usize::from(l != r)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[right.len()]
}

/// `srtp`, of a trunk or of everybody.
pub fn srtp(key: &str, value: &Value) -> Result<Srtp, Wrong> {
    match text(value).as_str() {
        "off" => Ok(Srtp::Off),
        "optional" => Ok(Srtp::Optional),
        "required" => Ok(Srtp::Required),
        other => Err(Wrong::value(
            key,
            other,
            "\"off\", \"optional\" or \"required\": whether sound is encrypted (RFC 4568)",
        )),
    }
}

/// What `srtp_over_plain` is for.
pub const OVER_PLAIN: &str = "true or false: whether keys of SRTP may go by UDP or TCP, where others can read them";

/// A whole number.
pub fn number<T: FromStr>(value: &Value) -> Option<T> {
    text(value).parse().ok()
}

/// `true` or `false`.
pub fn flag(value: &Value) -> Option<bool> {
    text(value).parse().ok()
}

/// `90s`, `30m`, `1h`; a bare number counts seconds.
pub fn duration(value: &Value) -> Option<Duration> {
    let text = text(value);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    // A day is longer than anything that is waited for here.
    let seconds = digits.trim().parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds <= 24 * 3600).then(|| Duration::from_secs(seconds))
}

/// `16384-32767`.
pub fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
    (first >= 1024 && first.is_multiple_of(2) && last > first).then_some(first..=last)
}

/// The help for an address, and what it lacks.
pub fn listen_help(address: &str, help: &str) -> String {
    if address.parse::<IpAddr>().is_ok() { format!("the port is missing: {help}") } else { help.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_counts_seconds() {
        for (text, seconds) in
            [("90", Some(90)), ("90s", Some(90)), ("30m", Some(1800)), ("1h", Some(3600)), ("0", Some(0))]
        {
            assert_eq!(duration(&text.into()), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(duration(&120.into()), Some(Duration::from_secs(120)));
        for text in ["", "s", "-1", "1.5h", "10 parsecs", "25h", "99999999999999999999h"] {
            assert_eq!(duration(&text.into()), None, "{text}");
        }
    }
}
