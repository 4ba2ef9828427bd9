//! Digest authentication (RFC 7616 as RFC 8760 has it for SIP): its headers and its arithmetic.
//!
//! MD5 and SHA-256 are computed by the `rsip` crate; it has no SHA-512-256 (its `Sha512` is another hash), writes the
//! nonce count in decimal and prints URIs its own way, so counted nonces and the URI as written are handed to it as text.
//! SHA-512-256, session keys (`-sess`), whole bodies (`auth-int`) and hashed names, which it knows not or differently, are computed here. Who answers challenges is [`client`], who asks is [`server`].

pub mod client;
pub mod server;

use crate::limits::{AUTH_FIELD_BYTES_MAX, CHALLENGES_MAX};
use crate::sip::header::{elements, is_token, trim};
use sha2::{Digest, Sha256, Sha512_256};

/// A hash, the stronger one greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    /// For old peers; what no `algorithm` means.
    Md5,
    /// What every peer of today speaks.
    Sha256,
    /// Rare.
    Sha512Of256,
}

impl Algorithm {
    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512Of256 => "SHA-512-256",
        }
    }

    /// Session variants are answered, never offered: their key lasts as long as a nonce, and ours live for a minute.
    fn with_session(name: &str) -> Option<(Self, bool)> {
        let base = name.len().checked_sub(5).filter(|at| name.is_char_boundary(*at)).map(|at| name.split_at(at));
        match base {
            Some((base, suffix)) if suffix.eq_ignore_ascii_case("-sess") => Some((Self::from_name(base)?, true)),
            _ => Some((Self::from_name(name)?, false)),
        }
    }

    /// The hash of these bytes, in hexadecimal.
    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::Md5 => hexadecimal(&<md5::Md5 as md5::Digest>::digest(bytes)),
            Self::Sha256 => hexadecimal(&Sha256::digest(bytes)),
            Self::Sha512Of256 => hexadecimal(&Sha512_256::digest(bytes)),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256, Self::Sha512Of256].into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

/// What a response proves.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The hash.
    pub algorithm: Algorithm,
    /// The name.
    pub user: &'a str,
    /// The realm.
    pub realm: &'a str,
    /// The secret.
    pub password: &'a str,
    /// The method of the request.
    pub method: &'a str,
    /// The digest-uri, as written.
    pub uri: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// Nonce count and client nonce, as written, for `qop=auth` and `qop=auth-int`.
    pub counted: Option<(&'a str, &'a str)>,
    /// The key is that of a session (`-sess`), which the client nonce began.
    pub session: bool,
    /// The body, for `qop=auth-int`.
    pub body: Option<&'a [u8]>,
}

