//! What one leg hears of another: packets passed on as they are under our own numbers, or decoded and encoded again.
//!
//! The numbers keep what a receiver needs to see: what was lost is missing, what came in another order comes in another order, and a pause is as
//! long as it was. Copies are dropped: SRTP must not say two things under one number. Which of the two ways a packet goes, and when, is
//! known to `stream`.

use super::codec::{Decoder, Encoder, Form};
use super::jitter::Jitter;
use crate::limits::{BRIDGE_DELAY, BRIDGE_DRIFT_MAX, BRIDGE_ECHO, BRIDGE_QUIET};
use crate::number::Key;
use crate::sdp::Codec;
use crate::time::Duration;

/// A packet that one leg received, on its way to the other.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Its source.
    pub ssrc: u32,
    /// Its number.
    pub sequence: u16,
    /// Its time stamp.
    pub timestamp: u32,
    /// It begins a talk spurt.
    pub marked: bool,
    /// What it holds.
    pub kind: Kind,
    /// What was agreed for sound on its leg.
    pub agreed: Codec,
    /// The packet interval of its leg.
    pub packet: Duration,
    /// What it says.
    pub payload: &'a [u8],
}

/// What a packet holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Sound.
    Sound(Codec),
    /// A telephone event at this clock; the key, at the first packet of a press.
    Event(u32, Option<Key>),
    /// The noise that is to be heard until something is said again (RFC 3389).
    Noise,
}

/// What is passed on, as it leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its number in our row.
    pub sequence: u16,
    /// Its time stamp.
    pub timestamp: u32,
    /// The first of a row, or behind a jump: it is marked.
    pub begins: bool,
    /// None of the row so far is behind it.
    pub newest: bool,
}

/// RFC 3550 A.1: a jump this far ahead is loss; beyond it, the source began anew.
const DROPOUT_MAX: u16 = 3000;
/// Packets that are known to have come, behind the newest.
const KNOWN: u16 = u64::BITS as u16;

/// The row of one source's numbers beside our own.
#[derive(Clone, Copy, Default, Debug)]
pub struct Row {
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// What is added to its numbers and time stamps.
    shift: (u16, u32),
    newest: u16,
    /// Which came: the newest lowest, those before it above.
    came: u64,
    /// What would be the next number of a source that began anew.
    anew: Option<u16>,
}

impl Row {
    /// Ours goes on with something else; what is passed next begins a row.
    pub fn cut(&mut self) {
        self.source = None;
    }

    /// The place of a packet. `next` is the number and the time stamp that ours would go on with. `None`: it came before, or is not to be placed.
    fn place(&mut self, heard: &Heard<'_>, next: (u16, u32)) -> Option<Place> {
        let timed = matches!(heard.kind, Kind::Sound(_));
        let source = match &mut self.source {
            Some(source) if source.ssrc == heard.ssrc => source,
            Some(_) | None => return Some(self.begin(heard, next)),
        };
        let ahead = heard.sequence.wrapping_sub(source.newest);
        let behind = source.newest.wrapping_sub(heard.sequence);
        let newest = ahead != 0 && ahead < DROPOUT_MAX;
        if newest {
            source.came = source.came.checked_shl(ahead.into()).unwrap_or(0) | 1;
            source.newest = heard.sequence;
        } else if behind < KNOWN {
            let one = 1 << behind;
            if source.came & one != 0 {
                return None;
            }
            source.came |= one;
        } else if source.anew == Some(heard.sequence) {
            // Two in a row tell a new beginning from a stray packet.
            return Some(self.begin(heard, next));
        } else {
            source.anew = Some(heard.sequence.wrapping_add(1));
            return None;
        }
        let mut place = Place {
            sequence: heard.sequence.wrapping_add(source.shift.0),
            timestamp: heard.timestamp.wrapping_add(source.shift.1),
            begins: false,
            newest,
        };
        // The time stamp of an event stands still while it lasts.
        let drift = (place.timestamp.wrapping_sub(next.1) as i32).unsigned_abs();
        if timed && newest && u64::from(drift) > BRIDGE_DRIFT_MAX.as_secs() * u64::from(heard.agreed.clock()) {
            source.shift.1 = next.1.wrapping_sub(heard.timestamp);
            (place.timestamp, place.begins) = (next.1, true);
        }
        Some(place)
    }

    fn begin(&mut self, heard: &Heard<'_>, next: (u16, u32)) -> Place {
        let shift = (next.0.wrapping_sub(heard.sequence), next.1.wrapping_sub(heard.timestamp));
        // What is under way from before it would take numbers that ours had.
        let came = u64::MAX;
        self.source = Some(Source { ssrc: heard.ssrc, shift, newest: heard.sequence, came, anew: None });
        Place { sequence: next.0, timestamp: next.1, begins: true, newest: true }
    }

