//! Answering challenges (RFC 3261 §22.2, RFC 8760): with whose credentials, how often, and when not.
//!
//! Credentials belong to one trunk and one realm. A request carries them at most twice; a peer that refuses them, or
//! that changes its nonce without saying that the old one was stale, is not answered again (CVE-2020-28242).

use super::{Challenge, Proof, Quality};
use crate::limits::CHALLENGES_ANSWERED_MAX;
use crate::random::Random;
use crate::sip::trunk::Credentials;

/// Who asks: the peer itself, or a proxy before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Asker {
    /// 401, `WWW-Authenticate`, `Authorization`.
    Peer,
    /// 407, `Proxy-Authenticate`, `Proxy-Authorization`.
    Proxy,
}

/// A challenge and how often it was answered.
#[derive(Clone, Debug)]
struct Answered {
    asker: Asker,
    challenge: Challenge,
    count: u32,
    /// The client nonce that a session began with: its key holds for all requests of that nonce (RFC 7616 §3.4.2).
    session: Option<String>,
}

/// The credentials of one trunk, and the challenges they answer now.
#[derive(Clone, Debug)]
pub struct Prover {
    credentials: Credentials,
    realm: String,
    answered: Vec<Answered>,
    /// Challenges of the present request.
    challenges: usize,
    /// Askers whose answer of this request was sent already.
    sent: Vec<Asker>,
}

impl Prover {
    /// For a trunk; `host` is the realm where its settings name none.
    pub fn new(credentials: &Credentials, host: &str) -> Self {
        let realm = credentials.realm.clone().unwrap_or_else(|| host.to_owned());
        Self { credentials: credentials.clone(), realm, answered: Vec::new(), challenges: 0, sent: Vec::new() }
    }

    /// A new request begins. What was answered before is sent along with it, so that most need no challenge.
    pub fn begin(&mut self) {
        self.challenges = 0;
        self.sent.clear();
    }

