//! What happened, as a hash of everything and, when asked for, as lines to read.

use super::caller::text::Message;
use crate::media::Command;
use crate::time::Instant;
use std::fmt;
use std::fmt::Write as _;

/// The story of a run.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace; with lines when somebody will read them.
    pub fn new(with_lines: bool) -> Self {
        // The offset basis of FNV-1a, 64 bits: short, stable on every machine, and enough to tell two runs apart.
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: with_lines.then(Vec::new) }
    }

    /// One thing happened: its bytes go into the hash, its words into the lines.
    pub fn note(&mut self, now: Instant, bytes: &[u8], words: impl FnOnce() -> String) {
        self.mix(&now.as_nanos().to_be_bytes());
        self.mix(bytes);
        if let Some(lines) = &mut self.lines {
            let mut line = String::new();
            let _ = write!(line, "{:>11.4} {}", now.as_nanos() as f64 / 1e9, words());
            lines.push(line);
        }
    }

    /// The same seed gives the same number.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines; empty when none were asked for.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    fn mix(&mut self, bytes: &[u8]) {
        // Eight bytes at a time: FNV's multiplication byte by byte would cost as much as the engine.
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(chunk.len() as u64, |word, &byte| (word << 8) | u64::from(byte));
            self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }
}

/// A datagram in one line.
pub struct Brief<'a>(pub &'a [u8]);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(message) = Message::read(self.0) else {
            return match self.0 {
                [_, kind, _, _, _, _, _, _, _, _, _, _, event, flags, high, low] => {
                    let end = if flags & 0x80 == 0 { "" } else { " end" };
                    let duration = u16::from_be_bytes([*high, *low]);
                    write!(f, "RTP {} event {event} duration {duration}{end}", kind & 0x7f)
                }
                [_, kind, ..] => write!(f, "RTP {}, {} bytes", kind & 0x7f, self.0.len()),
                _ => write!(f, "{} bytes", self.0.len()),
            };
        };
        write!(f, "{}", message.first)?;
        if let Some((number, method)) = message.cseq() {
            write!(f, " [{number} {method}]")?;
        }
        if let Some(target) = message.get("Refer-To") {
            write!(f, " {target}")?;
        }
        if message.get("Content-Type").is_some_and(|kind| kind.starts_with("message/sipfrag")) {
            write!(f, " {:?}", String::from_utf8_lossy(message.body).trim_end())?;
        }
        if message.body.starts_with(b"v=0") {
            for line in String::from_utf8_lossy(message.body).lines() {
                if ["a=sendonly", "a=inactive", "a=recvonly", "c=IN IP4 0.0.0.0"].contains(&line) {
                    write!(f, " {line}")?;
                }
            }
        }
        Ok(())
    }
}

/// A command in one line.
pub fn told(command: &Command) -> String {
    match command {
        Command::Play { play, clips, repeat } => {
            let names: Vec<&str> = clips.iter().map(|clip| clip.id.as_str()).collect();
            let again = if *repeat { ", again and again" } else { "" };
            format!("play {}: {}{again}", play.0, names.join(" + "))
        }
        Command::Configure(chosen) => format!("configure {:?} {:?}", chosen.direction, chosen.remote),
        // Which keys may be an entry: never in a trace.
        Command::Press(keys) => format!("press {} keys", keys.len()),
        Command::Relay(_) => "relay a key".to_owned(),
        Command::Stop => "stop".to_owned(),
        Command::Record(recording) => format!("record {}", recording.file),
        Command::PauseRecording(key, paused) => format!("pause recording {}: {paused}", key.number),
        Command::EndRecording(key) => format!("end recording {}", key.number),
        Command::Bridge(other) => format!("bridge with {other:?}"),
        Command::Overhear(other) => format!("overhear {other:?}"),
        Command::GiveWay => "give way".to_owned(),
        Command::Unbridge => "end the bridge".to_owned(),
    }
}

/// What kind of command it is.
pub fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Configure(_) => "configure",
        Command::Play { .. } => "play",
        Command::Press(_) => "press",
        Command::Relay(_) => "relay",
        Command::Stop => "stop",
        Command::Record(_) => "record",
        Command::PauseRecording(..) => "pause",
        Command::EndRecording(_) => "recorded",
        Command::Bridge(_) => "bridge",
        Command::Overhear(_) => "overhear",
        Command::GiveWay => "give way",
        Command::Unbridge => "unbridge",
    }
}
