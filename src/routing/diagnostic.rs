//! What is wrong, where, and what to do: the operator's mistakes as text. (First cut; rendering follows.)

use std::ops::Range;

/// Which language the operator reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Korean, the default.
    Korean,
    /// English, by `--lang en`.
    English,
}

/// Whether the table may go live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Refused.
    Error,
    /// Allowed, with a note.
    Warning,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// `E0201`, stable.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// Bytes of the file it points at.
    pub span: Range<usize>,
    /// The sentence, in Korean and in English.
    pub message: [String; 2],
    /// Words at the caret, in Korean and in English.
    pub label: [String; 2],
    /// What to do, in Korean and in English.
    pub help: [String; 2],
}
