//! The inside of a WAV file: RIFF chunks, the format with its extension (WAVE_FORMAT_EXTENSIBLE), and samples of every kind that studios and
//! telephone systems write: integers of 8 to 32 bits, fractions, A-law and µ-law.
//!
//! Chunks of other programs stand before and behind the sound (BWF's `bext`, iXML), some of odd length with the byte of padding that RIFF asks for; and
//! who writes to a pipe cannot know the length of the sound.

use crate::media::codec::{decode_alaw, decode_ulaw};
use std::fmt;

/// What samples are written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// Integers: of 8 bits without a sign, larger ones with one.
    Integer,
    /// Fractions from -1 to 1.
    Float,
    /// G.711 A-law.
    ALaw,
    /// G.711 µ-law.
    MuLaw,
}

impl Encoding {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::ALaw => "a-law",
            Self::MuLaw => "mu-law",
        }
    }
}

/// What a WAV file holds. Prints as "48000 Hz, 2 channels, 24 bits".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Bits of a sample.
    pub bits: u16,
    /// What they mean.
    pub encoding: Encoding,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, channels, bits, encoding } = self;
        let channels_word = if *channels == 1 { "channel" } else { "channels" };
        let encoding = match encoding {
            Encoding::Integer => "",
            Encoding::Float => " float",
            Encoding::ALaw => " A-law",
            Encoding::MuLaw => " µ-law",
        };
        write!(f, "{rate} Hz, {channels} {channels_word}, {bits} bits{encoding}")
    }
}

/// A WAV file, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Riff<'b> {
    /// What it holds.
    pub format: Format,
    /// The bytes of a sample; of 24 bits some files have four.
    container: usize,
    /// The sound, in whole frames.
    sound: &'b [u8],
}

/// Why a file cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RiffError {
    /// It begins as another kind of file, or as none that is known.
    NotWav(Option<&'static str>),
    /// A chunk that a WAV file needs is not there.
    Lacks(&'static str),
    /// The format contradicts itself.
    Format,
    /// The sound is packed in a way of its own; this number names it in the register of formats.
    Packed(u16),
    /// So many bytes of the sound that it tells of are missing.
    BreaksOff(usize),
}

impl fmt::Display for RiffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav(Some(kind)) => write!(f, "{kind}"),
            Self::NotWav(None) => write!(f, "no RIFF/WAVE"),
            Self::Lacks(chunk) => write!(f, "no `{chunk}`"),
            Self::Format => write!(f, "a broken `fmt `"),
            Self::Packed(tag) => match tag {
                2 | 0x11 => write!(f, "ADPCM"),
                0x31 => write!(f, "GSM"),
                0x55 => write!(f, "MP3"),
                tag => write!(f, "format 0x{tag:04x}"),
            },
            Self::BreaksOff(missing) => write!(f, "-{missing} bytes"),
        }
    }
}

const PCM: u16 = 1;
const IEEE_FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// Behind the two bytes of a plain format's number, in a sub-format.
const SUB_FORMAT: [u8; 14] = *b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
/// Whoever cannot know the length of the sound writes the largest there is, or nearly.
const LENGTH_UNKNOWN: usize = 0x7fff_0000;

impl<'b> Riff<'b> {
    /// Takes a file apart. One whose sound breaks off is refused.
    pub fn read(bytes: &'b [u8]) -> Result<Self, RiffError> {
        match Self::read_as_far(bytes)? {
            (riff, 0) => Ok(riff),
            (_, missing) => Err(RiffError::BreaksOff(missing)),
        }
    }

