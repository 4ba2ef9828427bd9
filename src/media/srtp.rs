//! Encrypted and proved packets: SRTP and SRTCP (RFC 3711; AES-GCM by RFC 7714), in place, without allocation per packet.
//!
//! Between the ciphers and a stream: the number of a packet beyond its 16 bits (§3.3.1) and what has been heard before (§3.3.2). What seals
//! and proves a packet is in `cipher`; keys come from `sdp::crypto`.

mod cipher;

use crate::limits::SRTP_SOURCES_MAX;
use crate::sdp::crypto::{MasterKey, Mki, Secured, Suite};
use cipher::{Cipher, ENCRYPTED, Place};
use std::fmt;

/// Of an RTP header without extras.
const RTP_HEADER: usize = 12;

/// Why a packet does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It is not the peer's, or was changed on its way, or is no such packet at all.
    Forged,
    /// It came before, or is so late that nobody remembers.
    Again,
}

/// Both directions of a leg, across its re-negotiations.
#[derive(Debug)]
pub struct Session {
    agreed: Secured,
    sealer: Sealer,
    opener: Opener,
    /// Under the peer's last key: what was on its way when it changed is heard until the first packet under the new one.
    before: Option<Opener>,
    forged: u32,
}

/// What we send, under one key. Packets must come in the order of their numbers.
pub struct Sealer {
    sound: Cipher,
    reports: Cipher,
    /// Times that the sequence number began anew (ROC).
    rounds: u32,
    last: Option<u16>,
    report: u32,
}

/// What one peer sends, under one key.
pub struct Opener {
    sound: Cipher,
    reports: Cipher,
    mki: Option<Mki>,
    sources: Vec<Source>,
    /// Sources of the key before, each with its rounds: some peers go on counting under a new key.
    before: Vec<(u32, u32)>,
}

/// One SSRC, as far as it has proved itself.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sound: Window,
    reports: Window,
}

/// The highest number heard, and which of the 128 up to it (§3.3.2 asks for 64).
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    highest: Option<u64>,
    heard: u128,
}

impl Session {
    /// As agreed for the first time.
    pub fn new(agreed: &Secured) -> Self {
        Self {
            sealer: Sealer::new(&agreed.ours),
            opener: Opener::new(&agreed.theirs, agreed.mki),
            before: None,
            forged: 0,
            agreed: agreed.clone(),
        }
    }

    /// As agreed anew. A key that stays goes on counting: the same number under the same key would give away what both packets hold.
    pub fn agree(&mut self, agreed: &Secured) {
        if agreed.ours != self.agreed.ours {
            self.sealer = Sealer::new(&agreed.ours);
        }
        if agreed.theirs != self.agreed.theirs {
            let opener = Opener::new(&agreed.theirs, agreed.mki).after(&self.opener);
            self.before = Some(std::mem::replace(&mut self.opener, opener));
        }
        self.opener.mki = agreed.mki;
        self.agreed = agreed.clone();
    }

    /// We send from another source from now on; what the peer has sent stays known, its rounds above all.
    pub fn from_another_source(&mut self) {
        self.sealer = Sealer::new(&self.agreed.ours);
    }

    /// Of which suite.
    pub fn suite(&self) -> Suite {
        self.agreed.suite()
    }

    /// Packets that did not prove to be the peer's.
    pub fn forged(&self) -> u32 {
        self.forged
    }

    /// As [`Sealer::seal`].
    pub fn seal(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        self.sealer.seal(buffer, length)
    }

