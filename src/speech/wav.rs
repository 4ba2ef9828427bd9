//! WAV files as prompts: what studios deliver, mixed to one channel and brought to a telephone's rate; and what we write.
//!
//! 8 kHz, mono, 16 bits is taken as it is, sample by sample. Anything else is refused with what to do.

use crate::limits::{PROMPT_FILE_BYTES_MAX, PROMPT_RATES, PROMPT_SECONDS_MAX};
use crate::speech::finding::{Both, both};
use crate::speech::resample::resample_recording;
pub use crate::speech::riff::{Encoding, Format};
use crate::speech::riff::{Riff, RiffError};

/// Samples a second of every prompt: G.711's.
pub const RATE: u32 = 8000;

/// A sound as the engine wants it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sound {
    /// 8 kHz, one channel.
    pub samples: Vec<i16>,
    /// The same at 16 kHz, twice as many: what G.722 carries. `None` when the file had no more than 8 kHz.
    pub wide: Option<Vec<i16>>,
    /// What the file held.
    pub format: Format,
    /// Samples of the file that are as loud as numbers go, or stand in a row at its peak: the recording was too loud.
    pub clipped: usize,
}

impl Format {
    /// What `prompts build` writes.
    pub const OURS: Self = Self { rate: RATE, channels: 1, bits: 16, encoding: Encoding::Integer };

    fn is_taken(self) -> bool {
        (1..=2).contains(&self.channels) && PROMPT_RATES.contains(&self.rate)
    }
}

/// The sound of a WAV file, or what is wrong with it and what to do.
pub fn read(bytes: &[u8]) -> Result<Sound, (Both, Both)> {
    let riff = open(bytes)?;
    let format = riff.format;
    let mono = riff.mono();
    let clipped = clipped(format, &mono);
    let whole = |sound: &[f32]| sound.iter().map(|&sample| to_i16(f64::from(sample))).collect::<Vec<i16>>();
    if format == Format::OURS {
        return Ok(Sound { samples: whole(&mono), wide: None, format, clipped });
    }
    let wide = (format.rate > RATE).then(|| resample_recording(&mono, format.rate, 2 * RATE));
    // From the wide sound, which is the smaller one, where that has all that a telephone carries.
    let narrow = match &wide {
        Some(wide) if format.rate >= 2 * RATE => resample_recording(wide, 2 * RATE, RATE),
        _ => resample_recording(&mono, format.rate, RATE),
    };
    let samples = whole(&narrow);
    let wide = wide.map(|wide| {
        let mut wide = whole(&wide);
        wide.resize(samples.len() * 2, 0);
        wide
    });
    Ok(Sound { samples, wide, format, clipped })
}

/// What a file of so many bytes is refused with before it is read.
pub fn too_big(bytes: u64) -> Option<(Both, Both)> {
    let most = PROMPT_FILE_BYTES_MAX >> 20;
    (bytes > PROMPT_FILE_BYTES_MAX).then(|| {
        (
            both(format!("{most} MiB보다 큽니다"), format!("it is larger than {most} MiB")),
            both("안내음 하나만 담긴 파일인지 확인하세요", "is it one prompt, and no whole session?"),
        )
    })
}

/// One channel, the mean of all, from -1 to 1, at the file's own rate.
pub fn mono(bytes: &[u8]) -> Result<(Format, Vec<f64>), (Both, Both)> {
    let riff = open(bytes)?;
    Ok((riff.format, riff.mono().into_iter().map(f64::from).collect()))
}

/// The samples of a file that `prompts build` wrote; `None` for any other.
pub fn ours(bytes: &[u8]) -> Option<Vec<i16>> {
    let riff = open(bytes).ok().filter(|riff| riff.format == Format::OURS)?;
    Some(riff.plain()?.collect())
}

