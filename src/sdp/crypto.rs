//! Keys of SRTP in a description: `a=crypto` (SDES, RFC 4568; the suites of RFC 7714 as well).
//!
//! Reads a line or finds that it is none of ours; writes ours. Keys are made by `leg` and used by `media::srtp`. Nothing here
//! prints one: whoever reads a log must not hear the call.

use crate::limits::{SRTP_KEY_BYTES_MAX, SRTP_KEY_TEXT_MAX, SRTP_MKI_BYTES_MAX};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;

/// How packets are encrypted and proved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`: what every telephone has (RFC 4568 §6.2.1).
    AesCm128Sha1Tag80,
    /// `AES_CM_128_HMAC_SHA1_32`: the same with a short tag; its reports keep the long one (§6.2.2).
    AesCm128Sha1Tag32,
    /// `AEAD_AES_128_GCM` (RFC 7714).
    AesGcm128,
    /// `AEAD_AES_256_GCM` (RFC 7714).
    AesGcm256,
}

impl Suite {
    /// In the order of our offers: the one that everybody has comes first, for telephones that read one line alone.
    pub const ALL: [Self; 4] = [Self::AesCm128Sha1Tag80, Self::AesGcm256, Self::AesGcm128, Self::AesCm128Sha1Tag32];

    /// Its name in SDP and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128Sha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesGcm128 => "AEAD_AES_128_GCM",
            Self::AesGcm256 => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of its master key and of its master salt.
    pub const fn lengths(self) -> (usize, usize) {
        match self {
            Self::AesCm128Sha1Tag80 | Self::AesCm128Sha1Tag32 => (16, 14),
            Self::AesGcm128 => (16, 12),
            Self::AesGcm256 => (32, 12),
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::AesCm128Sha1Tag80 => 0,
            Self::AesGcm256 => 1,
            Self::AesGcm128 => 2,
            Self::AesCm128Sha1Tag32 => 3,
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| name.eq_ignore_ascii_case(suite.name().as_bytes()))
    }
}

/// A master key with its salt, for one suite. It never prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; SRTP_KEY_BYTES_MAX],
}

impl MasterKey {
    /// From as many bytes as the suite needs: the key, then the salt.
    pub fn new(suite: Suite, material: &[u8]) -> Option<Self> {
        let (key, salt) = suite.lengths();
        let mut bytes = [0; SRTP_KEY_BYTES_MAX];
        if material.len() != key + salt {
            return None;
        }
        bytes.get_mut(..material.len())?.copy_from_slice(material);
        Some(Self { suite, bytes })
    }

