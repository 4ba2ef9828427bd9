//! `ivr1357 switch NAME on|off`: turns a switch of the table on or off, in a running engine too.

use crate::routing::diagnostic::Severity;
use crate::routing::plan::Plan;
use crate::routing::switch::Switches;
use crate::routing::{Language, check_without_sound};
use crate::shell::clock::Clock;
use crate::shell::publish::start;
use crate::shell::serve::Failure;
use crate::shell::settings::Settings;
use crate::shell::{reason, switches, table};
use crate::time::Wall;
use clap::{Args, ValueEnum};
use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, ToSpan};
use std::path::{Path, PathBuf};

/// Which switch, and how.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The switch, as `[switch]` of the table names it; without one all are listed
    name: Option<String>,
    /// On or off
    #[arg(value_enum, requires = "name")]
    state: Option<State>,
    /// When it goes off by itself: "18:00" (the next), "2026-11-26T18:00", in the table's zone
    #[arg(long, value_name = "TIME", requires = "state")]
    until: Option<String>,
    /// The table, where none was published yet
    #[arg(long, value_name = "FILE", default_value = "routing.toml")]
    routing: PathBuf,
    /// The settings of the engine [default: settings.toml where it exists]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The language of the messages
    #[arg(long, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Conditions that ask it hold
    On,
    /// They do not
    Off,
}

/// `ivr1357 switch`.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let language: Language = arguments.lang.into();
    let say = |korean: String, english: String| match language {
        Language::Korean => korean,
        Language::English => english,
    };
    if let (Some(name), Some(State::Off), Some(until)) = (&arguments.name, arguments.state, &arguments.until) {
        return Err(Failure::Setup(say(
            format!(
                "off 에는 --until 을 쓸 수 없습니다: 곧 꺼지고, 다시 켤 때까지 꺼져 있습니다\n  고치는 법: 그때까지 켜 두려면 `ivr1357 switch {name} on --until {until}`, 곧 끄려면 --until 없이, 다시 켤 때는 그때 `ivr1357 switch {name} on`"
            ),
            format!(
                "off takes no --until: it is off at once, and until it is turned on\n  help: to have it on until then, `ivr1357 switch {name} on --until {until}`; to turn it off now, leave --until out; to have it on again, `ivr1357 switch {name} on` at that time"
            ),
        )));
    }
    let settings =
        Settings::load(arguments.settings.as_deref()).map_err(|error| Failure::Setup(error.told(language)))?;
    let plan = match start::newest_good(&settings.versions(), &mut Vec::new()) {
        // The engine asks the switches of the table that was published, whatever its file says by now.
        Some(good) => good.plan,
        None => {
            let bytes = table::read(&arguments.routing, language).map_err(Failure::Setup)?;
            check_without_sound(&String::from_utf8_lossy(&bytes)).plan.ok_or_else(|| {
                let name = arguments.routing.display();
                Failure::Setup(say(
                    format!("{name} 에 오류가 있습니다. `ivr1357 check` 가 알려 줍니다"),
                    format!("the table {name} has mistakes; `ivr1357 check` shows them"),
                ))
            })?
        }
    };
    let file = switches::path(&settings.records_file);
    let (mut state, garbled) = match switches::read(&file) {
        Ok(state) => (state, None),
        Err(error) => (Switches::default(), Some(switches::unreadable(&file, &error))),
    };
    let now = Clock::start(settings.clock_start).now().wall;
    let (Some(name), Some(wanted)) = (&arguments.name, arguments.state) else {
        if let Some(garbled) = garbled {
            return Err(Failure::Setup(language.of(&garbled).clone()));
        }
        let asked = |name: &str| arguments.name.as_deref().is_none_or(|wanted| wanted == name);
        for (name, what) in plan.switches.iter().filter(|(name, _)| asked(name)) {
            let until = state.iter().find(|(known, _)| **known == **name).and_then(|(_, until)| until);
            println!("{name}\t{}\t{what}", told(&plan, state.is_on(name, now), until, language));
        }
        // On for a table that had it, and for one that has it again.
        for (name, until) in state.iter().filter(|(name, _)| asked(name) && !plan.switches.contains_key(*name)) {
            let what = say("(표에 없음)".to_owned(), "(not in the table)".to_owned());
            println!("{name}\t{}\t{what}", told(&plan, state.is_on(name, now), until, language));
        }
        return Ok(());
    };
    let is_left = wanted == State::Off && state.iter().any(|(known, _)| known == name);
    if !plan.switches.contains_key(name.as_str()) && !is_left {
        let known: Vec<&str> = plan.switches.keys().map(AsRef::as_ref).collect();
        let known = known.join(", ");
        return Err(Failure::Setup(say(
            format!("표에 그런 스위치가 없습니다: {name}\n  고치는 법: 있는 것: {known}"),
            format!("the table has no switch {name}\n  help: it has: {known}"),
        )));
    }
    let until = arguments.until.as_deref().map(|text| end(&plan, text, now)).transpose().map_err(|()| {
        Failure::Setup(say(
            "--until 은 \"18:00\" 이나 \"2026-11-26T18:00\" 처럼, 지금보다 뒤로 씁니다".to_owned(),
            "--until takes a time to come, as \"18:00\" or \"2026-11-26T18:00\"".to_owned(),
        ))
    })?;
    match wanted {
        State::On => state.turn_on(name, until),
        State::Off => state.turn_off(name),
    }
    // An emergency is not kept from callers by a file: it begins anew, and what else may have been on is told.
    let anew = garbled.map(|_| anew(&file, name, &plan, language));
    switches::write(&file, &state, &plan.timezone)
        .map_err(|error| Failure::Broken(reason::unwritable(&file, &error, language)))?;
    println!("{name}\t{}", told(&plan, wanted == State::On, until, language));
    if let Some(anew) = anew {
        super::tell(Severity::Warning, language, anew);
    }
    Ok(())
}

