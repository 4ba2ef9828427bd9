//! Asking for proof (RFC 3261 §22.1, RFC 8760 §2.2): nonces that need no memory, and their counts, which do.
//!
//! A nonce is the time and a keyed hash of the time and the source, so a flood of requests without proof costs nothing
//! afterwards. Only a right answer leaves something behind: the counts of its nonce, so that it cannot be sent again.

use super::{Algorithm, Authorization, Proof, hexadecimal};
use crate::limits::{NONCE_LIFE, NONCES_MAX};
use crate::random::Random;
use crate::sip::trunk::{Credentials, TrunkId};
use crate::sip::uri::UriView;
use crate::time::Instant;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The realm where the settings name none.
pub const REALM: &str = "1357";

/// What an answer proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is this trunk.
    Proven(TrunkId),
    /// It would be right, but the nonce is too old or was used: `stale=true`.
    Stale,
    /// It proves nothing.
    Nobody,
}

/// Who asks for proof.
#[derive(Debug)]
pub struct Guard {
    secret: [u8; 32],
    /// Counts seen, by the time of the nonce and its hash.
    seen: BTreeMap<(u64, [u8; 16]), Counts>,
    /// Nonces of this time or before are stale: their counts were forgotten to make room.
    forgotten: Option<u64>,
}

/// Which counts of a nonce were seen: the greatest, and the 63 below it (RFC 7616 §3.4.5 wants each once; datagrams
/// overtake each other).
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    greatest: u32,
    below: u64,
}

impl Counts {
    /// True for a count that is new.
    fn take(&mut self, count: u32) -> bool {
        if count > self.greatest {
            let step = count - self.greatest;
            self.below =
                if step < 64 { (self.below << step) | (u64::from(self.greatest != 0) << (step - 1)) } else { 0 };
            self.greatest = count;
            return true;
        }
        let back = self.greatest - count;
        let bit = match back {
            1..=64 if count > 0 => 1u64 << (back - 1),
            _ => return false,
        };
        let new = self.below & bit == 0;
        self.below |= bit;
        new
    }
}

/// A request that brings an answer, or none.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where it came from.
    pub source: IpAddr,
    /// Its method.
    pub method: &'a [u8],
    /// Its Request-URI.
    pub uri: &'a [u8],
}

impl Guard {
    /// With a secret of its own.
    pub fn new(random: &mut Random) -> Self {
        let mut secret = [0; 32];
        for part in secret.chunks_mut(8) {
            part.copy_from_slice(&random.u64().to_be_bytes());
        }
        Self { secret, seen: BTreeMap::new(), forgotten: None }
    }

    /// One challenge for each hash and realm, the stronger hash first, as whole header lines.
    pub fn challenges<'a>(
        &self,
        now: Instant,
        source: IpAddr,
        trunks: impl Iterator<Item = (TrunkId, &'a Credentials)>,
        stale: bool,
    ) -> Vec<u8> {
        let mut realms: Vec<&str> = Vec::new();
        for (_, credentials) in trunks {
            let realm = realm_of(credentials);
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
        let time = now.as_nanos() / 1_000_000;
        let nonce = format!("{time:016x}{}", hexadecimal(&self.hash(time, source)));
        let stale = if stale { ", stale=true" } else { "" };
        let mut lines = String::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            for realm in &realms {
                lines += &format!(
                    "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}\r\n",
                    algorithm.name()
                );
            }
        }
        lines.into_bytes()
    }