    /// As [`Sealer::seal_report`].
    pub fn seal_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        self.sealer.seal_report(buffer, length)
    }

    /// The packet as it was before its sender encrypted it; `None`: nobody has said this, or it was heard before.
    pub fn open<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let mut opened = self.opener.open(packet);
        match (opened, &mut self.before) {
            // The new key is in use.
            (Ok(_), before) => *before = None,
            (Err(Refused::Forged), Some(before)) => opened = before.open(packet),
            (Err(_), _) => {}
        }
        self.counted(opened).and_then(|length| packet.get_mut(..length))
    }

    /// The same for RTCP.
    pub fn open_report<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let mut opened = self.opener.open_report(packet);
        if let (Err(Refused::Forged), Some(before)) = (opened, &mut self.before) {
            opened = before.open_report(packet);
        }
        self.counted(opened).and_then(|length| packet.get_mut(..length))
    }

    fn counted(&mut self, opened: Result<usize, Refused>) -> Option<usize> {
        self.forged = self.forged.saturating_add((opened == Err(Refused::Forged)).into());
        opened.ok()
    }
}

impl Sealer {
    /// From a key that has sent nothing before.
    pub fn new(key: &MasterKey) -> Self {
        let (sound, reports) = Cipher::pair(key);
        Self { sound, reports, rounds: 0, last: None, report: 0 }
    }

    /// Encrypts an RTP packet that fills the first `length` bytes; how many it has then. `None`: there is no room, or it is no RTP.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let packet = buffer.get(..length)?;
        let (header, ssrc, sequence) = (rtp_header(packet)?, word(packet, 8)?, sequence(packet)?);
        // What is passed on may come in another order (RFC 3711 §3.3.1): half a round decides what is behind, and before the first round is nothing.
        let last = self.last.unwrap_or(sequence);
        let ahead = sequence.wrapping_sub(last) < 1 << 15 || (self.rounds == 0 && sequence > last);
        let rounds = match ahead {
            true => self.rounds.wrapping_add((sequence < last).into()),
            false => self.rounds.wrapping_sub((sequence > last).into()),
        };
        if ahead {
            (self.rounds, self.last) = (rounds, Some(sequence));
        }
        let place = Place { ssrc, number: u64::from(rounds) << 16 | u64::from(sequence) };
        self.sound.seal_sound(buffer, header, length, place)
    }

    /// The same for a compound RTCP packet.
    pub fn seal_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        let ssrc = word(buffer.get(..length)?, 4)?;
        let place = Place { ssrc, number: self.report.into() };
        // Its end would be the key's; a report a second goes on for 68 years.
        self.report = (self.report + 1) & !ENCRYPTED;
        self.reports.seal_report(buffer, length, place)
    }
}

impl Opener {
    /// Nothing has been heard under this key.
    pub fn new(key: &MasterKey, mki: Option<Mki>) -> Self {
        let (sound, reports) = Cipher::pair(key);
        Self { sound, reports, mki, sources: Vec::new(), before: Vec::new() }
    }

    /// The peer changes its key. RFC 3711 lets its rounds go on, yet most begin a new count: whichever the first packet proves.
    pub fn after(mut self, old: &Self) -> Self {
        let heard = old.sources.iter().filter_map(|source| Some((source.ssrc, source.sound.rounds()?)));
        // A key that was never used hands on what was known before it.
        self.before = heard.chain(old.before.iter().copied()).take(SRTP_SOURCES_MAX).collect();
        self
    }

    /// Proves an RTP packet and decrypts it; how many bytes it has then. What is refused stays as it was, and changes nothing.
    pub fn open(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let (Some(header), Some(ssrc), Some(sequence)) = (rtp_header(packet), word(packet, 8), sequence(packet)) else {
            return Err(Refused::Forged);
        };
        let sources = self.sources.len();
        let known = self.sources.iter().any(|source| source.ssrc == ssrc);
        // One whose reports alone were heard has no rounds yet.
        match self.sources.iter_mut().find(|source| source.ssrc == ssrc && source.sound.rounds().is_some()) {
            Some(source) => {
                let number = source.sound.number_of(sequence);
                if !source.sound.is_new(number) {
                    return Err(Refused::Again);
                }
                let length = self.sound.open_sound(packet, header, Place { ssrc, number }, self.mki)?;
                source.sound.heard(number);
                Ok(length)
            }
            None if known || sources < SRTP_SOURCES_MAX => {
                let before = self.before.iter().find(|(known, _)| *known == ssrc).map(|(_, rounds)| *rounds);
                let rounds =
                    [Some(0), before.filter(|rounds| *rounds > 0), before.and_then(|rounds| rounds.checked_add(1))];
                for rounds in rounds.into_iter().flatten() {
                    let number = u64::from(rounds) << 16 | u64::from(sequence);
                    if let Ok(length) = self.sound.open_sound(packet, header, Place { ssrc, number }, self.mki) {
                        self.source(ssrc, |source| source.sound.heard(number));
                        return Ok(length);
                    }
                }
                Err(Refused::Forged)
            }
            None => Err(Refused::Forged),
        }
    }

