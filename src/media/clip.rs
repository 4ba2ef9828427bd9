//! A recorded prompt, encoded once per codec, and of Opus once per way to speak it, and shared by all calls.
//!
//! It is encoded when a call first plays it in a form, a stretch after the other ([`Encoding`]): the first before its first packet, the others
//! beside the calls, far faster than they are heard. Each stretch is written once and then only read, so nobody waits for a lock.

use super::codec::{self, Form, Recorded};
use super::opus::{self, Band, Effort, FRAME};
use crate::limits::{OPUS_FRAME_BYTES_MAX, STRETCH};
use crate::sdp::opus::Rate;
use crate::sdp::{Codec, Codecs, Manner};
use audio_codec::Encoder as _;
use audio_codec::g722::G722Encoder;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A prompt, in the forms that calls have heard it in. Places in it are eighths of a millisecond: the same in every form.
#[derive(Default)]
pub struct Clip {
    /// The prompt's name, for logs and transcripts.
    pub id: String,
    eighths: usize,
    sound: OnceLock<Sound>,
    /// What makes its sound, of a clip that has none before somebody wants it.
    make: Option<Make>,
    held: [OnceLock<Stretches>; Form::COUNT],
}

type Stretches = Box<[OnceLock<Stretch>]>;

/// The samples of 8 kHz, and those of 16 kHz.
type Made = (Arc<[i16]>, Option<Arc<[i16]>>);
type Make = Box<dyn Fn() -> Made + Send + Sync>;

/// A part of a clip, encoded.
enum Stretch {
    /// A byte for each eighth.
    Bytes(Box<[u8]>),
    /// Frames of Opus, and where each ends.
    Frames(Box<[u8]>, [u16; STRETCH / FRAME]),
}

/// What is encoded, shared with whoever read it.
#[derive(Clone)]
struct Sound {
    /// 8 kHz: a sample is an eighth of a millisecond.
    samples: Arc<[i16]>,
    /// 16 kHz, twice as many.
    wide: Option<Arc<[i16]>>,
}

impl Sound {
    /// As long as its clip says.
    fn of((samples, wide): Made, eighths: usize) -> Self {
        let samples = if samples.len() == eighths {
            samples
        } else {
            samples.iter().copied().chain(std::iter::repeat(0)).take(eighths).collect()
        };
        Self { wide: wide.filter(|wide| wide.len() == eighths * 2), samples }
    }
}

impl Default for Sound {
    fn default() -> Self {
        Self { samples: Arc::from([]), wide: None }
    }
}

/// What a clip has at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'c> {
    /// These bytes of a payload, and for how many eighths they sound. Of Opus it is a packet, and the last one sounds beyond the end.
    Sound(&'c [u8], usize),
    /// What somebody is encoding.
    Later,
    /// What nobody encodes.
    Never,
}

impl Clip {
    /// From 8 kHz linear samples, and for codecs that have more than a telephone's band from those of 16 kHz where the recording had them: twice as
    /// many. Nothing is encoded yet.
    pub fn new(id: &str, samples: Arc<[i16]>, wide: Option<Arc<[i16]>>) -> Self {
        let eighths = samples.len();
        Self {
            id: id.to_owned(),
            eighths,
            sound: OnceLock::from(Sound::of((samples, wide), eighths)),
            ..Self::default()
        }
    }

    /// Of a sound that is made when it is first wanted, by [`Clip::prepare`] or by whoever plays it; it will have so many samples of 8 kHz.
    pub fn made_when_played(id: &str, eighths: usize, make: impl Fn() -> Made + Send + Sync + 'static) -> Self {
        Self { id: id.to_owned(), eighths, make: Some(Box::new(make)), ..Self::default() }
    }

    /// Whether its sound is there.
    pub fn is_made(&self) -> bool {
        self.sound.get().is_some()
    }

    /// Has its sound made, so that no call waits for it.
    pub fn prepare(&self) {
        self.sound();
    }

    fn sound(&self) -> &Sound {
        let make = || self.make.as_ref().map_or_else(Sound::default, |make| Sound::of(make(), self.eighths));
        self.sound.get_or_init(make)
    }

    /// From 8 kHz linear samples, encoded in the usual codecs.
    pub fn from_samples(id: &str, samples: &[i16]) -> Self {
        Self::held_in(Codecs::USUAL, id, samples)
    }