/// One channel of a recording of 8 kHz and 16 bits, counted from 1, as far as the file goes; or what is wrong with it and what to do.
pub fn channel(bytes: &[u8], channel: u16) -> Result<Vec<i16>, (Both, Both)> {
    let convert = || {
        both(
            "변환: sox 원본.wav -r 8000 -e signed-integer -b 16 새파일.wav",
            "convert it: sox IN.wav -r 8000 -e signed-integer -b 16 OUT.wav",
        )
    };
    let (riff, _) = Riff::read_as_far(bytes).map_err(|error| (unread(error).0, convert()))?;
    let Format { rate, channels, bits, encoding } = riff.format;
    if (rate, bits, encoding) != (RATE, 16, Encoding::Integer) {
        let packed = if encoding == Encoding::Integer { String::new() } else { format!(" {}", encoding.word()) };
        return Err((
            both(
                format!("{rate} Hz, {channels}채널, {bits}비트{packed}입니다. {RATE} Hz, 16비트 정수여야 합니다"),
                format!("it is {}; a recording has {RATE} Hz and integers of 16 bits", riff.format),
            ),
            convert(),
        ));
    }
    riff.channel(channel).map(Iterator::collect).ok_or_else(|| {
        (
            both(
                format!("{channel}번 채널이 없습니다: 채널은 {channels}개입니다"),
                format!("there is no channel {channel}: it has {channels}"),
            ),
            both(format!("--channel 1부터 {channels}까지"), format!("choose --channel from 1 to {channels}")),
        )
    })
}

/// A file that holds a prompt, or what is wrong with it.
fn open(bytes: &[u8]) -> Result<Riff<'_>, (Both, Both)> {
    if let Some(refusal) = too_big(bytes.len() as u64) {
        return Err(refusal);
    }
    let riff = Riff::read(bytes).map_err(unread)?;
    let format = riff.format;
    if !format.is_taken() {
        return Err((
            both(
                format!("{} Hz, {}채널입니다. 8~192 kHz, 1~2채널이어야 합니다", format.rate, format.channels),
                format!("it is {format}; a prompt has 8 to 192 kHz and 1 or 2 channels"),
            ),
            both(
                "변환: sox 원본.wav -r 48000 -c 1 -b 24 새파일.wav",
                "convert it: sox IN.wav -r 48000 -c 1 -b 24 OUT.wav",
            ),
        ));
    }
    if riff.frames() == 0 {
        return Err((
            both("소리가 없습니다", "it holds no sound"),
            both("지우고 `ivr1357 prompts build`로 다시 만드세요", "delete it and run `ivr1357 prompts build`"),
        ));
    }
    if riff.frames() as u64 > u64::from(PROMPT_SECONDS_MAX) * u64::from(format.rate) {
        return Err((
            both(
                format!("{PROMPT_SECONDS_MAX}초보다 깁니다"),
                format!("it is longer than {PROMPT_SECONDS_MAX} seconds"),
            ),
            both("짧게 나누세요", "cut it into shorter prompts"),
        ));
    }
    Ok(riff)
}

fn unread(error: RiffError) -> (Both, Both) {
    if let RiffError::BreaksOff(missing) = error {
        return (
            both(
                format!("소리 자료가 중간에 끊겼습니다: {missing}바이트가 모자랍니다"),
                format!("the sound breaks off: {missing} bytes are missing"),
            ),
            both("파일을 다시 복사하거나 다시 만드세요", "copy or build the file again"),
        );
    }
    let what = match error {
        RiffError::NotWav(Some(kind)) => both(
            format!("WAV 파일이 아니라 {kind} 파일입니다"),
            format!("not a readable WAV file, but one of {kind} with its name"),
        ),
        RiffError::Packed(_) => both(
            format!("읽을 수 없는 방식으로 압축되어 있습니다: {error}"),
            format!("not a readable WAV file: its sound is packed ({error})"),
        ),
        _ => both(format!("WAV 파일로 읽을 수 없습니다: {error}"), format!("not a readable WAV file: {error}")),
    };
    let fix = both(
        "PCM WAV로 다시 저장하세요: 8~192 kHz, 모노나 스테레오, 8/16/24/32비트 정수, 실수, A-law, µ-law",
        "save it again as PCM WAV: 8 to 192 kHz, mono or stereo, integers of 8, 16, 24 or 32 bits, float, A-law or µ-law",
    );
    (what, fix)
}

