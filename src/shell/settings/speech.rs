//! `[speech.LANGUAGE]`: the program that reads the texts of a language.

use super::value::{number, text, texts};
use super::{Wrong, nearest};
use crate::speech::{Voice, Voices};
use config::{Value, ValueKind};

/// Every key of a language.
pub const KEYS: [&str; 3] = ["command", "speed", "speed_of_parts"];

/// The help for whoever names no language.
pub const EXAMPLE: &str = "a voice is a table with a language: [speech.ko] with command = [\"espeak-ng\", \"-v\", \"ko\", \"--stdin\", \"--stdout\"]";

/// The voices that nobody has to set.
pub fn defaults() -> Voices {
    Voices(["ko", "en"].map(|language| (language.to_owned(), Voice::of_language(language))).into())
}

/// One key of one language, without `speech.`.
pub fn set(voices: &mut Voices, rest: &str, value: &Value) -> Result<(), Wrong> {
    let (language, field) = match (rest.split_once('.'), &value.kind) {
        (Some((language, field)), _) => (language, Some(field)),
        (None, ValueKind::Table(_)) => (rest, None),
        (None, _) => return Err(Wrong::new(format!("`speech.{rest}` is not a setting"), EXAMPLE)),
    };
    if !(2..=3).contains(&language.len()) || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
        let help = "two or three small letters, the name of the folder: [speech.en] reads prompts/en";
        return Err(Wrong::new(format!("`{language}` is no language"), help));
    }
    let voice = voices.0.entry(language.to_owned()).or_insert_with(|| Voice::of_language(language));
    let key = format!("speech.{rest}");
    let speed = || {
        let help = "what {speed} stands for in the command, from 1 to 1000; espeak-ng counts words a minute";
        number(value).filter(|speed| (1..=1000).contains(speed)).ok_or_else(|| Wrong::value(&key, &text(value), help))
    };
    match field {
        Some("command") => {
            let help = "a program and its arguments as a list; {text}, {out} and {speed} stand for the text, the WAV file and the speed, \
                        without {text} the text goes to its standard input, without {out} the WAV comes from its standard output";
            let command = texts(value).filter(|command| command.first().is_some_and(|program| !program.is_empty()));
            voice.command = command.ok_or_else(|| Wrong::value(&key, &text(value), help))?;
        }
        Some("speed") => voice.speed = speed()?,
        Some("speed_of_parts") => voice.speed_of_parts = speed()?,
        Some(other) => {
            let all = KEYS.join(", ");
            let all = || [format!("목소리의 설정은 {all} 입니다"), format!("its settings are {all}")];
            return Err(Wrong::unknown(&key, nearest(other, &KEYS).unwrap_or_else(all)));
        }
        None => {}
    }
    Ok(())
}
