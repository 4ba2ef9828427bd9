//! What is heard on telephones and is no key.

use super::music;
use ivr1357::random::Random;
use ivr1357::speech::{Kind, sound, wav};
use std::f32::consts::TAU;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const RATE: usize = 8000;
const MINUTE: usize = 60 * RATE;

/// What callers say, beside the words of the prompts.
const SAYINGS: &[&str] = &[
    "여보세요",
    "네",
    "아니요",
    "음",
    "어",
    "아",
    "잠시만요",
    "안녕하세요",
    "저기요",
    "뭐라고요",
    "하하하",
    "오 이 오 이 육 구",
    "일 삼 오 칠",
    "공일공에 일이삼사에 오륙칠팔",
    "사업자 등록 번호가 어떻게 되시죠",
    "소상공인 정책 자금 대출을 받고 싶은데요 어디에 물어봐야 하나요",
    "저는 부산에서 작은 식당을 하는데 지난달부터 매출이 반으로 줄었습니다",
    "온라인 판로 지원 사업은 언제까지 신청할 수 있습니까",
    "애 좀 봐요 지금 통화 중이잖아 조용히 해",
    "비가 와서 우산을 이고 지고 이리저리 뛰어다녔어요",
    "우유 이유 여유 오이 아이 에이 유아 위 왜 의",
];
const VARIANTS: [&str; 13] = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5"];
/// espeak-ng runs so often.
const UTTERANCES: usize = 500;

/// A kind of sound, and how much of the hours is it.
pub struct SoundKind<'a> {
    pub name: &'a str,
    pub weight: usize,
}

/// The sounds that minutes are made of.
pub struct Sounds {
    prompts: Vec<Vec<i16>>,
    voices: Vec<Vec<i16>>,
    folders: Vec<(String, Vec<Vec<i16>>)>,
    waiting: Vec<i16>,
}

impl Sounds {
    pub fn load(seed: u64, folders: &[(String, PathBuf)], tell: &mut dyn FnMut(&str)) -> Self {
        let prompts = shipped();
        let table = fs::read_to_string(korean().join("prompts.tsv")).expect("the prompts' texts");
        let texts: Vec<&str> =
            table.lines().filter_map(|line| line.split('\t').nth(2)).chain(SAYINGS.iter().copied()).collect();
        let mut chance = Random::from_number(seed);
        let mut voices: Vec<Vec<i16>> =
            (0..UTTERANCES).map_while(|_| synthesised(&texts, &mut chance)).flatten().collect();
        tell(&format!("{} prompts, {} utterances of espeak-ng", prompts.len(), voices.len()));
        voices.extend(prompts.iter().cloned());
        let folders: Vec<_> = folders.iter().map(|(name, folder)| (name.clone(), read_folder(folder))).collect();
        for (name, sounds) in &folders {
            let seconds = sounds.iter().map(Vec::len).sum::<usize>() / RATE;
            assert!(seconds > 0, "{name}: no WAV files of 8 kHz and one channel");
            tell(&format!("{name}: {} files, {seconds} s", sounds.len()));
        }
        Self { prompts, voices, folders, waiting: sound::waiting_tone() }
    }

    pub fn kinds(&self) -> Vec<SoundKind<'_>> {
        let own = [
            ("voices", 5),
            ("voices in noise", 4),
            ("many voices", 2),
            ("prompts", 2),
            ("music", 3),
            ("waiting music", 1),
            ("network tones", 1),
            ("whistles", 1),
            ("noise", 1),
        ];
        let own = own.into_iter().map(|(name, weight)| SoundKind { name, weight });
        own.chain(self.folders.iter().map(|(name, _)| SoundKind { name, weight: 5 })).collect()
    }

    /// A minute of one kind.
    pub fn minute(&self, kind: &str, chance: &mut Random) -> Vec<i16> {
        let sound = self.stretch(kind, chance, MINUTE);
        let level = between(chance, -30.0, -10.0);
        let mut sound = at_level(sound, level);
        // Lines are never quite silent.
        let hum = level - between(chance, 25.0, 60.0);
        let line = at_level(noise(chance, sound.len(), false), hum);
        sound = mixed(sound, &line, 1.0);
        to_samples(&sound)
    }

    /// So many samples of one kind, at whatever level.
    pub fn stretch(&self, kind: &str, chance: &mut Random, length: usize) -> Vec<f32> {
        match kind {
            "voices" => said(&self.voices, chance, length, 0.75..1.3),
            "voices in noise" => {
                let voice = at_level(said(&self.voices, chance, length, 0.75..1.3), -20.0);
                let pink = chance.chance(0.5);
                let noise = match chance.below(3) {
                    0 => self.stretch("many voices", chance, length),
                    1 => self.stretch("music", chance, length),
                    _ => noise(chance, length, pink),
                };
                let noise = at_level(noise, -20.0 - between(chance, 0.0, 30.0));
                mixed(voice, &noise, 1.0)
            }
            "many voices" => (0..3 + chance.below(6)).fold(vec![0.0; length], |sound, _| {
                let loud = between(chance, 0.3, 1.0);
                let voice = at_level(said(&self.voices, chance, length, 0.75..1.3), -20.0);
                mixed(sound, &voice, loud)
            }),
            "prompts" => said(&self.prompts, chance, length, 0.97..1.03),
            "music" => music::piece(chance, length),
            "waiting music" => {
                let begin = chance.below(self.waiting.len() as u64) as usize;
                self.waiting.iter().cycle().skip(begin).take(length).map(|&sample| f32::from(sample)).collect()
            }
            "network tones" => music::network_tones(chance, length),
            "whistles" => music::whistles(chance, length),
            "noise" => {
                let pink = chance.chance(0.5);
                noise(chance, length, pink)
            }
            folder => {
                let sounds = &self.folders.iter().find(|(name, _)| name == folder).expect("a kind of ours").1;
                said(sounds, chance, length, 0.8..1.25)
            }
        }
    }
}