impl Proof<'_> {
    /// The response (RFC 7616 §3.4.1), in hexadecimal. `None` for a method that the `rsip` crate does not know.
    pub fn response(&self) -> Option<String> {
        // With a qop the middle is nonce:nc:cnonce:qop, without it the nonce alone.
        let qop = if self.body.is_some() { "auth-int" } else { "auth" };
        let middle = match self.counted {
            Some((count, cnonce)) => format!("{}:{count}:{cnonce}:{qop}", self.nonce),
            None => self.nonce.to_owned(),
        };
        if self.session || self.body.is_some() {
            return Some(self.by_hand(&middle));
        }
        let algorithm = match self.algorithm {
            Algorithm::Md5 => rsip::headers::auth::Algorithm::Md5,
            Algorithm::Sha256 => rsip::headers::auth::Algorithm::Sha256,
            Algorithm::Sha512Of256 => return Some(self.by_hand(&middle)),
        };
        // As a bare host the URI is printed as it stands.
        let host = rsip::Host::Domain(self.uri.into());
        let uri = rsip::Uri {
            scheme: None,
            auth: None,
            host_with_port: rsip::HostWithPort { host, port: None },
            params: Vec::new(),
            headers: Vec::new(),
        };
        let generator = rsip::services::DigestGenerator {
            username: self.user,
            password: self.password,
            nonce: &middle,
            uri: &uri,
            realm: self.realm,
            method: &rsip::Method::all().into_iter().find(|known| known.to_string() == self.method)?,
            qop: None,
            algorithm,
        };
        Some(generator.compute())
    }

    fn by_hand(&self, middle: &str) -> String {
        let hash = |text: String| self.algorithm.hash(text.as_bytes());
        let mut secret = hash(format!("{}:{}:{}", self.user, self.realm, self.password));
        if let (true, Some((_, cnonce))) = (self.session, self.counted) {
            secret = hash(format!("{secret}:{}:{cnonce}", self.nonce));
        }
        let request = match self.body {
            Some(body) => hash(format!("{}:{}:{}", self.method, self.uri, self.algorithm.hash(body))),
            None => hash(format!("{}:{}", self.method, self.uri)),
        };
        hash(format!("{secret}:{middle}:{request}"))
    }

    /// The name as it is written where the peer wants it hashed (RFC 7616 §3.4.4).
    pub fn hashed_user(&self) -> String {
        self.algorithm.hash(format!("{}:{}", self.user, self.realm).as_bytes())
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

/// The fields of a `Digest` value, quotes taken off but escapes left in: what is hashed and repeated is what was written
/// (RFC 7616 §3.4.2, `unq`). `None` for another scheme and for what is malformed or too long.
fn fields(value: &[u8]) -> Option<Vec<(&str, &str)>> {
    let value = trim(value);
    let end = value.iter().position(|&byte| !is_token(byte))?;
    let (scheme, rest) = value.split_at(end);
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return None;
    }
    elements(rest)
        .map(|field| {
            let equals = field.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (trim(&field[..equals]), trim(&field[equals + 1..]));
            let value = match value {
                [b'"', inside @ .., b'"'] => inside,
                [b'"', ..] => return None,
                plain => plain,
            };
            let fits = value.len() <= AUTH_FIELD_BYTES_MAX && value.iter().all(|byte| !byte.is_ascii_control());
            let (name, value) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?);
            (fits && !name.is_empty() && !ends_quoted(value)).then_some((name, value))
        })
        .collect()
}

/// A quote that nothing escapes would end the string early when it is repeated.
fn ends_quoted(value: &str) -> bool {
    let mut escaped = false;
    for byte in value.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return true,
            _ => {}
        }
    }
    escaped
}

fn field<'a>(fields: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// What a counted response covers (RFC 7616 §3.3, `qop`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quality {
    /// `auth`: the request line.
    Request,
    /// `auth-int`: the body, too. Elements on the way may change that, so it is answered where nothing else is offered.
    Body,
}

impl Quality {
    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "auth",
            Self::Body => "auth-int",
        }
    }
}

/// A challenge of a peer: one header line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// Realm.
    pub realm: String,
    /// Nonce.
    pub nonce: String,
    /// To be repeated.
    pub opaque: Option<String>,
    /// Hash.
    pub algorithm: Algorithm,
    /// The key lasts for a session (`-sess`).
    pub session: bool,
    /// It counts nonces and wants this covered; `None`: it is a peer of RFC 2069.
    pub quality: Option<Quality>,
    /// The name goes hashed.
    pub hashes_user: bool,
    /// Only the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads one header value; `None` for what we cannot answer.
    pub fn read(value: &[u8]) -> Option<Self> {
        let fields = fields(value)?;
        let quality = match field(&fields, "qop") {
            None => None,
            Some(list) => {
                let offers =
                    |quality: &Quality| list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case(quality.name()));
                Some([Quality::Request, Quality::Body].into_iter().find(offers)?)
            }
        };
        let (algorithm, session) =
            field(&fields, "algorithm").map_or(Some((Algorithm::Md5, false)), Algorithm::with_session)?;
        // A session begins with a client nonce, which only a counted response has.
        if session && quality.is_none() {
            return None;
        }
        let is_true = |name: &str| field(&fields, name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Some(Self {
            realm: field(&fields, "realm")?.to_owned(),
            nonce: field(&fields, "nonce").filter(|nonce| !nonce.is_empty())?.to_owned(),
            opaque: field(&fields, "opaque").map(str::to_owned),
            algorithm,
            session,
            quality,
            hashes_user: is_true("userhash"),
            stale: is_true("stale"),
        })
    }

    /// The strongest of those with this realm; the first among equals (RFC 8760 §2.4).
    pub fn choose<'m>(values: impl Iterator<Item = &'m [u8]>, realm: &str) -> Option<Self> {
        let ours = values.take(CHALLENGES_MAX).filter_map(Self::read).filter(|challenge| challenge.realm == realm);
        ours.reduce(|best, other| if other.algorithm > best.algorithm { other } else { best })
    }
}

