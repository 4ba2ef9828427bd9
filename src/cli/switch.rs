//! `ivr1357 switch NAME on|off`: turns a switch of the table on or off, in a running engine too.

use crate::routing::plan::Plan;
use crate::routing::{Language, check_without_sound};
use crate::shell::clock::Clock;
use crate::shell::publish::start;
use crate::shell::serve::Failure;
use crate::shell::settings::Settings;
use crate::shell::{switches, table};
use crate::time::Wall;
use clap::{Args, ValueEnum};
use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, ToSpan};
use std::path::PathBuf;

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
    let settings = Settings::load(arguments.settings.as_deref()).map_err(|error| Failure::Setup(error.to_string()))?;
    let plan = match start::newest_good(&settings.versions(), &mut Vec::new()) {
        // The engine asks the switches of the table that was published, whatever its file says by now.
        Some((_, plan)) => plan,
        None => {
            let bytes = table::read(&arguments.routing).map_err(Failure::Setup)?;
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
    let mut state = switches::read(&file).map_err(Failure::Setup)?;
    let now = Clock::start(settings.clock_start).now().wall;
    let (Some(name), Some(wanted)) = (&arguments.name, arguments.state) else {
        let asked = |name: &str| arguments.name.as_deref().is_none_or(|wanted| wanted == name);
        for (name, what) in plan.switches.iter().filter(|(name, _)| asked(name)) {
            let until = state.iter().find(|(known, _)| **known == **name).and_then(|(_, until)| until);
            println!("{name}\t{}\t{what}", told(&plan, state.is_on(name, now), until));
        }
        // On for a table that had it, and for one that has it again.
        for (name, until) in state.iter().filter(|(name, _)| asked(name) && !plan.switches.contains_key(*name)) {
            let what = say("(표에 없음)".to_owned(), "(not in the table)".to_owned());
            println!("{name}\t{}\t{what}", told(&plan, state.is_on(name, now), until));
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
    switches::write(&file, &state, &plan.timezone)
        .map_err(|error| Failure::Broken(format!("cannot write {}: {error}", file.display())))?;
    println!("{name}\t{}", told(&plan, wanted == State::On, until));
    Ok(())
}

/// `on until 2026-11-25 18:00`.
fn told(plan: &Plan, on: bool, until: Option<Wall>) -> String {
    match until.filter(|_| on).and_then(|until| Timestamp::from_microsecond(until.as_micros()).ok()) {
        Some(until) => {
            format!("on until {}", until.to_zoned_datetime(plan.timezone.clone()).strftime("%Y-%m-%d %H:%M"))
        }
        None => if on { "on" } else { "off" }.to_owned(),
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
