//! The commands of a script read from their words, and what is said of one that means nothing.

use super::{COMMANDS, Command, RINGS};
use crate::number::Key;
use crate::routing::Plan;
use crate::sim::backend;
use crate::sim::caller::{Manner, Strange};
use crate::time::Duration;
use jiff::civil::DateTime;
use std::fmt;

/// What a centre can do.
const MANNERS: [&str; 5] = ["answers", "busy", "rings", "dead", "refuses"];

/// What was not understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    /// The word.
    pub word: String,
    /// The command it stands in.
    pub command: String,
    /// What is wrong with it.
    pub problem: Problem,
    /// What could stand there.
    pub possible: Vec<String>,
}

/// What can be wrong with a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// No such command.
    UnknownCommand,
    /// A command without its word.
    Missing,
    /// The word is not of the kind that belongs here.
    Unfit,
    /// The table has no such centre.
    UnknownCenter,
    /// Something is done in a call before there is one.
    NoCall,
    /// A second call.
    SecondCall,
    /// A script without a call.
    Empty,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, command, .. } = self;
        match self.problem {
            Problem::UnknownCommand => write!(f, "'{word}': 모르는 명령입니다")?,
            Problem::Missing => write!(f, "'{command}': 뒤에 올 말이 빠졌습니다")?,
            Problem::Unfit => write!(f, "'{command}'의 '{word}': 여기에 쓸 수 없는 값입니다")?,
            Problem::UnknownCenter => write!(f, "'{command}'의 '{word}': 표에 없는 센터입니다")?,
            Problem::NoCall => write!(f, "'{command}': 먼저 call 명령으로 전화를 걸어야 합니다")?,
            Problem::SecondCall => write!(f, "'{command}': 전화는 한 번만 걸 수 있습니다")?,
            Problem::Empty => write!(f, "전화를 거는 call 명령이 없습니다")?,
        }
        if !self.possible.is_empty() {
            write!(f, ". 쓸 수 있는 것: {}", self.possible.join(", "))?;
        }
        Ok(())
    }
}

impl ScriptError {
    /// The same in English.
    pub fn english(&self) -> String {
        let Self { word, command, possible, .. } = self;
        let what = match self.problem {
            Problem::UnknownCommand => format!("'{word}': no such command"),
            Problem::Missing => format!("'{command}': a word is missing behind it"),
            Problem::Unfit => format!("'{word}' in '{command}': not a value that fits here"),
            Problem::UnknownCenter => format!("'{word}' in '{command}': the table has no such centre"),
            Problem::NoCall => format!("'{command}': dial first, with call"),
            Problem::SecondCall => format!("'{command}': only one call can be made"),
            Problem::Empty => "there is no call command".to_owned(),
        };
        if possible.is_empty() { what } else { format!("{what}\n  possible: {}", possible.join(", ")) }
    }
}

impl std::error::Error for ScriptError {}

/// The mistake of a command that needs a call before there is one.
pub fn no_call(command: &str) -> ScriptError {
    error(command, command, Problem::NoCall, &[])
}

