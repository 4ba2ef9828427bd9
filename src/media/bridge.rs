//! What one leg hears of another: packets passed on under our own numbers, as they are, or said anew in packets as this leg takes them.
//!
//! Either way they leave as they come. The numbers keep what a receiver needs to see: what was lost is missing, and a pause is as long as it was,
//! so that its own jitter buffer is the only one that delays. What is passed in another order comes in another order; copies are dropped: SRTP
//! must not say two things under one number. When a packet leaves is known to `stream`.

mod noise;
mod row;
mod translator;

pub use row::Place;
pub use translator::{Ours, Said};

use super::codec::{self, Form};
use super::opus;
use super::sounding::Sounding;
use crate::limits::{BRIDGE_ECHO, BRIDGE_PRESS, BRIDGE_QUIET, PAYLOAD_BYTES_MAX};
use crate::number::Key;
use crate::sdp::{Codec, Untouched};
use crate::time::Duration;
use noise::Noise;
use row::{Clocks, Row};
use translator::Translator;

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

/// How a leg is spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Spoken {
    /// In what.
    pub ours: Ours,
    /// The packet interval.
    pub packet: Duration,
    /// The clock of the events that it takes, if it takes any.
    pub events: Option<u32>,
    /// Keys of ours are on their way out, or wait: a press that begins now comes behind them.
    pub presses: bool,
    /// What we play to it gives way to the other leg.
    pub beneath: bool,
}

impl Spoken {
    /// Whether packets of what the other leg agreed on are as this one wants them, but for the law of G.711, which is another byte for a byte.
    fn is_like(&self, codec: Codec, packet: Duration) -> bool {
        let Form { codec: own, manner } = self.ours.form;
        let taken = codec != Codec::Opus || manner.untouched != Untouched::Nothing;
        let laws = [codec, own].iter().all(|codec| [Codec::Pcma, Codec::Pcmu].contains(codec));
        (codec == own && taken || laws) && packet == self.packet
    }

    /// Whether a packet is as this leg takes it and as we can send it. It need not be what was agreed on.
    fn takes(&self, codec: Codec, payload: &[u8]) -> bool {
        let longest = match self.ours.form.manner.untouched {
            Untouched::UpTo(ms) => usize::from(ms) * 8,
            Untouched::Nothing => 0,
        };
        payload.len() <= PAYLOAD_BYTES_MAX
            && (codec != Codec::Opus || opus::samples(payload).is_none_or(|samples| samples <= longest))
    }
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
    /// Something came, and not so long ago that it is silent.
    speaks: bool,
    /// Intervals since something was heard.
    quiet: u32,
    /// Samples of what left last that no interval of ours has gone by for.
    ahead: usize,
    /// A key that came beside the sound a moment ago, and how many milliseconds it may still come within.
    relayed: Option<(Key, u32)>,
    /// A key that came within the sound a moment ago, and how many milliseconds it may still come beside it.
    pressed: Option<(Key, u32)>,
    /// The press under way came beside the sound already or is made anew: none of its packets is passed.
    told: bool,
    /// Packets of a press are passed, and for how many milliseconds a key of ours still waits for another of them.
    passing: Option<u32>,
    /// Comfort noise of this loudness is to be heard.
    noise: Option<Noise>,
    /// Sent something that this leg does not take: all of its sound is encoded anew, for a decoder understands one encoder.
    unfit: Option<u32>,
    /// Asked for where something of ours would give way.
    sounding: Option<Box<Sounding>>,
    translator: Option<Box<Translator>>,
}

/// What is to be done with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It leaves now, here.
    Pass(Place),
    /// What [`Bridge::say`] says of it leaves now, as far as there is something.
    Translate,
    /// This key is to be pressed.
    Press(Key),
    /// Nothing more.
    Kept,
}