/// Samples at full scale, and those of flat tops: four alike in a row at the peak, which no voice has. Of the few steps that 8 bits have, four alike in
/// a row are told at full scale alone.
fn clipped(format: Format, samples: &[f32]) -> usize {
    let loudest = match (format.encoding, format.bits) {
        (Encoding::ALaw, _) => 32_256.0,
        (Encoding::MuLaw, _) => 32_124.0,
        (_, 8) => 32_512.0,
        _ => 32_767.0,
    };
    let (full, is_coarse) = (loudest / 32_768.0, format.bits == 8);
    let peak = samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    if peak < if is_coarse { full } else { 0.5 } {
        return 0;
    }
    let at_peak = |sample: f32| sample.abs() >= peak.min(full) - 1e-7;
    let few = |run: &[f32]| (peak < full || is_coarse) && run.len() < 4;
    let runs = samples.chunk_by(|a, b| at_peak(*a) == at_peak(*b));
    runs.filter(|run| at_peak(run[0]) && !few(run)).map(<[f32]>::len).sum()
}

fn to_i16(sample: f64) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// A WAV file of these samples, 8 kHz: a plain 44-byte header, so that the same samples give the same bytes.
pub fn write(samples: &[i16]) -> Vec<u8> {
    write_at(RATE, samples)
}

