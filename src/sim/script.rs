//! A call written down: `call 1357; key 1; wait 5s; key 1`, and how it went.
//!
//! The operator's `try` and the flows of the tests play such scripts with a well-behaved caller. Commands are
//! separated by `;` or by lines; `#` begins a comment where a command would begin; what follows `=>` is what a flow
//! expects.

mod reading;

pub use reading::{Problem, ScriptError, no_call, read};

use super::backend;
use super::caller::manner::HoldForm;
use super::caller::{Action, Manner, Strange};
use super::setup::{Moment, Setup, Tape};
use super::swarm::Conditions;
use super::world::World;
use crate::routing::Plan;
use crate::speech::Catalogue;
use crate::time::{Duration, Instant, Wall};
use jiff::civil::DateTime;
use reading::error;
use std::sync::Arc;

/// A script that was understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// The moment of the call; a Tuesday morning unless the script says otherwise.
    pub at: DateTime,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// As written.
    pub text: String,
    /// As understood.
    pub command: Command,
    /// What a flow expects, as written after `=>`.
    pub expected: Vec<String>,
}

/// What a script can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// `call 1357`.
    Call(String),
    /// `key 1`, or `key 11` for two in a row.
    Keys(String),
    /// `wait 5s`.
    Wait(Duration),
    /// `say 10s`: waits for the tone and speaks.
    Say(Duration),
    /// `disk full`: nothing that is said can be kept; `disk ok`.
    Disk(bool),
    /// `hangup`.
    HangUp,
    /// `hold`.
    Hold,
    /// `resume`.
    Resume,
    /// `listen`: until something new happens, or what is said has been said.
    Listen,
    /// `center kosmes busy`, or `center kosmes busy answers` for its addresses in turn.
    Center(String, Vec<backend::Manner>),
    /// `from 107`: the caller's number, or `from withheld`; before the call.
    From(String),
    /// `phone tcp`: a habit of the caller's telephone; before the call.
    Phone(String),
    /// `odd old-cseq`: the telephone does something that nobody has asked for.
    Odd(Strange),
    /// `reset`: the caller's connection is cut.
    Reset,
    /// `drain`: the first SIGTERM.
    Drain,
    /// `clock -1h`: wall time jumps by so many seconds.
    Clock(i64),
    /// `switch emergency`: an operator turns it on.
    Switch(String),
    /// `at 2026-11-24T10:00`: already in [`Script::at`].
    At,
    /// `end`: the caller stays on the line until the call is over. Every script ends so, said or not.
    End,
}

/// When scripts begin that do not say: a Tuesday morning.
pub const USUAL: DateTime = DateTime::constant(2026, 11, 24, 10, 0, 0, 0);
/// The commands, for those who ask.
pub const COMMANDS: [&str; 19] = [
    "call", "key", "wait", "listen", "hangup", "hold", "resume", "center", "at", "end", "phone", "odd", "reset",
    "drain", "clock", "switch", "from", "say", "disk",
];
/// A caller in a script stays as long as the longest call.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// How long a well-behaved centre rings.
const RINGS: Duration = Duration::from_secs(2);
/// How long after what he heard a caller presses: the prompt has begun by then.
const REACTION: Duration = Duration::from_millis(200);
/// The longest that `listen` listens.
const LISTENS: Duration = Duration::from_secs(120);
/// How long one who has something to say waits for the tone.
const TONE_PATIENCE: Duration = Duration::from_secs(120);
/// Long enough for a key to be heard and for what it leads to to begin.
const SETTLE: Duration = Duration::from_millis(100);

