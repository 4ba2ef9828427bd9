//! What each key means, but those of trunks and voices.

use super::codecs;
use super::value::{OVER_PLAIN, distance, duration, flag, listen_help, number, ports, srtp, text, texts};
use super::{Settings, Wrong, speech, trunk};
use crate::limits::{MEDIA_TIMEOUT_LEAST, SESSION_EXPIRES_LEAST};
use crate::shell::media::Sends;
use crate::sip::trunk::Strangers;
use crate::time::Wall;
use config::Value;
use jiff::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Every key but those of trunks and voices.
pub const KEYS: [&str; 34] = [
    "sip.listen",
    "sip.tls",
    "sip.advertise",
    "sip.strangers",
    "sip.session_expires",
    "sip.session_least",
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "tls.require_client",
    "tls.ca",
    "dns.servers",
    "limits.calls",
    "limits.calls_per_second",
    "limits.drain",
    "limits.connections",
    "limits.connections_per_address",
    "media.ports",
    "media.workers",
    "media.io_uring",
    "media.timeout",
    "media.quality",
    "media.codecs",
    "media.srtp",
    "media.srtp_over_plain",
    "console.listen",
    "records.file",
    "records.hash_key",
    "recording.folder",
    "versions.folder",
    "control.socket",
    "clock.start",
    "speech.LANGUAGE",
    "trunk.NAME",
];

fn unknown(key: &str) -> Wrong {
    let help = if key == "trunk" {
        [trunk::EXAMPLE; 2].map(str::to_owned)
    } else if key == "speech" {
        [speech::EXAMPLE; 2].map(str::to_owned)
    } else {
        let all = KEYS.join(", ");
        nearest(key, &KEYS).unwrap_or_else(|| [format!("설정은 {all} 입니다"), format!("the settings are {all}")])
    };
    Wrong::unknown(key, help)
}

/// `did you mean …?`, where one of the known keys is meant.
pub(super) fn nearest(key: &str, known: &[&str]) -> Option<[String; 2]> {
    let nearest = known.iter().min_by_key(|known| distance(known, key))?;
    (distance(nearest, key) <= 4).then(|| [format!("혹시 `{nearest}` 인가요?"), format!("did you mean `{nearest}`?")])
}

