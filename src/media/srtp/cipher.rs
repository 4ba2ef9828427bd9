//! The ciphers of SRTP and SRTCP, by RustCrypto: session keys (RFC 3711 §4.3), where a tag stands in a packet, and how it is sealed and proved.

use super::{Refused, word};
use crate::sdp::crypto::{MasterKey, Mki, Suite};
use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, inout::InOutBuf};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipher, consts::U16};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// Of what SRTCP leaves readable.
const RTCP_HEADER: usize = 8;
/// `E` and the 31 bits of its number, behind each report (§3.4).
const REPORT_NUMBER: usize = 4;
pub(super) const ENCRYPTED: u32 = 1 << 31;
/// Of AES-GCM (RFC 7714 §13.2), and of reports with HMAC-SHA1, whatever the tag of the sound is (RFC 4568 §6.2.2).
const GCM_TAG: usize = 16;
const LONG_TAG: usize = 10;

/// Session keys of sound or of reports.
pub(super) enum Cipher {
    Counter { aes: Aes128, salt: [u8; 14], mac: Hmac<Sha1>, tag: usize },
    Gcm128 { aead: Aes128Gcm, salt: [u8; 12] },
    Gcm256 { aead: Box<Aes256Gcm>, salt: [u8; 12] },
}

/// Which packet: its source, and its number with its rounds, or that of a report.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) ssrc: u32,
    pub(super) number: u64,
}

impl Cipher {
    /// Of sound and of reports: §4.3.2 numbers what is made of a master key.
    pub(super) fn pair(key: &MasterKey) -> (Self, Self) {
        (Self::new(key, 0, key.suite() == Suite::AesCm128Sha1Tag32), Self::new(key, 3, false))
    }

    fn new(master: &MasterKey, first: u8, short: bool) -> Self {
        match master.suite() {
            Suite::AesCm128Sha1Tag80 | Suite::AesCm128Sha1Tag32 => {
                let key: [u8; 16] = derived(master, first);
                let mac: [u8; 20] = derived(master, first + 1);
                Self::Counter {
                    aes: Aes128::new(&key.into()),
                    salt: derived(master, first + 2),
                    mac: Hmac::new_from_slice(&mac).expect("HMAC takes keys of any length"),
                    tag: if short { 4 } else { LONG_TAG },
                }
            }
            Suite::AesGcm128 => {
                let key: [u8; 16] = derived(master, first);
                Self::Gcm128 { aead: Aes128Gcm::new(&key.into()), salt: derived(master, first + 2) }
            }
            Suite::AesGcm256 => {
                let key: [u8; 32] = derived(master, first);
                Self::Gcm256 { aead: Box::new(Aes256Gcm::new(&key.into())), salt: derived(master, first + 2) }
            }
        }
    }

    pub(super) fn tag(&self) -> usize {
        match self {
            Self::Counter { tag, .. } => *tag,
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => GCM_TAG,
        }
    }

    pub(super) fn seal_sound(&self, buffer: &mut [u8], header: usize, length: usize, place: Place) -> Option<usize> {
        let end = length + self.tag();
        let (packet, tag) = buffer.get_mut(..end)?.split_at_mut_checked(length)?;
        let (header, payload) = packet.split_at_mut_checked(header)?;
        match self {
            Self::Counter { aes, salt, mac, .. } => {
                counter(aes, salt, place, payload);
                let rounds = ((place.number >> 16) as u32).to_be_bytes();
                let sum = mac.clone().chain_update(&*header).chain_update(&*payload).chain_update(rounds).finalize();
                tag.copy_from_slice(sum.into_bytes().get(..tag.len())?);
            }
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => {
                tag.copy_from_slice(&self.gcm_seal(nonce_of_sound(place), header, payload)?);
            }
        }
        Some(end)
    }

