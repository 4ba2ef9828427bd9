//! What a call is about: menus, announcements, the ladder of transfers, and the record as it grows.
//!
//! [`session::Session`] is the one machine: [`Event`]s go in, [`Effect`]s come out. It knows addresses and status
//! codes, never dialogs or RTP: a menu test needs no SIP, and the SIP stack needs no menu.

pub mod input;
pub mod menu;
pub mod record;
pub mod session;
pub mod transfer;

pub use record::{Outcome, Record};
pub use session::Session;

use crate::media::{Loss, PlayKey, RecordingKey, Sides};
use crate::number::{Caller, Key};
use crate::routing::plan::{PromptId, Target};
use crate::sip::status::StatusCode;
use crate::time::Duration;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Our handle of a call, unique across restarts: 40 bits of milliseconds, 24 of chance. Prints as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u64);

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallKey({self})")
    }
}

/// One REFER of a call, or one INVITE of ours, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attempt(pub usize);

/// A recording that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Which, as [`Effect::Record`] named it.
    pub key: RecordingKey,
    /// How long it is.
    pub length: Duration,
    /// How much of it is speech.
    pub spoken: Duration,
    /// How much of it is silence in place of what nobody may keep.
    pub hushed: Duration,
    /// Why it could not be kept, or not to its end; `None`: it is on the disk, whole.
    pub loss: Option<Loss>,
}

/// What can happen to a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Our 183 is there: the caller hears us, and nobody pays yet.
    Progressed,
    /// Our 200 left.
    Answered,
    /// The caller can hear us: the ACK came, or the first packet of sound.
    Connected,
    /// A key counted.
    Key(Key),
    /// A [`Effect::Play`] came to its end.
    Finished(PlayKey),
    /// A [`Effect::Record`] came to its end by itself; what became of it is still being written.
    RecordingOver(RecordingKey),
    /// What became of an [`Effect::Record`] is known.
    Recorded(Recorded),
    /// Another dialog took this one's place (RFC 3891): the caller, or whoever took the caller over, is on a new line, and
    /// calls as this.
    Replaced(Caller),
    /// The caller's side put us on hold (`true`) or came back.
    Held(bool),
    /// The final response to a REFER.
    ReferAnswered(Attempt, StatusCode),
    /// A NOTIFY: what the sipfrag says, and whether the subscription is over.
    Notified {
        /// Which REFER.
        attempt: Attempt,
        /// The status the caller's phone reports; `None` when it says nothing readable.
        status: Option<StatusCode>,
        /// Nothing more will be reported.
        terminated: bool,
    },
    /// The centre that we call rings.
    FarRings(Attempt),
    /// It tells where its sound comes from before it answers: a ringing tone of its own, or an announcement.
    FarSounds(Attempt),
    /// It answered: sound can go both ways.
    FarAnswered(Attempt),
    /// An [`Effect::PostDial`] came to its end: so many of its keys have left.
    PostDialled(Attempt, u8),
    /// It did not, or nothing fits.
    FarFailed(Attempt, StatusCode),
    /// The centre that the caller talks to hung up, or is gone.
    FarHungUp,
    /// It put the caller on hold (`true`) or came back.
    FarHeld(bool),
    /// The caller hung up.
    HungUp,
    /// The caller cancelled before our answer.
    Cancelled,
    /// The peer is gone without a BYE.
    Lost,
    /// The session was not refreshed in time: the peer is gone too.
    Expired,
    /// No ACK of our 200 ever came.
    Unacknowledged,
    /// We refuse the call before answering it: 404, 488, 503.
    Refused(StatusCode),
    /// The caller's media cannot be agreed on after all.
    Unusable,
    /// The process ends.
    Stop,
    /// No sound has come from the caller's side for longer than it may be silent.
    Silent,
    /// Time went by.
    Tick,
}

/// A prompt that is said.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Saying {
    /// Its name in the language of the call.
    pub prompt: PromptId,
    /// What is said in its place where its text has slots: the words, and the parts that sound.
    pub filled: Option<(String, Vec<Part>)>,
}

