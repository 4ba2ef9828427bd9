//! `prompts say "TEXT" --with NAME=VALUE`: slots filled in by hand, to hear a text as a call would.

use crate::shell::prompts::PromptError;
use crate::speech::finding::both;
use crate::speech::phrase::{Known, MenuRow, Phrase, Spoken, Tongue, Type, Value, Values};
use jiff::civil::{Date, DateTime, Time};
use std::collections::BTreeMap;

/// The text with its slots filled in, for a call on `today`.
pub fn fill(tongue: Tongue, text: &str, with: &[String], today: Date) -> Result<Spoken, Vec<PromptError>> {
    let mut by_name = BTreeMap::new();
    let mut errors = Vec::new();
    for one in with {
        match one.split_once('=').map(|(name, written)| (name.trim(), written.trim())) {
            Some((name, written)) if !name.is_empty() && !written.is_empty() => {
                by_name.insert(name.to_owned(), value(written));
            }
            _ => errors.push(PromptError::file(
                format!("--with {one}"),
                both("이름과 값이 있어야 합니다", "it wants a name and a value"),
                both("--with position=3", "--with position=3"),
            )),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let known: Known<'_> = by_name.iter().map(|(name, value)| (name.as_str(), type_of(value))).collect();
    let phrase = Phrase::read_in(tongue, "text", text, &known).map_err(|errors| {
        let told = errors.iter().map(|error| {
            let place = text.get(error.range.clone()).filter(|place| !place.is_empty()).unwrap_or(text);
            PromptError::file(
                format!("TEXT:{}-{}", error.range.start, error.range.end),
                error.mistake.told(),
                both(format!("여기: {place}"), format!("here: {place}")),
            )
        });
        told.collect::<Vec<_>>()
    })?;
    phrase.say(&Values { today: Some(today), by_name }).map_err(|lack| {
        vec![PromptError::file(
            format!("--with {}", lack.0),
            both("이 값으로는 말할 수 없습니다", "it cannot be said with this value"),
            both("값을 고치세요", "change the value"),
        )]
    })
}

/// What is meant by a value as it is written: 09:30, 2026-11-29, 2026-12-01T09:00, 정책자금:1,창업:2, 010-1234-5678, 3, and everything else a text.
fn value(written: &str) -> Value {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = || {
        let (hour, minute) = written.split_once(':').filter(|(hour, minute)| is_digits(hour) && is_digits(minute))?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    let choices = || {
        let choices = written.split(',').map(|choice| {
            let (say, key) = choice.rsplit_once(':')?;
            let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
            is_key.then(|| MenuRow { words: say.trim().to_owned(), keys: key.to_owned(), offered: None })
        });
        choices.collect::<Option<Vec<_>>>()
    };
    if let Some(time) = time() {
        return Value::Time(time);
    }
    if let (true, Ok(opening)) = (written.contains('T'), written.parse::<DateTime>()) {
        return Value::Opening(opening);
    }
    if let Ok(date) = written.parse::<Date>() {
        // 20261129 is a date to the parser, and digits to a caller.
        if !is_digits(written) {
            return Value::Date(date);
        }
    }
    if let Some(choices) = choices() {
        return Value::Menu(choices);
    }
    match written.parse() {
        Ok(number) if !written.starts_with('0') || written == "0" => Value::Number(number),
        _ if written.split('-').all(is_digits) => Value::Digits(written.to_owned()),
        _ => Value::Text(written.to_owned()),
    }
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::Number(_) => Type::Number,
        Value::Digits(_) => Type::Digits,
        Value::Text(_) | Value::Named(..) => Type::Text,
        Value::Opening(_) => Type::Opening,
        Value::Time(_) => Type::Time,
        Value::Date(_) => Type::Date,
        Value::Money(_) => Type::Money,
        Value::Menu(_) => Type::Menu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, with: &[&str]) -> Result<String, Vec<String>> {
        let with: Vec<String> = with.iter().map(|one| (*one).to_owned()).collect();
        let filled = fill(Tongue::Korean, text, &with, Date::constant(2026, 11, 29));
        filled.map(|spoken| spoken.text).map_err(|errors| errors.iter().map(|error| error.render(false)).collect())
    }

    #[test]
    fn a_value_is_taken_for_what_it_looks_like() {
        for (text, with, said) in [
            ("{n|native}번째", "n=3", "세 번째"),
            ("{n|digits}", "n=010-1234-5678", "공일공, 일이삼사, 오육칠팔"),
            ("{n}", "n=0311", "공삼일일"),
            ("{n|sino:분}", "n=0", "영 분"),
            ("{n|money}", "n=12000", "만 이천 원"),
            ("{n}에 엽니다.", "n=09:30", "오전 아홉 시 삼십 분에 엽니다."),
            ("상담은 {n|에} 시작합니다.", "n=2026-11-30T09:00", "상담은 내일 오전 아홉 시에 시작합니다."),
            ("{n}", "n=2027-01-04", "이천이십칠년 일월 사일 월요일"),
            ("{n}", "n=2026-12-25", "십이월 이십오일 금요일"),
            ("{n}입니다.", "n=정책자금:1,창업:2", "정책자금은 1번, 창업은 2번입니다."),
            ("{n}입니다.", "n=24:00 상담:1,판로/수출:2", "24:00 상담은 1번, 판로/수출은 2번입니다."),
            ("{n|으로/로} 연결합니다.", "n=서울", "서울로 연결합니다."),
            ("{n|으로/로} 연결합니다.", "n=정책/자금", "정책/자금으로 연결합니다."),
            ("{n|으로/로} 연결합니다.", "n=.숨은 길", ".숨은 길로 연결합니다."),
            ("{n|으로/로} 연결합니다.", "n=가\\나", "가\\나로 연결합니다."),
        ] {
            assert_eq!(filled(text, &[with]).as_deref(), Ok(said), "{text} {with}");
        }
    }

    #[test]
    fn what_cannot_be_filled_is_told_with_its_place() {
        let told = filled("{a}와 {b|native:분}", &["b=3"]).unwrap_err();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("TEXT:1-2: nothing here has this name; there are: b\n  = here: a"), "{told:?}");
        assert!(told[1].starts_with("TEXT:10-20: 분 takes Sino-Korean numbers: sino:분"), "{told:?}");
        for with in ["a", "=3", "a="] {
            assert!(filled("{a}", &[with]).unwrap_err()[0].contains("it wants a name and a value"), "{with}");
        }
    }
}
