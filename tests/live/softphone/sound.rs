//! Is this sound in that recording? Normalised cross-correlation, piece by piece.

use std::f64::consts::TAU;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Samples a second of everything here.
const RATE: u32 = 8000;
/// A piece of sound long enough to be itself and short enough that a jitter buffer rarely cuts it: a quarter of a second.
const PIECE: usize = RATE as usize / 4;

/// Mono, 8 kHz.
pub struct Wave(Vec<f32>);

/// How much of a sound was found.
pub struct Heard {
    /// The middle one of the scores of all pieces: 1 is the very sound, 0 another.
    pub score: f64,
    /// The share of pieces that were not found.
    pub missing: f64,
    /// Where its first piece begins.
    pub from: Duration,
    pieces: usize,
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { score, missing, from, pieces } = self;
        write!(f, "score {score:.2} over {pieces} pieces, {:.0} % missing, from {from:.2?}", missing * 100.0)
    }
}

impl Wave {
    pub fn read(path: &Path) -> Self {
        let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spec = reader.spec();
        assert_eq!(spec.sample_rate % RATE, 0, "{}: {spec:?}", path.display());
        // Of more channels, or more samples a second, the mean: a voice has little above 4 kHz.
        let each = (spec.sample_rate / RATE) as usize * usize::from(spec.channels);
        let samples: Vec<f32> =
            reader.samples::<i16>().map_while(Result::ok).map(|sample| f32::from(sample) / 32768.0).collect();
        Self(samples.chunks_exact(each).map(|part| part.iter().sum::<f32>() / each as f32).collect())
    }

    pub fn write(&self, path: &Path) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).expect("a WAV can be written");
        for &sample in &self.0 {
            writer.write_sample((sample * 32767.0) as i16).expect("a WAV can be written");
        }
        writer.finalize().expect("a WAV can be written");
    }

    /// A voice nobody else has: a new note every tenth of a second, drawn from the seed. Never silent.
    pub fn melody(seed: u32, seconds: u32) -> Self {
        let (mut state, mut phase) = (seed, 0.0);
        let mut samples = Vec::new();
        for _ in 0..seconds * 10 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hertz = 400.0 + f64::from(state >> 16) / 65536.0 * 2000.0;
            for _ in 0..RATE / 10 {
                phase += TAU * hertz / f64::from(RATE);
                samples.push((phase.sin() * 0.4) as f32);
            }
        }
        Self(samples)
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.0.len() as f64 / f64::from(RATE))
    }

    /// Looks for every loud piece of this sound in the recording, each after the one before. What lies beyond the end
    /// of the recording was never played, and does not count.
    pub fn in_order_in(&self, recording: &Self) -> Heard {
        let loud = energy(&self.0) / self.0.len() as f64 / 20.0;
        let mut scores = Vec::new();
        let mut first = None;
        let mut begin = None::<usize>;
        for (index, piece) in self.0.chunks_exact(PIECE).enumerate() {
            if energy(piece) / (PIECE as f64) < loud {
                continue;
            }
            // The first piece may be anywhere; the others keep step with it, give or take what a jitter buffer slips.
            let (low, high) = match begin {
                None => (0, recording.0.len()),
                Some(begin) => {
                    let at = begin + index * PIECE;
                    (at.saturating_sub(PIECE / 4), at + PIECE + PIECE / 4)
                }
            };
            if high > recording.0.len() || high < low + PIECE {
                break;
            }
            let (score, at) = best(piece, &recording.0[low..high]);
            if begin.is_none() {
                first = Some(low + at);
            }
            if score > 0.5 || begin.is_none() {
                begin = Some((low + at).saturating_sub(index * PIECE));
            }
            scores.push(score);
        }
        let pieces = scores.len();
        let missing = scores.iter().filter(|&&score| score < 0.5).count() as f64 / pieces.max(1) as f64;
        scores.sort_by(f64::total_cmp);
        Heard {
            score: scores.get(pieces / 2).copied().unwrap_or(0.0),
            missing,
            from: Duration::from_secs_f64(first.unwrap_or(0) as f64 / f64::from(RATE)),
            pieces,
        }
    }
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum()
}

/// Where `piece` fits best, and how well.
fn best(piece: &[f32], within: &[f32]) -> (f64, usize) {
    let own = energy(piece);
    let mut there = energy(&within[..piece.len()]);
    let mut best = (0.0, 0);
    for at in 0..=within.len() - piece.len() {
        let window = &within[at..at + piece.len()];
        let product: f32 = piece.iter().zip(window).map(|(a, b)| a * b).sum();
        let score = f64::from(product) / (own * there).max(1e-9).sqrt();
        if score > best.0 {
            best = (score, at);
        }
        if let Some(&next) = within.get(at + piece.len()) {
            there += f64::from(next) * f64::from(next) - f64::from(window[0]) * f64::from(window[0]);
            there = there.max(0.0);
        }
    }
    best
}

#[test]
fn a_sound_is_found_in_a_recording_that_holds_it_and_not_in_another() {
    let voice = Wave::melody(7, 3);
    let mut samples = Wave::melody(8, 2).0;
    samples.extend(&voice.0);
    let heard = voice.in_order_in(&Wave(samples));
    assert!(heard.score > 0.99 && heard.missing == 0.0, "{heard}");
    assert_eq!(heard.from, Duration::from_secs(2));
    let other = voice.in_order_in(&Wave::melody(9, 5));
    assert!(other.score < 0.4, "{other}");
}
