//! `[prove]`: what must hold on every way through the table, beyond what always must.

use crate::routing::plan::CenterId;

/// The rules of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// `person`: from any menu, this many keys lead to a person at the most.
    pub person: u8,
    /// `menus`: nobody is led deeper than this.
    pub menus: u8,
    /// `zero`: 0 leads to a person wherever a key counts.
    pub zero: bool,
    /// `keys`: the most keys a caller needs to reach each of these centres.
    pub keys: Vec<KeyRule>,
}

/// `"center.*" = 2`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRule {
    /// As written.
    pub pattern: String,
    /// The centres it means.
    pub centers: Vec<CenterId>,
    /// The most keys.
    pub keys: u8,
}

impl Default for Rules {
    /// The guideline of 2009: 0 is a counsellor at every step, and there are at most five steps.
    fn default() -> Self {
        Self { person: 3, menus: 5, zero: true, keys: Vec::new() }
    }
}
