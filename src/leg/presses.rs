//! One press is told in one way or in several: as an RTP event (RFC 4733) or a tone, and in an INFO. It counts once.
//!
//! A press that counted waits for its echo by the other way, and takes that one with it. So a key that came in one way alone
//! counts whatever the others told before, and no echo counts however late it is.

use crate::limits::PRESSES_WAITING_MAX;
use crate::number::Key;
use crate::time::{Duration, Instant};
use std::collections::VecDeque;

/// How a key came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// As an RTP event.
    Event,
    /// As a tone within the sound, which a voice may have made.
    Tone,
    /// In a SIP INFO.
    Info,
}

impl Way {
    /// The other one may tell of the same press; no two tones, and no two INFOs, do.
    fn echoes(self, other: Self) -> bool {
        (self == Self::Info) != (other == Self::Info)
    }

    /// How long after its beginning an INFO may tell of it, or it of an INFO.
    fn patience(self) -> Duration {
        match self {
            Self::Event => INFO_LATEST,
            Self::Tone => HELD_MAX,
            Self::Info => CROSSING,
        }
    }
}

/// RFC 3261 §17.1.2.2: an INFO whose first copies were lost is sent again for so long (timer F).
const INFO_LATEST: Duration = Duration::from_secs(32);
/// The same press by two ways arrives within this, counted from the end of a tone and from an INFO.
const CROSSING: Duration = Duration::from_millis(600);
/// Longer than this nobody holds a key whose tone has not ended for us.
pub(super) const HELD_MAX: Duration = Duration::from_secs(5);

/// The presses that counted, and whose echo may come.
#[derive(Debug, Default)]
pub(super) struct Presses(VecDeque<Press>);

#[derive(Clone, Copy, Debug)]
struct Press {
    way: Way,
    key: Key,
    /// Until when an echo of it may begin.
    until: Instant,
}

impl Presses {
    /// A key came, pressed for so long already. Whether it counts: it is no echo.
    pub(super) fn counts(&mut self, now: Instant, way: Way, key: Key, held: Duration) -> bool {
        self.0.retain(|press| press.until + HELD_MAX > now);
        let echoed = |press: &Press| press.way.echoes(way) && press.key == key && now < press.until + held;
        if let Some(echoed) = self.0.iter().position(echoed) {
            self.0.remove(echoed);
            return false;
        }
        if self.0.len() >= PRESSES_WAITING_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Press { way, key, until: now + way.patience() });
        true
    }

    /// The tone of this key is over.
    pub(super) fn released(&mut self, now: Instant, key: Key) {
        if let Some(press) = self.0.iter_mut().rfind(|press| press.way == Way::Tone && press.key == key) {
            press.until = now + CROSSING;
        }
    }

    /// Another telephone has the call.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
