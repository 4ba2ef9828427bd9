//! Digest authentication (RFC 7616 as RFC 8760 has it for SIP): its headers and its arithmetic.
//!
//! MD5 and SHA-256 are computed by the `rsip` crate; it has no SHA-512-256 (its `Sha512` is another hash), writes the
//! nonce count in decimal and prints URIs its own way, so counted nonces and the URI as written are handed to it as text,
//! and SHA-512-256 is computed here. Who answers challenges is [`client`], who asks is [`server`].

pub mod client;
pub mod server;

use crate::limits::{AUTH_FIELD_BYTES_MAX, CHALLENGES_MAX};
use crate::sip::header::{elements, is_token, trim};
use sha2::{Digest, Sha512_256};

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

    /// Session variants are not offered and not answered: they need a secret kept between requests.
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
    /// Nonce count and client nonce, as written, for `qop=auth`.
    pub counted: Option<(&'a str, &'a str)>,
}

impl Proof<'_> {
    /// The response (RFC 7616 §3.4.1), in hexadecimal. `None` for a method that the `rsip` crate does not know.
    pub fn response(&self) -> Option<String> {
        // With `qop=auth` the middle is nonce:nc:cnonce:qop, without it the nonce alone.
        let middle = match self.counted {
            Some((count, cnonce)) => format!("{}:{count}:{cnonce}:auth", self.nonce),
            None => self.nonce.to_owned(),
        };
        let algorithm = match self.algorithm {
            Algorithm::Md5 => rsip::headers::auth::Algorithm::Md5,
            Algorithm::Sha256 => rsip::headers::auth::Algorithm::Sha256,
            Algorithm::Sha512Of256 => return Some(self.by_hand::<Sha512_256>(&middle)),
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

    fn by_hand<H: Digest>(&self, middle: &str) -> String {
        let hash = |text: String| hexadecimal(&H::digest(text.as_bytes()));
        let secret = hash(format!("{}:{}:{}", self.user, self.realm, self.password));
        let request = hash(format!("{}:{}", self.method, self.uri));
        hash(format!("{secret}:{middle}:{request}"))
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
    /// It counts nonces (`qop=auth`); else it is a peer of RFC 2069.
    pub counts: bool,
    /// Only the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads one header value; `None` for what we cannot answer.
    pub fn read(value: &[u8]) -> Option<Self> {
        let fields = fields(value)?;
        let counts = match field(&fields, "qop") {
            None => false,
            Some(list) if list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => true,
            // `auth-int` alone covers bodies that elements on the way may change.
            Some(_) => return None,
        };
        Some(Self {
            realm: field(&fields, "realm")?.to_owned(),
            nonce: field(&fields, "nonce").filter(|nonce| !nonce.is_empty())?.to_owned(),
            opaque: field(&fields, "opaque").map(str::to_owned),
            algorithm: field(&fields, "algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name)?,
            counts,
            stale: field(&fields, "stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
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
    use sha2::Sha256;

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
    };

    #[test]
    fn responses_are_those_of_rfc_7616() {
        let middle =
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth";
        assert_eq!(
            MUFASA.by_hand::<Sha256>(middle),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
        // The crate knows no GET; what it makes of a method of SIP is what the same arithmetic makes of it.
        for (count, uri) in [
            ("00000001", "sip:kt.example"),
            ("0000000a", "sip:1357@[2001:db8::1]:5060;transport=tcp"),
            ("00000100", "/"),
        ] {
            let proof = Proof { method: "REGISTER", uri, counted: Some((count, "abc")), ..MUFASA };
            let middle = format!("{}:{count}:abc:auth", MUFASA.nonce);
            assert_eq!(proof.response(), Some(proof.by_hand::<Sha256>(&middle)));
        }
        let uncounted = Proof { method: "INVITE", counted: None, ..MUFASA };
        assert_eq!(uncounted.response(), Some(uncounted.by_hand::<Sha256>(MUFASA.nonce)));
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
    fn a_challenge_is_read_as_peers_write_it() {
        for (value, read) in [
            ("Digest realm=\"kt\", nonce=\"n\"", Some(("kt", "n", Algorithm::Md5, false, false))),
            (
                "digest  Realm = \"k t\" ,nonce=\"a,b\",algorithm=sha-256,qop=\"auth,auth-int\",stale=TRUE",
                Some(("k t", "a,b", Algorithm::Sha256, true, true)),
            ),
            (
                "Digest realm=\"q\\\"x\", nonce=n, algorithm=SHA-512-256, qop=auth",
                Some(("q\\\"x", "n", Algorithm::Sha512Of256, true, false)),
            ),
            ("Digest realm=\"kt\", nonce=\"n\", qop=\"auth-int\"", None),
            ("Digest realm=\"kt\", nonce=\"n\", algorithm=MD5-sess", None),
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
                let Challenge { realm, nonce, algorithm, counts, stale, .. } = challenge;
                (realm.as_str(), nonce.as_str(), *algorithm, *counts, *stale)
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
