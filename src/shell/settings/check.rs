//! What only several keys together show: a listener twice, half a TLS, a proof that nobody can bring.

use super::{Problem, Settings, Wrong};
use crate::sip::Transport;
use crate::sip::trunk::{Proof, Srtp};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Where each key stands.
pub struct Sources {
    file: String,
    by_key: BTreeMap<String, String>,
}

impl Sources {
    /// `file` is named for what stands nowhere.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), by_key: BTreeMap::new() }
    }

    /// A key was read here; the last source counts.
    pub fn note(&mut self, key: &str, source: &str) {
        self.by_key.insert(key.to_owned(), source.to_owned());
    }

    /// A mistake with the source of a key, or of the first key below it.
    pub fn problem(&self, wrong: Wrong, key: &str) -> Problem {
        let below = format!("{key}.");
        let is = |known: &str| known == key || known.starts_with(&below);
        let source = self.by_key.iter().find(|(known, _)| is(known)).map_or(&self.file, |(_, source)| source);
        Problem { message: wrong.message, source: source.clone(), help: wrong.help }
    }
}

impl Settings {
    pub(super) fn check(&self, sources: &Sources, problems: &mut Vec<Problem>) {
        let mut say = |key: &str, message: String, help: &str| {
            problems.push(sources.problem(Wrong::new(message, help), key));
        };
        let listeners = [("sip.listen", &self.sip_listen), ("sip.tls", &self.sip_tls)];
        let all: Vec<(&str, SocketAddr)> =
            listeners.iter().flat_map(|(key, addresses)| addresses.iter().map(|&address| (*key, address))).collect();
        for (index, &(key, address)) in all.iter().enumerate() {
            for &(_, earlier) in all[..index].iter().filter(|(_, earlier)| clash(*earlier, address)) {
                let (message, help) = if earlier == address {
                    (format!("`{key}` names {address} twice"), "each listener needs a port of its own: TLS has 5061")
                } else {
                    let message = format!("`{key}` names {address}, and {earlier} listens there already");
                    (message, "0.0.0.0 and [::] are all addresses of their family: leave one of the two out")
                };
                say(key, message, help);
            }
        }
        for advertised in &self.advertise {
            if let Some(listener) =
                advertised.listener.filter(|listener| !all.iter().any(|(_, known)| known == listener))
            {
                let message = format!("`sip.advertise` is for {listener}, and nothing listens there");
                say(
                    "sip.advertise",
                    message,
                    "before the = stands an address of sip.listen or sip.tls, as written there",
                );
            }
        }
        let tls = &self.tls;
        match (&tls.certificate, &tls.key) {
            (Some(_), None) => say(
                "tls.certificate",
                "`tls.key` is missing".to_owned(),
                "the PEM file with the key of tls.certificate",
            ),
            (None, Some(_)) => say(
                "tls.key",
                "`tls.certificate` is missing".to_owned(),
                "the PEM file with our certificate and those of its issuers",
            ),
            (None, None) if !self.sip_tls.is_empty() => {
                let help = "tls.certificate and tls.key: PEM files that hold our certificate and its key";
                say("sip.tls", "`sip.tls` has no certificate to show".to_owned(), help);
            }
            _ => {}
        }
        if tls.require_client && tls.client_ca.is_none() {
            let help = "tls.client_ca: a PEM file with the certificates of those who issue your peers' certificates";
            say("tls.require_client", "`tls.require_client` has nobody to believe".to_owned(), help);
        }
        if self.session_timer.least > self.session_timer.expires {
            let help = "sip.session_least is at most sip.session_expires";
            say("sip.session_least", "`sip.session_least` refuses what we ask for ourselves".to_owned(), help);
        }
        let peers = &self.peers;
        if peers.srtp == Srtp::Required && !peers.srtp_over_plain && self.sip_tls.is_empty() && peers.trunks.is_empty()
        {
            let help =
                "sip.tls = \"0.0.0.0:5061\"; or media.srtp_over_plain = true, where nobody else reads the signalling";
            say(
                "media.srtp",
                "`media.srtp` requires SRTP, and without TLS no call can bring its keys".to_owned(),
                help,
            );
        }
        for trunk in &self.peers.trunks {
            let key = format!("trunk.{}", trunk.name);
            // The connections that we open carry calls in both directions.
            let we_connect = trunk.proxy.is_some() || trunk.registration.is_some();
            if trunk.transport == Some(Transport::Tls) && self.sip_tls.is_empty() && !we_connect {
                let help = "sip.tls = \"0.0.0.0:5061\" listens for it, `proxy` says where we connect to";
                say(&key, format!("`{key}` uses TLS, and there is none"), help);
            }
            let plain = trunk.transport.is_some_and(|transport| transport != Transport::Tls);
            let over_plain = trunk.srtp_over_plain.unwrap_or(self.peers.srtp_over_plain);
            if trunk.srtp.unwrap_or(self.peers.srtp) == Srtp::Required && plain && !over_plain {
                let help = "transport = \"tls\"; or srtp_over_plain = true, where nobody else reads the signalling";
                say(
                    &key,
                    format!("`{key}` requires SRTP, and its signalling would show the keys: no call can come"),
                    help,
                );
            }
            let is_certificate = matches!(trunk.proof, Proof::Certificate(_));
            if is_certificate && !we_connect && (self.sip_tls.is_empty() || tls.client_ca.is_none()) {
                let help = "sip.tls listens, and tls.client_ca says who issues the certificates of those who connect";
                say(&key, format!("`{key}` cannot show its certificate"), help);
            }
        }
    }
}

/// Two listeners that the system would not let live together.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let same = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && same
}
