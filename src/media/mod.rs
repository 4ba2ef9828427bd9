//! Sound without sockets: RTP packets and time in, keys out; commands in, packets out.
//!
//! [`stream`] is one leg's media. Prompts are encoded once per codec, when the first call plays them in it ([`Clip`]), and shared by all calls.

pub mod bridge;
pub mod clip;
pub mod codec;
pub mod conceal;
pub mod ear;
pub mod goertzel;
pub mod jitter;
pub mod level;
pub mod opus;
pub mod press;
pub mod quality;
pub mod reception;
pub mod rtcp;
pub mod sounding;
pub mod srtp;
pub mod stream;
pub mod tap;
pub mod telephone_event;
pub mod tone;

pub use clip::Clip;
pub use codec::Form;
pub use quality::Report;
pub use tap::{Ended, Loss, Recording, RecordingEnd, Sides};

use crate::number::Key;
use crate::sdp::Chosen;
use std::net::SocketAddr;
use std::sync::Arc;

/// Our handle of a stream: one RTP socket, one leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamKey(pub u64);

/// Names one Play command, so that a late [`Event::Finished`] is not taken for another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PlayKey(pub u32);

/// Names one recording of a call: its end may be told when the stream it was made of is long closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct RecordingKey {
    /// The key of the call.
    pub call: u64,
    /// Which of its recordings.
    pub number: u32,
}

/// What a stream is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// What offer and answer agreed on; again after each re-INVITE. Playing goes on across it.
    Configure(Chosen),
    /// Plays these clips one after the other, at once, in place of whatever plays.
    Play {
        /// Its name.
        play: PlayKey,
        /// What is heard, in order.
        clips: Vec<Arc<Clip>>,
        /// Again and again, until replaced: waiting tones.
        repeat: bool,
    },
    /// Sends these keys one after the other, in place of those still under way: as events or, to a peer that takes none at the clock of our sound, as
    /// tones. What plays waits meanwhile.
    Press(Vec<Key>),
    /// Sends this key behind those under way, as an event or, to a peer that takes none, as tones: somebody on another leg pressed it, and told it beside
    /// the sound. The same press within the sound of a bridge is not heard a second time.
    Relay(Key),
    /// Stops what plays; comfort silence follows, so that the stream stays alive.
    Stop,
    /// Begins a recording, beside one that runs.
    Record(Recording),
    /// Silence in place of sound in a recording, or sound again.
    PauseRecording(RecordingKey, bool),
    /// Ends a recording.
    EndRecording(RecordingKey),
    /// From now on what each of the two receives is heard by the other, until one of them is told otherwise or closed. A stream hears what is played
    /// to it instead, as long as that lasts.
    Bridge(StreamKey),
    /// This one hears the other whenever that sounds, and what plays now goes on meanwhile unheard; the other one hears nothing of it. None
    /// of it is recorded.
    Overhear(StreamKey),
    /// What plays now is heard only while the other one of a [`Command::Bridge`] is silent, whether it sends silence or nothing.
    GiveWay,
    /// Ends a bridge; both hear what is played to them, or silence.
    Unbridge,
}

/// What a stream tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A key went down: at the first packet of its event (RFC 4733 §2.6), or as a tone where no events were agreed.
    Key(Key),
    /// The tone of a key is over. Of events nothing is told but their beginning.
    Released(Key),
    /// A [`Command::Play`] came to its end (never for `repeat`).
    Finished(PlayKey),
    /// The first valid packet came; sound goes to this address from now on.
    Latched(SocketAddr),
    /// A recording came to its end by itself, and takes no more sound. What became of it is still being written.
    RecordingOver(RecordingKey),
    /// A recording is in its file, or could not be kept. Told by whoever writes it, also behind [`Event::Closed`].
    Recorded(Ended),
    /// The peer should speak and has been silent for longer than it may.
    Silent,
    /// A [`Command::Press`] came to its end: so many of its keys have left, each with the pause behind it.
    Pressed(u8),
    /// The other one of a [`Command::Bridge`] is gone, or never was there.
    Alone,
    /// An error of ours stopped it for good: its socket is closed.
    Broken,
    /// The stream is closed: its last word, and how it sounded if anything was agreed.
    Closed(Option<Report>),
}
