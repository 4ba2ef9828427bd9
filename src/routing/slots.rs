//! Slots of prompt texts: which names there are, and which of them each place of a table can fill.
//!
//! What a slot may look like, `speech::phrase` knows; the values of a call, `call::session`.

use crate::speech::phrase::{Known, Type};

/// A name that slots have.
struct Name {
    name: &'static str,
    holds: Type,
    /// Not known in every call: a sentence with it is left out then.
    unsure: bool,
    /// What it is, for readers of texts and charts.
    words: [&'static str; 2],
}

const fn name(name: &'static str, holds: Type, unsure: bool, words: [&'static str; 2]) -> Name {
    Name { name, holds, unsure, words }
}

/// Whoever waits behind more than so many is told otherwise.
const POSITION_MAX: u64 = 99;
/// Whoever waits for more minutes is told otherwise.
const WAIT_MAX: u64 = 60;

const NAMES: [Name; 12] = [
    name("time", Type::Time, false, ["지금 시각", "the time of day"]),
    name("date", Type::Day, false, ["오늘 날짜", "today's date"]),
    name("caller", Type::Digits, true, ["거는 사람의 번호", "the caller's number"]),
    name("menu", Type::Menu, false, ["선택과 번호", "the choices and their keys"]),
    name("number", Type::Digits, false, ["누르신 번호", "the digits that were entered"]),
    name("center.name", Type::Text, false, ["기관 이름", "the name of the centre"]),
    name("opens", Type::Opening, true, ["다음 시작 때", "the next opening"]),
    name("opens.date", Type::Day, true, ["다음 시작 날짜", "the day of the next opening"]),
    name("opens.time", Type::Time, true, ["다음 시작 시각", "the time of the next opening"]),
    name("position", Type::UpTo(POSITION_MAX), false, ["대기 순서", "the place in the queue"]),
    name("count", Type::UpTo(POSITION_MAX), false, ["기다리는 사람 수", "how many wait"]),
    name("wait", Type::UpTo(WAIT_MAX), false, ["예상 대기 시간(분)", "the minutes to wait"]),
];

/// Every name and what it holds: what a text may be written with before anybody knows where it will stand.
pub fn vocabulary() -> Known<'static> {
    NAMES.iter().map(|name| (name.name, name.holds)).collect()
}

/// The names that some calls have no value for.
pub fn unsure() -> Vec<&'static str> {
    NAMES.iter().filter(|name| name.unsure).map(|name| name.name).collect()
}

/// Where a prompt stands, as far as its slots go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// `greeting` of a number.
    Greeting,
    /// `prompt` of a menu.
    Menu,
    /// `prompt` of `no_input` and `no_match`.
    Retry,
    /// `prompt` of an input.
    Question,
    /// `read_back` and `read_back_right`.
    ReadBack,
    /// `prompt` of a transfer, said between two rungs.
    Transfer,
    /// `prompt` of a notice.
    Notice {
        /// Every way to it leads from something that is closed.
        closed: bool,
        /// Every way to it leads from a ladder.
        unreached: bool,
    },
    /// The prompts of a message.
    Message,
    /// The waiting tone, a key: what is not a text of its own.
    Elsewhere,
}

impl Place {
    /// The names that it can fill.
    pub fn fills(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::Elsewhere => return Vec::new(),
            Self::Menu => &["menu"],
            Self::ReadBack => &["number"],
            Self::Transfer | Self::Notice { unreached: true, .. } => &["center.name"],
            Self::Notice { closed: true, .. } => &["opens", "opens.date", "opens.time"],
            Self::Greeting | Self::Retry | Self::Question | Self::Message | Self::Notice { .. } => &[],
        };
        ["time", "date", "caller"].iter().chain(own).copied().collect()
    }

    /// What stands here, in words.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Greeting => ["인사말", "a greeting"],
            Self::Menu => ["메뉴의 안내", "the prompt of a menu"],
            Self::Retry => ["다시 묻는 안내", "the prompt before a repetition"],
            Self::Question => ["번호를 묻는 안내", "the prompt of an input"],
            Self::ReadBack => ["누른 번호를 확인하는 안내", "the prompt that reads an entry back"],
            Self::Transfer => ["연결하는 동안의 안내", "the prompt of a transfer"],
            Self::Notice { .. } => ["안내(notice)", "a notice"],
            Self::Message => ["메시지를 받는 안내", "a prompt of a message"],
            Self::Elsewhere => ["이 자리", "this place"],
        }
    }
}

