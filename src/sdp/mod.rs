//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264).
//!
//! Reads what real telephones send, in whatever order, and answers every media line. Formats that are not
//! ours are refused, never misread. Sockets and sound are known elsewhere.

pub mod codec;
pub mod crypto;
pub mod offer_answer;
pub mod opus;
mod reader;
mod writer;

pub use codec::{Codec, Codecs};
pub use crypto::{Keys, MasterKey, Secured, Suite};
pub use offer_answer::{Answer, Asked, Chosen, Control, Direction, Events, Local, Offer, Refusal, Security};
pub use opus::{Manner, Untouched};
