//! `[trunk.NAME]`: the keys of one peer, and whether they make a trunk.

use super::value::{OVER_PLAIN, duration, flag, number, srtp, text, texts};
use super::{Wrong, nearest};
use crate::limits::{KEEPALIVE_LEAST, TRUNK_EXPIRES};
use crate::routing::Language;
use crate::shell::reason;
use crate::sip::Transport;
use crate::sip::trunk::{Credentials, Proof, Registration, Trunk};
use crate::sip::uri::{Scheme, SipUri};
use crate::time::Duration;
use config::{Value, ValueKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The help for whoever writes a trunk that is none.
pub const EXAMPLE: &str = "a trunk is a table with a name: [trunk.kt] with addresses = [\"192.0.2.10\"]";

/// Every key of a trunk.
pub const KEYS: [&str; 22] = [
    "addresses",
    "transport",
    "certificate",
    "digest.user",
    "digest.password",
    "digest.password_file",
    "digest.realm",
    "proxy",
    "user",
    "password",
    "password_file",
    "realm",
    "registrar",
    "address_of_record",
    "expires",
    "keepalive",
    "calls",
    "calls_per_second",
    "early_media",
    "trusted",
    "srtp",
    "srtp_over_plain",
];

/// A trunk as its keys come in.
pub struct Draft {
    /// Its addresses, transport, caps and flags; proof, credentials and registration are put together at the end.
    trunk: Trunk,
    certificate: Option<String>,
    digest: Login,
    outbound: Login,
    registrar: Option<SipUri>,
    address_of_record: Option<SipUri>,
    expires: Option<Duration>,
    keepalive: Option<Duration>,
}

#[derive(Default)]
struct Login {
    user: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    realm: Option<String>,
}

/// One key of one trunk, without `trunk.`.
pub fn set(drafts: &mut BTreeMap<String, Draft>, rest: &str, value: &Value) -> Result<(), Wrong> {
    let (name, field) = match (rest.split_once('.'), &value.kind) {
        (Some((name, field)), _) => (name, Some(field)),
        // A table without a key: what it lacks is said when it is put together.
        (None, ValueKind::Table(_)) => (rest, None),
        (None, _) => return Err(Wrong::new(format!("`trunk.{rest}` is not a setting"), EXAMPLE)),
    };
    let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(named) {
        let help = "letters, digits, - and _: logs and records carry the name";
        return Err(Wrong::new(format!("`{name}` cannot be the name of a trunk"), help));
    }
    let draft = drafts.entry(name.to_owned()).or_insert_with(|| Draft::new(name));
    match field {
        Some(field) => draft.set(&format!("trunk.{rest}"), field, value),
        None => Ok(()),
    }
}

impl Draft {
    fn new(name: &str) -> Self {
        Self {
            trunk: Trunk::new(name, Vec::new()),
            certificate: None,
            digest: Login::default(),
            outbound: Login::default(),
            registrar: None,
            address_of_record: None,
            expires: None,
            keepalive: None,
        }
    }

    fn set(&mut self, key: &str, field: &str, value: &Value) -> Result<(), Wrong> {
        let bad = |text: &str, help: &str| Wrong::value(key, text, help);
        let sip_uri = |help: &str| {
            let text = text(value);
            let uri: Option<SipUri> = text.parse().ok();
            uri.filter(|uri| uri.scheme() != Scheme::Tel).ok_or_else(|| bad(&text, help))
        };
        let trunk = &mut self.trunk;
        match field {
            "addresses" => {
                let help = "addresses or networks, as in [\"192.0.2.10\", \"198.51.100.0/24\"]";
                let texts = texts(value).filter(|texts| !texts.is_empty());
                trunk.networks = texts
                    .ok_or_else(|| bad(&value.to_string(), help))?
                    .iter()
                    .map(|text| text.parse().map_err(|()| bad(text, help)))
                    .collect::<Result<_, _>>()?;
            }
            "transport" => {
                let text = text(value);
                let help = "\"udp\", \"tcp\" or \"tls\": the only one this trunk uses; left out, any";
                trunk.transport = Some(Transport::from_param(text.as_bytes()).ok_or_else(|| bad(&text, help))?);
            }
            "certificate" => {
                let text = text(value);
                let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                if text.is_empty() || !text.chars().all(name) {
                    return Err(bad(
                        &text,
                        "the name in its certificate, as in \"sbc.kt.example\"; no wildcard (RFC 5922)",
                    ));
                }
                self.certificate = Some(text);
            }
            "proxy" => trunk.proxy = Some(sip_uri("where calls to it go, as in \"sip:sbc.kt.example;transport=tls\"")?),
            "digest.user" => self.digest.user = Some(text(value)),
            "digest.password" => self.digest.password = Some(text(value)),
            "digest.password_file" => self.digest.password_file = Some(PathBuf::from(text(value))),
            "digest.realm" => self.digest.realm = Some(text(value)),
            "user" => self.outbound.user = Some(text(value)),
            "password" => self.outbound.password = Some(text(value)),
            "password_file" => self.outbound.password_file = Some(PathBuf::from(text(value))),
            "realm" => self.outbound.realm = Some(text(value)),
            "registrar" => self.registrar = Some(sip_uri("the domain we register at, as in \"sip:kt.example\"")?),
            "address_of_record" => {
                self.address_of_record = Some(sip_uri("our address there, as in \"sip:0212341357@kt.example\"")?);
            }
            "expires" => {
                let help = "how long a registration should last, from \"60s\" on; an hour is usual";
                let expires = duration(value).filter(|expires| *expires >= Duration::from_secs(60));
                self.expires = Some(expires.ok_or_else(|| bad(&text(value), help))?);
            }
            "keepalive" => {
                let help = "how often the way to the registrar is kept open, from \"5s\" on; \"25s\" suits most NATs";
                let keepalive = duration(value).filter(|keepalive| *keepalive >= KEEPALIVE_LEAST);
                self.keepalive = Some(keepalive.ok_or_else(|| bad(&text(value), help))?);
            }
            "calls" => {
                let help = "how many calls of this trunk at one time, from 1 on; left out, as many as fit";
                trunk.calls = Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "calls_per_second" => {
                let help = "how many new calls of this trunk in a second, from 1 on; left out, as many as come";
                trunk.calls_per_second =
                    Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "early_media" => {
                let help = "true or false: whether callers hear what plays before the answer";
                trunk.early_media = flag(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "trusted" => {
                let help = "true or false: whether what it asserts about a caller is believed (RFC 3325)";
                trunk.trusted = flag(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "srtp" => trunk.srtp = Some(srtp(key, value)?),
            "srtp_over_plain" => {
                trunk.srtp_over_plain = Some(flag(value).ok_or_else(|| bad(&text(value), OVER_PLAIN))?);
            }
            _ => {
                let all = KEYS.join(", ");
                let all = || [format!("회선의 설정은 {all} 입니다"), format!("a trunk has {all}")];
                return Err(Wrong::unknown(key, nearest(field, &KEYS).unwrap_or_else(all)));
            }
        }
        Ok(())
    }
}

impl Draft {
    /// The trunk, or everything that is wrong between its keys.
    pub fn finish(self, name: &str) -> Result<Trunk, Vec<Wrong>> {
        let Self { mut trunk, certificate, digest, outbound, registrar, address_of_record, expires, keepalive } = self;
        let mut wrongs = Vec::new();
        let digest = digest.finish(&format!("trunk.{name}.digest."), &mut wrongs);
        trunk.credentials = outbound.finish(&format!("trunk.{name}."), &mut wrongs);
        let is_certificate = certificate.is_some();
        trunk.proof = match (digest, certificate) {
            (Some(_), Some(_)) => {
                let help = "a trunk proves itself in one way: leave out `digest` or `certificate`";
                wrongs.push(Wrong::new(format!("`trunk.{name}` has two proofs"), help));
                Proof::Address
            }
            (Some(credentials), None) => Proof::Digest(credentials),
            (None, Some(certificate)) => Proof::Certificate(certificate),
            (None, None) => Proof::Address,
        };
        // A mistake among the keys of its proof has been told already.
        if trunk.proof == Proof::Address && trunk.networks.is_empty() && registrar.is_none() && wrongs.is_empty() {
            let help = "give it addresses = [\"192.0.2.10\"], digest.user with digest.password, certificate = \"sbc.kt.example\", or a registrar";
            wrongs.push(Wrong::new(format!("nothing proves that a peer is `trunk.{name}`"), help));
        }
        if is_certificate && trunk.transport.is_some_and(|transport| transport != Transport::Tls) {
            let help = "only TLS has certificates: transport = \"tls\", or leave `transport` out";
            wrongs.push(Wrong::new(format!("`trunk.{name}.certificate` can never be seen"), help));
        }
        trunk.registration = match (registrar, address_of_record) {
            (Some(registrar), Some(address)) => {
                Some(Registration { registrar, address, expires: expires.unwrap_or(TRUNK_EXPIRES), keepalive })
            }
            (None, None) if expires.is_none() && keepalive.is_none() => None,
            _ => {
                let help = "a registration needs `registrar` and `address_of_record`; `expires` says how long it lasts";
                wrongs.push(Wrong::new(format!("`trunk.{name}` has half a registration"), help));
                None
            }
        };
        if wrongs.is_empty() { Ok(trunk) } else { Err(wrongs) }
    }
}

impl Login {
    /// Name and password, if any is given; `prefix` leads to its keys.
    fn finish(self, prefix: &str, wrongs: &mut Vec<Wrong>) -> Option<Credentials> {
        let Self { user, password, password_file, realm } = self;
        if user.is_none() && password.is_none() && password_file.is_none() && realm.is_none() {
            return None;
        }
        let password = match (password, password_file) {
            (Some(password), None) => Some(password),
            (None, Some(file)) => match read_secret(&file) {
                Ok(password) => Some(password),
                Err(error) => {
                    let cannot = |language| reason::unreadable(&file, &error, language);
                    let message = [Language::Korean, Language::English]
                        .map(|language| format!("`{prefix}password_file`: {}", cannot(language)));
                    let help = ["비밀번호만 한 줄로 든 파일", "a file that holds the password alone, in one line"];
                    wrongs.push(Wrong::both(message, help.map(str::to_owned)));
                    return None;
                }
            },
            (Some(_), Some(_)) => {
                let help = "leave one of them out";
                wrongs.push(Wrong::new(format!("`{prefix}password` and `{prefix}password_file` are both given"), help));
                return None;
            }
            (None, None) => None,
        };
        // Neither message repeats what was given: it may be the secret in the wrong place.
        match (user.filter(|user| !user.is_empty()), password.filter(|password| !password.is_empty())) {
            (Some(user), Some(password)) => Some(Credentials { realm, user, password }),
            (user, _) => {
                let lacks = if user.is_none() { "user" } else { "password" };
                let help = format!("a login needs `{prefix}user` and `{prefix}password` (or `{prefix}password_file`)");
                wrongs.push(Wrong::new(format!("`{prefix}{lacks}` is missing"), help));
                None
            }
        }
    }
}

/// The first line of a file. An editor ends it with a line end that is no part of the secret.
fn read_secret(file: &Path) -> std::io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
