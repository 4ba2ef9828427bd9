//! Words to sound, without files or processes: the prompt catalogue, the tables of texts, and how Korean is said.
//!
//! [`texts`] and [`words`] say what is spoken, [`pronunciation`] (with [`particle`], [`numeral`], [`hangul`]) how, [`sound`] and
//! [`wav`] what becomes of a synthesiser's voice, [`ledger`] which sound was made from which words. `shell::prompts` reads
//! and builds the files.

pub mod catalogue;
pub mod finding;
pub mod hangul;
pub mod ledger;
pub mod numeral;
pub mod particle;
pub mod pronunciation;
pub mod sound;
pub mod texts;
pub mod wav;
pub mod words;

pub use catalogue::{Catalogue, Prompt};
pub use finding::PromptError;
pub use words::{Derived, Kind};