    /// Of which suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.bytes.get(..self.suite.lengths().0).unwrap_or_default()
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        let (key, salt) = self.suite.lengths();
        self.bytes.get(key..key + salt).unwrap_or_default()
    }

    fn text(&self) -> String {
        let (key, salt) = self.suite.lengths();
        STANDARD.encode(self.bytes.get(..key + salt).unwrap_or_default())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// Random bytes for a key of ours in each suite, so that whatever is chosen has one of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keys([[u8; SRTP_KEY_BYTES_MAX]; Suite::ALL.len()]);

impl Keys {
    /// No keys: where nothing is encrypted.
    pub const NONE: Self = Self([[0; SRTP_KEY_BYTES_MAX]; Suite::ALL.len()]);

    /// From bytes that nobody can guess.
    pub const fn new(random: [[u8; SRTP_KEY_BYTES_MAX]; Suite::ALL.len()]) -> Self {
        Self(random)
    }

    /// Ours for this suite.
    pub fn of(&self, suite: Suite) -> MasterKey {
        let (key, salt) = suite.lengths();
        let mut bytes = [0; SRTP_KEY_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(self.0.get(suite.place()).into_iter().flatten()).take(key + salt) {
            *to = *from;
        }
        MasterKey { suite, bytes }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// What stands in each packet of a peer that numbers its keys (MKI, RFC 3711 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mki {
    /// The number of the one key.
    pub value: u64,
    /// Its bytes in a packet.
    pub length: u8,
}

/// A line of `a=crypto` that we can use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crypto {
    /// Its number among the lines of an offer; an answer repeats it.
    pub tag: u32,
    /// What its writer encrypts with.
    pub key: MasterKey,
    /// The number of the key in its writer's packets.
    pub mki: Option<Mki>,
}

impl Crypto {
    /// A line of ours: no lifetime (the longest is meant then), no MKI, no parameters.
    pub fn new(tag: u32, key: MasterKey) -> Self {
        Self { tag, key, mki: None }
    }

    /// `1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4 FEC_ORDER=FEC_SRTP`, or `None` for what we cannot do as it asks:
    /// a suite that is not ours, several keys at once, a parameter that changes how packets look. RFC 4568 §5.1.2: such a line is passed over.
    pub fn read(value: &[u8]) -> Option<Self> {
        let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let tag = number(words.next()?, 9)? as u32;
        let suite = Suite::of(words.next()?)?;
        let key = words.next()?;
        let (method, info) = key.split_at_checked(b"inline:".len())?;
        if !method.eq_ignore_ascii_case(b"inline:") || !words.all(is_harmless) {
            return None;
        }
        let mut parts = info.split(|&b| b == b'|');
        let key = material(suite, parts.next()?)?;
        let mut mki = None;
        let mut lifetime = None;
        for part in parts {
            match part.iter().position(|&b| b == b':') {
                // The lifetime stands before the MKI; each at most once.
                None if lifetime.is_none() && mki.is_none() => lifetime = Some(packets(part)?),
                Some(colon) if mki.is_none() => {
                    let (value, length) = part.split_at_checked(colon)?;
                    let length = u8::try_from(number(length.get(1..)?, 3)?).ok()?;
                    let fits = (1..=SRTP_MKI_BYTES_MAX).contains(&length);
                    mki = Some(Mki { value: number(value, 19)?, length }).filter(|_| fits);
                    mki?;
                }
                _ => return None,
            }
        }
        Some(Self { tag, key, mki })
    }

    /// As it stands behind `a=crypto:`. A secret.
    pub fn line(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.key.suite.name(), self.key.text())
    }
}

/// What both sides encrypt with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secured {
    /// The line of the offer that was taken.
    pub tag: u32,
    /// What we send with.
    pub ours: MasterKey,
    /// What the peer sends with.
    pub theirs: MasterKey,
    /// In the peer's packets.
    pub mki: Option<Mki>,
    /// Agreed under `RTP/SAVP`; else under `RTP/AVP`, as some telephones ask to try.
    pub profile: bool,
}

impl Secured {
    /// Of which suite.
    pub fn suite(&self) -> Suite {
        self.ours.suite
    }
}

/// Parameters that change nothing for us: the order of an error correction that we do not have, a hint for a window that is
/// wide enough, and what begins with `-` may be ignored by its name (RFC 4568 §6.3).
fn is_harmless(parameter: &[u8]) -> bool {
    let name = parameter.split(|&b| b == b'=').next().unwrap_or_default();
    name.starts_with(b"-") || name.eq_ignore_ascii_case(b"FEC_ORDER") || name.eq_ignore_ascii_case(b"WSH")
}

fn material(suite: Suite, text: &[u8]) -> Option<MasterKey> {
    // Some write the padding and some do not.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if text.len() > SRTP_KEY_TEXT_MAX {
        return None;
    }
    let mut bytes = [0; SRTP_KEY_TEXT_MAX];
    let length = LENIENT.decode_slice(text, &mut bytes).ok()?;
    MasterKey::new(suite, bytes.get(..length)?)
}