impl Script {
    /// Reads a script. `plan` knows the centres.
    pub fn parse(text: &str, plan: &Plan) -> Result<Self, ScriptError> {
        let mut script = Self { at: USUAL, steps: Vec::new() };
        let mut calls = 0;
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let (commands, expected) = line.split_once("=>").unwrap_or((line, ""));
            let mut commands = commands.split(';').map(str::trim).filter(|command| !command.is_empty()).peekable();
            while let Some(command) = commands.next() {
                // Expectations belong to the last command of their line.
                let expected = if commands.peek().is_none() { expected } else { "" };
                let expected = expected.split(',').map(str::trim).filter(|word| !word.is_empty());
                let step = Step {
                    text: command.to_owned(),
                    command: read(command, plan, &mut script.at)?,
                    expected: expected.map(str::to_owned).collect(),
                };
                let error = |problem| error(command, command, problem, &[]);
                match step.command {
                    Command::Call(_) if calls > 0 => return Err(error(Problem::SecondCall)),
                    Command::Call(_) => calls += 1,
                    Command::Center(..)
                    | Command::Switch(_)
                    | Command::At
                    | Command::Phone(_)
                    | Command::From(_)
                    | Command::Disk(_)
                    | Command::Drain
                    | Command::Clock(_) => {}
                    Command::Odd(_) | Command::Reset if calls == 0 => return Err(error(Problem::NoCall)),
                    Command::Odd(_) | Command::Reset => {}
                    Command::Keys(_)
                    | Command::Wait(_)
                    | Command::Say(_)
                    | Command::Listen
                    | Command::HangUp
                    | Command::Hold
                    | Command::Resume
                    | Command::End
                        if calls == 0 =>
                    {
                        return Err(error(Problem::NoCall));
                    }
                    Command::Keys(_)
                    | Command::Wait(_)
                    | Command::Say(_)
                    | Command::Listen
                    | Command::HangUp
                    | Command::Hold
                    | Command::Resume
                    | Command::End => {}
                }
                script.steps.push(step);
            }
        }
        if calls == 0 {
            return Err(error("", "", Problem::Empty, &["call 1357; key 1"]));
        }
        if script.steps.last().is_none_or(|step| step.command != Command::End) {
            script.steps.push(Step { text: "end".to_owned(), command: Command::End, expected: Vec::new() });
        }
        Ok(script)
    }

    /// Plays it with a well-behaved caller on a fine day: the world afterwards, and for each step how many of its
    /// moments had happened by its end.
    pub fn play(&self, plan: Arc<Plan>, catalogue: &Catalogue) -> (World, Vec<usize>) {
        let mut stage = Stage::new(plan, catalogue, self.at);
        let mut marks = Vec::new();
        for step in &self.steps {
            stage.command(&step.command);
            marks.push(stage.world().moments().len());
        }
        (stage.world, marks)
    }
}

/// A world in which a script is played, command by command.
pub struct Stage {
    world: World,
    phone: usize,
    /// What the telephone will do from the first message on.
    habits: Vec<String>,
    /// The number of the next caller.
    from: Option<String>,
}