fn korean() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko")
}

/// The Korean prompts.
pub fn shipped() -> Vec<Vec<i16>> {
    read_folder(&korean())
}

/// One utterance; `None` where espeak-ng is missing.
fn synthesised(texts: &[&str], chance: &mut Random) -> Option<Option<Vec<i16>>> {
    let voice = format!("ko+{}", VARIANTS[chance.below(VARIANTS.len() as u64) as usize]);
    let speed = (110 + chance.below(150)).to_string();
    let pitch = (10 + chance.below(85)).to_string();
    let text = texts[chance.below(texts.len() as u64) as usize];
    let mut child = Command::new("espeak-ng")
        .args(["-v", &voice, "-s", &speed, "-p", &pitch, "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let bytes = child.wait_with_output().ok()?.stdout;
    // The header of a stream does not know its length: 44 bytes, then samples of 22,050 Hz.
    let raw: Vec<f64> = bytes
        .get(44..)?
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok())
        .map(|pair| f64::from(i16::from_le_bytes(pair)))
        .collect();
    Some(sound::prompt(&raw, 22_050, Kind::Sentence))
}

fn read_folder(folder: &Path) -> Vec<Vec<i16>> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wav"));
    files.iter().filter_map(|file| read(file)).collect()
}

/// Longer than a prompt may be, for music; what is of another form is left out.
fn read(file: &Path) -> Option<Vec<i16>> {
    let mut reader = hound::WavReader::open(file).ok()?;
    let spec = reader.spec();
    let fits = (spec.sample_rate, spec.channels, spec.bits_per_sample) == (wav::RATE, 1, 16);
    fits.then(|| reader.samples().collect::<Result<Vec<i16>, _>>().ok())?.filter(|samples| !samples.is_empty())
}

/// Sounds one after the other, each faster or slower (and so higher or lower) by chance, with pauses.
fn said(sounds: &[Vec<i16>], chance: &mut Random, length: usize, speeds: std::ops::Range<f32>) -> Vec<f32> {
    let mut out = Vec::with_capacity(length + MINUTE);
    while out.len() < length {
        let samples = &sounds[chance.below(sounds.len() as u64) as usize];
        let step = between(chance, speeds.start, speeds.end);
        // A long one is entered anywhere.
        let begin = if samples.len() > MINUTE { chance.below((samples.len() - MINUTE / 2) as u64) as usize } else { 0 };
        let samples = &samples[begin..];
        let count = (samples.len() as f32 / step) as usize;
        let loud = between(chance, 0.5, 1.0);
        out.extend((0..count.min(length)).map(|at| {
            let place = at as f32 * step;
            let (whole, part) = (place as usize, place.fract());
            let sample = |at: usize| f32::from(samples.get(at).copied().unwrap_or(0));
            loud * (sample(whole) * (1.0 - part) + sample(whole + 1) * part)
        }));
        out.resize(out.len() + chance.below(4000) as usize, 0.0);
    }
    out.truncate(length);
    out
}

/// White, or pink (3 dB less an octave).
pub fn noise(chance: &mut Random, length: usize, pink: bool) -> Vec<f32> {
    // Paul Kellet's three poles.
    let (mut a, mut b, mut c) = (0.0_f32, 0.0_f32, 0.0_f32);
    (0..length)
        .map(|_| {
            let white = chance.u32() as i32 as f32 / 2_147_483_648.0 * 8000.0;
            a = 0.99765 * a + white * 0.099_046;
            b = 0.963 * b + white * 0.296_516_4;
            c = 0.57 * c + white * 1.052_691_3;
            if pink { a + b + c + white * 0.1848 } else { white }
        })
        .collect()
}

/// At this level where it sounds, in dBov.
pub fn at_level(mut sound: Vec<f32>, dbov: f32) -> Vec<f32> {
    let powers: Vec<f32> =
        sound.chunks(RATE / 50).map(|frame| frame.iter().map(|s| s * s).sum::<f32>() / frame.len() as f32).collect();
    let loudest = powers.iter().copied().fold(0.0, f32::max);
    let active: Vec<f32> = powers.into_iter().filter(|&power| power > 0.0 && power >= loudest / 1000.0).collect();
    let rms = (active.iter().sum::<f32>() / active.len().max(1) as f32).sqrt();
    let gain = if rms > 0.0 { 32_768.0 * 10f32.powf(dbov / 20.0) / rms } else { 0.0 };
    sound.iter_mut().for_each(|sample| *sample *= gain);
    sound
}

/// The first with so much of the second.
pub fn mixed(mut sound: Vec<f32>, other: &[f32], gain: f32) -> Vec<f32> {
    sound.iter_mut().zip(other).for_each(|(sample, other)| *sample += gain * other);
    sound
}

pub fn to_samples(sound: &[f32]) -> Vec<i16> {
    sound.iter().map(|&sample| sample.round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

pub fn between(chance: &mut Random, low: f32, high: f32) -> f32 {
    low + (high - low) * (chance.u32() as f32 / u32::MAX as f32)
}

/// A wave whose frequency moves.
pub struct Wave(f32);

impl Wave {
    pub fn new(chance: &mut Random) -> Self {
        Self(between(chance, 0.0, TAU))
    }

    pub fn next(&mut self, hertz: f32) -> f32 {
        self.0 = (self.0 + TAU * hertz / RATE as f32) % TAU;
        self.0
    }
}
