//! Words to sound, without files or processes: the prompt catalogue, the tables of texts, and how Korean is said.
//!
//! [`texts`] and [`words`] say what is spoken, [`pronunciation`] how: [`reading`] writes out numbers and signs (with [`numeral`], [`particle`]),
//! [`standard`] and [`lexicon`] pronounce (over [`hangul`]), [`espeak`] spells for the voice; [`phrase`] fills in what a call only knows (세 번째). [`sound`] and
//! [`wav`] (over [`riff`]) what becomes of a synthesiser's voice, [`stretch`] what slow reading plays, [`ledger`] which sound was made from which words, [`naming`] which file they are. `shell::prompts` reads
//! and builds the files.

pub mod catalogue;
pub mod espeak;
pub mod finding;
pub mod hangul;
pub mod ledger;
pub mod lexicon;
pub mod naming;
pub mod numeral;
pub mod particle;
pub mod phrase;
pub mod pronunciation;
pub mod reading;
pub mod resample;
pub mod riff;
pub mod shape;
pub mod sheet;
pub mod sound;
pub mod standard;
pub mod stretch;
pub mod texts;
pub mod voice;
pub mod wav;
pub mod words;

pub use catalogue::{Catalogue, Prompt, PromptSound};
pub use finding::PromptError;
pub use voice::{Voice, Voices};
pub use words::{Derived, Kind};