impl Settings {
    /// Sets one key, but of a trunk or a voice.
    pub(super) fn set(&mut self, key: &str, value: &Value) -> Result<(), Wrong> {
        let bad = |value: &str, help: &str| Wrong::value(key, value, help);
        match key {
            "sip.listen" => {
                self.sip_listen = addresses(key, value, None, "\"0.0.0.0:5060\" or \"[::]:5060\"")?;
                if self.sip_listen.is_empty() {
                    return Err(bad("", "an IP address and a port, as in \"0.0.0.0:5060\""));
                }
            }
            "sip.tls" => self.sip_tls = addresses(key, value, Some(5061), "\"0.0.0.0:5061\" or \"[::]:5061\"")?,
            "sip.advertise" => {
                let help = "the address that peers see, as in \"203.0.113.5\", or one for each listener, as in \"192.168.0.10:5060=203.0.113.5:5060\"";
                self.advertise = texts(value)
                    .ok_or_else(|| bad(&value.to_string(), help))?
                    .iter()
                    .map(|text| text.parse().map_err(|()| bad(text, help)))
                    .collect::<Result<_, _>>()?;
            }
            "sip.strangers" => {
                self.peers.strangers = match text(value).as_str() {
                    "silence" => Strangers::Silence,
                    "403" => Strangers::Forbidden,
                    other => {
                        return Err(bad(
                            other,
                            "\"silence\" or \"403\": what an unknown source meets, whatever it asks",
                        ));
                    }
                }
            }
            "sip.session_expires" => {
                let help = "how long a session lasts without a refresh (RFC 4028), from \"90s\" on; \"30m\" is usual";
                self.session_timer.expires = duration(value)
                    .filter(|expires| *expires >= SESSION_EXPIRES_LEAST)
                    .ok_or_else(|| bad(&text(value), help))?;
            }
            "sip.session_least" => {
                let help = "the shortest session timer we accept, from \"90s\" on (RFC 4028)";
                self.session_timer.least = duration(value)
                    .filter(|least| *least >= SESSION_EXPIRES_LEAST)
                    .ok_or_else(|| bad(&text(value), help))?;
            }
            "tls.certificate" => self.tls.certificate = Some(file(key, value)?),
            "tls.key" => self.tls.key = Some(file(key, value)?),
            "tls.client_ca" => self.tls.client_ca = Some(file(key, value)?),
            "tls.require_client" => {
                self.tls.require_client = flag(value).ok_or_else(|| bad(&text(value), "true or false"))?;
            }
            "tls.ca" => self.tls.ca = Some(file(key, value)?),
            "dns.servers" => {
                let help = "addresses of name servers, as in [\"192.0.2.53\", \"192.0.2.54:5353\"]";
                let servers = texts(value).ok_or_else(|| bad(&value.to_string(), help))?;
                self.dns_servers = servers
                    .iter()
                    .map(|text| address_or(text, 53).ok_or_else(|| bad(text, help)))
                    .collect::<Result<_, _>>()?;
            }
            "limits.calls" => {
                let help = "how many calls at one time, from 1 on; left out, ports and open files decide";
                self.limits.calls =
                    Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.calls_per_second" => {
                let help = "how many new calls in a second, from 1 on; left out, as many as come";
                self.limits.calls_per_second =
                    Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.drain" => {
                let help = "how long live calls may go on after SIGTERM, as in \"120s\" or \"5m\"";
                self.limits.drain = duration(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "limits.connections" => {
                let help = "how many TCP and TLS connections at one time, from 8 on; left out, open files decide";
                self.limits.connections =
                    Some(number(value).filter(|connections| *connections >= 8).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.connections_per_address" => {
                let help = "how many TCP and TLS connections of one address outside the trunks, from 1 on";
                self.limits.connections_per_address =
                    number(value).filter(|connections| *connections > 0).ok_or_else(|| bad(&text(value), help))?;
            }
            "media.ports" => {
                let text = text(value);
                self.media_ports = ports(&text)
                    .ok_or_else(|| bad(&text, "two ports from 1024 on, the first even, as in \"16384-32767\""))?;
            }
            "media.workers" => {
                self.media_workers = number(value).filter(|workers| (1..=64).contains(workers)).ok_or_else(|| {
                    bad(&text(value), "a number of threads from 1 to 64; the default is one less than the cores")
                })?;
            }
            "media.codecs" => {
                self.media_codecs =
                    codecs::read(&texts(value).unwrap_or_default()).map_err(|help| bad(&text(value), help))?;
            }
            "media.io_uring" => {
                let help = "true or false: packets leave many at a time where the system can, or one by one";
                let batched = flag(value).ok_or_else(|| bad(&text(value), help))?;
                self.media_sends = if batched { Sends::Batched } else { Sends::Plain };
            }
            "media.quality" => {
                let help = "true or false: whether loss, jitter and score of what callers send stand in the records";
                self.media_quality = flag(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "media.timeout" => {
                let help = "how long a caller's packets may stop, as in \"60s\", from 5s on; left out, for ever";
                self.media_timeout = Some(
                    duration(value)
                        .filter(|timeout| *timeout >= MEDIA_TIMEOUT_LEAST)
                        .ok_or_else(|| bad(&text(value), help))?,
                );
            }
            "console.listen" => {
                let text = text(value);
                self.console_listen = text.parse().map_err(|_| {
                    bad(&text, &listen_help(&text, "an IP address and a port, as in \"127.0.0.1:8357\""))
                })?;
            }
            "media.srtp" => self.peers.srtp = srtp(key, value)?,
            "media.srtp_over_plain" => {
                self.peers.srtp_over_plain = flag(value).ok_or_else(|| bad(&text(value), OVER_PLAIN))?;
            }
            "records.file" => {
                let text = text(value);
                if text.is_empty() || text.ends_with('/') {
                    return Err(bad(&text, "the name of a file, as in \"calls.jsonl\""));
                }
                self.records_file = PathBuf::from(text);
            }
            "recording.folder" => {
                let text = text(value);
                if text.is_empty() {
                    return Err(bad(&text, "the name of a folder, as in \"recordings\""));
                }
                self.recording_folder = PathBuf::from(text);
            }
            "records.hash_key" => {
                let text = text(value);
                // The value is a secret: the message does not repeat it.
                if text.len() < 16 {
                    let help = "at least 16 characters, so that nobody finds callers by trying all keys";
                    return Err(Wrong::new(format!("`{key}` is too short"), help));
                }
                self.hash_key = Some(text);
            }
            "versions.folder" => {
                let text = text(value);
                if text.is_empty() {
                    return Err(bad(&text, "the name of a folder, as in \"calls.jsonl.versions\""));
                }
                self.versions_folder = Some(PathBuf::from(text));
            }
            "control.socket" => {
                let text = text(value);
                if text.is_empty() || text.ends_with('/') {
                    return Err(bad(&text, "the name of a Unix socket, as in \"/run/ivr1357/control\""));
                }
                self.control_socket = Some(PathBuf::from(text));
            }
            "clock.start" => {
                let text = text(value);
                let start: Timestamp =
                    text.parse().map_err(|_| bad(&text, "a time with its offset, as in \"2026-11-24T10:00+09:00\""))?;
                self.clock_start = Some(Wall::from_micros(start.as_microsecond()));
            }
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

/// Addresses with ports; without one, `port`.
fn addresses(key: &str, value: &Value, port: Option<u16>, example: &str) -> Result<Vec<SocketAddr>, Wrong> {
    let help = format!("an IP address and a port, as in {example}; several as a list");
    texts(value)
        .ok_or_else(|| Wrong::value(key, &value.to_string(), &help))?
        .iter()
        .map(|text| {
            let parsed = match port {
                Some(port) => address_or(text, port),
                None => text.parse().ok(),
            };
            parsed.ok_or_else(|| Wrong::value(key, text, &listen_help(text, &help)))
        })
        .collect()
}

/// An address, with this port where it has none.
fn address_or(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = || text.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
    text.parse().ok().or_else(bare)
}

fn file(key: &str, value: &Value) -> Result<PathBuf, Wrong> {
    let text = text(value);
    if text.is_empty() || text.ends_with('/') {
        return Err(Wrong::value(key, &text, "the name of a PEM file, as in \"tls/server.pem\""));
    }
    Ok(PathBuf::from(text))
}
