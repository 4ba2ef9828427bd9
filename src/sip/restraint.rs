//! Overload control as its client speaks it (RFC 7339), by loss: requests of ours outside dialogs offer `oc`, and a peer that is
//! loaded says in the Via of its responses how many of a hundred new calls we are to keep back.
//!
//! Only calls are kept back: requests inside dialogs and registrations are what a loaded peer wants to have (§5.10.1).
//! What is said of the loaded server itself is in `admission::feedback`.

use super::flow::Transport;
use super::header::{Params, before_params, trim};
use crate::limits::RESTRAINTS_MAX;
use crate::random::Random;
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What our topmost Via says for it: we heed a loss, and nothing else.
pub const OFFER: &[u8] = b";oc;oc-algo=\"loss\"";
/// §4.3: where the word does not say how long it holds.
const VALIDITY: Duration = Duration::from_millis(500);
/// Nobody may silence us for longer with one word.
const VALIDITY_MAX: Duration = Duration::from_secs(60);

/// A word of a peer, as the parameters of a Via.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word {
    loss: u64,
    validity: Duration,
    /// Greater, later.
    sequence: (u64, u64),
}

impl Word {
    /// From the topmost Via of a response; `None` where it says nothing that we understand (§4.1 to §4.4).
    fn read(via: &[u8]) -> Option<Self> {
        let params = Params(&via[before_params(via).len()..]);
        let number = |text: &[u8]| std::str::from_utf8(trim(text)).ok()?.parse::<u64>().ok();
        let loss = number(params.get("oc")?).filter(|loss| *loss <= 100)?;
        // A list of one: what the server chose.
        let algorithm = params.get("oc-algo").unwrap_or(b"loss");
        if !algorithm.trim_ascii().eq_ignore_ascii_case(b"loss") && !algorithm.eq_ignore_ascii_case(b"\"loss\"") {
            return None;
        }
        let validity = match params.get("oc-validity") {
            Some(millis) => Duration::from_millis(number(millis)?).min(VALIDITY_MAX),
            None => VALIDITY,
        };
        let sequence = match params.get("oc-seq") {
            Some(text) => {
                let mut parts = text.splitn(2, |byte| *byte == b'.');
                (number(parts.next()?)?, parts.next().map_or(Some(0), number)?)
            }
            None => (u64::MAX, u64::MAX),
        };
        Some(Self { loss, validity, sequence })
    }
}

#[derive(Clone, Copy, Debug)]
struct Held {
    loss: u64,
    until: Instant,
    sequence: (u64, u64),
}

/// What loaded peers asked for.
#[derive(Debug, Default)]
pub struct Restraint {
    held: BTreeMap<(Transport, SocketAddr), Held>,
}

impl Restraint {
    /// A response of this peer; `via` is its topmost, which is ours.
    pub fn heard(&mut self, now: Instant, peer: (Transport, SocketAddr), via: &[u8]) {
        let Some(Word { loss, validity, sequence }) = Word::read(via) else { return };
        let known = self.held.get(&peer).copied();
        // Overtaken by a later one (§4.4).
        if known.is_some_and(|known| {
            known.sequence != (u64::MAX, u64::MAX) && sequence < known.sequence && now < known.until
        }) {
            return;
        }
        if validity.is_zero() || loss == 0 {
            self.held.remove(&peer);
            return;
        }
        self.held.retain(|_, held| held.until > now);
        if known.is_some() || self.held.len() < RESTRAINTS_MAX {
            self.held.insert(peer, Held { loss, until: now + validity, sequence });
        }
    }

    /// Whether this new call is one of those that the peer wants us to keep back.
    pub fn keeps_back(&self, now: Instant, peer: (Transport, SocketAddr), random: &mut Random) -> bool {
        let held = self.held.get(&peer).filter(|held| now < held.until);
        held.is_some_and(|held| random.below(100) < held.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIA: &str = "SIP/2.0/UDP 192.0.2.100:5060;rport=5060;branch=z9hG4bKa";

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn a_word_is_read_as_peers_write_it() {
        let word = |loss, millis, sequence| Some(Word { loss, validity: Duration::from_millis(millis), sequence });
        let latest = (u64::MAX, u64::MAX);
        for (params, read) in [
            (";oc=20;oc-algo=\"loss\";oc-validity=1000;oc-seq=1282321615.782", word(20, 1000, (1_282_321_615, 782))),
            (";oc=20", word(20, 500, latest)),
            (";OC=100;oc-validity=0", word(100, 0, latest)),
            (";oc=5;oc-validity=99999999999;oc-seq=7", word(5, 60_000, (7, 0))),
            (";oc=101", None),
            (";oc=-1", None),
            (";oc", None),
            (";oc=20;oc-algo=\"rate\"", None),
            (";oc=20;oc-validity=x", None),
            (";oc=20;oc-seq=1.2.3", None),
            ("", None),
        ] {
            assert_eq!(Word::read(format!("{VIA}{params}").as_bytes()), read, "{params}");
        }
    }

    #[test]
    fn a_share_of_new_calls_is_kept_back_for_as_long_as_it_holds() {
        let peer = (Transport::Udp, "192.0.2.1:5060".parse().expect("an address"));
        let (mut restraint, mut random) = (Restraint::default(), Random::from_number(1));
        let mut kept = |restraint: &Restraint, millis| {
            (0..1000).filter(|_| restraint.keeps_back(at(millis), peer, &mut random)).count()
        };
        assert_eq!(kept(&restraint, 0), 0);
        let says = |restraint: &mut Restraint, millis, params: &str| {
            restraint.heard(at(millis), peer, format!("{VIA}{params}").as_bytes());
        };
        says(&mut restraint, 0, ";oc=30;oc-validity=1000;oc-seq=5");
        assert!((250..350).contains(&kept(&restraint, 999)));
        assert_eq!(kept(&restraint, 1000), 0, "it has run out");
        says(&mut restraint, 1000, ";oc=100;oc-validity=1000;oc-seq=7");
        says(&mut restraint, 1001, ";oc=10;oc-validity=1000;oc-seq=6");
        assert_eq!(kept(&restraint, 1002), 1000, "a word that was overtaken");
        says(&mut restraint, 1003, ";oc=0;oc-validity=0;oc-seq=8");
        assert_eq!(kept(&restraint, 1004), 0, "it is over");
    }

    #[test]
    fn many_loaded_peers_fill_no_memory() {
        let mut restraint = Restraint::default();
        for port in 1..=u16::MAX {
            let peer = (Transport::Udp, SocketAddr::from(([192, 0, 2, 1], port)));
            restraint.heard(at(0), peer, format!("{VIA};oc=50;oc-validity=5000").as_bytes());
        }
        assert_eq!(restraint.held.len(), RESTRAINTS_MAX);
    }
}
