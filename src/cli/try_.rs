//! `ivr1357 try [FILE] ["call 1357; key 1; wait 5s"]`: what a caller hears and where they end, by the real engine
//! in simulated time; in one go from a script, or command by command.

use crate::routing::{Language, Plan};
use crate::sim::script::{self, Command, Script, Stage};
use crate::sim::{Moment, Tape, UNSAID, World};
use crate::speech::Catalogue;
use jiff::civil::DateTime;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use crate::sim::script::ScriptError;

/// What can be said, in Korean and in English.
pub const USAGE: [&str; 2] = [
    "\
전화를 걸어 보듯 표를 시험합니다. 명령은 ; 로 나눕니다.

  ivr1357 try \"call 1357; key 1; key 1\"
  ivr1357 try routing.toml \"center kosmes busy; call 1357; wait 5s; key 11\"

  call 1357              전화를 겁니다
  key 1                  안내가 나오는 중에 누릅니다 (key 11 은 이어서 두 번; 1 만 써도 됩니다)
  wait 5s                듣고 있습니다 (500ms, 5s, 2m)
  listen                 다음 일이 있을 때까지 듣습니다 (그냥 Enter 도 됩니다)
  hold / resume          보류하고 돌아옵니다
  hangup                 끊습니다
  center kosmes busy     센터의 형편: answers, busy, rings, dead, refuses (주소마다: busy answers)
  from 107               거는 번호 (from withheld 는 번호 없음); call 앞에
  at 2026-11-24T10:00    거는 때 (쓰지 않으면 2026년 11월 24일 화요일 오전 열 시)
  end                    통화가 끝날 때까지 기다립니다 (쓰지 않아도 끝에는 이렇게 합니다)
  undo / quit            한 걸음 되돌립니다 / 마칩니다 (script 없이 시작했을 때)
",
    "\
Tries the table as if on the telephone. Commands are separated by ;

  ivr1357 try \"call 1357; key 1; key 1\"
  ivr1357 try routing.toml \"center kosmes busy; call 1357; wait 5s; key 11\"

  call 1357              dials
  key 1                  presses while the prompt is being said (key 11 is two in a row; 1 alone will do)
  wait 5s                listens (500ms, 5s, 2m)
  listen                 listens until something new happens (Enter alone will do)
  hold / resume          puts the call on hold, comes back
  hangup                 hangs up
  center kosmes busy     what a centre does: answers, busy, rings, dead, refuses (for its addresses in turn: busy answers)
  from 107               the caller's number (from withheld: none), before call
  at 2026-11-24T10:00    the moment of the call (otherwise Tuesday 24 November 2026, ten in the morning)
  end                    stays until the call is over (scripts end so, said or not)
  undo / quit            takes one step back / leaves (when begun without a script)
",
];

/// Plays a script against a table and tells what the caller heard, line by line.
pub fn run(plan: Arc<Plan>, catalogue: &Catalogue, text: &str, language: Language) -> Result<String, ScriptError> {
    let script = Script::parse(text, &plan)?;
    let (world, _) = script.play(plan.clone(), catalogue);
    let teller = Teller { plan: &plan, catalogue, language };
    let mut out = format!("{}\n", script.at.strftime("%Y-%m-%d %H:%M"));
    teller.moments(&world, 0, true, &mut out);
    let _ = writeln!(out, "{}", teller.ending(&world));
    for violation in world.violations() {
        let _ = writeln!(out, "{}: {violation}", language.of(&["약속을 어김", "a promise was broken"]));
    }
    Ok(out)
}