    /// A packet that has a place and is not passed: its number goes to the next one, so that nobody takes it for lost. Whatever is still under
    /// way from before it would take a number that was used.
    fn spare(&mut self, place: Place) {
        if let (true, Some(source)) = (place.newest, &mut self.source) {
            source.shift.0 = source.shift.0.wrapping_sub(1);
            source.came = u64::MAX;
        }
    }
}

/// Which of the two ways between two legs are open.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Ways {
    /// Both.
    #[default]
    Both,
    /// This leg hears the other and is not heard.
    Hears,
    /// This leg is heard and hears nothing.
    Heard,
}

/// What a leg hears of another.
#[derive(Default, Debug)]
pub struct Bridge {
    ways: Ways,
    row: Row,
    feed: Feed,
    /// Intervals since something was heard.
    quiet: u32,
    /// Sound was passed on since the last interval of ours.
    passed: bool,
    /// A key that came beside the sound a moment ago, and how many milliseconds it may still come within.
    relayed: Option<(Key, u32)>,
    /// The press under way came beside the sound already.
    echoes: bool,
    /// Comfort noise of this loudness is to be heard.
    noise: Option<Noise>,
    transcoder: Option<Box<Transcoder>>,
}

/// What the leg hears in an interval.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Feed {
    /// Nothing came yet, or none for a while.
    #[default]
    Nothing,
    /// Packets leave as they come.
    Passed,
    /// What comes is decoded, waits in the jitter buffer and leaves with our own pace.
    Transcoded,
}

/// What is to be done with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It leaves now, here.
    Pass(Place),
    /// This key is to be pressed.
    Press(Key),
    /// Nothing more.
    Kept,
}

/// What leaves in an interval of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nothing: packets leave as they come, and one has.
    Passed,
    /// Nothing: a pause is a pause.
    Wait,
    /// Our silence.
    Silence,
    /// What [`Bridge::fill`] filled in: so many bytes.
    Sound(usize),
}

impl Bridge {
    /// With these ways open.
    pub fn new(ways: Ways) -> Self {
        Self { ways, ..Self::default() }
    }

    /// Which ways are open.
    pub fn ways(&self) -> Ways {
        self.ways
    }

    /// Whether the other leg says something, or has done so within [`BRIDGE_QUIET`].
    pub fn sounds(&self) -> bool {
        self.feed != Feed::Nothing
    }

    /// A packet of the other leg, for one that speaks `codec` in packets of this interval, and takes events of this clock. `next` is the number
    /// and the time stamp that ours would go on with.
    pub fn heard(
        &mut self,
        heard: &Heard<'_>,
        (codec, packet): (Codec, Duration),
        events: Option<u32>,
        next: (u16, u32),
    ) -> Way {
        let same = |spoken: Codec| spoken == codec && heard.packet == packet;
        match heard.kind {
            Kind::Sound(spoken) if same(spoken) => {
                let Some(place) = self.place(heard, next) else { return Way::Kept };
                (self.quiet, self.noise, self.passed) = (0, None, true);
                Way::Pass(place)
            }
            Kind::Sound(spoken) => {
                self.row.cut();
                let transcoder = self.transcoder.get_or_insert_default();
                if self.feed != Feed::Transcoded {
                    transcoder.jitter.clear();
                }
                transcoder.put(heard, spoken);
                (self.feed, self.quiet, self.noise) = (Feed::Transcoded, 0, None);
                Way::Kept
            }
            Kind::Event(clock, pressed) if same(heard.agreed) => {
                let Some(place) = self.place(heard, next) else { return Way::Kept };
                self.quiet = 0;
                let echoes = self.is_echo(pressed);
                if events == Some(clock) && !echoes {
                    return Way::Pass(place);
                }
                self.row.spare(place);
                pressed.filter(|_| !echoes).map_or(Way::Kept, Way::Press)
            }
            // Where sound is encoded anew, a press is made anew.
            Kind::Event(_, pressed) => {
                self.quiet = 0;
                let echoes = self.is_echo(pressed);
                pressed.filter(|_| !echoes).map_or(Way::Kept, Way::Press)
            }
            Kind::Noise => {
                if self.feed == Feed::Passed
                    && let Some(place) = self.row.place(heard, next)
                {
                    self.row.spare(place);
                }
                self.noise = heard.payload.first().map(|&level| Noise::of(level));
                self.quiet = 0;
                Way::Kept
            }
        }
    }