    pub(super) fn seal_report(&self, buffer: &mut [u8], length: usize, place: Place) -> Option<usize> {
        let end = length + REPORT_NUMBER + self.tag();
        let (packet, rest) = buffer.get_mut(..end)?.split_at_mut_checked(length)?;
        let (header, payload) = packet.split_at_mut_checked(RTCP_HEADER)?;
        let word = (place.number as u32 | ENCRYPTED).to_be_bytes();
        match self {
            Self::Counter { aes, salt, mac, .. } => {
                counter(aes, salt, place, payload);
                let (number, tag) = rest.split_at_mut_checked(REPORT_NUMBER)?;
                number.copy_from_slice(&word);
                let sum = mac.clone().chain_update(&*header).chain_update(&*payload).chain_update(word).finalize();
                tag.copy_from_slice(sum.into_bytes().get(..tag.len())?);
            }
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => {
                let (tag, number) = rest.split_at_mut_checked(GCM_TAG)?;
                tag.copy_from_slice(&self.gcm_seal(nonce_of_report(place), &with_number(header, word), payload)?);
                number.copy_from_slice(&word);
            }
        }
        Some(end)
    }

    pub(super) fn open_sound(
        &self,
        packet: &mut [u8],
        header: usize,
        place: Place,
        mki: Option<Mki>,
    ) -> Result<usize, Refused> {
        let (tag, number) = (self.tag(), mki.map_or(0, |mki| mki.length.into()));
        let end = packet.len().checked_sub(tag + number).filter(|end| *end >= header).ok_or(Refused::Forged)?;
        let (packet, rest) = packet.split_at_mut(end);
        let (header, payload) = packet.split_at_mut(header);
        match self {
            Self::Counter { aes, salt, mac, .. } => {
                let (number, tag) = rest.split_at_mut(number);
                let rounds = ((place.number >> 16) as u32).to_be_bytes();
                let sum = mac.clone().chain_update(&*header).chain_update(&*payload).chain_update(rounds);
                if !is_number(mki, number) || sum.verify_truncated_left(tag).is_err() {
                    return Err(Refused::Forged);
                }
                counter(aes, salt, place, payload);
            }
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => {
                let (tag, number) = rest.split_at_mut(GCM_TAG);
                if !is_number(mki, number) {
                    return Err(Refused::Forged);
                }
                self.gcm_open(nonce_of_sound(place), header, payload, tag)?;
            }
        }
        Ok(end)
    }

    /// The number of a report, before it has proved itself; `None` for one that is not encrypted: that was never agreed.
    pub(super) fn number_of_report(&self, packet: &[u8], mki: Option<Mki>) -> Option<u64> {
        let behind = mki.map_or(0, |mki| usize::from(mki.length))
            + match self {
                Self::Counter { tag, .. } => *tag,
                Self::Gcm128 { .. } | Self::Gcm256 { .. } => 0,
            };
        let word = word(packet, packet.len().checked_sub(behind + REPORT_NUMBER)?)?;
        (word & ENCRYPTED != 0).then_some(u64::from(word & !ENCRYPTED))
    }

    pub(super) fn open_report(&self, packet: &mut [u8], place: Place, mki: Option<Mki>) -> Result<usize, Refused> {
        let number = mki.map_or(0, |mki| mki.length.into());
        let end = packet.len().checked_sub(REPORT_NUMBER + self.tag() + number).filter(|end| *end >= RTCP_HEADER);
        let (packet, rest) = packet.split_at_mut(end.ok_or(Refused::Forged)?);
        let end = packet.len();
        let (header, payload) = packet.split_at_mut(RTCP_HEADER);
        let word = (place.number as u32 | ENCRYPTED).to_be_bytes();
        match self {
            Self::Counter { aes, salt, mac, .. } => {
                let (number, tag) = rest.split_at_mut(REPORT_NUMBER + number);
                let sum = mac.clone().chain_update(&*header).chain_update(&*payload).chain_update(word);
                if !is_number(mki, number.get(REPORT_NUMBER..).unwrap_or_default())
                    || sum.verify_truncated_left(tag).is_err()
                {
                    return Err(Refused::Forged);
                }
                counter(aes, salt, place, payload);
            }
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => {
                let (tag, number) = rest.split_at_mut(GCM_TAG);
                if !is_number(mki, number.get(REPORT_NUMBER..).unwrap_or_default()) {
                    return Err(Refused::Forged);
                }
                self.gcm_open(nonce_of_report(place), &with_number(header, word), payload, tag)?;
            }
        }
        Ok(end)
    }

