//! Slots in prompt texts, filled in: a table of values and the Korean they give, made by another program (`golden/phrases.py`).

use ivr1357::speech::phrase::{Known, Phrase, Type, Value, Values};
use jiff::civil::{Date, Time};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../golden/phrases.tsv");

fn known() -> Known<'static> {
    Known::from([
        ("n", Type::Number),
        ("number", Type::Digits),
        ("t", Type::Text),
        ("time", Type::Time),
        ("date", Type::Date),
        ("money", Type::Money),
        ("menu", Type::Menu),
    ])
}

/// The value under every name it can have, as of 29 November 2026.
fn values(value: &str) -> Values {
    let mut by_name = BTreeMap::from([
        ("number".to_owned(), Value::Digits(value.to_owned())),
        ("t".to_owned(), Value::Text(value.to_owned())),
    ]);
    if let Ok(number) = value.parse() {
        by_name.insert("n".to_owned(), Value::Number(number));
        by_name.insert("money".to_owned(), Value::Money(number));
    }
    if let Some((hour, minute)) = value.split_once(':') {
        let time = Time::new(hour.parse().unwrap(), minute.parse().unwrap(), 0, 0).unwrap();
        by_name.insert("time".to_owned(), Value::Time(time));
    }
    if let Ok(date) = value.parse::<Date>() {
        by_name.insert("date".to_owned(), Value::Date(date));
    }
    Values { today: Some(Date::constant(2026, 11, 29)), by_name }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && *line != "text\tvalue\texpected");
    lines.map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
        [text, value, expected] => (text, value, expected),
        _ => panic!("three columns: {line}"),
    })
}

#[test]
fn every_slot_of_the_table_is_said_as_another_program_says_it() {
    let (mut all, mut wrong) = (0, Vec::new());
    for (text, value, expected) in rows() {
        all += 1;
        let phrase = Phrase::read("p", text, &known()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let said = phrase.say(&values(value)).unwrap_or_else(|lack| panic!("{text} {value}: {lack:?}")).text;
        if said != expected {
            wrong.push(format!("{text} with {value} is {expected}, not {said}"));
        }
    }
    println!("{} of {all}", all - wrong.len());
    assert!(all >= 2000, "{all} rows");
    assert!(wrong.is_empty(), "{} of {all} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_part_but_words_of_the_table_is_in_the_closed_set() {
    let mut sets: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    let mut parts = 0;
    for (text, value, _) in rows() {
        let phrase = Phrase::read("p", text, &known()).unwrap();
        let set = sets
            .entry(text)
            .or_insert_with(|| phrase.closed_set().into_iter().map(|sound| (sound.id, sound.text)).collect());
        for part in phrase.say(&values(value)).unwrap().parts {
            let id = part.id.expect("these words can name a file");
            if id.starts_with("phrase/text-") {
                continue;
            }
            parts += 1;
            assert_eq!(set.get(&id), Some(&part.text), "{text} with {value}: {id}");
        }
    }
    assert!(parts > 4000, "{parts} parts");
    let sizes: Vec<_> = sets.iter().map(|(text, set)| format!("{} {text}", set.len())).collect();
    println!("{}", sizes.join("\n"));
    let counted = &sets["{n|native:명}"];
    assert_eq!(counted["phrase/count-명-3-end"], "세 명");
    let names: BTreeSet<_> = counted.keys().collect();
    assert!((0..=30).all(|n| names.contains(&format!("phrase/count-명-{n}-end"))));
}
