//! A carrier's registrar: takes our bindings, or makes it hard (RFC 3261 §10.3, RFC 8760).
//!
//! It reads and writes raw text and computes digests by its own means. What it sees is kept for the oracle: how often
//! somebody asks within a few seconds, and whether what he proves is right.

use crate::random::Random;
use crate::sim::caller::text::{self, Message};
use crate::time::{Duration, Instant};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt::Write as _;

/// The domain of the carrier, and the realm its credentials are for.
pub const DOMAIN: &str = "carrier.example";
/// Our name there.
pub const USER: &str = "1357";
/// What only we and the carrier know.
pub const PASSWORD: &str = "orchard-7-lantern";

/// What a registrar is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Challenges once, then binds for as long as asked.
    Binds,
    /// Binds without a question.
    Trusts,
    /// Every second proof is stale.
    Stale,
    /// A new nonce each time, for ever: no proof is ever good enough.
    NonceForEver,
    /// 423 until the lifetime is long enough.
    TooBrief,
    /// Binds for a minute, whatever was asked.
    Short,
    /// 503.
    Unavailable,
    /// 403.
    Forbids,
    /// Challenges for a realm that we have no credentials for.
    OtherRealm,
    /// Not a word.
    Silent,
}

impl Manner {
    /// One of them.
    pub fn odd(random: &mut Random) -> Self {
        const ODD: [Manner; 9] = [
            Manner::Trusts,
            Manner::Stale,
            Manner::NonceForEver,
            Manner::TooBrief,
            Manner::Short,
            Manner::Unavailable,
            Manner::Forbids,
            Manner::OtherRealm,
            Manner::Silent,
        ];
        ODD[random.below(ODD.len() as u64) as usize]
    }
}

/// A carrier's registrar.
#[derive(Debug)]
pub struct Registrar {
    manner: Manner,
    random: Random,
    nonce: String,
    asked: u64,
    proofs: u64,
    recent: VecDeque<(Instant, u32)>,
    /// What was wrong with what we were sent, for the oracle.
    faults: Vec<String>,
    bound_until: Option<Instant>,
}

/// Asking more often than [`ASKED_MAX`] times in this is a loop.
const RECENT: Duration = Duration::from_secs(5);
/// A first try, a proof, a stale nonce and its proof, and the same again for a lifetime that was too brief.
const ASKED_MAX: usize = 8;
/// What [`Manner::TooBrief`] wants at least.
const LEAST: u64 = 900;

impl Registrar {
    /// A registrar without bindings.
    pub fn new(manner: Manner, mut random: Random) -> Self {
        let nonce = random.token(16);
        let recent = VecDeque::new();
        Self { manner, random, nonce, asked: 0, proofs: 0, recent, faults: Vec::new(), bound_until: None }
    }

    /// What was wrong since the last time.
    pub fn faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// Until when we are bound.
    pub fn bound_until(&self) -> Option<Instant> {
        self.bound_until
    }

    /// A datagram; the answer, unless there is none.
    pub fn received(&mut self, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
        let message = Message::read(bytes)?;
        let (cseq, _) = message.cseq()?;
        if message.method() != Some("REGISTER") {
            return None;
        }
        self.asked += 1;
        if self.recent.back().is_none_or(|(_, known)| *known != cseq) {
            self.recent.push_back((now, cseq));
        }
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) > RECENT) {
            self.recent.pop_front();
        }
        if self.recent.len() > ASKED_MAX {
            self.faults.push(format!("{} REGISTERs in {RECENT:?}", self.recent.len()));
        }
        let proof = message.get("Authorization").or_else(|| message.get("Proxy-Authorization"));
        if let Some(proof) = proof {
            self.proofs += 1;
            self.look_at(proof, message.request_uri().unwrap_or(""));
        }
        let expires = expires(&message);
        let answer =
            |status: u16, reason: &str, more: &str| Some(message.answer(status, reason, "registrar", more, ""));
        match (self.manner, proof) {
            (Manner::Silent, _) => None,
            (Manner::Unavailable, _) => answer(503, "Service Unavailable", "Retry-After: 30\r\n"),
            (Manner::Forbids, _) => answer(403, "Forbidden", ""),
            (Manner::OtherRealm, _) => {
                let challenge = self.challenge("elsewhere.example", "");
                answer(401, "Unauthorized", &challenge)
            }
            (Manner::NonceForEver, _) => {
                let challenge = self.fresh("");
                answer(401, "Unauthorized", &challenge)
            }
            (Manner::Binds | Manner::Stale | Manner::TooBrief | Manner::Short, None) => {
                let challenge = self.fresh("");
                answer(401, "Unauthorized", &challenge)
            }
            (Manner::Stale, Some(_)) if self.proofs % 2 == 1 => {
                let challenge = self.fresh(", stale=true");
                answer(401, "Unauthorized", &challenge)
            }
            (Manner::TooBrief, Some(_)) if expires > 0 && expires < LEAST => {
                answer(423, "Interval Too Brief", &format!("Min-Expires: {LEAST}\r\n"))
            }
            (Manner::Short, Some(_)) if expires > 0 => self.bind(now, &message, 60),
            (Manner::Trusts, _) | (_, Some(_)) => self.bind(now, &message, expires),
        }
    }

    fn bind(&mut self, now: Instant, message: &Message<'_>, expires: u64) -> Option<Vec<u8>> {
        self.bound_until = (expires > 0).then(|| now + Duration::from_secs(expires));
        let contact = message.contact().unwrap_or("sip:nobody@nowhere.example");
        let more = if expires > 0 { format!("Contact: <{contact}>;expires={expires}\r\n") } else { String::new() };
        Some(message.answer(200, "OK", "registrar", &more, ""))
    }

    fn fresh(&mut self, more: &str) -> String {
        self.nonce = self.random.token(16);
        self.challenge(DOMAIN, more)
    }

    fn challenge(&self, realm: &str, more: &str) -> String {
        format!(
            "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{}\", algorithm=SHA-256, qop=\"auth\"{more}\r\n",
            self.nonce
        )
    }

    /// Whether the proof is right, and for us.
    fn look_at(&mut self, proof: &str, request_uri: &str) {
        let get = |name: &str| -> String {
            let found = proof.trim_start_matches("Digest").split(',').find_map(|part| {
                let (known, value) = part.split_once('=')?;
                known.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
            });
            found.unwrap_or_default()
        };
        if get("realm") != DOMAIN {
            return self.faults.push(format!("credentials for realm {:?}", get("realm")));
        }
        let first = hex(&format!("{USER}:{DOMAIN}:{PASSWORD}"));
        let second = hex(&format!("REGISTER:{}", get("uri")));
        let (nonce, count, ours) = (get("nonce"), get("nc"), get("cnonce"));
        let right = hex(&format!("{first}:{nonce}:{count}:{ours}:auth:{second}"));
        if get("response") != right {
            self.faults.push(format!("a wrong proof for {request_uri}"));
        }
    }
}