    /// Whether one of the answers proves that the source is one of the trunks. A name that nobody has costs as much as
    /// a wrong password.
    pub fn check<'a, 'm>(
        &mut self,
        now: Instant,
        asked: Asked<'_>,
        trunks: impl Iterator<Item = (TrunkId, &'a Credentials)> + Clone,
        answers: impl Iterator<Item = &'m [u8]>,
    ) -> Verdict {
        let mut verdict = Verdict::Nobody;
        for answer in answers.take(2).filter_map(Authorization::read) {
            let known = trunks.clone().find(|(_, known)| known.user == answer.user && realm_of(known) == answer.realm);
            let (trunk, password) = match known {
                Some((trunk, credentials)) => (Some(trunk), credentials.password.as_str()),
                None => (None, "nobody has this password"),
            };
            let right = is_right(&answer, password, asked);
            let (Some(trunk), true) = (trunk, right) else { continue };
            verdict = match self.take_nonce(now, asked.source, &answer) {
                true => return Verdict::Proven(trunk),
                false => Verdict::Stale,
            };
        }
        verdict
    }

    /// Whether the nonce is ours, young, and not used with this count.
    fn take_nonce(&mut self, now: Instant, source: IpAddr, answer: &Authorization) -> bool {
        let Some((time, hash)) = answer.nonce.split_at_checked(16) else { return false };
        let Ok(time) = u64::from_str_radix(time, 16) else { return false };
        let expected = self.hash(time, source);
        let age = (now.as_nanos() / 1_000_000).checked_sub(time);
        let young = age.is_some_and(|age| u128::from(age) <= NONCE_LIFE.as_millis());
        if !young || !are_equal(hash.as_bytes(), hexadecimal(&expected).as_bytes()) {
            return false;
        }
        if self.forgotten.is_some_and(|forgotten| time <= forgotten) {
            return false;
        }
        let count = match &answer.counted {
            Some((count, _)) => u32::from_str_radix(count, 16).unwrap_or(0),
            // A peer that does not count uses each nonce once.
            None => 1,
        };
        self.make_room(now);
        self.seen.entry((time, expected)).or_default().take(count)
    }

    fn make_room(&mut self, now: Instant) {
        let oldest = (now.as_nanos() / 1_000_000).saturating_sub(NONCE_LIFE.as_millis() as u64);
        while let Some((&(time, _), _)) = self.seen.first_key_value()
            && (time < oldest || self.seen.len() >= NONCES_MAX)
        {
            self.seen.pop_first();
            self.forgotten = self.forgotten.max(Some(time));
        }
    }

    fn hash(&self, time: u64, source: IpAddr) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(&time.to_be_bytes());
        mac.update(source.to_canonical().to_string().as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        hash
    }
}

fn realm_of(credentials: &Credentials) -> &str {
    credentials.realm.as_deref().unwrap_or(REALM)
}

fn is_right(answer: &Authorization, password: &str, asked: Asked<'_>) -> bool {
    // SHA-512-256 was not offered.
    let offered = matches!(answer.algorithm, Algorithm::Md5 | Algorithm::Sha256);
    let method = std::str::from_utf8(asked.method).unwrap_or_default();
    let proof = Proof {
        algorithm: answer.algorithm,
        user: &answer.user,
        realm: &answer.realm,
        password,
        method,
        uri: &answer.uri,
        nonce: &answer.nonce,
        counted: answer.counted.as_ref().map(|(count, cnonce)| (count.as_str(), cnonce.as_str())),
        session: false,
        body: None,
    };
    let response = proof.response().unwrap_or_default();
    let equal = are_equal(response.as_bytes(), answer.response.to_ascii_lowercase().as_bytes());
    offered && equal && is_same_target(answer.uri.as_bytes(), asked.uri)
}

/// The answer was made for this Request-URI: user and host. Elements on the way add parameters and ports.
fn is_same_target(uri: &[u8], asked: &[u8]) -> bool {
    match (UriView::parse(uri), UriView::parse(asked)) {
        (Ok(uri), Ok(asked)) => uri.user == asked.user && uri.host.eq_ignore_ascii_case(asked.host),
        _ => uri == asked,
    }
}

/// Takes as long for a wrong first byte as for a wrong last one.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0u8, |sum, (one, other)| sum | (one ^ other));
    std::hint::black_box(differences) == 0 && one.len() == other.len() && !one.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::auth::client::{Asker, Prover};
    use crate::time::Duration;

    fn credentials(user: &str, password: &str) -> Credentials {
        Credentials { realm: None, user: user.to_owned(), password: password.to_owned() }
    }

    struct Scene {
        guard: Guard,
        trunks: Vec<Credentials>,
        random: Random,
        now: Instant,
    }

    const SOURCE: &str = "203.0.113.7";

    impl Scene {
        fn new() -> Self {
            let mut random = Random::from_number(3);
            let trunks = vec![credentials("kt", "first"), credentials("lg", "second")];
            Self { guard: Guard::new(&mut random), trunks, random, now: Instant::START + Duration::from_secs(9) }
        }

        fn trunks(trunks: &[Credentials]) -> impl Iterator<Item = (TrunkId, &Credentials)> + Clone {
            trunks.iter().enumerate().map(|(index, known)| (TrunkId(index), known))
        }

        /// An answer of this peer to a challenge of now.
        fn answer(&mut self, user: &str, password: &str) -> Prover {
            let source = SOURCE.parse().expect("an address");
            let lines = self.guard.challenges(self.now, source, Self::trunks(&self.trunks), false);
            let lines = String::from_utf8(lines).expect("text");
            let mut prover = Prover::new(&credentials(user, password), REALM);
            let values = lines.lines().map(|line| line.trim_start_matches("WWW-Authenticate: ").as_bytes());
            assert!(prover.challenged(Asker::Peer, values));
            prover
        }

        fn sent(&mut self, prover: &mut Prover) -> String {
            let lines = prover.lines("INVITE", "sip:1357@192.0.2.1", b"", &mut self.random);
            String::from_utf8(lines).expect("text").trim().trim_start_matches("Authorization: ").to_owned()
        }

        fn check(&mut self, source: &str, method: &str, uri: &str, value: &str) -> Verdict {
            let source = source.parse().expect("an address");
            let asked = Asked { source, method: method.as_bytes(), uri: uri.as_bytes() };
            self.guard.check(self.now, asked, Self::trunks(&self.trunks), [value.as_bytes()].into_iter())
        }
    }