    /// Takes a file apart as far as it goes; with how many bytes of the sound that it tells of are missing.
    pub fn read_as_far(bytes: &'b [u8]) -> Result<(Self, usize), RiffError> {
        let after = bytes.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)?.strip_prefix(b"WAVE"));
        let mut rest = after.ok_or_else(|| RiffError::NotWav(kind(bytes)))?;
        let mut format = None;
        loop {
            let Some((head, after)) = rest.split_at_checked(8) else {
                return Err(RiffError::Lacks(if format.is_some() { "data" } else { "fmt " }));
            };
            let length = number(head, 4, 4) as usize;
            match (head.get(..4).unwrap_or_default(), format) {
                (b"data", Some((format, container))) => {
                    // Others write nothing until they know it; the length of the file is then not told either.
                    let file = number(bytes, 4, 4) as usize;
                    let untold = length == 0 && (file >= LENGTH_UNKNOWN || file + 8 < bytes.len());
                    let told = if length >= LENGTH_UNKNOWN || untold { after.len() } else { length };
                    let sound = after.get(..told).unwrap_or(after);
                    return Ok((Self { format, container, sound }, told - sound.len()));
                }
                (b"data", None) => return Err(RiffError::Lacks("fmt ")),
                (b"fmt ", _) => format = Some(read_format(after.get(..length).ok_or(RiffError::Format)?)?),
                _ => {}
            }
            rest = after.get(length + length % 2..).unwrap_or_default();
        }
    }

    /// Moments that have a sample of each channel.
    pub fn frames(&self) -> usize {
        self.sound.len() / self.container / usize::from(self.format.channels)
    }

    /// The samples as they are, where they are integers of 16 bits in one channel.
    pub fn plain(&self) -> Option<impl Iterator<Item = i16>> {
        let Format { channels, bits, encoding, .. } = self.format;
        let plain = (channels, bits, encoding, self.container) == (1, 16, Encoding::Integer, 2);
        plain.then(|| self.sound.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)))
    }

    /// The samples of one channel, counted from 1, where they are integers of 16 bits.
    pub fn channel(&self, channel: u16) -> Option<impl Iterator<Item = i16>> {
        let Format { channels, bits, encoding, .. } = self.format;
        let fits = (bits, encoding, self.container) == (16, Encoding::Integer, 2) && (1..=channels).contains(&channel);
        let samples = self.sound.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes));
        fits.then(|| samples.skip(usize::from(channel) - 1).step_by(channels.into()))
    }

    /// One channel, the mean of all, from -1 to 1. A fraction that is no number sounds as nothing; one beyond the scale sounds as its end.
    pub fn mono(&self) -> Vec<f32> {
        const FULL: f32 = 32_768.0;
        // The highest bit of each size where that of 32 bits is.
        let integer = |bytes: [u8; 4]| i32::from_le_bytes(bytes) as f32 / (FULL * 65_536.0);
        match (self.format.encoding, self.format.bits, self.container) {
            (Encoding::ALaw, ..) => self.samples(|[code]| f32::from(decode_alaw(code)) / FULL),
            (Encoding::MuLaw, ..) => self.samples(|[code]| f32::from(decode_ulaw(code)) / FULL),
            (Encoding::Float, _, 8) => self.samples(|bytes| finite(f64::from_le_bytes(bytes) as f32)),
            (Encoding::Float, ..) => self.samples(|bytes| finite(f32::from_le_bytes(bytes))),
            (Encoding::Integer, _, 1) => self.samples(|[byte]| (f32::from(byte) - 128.0) / 128.0),
            (Encoding::Integer, _, 2) => self.samples(|bytes| f32::from(i16::from_le_bytes(bytes)) / FULL),
            (Encoding::Integer, _, 3) => self.samples(|[low, middle, high]| integer([0, low, middle, high])),
            (Encoding::Integer, 24, _) => self.samples(|[low, middle, high, _]| integer([0, low, middle, high])),
            (Encoding::Integer, ..) => self.samples(integer),
        }
    }

    /// The mean of each frame, whose samples have so many bytes.
    fn samples<const BYTES: usize>(&self, sample: impl Fn([u8; BYTES]) -> f32) -> Vec<f32> {
        let (samples, _) = self.sound.as_chunks::<BYTES>();
        match samples.as_chunks::<2>() {
            (pairs, _) if self.format.channels == 2 => {
                pairs.iter().map(|[left, right]| (sample(*left) + sample(*right)) / 2.0).collect()
            }
            _ => {
                let channels = usize::from(self.format.channels);
                let mean = |frame: &[[u8; BYTES]]| frame.iter().map(|one| sample(*one)).sum::<f32>() / channels as f32;
                samples.chunks_exact(channels).map(mean).collect()
            }
        }
    }
}

fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