/// Talks with whoever types: one command a line, what comes of it after each. `next` gives the lines, `out` takes the answers.
pub fn converse(
    plan: Arc<Plan>,
    catalogue: &Catalogue,
    language: Language,
    next: &mut dyn FnMut(&str) -> Option<String>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let teller = Teller { plan: &plan, catalogue, language };
    let mut talk = Talk::new(&plan, catalogue);
    writeln!(
        out,
        "{}",
        language.of(&["call 1357 로 겁니다. help, undo, quit", "dial with: call 1357. Also: help, undo, quit"])
    )?;
    while let Some(line) = next("> ") {
        for word in line.split(';').map(str::trim) {
            let command = if word.is_empty() { "listen".to_owned() } else { spelled(word) };
            match command.as_str() {
                "quit" | "exit" => return Ok(()),
                "help" | "?" => write!(out, "{}", language.of(&USAGE))?,
                "undo" => match talk.undo() {
                    Some(undone) => writeln!(out, "{}: {undone}", language.of(&["되돌림", "taken back"]))?,
                    None => writeln!(out, "{}", language.of(&["되돌릴 것이 없습니다", "nothing to take back"]))?,
                },
                _ => match talk.say(&command) {
                    Ok(()) => write!(out, "{}", talk.news(&teller))?,
                    Err(error) => {
                        let text = if language == Language::English { error.english() } else { error.to_string() };
                        writeln!(out, "{text}")?;
                    }
                },
            }
            out.flush()?;
        }
    }
    Ok(())
}

/// `11` for `key 11`.
fn spelled(word: &str) -> String {
    let keys = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    if keys { format!("key {word}") } else { word.to_owned() }
}

/// A conversation: what was said so far, and the world it made. Taking a step back plays all but the last again.
struct Talk<'c> {
    plan: &'c Arc<Plan>,
    catalogue: &'c Catalogue,
    said: Vec<(String, Command)>,
    at: DateTime,
    stage: Stage,
    told: usize,
    ended: bool,
}

impl<'c> Talk<'c> {
    fn new(plan: &'c Arc<Plan>, catalogue: &'c Catalogue) -> Self {
        let at = script::USUAL;
        let stage = Stage::new(plan.clone(), catalogue, at);
        Self { plan, catalogue, said: Vec::new(), at, stage, told: 0, ended: false }
    }

    fn say(&mut self, text: &str) -> Result<(), ScriptError> {
        let command = script::read(text, self.plan, &mut self.at)?;
        let called = self.said.iter().any(|(_, command)| matches!(command, Command::Call(_)));
        match command {
            // A new call is a new day: what the centres do stays.
            Command::Call(_) if called => {
                self.said.retain(|(_, command)| {
                    matches!(
                        command,
                        Command::Center(..) | Command::Switch(_) | Command::At | Command::Phone(_) | Command::From(_)
                    )
                });
                self.replay();
            }
            Command::At => {
                self.said.clear();
                self.replay();
            }
            Command::Call(_) | Command::Center(..) | Command::Switch(_) | Command::Phone(_) | Command::From(_) => {}
            Command::Drain | Command::Clock(_) => {}
            _ if !called => return Err(script::no_call(text)),
            _ => {}
        }
        self.stage.command(&command);
        self.said.push((text.to_owned(), command));
        Ok(())
    }

    fn undo(&mut self) -> Option<String> {
        let (text, _) = self.said.pop()?;
        self.replay();
        self.told = self.stage.world().moments().len();
        self.ended = self.stage.is_over() && self.told > 0;
        Some(text)
    }

    fn replay(&mut self) {
        self.stage = Stage::new(self.plan.clone(), self.catalogue, self.at);
        for (_, command) in &self.said {
            self.stage.command(command);
        }
        self.told = 0;
        self.ended = false;
    }

    /// What happened since the last command.
    fn news(&mut self, teller: &Teller<'_>) -> String {
        let world = self.stage.world();
        let mut out = String::new();
        teller.moments(world, self.told, false, &mut out);
        self.told = world.moments().len();
        if self.stage.is_over() && self.told > 0 && !self.ended {
            self.ended = true;
            self.stage.command(&Command::End);
            let _ = writeln!(out, "{}", teller.ending(self.stage.world()));
        }
        out
    }
}

/// Tells a call in one language.
struct Teller<'c> {
    plan: &'c Plan,
    catalogue: &'c Catalogue,
    language: Language,
}