/// Keeps a garbled file beside, and says what became of the other switches.
fn anew(file: &Path, name: &str, plan: &Plan, language: Language) -> String {
    let others = plan.switches.keys().map(|other| &**other).filter(|other| *other != name);
    let named = switches::named_in(file, others);
    let kept = switches::keep_broken(file).unwrap_or_else(|_| file.to_owned());
    let kept = kept.display();
    let [mut korean, mut english] = [
        format!("스위치의 파일을 읽을 수 없어 새로 썼습니다. 깨진 것: {kept}. 다른 스위치는 모두 꺼졌습니다"),
        format!(
            "the file of the switches could not be read and was written anew; the garbled one: {kept}. All other switches are off"
        ),
    ];
    if let Some(first) = named.first() {
        let named = named.join(", ");
        korean.push_str(&format!(
            "\n  고치는 법: 켜져 있었을 수 있는 것: {named}. 켜져 있어야 하면 `ivr1357 switch {first} on`"
        ));
        english.push_str(&format!(
            "\n  help: these may have been on: {named}. If they should be, `ivr1357 switch {first} on`"
        ));
    }
    match language {
        Language::Korean => korean,
        Language::English => english,
    }
}

/// `on until 2026-11-25 18:00`, `켜짐 (2026-11-25 18:00 까지)`.
fn told(plan: &Plan, on: bool, until: Option<Wall>, language: Language) -> String {
    let until = until.filter(|_| on).and_then(|until| Timestamp::from_microsecond(until.as_micros()).ok());
    let until = until.map(|until| until.to_zoned_datetime(plan.timezone.clone()).strftime("%Y-%m-%d %H:%M"));
    match (until, language) {
        (Some(until), Language::Korean) => format!("켜짐 ({until} 까지)"),
        (Some(until), Language::English) => format!("on until {until}"),
        (None, _) => (*language.of(&if on { ["켜짐", "on"] } else { ["꺼짐", "off"] })).to_owned(),
    }
}

/// The moment a text names, in the table's zone; it must be to come.
fn end(plan: &Plan, text: &str, now: Wall) -> Result<Wall, ()> {
    let here = Timestamp::from_microsecond(now.as_micros()).map_err(|_| ())?.to_zoned_datetime(plan.timezone.clone());
    let moment = match (text.parse::<Time>(), text.parse::<DateTime>()) {
        (Ok(time), _) if !text.contains('-') => {
            let today = here.date().to_datetime(time);
            let next = if today > here.datetime() { today } else { today.checked_add(1.day()).map_err(|_| ())? };
            plan.timezone.to_timestamp(next).map_err(|_| ())?
        }
        (_, Ok(moment)) => plan.timezone.to_timestamp(moment).map_err(|_| ())?,
        _ => text.parse::<Timestamp>().map_err(|_| ())?,
    };
    let moment = Wall::from_micros(moment.as_microsecond());
    if moment > now { Ok(moment) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_has_no_end_and_says_what_has() {
        let asked = |lang| Arguments {
            name: Some("emergency".to_owned()),
            state: Some(State::Off),
            until: Some("18:00".to_owned()),
            routing: PathBuf::new(),
            settings: None,
            lang,
        };
        for (lang, help) in [(super::super::Lang::Ko, "고치는 법: "), (super::super::Lang::En, "help: ")] {
            let Err(Failure::Setup(told)) = run(&asked(lang)) else { panic!("it is refused") };
            assert!(told.contains(help) && told.contains("switch emergency on --until 18:00"), "{told}");
        }
    }

    #[test]
    fn a_switch_is_told_in_the_operators_language() {
        let plan = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table");
        let until = "2026-11-24T18:00:00+09:00".parse::<Timestamp>().expect("a time").as_microsecond();
        let until = Some(Wall::from_micros(until));
        for (on, until, told_in) in [
            (true, until, ["켜짐 (2026-11-24 18:00 까지)", "on until 2026-11-24 18:00"]),
            (true, None, ["켜짐", "on"]),
            (false, until, ["꺼짐", "off"]),
        ] {
            let told = [Language::Korean, Language::English].map(|language| told(&plan, on, until, language));
            assert_eq!(told, told_in);
        }
    }

    #[test]
    fn an_end_is_the_next_such_time_or_a_date_to_come() {
        let plan = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table");
        let wall = |text: &str| Wall::from_micros(text.parse::<Timestamp>().expect(text).as_microsecond());
        let now = wall("2026-11-24T12:00:00+09:00");
        for (text, found) in [
            ("18:00", Ok(wall("2026-11-24T18:00:00+09:00"))),
            ("09:00", Ok(wall("2026-11-25T09:00:00+09:00"))),
            ("2026-11-26T18:00", Ok(wall("2026-11-26T18:00:00+09:00"))),
            ("2026-11-26T18:00:00Z", Ok(wall("2026-11-26T18:00:00Z"))),
            ("2026-11-24T11:00", Err(())),
            ("soon", Err(())),
        ] {
            assert_eq!(end(&plan, text, now), found, "{text}");
        }
    }
}