/// The format, and the bytes of a sample.
fn read_format(chunk: &[u8]) -> Result<(Format, usize), RiffError> {
    if chunk.len() < 16 {
        return Err(RiffError::Format);
    }
    let field = |at| number(chunk, at, 2) as u16;
    let (channels, rate, block, mut bits) = (field(2), number(chunk, 4, 4), usize::from(field(12)), field(14));
    let tag = match field(0) {
        EXTENSIBLE => {
            if chunk.get(26..40) != Some(&SUB_FORMAT[..]) {
                return Err(RiffError::Format);
            }
            field(24)
        }
        tag => tag,
    };
    let encoding = match tag {
        PCM => Encoding::Integer,
        IEEE_FLOAT => Encoding::Float,
        A_LAW => Encoding::ALaw,
        MU_LAW => Encoding::MuLaw,
        other => return Err(RiffError::Packed(other)),
    };
    let container = block.checked_div(usize::from(channels)).unwrap_or(0);
    if container == 0 || block % usize::from(channels) != 0 {
        return Err(RiffError::Format);
    }
    // In an extensible format the bits stand at the upper end of their bytes, and how many of them count does not matter.
    if field(0) == EXTENSIBLE {
        bits = u16::try_from(container * 8).unwrap_or(u16::MAX);
    }
    let fits = match (encoding, bits) {
        (Encoding::ALaw | Encoding::MuLaw, bits) => bits == 8 && container == 1,
        // 24 bits may have a byte that does not count.
        (Encoding::Integer, 24) => container == 3 || container == 4,
        (Encoding::Integer, 8 | 16 | 32) | (Encoding::Float, 32 | 64) => usize::from(bits) == container * 8,
        (Encoding::Integer | Encoding::Float, _) => false,
    };
    let format = Format { rate, channels, bits, encoding };
    if fits { Ok((format, container)) } else { Err(RiffError::Format) }
}