impl Stage {
    /// A fine day: every centre answers, and nobody has called yet.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue, at: DateTime) -> Self {
        let began = plan.timezone.to_timestamp(at).map_or(0, |timestamp| timestamp.as_microsecond());
        let setup = Setup::new(plan, catalogue, Wall::from_micros(began));
        let mut world = World::new(&setup, 1357, Conditions::calm(), true);
        world.keep_moments();
        for row in setup.plan().centers.iter().map(|center| center.row.to_string()) {
            world.set_centre(&row, &[backend::Manner::Answers(RINGS)]);
        }
        Self { world, phone: 0, habits: Vec::new(), from: None }
    }

    /// The world as it is now.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Whether the call is over.
    pub fn is_over(&self) -> bool {
        over(&self.world, self.phone)
    }

    /// Plays one command.
    pub fn command(&mut self, command: &Command) {
        let Self { world, phone, habits, from } = self;
        match command {
            Command::Call(number) => {
                let mut manner = Manner { patience: PATIENCE, ..Manner::plain(number) };
                for habit in habits.iter() {
                    manner.take_up(habit);
                }
                *phone = match from {
                    Some(number) => world.add_caller_from(number, manner, world.now()),
                    None => world.add_caller(manner, world.now()),
                };
                let limit = world.now() + Duration::from_secs(2);
                while world.now() < limit && !world.sounds() && !over(world, *phone) {
                    world.run_until(world.now() + Duration::from_millis(10));
                }
            }
            Command::Keys(keys) => {
                for key in keys.chars() {
                    world.run_until(world.now() + REACTION);
                    world.act(*phone, Action::Key(key));
                    // A plain phone's event lasts 140 ms; the next key may not begin before.
                    world.run_until(world.now() + SETTLE);
                }
            }
            Command::Wait(time) => world.run_until(world.now() + *time),
            Command::Say(time) => {
                let limit = world.now() + TONE_PATIENCE;
                while world.now() < limit && !world.is_recording() && !over(world, *phone) {
                    world.run_until(world.now() + Duration::from_millis(10));
                }
                world.run_until(world.now() + REACTION);
                world.act(*phone, Action::Speak(*time));
                world.run_until(world.now() + *time);
            }
            Command::Disk(full) => world.fill_disk(*full),
            Command::Listen => {
                let (limit, heard) = (world.now() + LISTENS, world.moments().len());
                let sounded = world.sounds();
                while world.now() < limit
                    && world.moments().len() == heard
                    && world.sounds() == sounded
                    && !over(world, *phone)
                {
                    world.run_until(world.now() + Duration::from_millis(10));
                }
            }
            Command::HangUp => pause_after(world, *phone, Action::HangUp),
            Command::Hold => pause_after(world, *phone, Action::Hold(HoldForm::SendOnly)),
            Command::Resume => pause_after(world, *phone, Action::Resume),
            Command::Center(row, manners) => {
                world.set_centre(row, manners);
            }
            Command::Switch(name) => world.turn_on(name),
            Command::Phone(habit) => habits.push(habit.clone()),
            Command::From(number) => *from = Some(number.clone()),
            Command::Odd(strange) => pause_after(world, *phone, Action::Strange(*strange)),
            Command::Reset => {
                world.reset_connection(*phone);
                world.run_until(world.now() + SETTLE);
            }
            Command::Drain => world.drain(),
            Command::Clock(seconds) => world.step_clock(*seconds),
            Command::At => {}
            Command::End => world.run_to_the_end(),
        }
    }
}

fn over(world: &World, phone: usize) -> bool {
    world.phone(phone).is_none_or(|phone| phone.story().end.is_some())
}

fn pause_after(world: &mut World, phone: usize, action: Action) {
    world.act(phone, action);
    world.run_until(world.now() + SETTLE);
}

/// A moment in the words of a flow: `play menu_main+say/정책자금`, `enter menu.fund`, `refer center.kosmes`.
pub fn words(world: &World, moment: &Moment) -> String {
    let centre = |target: &str| world.centre_at(target).unwrap_or(target).to_owned();
    match moment {
        Moment::Plays { prompts, .. } => format!("play {}", prompts.join("+")),
        Moment::Stops => "stop".to_owned(),
        Moment::Records => "record".to_owned(),
        Moment::Tape(tape) => match tape {
            Tape::Begins => "tape begins",
            Tape::Pauses => "tape pauses",
            Tape::GoesOn => "tape goes on",
            Tape::Ends => "tape ends",
        }
        .to_owned(),
        Moment::Enters(row) => format!("enter {row}"),
        Moment::Key(key) => format!("key {key}"),
        Moment::Refers(target) => format!("refer {}", centre(target)),
        Moment::Fails(status) => format!("fail {status}"),
        Moment::PostDials(count) => format!("post-dial {count}"),
        Moment::Reaches(target) => format!("reach {}", centre(target)),
        Moment::Connects => "connect".to_owned(),
        Moment::Refuses(status) => format!("refuse {status}"),
        Moment::Releases => "release".to_owned(),
    }
}