    /// From 8 kHz linear samples, encoded in these codecs.
    pub fn held_in(codecs: Codecs, id: &str, samples: &[i16]) -> Self {
        let clip = Self::new(id, samples.into(), None);
        for codec in codecs.iter() {
            if let Some(mut work) = clip.begin(Form::of(codec)) {
                while work.step(&clip) {}
            }
        }
        clip
    }

    /// The work of encoding it in this form; `None` where somebody has it already, or has done it.
    pub fn encode(self: &Arc<Self>, form: Form) -> Option<Encoding> {
        Some(Encoding { work: self.begin(form)?, clip: Arc::clone(self) })
    }

    fn begin(&self, form: Form) -> Option<Work> {
        let held = self.held(form)?;
        if held.get().is_some() {
            return None;
        }
        let stretches = self.eighths().div_ceil(STRETCH);
        held.set((0..stretches).map(|_| OnceLock::new()).collect()).ok()?;
        Some(Work { form, next: 0, voice: None })
    }

    /// Encodes its first stretch if that is still to come from somebody who has the work: he comes to the same.
    pub fn begin_at_once(&self, form: Form) {
        let first = self.held(form).and_then(OnceLock::get).and_then(|stretches| stretches.first());
        if let Some(first) = first
            && first.get().is_none()
        {
            // Whoever was quicker wrote the same.
            let _ = first.set(Voice::of(form, self.sound()).say(form, self.stretch(0)));
        }
    }

    /// The samples of a stretch.
    fn stretch(&self, number: usize) -> &[i16] {
        let from = number * STRETCH;
        self.sound().samples.get(from..self.eighths().min(from + STRETCH)).unwrap_or_default()
    }

    fn held(&self, form: Form) -> Option<&OnceLock<Stretches>> {
        self.held.get(form.place())
    }

    /// What sounds in this form from a place of it on: at most so many eighths, and at most to the end of a stretch. Of Opus, the frame of that place.
    pub fn at(&self, form: Form, place: usize, most: usize) -> Piece<'_> {
        let Some(stretches) = self.held(form).and_then(OnceLock::get) else { return Piece::Never };
        let Some(stretch) = stretches.get(place / STRETCH).and_then(OnceLock::get) else { return Piece::Later };
        let within = place % STRETCH;
        match stretch {
            Stretch::Bytes(bytes) => {
                let rest = bytes.get(within..bytes.len().min(within + most)).unwrap_or_default();
                Piece::Sound(rest, rest.len())
            }
            Stretch::Frames(bytes, ends) => {
                let end = |frame: usize| ends.get(frame).map_or(0, |end| usize::from(*end));
                let frame = within / FRAME;
                let begin = frame.checked_sub(1).map_or(0, end);
                Piece::Sound(bytes.get(begin..end(frame)).unwrap_or_default(), FRAME - within % FRAME)
            }
        }
    }

    /// What is held in this codec as most want it, from its beginning on: payloads of 20 ms.
    pub fn packets(&self, codec: Codec) -> impl Iterator<Item = Vec<u8>> {
        (0..self.eighths()).step_by(FRAME).map_while(move |place| {
            let mut packet = Vec::new();
            let mut within = 0;
            while within < FRAME && place + within < self.eighths() {
                let Piece::Sound(bytes, eighths) = self.at(Form::of(codec), place + within, FRAME - within) else {
                    return None;
                };
                packet.extend_from_slice(bytes);
                within += eighths;
            }
            Some(packet)
        })
    }

    /// All that is held in this codec as most want it, from its beginning on.
    pub fn encoded(&self, codec: Codec) -> Vec<u8> {
        self.packets(codec).flatten().collect()
    }

    /// Eighths of a millisecond that it sounds.
    pub fn eighths(&self) -> usize {
        self.eighths
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.eighths() as u64 * 125)
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({}, {:?})", self.id, self.duration())
    }
}

/// The work of encoding a clip in a form. Given up, the rest of the clip is silence: whoever plays it must come to its end.
pub struct Encoding {
    clip: Arc<Clip>,
    work: Work,
}

impl Encoding {
    /// Encodes the next stretch; `false` when that was the last.
    pub fn step(&mut self) -> bool {
        self.work.step(&self.clip)
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        self.work.voice = Some(Voice::Silence);
        while self.work.step(&self.clip) {}
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoding({}, {:?}, {})", self.clip.id, self.work.form, self.work.next)
    }
}

struct Work {
    form: Form,
    /// The stretch that is next.
    next: usize,
    /// Made with the first stretch, by whoever encodes that.
    voice: Option<Voice>,
}

