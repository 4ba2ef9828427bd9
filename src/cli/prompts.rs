//! `ivr1357 prompts build|check|list|say|sheet`: text to WAV, and whether they agree.

use super::{filled, tell};
use crate::routing::diagnostic::Severity;
use crate::routing::{Language, Plan, check_without_sound};
use crate::shell::clock::Clock;
use crate::shell::prompts::say::Said;
use crate::shell::prompts::{self, Derived, PromptError, Survey, Tongue};
use crate::shell::reason;
use crate::shell::settings::Settings;
use crate::shell::table;
use crate::speech::finding::both;
use crate::speech::ledger::Origin;
use crate::speech::phrase;
use crate::speech::pronunciation::said;
use crate::speech::standard::Pace;
use crate::speech::{shape, sheet, wav};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to do with the prompts.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Action,
    /// The folder of the prompts.
    #[arg(long, global = true, default_value = "prompts")]
    prompts: PathBuf,
    /// The routing table whose words are prompts, too.
    #[arg(long, global = true, default_value = "routing.toml")]
    pub routing: PathBuf,
    /// The settings, which name the program that speaks [default: settings.toml where it exists].
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The language of the messages.
    #[arg(long, global = true, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Makes the sounds that are missing or older than their words; recordings are kept.
    Build {
        /// Also delete sounds made for words that nothing uses any more.
        #[arg(long)]
        prune: bool,
    },
    /// Tells whether every prompt has a sound that fits its words, and what callers would find wrong with it; exit code 1 has errors.
    Check {
        /// For programs: findings and measures as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Draws the outlines of all sounds on one sheet, to see cuts and clipping.
    Sheet {
        /// The SVG file to write.
        #[arg(value_name = "FILE.svg")]
        file: PathBuf,
    },
    /// Says a text, to try it: prints it as it is spoken, and writes the sound where `--out` says.
    Say {
        /// What to say; with a comma at its end, as a part that more follows.
        text: String,
        /// What a slot of the text stands for, as often as there are: `--with position=3`, `09:30`, `2026-11-29`, `2026-12-01T09:00`, `010-1234-5678`, `정책자금:1,창업:2`.
        #[arg(long = "with", value_name = "NAME=VALUE")]
        with: Vec<String>,
        /// The WAV file to write.
        #[arg(long, value_name = "FILE.wav")]
        out: Option<PathBuf>,
        /// The language of the text: the name of its folder.
        #[arg(long, value_name = "LANGUAGE", default_value = "ko")]
        language: String,
    },
    /// Lists every prompt with its length, level, peak, syllables a second and words.
    List {
        /// For programs: findings and measures as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs it; the exit code. Without a table the prompts are those of the folder alone, and that is told.
pub fn run(args: &Args) -> u8 {
    let language = Language::from(args.lang);
    let table = table::read(&args.routing, language).unwrap_or_else(|error| {
        // A text is said, and sounds are drawn, whatever a table says.
        if !matches!(args.command, Action::Say { .. } | Action::Sheet { .. }) {
            tell(Severity::Warning, language, error);
        }
        Vec::new()
    });
    let table = String::from_utf8_lossy(&table);
    let korean = language == Language::Korean;
    let settings = match Settings::load(args.settings.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            tell(Severity::Error, language, error.told(language));
            return 2;
        }
    };
    // A table with new words does not check before they have sounds: its words are read without checking.
    let words = prompts::words_in(&table);
    let plan = check_without_sound(&table).plan;
    let (mut told, mut good) = (Vec::new(), true);
    if let (Action::Build { .. }, false) = (&args.command, args.prompts.exists()) {
        let korean_folder = args.prompts.join("ko");
        let folder = korean_folder.display();
        if let Err(error) = std::fs::create_dir_all(&korean_folder) {
            let [own, english] = reason::both(&error);
            let words = [
                format!("{folder} 폴더를 만들 수 없습니다: {own}"),
                format!("cannot make the folder {folder}: {english}"),
            ];
            tell(Severity::Error, language, language.of(&words));
            return 2;
        }
        let words = [format!("{folder} 폴더를 만들었습니다"), format!("made the folder {folder}")];
        eprintln!("{}", language.of(&words));
    }
    let mut languages = prompts::languages(&args.prompts);
    if let Action::Say { language: asked, .. } = &args.command {
        languages.retain(|(spoken, _)| spoken == asked);
        if languages.is_empty() {
            let folder = args.prompts.join(asked);
            let (what, fix) = if korean {
                ("폴더가 없습니다", "prompts 아래에 있는 언어를 쓰세요")
            } else {
                ("there is no such folder", "name a language that has one below prompts")
            };
            tell(Severity::Error, language, format_args!("{}: {what}\n  = {fix}", folder.display()));
            return 2;
        }
    }
    if let Action::Sheet { file } = &args.command {
        return draw(&args.prompts, file, language);
    }
    for (spoken, dir) in languages {
        let voice = settings.voice(&spoken);
        let none = BTreeMap::new();
        let words: &BTreeMap<String, Derived> = if spoken == "ko" { &words } else { &none };
        let tongue = Tongue { language: &spoken, dir: &dir, words, voice: &voice };
        match one(args, &tongue, plan.as_ref(), korean) {
            Ok((fine, json)) => {
                good &= fine;
                told.extend(json);
            }
            Err(errors) => {
                good = false;
                errors.iter().for_each(|error| tell(Severity::Error, language, error.render(korean)));
            }
        }
    }
    if let Action::Check { json: true } | Action::List { json: true } = args.command {
        println!("{:#}", json!({ "schema": 1, "languages": told }));
    }
    u8::from(!good)
}

/// One language: whether it is in order, and the JSON that was asked for.
fn one(
    args: &Args,
    tongue: &Tongue<'_>,
    plan: Option<&Plan>,
    korean: bool,
) -> Result<(bool, Option<serde_json::Value>), Vec<PromptError>> {
    let language = tongue.language;
    match &args.command {
        Action::Say { text, with, out, .. } => {
            // Languages whose slots nobody has written are said as they are written.
            let grammar =
                phrase::Tongue::of_language(language).filter(|_| phrase::is_filled_in(text) || !with.is_empty());
            let filled = grammar
                .map(|grammar| filled::fill(grammar, text, with, table::day(Clock::start(None).now().wall)))
                .transpose()?;
            if let Some(filled) = &filled {
                println!("{}", filled.text);
                filled.parts.iter().for_each(|part| {
                    let id = part.id.as_deref().unwrap_or("-");
                    println!("  +{} ms\t{}\t{}\t{id}", part.gap_ms, part.kind, part.text);
                });
            }
            let text = filled.as_ref().map_or(text.as_str(), |filled| &filled.text);
            say(tongue, text, out.as_deref(), korean).map_err(|error| vec![error])?;
            Ok((true, None))
        }
        Action::Sheet { .. } => Ok((true, None)),
        &Action::Build { prune } => {
            let report = prompts::run_build(tongue, prune, &mut |line| eprintln!("{language} {line}"))?;
            let told = |warning: &PromptError| tell(Severity::Warning, args.lang.into(), warning.render(korean));
            report.warnings.iter().for_each(told);
            let (built, kept, recorded) = (report.built.len(), report.unchanged, report.recorded.len());
            let pruned = report.pruned.len();
            if korean {
                println!("{language}: {built}개 만듦, {kept}개 그대로, 녹음 {recorded}개 보존, {pruned}개 삭제");
            } else {
                println!("{language}: {built} built, {kept} unchanged, {recorded} recorded, {pruned} pruned");
            }
            Ok((true, None))
        }
        Action::Check { json: true } | Action::List { json: true } => {
            let survey = prompts::survey(tongue, plan)?;
            Ok((is_good(args, &survey), Some(survey.to_json(language))))
        }
        Action::Check { .. } => {
            let survey = prompts::survey(tongue, plan)?;
            for finding in &survey.findings {
                let severity = if finding.is_error { Severity::Error } else { Severity::Warning };
                tell(severity, args.lang.into(), finding.told.render(korean));
            }
            let (built, recorded) = (survey.count(Origin::Built), survey.count(Origin::Recorded));
            let (all, without) = (survey.lines.len(), survey.lines.len() - built - recorded);
            if korean {
                println!("{language}: 안내음 {all}개: 합성 {built}개, 녹음 {recorded}개, 소리 없음 {without}개");
            } else {
                println!("{language}: {all} prompts: {built} built, {recorded} recorded, {without} without a sound");
            }
            Ok((is_good(args, &survey), None))
        }
        Action::List { .. } => {
            let survey = prompts::survey(tongue, plan)?;
            list(language, &survey);
            Ok((true, None))
        }
    }
}

/// All languages on one sheet.
fn draw(prompts: &Path, file: &Path, language: Language) -> u8 {
    let catalogue = match table::load_prompts(prompts, language) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            tell(Severity::Error, language, error);
            return 1;
        }
    };
    let sounds = catalogue.prompts.iter().filter_map(|(id, prompt)| Some((id.as_str(), prompt.samples.as_deref()?)));
    match std::fs::write(file, sheet::draw(sounds)) {
        Ok(()) => 0,
        Err(error) => {
            tell(Severity::Error, language, reason::unwritable(file, &error, language));
            1
        }
    }
}