/// An answer to a challenge of ours: one `Authorization` value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorization {
    /// The name.
    pub user: String,
    /// The realm.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    /// The digest-uri.
    pub uri: String,
    /// The response.
    pub response: String,
    /// Hash.
    pub algorithm: Algorithm,
    /// Nonce count and client nonce, as written, when `qop=auth`.
    pub counted: Option<(String, String)>,
}

impl Authorization {
    /// Reads one header value.
    pub fn read(value: &[u8]) -> Option<Self> {
        let fields = fields(value)?;
        let text = |name: &str| field(&fields, name).map(str::to_owned);
        let counted = match field(&fields, "qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((text("nc")?, text("cnonce")?)),
            Some(_) => return None,
        };
        Some(Self {
            user: text("username")?,
            realm: text("realm")?,
            nonce: text("nonce")?,
            uri: text("uri")?,
            response: text("response")?,
            algorithm: field(&fields, "algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name)?,
            counted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    const MUFASA: Proof<'_> = Proof {
        algorithm: Algorithm::Sha256,
        user: "Mufasa",
        realm: "http-auth@example.org",
        password: "Circle of Life",
        method: "GET",
        uri: "/dir/index.html",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        session: false,
        body: None,
    };

    #[test]
    fn responses_are_those_of_rfc_7616() {
        let middle =
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth";
        assert_eq!(MUFASA.by_hand(middle), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
        // The crate knows no GET; what it makes of a method of SIP is what the same arithmetic makes of it.
        for (count, uri) in [
            ("00000001", "sip:kt.example"),
            ("0000000a", "sip:1357@[2001:db8::1]:5060;transport=tcp"),
            ("00000100", "/"),
        ] {
            let proof = Proof { method: "REGISTER", uri, counted: Some((count, "abc")), ..MUFASA };
            let middle = format!("{}:{count}:abc:auth", MUFASA.nonce);
            assert_eq!(proof.response(), Some(proof.by_hand(&middle)));
        }
        let uncounted = Proof { method: "INVITE", counted: None, ..MUFASA };
        assert_eq!(uncounted.response(), Some(uncounted.by_hand(MUFASA.nonce)));
    }

    #[test]
    fn every_hash_has_its_own_response() {
        // Computed with another program's hashes, after it had agreed with both examples of RFC 7616 §3.9.1.
        for (algorithm, response) in [
            (Algorithm::Md5, "76d61c0039402287fa5bbaec17cc8df5"),
            (Algorithm::Sha256, "634b041ea272cd4887ecbfbed9f082ce5d150028f35a153e41b428b3b7cb3b4a"),
            (Algorithm::Sha512Of256, "fbff9f7154b1b65f2b04af83a3cb719b694adf179dba2274236e552bd560d82a"),
        ] {
            let proof = Proof { algorithm, method: "REGISTER", uri: "sip:kt.example", ..MUFASA };
            assert_eq!(proof.response().as_deref(), Some(response), "{algorithm:?}");
        }
    }

    #[test]
    fn sessions_and_bodies_have_responses_of_their_own() {
        // Computed as those above.
        for (algorithm, session, body, response) in [
            (Algorithm::Md5, false, true, "fe3420027793c477c21e1adf5017c3c4"),
            (Algorithm::Md5, true, false, "a4528723cee3a759e66544fd95baeaec"),
            (Algorithm::Md5, true, true, "d63f335cebcdce603cf755d3b06997ca"),
            (Algorithm::Sha256, false, true, "48b746740b7159f7a96f5b2677f36dd4a2712d54aaec3ea8bf5aa54b938b18b7"),
            (Algorithm::Sha256, true, false, "426f2c2dac79982eaa48164f132ee96b19757658979d5ebe6160bc4bc3d68856"),
            (Algorithm::Sha256, true, true, "49843576f2be7265b73076ec8040ed7d021a6f4948fee14e42419e02127d8ceb"),
            (Algorithm::Sha512Of256, false, true, "e82168a57c056094665952d4464b28a02c37b515de24055d8e1b25c831ef2e1e"),
            (Algorithm::Sha512Of256, true, false, "e09ba404182a006ccbefb3422c11b1dd1ca9d70a467b5f300ec1b375bcfb84ed"),
        ] {
            let body = body.then_some(&b"v=0\r\n"[..]);
            let proof = Proof { algorithm, session, body, method: "REGISTER", uri: "sip:kt.example", ..MUFASA };
            assert_eq!(proof.response().as_deref(), Some(response), "{algorithm:?} {session} {body:?}");
        }
        // The name of RFC 7616 §3.9.2, as its errata have it.
        let doe = Proof {
            algorithm: Algorithm::Sha512Of256,
            user: "J\u{e4}s\u{f8}n Doe",
            realm: "api@example.org",
            ..MUFASA
        };
        assert_eq!(doe.hashed_user(), "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
    }

    #[test]
    fn a_challenge_is_read_as_peers_write_it() {
        for (value, read) in [
            ("Digest realm=\"kt\", nonce=\"n\"", Some(("kt", "n", Algorithm::Md5, false, None, false))),
            (
                "digest  Realm = \"k t\" ,nonce=\"a,b\",algorithm=sha-256,qop=\"auth,auth-int\",stale=TRUE",
                Some(("k t", "a,b", Algorithm::Sha256, false, Some(Quality::Request), true)),
            ),
            (
                "Digest realm=\"q\\\"x\", nonce=n, algorithm=SHA-512-256, qop=auth",
                Some(("q\\\"x", "n", Algorithm::Sha512Of256, false, Some(Quality::Request), false)),
            ),
            (
                "Digest realm=\"kt\", nonce=\"n\", qop=\"auth-int\"",
                Some(("kt", "n", Algorithm::Md5, false, Some(Quality::Body), false)),
            ),
            (
                "Digest realm=\"kt\", nonce=\"n\", qop=\"auth\", algorithm=md5-SESS",
                Some(("kt", "n", Algorithm::Md5, true, Some(Quality::Request), false)),
            ),
            ("Digest realm=\"kt\", nonce=\"n\", qop=\"token\"", None),
            ("Digest realm=\"kt\", nonce=\"n\", algorithm=MD5-sess", None),
            ("Digest realm=\"kt\", nonce=\"n\", qop=\"auth\", algorithm=\u{1f600}-sess", None),
            ("Digest realm=\"kt\", nonce=\"n\", algorithm=SHA-1", None),
            ("Digest realm=\"kt\", nonce=\"\"", None),
            ("Digest realm=\"kt\"", None),
            ("Digest realm=\"kt\\\", nonce=\"n\"", None),
            ("Digest realm=\"a\"b\", nonce=\"n\"", None),
            ("Digest realm=\"a\u{1}\", nonce=\"n\"", None),
            ("Basic realm=\"kt\", nonce=\"n\"", None),
            ("Digest", None),
            ("", None),
        ] {
            let found = Challenge::read(value.as_bytes());
            let found = found.as_ref().map(|challenge| {
                let Challenge { realm, nonce, algorithm, session, quality, stale, .. } = challenge;
                (realm.as_str(), nonce.as_str(), *algorithm, *session, *quality, *stale)
            });
            assert_eq!(found, read, "{value}");
        }
        let long = format!("Digest realm=\"kt\", nonce=\"{}\"", "n".repeat(AUTH_FIELD_BYTES_MAX + 1));
        assert_eq!(Challenge::read(long.as_bytes()), None);
    }

    #[test]
    fn the_strongest_challenge_of_our_realm_is_chosen() {
        let offered = [
            "Digest realm=\"other\", nonce=\"1\", algorithm=SHA-512-256",
            "Digest realm=\"kt\", nonce=\"2\", algorithm=MD5",
            "Digest realm=\"kt\", nonce=\"3\", algorithm=SHA-256",
            "Digest realm=\"kt\", nonce=\"4\", algorithm=SHA-256",
        ];
        let choose = |offers: &[&'static str], realm| {
            Challenge::choose(offers.iter().map(|offer| offer.as_bytes()), realm).map(|challenge| challenge.nonce)
        };
        assert_eq!(choose(&offered, "kt").as_deref(), Some("3"));
        assert_eq!(choose(&offered[..2], "kt").as_deref(), Some("2"));
        assert_eq!(choose(&offered, "KT"), None, "realms are compared as written");
    }
}