    /// The same for a compound RTCP packet.
    pub fn open_report(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let ssrc = word(packet, 4).ok_or(Refused::Forged)?;
        let number = self.reports.number_of_report(packet, self.mki).ok_or(Refused::Forged)?;
        let known = self.sources.iter().find(|source| source.ssrc == ssrc);
        if known.is_some_and(|source| !source.reports.is_new(number)) {
            return Err(Refused::Again);
        }
        if known.is_none() && self.sources.len() >= SRTP_SOURCES_MAX {
            return Err(Refused::Forged);
        }
        let length = self.reports.open_report(packet, Place { ssrc, number }, self.mki)?;
        self.source(ssrc, |source| source.reports.heard(number));
        Ok(length)
    }

    /// A source has proved itself, for the first time or again.
    fn source(&mut self, ssrc: u32, heard: impl FnOnce(&mut Source)) {
        match self.sources.iter_mut().find(|source| source.ssrc == ssrc) {
            Some(source) => heard(source),
            None => {
                let mut source = Source { ssrc, sound: Window::default(), reports: Window::default() };
                heard(&mut source);
                self.sources.push(source);
            }
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("rounds", &self.rounds).field("last", &self.last).finish_non_exhaustive()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl Window {
    fn rounds(&self) -> Option<u32> {
        self.highest.map(|highest| (highest >> 16) as u32)
    }

    /// The number of a packet, as near as can be to the highest (§3.3.1).
    fn number_of(&self, sequence: u16) -> u64 {
        const HALF: u16 = 1 << 15;
        let Some(highest) = self.highest else { return sequence.into() };
        let (rounds, last) = (highest >> 16, highest as u16);
        let rounds = if last < HALF {
            // Before the first round there is none: then it is a sender that jumped.
            if i32::from(sequence) - i32::from(last) > HALF.into() { rounds.saturating_sub(1) } else { rounds }
        } else if last - HALF > sequence {
            rounds + 1
        } else {
            rounds
        };
        (rounds & 0xffff_ffff) << 16 | u64::from(sequence)
    }

    fn is_new(&self, number: u64) -> bool {
        match self.highest {
            Some(highest) if number <= highest => {
                let back = highest - number;
                back < 128 && self.heard >> back & 1 == 0
            }
            Some(_) | None => true,
        }
    }

    fn heard(&mut self, number: u64) {
        match self.highest {
            Some(highest) if number <= highest => {
                self.heard |= 1u128.checked_shl((highest - number) as u32).unwrap_or(0)
            }
            highest => {
                let ahead = highest.map_or(0, |highest| number - highest);
                let kept = u32::try_from(ahead).ok().and_then(|ahead| self.heard.checked_shl(ahead)).unwrap_or(0);
                (self.highest, self.heard) = (Some(number), kept | 1);
            }
        }
    }
}

/// How long the readable part of an RTP packet is: with its contributors and its extension.
fn rtp_header(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut length = RTP_HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes(words.try_into().ok()?));
    }
    (length <= packet.len()).then_some(length)
}

fn sequence(packet: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?))
}

fn word(packet: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
#[path = "srtp_tests.rs"]
mod tests;
