//! Whether texts and sounds agree, what callers would find wrong with the sounds, and what each of them measures. Needs no program that
//! speaks.

use super::build::{Tongue, Wanted, moved_away, wanted};
use super::{Folder, PromptError, read_wav, shown};
use crate::limits::FIRST_CHOICE_MAX;
use crate::routing::Plan;
use crate::routing::stand_in::stand_ins;
use crate::speech::finding::both;
use crate::speech::ledger::{Entry, Origin};
use crate::speech::phrase;
use crate::speech::sound::{self, Measure};
use crate::speech::{Kind, shape, wav};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// One thing that somebody should look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The prompt.
    pub id: String,
    /// Callers would hear the wrong thing, or nothing.
    pub is_error: bool,
    /// What, where, and what to do.
    pub told: PromptError,
}

/// One prompt and its sound.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its name.
    pub id: String,
    /// How it is said.
    pub kind: Kind,
    /// What is said.
    pub text: String,
    /// What is known of its sound; `None` has none.
    pub sound: Option<Heard>,
}

/// What is known of a sound.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    /// Made here, or put there by somebody.
    pub origin: Origin,
    /// What the file holds.
    pub format: wav::Format,
    /// How long it sounds.
    pub length: Duration,
    /// Level, peak and silences; `None` when it is silent.
    pub measure: Option<Measure>,
    /// Hangul syllables a second, for sentences.
    pub rate: Option<f64>,
}

/// What was found in the folder of a language.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Survey {
    /// Every prompt, by name.
    pub lines: Vec<Line>,
    /// What to look at, in order of prompts.
    pub findings: Vec<Finding>,
}

impl Survey {
    /// How many sounds came from here or there.
    pub fn count(&self, origin: Origin) -> usize {
        self.lines.iter().filter(|line| line.sound.as_ref().is_some_and(|sound| sound.origin == origin)).count()
    }

    fn find(&mut self, id: &str, is_error: bool, told: PromptError) {
        self.findings.push(Finding { id: id.to_owned(), is_error, told });
    }