/// Holds a played script against what its flow expects; the first surprise in words.
pub fn surprise(script: &Script, world: &World, marks: &[usize]) -> Option<String> {
    let mut from = 0;
    for (step, &until) in script.steps.iter().zip(marks) {
        let moments = world.moments().get(from..until).unwrap_or_default();
        from = until;
        let said: Vec<String> = moments.iter().map(|(_, moment)| words(world, moment)).collect();
        if step.expected == ["nothing"] {
            if said.is_empty() {
                continue;
            }
            return Some(format!("{}: expected nothing, but there was {said:?}", step.text));
        }
        let mut rest = said.iter();
        for expected in &step.expected {
            let fits = |said: &&String| match expected.strip_prefix("play ") {
                // One prompt of several that play together is enough.
                Some(prompt) => said.strip_prefix("play ").is_some_and(|all| all.split('+').any(|one| one == prompt)),
                None => *said == expected,
            };
            if !rest.any(|said| fits(&said)) {
                return Some(format!("{}: expected {expected:?}, but there was {said:?}", step.text));
            }
        }
    }
    None
}

/// Seconds since the call began, for transcripts.
pub fn seconds(at: Instant) -> f64 {
    at.since(Instant::START).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;

    fn parse(text: &str) -> Result<Script, ScriptError> {
        let table = include_str!("../../routing.toml");
        Script::parse(text, &check_without_sound(table).plan.expect("the shipped table checks"))
    }

    #[test]
    fn commands_stand_on_one_line_or_on_many() {
        let one = parse("call 1357; key 1; wait 5s; hangup").expect("a script");
        let many = parse("# a caller\ncall 1357\nkey 1\n\nwait 5s\nhangup").expect("a script");
        assert_eq!(one, many);
        let commands: Vec<_> = one.steps.into_iter().map(|step| step.command).collect();
        let wait = Command::Wait(Duration::from_secs(5));
        let expected = [Command::Call("1357".into()), Command::Keys("1".into()), wait, Command::HangUp, Command::End];
        assert_eq!(commands, expected);
    }

    #[test]
    fn every_word_offered_is_understood() {
        for habit in Manner::HABITS {
            assert!(parse(&format!("phone {habit}; call 1357")).is_ok(), "{habit}");
        }
        for strange in Strange::NAMES {
            assert!(parse(&format!("call 1357; odd {strange}")).is_ok(), "{strange}");
        }
        let script = parse("clock -60m; drain; call 1357; reset").expect("a script");
        assert_eq!(script.steps[0].command, Command::Clock(-3600));
    }

    #[test]
    fn expectations_belong_to_the_last_command_of_their_line() {
        let script = parse("call 1357; key 0 => enter center.counsel, refer center.counsel").expect("a script");
        let expected: Vec<usize> = script.steps.iter().map(|step| step.expected.len()).collect();
        assert_eq!(expected, [0, 2, 0]);
    }

    #[test]
    fn a_mistake_names_its_word_and_what_is_possible() {
        for (text, problem, word) in [
            ("", Problem::Empty, ""),
            ("cal 1357", Problem::UnknownCommand, "cal"),
            ("call", Problem::Missing, ""),
            ("call 1357; key x", Problem::Unfit, "x"),
            ("call 1357; wait 5", Problem::Unfit, "5"),
            ("call 1357; wait 5시간", Problem::Unfit, "5시간"),
            ("call 1357; wait 99999999999999999999s", Problem::Unfit, "99999999999999999999s"),
            ("center kosme busy; call 1357", Problem::UnknownCenter, "kosme"),
            ("center kosmes lazy; call 1357", Problem::Unfit, "lazy"),
            ("at tomorrow; call 1357", Problem::Unfit, "tomorrow"),
            ("key 1; call 1357", Problem::NoCall, "key 1"),
            ("odd old-cseq; call 1357", Problem::NoCall, "odd old-cseq"),
            ("call 1357; odd news", Problem::Unfit, "news"),
            ("phone smart; call 1357", Problem::Unfit, "smart"),
            ("clock soon; call 1357", Problem::Unfit, "soon"),
            ("call 1357; call 1357", Problem::SecondCall, "call 1357"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.problem, error.word.as_str()), (problem, word), "{text}: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}