    /// A 401 or 407 with these header values: whether the request is worth sending again, with [`Prover::lines`].
    pub fn challenged<'m>(&mut self, asker: Asker, values: impl Iterator<Item = &'m [u8]>) -> bool {
        let Some(challenge) = Challenge::choose(values, &self.realm) else { return false };
        self.challenges += 1;
        let refused = self.sent.contains(&asker) && !challenge.stale && self.was_fresh(asker);
        if self.challenges > CHALLENGES_ANSWERED_MAX || refused {
            self.answered.clear();
            return false;
        }
        self.answered.retain(|answered| answered.asker != asker);
        self.answered.push(Answered { asker, challenge, count: 0, session: None });
        true
    }

    /// The answer that was refused was made for a nonce of this very request; an older one may simply have expired at a
    /// peer that does not say so.
    fn was_fresh(&self, asker: Asker) -> bool {
        self.answered.iter().any(|answered| answered.asker == asker && answered.count == 1)
    }

    /// Whole header lines for the next sending of the request.
    pub fn lines(&mut self, method: &str, uri: &str, body: &[u8], random: &mut Random) -> Vec<u8> {
        let mut lines = Vec::new();
        for answered in &mut self.answered {
            answered.count += 1;
            let Challenge { realm, nonce, opaque, algorithm, session, quality, hashes_user, .. } = &answered.challenge;
            let count = format!("{:08x}", answered.count);
            let cnonce = match *session {
                true => answered.session.get_or_insert_with(|| random.token(16)).clone(),
                false => random.token(16),
            };
            let proof = Proof {
                algorithm: *algorithm,
                user: &self.credentials.user,
                realm,
                password: &self.credentials.password,
                method,
                uri,
                nonce,
                counted: quality.map(|_| (count.as_str(), cnonce.as_str())),
                session: *session,
                body: (*quality == Some(Quality::Body)).then_some(body),
            };
            let Some(response) = proof.response() else { continue };
            let name = match answered.asker {
                Asker::Peer => "Authorization",
                Asker::Proxy => "Proxy-Authorization",
            };
            let mut line = format!(
                "{name}: Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\"",
                if *hashes_user { proof.hashed_user() } else { self.credentials.user.clone() }
            );
            line += &format!(", algorithm={}{}", algorithm.name(), if *session { "-sess" } else { "" });
            if *hashes_user {
                line += ", userhash=true";
            }
            if let Some(opaque) = opaque {
                line += &format!(", opaque=\"{opaque}\"");
            }
            if let Some(quality) = quality {
                line += &format!(", qop={}, nc={count}, cnonce=\"{cnonce}\"", quality.name());
            }
            line += "\r\n";
            lines.extend_from_slice(line.as_bytes());
            if !self.sent.contains(&answered.asker) {
                self.sent.push(answered.asker);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prover(realm: Option<&str>) -> Prover {
        let credentials =
            Credentials { realm: realm.map(str::to_owned), user: "15771357".to_owned(), password: "secret".to_owned() };
        Prover::new(&credentials, "kt.example")
    }

    fn challenged(prover: &mut Prover, value: &str) -> bool {
        prover.challenged(Asker::Peer, [value.as_bytes()].into_iter())
    }

    fn lines(prover: &mut Prover) -> String {
        let lines = prover.lines("REGISTER", "sip:kt.example", b"", &mut Random::from_number(1));
        String::from_utf8(lines).expect("text")
    }

    #[test]
    fn only_the_realm_of_the_trunk_is_answered() {
        let mut named = prover(Some("IMS"));
        assert!(!challenged(&mut named, "Digest realm=\"kt.example\", nonce=\"a\""));
        assert!(challenged(&mut named, "Digest realm=\"IMS\", nonce=\"a\""));
        let mut unnamed = prover(None);
        assert!(!challenged(&mut unnamed, "Digest realm=\"evil.example\", nonce=\"a\""));
        assert_eq!(lines(&mut unnamed), "");
        assert!(challenged(&mut unnamed, "Digest realm=\"kt.example\", nonce=\"a\""));
        assert!(lines(&mut unnamed).starts_with("Authorization: Digest username=\"15771357\", realm=\"kt.example\""));
    }

    #[test]
    fn a_nonce_is_counted_and_kept_for_the_next_request() {
        let mut prover = prover(None);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"a\", qop=\"auth\", algorithm=SHA-256"));
        for count in 1..=17 {
            let sent = lines(&mut prover);
            assert!(sent.contains(&format!("nc={count:08x},")), "{sent}");
            prover.begin();
        }
    }

    #[test]
    fn a_session_keeps_its_client_nonce_and_others_never_do() {
        for (algorithm, same) in [("MD5-sess", true), ("SHA-256-sess", true), ("SHA-256", false)] {
            let mut prover = prover(None);
            let value = format!("Digest realm=\"kt.example\", nonce=\"a\", qop=\"auth\", algorithm={algorithm}");
            assert!(challenged(&mut prover, &value));
            let mut random = Random::from_number(1);
            let mut cnonce = || {
                let lines =
                    String::from_utf8(prover.lines("REGISTER", "sip:kt.example", b"", &mut random)).expect("text");
                assert!(lines.contains(&format!("algorithm={algorithm},")), "{lines}");
                prover.begin();
                lines.split("cnonce=").nth(1).expect("a client nonce").to_owned()
            };
            assert_eq!(cnonce() == cnonce(), same, "{algorithm}");
        }
    }

    #[test]
    fn a_name_goes_hashed_and_a_body_is_covered_where_the_peer_wants_that() {
        let mut prover = prover(None);
        assert!(challenged(
            &mut prover,
            "Digest realm=\"kt.example\", nonce=\"a\", qop=\"auth-int\", algorithm=SHA-256, userhash=true"
        ));
        let lines = lines(&mut prover);
        assert!(
            lines.contains("userhash=true") && lines.contains("qop=auth-int,") && !lines.contains("15771357"),
            "{lines}"
        );
    }

    #[test]
    fn refused_credentials_are_not_sent_again() {
        let mut prover = prover(None);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"a\""));
        lines(&mut prover);
        assert!(!challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"b\""));
        assert_eq!(lines(&mut prover), "");
    }

    #[test]
    fn a_stale_nonce_is_answered_once_more_and_then_never_again() {
        let mut prover = prover(None);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"a\""));
        lines(&mut prover);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"b\", stale=true"));
        lines(&mut prover);
        assert!(!challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"c\", stale=true"));
        prover.begin();
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"d\""));
    }

    #[test]
    fn a_kept_nonce_that_expired_in_silence_is_answered_anew() {
        let mut prover = prover(None);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"a\", qop=\"auth\""));
        lines(&mut prover);
        prover.begin();
        lines(&mut prover);
        assert!(challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"b\", qop=\"auth\""));
        lines(&mut prover);
        assert!(!challenged(&mut prover, "Digest realm=\"kt.example\", nonce=\"c\", qop=\"auth\""));
    }

    #[test]
    fn a_proxy_and_the_peer_behind_it_may_both_ask() {
        let mut prover = prover(None);
        let value = |nonce: &str| format!("Digest realm=\"kt.example\", nonce=\"{nonce}\"");
        assert!(prover.challenged(Asker::Proxy, [value("a").as_bytes()].into_iter()));
        lines(&mut prover);
        assert!(prover.challenged(Asker::Peer, [value("b").as_bytes()].into_iter()));
        let both = lines(&mut prover);
        assert!(both.contains("Proxy-Authorization: ") && both.contains("\nAuthorization: "), "{both}");
    }
}