/// The same at another rate.
pub fn write_at(rate: u32, samples: &[i16]) -> Vec<u8> {
    let data = samples.len() as u32 * 2;
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&rate.to_le_bytes());
    out.extend_from_slice(&(rate * 2).to_le_bytes());
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
    use crate::speech::riff;
    use hound::SampleFormat;
    use std::io::Cursor;

    fn wav(spec: hound::WavSpec, samples: usize) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for _ in 0..samples * usize::from(spec.channels) {
            match spec.sample_format {
                SampleFormat::Int => writer.write_sample(7i8).unwrap(),
                SampleFormat::Float => writer.write_sample(0.5f32).unwrap(),
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(sample_rate: u32, channels: u16, bits_per_sample: u16) -> hound::WavSpec {
        hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format: SampleFormat::Int }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let samples = [0, 1, -1, i16::MAX, i16::MIN, 300];
        let read_back = read(&write(&samples)).unwrap();
        assert_eq!((&read_back.samples[..], read_back.wide, read_back.format), (&samples[..], None, Format::OURS));
        assert_eq!(read(&wav(spec(8000, 1, 16), 3)).unwrap().samples, [7, 7, 7]);
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
        assert_eq!(read(&extensible).unwrap().samples, [5, 6]);
    }

    #[test]
    fn any_other_sound_is_refused_with_what_it_is_and_what_to_do() {
        for (bytes, what) in [
            (wav(spec(44_100, 6, 16), 9), "44100 Hz, 6 channels, 16 bits"),
            (wav(spec(7999, 1, 16), 9), "7999 Hz, 1 channel, 16 bits"),
            (wav(spec(384_000, 1, 24), 9), "384000 Hz, 1 channel, 24 bits"),
            (wav(spec(8000, 1, 16), 0), "no sound"),
            (wav(spec(8000, 1, 16), (PROMPT_SECONDS_MAX * RATE + 1) as usize), "longer than"),
            (vec![0; PROMPT_FILE_BYTES_MAX as usize + 1], "larger than"),
            (b"ID3 this is an mp3".to_vec(), "one of MP3 with its name"),
            (Vec::new(), "not a readable WAV"),
            (write(&[1; 100])[..100].to_vec(), "breaks off"),
        ] {
            let (error, fix) = read(&bytes).unwrap_err();
            assert!(error[1].contains(what), "{error:?}");
            assert!(!error[0].is_empty() && !fix[0].is_empty() && !fix[1].is_empty());
        }
    }

    /// A tone as a studio delivers it.
    fn studio(spec: hound::WavSpec) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        let full = 2f64.powi(i32::from(spec.bits_per_sample) - 1);
        for at in 0..spec.sample_rate / 2 {
            let turn = 2.0 * std::f64::consts::PI * 1000.0 / f64::from(spec.sample_rate);
            let sample = 0.25 * (turn * f64::from(at)).sin();
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Int => writer.write_sample((sample * full) as i32).unwrap(),
                    SampleFormat::Float => writer.write_sample(sample as f32).unwrap(),
                }
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn what_studios_deliver_is_one_telephone_sound() {
        let ours = read(&studio(spec(8000, 1, 16))).unwrap();
        assert_eq!((ours.samples.len(), &ours.wide, ours.clipped), (4000, &None, 0));
        let of = |sample_format, rate, channels, bits| hound::WavSpec { sample_format, ..spec(rate, channels, bits) };
        let rates = [8000, 16_000, 22_050, 44_100, 96_000, 192_000].map(|rate| of(SampleFormat::Int, rate, 1, 16));
        let int =
            [(1, 24), (2, 16), (2, 24), (2, 32)].map(|(channels, bits)| of(SampleFormat::Int, 48_000, channels, bits));
        let float = [8000, 48_000].map(|rate| of(SampleFormat::Float, rate, 2, 32));
        for spec in rates.into_iter().chain(int).chain(float) {
            let read = read(&studio(spec)).unwrap_or_else(|(error, _)| panic!("{spec:?}: {}", error[1]));
            assert_eq!(read.samples.len(), 4000, "{spec:?}");
            let off = ours.samples.iter().zip(&read.samples).skip(800).take(2400).map(|(a, b)| (a - b).abs());
            assert!(off.max().unwrap() < 900, "{spec:?}");
            assert_eq!(read.wide.map(|wide| wide.len()), (spec.sample_rate > 8000).then_some(8000), "{spec:?}");
            assert_eq!((read.format.rate, read.format.channels), (spec.sample_rate, spec.channels));
        }
    }

    #[test]
    fn every_kind_of_file_is_the_same_sound() {
        use crate::media::codec::{encode_alaw, encode_ulaw};
        let bytes = |kind: (u16, u16), sample: f64| -> Vec<u8> {
            let sixteen = to_i16(sample);
            match kind {
                (1, 8) => vec![((sample * 127.0).round() + 128.0) as u8],
                (1, 16) => sixteen.to_le_bytes().to_vec(),
                (1, 24) => ((sample * 8_388_607.0) as i32).to_le_bytes()[..3].to_vec(),
                (1, _) => ((sample * 2_147_483_647.0) as i32).to_le_bytes().to_vec(),
                (3, 32) => (sample as f32).to_le_bytes().to_vec(),
                (3, _) => sample.to_le_bytes().to_vec(),
                (6, _) => vec![encode_alaw(sixteen)],
                _ => vec![encode_ulaw(sixteen)],
            }
        };
        let ours = read(&studio(spec(8000, 1, 16))).unwrap().samples;
        for kind in [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8)] {
            for (rate, channels) in [8000, 16_000, 44_100, 48_000].into_iter().flat_map(|rate| [(rate, 1), (rate, 2)]) {
                let turn = 2.0 * std::f64::consts::PI * 1000.0 / f64::from(rate);
                let sound = (0..rate / 2).flat_map(|at| {
                    let sample = bytes(kind, 0.25 * (turn * f64::from(at)).sin());
                    sample.repeat(usize::from(channels))
                });
                let sound: Vec<u8> = sound.collect();
                for extensible in [false, true] {
                    let told = format!("{kind:?}, {rate} Hz, {channels}, {extensible}");
                    let (tag, bits) = kind;
                    let file = riff::tests::file_at(rate, tag, extensible, (channels, bits), bits / 8, &sound);
                    let read = read(&file).unwrap_or_else(|(error, _)| panic!("{told}: {}", error[1]));
                    assert_eq!((read.samples.len(), read.clipped), (4000, 0), "{told}");
                    assert_eq!(read.wide.as_ref().map(Vec::len), (rate > 8000).then_some(8000), "{told}");
                    let level = |samples: &[i16]| -> f64 {
                        let squares = samples[800..3200].iter().map(|sample| f64::from(*sample).powi(2));
                        10.0 * squares.sum::<f64>().log10()
                    };
                    assert!((level(&read.samples) - level(&ours)).abs() < 0.3, "{told}");
                    let off = ours.iter().zip(&read.samples).skip(800).take(2400).map(|(a, b)| (a - b).abs());
                    assert!(off.max() < Some(900), "{told}");
                }
            }
        }
    }

    #[test]
    fn eight_bits_are_clipped_at_full_scale_alone() {
        let clipped = |tag: u16, sound: &[u8]| {
            let sound = [&[0x80; 100][..], sound, &[0x80; 100]].concat();
            read(&riff::tests::file_at(8000, tag, false, (1, 8), 1, &sound)).unwrap().clipped
        };
        assert_eq!(clipped(1, &[0xff; 5]), 5);
        assert_eq!(clipped(1, &[0xe0; 5]), 0);
        // In µ-law 0x80 is the loudest code, and stands on both sides.
        assert_eq!(clipped(7, &[0x81; 5]), 200);
        assert_eq!(clipped(6, &[0xab; 9]), 0);
        assert_eq!(clipped(6, &[0xaa; 9]), 9);
    }

    #[test]
    fn sixteen_kilohertz_are_kept_for_g722_as_they_are() {
        let samples: Vec<i16> = (0..1600).map(|at| (at * 7 % 300) as i16).collect();
        assert_eq!(read(&write_at(16_000, &samples)).unwrap().wide, Some(samples));
    }

    #[test]
    fn chunks_of_other_programs_do_not_hide_the_sound() {
        let plain = write(&[5, 6, 7]);
        let mut studio = plain[..12].to_vec();
        studio.extend_from_slice(b"bext\x03\0\0\0abc\0");
        studio.extend_from_slice(&plain[12..36]);
        studio.extend_from_slice(b"iXML\x01\0\0\0<\0");
        studio.extend_from_slice(&plain[36..]);
        studio.extend_from_slice(b"LIST\x04\0\0\0INFO");
        assert_eq!(read(&studio).unwrap().samples, [5, 6, 7]);
    }

    #[test]
    fn a_wav_from_a_pipe_is_read_to_its_end() {
        for length in [0x7fff_f000u32, 0xffff_ffff] {
            let mut piped = write(&[7, 8, 9]);
            piped[40..44].copy_from_slice(&length.to_le_bytes());
            piped.push(1);
            assert_eq!(read(&piped).unwrap().samples, [7, 8, 9]);
        }
    }

    #[test]
    fn clipping_is_full_scale_or_a_flat_top() {
        let clipped = |samples: &[i16]| read(&write(samples)).unwrap().clipped;
        assert_eq!(clipped(&[0, 20_000, 32_767, 30_000, -32_768, 0]), 2);
        assert_eq!(clipped(&[0, 20_000, 20_000, 20_000, 20_000, 0, -20_000, 0]), 4);
        assert_eq!(clipped(&[0, 20_000, 20_000, 20_000, 0]), 0);
        assert_eq!(clipped(&[3000; 40]), 0);
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
        // An extensible header has more of them.
        let good = studio(spec(48_000, 2, 24));
        for at in 0..80 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                let _ = read(&bytes);
            }
        }
    }
}