/// A number of up to four bytes, the lowest first; what is not there is 0.
fn number(bytes: &[u8], at: usize, length: usize) -> u32 {
    let bytes = bytes.get(at..).unwrap_or_default().iter().take(length);
    bytes.rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Kinds of files that are given the name of a WAV file by mistake.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 7] = [
        (b"ID3", "MP3"),
        (b"\xff\xfb", "MP3"),
        (b"OggS", "Ogg"),
        (b"fLaC", "FLAC"),
        (b"FORM", "AIFF"),
        (b"RF64", "RF64"),
        (b"\0\0\0\x20ftyp", "MP4"),
    ];
    kinds.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, kind)| *kind)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn file(tag: u16, extensible: bool, (channels, bits): (u16, u16), container: u16, sound: &[u8]) -> Vec<u8> {
        file_at(8000, tag, extensible, (channels, bits), container, sound)
    }

    /// A file of this format, plain or extensible, with these bytes of sound.
    pub(in crate::speech) fn file_at(
        rate: u32,
        tag: u16,
        extensible: bool,
        (channels, bits): (u16, u16),
        container: u16,
        sound: &[u8],
    ) -> Vec<u8> {
        let mut format = Vec::new();
        let block = container * channels;
        let number = if extensible { EXTENSIBLE } else { tag };
        for (field, length) in
            [(u32::from(number), 2), (channels.into(), 2), (rate, 4), (rate * u32::from(block), 4), (block.into(), 2)]
        {
            format.extend_from_slice(&field.to_le_bytes()[..length]);
        }
        if extensible {
            format.extend_from_slice(&(container * 8).to_le_bytes());
            format.extend_from_slice(&22u16.to_le_bytes());
            format.extend_from_slice(&bits.to_le_bytes());
            format.extend_from_slice(&[0; 4]);
            format.extend_from_slice(&tag.to_le_bytes());
            format.extend_from_slice(&SUB_FORMAT);
        } else {
            format.extend_from_slice(&bits.to_le_bytes());
        }
        let mut out = b"RIFF\0\0\0\0WAVE".to_vec();
        for (name, chunk) in [(b"fmt ", &format[..]), (b"data", sound)] {
            out.extend_from_slice(name);
            out.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
            out.extend_from_slice(chunk);
            out.resize(out.len() + chunk.len() % 2, 0);
        }
        out
    }

    #[test]
    fn every_kind_of_sample_is_the_number_it_stands_for() {
        let (half, quarter) = (0.5f32.to_le_bytes(), (-0.25f32).to_le_bytes());
        let halves: Vec<u8> = [half, quarter].concat();
        let doubles: Vec<u8> = [0.5f64, f64::NAN].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for (tag, bits, container, sound, samples) in [
            (PCM, 8, 1, &[0x80, 0xc0, 0x00][..], &[0.0, 0.5, -1.0][..]),
            (PCM, 16, 2, &[0, 0x40, 0, 0x80], &[0.5, -1.0]),
            (PCM, 24, 3, &[0, 0, 0x40, 0, 0, 0xc0], &[0.5, -0.5]),
            (PCM, 32, 4, &[0, 0, 0, 0x40], &[0.5]),
            (IEEE_FLOAT, 32, 4, &halves, &[0.5, -0.25]),
            (IEEE_FLOAT, 64, 8, &doubles, &[0.5, 0.0]),
            // The loudest codes of G.711, and its zeroes.
            (A_LAW, 8, 1, &[0xaa, 0x2a, 0xd5], &[32_256.0f32 / 32_768.0, -32_256.0 / 32_768.0, 8.0 / 32_768.0]),
            (MU_LAW, 8, 1, &[0x80, 0x00, 0xff], &[32_124.0 / 32_768.0, -32_124.0 / 32_768.0, 0.0]),
        ] {
            for extensible in [false, true] {
                let bytes = file(tag, extensible, (1, bits), container, sound);
                let riff = Riff::read(&bytes).unwrap_or_else(|error| panic!("{tag} {bits}: {error}"));
                assert_eq!((riff.mono(), riff.format.bits), (samples.to_vec(), bits), "{tag} {bits} {extensible}");
                // Both channels, and their mean.
                let twice: Vec<u8> =
                    sound.chunks(container.into()).flat_map(|sample| [sample, sample].concat()).collect();
                let bytes = file(tag, extensible, (2, bits), container, &twice);
                assert_eq!(Riff::read(&bytes).map(|riff| riff.mono()), Ok(samples.to_vec()), "{tag} {bits}");
            }
        }
    }

    #[test]
    fn twenty_four_bits_in_four_bytes_stand_at_the_end_their_format_says() {
        let plain = file(PCM, false, (1, 24), 4, &[0, 0, 0x40, 0]);
        let extensible = file(PCM, true, (1, 24), 4, &[0, 0, 0, 0x40]);
        for bytes in [plain, extensible] {
            assert_eq!(Riff::read(&bytes).map(|riff| riff.mono()), Ok(vec![0.5]));
        }
    }

    #[test]
    fn what_is_no_such_file_is_told_apart() {
        let good = file(PCM, false, (1, 16), 2, &[1; 8]);
        let error = |bytes: &[u8]| Riff::read(bytes).unwrap_err();
        assert_eq!(error(b"ID3\x04 music"), RiffError::NotWav(Some("MP3")));
        assert_eq!(error(b"\0\0\0"), RiffError::NotWav(None));
        assert_eq!(error(&good[..12]), RiffError::Lacks("fmt "));
        assert_eq!(error(&good[..36]), RiffError::Lacks("data"));
        assert_eq!(error(&good[..good.len() - 3]), RiffError::BreaksOff(3));
        assert_eq!(error(&file(0x55, false, (1, 16), 2, &[1; 8])), RiffError::Packed(0x55));
        assert_eq!(error(&file(2, true, (1, 4), 1, &[1; 8])), RiffError::Packed(2));
        assert_eq!(error(&file(PCM, false, (0, 16), 2, &[1; 8])), RiffError::Format);
        assert_eq!(error(&file(PCM, false, (1, 12), 2, &[1; 8])), RiffError::Format);
        assert_eq!(error(&file(A_LAW, false, (1, 16), 2, &[1; 8])), RiffError::Format);
        for (tag, bits) in [(PCM, 40), (PCM, 64), (IEEE_FLOAT, 8), (IEEE_FLOAT, 16), (IEEE_FLOAT, 24)] {
            assert_eq!(
                error(&file(tag, false, (1, bits), bits / 8, &[1; 80])),
                RiffError::Format,
                "{tag}: {bits} bits"
            );
        }
        let mut other = file(PCM, true, (1, 16), 2, &[1; 8]);
        other[50] = 1;
        assert_eq!(error(&other), RiffError::Format);
    }
}