    fn gcm_seal(&self, nonce: [u8; 12], header: &[u8], payload: &mut [u8]) -> Option<[u8; GCM_TAG]> {
        let tag = match self {
            Self::Gcm128 { aead, salt } => {
                aead.encrypt_inout_detached(&mixed(nonce, salt).into(), header, payload.into())
            }
            Self::Gcm256 { aead, salt } => {
                aead.encrypt_inout_detached(&mixed(nonce, salt).into(), header, payload.into())
            }
            Self::Counter { .. } => return None,
        };
        tag.ok().map(Into::into)
    }

    fn gcm_open(&self, nonce: [u8; 12], header: &[u8], payload: &mut [u8], tag: &[u8]) -> Result<(), Refused> {
        let tag: [u8; GCM_TAG] = tag.try_into().map_err(|_| Refused::Forged)?;
        let payload = InOutBuf::from(payload);
        match self {
            Self::Gcm128 { aead, salt } => {
                aead.decrypt_inout_detached(&mixed(nonce, salt).into(), header, payload, &tag.into())
            }
            Self::Gcm256 { aead, salt } => {
                aead.decrypt_inout_detached(&mixed(nonce, salt).into(), header, payload, &tag.into())
            }
            Self::Counter { .. } => return Err(Refused::Forged),
        }
        .map_err(|_| Refused::Forged)
    }
}

/// AES in counter mode: `(salt · 2^16) ⊕ (SSRC · 2^64) ⊕ (number · 2^16)` begins it (§4.1.1).
fn counter(aes: &Aes128, salt: &[u8; 14], place: Place, payload: &mut [u8]) {
    let block = u128::from(place.ssrc) << 64 ^ u128::from(place.number) << 16 ^ shifted(salt);
    keystream(aes, block, payload);
}

fn keystream<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>>(aes: C, block: u128, bytes: &mut [u8]) {
    let mut stream = Ctr128BE::from_core(CtrCore::inner_iv_init(aes, &block.to_be_bytes().into()));
    stream.apply_keystream(bytes);
}

/// A salt as a number, above the 16 bits that count blocks; that of GCM is the shorter by two bytes (RFC 7714 §11).
fn shifted(salt: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(salt) {
        *to = *from;
    }
    u128::from_be_bytes(bytes)
}

/// A session key or salt (§4.3.1), without a derivation rate: each label makes one for the whole life of the master key.
fn derived<const LENGTH: usize>(master: &MasterKey, label: u8) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let block = shifted(master.salt()) ^ u128::from(label) << 64;
    match (<[u8; 16]>::try_from(master.key()), <[u8; 32]>::try_from(master.key())) {
        (Ok(key), _) => keystream(Aes128::new(&key.into()), block, &mut bytes),
        (_, Ok(key)) => keystream(Aes256::new(&key.into()), block, &mut bytes),
        (Err(_), Err(_)) => unreachable!("a master key has 16 bytes or 32"),
    }
    bytes
}

/// RFC 7714 §8.1: two zeros, SSRC, rounds, sequence number.
fn nonce_of_sound(place: Place) -> [u8; 12] {
    twelve(u128::from(place.ssrc) << 48 | u128::from(place.number & 0xffff_ffff_ffff))
}

/// RFC 7714 §9.1: two zeros, SSRC, two zeros, the number of the report.
fn nonce_of_report(place: Place) -> [u8; 12] {
    nonce_of_sound(place)
}

fn twelve(number: u128) -> [u8; 12] {
    let [_, _, _, _, bytes @ ..] = number.to_be_bytes();
    bytes
}

fn mixed(mut nonce: [u8; 12], salt: &[u8; 12]) -> [u8; 12] {
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    nonce
}

/// What is proved beside the encrypted part of a report (RFC 7714 §9.2).
fn with_number(header: &[u8], word: [u8; 4]) -> [u8; RTCP_HEADER + REPORT_NUMBER] {
    let mut bytes = [0; RTCP_HEADER + REPORT_NUMBER];
    for (to, from) in bytes.iter_mut().zip(header.iter().chain(&word)) {
        *to = *from;
    }
    bytes
}

/// Whether the bytes are the number of the one key that was named.
fn is_number(mki: Option<Mki>, bytes: &[u8]) -> bool {
    let Some(Mki { value, .. }) = mki else { return bytes.is_empty() };
    let mut expected = value.to_be_bytes().into_iter().rev();
    bytes.iter().rev().all(|byte| *byte == expected.next().unwrap_or(0))
}

#[cfg(test)]
#[path = "cipher_tests.rs"]
mod tests;