impl Work {
    fn step(&mut self, clip: &Clip) -> bool {
        let Some(stretches) = clip.held(self.form).and_then(OnceLock::get) else { return false };
        let Some(stretch) = stretches.get(self.next) else { return false };
        let voice = self.voice.get_or_insert_with(|| Voice::of(self.form, clip.sound()));
        // Nobody else has the work of this form; the first stretch may be there already, and is the same.
        let _ = stretch.set(voice.say(self.form, clip.stretch(self.next)));
        self.next += 1;
        self.next < stretches.len()
    }
}

/// An encoder with what it remembers between two stretches.
enum Voice {
    Law(fn(i16) -> u8),
    G722(Box<(G722Encoder, Recorded)>),
    Opus(Box<Opus>),
    Silence,
}

impl Voice {
    fn of(form: Form, sound: &Sound) -> Self {
        match form.codec {
            Codec::Pcma => Self::Law(codec::encode_alaw),
            Codec::Pcmu => Self::Law(codec::encode_ulaw),
            Codec::G722 => {
                let wide = match &sound.wide {
                    Some(wide) => Recorded::as_it_is(Arc::clone(wide)),
                    None => Recorded::doubled(Arc::clone(&sound.samples)),
                };
                Self::G722(Box::new((G722Encoder::new(), wide)))
            }
            Codec::Opus => Opus::of(form.manner, sound).map_or(Self::Silence, |opus| Self::Opus(Box::new(opus))),
        }
    }

    /// The samples of 8 kHz that are next, encoded.
    fn say(&mut self, form: Form, samples: &[i16]) -> Stretch {
        match self {
            Self::Law(law) => Stretch::Bytes(samples.iter().map(|&sample| law(sample)).collect()),
            Self::G722(voice) => {
                let (encoder, wide) = &mut **voice;
                let mut bytes = encoder.encode(wide.next(2 * samples.len()));
                bytes.resize(samples.len(), codec::silence(Codec::G722));
                Stretch::Bytes(bytes.into())
            }
            Self::Opus(opus) => frames(samples.len(), |packet| opus.next(packet)),
            Self::Silence if form.codec == Codec::Opus => {
                frames(samples.len(), |packet| form.fill_up(packet, 0, FRAME).unwrap_or(0))
            }
            Self::Silence => Stretch::Bytes(vec![codec::silence(form.codec); samples.len()].into()),
        }
    }
}

/// Frames for so many samples of 8 kHz, each written by `next`, which tells its length.
fn frames(samples: usize, mut next: impl FnMut(&mut [u8]) -> usize) -> Stretch {
    let (mut bytes, mut packet, mut ends) = (Vec::new(), [0; OPUS_FRAME_BYTES_MAX], [0; STRETCH / FRAME]);
    for end in ends.iter_mut().take(samples.div_ceil(FRAME)) {
        let length = next(&mut packet);
        bytes.extend_from_slice(packet.get(..length).unwrap_or_default());
        *end = bytes.len() as u16;
    }
    Stretch::Frames(bytes.into(), ends)
}

/// A recording on its way into Opus.
struct Opus {
    encoder: opus::Encoder,
    sound: Recorded,
    /// Samples of a frame.
    frame: usize,
}

impl Opus {
    fn of(manner: Manner, sound: &Sound) -> Option<Self> {
        let (band, samples) = match &sound.wide {
            Some(wide) if manner.rate == Rate::Wide => (Band::Wide, wide),
            Some(_) | None => (Band::Narrow, &sound.samples),
        };
        let mut encoder = opus::Encoder::new(manner, band, Effort::Most)?;
        let mut sound = Recorded::as_it_is(Arc::clone(samples));
        let frame = FRAME * band.scale();
        // What it encodes lies a little behind what it is given. The first packet has nothing of the sound but that little, and is left out: then
        // the sound begins and ends with its packets.
        let ahead = encoder.lookahead().min(frame);
        let mut first = vec![0; frame - ahead];
        first.extend_from_slice(sound.next(ahead));
        encoder.encode(&first, &mut [0; OPUS_FRAME_BYTES_MAX]);
        // Nobody heard that one.
        encoder.lean_on_nothing(true);
        Some(Self { encoder, sound, frame })
    }

    fn next(&mut self, packet: &mut [u8]) -> usize {
        let length = self.encoder.encode(self.sound.next(self.frame), packet);
        self.encoder.lean_on_nothing(false);
        length
    }
}

#[cfg(test)]
#[path = "clip_tests.rs"]
mod tests;
