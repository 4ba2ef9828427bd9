//! What is said over the control socket: one question and one answer a connection, each a line of JSON, and bytes behind it where
//! it announces some.

use super::{Alarm, Answer};
use crate::routing::Language;
use crate::shell::versions::Version;
use serde::{Deserialize, Serialize};

/// A question. A question with [`Question::bytes`] is followed by as many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// Publish the table that follows.
    Publish {
        /// What its publisher calls it.
        file: String,
        /// Its length.
        bytes: usize,
        /// All but the publishing itself.
        #[serde(default)]
        dry_run: bool,
        /// Why, over which version, and in which language the answer is.
        #[serde(flatten)]
        reason: Reason,
    },
    /// Publish an earlier version again.
    Rollback {
        /// Which; none: the one that the live one took over from.
        to: Option<u64>,
        /// Why, over which version, and in which language the answer is.
        #[serde(flatten)]
        reason: Reason,
    },
    /// All versions, the newest first.
    History,
    /// One version, its table behind the answer.
    Show {
        /// Which.
        number: u64,
    },
    /// What is live, and what is wrong.
    Status,
}

/// Why something is published.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// In the publisher's words.
    pub why: String,
    /// The name they give themselves.
    #[serde(default)]
    pub by: Option<String>,
    /// Only when this version is live.
    #[serde(default)]
    pub over: Option<u64>,
    /// `ko`, or `en`.
    #[serde(default)]
    pub lang: String,
}

impl Reason {
    /// The language of the answer.
    pub fn language(&self) -> Language {
        if self.lang == "en" { Language::English } else { Language::Korean }
    }
}

impl Question {
    /// How many bytes follow the question.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Publish { bytes, .. } => *bytes,
            Self::Rollback { .. } | Self::History | Self::Show { .. } | Self::Status => 0,
        }
    }
}

/// What the engine says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To a publication.
    Published(Box<Answer>),
    /// To [`Question::History`].
    History(Vec<Entry>),
    /// To [`Question::Show`]; `version.bytes` bytes follow.
    Shown(Box<Version>),
    /// To [`Question::Status`].
    Status(Box<Status>),
    /// The question was not understood, or cannot be answered now.
    Error {
        /// Why, in Korean and in English.
        words: [String; 2],
    },
}

/// A line of the history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// It is live.
    pub live: bool,
    /// Who, when, why; none where that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Version>,
    /// What is damaged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub damaged: Option<String>,
}

/// How the engine is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// What is live.
    pub live: Version,
    /// What somebody should look at.
    pub alarms: Vec<Alarm>,
    /// The table's file.
    pub file: String,
    /// Its text is another than what is live.
    pub unpublished: bool,
    /// Live calls.
    pub calls: usize,
    /// The trunks that we register with.
    #[serde(default)]
    pub trunks: Vec<Registered>,
    /// The threads that send sound.
    #[serde(default)]
    pub media: Vec<MediaThread>,
}

/// How a media thread stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MediaThread {
    /// Its name.
    pub thread: String,
    /// How late it is just now with all that it sends.
    pub late_ms: u64,
    /// Packets that were not sent, since the start, because it was later than an interval.
    pub lost: u64,
    /// Packets that the system did not take, since the start.
    pub failed: u64,
}

/// How the registration of a trunk stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registered {
    /// Its name.
    pub trunk: String,
    /// Calls reach us by it until then, and longer once it is refreshed; none: they do not.
    pub until: Option<String>,
    /// The registrar's last answer; 408 for silence, 503 where it could not be reached.
    pub status: Option<u16>,
}