/// Prints a text as it is spoken and how long that takes, and writes the sound.
fn say(tongue: &Tongue<'_>, text: &str, out: Option<&Path>, korean: bool) -> Result<(), PromptError> {
    let Said { samples, parts } = prompts::say::of_text(tongue, text)?;
    // As a person would write it down, not as the program is told.
    let spoken = if tongue.language == "ko" { said(text, Pace::Apart) } else { text.to_owned() };
    println!("{spoken}");
    if !parts.is_empty() {
        println!("{} {}", if korean { "이은 안내음:" } else { "joined from:" }, parts.join(" + "));
    }
    let rate = shape::rate(&spoken, &samples).map(|rate| match korean {
        true => format!(", 1초에 {rate:.1}음절"),
        false => format!(", {rate:.1} syllables a second"),
    });
    let seconds = samples.len() as f64 / f64::from(wav::RATE);
    println!("{seconds:.2} {}{}", if korean { "초" } else { "s" }, rate.unwrap_or_default());
    if let Some(out) = out {
        std::fs::write(out, wav::write(&samples)).map_err(|error| {
            PromptError::file(
                out.display().to_string(),
                both(
                    format!("쓸 수 없습니다: {}", reason::of(&error, Language::Korean)),
                    format!("cannot be written: {error}"),
                ),
                both("폴더와 권한을 확인하세요", "look at the folder and its permissions"),
            )
        })?;
    }
    Ok(())
}

/// Only `check` is a question.
fn is_good(args: &Args, survey: &Survey) -> bool {
    matches!(args.command, Action::List { .. }) || !survey.findings.iter().any(|finding| finding.is_error)
}

/// One prompt a line: name, seconds, level, peak, syllables a second, words.
fn list(language: &str, survey: &Survey) {
    for line in &survey.lines {
        let of = |value: Option<f64>, unit: &str| value.map_or("-".to_owned(), |value| format!("{value:.1}{unit}"));
        let sound = line.sound.as_ref();
        let measure = sound.and_then(|sound| sound.measure);
        println!(
            "{}{}\t{}\t{}\t{}\t{}\t{}",
            if language == "ko" { String::new() } else { format!("{language}/") },
            line.id,
            sound.map_or("-".to_owned(), |sound| format!("{:.2}s", sound.length.as_secs_f64())),
            of(measure.map(|measure| measure.active_dbov), "dBov"),
            of(measure.map(|measure| measure.peak_dbfs), "dBFS"),
            of(sound.and_then(|sound| sound.rate), "/s"),
            line.text
        );
    }
}
