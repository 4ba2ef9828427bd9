//! Switches: what an operator turns on for a while, without touching the table.
//!
//! `ivr1357 switch emergency on --until 18:00` changes this state; a condition `switch = "emergency"` reads it. The state
//! is a value that is replaced as a whole: whoever keeps it (a file, a control socket) hands a new one to the engine.

use crate::time::Wall;
use std::collections::BTreeMap;

/// Which switches are on, and until when. A switch that stands here for longer than its time is off.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Switches(BTreeMap<String, Option<Wall>>);

impl Switches {
    /// Whether a switch is on at this moment.
    pub fn is_on(&self, name: &str, at: Wall) -> bool {
        self.0.get(name).is_some_and(|until| until.is_none_or(|until| at < until))
    }

    /// When a switch that was turned on goes off by itself.
    pub fn end(&self, name: &str) -> Option<Wall> {
        self.0.get(name).copied().flatten()
    }

    /// Turns a switch on, for good or until a moment.
    pub fn turn_on(&mut self, name: &str, until: Option<Wall>) {
        self.0.insert(name.to_owned(), until);
    }

    /// Turns a switch off.
    pub fn turn_off(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Every switch that was turned on, with its end.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<Wall>)> {
        self.0.iter().map(|(name, until)| (name.as_str(), *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_on_until_its_end_or_until_it_is_turned_off() {
        let at = Wall::from_micros;
        let mut switches = Switches::default();
        assert!(!switches.is_on("emergency", at(0)));
        switches.turn_on("emergency", Some(at(10)));
        assert!(switches.is_on("emergency", at(9)) && !switches.is_on("emergency", at(10)));
        switches.turn_on("emergency", None);
        assert!(switches.is_on("emergency", at(i64::MAX)));
        switches.turn_off("emergency");
        assert!(!switches.is_on("emergency", at(0)));
    }
}