/// Where a name can be filled, in words; for names that a place cannot fill.
pub fn belongs(name: &str) -> Option<[&'static str; 2]> {
    Some(match name {
        "time" | "date" | "caller" => ["말로 하는 안내에서만 씁니다", "it is filled where words are said"],
        "menu" => ["메뉴의 prompt 에서만 씁니다", "it is filled in the prompt of a menu"],
        "number" => {
            ["누른 번호를 확인하는 read_back 에서만 씁니다", "it is filled in read_back, where an entry is confirmed"]
        }
        "center.name" => [
            "transfer 의 prompt 와, 연결이 안 되어 ladder 로만 오는 notice 에서 씁니다",
            "it is filled in the prompt of a transfer, and in notices that only ladders lead to",
        ],
        "opens" | "opens.date" | "opens.time" => [
            "닫혀서 오는 notice 에서만 씁니다: outside, holiday, closed, 안내로만 보내는 switch 로 가는 안내입니다",
            "it is filled in notices that only outside, holiday, closed or a switch lead to",
        ],
        "position" | "count" | "wait" => ["대기열이 생기면 씁니다", "it is for queues, which no table has yet"],
        _ => return None,
    })
}

/// A text as people read it: what fills a slot, in braces, and the particle behind it. Texts that cannot be read stay as they are.
pub fn shown(text: &str, korean: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((inside, behind)) = after.split_once('}') else { break };
        let mut options = inside.split('|').map(str::trim);
        let name = options.next().unwrap_or("");
        let words =
            NAMES.iter().find(|known| known.name == name).map_or(name, |known| known.words[usize::from(!korean)]);
        let tail: String = options
            .map(|option| match option.split_once(':') {
                Some((_, counter)) => format!(" {counter}"),
                None if option.contains('/') || matches!(option, "에" | "부터" | "까지") => format!(" {option}"),
                None => String::new(),
            })
            .collect();
        out.push_str(&format!("{before}{{{words}}}{}", tail.trim_start()));
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_somewhere_or_says_why_not() {
        let known = vocabulary();
        assert_eq!(known.len(), NAMES.len());
        let places = [
            Place::Greeting,
            Place::Menu,
            Place::Retry,
            Place::Question,
            Place::ReadBack,
            Place::Transfer,
            Place::Notice { closed: true, unreached: false },
            Place::Notice { closed: false, unreached: true },
            Place::Message,
        ];
        for name in known.keys() {
            let filled = places.iter().any(|place| place.fills().contains(name));
            assert_eq!(filled, !["position", "count", "wait"].contains(name), "{name}");
            assert!(belongs(name).is_some(), "{name}");
        }
        assert!(places.iter().all(|place| place.fills().iter().all(|name| known.contains_key(name))));
        assert_eq!(Place::Elsewhere.fills(), [""; 0]);
    }

    #[test]
    fn a_text_is_shown_with_what_fills_it() {
        let text = "상담은 {opens|에} 시작합니다. {center.name|으로/로} 가는 {wait|sino:분} {x";
        assert_eq!(
            shown(text, true),
            "상담은 {다음 시작 때}에 시작합니다. {기관 이름}으로/로 가는 {예상 대기 시간(분)}분 {x"
        );
        assert_eq!(shown("We open {opens}. {what}", false), "We open {the next opening}. {what}");
    }
}
