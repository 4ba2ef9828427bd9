//! WAV files as prompts: 8 kHz, one channel, 16 bits; anything else is refused with what to do.

use crate::limits::PROMPT_SECONDS_MAX;
use crate::speech::finding::{Both, both};
use std::io::Cursor;

/// Samples a second of every prompt: G.711's.
pub const RATE: u32 = 8000;

/// The samples of a WAV file, or what is wrong with it and what to do.
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, (Both, Both)> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| {
        (
            both(format!("WAV 파일로 읽을 수 없습니다: {error}"), format!("not a readable WAV file: {error}")),
            both("8 kHz, 모노, 16비트 PCM WAV로 다시 저장하세요", "save it again as WAV, 8 kHz, mono, 16-bit PCM"),
        )
    })?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample, spec.sample_format)
        != (RATE, 1, 16, hound::SampleFormat::Int)
    {
        let (rate, channels, bits) = (spec.sample_rate, spec.channels, spec.bits_per_sample);
        return Err((
            both(
                format!("{rate} Hz, {channels}채널, {bits}비트입니다. 안내음은 8000 Hz, 1채널, 16비트 정수여야 합니다"),
                format!(
                    "it is {rate} Hz, {channels} channel(s), {bits} bits; a prompt is 8000 Hz, 1 channel, 16-bit integers"
                ),
            ),
            both(
                "변환: sox 원본.wav -r 8000 -c 1 -b 16 새파일.wav",
                "convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav",
            ),
        ));
    }
    if reader.len() == 0 {
        return Err((
            both("소리가 없습니다", "it holds no sound"),
            both("지우고 `ivr1357 prompts build`로 다시 만드세요", "delete it and run `ivr1357 prompts build`"),
        ));
    }
    if reader.len() > PROMPT_SECONDS_MAX * RATE {
        return Err((
            both(
                format!("{PROMPT_SECONDS_MAX}초보다 깁니다"),
                format!("it is longer than {PROMPT_SECONDS_MAX} seconds"),
            ),
            both("짧게 나누세요", "cut it into shorter prompts"),
        ));
    }
    reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>().map_err(|error| {
        (
            both(format!("소리 자료가 중간에 끊겼습니다: {error}"), format!("the sound breaks off: {error}")),
            both("파일을 다시 복사하거나 다시 만드세요", "copy or build the file again"),
        )
    })
}

/// A WAV file of these samples: a plain 44-byte header, so that the same samples give the same bytes.
pub fn write(samples: &[i16]) -> Vec<u8> {
    let data = samples.len() as u32 * 2;
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&RATE.to_le_bytes());
    out.extend_from_slice(&(RATE * 2).to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&data.to_le_bytes());
    out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(spec: hound::WavSpec, samples: usize) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for _ in 0..samples * usize::from(spec.channels) {
            match spec.sample_format {
                hound::SampleFormat::Int => writer.write_sample(7i8).unwrap(),
                hound::SampleFormat::Float => writer.write_sample(0.5f32).unwrap(),
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(sample_rate: u32, channels: u16, bits_per_sample: u16) -> hound::WavSpec {
        hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format: hound::SampleFormat::Int }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let samples = [0, 1, -1, i16::MAX, i16::MIN, 300];
        assert_eq!(read(&write(&samples)).unwrap(), samples);
        assert_eq!(read(&wav(spec(8000, 1, 16), 3)).unwrap(), [7, 7, 7]);
    }

    #[test]
    fn an_extensible_header_is_read() {
        // hound writes one for 24 bits; a 16-bit one is made by hand.
        let plain = write(&[5, 6]);
        let mut extensible = plain[..16].to_vec();
        extensible.extend_from_slice(&40u32.to_le_bytes());
        extensible.extend_from_slice(&0xfffeu16.to_le_bytes());
        extensible.extend_from_slice(&plain[22..36]);
        extensible.extend_from_slice(&22u16.to_le_bytes());
        extensible.extend_from_slice(&16u16.to_le_bytes());
        extensible.extend_from_slice(&4u32.to_le_bytes());
        extensible.extend_from_slice(b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
        extensible.extend_from_slice(&plain[36..]);
        let length = extensible.len() as u32 - 8;
        extensible[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(read(&extensible).unwrap(), [5, 6]);
    }

    #[test]
    fn any_other_sound_is_refused_with_what_it_is_and_what_to_do() {
        let float = hound::WavSpec { sample_format: hound::SampleFormat::Float, ..spec(8000, 1, 32) };
        for (bytes, what) in [
            (wav(spec(44_100, 2, 16), 9), "44100 Hz, 2 channel(s), 16 bits"),
            (wav(spec(8000, 1, 8), 9), "8000 Hz, 1 channel(s), 8 bits"),
            (wav(float, 9), "8000 Hz, 1 channel(s), 32 bits"),
            (wav(spec(8000, 1, 16), 0), "no sound"),
            (wav(spec(8000, 1, 16), (PROMPT_SECONDS_MAX * RATE + 1) as usize), "longer than"),
            (b"ID3 this is an mp3".to_vec(), "not a readable WAV"),
            (Vec::new(), "not a readable WAV"),
            (write(&[1; 100])[..100].to_vec(), "breaks off"),
        ] {
            let (error, fix) = read(&bytes).unwrap_err();
            assert!(error[1].contains(what), "{error:?}");
            assert!(!error[0].is_empty() && !fix[0].is_empty() && !fix[1].is_empty());
        }
    }

    #[test]
    fn no_byte_of_a_broken_header_stops_the_reader() {
        let good = write(&[1; 20]);
        for at in 0..44 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                let _ = read(&bytes);
            }
        }
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err());
        }
    }
}