impl Teller<'_> {
    /// The moments from `from` on. What is told as a `whole` knows how much of each prompt was heard.
    fn moments(&self, world: &World, from: usize, whole: bool, out: &mut String) {
        let say = |pair: [&str; 2]| self.language.of(&pair).to_string();
        let moments = world.moments();
        for (index, (at, moment)) in moments.iter().enumerate().skip(from) {
            let _ = write!(out, "{:>6.1}{}  ", script::seconds(*at), say(["초", "s"]));
            match moment {
                Moment::Connects => out.push_str(&say(["연결됨", "connected"])),
                Moment::Enters(row) => {
                    let _ = write!(out, "[{row}]{}", self.name_of(row));
                }
                Moment::Key(key) => {
                    let _ = write!(out, "{} {key}", say(["누름", "pressed"]));
                }
                Moment::Records => out.push_str(&say(["삐 소리 뒤, 녹음 시작", "after the tone: recording"])),
                Moment::Tape(tape) => out.push_str(&say(match tape {
                    Tape::Begins => ["통화 녹음 시작", "the call is recorded from here on"],
                    Tape::Pauses => ["녹음에는 무음", "the recording is silent"],
                    Tape::GoesOn => ["녹음 계속", "the recording goes on"],
                    Tape::Ends => ["통화 녹음 끝", "the recording ends"],
                })),
                Moment::Stops => out.push_str(&say(["안내 멈춤", "the prompt stops"])),
                Moment::Plays { prompts, length, repeat } => {
                    let ended = moments.iter().skip(index + 1).find(|(_, next)| ends_sound(next)).map(|(at, _)| *at);
                    let heard = ended.filter(|_| whole).map(|end| end.since(*at));
                    self.play(out, prompts, *length, heard, *repeat);
                }
                Moment::Refers(target) => {
                    let _ = write!(
                        out,
                        "{} → {target}{}",
                        say(["연결 요청(REFER)", "handed over (REFER)"]),
                        self.centre(world, target)
                    );
                }
                Moment::Fails(status) => {
                    let _ = write!(out, "{} ({status}{})", say(["연결 실패", "failed"]), self.failure(*status));
                }
                Moment::PostDials(count) => {
                    let _ = write!(out, "{} ({count})", say(["기관에 버튼 누름", "keys for the centre"]));
                }
                Moment::Reaches(target) => {
                    let _ = write!(out, "{} → {target}{}", say(["통화 시작", "talking"]), self.centre(world, target));
                }
                Moment::Refuses(status) => {
                    let _ = write!(out, "{} ({status}){}", say(["받지 않음", "refused"]), self.refusal(*status));
                }
                Moment::Releases => out.push_str(&say(["1357이 끊음", "1357 hangs up"])),
            }
            out.push('\n');
        }
    }

    fn play(&self, out: &mut String, prompts: &[String], length: Duration, heard: Option<Duration>, repeat: bool) {
        // What was entered is read back to the caller, and to nobody else, in whatever language and pace.
        let is_entered = |id: &str| {
            id.rsplit('/').next().is_some_and(|name| name.starts_with("digit_") || name.starts_with("digit-"))
        };
        let text = |id: &String| match self.catalogue.text(id).map(str::trim) {
            Some(_) if is_entered(id) => UNSAID.to_string(),
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => format!("({id})"),
        };
        let texts: Vec<String> = prompts.iter().map(text).collect();
        let slowly = prompts.iter().any(|id| id.split('/').any(|part| part == "slow"));
        let pace = if slowly { self.language.of(&["(천천히) ", "(slowly) "]) } else { "" };
        let (all, part) = (length.as_secs_f64(), heard.unwrap_or(length).as_secs_f64());
        // A tenth of a second is what the caller's key takes to reach us: not worth a word.
        let cut = heard.is_some_and(|heard| heard + Duration::from_millis(100) < length);
        let words = match (self.language, repeat, cut) {
            (Language::Korean, true, _) if heard.is_none() => "(되풀이)".to_owned(),
            (Language::English, true, _) if heard.is_none() => "(repeated)".to_owned(),
            (Language::Korean, true, _) => format!("({part:.1}초 동안 되풀이)"),
            (Language::English, true, _) => format!("(repeated for {part:.1} s)"),
            (Language::Korean, false, true) => format!("({all:.1}초 가운데 {part:.1}초까지)"),
            (Language::English, false, true) => format!("({part:.1} of {all:.1} s)"),
            (Language::Korean, false, false) => format!("({all:.1}초)"),
            (Language::English, false, false) => format!("({all:.1} s)"),
        };
        let _ = write!(out, "♪ {pace}{} {words}", texts.join(" "));
    }

    fn name_of(&self, row: &str) -> String {
        let named = self.plan.centers.iter().find(|center| *center.row == *row);
        named.map(|center| format!(" {}", center.name)).unwrap_or_default()
    }

    fn centre(&self, world: &World, target: &str) -> String {
        world.centre_at(target).map(|row| format!(" [{row}]{}", self.name_of(row))).unwrap_or_default()
    }

    fn refusal(&self, status: u16) -> &'static str {
        let pair: [&'static str; 2] = match status {
            404 => [": 표에 없는 번호입니다", ": the table has no such number"],
            488 => [": 맞는 코덱이 없습니다", ": no codec in common"],
            503 => [": 지금은 받을 수 없습니다", ": no room at the moment"],
            _ => ["", ""],
        };
        self.language.of::<&'static str>(&pair)
    }

    fn failure(&self, status: u16) -> &'static str {
        let pair: [&'static str; 2] = match status {
            408 => [" 대답 없음", " no answer"],
            480 => [" 받을 사람 없음", " nobody there"],
            486 | 600 => [" 통화 중", " busy"],
            603 => [" 거절", " declined"],
            _ => ["", ""],
        };
        self.language.of::<&'static str>(&pair)
    }

    /// Where the caller ended, by the record of the call.
    fn ending(&self, world: &World) -> String {
        let say = |pair: [&str; 2]| self.language.of(&pair).to_string();
        let record: serde_json::Value =
            world.records().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let how = match record["outcome"].as_str() {
            Some("transferred") => {
                let attempts = record["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
                let reached = attempts.iter().find(|attempt| attempt["result"] == "reached");
                let row = reached.and_then(|attempt| attempt["center"].as_str()).unwrap_or("");
                let name = self.name_of(row);
                match self.language {
                    Language::Korean => format!("{row}{name} 연결"),
                    Language::English => format!("connected to {row}{name}"),
                }
            }
            Some("abandoned") => say(["건 사람이 끊음", "the caller hung up"]),
            Some("cancelled") => say(["받기 전에 취소함", "cancelled before the answer"]),
            Some("refused") => say(["받지 않음", "refused"]),
            Some("announced") => say(["안내를 끝까지 하고 끊음", "announced to the end, then hung up"]),
            Some(other) => format!("{other} ({})", record["cause"].as_str().unwrap_or("?")),
            None => say(["기록이 없음", "no record"]),
        };
        format!("{}: {how}", say(["끝", "end"]))
    }
}

