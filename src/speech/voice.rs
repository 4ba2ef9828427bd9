//! Whose voice reads the texts of a language: the program that turns them into WAV, and how fast it speaks.
//!
//! Running it is the shell's work (`shell::prompts::synthesis`).

use crate::speech::words::Kind;
use std::collections::BTreeMap;

/// Stands in an argument for the text; without it the text goes to the program's standard input.
pub const TEXT: &str = "{text}";
/// Stands in an argument for the file to write; without it the sound is read from the program's standard output.
pub const OUT: &str = "{out}";
/// Stands in an argument for the speed.
pub const SPEED: &str = "{speed}";

/// The program and its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voice {
    /// Program and arguments, with [`TEXT`], [`OUT`] and [`SPEED`] in them.
    pub command: Vec<String>,
    /// [`SPEED`] of sentences.
    pub speed: u32,
    /// [`SPEED`] of the short parts of menus. They are said slowly enough at more of it, and a menu of eight stays short.
    pub speed_of_parts: u32,
}

impl Voice {
    /// espeak-ng, in the voice that was found clearest on a telephone.
    pub fn of_language(language: &str) -> Self {
        let (voice, speed, speed_of_parts) = match language {
            "ko" => ("ko+Annie", 155, 215),
            "en" => ("en-us+Annie", 150, 150),
            other => (other, 150, 150),
        };
        let command = ["espeak-ng", "-v", voice, "-a", "90", "-s", SPEED, "-b", "1", "--stdin", "--stdout"];
        Self { command: command.map(str::to_owned).to_vec(), speed, speed_of_parts }
    }

    /// How fast a kind of prompt is said.
    pub fn speed_of(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Sentence | Kind::Tone => self.speed,
            Kind::GoingOn | Kind::Ending | Kind::Digit => self.speed_of_parts,
        }
    }

    /// Whether the text goes to espeak-ng, whose Korean wants a spelling of its own ([`crate::speech::espeak`]).
    pub fn is_espeak(&self) -> bool {
        let program = self.command.first().and_then(|program| program.rsplit(['/', '\\']).next());
        program.is_some_and(|program| program.starts_with("espeak"))
    }

    /// Whether the program can be told how fast to speak.
    pub fn has_speed(&self) -> bool {
        self.command.iter().any(|part| part.contains(SPEED))
    }

    /// The command at a speed, text and file still open.
    pub fn command_at(&self, speed: u32) -> Vec<String> {
        let speed = speed.to_string();
        self.command.iter().map(|part| part.replace(SPEED, &speed)).collect()
    }
}

/// The voices of all languages.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Voices(pub BTreeMap<String, Voice>);

impl Voices {
    /// Who reads the texts of a language: espeak-ng where nobody else was named.
    pub fn of(&self, language: &str) -> Voice {
        self.0.get(language).cloned().unwrap_or_else(|| Voice::of_language(language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_voice_and_parts_are_said_faster() {
        let korean = Voice::of_language("ko");
        assert!(korean.has_speed() && korean.speed_of(Kind::Sentence) < korean.speed_of(Kind::Digit));
        assert!(korean.command_at(155).join(" ").contains("-v ko+Annie -a 90 -s 155 "));
        assert!(korean.is_espeak());
        for (program, espeak) in [("/usr/bin/espeak-ng", true), ("say.sh", false), ("/opt/espeak/speaker", false)] {
            assert_eq!(Voice { command: vec![program.into()], ..korean.clone() }.is_espeak(), espeak, "{program}");
        }
        assert!(!Voice { command: Vec::new(), ..korean }.is_espeak());
        assert!(Voice::of_language("vi").command.contains(&"vi".to_owned()));
    }
}