    /// For programs.
    pub fn to_json(&self, language: &str) -> Value {
        let pair = |pair: &[String; 2]| json!({ "ko": pair[0], "en": pair[1] });
        let two = |value: f64| (value * 100.0).round() / 100.0;
        let prompt = |line: &Line| {
            let mut prompt = json!({ "prompt": line.id, "kind": line.kind.word(), "text": line.text });
            if let Some(Heard { origin, format, length, measure, rate }) = &line.sound {
                prompt["sound"] = json!({
                    "origin": match origin { Origin::Built => "built", Origin::Recorded => "recorded" },
                    "seconds": two(length.as_secs_f64()),
                    "format": { "rate": format.rate, "channels": format.channels, "bits": format.bits, "encoding": format.encoding.word() },
                    "level_dbov": measure.map(|measure| two(measure.active_dbov)),
                    "peak_dbfs": measure.map(|measure| two(measure.peak_dbfs)),
                    "lead_ms": measure.map(|measure| measure.lead.as_millis() as u64),
                    "tail_ms": measure.map(|measure| measure.tail.as_millis() as u64),
                    "syllables_per_second": rate.map(two),
                });
            }
            prompt
        };
        let finding = |Finding { id, is_error, told }: &Finding| {
            json!({
                "severity": if *is_error { "error" } else { "warning" },
                "prompt": id, "file": told.file, "line": told.line, "message": pair(&told.what), "help": pair(&told.fix),
            })
        };
        json!({
            "language": language,
            "prompts": self.lines.iter().map(prompt).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}

/// Looks at every prompt of a language. `plan` tells which of them a caller can hear; without one nothing is called unused. In a language
/// that its table does not have nothing is unused either, and a sound that is missing or old only a warning: another table of the folder may
/// have it. The error is a folder that cannot be read.
pub fn survey(tongue: &Tongue<'_>, plan: Option<&Plan>) -> Result<Survey, Vec<PromptError>> {
    let folder = Folder::read(tongue.dir)?;
    let wanted = wanted(tongue, &folder)?;
    let mut survey = Survey::default();
    let has = |plan: &Plan| tongue.language == "ko" || plan.tongues.contains_key(tongue.language);
    let is_heard = plan.is_none_or(has);
    for (id, want) in &wanted {
        let sound = look(tongue, &folder, (id, want), is_heard, &mut survey);
        let (kind, text) = (want.kind, want.text.clone());
        survey.lines.push(Line { id: id.clone(), kind, text, sound });
    }
    if let Some(plan) = plan.filter(|plan| has(plan)) {
        unused(tongue, &folder, plan, &mut survey);
        late_choices(tongue, plan, &mut survey);
    }
    Ok(survey)
}

/// One prompt's sound, and whether it fits. `is_heard`: callers of this table can hear the language. What cannot be read is an error even
/// where they cannot, for the engine reads the whole folder.
fn look(
    tongue: &Tongue<'_>,
    folder: &Folder,
    (id, want): (&str, &Wanted),
    is_heard: bool,
    survey: &mut Survey,
) -> Option<Heard> {
    let build = || both("`ivr1357 prompts build`로 만드세요", "run `ivr1357 prompts build`");
    let Some(path) = folder.wavs.get(id) else {
        let file = shown(&tongue.dir.join(format!("{id}.wav")));
        let what = both(format!("소리가 없습니다: \"{}\"", want.text), format!("no sound for \"{}\"", want.text));
        survey.find(id, is_heard, PromptError::file(file, what, build()));
        return None;
    };
    let (sound, hash) = match read_wav(path) {
        Ok(read) => read,
        Err(error) => {
            survey.find(id, true, error);
            return None;
        }
    };
    for what in shape::faults(&sound, want.kind) {
        let fix = both("음량을 고르고 앞뒤 침묵을 맞춰 다시 저장하세요", "level it, mend its ends and save it again");
        survey.find(id, false, PromptError::file(shown(path), what, fix));
    }
    let mut origin = Origin::Recorded;
    match folder.ledger.get(id).filter(|entry| entry.wav == hash) {
        Some(Entry { origin: Origin::Built, source, text, .. }) => {
            origin = Origin::Built;
            if *source != want.source {
                let what = if *text == want.text {
                    both(
                        "읽는 법이나 목소리, 소리 다듬기가 바뀌었습니다",
                        "how it is pronounced, the voice or the processing changed",
                    )
                } else {
                    both(
                        format!("문구가 바뀌었습니다: 소리는 \"{text}\", 문구는 \"{}\"", want.text),
                        format!("the words changed: the sound says \"{text}\", the text \"{}\"", want.text),
                    )
                };
                survey.find(id, is_heard, PromptError::file(shown(path), what, build()));
            }
        }
        Some(entry) => {
            if let Some(warning) = moved_away(path, entry, want) {
                survey.find(id, false, warning);
            }
        }
        None => {}
    }
    let rate = if want.kind == Kind::Sentence { shape::rate(&want.spoken, &sound.samples) } else { None };
    let length = Duration::from_micros(sound.samples.len() as u64 * 125);
    let measure = sound::measure(&sound.samples);
    Some(Heard { origin, format: sound.format, length, measure, rate })
}

/// Texts and sounds that no caller can hear, but for the library's.
fn unused(tongue: &Tongue<'_>, folder: &Folder, plan: &Plan, survey: &mut Survey) {
    let mut heard: BTreeSet<String> = plan.prompts().iter().map(ToString::to_string).collect();
    heard.extend(stand_ins(plan).prompts().iter().map(ToString::to_string));
    heard.extend(tongue.words.keys().cloned());
    let fix = || {
        both(
            "쓰지 않으면 지우고(`prompts build --prune`), 나중에 쓸 것이면 문구를 library.tsv로 옮기세요",
            "delete it (`prompts build --prune`), or move its text to library.tsv if it is kept for later",
        )
    };
    let what = || both("라우팅 표가 쓰지 않는 안내음입니다", "no row of the routing table uses this prompt");
    for text in folder.texts.iter().filter(|text| !heard.contains(&text.id) && !folder.library.contains(&text.id)) {
        let told = PromptError { file: text.file.clone(), line: Some(text.line), what: what(), fix: fix() };
        survey.find(&text.id, false, told);
    }
    // What was said whole before its text had slots is heard by nobody; parts belong to their texts.
    let written = folder.texts.iter().filter(|text| !phrase::is_filled_in(&text.text)).map(|text| text.id.as_str());
    let parts: Vec<String> = survey.lines.iter().map(|line| line.id.clone()).collect();
    let written: BTreeSet<&str> = written.chain(parts.iter().map(String::as_str)).collect();
    let slotted = |id: &str| folder.texts.iter().any(|text| text.id == id && phrase::is_filled_in(&text.text));
    for (id, path) in folder.wavs.iter().filter(|(id, _)| {
        let id = id.as_str();
        (!heard.contains(id) || slotted(id)) && !written.contains(id)
    }) {
        survey.find(id, false, PromptError::file(shown(path), what(), fix()));
    }
}

/// Menus whose first choice comes later than a caller waits for it. What they take in all, `ivr1357 check` tells (W0505).
fn late_choices(tongue: &Tongue<'_>, plan: &Plan, survey: &mut Survey) {
    let mut late = Vec::new();
    for menu in &plan.menus {
        let mut length = Duration::ZERO;
        for id in &menu.speech {
            let Some(line) = survey.lines.iter().find(|line| line.id == **id) else { continue };
            let whole = line.sound.as_ref().map_or(Duration::ZERO, |sound| sound.length);
            // Words that come before a key: the choice begins with them.
            if line.id.starts_with("say/") || line.id.starts_with("key_") {
                break;
            }
            if let Some(part) = part_before_a_key(&line.text) {
                length += whole.mul_f64(part);
                break;
            }
            length += whole;
        }
        if length > FIRST_CHOICE_MAX {
            late.push((menu.row.to_string(), length));
        }
    }
    for line in &survey.lines {
        let (Some(sound), Some(part)) = (&line.sound, part_before_a_key(&line.text)) else { continue };
        let length = sound.length.mul_f64(part);
        if length > FIRST_CHOICE_MAX {
            late.push((line.id.clone(), length));
        }
    }
    for (row, length) in late {
        let (seconds, most) = (length.as_secs_f64(), FIRST_CHOICE_MAX.as_secs());
        let what = both(
            format!("{row}: 첫 선택까지 {seconds:.1}초입니다({most}초까지)"),
            format!("{row}: {seconds:.1} s before the first choice ({most} s at most)"),
        );
        let fix = both("앞의 말을 줄이거나 선택 뒤로 옮기세요", "say less before it, or say it behind the choices");
        survey.find(&row, false, PromptError::file(shown(tongue.dir), what, fix));
    }
}

/// The part of a text that is said before the first key that it names (`0번`, `별표`, `우물정자`; in English `press 0`), as a fraction: a
/// sound says its words at one pace, so that it tells the time as well.
fn part_before_a_key(text: &str) -> Option<f64> {
    let digit = |&(at, _): &(usize, &str)| text[..at].ends_with(|c: char| c.is_ascii_digit());
    let number = text.match_indices('번').find(digit).map(|(at, _)| at);
    let words = ["별표", "우물정자", "press "].iter().filter_map(|word| text.find(word));
    let at = number.into_iter().chain(words).min()?;
    Some(text[..at].chars().count() as f64 / text.chars().count() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_text_is_found_where_it_is_said() {
        for (text, part) in [
            ("누르면 1번", Some(5.0 / 6.0)),
            ("별표나 1번", Some(0.0)),
            ("If so, press 1", Some(0.5)),
            ("두 번 말씀해 주십시오", None),
            ("감사합니다", None),
        ] {
            assert_eq!(part_before_a_key(text), part, "{text}");
        }
    }
}