/// A lifetime, `2^20` or `1048576`. How long a peer keeps its key is its own affair, so it is only seen to be one.
fn packets(text: &[u8]) -> Option<u64> {
    let most = 1 << 48;
    let packets = match text.strip_prefix(b"2^") {
        Some(power) => 1u64.checked_shl(u32::try_from(number(power, 2)?).ok()?)?,
        None => number(text, 15)?,
    };
    (1..=most).contains(&packets).then_some(packets)
}

/// Decimal digits, so many at most.
fn number(text: &[u8], digits: usize) -> Option<u64> {
    if text.is_empty() || text.len() > digits || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
    const GCM128: &str = "AAECAwQFBgcICQoLDA0OD1F1aWQgcHJvIHF1bw==";

    #[test]
    fn a_line_is_used_as_it_asks_or_not_at_all() {
        let mki = |value, length| Some(Some(Mki { value, length }));
        for (line, read) in [
            // RFC 4568 §4 and §9.
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4 FEC_ORDER=FEC_SRTP"), mki(1, 4)),
            (format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20|1:32"), mki(1, 32)),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1048576"), Some(None)),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^48"), Some(None)),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|7:2"), mki(7, 2)),
            (format!("999999999 aes_cm_128_hmac_sha1_80 INLINE:{KEY}"), Some(None)),
            (format!("1  AES_CM_128_HMAC_SHA1_80\tinline:{KEY}  WSH=64 -vendor=1"), Some(None)),
            (format!("3 AEAD_AES_128_GCM inline:{GCM128}"), Some(None)),
            (format!("3 AEAD_AES_128_GCM inline:{}", GCM128.trim_end_matches('=')), Some(None)),
            // Suites that are not ours, and a key of another suite's length.
            (format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"), None),
            (format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}"), None),
            (format!("1 AEAD_AES_256_GCM inline:{KEY}"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{GCM128}"), None),
            // Parameters that change what packets look like.
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTCP"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=1"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} FEC_KEY=inline:{KEY}"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} SOMETHING=NEW"), None),
            // Two keys, two lifetimes, a lifetime behind the MKI, an MKI of no length.
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4;inline:{KEY}|2:4"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|2^20"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:4|2^20"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:0"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1:129"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^49"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|0"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|"), None),
            // No line at all.
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}AAAA"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", &KEY[4..]), None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:***".to_owned(), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}"), None),
            (format!("1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}"), None),
            (format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), None),
            (format!("-1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), None),
            (format!("1000000000 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"), None),
            ("1 AES_CM_128_HMAC_SHA1_80".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Crypto::read(line.as_bytes()).map(|line| line.mki), read, "{line}");
        }
        assert_eq!(Crypto::read(b"1 AES_CM_128_HMAC_SHA1_80 inline:\xff\xfe"), None);
        let long = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", "A".repeat(100_000));
        assert_eq!(Crypto::read(long.as_bytes()), None);
    }

    #[test]
    fn what_we_write_reads_back_in_every_suite() {
        let keys = Keys::new(std::array::from_fn(|at| [at as u8 + 0xf0; SRTP_KEY_BYTES_MAX]));
        for (tag, suite) in (1..).zip(Suite::ALL) {
            let line = Crypto::new(tag, keys.of(suite));
            assert_eq!(Crypto::read(line.line().as_bytes()), Some(line));
            assert_eq!((line.key.key().len(), line.key.salt().len()), suite.lengths());
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let line = Crypto::read(format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}").as_bytes()).expect("a line");
        let secured = Secured { tag: 1, ours: line.key, theirs: line.key, mki: None, profile: true };
        let keys = Keys::new([[0x59; SRTP_KEY_BYTES_MAX]; 4]);
        // 0x59 and 89 would be its first byte.
        for printed in [format!("{line:?}"), format!("{secured:#?}"), format!("{keys:?}")] {
            assert!(!printed.contains("89") && !printed.contains("0x59") && !printed.contains("WVN"), "{printed}");
        }
    }
}
