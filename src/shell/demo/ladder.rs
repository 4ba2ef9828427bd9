//! The ladder on the terminal: three lifelines, one line for each message, milliseconds in front.

use std::io::Write;
use std::time::Instant;

/// Characters between two lifelines.
const GAP: usize = 28;

/// Who stands on a lifeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Peer {
    /// The caller's other end is 1357.
    Engine,
    /// The caller's other end is the centre.
    Centre,
}

/// Prints as things happen.
#[derive(Debug)]
pub(super) struct Ladder {
    start: Instant,
}

impl Ladder {
    /// Prints the heads of the lifelines.
    pub fn begin() -> Self {
        let ladder = Self { start: Instant::now() };
        ladder.print(&format!("{:>7}  {:<width$}{:<width$}centre", "ms", "caller", "1357", width = GAP + 1));
        ladder
    }

    /// Milliseconds since the beginning.
    pub fn millis(&self) -> u128 {
        self.start.elapsed().as_millis()
    }

    /// A message that leaves the caller.
    pub fn sent(&self, peer: Peer, label: &str) {
        self.line(&arrow(peer, label, true));
    }

    /// A message that reaches the caller.
    pub fn received(&self, peer: Peer, label: &str) {
        self.line(&arrow(peer, label, false));
    }

    /// Something at 1357 that no message shows.
    pub fn note(&self, text: &str) {
        self.line(&format!("│{:GAP$}│ {text}", ""));
    }

    /// A line that belongs to no lifeline.
    pub fn say(&self, text: &str) {
        self.print(text);
    }

    fn line(&self, text: &str) {
        self.print(&format!("{:>7}  {text}", self.millis()));
    }

    fn print(&self, text: &str) {
        // A reader who closed the pipe has seen enough.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

fn arrow(peer: Peer, label: &str, sent: bool) -> String {
    let width = match peer {
        Peer::Engine => GAP,
        Peer::Centre => 2 * GAP + 1,
    };
    let room = width.saturating_sub(5);
    let label: String = label.chars().take(room).collect();
    let dashes = "─".repeat(width.saturating_sub(label.chars().count() + 4));
    let body = if sent { format!("─ {label} {dashes}▶") } else { format!("◀─ {label} {dashes}") };
    match peer {
        Peer::Engine => format!("│{body}│{:GAP$}│", ""),
        Peer::Centre => format!("│{body}│"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arrow_ends_on_a_lifeline() {
        let long = "INVITE ".repeat(20);
        for label in ["INVITE", "200 OK (INVITE)", &long] {
            for peer in [Peer::Engine, Peer::Centre] {
                for sent in [true, false] {
                    let line = arrow(peer, label, sent);
                    assert_eq!(line.chars().count(), 2 * GAP + 3, "{line}");
                }
            }
        }
    }
}