fn ends_sound(moment: &Moment) -> bool {
    match moment {
        Moment::Plays { .. } | Moment::Stops | Moment::Records | Moment::Releases => true,
        Moment::Enters(_)
        | Moment::Key(_)
        | Moment::Tape(_)
        | Moment::Refers(_)
        | Moment::Fails(_)
        | Moment::PostDials(_)
        | Moment::Reaches(_)
        | Moment::Connects
        | Moment::Refuses(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;
    use crate::speech::Prompt;

    fn table() -> (Arc<Plan>, Catalogue) {
        let plan = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table checks");
        let mut catalogue = Catalogue::default();
        for id in plan.prompts() {
            let samples = Some(Arc::from(vec![0i16; 16_000]));
            catalogue.prompts.insert(id.to_string(), Prompt { text: format!("«{id}»"), samples });
        }
        (Arc::new(plan), catalogue)
    }

    fn in_order(text: &str, lines: &[&str]) {
        let mut rest = text;
        for line in lines {
            let Some((_, after)) = rest.split_once(line) else { panic!("no {line:?} (in this order) in\n{text}") };
            rest = after;
        }
    }

    fn check(script: &str, lines: &[&str]) {
        let (plan, catalogue) = table();
        let told = run(plan, &catalogue, script, Language::Korean);
        in_order(&told.unwrap_or_else(|error| panic!("{script}: {error}")), lines);
    }

    fn talk(lines: &[&str], language: Language) -> String {
        let (plan, catalogue) = table();
        let mut lines = lines.iter();
        let mut out = Vec::new();
        converse(plan, &catalogue, language, &mut |_| lines.next().map(ToString::to_string), &mut out)
            .expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_caller_hears_the_texts_and_ends_with_a_centre() {
        check(
            "call 1357; key 1; key 1",
            &[
                "2026-11-24 10:00",
                "연결됨",
                "♪ «greeting» (2.0초 가운데 0.2초까지)",
                "누름 1",
                "[menu.fund]",
                "«menu_fund»",
                "[center.kosmes] 중소벤처기업진흥공단",
                "♪ «center/kosmes» (2.0초)",
                "연결 요청(REFER) → kosmes@",
                "통화 시작 → kosmes@",
                "1357이 끊음",
                "끝: center.kosmes 중소벤처기업진흥공단 연결",
            ],
        );
    }

    #[test]
    fn a_failed_transfer_says_why() {
        check(
            "center fta busy; call 1357; key 71",
            &["[center.fta]", "연결 요청(REFER)", "연결 실패 (486 통화 중)", "[center.counsel]", "끝: center.counsel"],
        );
    }

    #[test]
    fn the_addresses_of_a_centre_may_differ() {
        check(
            "center kosmes busy answers; call 1357; key 11",
            &["REFER) → kosmes@", "486", "REFER) → kosmes-dr@", "통화 시작 → kosmes-dr@", "끝: center.kosmes"],
        );
    }

    #[test]
    fn every_end_has_its_words() {
        for (script, end) in [
            ("call 1358", "끝: 받지 않음"),
            ("call 1357; wait 3s; hangup", "끝: 건 사람이 끊음"),
            ("at 2026-11-24T22:00; call 1357", "끝: 안내를 끝까지 하고 끊음"),
        ] {
            check(script, &[end]);
        }
    }

    #[test]
    fn the_whole_transcript_is_english_when_asked_for() {
        let (plan, mut catalogue) = table();
        for (id, prompt) in &mut catalogue.prompts {
            prompt.text = if id.is_ascii() { id.clone() } else { "words".to_owned() };
        }
        let mut english = (*plan).clone();
        english.centers.iter_mut().for_each(|center| center.name = "Centre".to_owned());
        let script = "center kosmes busy dead; center counsel refuses; call 1357; key 2; key 7; wait 12s; key #; key 11; wait 90s; hangup";
        let told = run(Arc::new(english), &catalogue, script, Language::English).expect("a script");
        let foreign: Vec<char> = told.chars().filter(|c| !c.is_ascii() && !matches!(c, '♪' | '→')).collect();
        assert!(foreign.is_empty(), "{foreign:?}\n{told}");
        in_order(&told, &["connected", "pressed 7", "handed over (REFER)", "failed (486 busy)", "end: "]);
    }

    #[test]
    fn a_conversation_goes_command_by_command_and_takes_steps_back() {
        let told = talk(&["call 1357", "1", "1", "undo", "center semas busy", "2", "end", "quit"], Language::Korean);
        in_order(
            &told,
            &[
                "♪ «greeting» (2.0초)",
                "[menu.fund]",
                "[center.kosmes]",
                "되돌림: key 1",
                "[center.semas]",
                "486",
                "끝: center.counsel",
            ],
        );
        let told = talk(&["1", "call 1357", "", "cal", "undo", "undo"], Language::English);
        in_order(
            &told,
            &[
                "dial first",
                "connected",
                "[menu.main]",
                "no such command",
                "taken back: listen",
                "taken back: call 1357",
            ],
        );
    }

    #[test]
    fn a_second_call_is_a_new_one_among_the_same_centres() {
        let told = talk(&["center kosmes busy", "call 1357", "hangup", "call 1357", "11", "end"], Language::Korean);
        in_order(&told, &["끝: 건 사람이 끊음", "   0.0초  연결됨", "[center.kosmes]", "486", "끝: center.counsel"]);
    }
}