    fn place(&mut self, heard: &Heard<'_>, next: (u16, u32)) -> Option<Place> {
        if self.feed != Feed::Passed {
            self.row.cut();
        }
        self.feed = Feed::Passed;
        self.row.place(heard, next)
    }

    /// This key came beside the sound: the same press within it is an echo.
    pub fn relayed(&mut self, key: Key) {
        self.relayed = Some((key, BRIDGE_ECHO.as_millis() as u32));
    }

    /// Whether an event belongs to a press that came beside the sound; `pressed`: its first packet.
    fn is_echo(&mut self, pressed: Option<Key>) -> bool {
        if let Some(key) = pressed {
            self.echoes = self.relayed.take_if(|(relayed, _)| *relayed == key).is_some();
        }
        self.echoes
    }

    fn passes(&mut self, ms: usize) {
        self.relayed = self.relayed.and_then(|(key, left)| Some((key, left.checked_sub(ms as u32)?)));
    }

    /// Ours says something else in this interval.
    pub fn interrupted(&mut self, samples: usize) {
        self.row.cut();
        self.passed = false;
        self.passes(samples / 8);
        if let Some(transcoder) = &mut self.transcoder {
            transcoder.skip(samples);
        }
    }

    /// What is due in an interval of ours, which has so many samples of 8 kHz.
    pub fn fill(&mut self, form: Form, interval: Duration, samples: usize, payload: &mut [u8]) -> Turn {
        self.quiet = self.quiet.saturating_add(1);
        self.passes(interval.as_millis() as usize);
        let passed = std::mem::take(&mut self.passed);
        let (since, quiet) = (interval * self.quiet, interval * self.quiet >= BRIDGE_QUIET);
        let turn = match (self.feed, &mut self.noise) {
            (Feed::Passed, None) if passed => Turn::Passed,
            (Feed::Passed, None) if !quiet => Turn::Wait,
            (Feed::Passed | Feed::Nothing, None) => Turn::Silence,
            (feed, noise) => {
                // What was said before it is heard first.
                let noise = noise.as_mut().filter(|_| feed != Feed::Transcoded || since > BRIDGE_DELAY * 2);
                Turn::Sound(self.transcoder.get_or_insert_default().say(form, samples, payload, noise))
            }
        };
        if !matches!(turn, Turn::Passed | Turn::Wait) {
            self.row.cut();
        }
        if quiet {
            self.feed = Feed::Nothing;
        }
        turn
    }
}

/// From the sound of one leg to that of the other.
struct Transcoder {
    ear: Decoder,
    jitter: Jitter,
    mouth: Encoder,
    samples: Vec<i16>,
}

impl Transcoder {
    fn put(&mut self, heard: &Heard<'_>, codec: Codec) {
        self.samples.clear();
        if let Some(begins) = self.ear.hear(codec, heard.timestamp, heard.payload, &mut self.samples) {
            self.jitter.put(heard.ssrc, codec.clock(), begins, &self.samples);
        }
    }

    /// The next of what was heard, or noise; how many bytes.
    fn say(&mut self, form: Form, samples: usize, payload: &mut [u8], noise: Option<&mut Noise>) -> usize {
        self.samples.clear();
        self.samples.resize(samples, 0);
        self.jitter.take(&mut self.samples);
        if let Some(noise) = noise {
            self.samples.iter_mut().for_each(|sample| *sample = noise.next());
        }
        self.mouth.encode(form, &self.samples, payload)
    }

    fn skip(&mut self, samples: usize) {
        self.samples.clear();
        self.samples.resize(samples, 0);
        self.jitter.take(&mut self.samples);
    }
}

impl Default for Transcoder {
    fn default() -> Self {
        let jitter = Jitter::new(BRIDGE_DELAY).concealing();
        Self { ear: Decoder::default(), jitter, mouth: Encoder::default(), samples: Vec::with_capacity(480) }
    }
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transcoder")
    }
}

/// White noise.
#[derive(Clone, Copy, Debug)]
struct Noise {
    peak: i32,
    state: u32,
}

impl Noise {
    /// Of this loudness below the loudest, in dB (RFC 3389 §3).
    fn of(level: u8) -> Self {
        // The root of the mean square of an even spread is its peak by the root of three.
        let rms = 32_768.0 * 10f64.powf(-f64::from(level & 0x7f) / 20.0);
        Self { peak: (rms * 3f64.sqrt()).min(32_000.0) as i32, state: 0x1357 }
    }

    fn next(&mut self) -> i16 {
        // Knuth and Lewis; the high bits are the good ones.
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let spread = (self.state >> 16) as i32 - 32_768;
        (spread * self.peak / 32_768) as i16
    }
}