/// A sound of a text with slots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Part {
    /// Which.
    pub prompt: PromptId,
    /// Silence before it, beyond what the sounds themselves have at their ends.
    pub pause: Duration,
}

impl Saying {
    /// A prompt that is said as it is.
    pub fn plain(prompt: PromptId) -> Self {
        Self { prompt, filled: None }
    }

    /// What sounds, and the silence before each.
    pub fn sounds(&self) -> impl Iterator<Item = (&PromptId, Duration)> {
        let (whole, parts) = match &self.filled {
            None => (Some((&self.prompt, Duration::ZERO)), None),
            Some((_, parts)) => (None, Some(parts.iter().map(|part| (&part.prompt, part.pause)))),
        };
        whole.into_iter().chain(parts.into_iter().flatten())
    }

    /// How long it takes, where sounds are so long.
    pub fn length(&self, lengths: &BTreeMap<String, Duration>) -> Duration {
        self.sounds().map(|(id, pause)| pause + lengths.get(&**id).copied().unwrap_or_default()).sum()
    }

    /// Its name, and the words of this call where it has slots.
    pub fn told(&self) -> PromptId {
        match &self.filled {
            None => self.prompt.clone(),
            Some((words, _)) => format!("{} ({words})", self.prompt).into(),
        }
    }
}

/// What a call wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Says this at once, in place of what plays.
    Play {
        /// Its name in [`Event::Finished`].
        play: PlayKey,
        /// What is heard.
        said: Vec<Saying>,
        /// Again and again, until replaced.
        repeat: bool,
    },
    /// Silence.
    StopPlaying,
    /// Records, until told otherwise, for so long, or until so much silence.
    Record {
        /// Its name in [`Event::Recorded`].
        key: RecordingKey,
        /// Where it is kept, below the folder of recordings and without `.wav`.
        file: Arc<str>,
        /// Whose sound.
        sides: Sides,
        /// The longest it may be.
        longest: Duration,
        /// So much silence of the caller ends it.
        silence: Option<Duration>,
    },
    /// Silence in a recording (`true`), or sound again.
    PauseRecording(RecordingKey, bool),
    /// Ends a recording; [`Event::Recorded`] follows.
    EndRecording(RecordingKey),
    /// This recording is not wanted, whether it has ended or not: nothing of it is kept.
    Discard {
        /// Its name.
        key: RecordingKey,
        /// Where it lies.
        file: Arc<str>,
    },
    /// Hands the caller to an address of the table.
    Refer {
        /// Its name in later events.
        attempt: Attempt,
        /// Who.
        target: Target,
        /// The User-to-User text (RFC 7433) for the centre, when it wants one.
        context: Option<String>,
        /// We want to hear how it goes.
        subscribe: bool,
    },
    /// Calls an address of the table ourselves.
    Call {
        /// Its name in later events.
        attempt: Attempt,
        /// Who.
        target: Target,
        /// The User-to-User text (RFC 7433) for the centre, when it wants one.
        context: Option<String>,
    },
    /// Takes that back: a CANCEL, or our BYE to the centre.
    DropCall,
    /// The centre is sent these keys; [`Event::PostDialled`] follows.
    PostDial(Vec<Key>),
    /// The caller hears what plays, and the centre no more.
    Unbridge,
    /// Caller and centre hear each other from now on.
    Bridge,
    /// The caller hears the centre whenever it says something, and what plays now otherwise; the centre hears nothing.
    Overhear,
    /// What plays now is heard only while the centre says nothing.
    GiveWay,
    /// The centre hears this again and again, whenever the caller says nothing; with nothing in it, the caller again.
    FarHears(Vec<Saying>),
    /// The 200 of a call whose greeting came before it.
    Answer,
    /// Our BYE.
    HangUp,
    /// The call entered a row of the table.
    Entered(Arc<str>),
    /// A key counted; which one, unless it may belong to an entry.
    Pressed(Option<Key>),
    /// The call is over; [`Session::record`] is complete.
    Over,
}