fn expires(message: &Message<'_>) -> u64 {
    let of_contact = message.get("Contact").and_then(|contact| text::parameter(contact, "expires"));
    of_contact.or_else(|| message.get("Expires")).and_then(|text| text.parse().ok()).unwrap_or(3600)
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(cseq: u32, more: &str) -> Vec<u8> {
        format!(
            "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{cseq}\r\nFrom: <sip:1357@{DOMAIN}>;tag=a\r\n\
             To: <sip:1357@{DOMAIN}>\r\nCall-ID: r\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:1357@10.1.0.1>\r\n\
             Expires: 300\r\n{more}Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    fn status(answer: Option<Vec<u8>>) -> u16 {
        answer.and_then(|bytes| Message::read(&bytes)?.status()).unwrap_or(0)
    }

    fn proof(registrar: &Registrar, password: &str) -> String {
        let first = hex(&format!("{USER}:{DOMAIN}:{password}"));
        let second = hex(&format!("REGISTER:sip:{DOMAIN}"));
        let response = hex(&format!("{first}:{}:00000001:c:auth:{second}", registrar.nonce));
        format!(
            "Authorization: Digest username=\"{USER}\", realm=\"{DOMAIN}\", nonce=\"{}\", uri=\"sip:{DOMAIN}\", \
             response=\"{response}\", algorithm=SHA-256, cnonce=\"c\", qop=auth, nc=00000001\r\n",
            registrar.nonce
        )
    }

    #[test]
    fn each_registrar_answers_in_its_own_way() {
        for (manner, first, second) in [
            (Manner::Binds, 401, 200),
            (Manner::Trusts, 200, 200),
            (Manner::Stale, 401, 401),
            (Manner::NonceForEver, 401, 401),
            (Manner::TooBrief, 401, 423),
            (Manner::Short, 401, 200),
            (Manner::Unavailable, 503, 503),
            (Manner::Forbids, 403, 403),
            (Manner::OtherRealm, 401, 401),
            (Manner::Silent, 0, 0),
        ] {
            let mut registrar = Registrar::new(manner, Random::from_number(1));
            assert_eq!(status(registrar.received(Instant::START, &register(1, ""))), first, "{manner:?}");
            let proof = proof(&registrar, PASSWORD);
            assert_eq!(status(registrar.received(Instant::START, &register(2, &proof))), second, "{manner:?}");
            assert_eq!(registrar.faults(), [""; 0], "{manner:?}");
        }
    }

    #[test]
    fn a_wrong_proof_another_realm_and_a_loop_are_noticed() {
        let mut registrar = Registrar::new(Manner::Binds, Random::from_number(1));
        let wrong = proof(&registrar, "guess");
        registrar.received(Instant::START, &register(1, &wrong));
        assert_eq!(registrar.faults().len(), 1);
        let elsewhere = proof(&registrar, PASSWORD).replace("realm=\"carrier", "realm=\"other");
        registrar.received(Instant::START, &register(2, &elsewhere));
        assert_eq!(registrar.faults().len(), 1);
        for cseq in 3..9 {
            registrar.received(Instant::START, &register(cseq, ""));
        }
        assert_eq!(registrar.faults(), [""; 0]);
        registrar.received(Instant::START, &register(9, ""));
        assert_eq!(registrar.faults().len(), 1);
    }
}
