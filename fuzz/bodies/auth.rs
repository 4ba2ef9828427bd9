//! The readers of digest headers, and what is made of what they read.
//!
//! The first byte chooses: a challenge of a peer, which is answered, or an answer of a peer, which must prove nothing.

use super::Choices;
use ivr1357::random::Random;
use ivr1357::sip::auth::client::{Asker, Prover};
use ivr1357::sip::auth::server::{Asked, Guard, Verdict};
use ivr1357::sip::auth::{Authorization, Challenge, Quality};
use ivr1357::sip::trunk::{Credentials, TrunkId};
use ivr1357::time::Instant;
use std::net::IpAddr;

const URI: &str = "sip:1357@192.0.2.1";

pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let is_challenge = choices.byte().is_multiple_of(2);
    let values: Vec<&[u8]> = choices.0.split(|&byte| byte == b'\n').collect();
    match is_challenge {
        true => challenges(&values),
        false => answers(&values),
    }
}

fn credentials(realm: &str) -> Credentials {
    Credentials { realm: Some(realm.to_owned()), user: "1357".to_owned(), password: "secret".to_owned() }
}

fn challenges(values: &[&[u8]]) {
    let Some(first) = values.iter().find_map(|value| Challenge::read(value)) else { return };
    let chosen = Challenge::choose(values.iter().copied(), &first.realm);
    let mut prover = Prover::new(&credentials(&first.realm), "192.0.2.1");
    prover.begin();
    let goes_on = prover.challenged(Asker::Peer, values.iter().copied());
    assert_eq!(goes_on, chosen.is_some());
    let Some(chosen) = chosen else { return };
    assert!(chosen.algorithm >= first.algorithm || values.len() > 1, "a weaker one than the only one");
    let lines = prover.lines("INVITE", URI, b"v=0\r\n", &mut Random::from_number(1));
    let value = lines.strip_prefix(b"Authorization: ").and_then(|value| value.strip_suffix(b"\r\n"));
    let value = value.expect("one line for one challenge");
    assert!(!value.iter().any(u8::is_ascii_control), "the challenge wrote a line of ours");
    // What we answer and never ask for is not read either.
    let Some(answer) = Authorization::read(value) else {
        return assert!(chosen.session || chosen.quality == Some(Quality::Body), "we read what we write");
    };
    assert_eq!(answer.user == "1357", !chosen.hashes_user);
    assert_eq!(answer.uri, URI);
    assert_eq!((answer.realm, answer.nonce), (chosen.realm, chosen.nonce));
    assert_eq!(answer.algorithm, chosen.algorithm);
    assert_eq!(answer.counted.map(|(count, _)| count), chosen.quality.map(|_| "00000001".to_owned()));
}

fn answers(values: &[&[u8]]) {
    for answer in values.iter().filter_map(|value| Authorization::read(value)) {
        let known = credentials(&answer.realm);
        let known = Credentials { user: answer.user, ..known };
        let source = IpAddr::from([192, 0, 2, 7]);
        let asked = Asked { source, method: b"INVITE", uri: URI.as_bytes() };
        let mut guard = Guard::new(&mut Random::from_number(2));
        let trunks = [(TrunkId(0), &known)].into_iter();
        let verdict = guard.check(Instant::START, asked, trunks, values.iter().copied());
        assert!(!matches!(verdict, Verdict::Proven(_)), "a nonce that was never given proves something");
    }
}