/// What leaves in an interval of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nothing: packets leave as they come. So many samples of the interval go by in which nothing of them is heard: a pause is a pause.
    Wait(usize),
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

    /// Whether the other leg says something that is heard over what gives way to it, or has done so a moment ago.
    pub fn sounds(&self) -> bool {
        self.speaks && self.sounding.as_ref().is_some_and(|sounding| sounding.is_heard())
    }

    /// A packet of the other leg. `next` is the number and the time stamp that ours would go on with.
    pub fn heard(&mut self, heard: &Heard<'_>, spoken: Spoken, next: (u16, u32)) -> Way {
        if let Kind::Sound(codec) = heard.kind
            && !spoken.takes(codec, heard.payload)
        {
            self.unfit = Some(heard.ssrc);
        }
        if spoken.beneath && !self.is_heard(heard) {
            return self.unheard(heard);
        }
        let own = spoken.ours.form.codec;
        match heard.kind {
            Kind::Sound(codec) => {
                let clocks = Clocks { theirs: codec.clock(), ours: own.clock() };
                let Some(place) = self.row.place(heard, clocks, next) else { return Way::Kept };
                (self.speaks, self.quiet, self.noise) = (true, 0, None);
                if self.unfit != Some(heard.ssrc) && spoken.is_like(codec, heard.packet) {
                    self.ahead = codec::samples(codec, heard.payload);
                    self.cut_translator();
                    Way::Pass(place)
                } else if place.newest {
                    self.translate(heard, codec, place, spoken.ours, next.1);
                    Way::Translate
                } else {
                    // Its time went by within packets that have left.
                    Way::Kept
                }
            }
            Kind::Event(clock, pressed) => {
                // Where clocks differ, and where none are taken, a press is made anew.
                let takes = spoken.events == Some(clock) && heard.agreed.clock() == clock;
                let within = self.row.is_of(heard.ssrc);
                // Where nothing of it was passed, the rest of a press would be a second one.
                if pressed.is_none() && !within {
                    return Way::Kept;
                }
                (self.speaks, self.quiet) = (true, 0);
                let clocks = Clocks { theirs: heard.agreed.clock(), ours: own.clock() };
                let place = if takes || within { self.row.place(heard, clocks, next) } else { None };
                let Some(place) = place else {
                    return if takes { Way::Kept } else { self.press(pressed, false) };
                };
                let way = self.press(pressed, takes && !spoken.presses);
                // A rest of it that comes when a key of ours has begun is not heard.
                if takes && !self.told && (!spoken.presses || self.passing.is_some()) {
                    self.passing = Some(BRIDGE_PRESS.as_millis() as u32);
                    return Way::Pass(place);
                }
                self.row.took(place, place.lost);
                way
            }
            Kind::Noise => {
                // It begins no row: its time may be told by another clock than that of the sound.
                let clocks = Clocks { theirs: heard.agreed.clock(), ours: own.clock() };
                if self.row.is_of(heard.ssrc)
                    && let Some(place) = self.row.place(heard, clocks, next)
                {
                    self.row.took(place, place.lost);
                }
                self.noise = heard.payload.first().map(|&level| Noise::of(level));
                self.quiet = 0;
                Way::Kept
            }
        }
    }

    /// Sound that does not leave as it came. `time` is the time stamp that ours would go on with.
    fn translate(&mut self, heard: &Heard<'_>, codec: Codec, place: Place, ours: Ours, time: u32) {
        let translator = self.translator.get_or_insert_default();
        let place = match !place.begins && translator.is_behind(place.timestamp, ours) {
            true => self.row.set(heard, place, time),
            false => place,
        };
        let taken = translator.hear(heard, codec, place, ours);
        self.row.took(place, taken.numbers);
        if taken.packets > 0 {
            self.ahead = taken.packets * ours.samples;
        }
    }

    /// The next packet of what was said anew.
    pub fn say(&mut self, ours: Ours, payload: &mut [u8]) -> Option<Said> {
        self.translator.as_mut()?.say(ours, payload)
    }

    /// Whether the other leg is heard over what gives way to it, now that this came.
    fn is_heard(&mut self, heard: &Heard<'_>) -> bool {
        let sounding = self.sounding.get_or_insert_default();
        if let Kind::Sound(codec) = heard.kind {
            sounding.packet(codec, (heard.ssrc, heard.timestamp), heard.payload);
        }
        sounding.is_heard()
    }

    /// A packet that is not heard, for something of ours is. A key is pressed anew within that.
    fn unheard(&mut self, heard: &Heard<'_>) -> Way {
        self.cut();
        match heard.kind {
            Kind::Event(_, pressed) => self.press(pressed, false),
            Kind::Sound(_) | Kind::Noise => Way::Kept,
        }
    }

    /// A packet of a press; with its first one, `pressed`, it is decided whether all of them are passed or the press is made anew. One that came beside
    /// the sound is neither.
    fn press(&mut self, pressed: Option<Key>, passes: bool) -> Way {
        let Some(key) = pressed else { return Way::Kept };
        let echoes = self.relayed.take_if(|(relayed, _)| *relayed == key).is_some();
        self.pressed = Some((key, BRIDGE_ECHO.as_millis() as u32)).filter(|_| !echoes);
        self.told = echoes || !passes;
        if self.told && !echoes { Way::Press(key) } else { Way::Kept }
    }

    /// Whether a press is being passed: another key waits for its end and the pause behind it.
    pub fn is_passing_a_press(&self) -> bool {
        self.passing.is_some()
    }

    /// This key came beside the sound: the same press within it is an echo. `false` where it is the echo itself: the sound can be
    /// faster, and whoever tells of the other way does not know yet that it came.
    pub fn relayed(&mut self, key: Key) -> bool {
        if self.pressed.take_if(|(pressed, _)| *pressed == key).is_some() {
            return false;
        }
        self.relayed = Some((key, BRIDGE_ECHO.as_millis() as u32));
        true
    }

    fn passes(&mut self, ms: usize) {
        for key in [&mut self.relayed, &mut self.pressed] {
            *key = key.and_then(|(key, left)| Some((key, left.checked_sub(ms as u32)?)));
        }
        self.passing = self.passing.and_then(|left| left.checked_sub(ms as u32));
    }

    /// Ours goes on with something else.
    fn cut(&mut self) {
        self.row.cut();
        self.cut_translator();
    }

    fn cut_translator(&mut self) {
        if let Some(translator) = &mut self.translator {
            translator.cut();
        }
    }

    /// Ours says something else in this interval.
    pub fn interrupted(&mut self, samples: usize) {
        self.cut();
        self.ahead = 0;
        self.passes(samples / 8);
    }

    /// What is due in an interval of ours.
    pub fn fill(&mut self, ours: Ours, interval: Duration, payload: &mut [u8]) -> Turn {
        self.quiet = self.quiet.saturating_add(1);
        self.passes(interval.as_millis() as usize);
        if let Some(sounding) = &mut self.sounding {
            sounding.passes(interval);
        }
        let unsaid = ours.samples.saturating_sub(self.ahead);
        self.ahead = self.ahead.saturating_sub(ours.samples);
        let quiet = interval * self.quiet >= BRIDGE_QUIET;
        let turn = match &mut self.noise {
            Some(noise) => Turn::Sound(self.translator.get_or_insert_default().say_noise(noise, ours, payload)),
            None if self.speaks && !quiet => Turn::Wait(unsaid),
            None => Turn::Silence,
        };
        if !matches!(turn, Turn::Wait(_)) {
            self.cut();
        }
        if quiet {
            self.speaks = false;
            if let Some(sounding) = &mut self.sounding {
                sounding.stopped();
            }
        }
        turn
    }
}
