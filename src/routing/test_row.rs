//! `[[test]]`: a call that the table must lead as written. Running it is the work of `proof`.

use crate::number::{Caller, Digits};
use crate::routing::bundle;
use crate::routing::plan::{CenterId, MessageId, NoticeId};
use jiff::civil::DateTime;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestRow {
    /// What it shows, in the operator's words.
    pub name: String,
    /// The included file it stands in; `None` is the table's own.
    pub file: Option<String>,
    /// The line of the file it begins in.
    pub line: usize,
    /// The moment of the call, in the table's zone.
    pub at: DateTime,
    /// Switches that are on.
    pub switches: Vec<Arc<str>>,
    /// Who calls; `None` is nobody in particular.
    pub caller: Option<Caller>,
    /// Which number is dialled: an index into `Plan::numbers`.
    pub number: usize,
    /// What the caller does.
    pub press: Vec<Act>,
    /// What centres do, one word for each address, the last for all further ones; the others answer.
    pub world: BTreeMap<CenterId, Vec<Manner>>,
    /// Rows that are passed, in this order; others may lie between.
    pub expect: Vec<Arc<str>>,
    /// Prompts, or pieces of their texts, that are heard, in this order.
    pub hears: Vec<String>,
    /// How it ends.
    pub end: Option<Ending>,
}

impl TestRow {
    /// Where it stands: `routing.toml:12`. `name` is that of the table.
    pub fn place(&self, name: &str) -> String {
        let file = bundle::told(name, usize::from(self.file.is_some()), self.file.as_deref());
        format!("{file}:{}", self.line)
    }
}

/// What a caller does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// `"11"`.
    Keys(Digits),
    /// `""`: says nothing until the menu has waited long enough.
    Silence,
    /// `"5s"`.
    Wait(Duration),
    /// `"say 10s"`: waits for the tone and speaks.
    Say(Duration),
    /// `"hangup"`.
    HangUp,
}

/// What a centre does; the words of `ivr1357 try`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Manner {
    /// Rings and answers.
    Answers,
    /// 486.
    Busy,
    /// Rings, and nobody comes.
    Rings,
    /// Nothing comes back.
    Dead,
    /// 603.
    Refuses,
}

impl Manner {
    /// Every manner.
    pub const ALL: [Self; 5] = [Self::Answers, Self::Busy, Self::Rings, Self::Dead, Self::Refuses];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Busy => "busy",
            Self::Rings => "rings",
            Self::Dead => "dead",
            Self::Refuses => "refuses",
        }
    }
}

/// How a tested call ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With this centre.
    Center(CenterId),
    /// After this announcement.
    Notice(NoticeId),
    /// With a message of this row.
    Message(MessageId),
    /// The caller hangs up.
    HungUp,
}
