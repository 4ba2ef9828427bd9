//! What is wrong with the prompts, where, and what to do.

use std::fmt;

/// A sentence in Korean and in English; boxed, because it travels in the error side of results.
pub type Both = Box<[String; 2]>;

/// A sentence in both languages.
pub fn both(korean: impl Into<String>, english: impl Into<String>) -> Both {
    Box::new([korean.into(), english.into()])
}

/// One finding about a prompt's text or sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptError {
    /// The file.
    pub file: String,
    /// Its line, for tables.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: Both,
    /// What to do.
    pub fix: Both,
}

impl PromptError {
    /// About a whole file.
    pub fn file(file: impl Into<String>, what: Both, fix: Both) -> Self {
        Self { file: file.into(), line: None, what, fix }
    }

    /// In Korean or in English.
    pub fn render(&self, korean: bool) -> String {
        let language = usize::from(!korean);
        let place = match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        };
        format!("{place}: {}\n  = {}", self.what[language], self.fix[language])
    }
}

impl fmt::Display for PromptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for PromptError {}