    #[test]
    fn a_right_answer_names_its_trunk_once_for_each_count() {
        let mut scene = Scene::new();
        let mut prover = scene.answer("lg", "second");
        let first = scene.sent(&mut prover);
        let second = scene.sent(&mut prover);
        assert!(first.contains("SHA-256"), "{first}");
        let uri = "sip:1357@192.0.2.1:5060;user=phone";
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &second), Verdict::Proven(TrunkId(1)));
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &first), Verdict::Proven(TrunkId(1)), "it was overtaken");
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &first), Verdict::Stale, "a replay");
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &second), Verdict::Stale, "a replay");
    }

    #[test]
    fn an_answer_is_worth_nothing_elsewhere() {
        let mut scene = Scene::new();
        let mut prover = scene.answer("kt", "first");
        let value = scene.sent(&mut prover);
        let uri = "sip:1357@192.0.2.1";
        assert_eq!(scene.check("203.0.113.8", "INVITE", uri, &value), Verdict::Stale, "the nonce of another source");
        assert_eq!(scene.check(SOURCE, "BYE", uri, &value), Verdict::Nobody);
        assert_eq!(scene.check(SOURCE, "INVITE", "sip:0000@192.0.2.1", &value), Verdict::Nobody);
        let other_realm = value.replace("realm=\"1357\"", "realm=\"kt.example\"");
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &other_realm), Verdict::Nobody);
        scene.now += NONCE_LIFE + Duration::from_millis(1);
        assert_eq!(scene.check(SOURCE, "INVITE", uri, &value), Verdict::Stale, "too old");
    }

    #[test]
    fn a_wrong_name_and_a_wrong_password_prove_the_same_nothing() {
        let mut scene = Scene::new();
        for (user, password) in [("kt", "wrong"), ("nobody", "first"), ("lg", "first"), ("kt", "")] {
            let mut prover = scene.answer(user, password);
            let value = scene.sent(&mut prover);
            assert_eq!(scene.check(SOURCE, "INVITE", "sip:1357@192.0.2.1", &value), Verdict::Nobody, "{user}");
        }
        assert_eq!(scene.check(SOURCE, "INVITE", "sip:1357@192.0.2.1", "Digest username=\"kt\""), Verdict::Nobody);
        assert!(scene.guard.seen.is_empty(), "only a right answer leaves something behind");
    }

    #[test]
    fn an_invented_nonce_is_stale_even_with_the_password() {
        let mut scene = Scene::new();
        for nonce in [
            "",
            "0",
            "00000000000023280011223344556677889900aabbccddee",
            "gggggggggggggggg",
            "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}x",
        ] {
            let proof = Proof {
                algorithm: Algorithm::Md5,
                user: "kt",
                realm: REALM,
                password: "first",
                method: "INVITE",
                uri: "sip:1357@h",
                nonce,
                counted: None,
                session: false,
                body: None,
            };
            let response = proof.response().expect("a method of SIP");
            let value = format!(
                "Digest username=\"kt\", realm=\"1357\", nonce=\"{nonce}\", uri=\"sip:1357@h\", response=\"{response}\""
            );
            assert_eq!(scene.check(SOURCE, "INVITE", "sip:1357@h", &value), Verdict::Stale, "{nonce}");
        }
    }

    #[test]
    fn the_memory_of_counts_is_bounded_and_forgetting_opens_no_door() {
        let mut scene = Scene::new();
        let mut prover = scene.answer("kt", "first");
        let first = scene.sent(&mut prover);
        assert_eq!(scene.check(SOURCE, "INVITE", "sip:1357@192.0.2.1", &first), Verdict::Proven(TrunkId(0)));
        for index in 0..NONCES_MAX as u64 {
            scene.guard.seen.insert((20_000 + index, [0; 16]), Counts::default());
        }
        let mut prover = scene.answer("kt", "first");
        let value = scene.sent(&mut prover);
        scene.check(SOURCE, "INVITE", "sip:1357@192.0.2.1", &value);
        assert!(scene.guard.seen.len() <= NONCES_MAX);
        assert_eq!(scene.check(SOURCE, "INVITE", "sip:1357@192.0.2.1", &first), Verdict::Stale);
    }

    #[test]
    fn counts_are_taken_once_each_within_a_window() {
        let mut counts = Counts::default();
        for (count, new) in [
            (1, true),
            (1, false),
            (0, false),
            (3, true),
            (2, true),
            (2, false),
            (3, false),
            (100, true),
            (99, true),
            (36, true),
            (35, false),
            (99, false),
            (163, true),
            (100, false),
            (u32::MAX, true),
            (u32::MAX - 64, true),
            (u32::MAX - 65, false),
        ] {
            assert_eq!(counts.take(count), new, "{count}");
        }
    }
}
