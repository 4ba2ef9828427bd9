//! Post-dial digits: the keys that a centre wants once it has answered, an extension or the number of a desk.

use crate::limits::POST_DIAL_MAX;
use crate::number::Key;
use std::fmt;
use std::time::Duration;

/// What a comma means: the pause `p` of a dial sequence (RFC 3601).
const COMMA: Duration = Duration::from_secs(1);

/// Keys and pauses in turn. It does not print which: a code may be among them.
#[derive(Clone, PartialEq, Eq)]
pub struct PostDial(Vec<PostDialStep>);

/// What is done next.
#[derive(Clone, PartialEq, Eq)]
pub enum PostDialStep {
    /// Nothing, for so long.
    Pause(Duration),
    /// These keys, one behind the other.
    Keys(Vec<Key>),
}

/// Why a text is no post-dial digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::routing) enum NoPostDial {
    /// It holds this.
    Character(char),
    /// There is no key in it.
    NoKey,
    /// It is longer than [`POST_DIAL_MAX`].
    Long,
}

impl PostDial {
    /// From `",,1234#"`: keys, and a second for each comma.
    pub(in crate::routing) fn read(text: &str) -> Result<Self, NoPostDial> {
        let mut steps: Vec<PostDialStep> = Vec::new();
        for character in text.chars() {
            match (character, Key::from_char(character), steps.last_mut()) {
                (_, Some(key), Some(PostDialStep::Keys(keys))) => keys.push(key),
                (_, Some(key), _) => steps.push(PostDialStep::Keys(vec![key])),
                (',', None, Some(PostDialStep::Pause(pause))) => *pause += COMMA,
                (',', None, _) => steps.push(PostDialStep::Pause(COMMA)),
                (other, None, _) => return Err(NoPostDial::Character(other)),
            }
        }
        match steps.iter().any(|step| matches!(step, PostDialStep::Keys(_))) {
            _ if text.len() > POST_DIAL_MAX => Err(NoPostDial::Long),
            true => Ok(Self(steps)),
            false => Err(NoPostDial::NoKey),
        }
    }

    /// The step at this place; `None` when all is done.
    pub fn step(&self, at: usize) -> Option<&PostDialStep> {
        self.0.get(at)
    }

    /// The keys alone, in order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let keys = self.0.iter().filter_map(|step| match step {
            PostDialStep::Keys(keys) => Some(keys.as_slice()),
            PostDialStep::Pause(_) => None,
        });
        keys.flatten().copied()
    }
}

impl fmt::Debug for PostDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostDial({} keys)", self.keys().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NoPostDial> {
        PostDial::read(text).map(|read| {
            let step = |step: &PostDialStep| match step {
                PostDialStep::Pause(pause) => format!("{}s", pause.as_secs()),
                PostDialStep::Keys(keys) => keys.iter().map(Key::to_string).collect(),
            };
            read.0.iter().map(step).collect::<Vec<_>>().join(" ")
        })
    }

    #[test]
    fn keys_stand_together_and_a_comma_is_a_second() {
        for (text, steps) in [
            ("1", "1"),
            (",,1234#", "2s 1234#"),
            ("9,aD*,,,0,", "9 1s AD* 3s 0 1s"),
            (&format!("{},", "1".repeat(31)), &format!("{} 1s", "1".repeat(31))),
        ] {
            assert_eq!(read(text).as_deref(), Ok(steps), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_pressed_is_said() {
        for (text, why) in [
            ("", NoPostDial::NoKey),
            (",,", NoPostDial::NoKey),
            ("12-3", NoPostDial::Character('-')),
            ("1E", NoPostDial::Character('E')),
            (" 1", NoPostDial::Character(' ')),
            ("１", NoPostDial::Character('１')),
            (&"1".repeat(33), NoPostDial::Long),
            (&format!("1{}", ",".repeat(32)), NoPostDial::Long),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    #[test]
    fn it_does_not_print_what_is_pressed() {
        assert_eq!(format!("{:?}", PostDial::read(",77#7").ok()), "Some(PostDial(4 keys))");
    }
}