/// Reads one command; `at` is what an `at` sets.
pub fn read(command: &str, plan: &Plan, at: &mut DateTime) -> Result<Command, ScriptError> {
    let mut words = command.split_whitespace();
    let name = words.next().unwrap_or("");
    let mut word = |possible: &[&str]| words.next().ok_or_else(|| error("", command, Problem::Missing, possible));
    Ok(match name {
        "call" => Command::Call(word(&["1357"])?.to_owned()),
        "key" | "keys" => {
            let possible = ["0-9", "*", "#"];
            let keys = word(&possible)?;
            if keys.chars().any(|key| Key::from_char(key).is_none()) {
                return Err(error(keys, command, Problem::Unfit, &possible));
            }
            Command::Keys(keys.to_ascii_uppercase())
        }
        "wait" => {
            let possible = ["500ms", "5s", "2m"];
            let time = word(&possible)?;
            Command::Wait(duration(time).ok_or_else(|| error(time, command, Problem::Unfit, &possible))?)
        }
        "say" => {
            let possible = ["3s", "10s"];
            let time = word(&possible)?;
            Command::Say(duration(time).ok_or_else(|| error(time, command, Problem::Unfit, &possible))?)
        }
        "disk" => {
            let possible = ["full", "ok"];
            let state = word(&possible)?;
            if !possible.contains(&state) {
                return Err(error(state, command, Problem::Unfit, &possible));
            }
            Command::Disk(state == "full")
        }
        "listen" => Command::Listen,
        "hangup" => Command::HangUp,
        "hold" => Command::Hold,
        "resume" => Command::Resume,
        "end" => Command::End,
        "switch" => {
            let names: Vec<&str> = plan.switches.keys().map(|name| &**name).collect();
            let name = word(&names)?;
            if !names.contains(&name) {
                return Err(error(name, command, Problem::Unfit, &names));
            }
            Command::Switch(name.to_owned())
        }
        "center" => {
            let rows: Vec<&str> =
                plan.centers.iter().map(|one| one.row.strip_prefix("center.").unwrap_or(&one.row)).collect();
            let row = word(&rows)?;
            let bare = row.strip_prefix("center.").unwrap_or(row);
            if !rows.contains(&bare) {
                return Err(error(row, command, Problem::UnknownCenter, &rows));
            }
            let mut manners = vec![manner(word(&MANNERS)?, command)?];
            for further in words.by_ref() {
                manners.push(manner(further, command)?);
            }
            Command::Center(format!("center.{bare}"), manners)
        }
        "from" => {
            let possible = ["01012345678", "107", "withheld"];
            let number = word(&possible)?;
            let digits = number.strip_prefix('+').unwrap_or(number);
            if number != "withheld" && (digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
                return Err(error(number, command, Problem::Unfit, &possible));
            }
            Command::From(if number == "withheld" { "anonymous".to_owned() } else { number.to_owned() })
        }
        "phone" => {
            let habit = word(&Manner::HABITS)?;
            if !Manner::plain("").take_up(habit) {
                return Err(error(habit, command, Problem::Unfit, &Manner::HABITS));
            }
            Command::Phone(habit.to_owned())
        }
        "odd" => {
            let name = word(&Strange::NAMES)?;
            let strange = Strange::named(name);
            Command::Odd(strange.ok_or_else(|| error(name, command, Problem::Unfit, &Strange::NAMES))?)
        }
        "reset" => Command::Reset,
        "drain" => Command::Drain,
        "clock" => {
            let possible = ["5m", "-60m"];
            let time = word(&possible)?;
            let (sign, bare) = time.strip_prefix('-').map_or((1, time), |bare| (-1, bare));
            let step = duration(bare).ok_or_else(|| error(time, command, Problem::Unfit, &possible))?;
            Command::Clock(sign * i64::try_from(step.as_secs()).unwrap_or(0))
        }
        "at" => {
            let time = word(&["2026-11-24T10:00"])?;
            *at = time.parse().map_err(|_| error(time, command, Problem::Unfit, &["2026-11-24T10:00"]))?;
            Command::At
        }
        other => return Err(error(other, command, Problem::UnknownCommand, &COMMANDS)),
    })
}

fn manner(word: &str, command: &str) -> Result<backend::Manner, ScriptError> {
    Ok(match word {
        "answers" => backend::Manner::Answers(RINGS),
        "busy" => backend::Manner::Busy,
        "rings" => backend::Manner::RingsForever,
        "dead" => backend::Manner::Dead,
        "refuses" => backend::Manner::Refuses(603),
        other => return Err(error(other, command, Problem::Unfit, &MANNERS)),
    })
}

fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(at)?;
    let number: u64 = number.parse().ok()?;
    // An hour is the longest anybody waits for a machine.
    let millis = match unit {
        "ms" => number,
        "s" | "초" => number.checked_mul(1_000)?,
        "m" | "분" => number.checked_mul(60_000)?,
        _ => return None,
    };
    (millis <= 3_600_000).then(|| Duration::from_millis(millis))
}

pub(super) fn error(word: &str, command: &str, problem: Problem, possible: &[&str]) -> ScriptError {
    let possible = possible.iter().map(|&word| word.to_owned()).collect();
    ScriptError { word: word.to_owned(), command: command.to_owned(), problem, possible }
}
