//! Admission: which new calls are taken. Calls that live already are never its business.
//!
//! Caps of the settings, for all peers together and for each trunk; a slower pace while the shell says that messages wait
//! too long; nobody while it says that sound is late; and, when a pace holds, no source may use up what others need. What peers are told of it is in
//! [`feedback`]. A refused INVITE keeps no state but eight bytes, so that a copy of it meets the same refusal.

pub mod feedback;
mod pace;
mod refusals;

use crate::limits::{
    ADMITTED_PER_SECOND_MIN, MEDIA_LATE_LONG, MEDIA_LATE_REST, MEDIA_LATE_SHORT, PACE_EASED_EVERY, REFUSALS_TOLD_EVERY,
    SOURCE_SHARE, SOURCES_MAX, WAIT_LONG, WAIT_SHORT,
};
use crate::sip::trunk::{Peers, TrunkId};
use crate::time::{Duration, Instant, Now};
use feedback::Feedback;
use pace::{Bucket, Pace};
use refusals::Refusals;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Whose share of the pace a new call uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// A trunk, whatever address it calls from.
    Trunk(TrunkId),
    /// An address; of IPv6 the first 64 bits, which are one subscriber's.
    Address(IpAddr),
    /// All that came when there were too many to tell apart.
    Others,
}

impl Source {
    /// Of a call that came from here.
    pub fn new(trunk: Option<TrunkId>, address: IpAddr) -> Self {
        match (trunk, address) {
            (Some(trunk), _) => Self::Trunk(trunk),
            (None, IpAddr::V6(v6)) => Self::Address(IpAddr::V6((v6.to_bits() >> 64 << 64).into())),
            (None, v4) => Self::Address(v4),
        }
    }
}

/// A new INVITE, as far as admission cares.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// The same for every copy of the INVITE, and for no other.
    pub invite: u64,
    /// Where it came from.
    pub source: Source,
    /// Its sender slows down when our responses say so (RFC 7339).
    pub controlled: bool,
    /// It waited longer than its sender should, or found no room to wait.
    pub late: bool,
}

/// A call's place among the live ones; given back with [`Admission::leave`].
#[derive(Debug)]
pub struct Place(Option<TrunkId>);

/// Refused calls of the last seconds, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused {
    /// As many live as may.
    pub too_many: u64,
    /// More in a second than may.
    pub too_fast: u64,
    /// They waited too long.
    pub too_late: u64,
    /// A media thread had no time left for them.
    pub no_media: u64,
    /// Calls a second that are taken while messages wait too long.
    pub slowed_to: Option<u32>,
}

#[derive(Clone, Copy)]
enum Refusal {
    TooMany,
    TooFast,
    TooLate,
    NoMedia,
    /// A copy of one that was refused.
    Again,
}

/// Who may come in.
#[derive(Debug)]
pub struct Admission {
    calls: Option<u32>,
    legs: Option<u32>,
    /// Calls may have two legs.
    bridges: bool,
    live: u32,
    /// By the settings.
    calls_per_second: Option<f64>,
    /// By the time that messages wait.
    slowed: Option<f64>,
    /// When sound was last so late that no call is taken.
    sound_late: Option<Instant>,
    /// By whichever of both is less.
    bucket: Option<Bucket>,
    trunks: Vec<TrunkState>,
    /// Calls taken from each, while a pace holds.
    sources: BTreeMap<Source, Pace>,
    sources_swept: Instant,
    /// All calls taken.
    pace: Pace,
    /// When the pace was last lowered, and when a call was last refused because of it.
    lowered: Instant,
    needed: Instant,
    refusals: Refusals,
    feedback: Feedback,
    refused: Refused,
    tell_at: Option<Instant>,
}

#[derive(Debug)]
struct TrunkState {
    calls: Option<u32>,
    live: u32,
    bucket: Option<Bucket>,
}

impl Admission {
    /// With the caps of the settings.
    pub fn new(peers: &Peers) -> Self {
        let trunk = |trunk: &crate::sip::trunk::Trunk| TrunkState {
            calls: trunk.calls,
            live: 0,
            bucket: trunk.calls_per_second.map(|rate| Bucket::full(f64::from(rate))),
        };
        let calls_per_second = peers.calls_per_second.map(f64::from);
        Self {
            calls: peers.calls,
            legs: peers.legs,
            bridges: false,
            live: 0,
            calls_per_second,
            slowed: None,
            sound_late: None,
            bucket: calls_per_second.map(Bucket::full),
            trunks: peers.trunks.iter().map(trunk).collect(),
            sources: BTreeMap::new(),
            sources_swept: Instant::START,
            pace: Pace::default(),
            lowered: Instant::START,
            needed: Instant::START,
            refusals: Refusals::default(),
            feedback: Feedback::default(),
            refused: Refused::default(),
            tell_at: None,
        }
    }

    /// Whether a new call is taken.
    pub fn admit(&mut self, now: Now, asking: &Asking) -> Option<Place> {
        let refusal = self.refusal(now.instant, asking);
        if asking.controlled {
            self.feedback.count(now, refusal.is_some());
        }
        let counter = match refusal {
            None => {
                let trunk = match asking.source {
                    Source::Trunk(trunk) => Some(trunk),
                    Source::Address(_) | Source::Others => None,
                };
                self.take(now.instant, asking.source, trunk);
                return Some(Place(trunk));
            }
            // Counted when it was refused first.
            Some(Refusal::Again) => return None,
            Some(Refusal::TooMany) => &mut self.refused.too_many,
            Some(Refusal::TooFast) => &mut self.refused.too_fast,
            Some(Refusal::TooLate) => &mut self.refused.too_late,
            Some(Refusal::NoMedia) => &mut self.refused.no_media,
        };
        *counter += 1;
        self.refusals.remember(now.instant, asking.invite);
        self.tell_at.get_or_insert(now.instant + REFUSALS_TOLD_EVERY);
        None
    }

    fn refusal(&mut self, now: Instant, asking: &Asking) -> Option<Refusal> {
        if self.refusals.knows(now, asking.invite) {
            return Some(Refusal::Again);
        }
        if asking.late {
            return Some(Refusal::TooLate);
        }
        if self.is_sound_late(now) {
            self.needed = now;
            return Some(Refusal::NoMedia);
        }
        if self.most().is_some_and(|calls| self.live >= calls) {
            return Some(Refusal::TooMany);
        }
        if let Source::Trunk(id) = asking.source
            && let Some(trunk) = self.trunks.get_mut(id.0)
        {
            if trunk.calls.is_some_and(|calls| trunk.live >= calls) {
                return Some(Refusal::TooMany);
            }
            if trunk.bucket.as_mut().is_some_and(|bucket| bucket.level(now) < 1.0) {
                return Some(Refusal::TooFast);
            }
        }
        let bucket = self.bucket.as_mut()?;
        let (level, reserve) = (bucket.level(now), bucket.reserve());
        let taken = self.sources.get(&asking.source).map_or(0.0, |pace| pace.at(now));
        // The emptier the bucket, the less any one source may have taken from it: whoever asks seldom still finds a call
        // in it, and a single source gets all that the bucket is given.
        // The last of it is for those who have not asked lately.
        let left = if taken < 0.5 { level } else { level - reserve } - 1.0;
        if left < 0.0 || taken > 0.5 + left * SOURCE_SHARE {
            self.needed = now;
            return Some(Refusal::TooFast);
        }
        None
    }

    /// How many calls may live: as the settings say, and as there is room for the legs that each of them may need.
    fn most(&self) -> Option<u32> {
        let room = self.legs.map(|legs| if self.bridges { legs / 2 } else { legs });
        [self.calls, room].into_iter().flatten().min()
    }

    /// Whether a call may need a second leg from now on, for a centre that we call ourselves.
    pub fn bridges(&mut self, bridges: bool) {
        self.bridges = bridges;
    }

    fn take(&mut self, now: Instant, source: Source, trunk: Option<TrunkId>) {
        self.live += 1;
        self.pace.add(now);
        if let Some(trunk) = trunk.and_then(|id| self.trunks.get_mut(id.0)) {
            trunk.live += 1;
            if let Some(bucket) = &mut trunk.bucket {
                bucket.take();
            }
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.take();
            self.source(now, source).add(now);
        }
    }

    fn source(&mut self, now: Instant, source: Source) -> &mut Pace {
        if self.sources.len() >= SOURCES_MAX && now.since(self.sources_swept) >= Duration::from_secs(1) {
            self.sources_swept = now;
            self.sources.retain(|_, pace| pace.at(now) > 0.1);
        }
        let known = self.sources.len() < SOURCES_MAX || self.sources.contains_key(&source);
        self.sources.entry(if known { source } else { Source::Others }).or_default()
    }

    /// A call is over.
    pub fn leave(&mut self, place: Place) {
        self.live = self.live.saturating_sub(1);
        if let Some(trunk) = place.0.and_then(|id| self.trunks.get_mut(id.0)) {
            trunk.live = trunk.live.saturating_sub(1);
        }
    }

    /// How long messages wait before they are worked on: the least of the last moments, so that one busy moment
    /// is no overload. Lowers the pace when that is long, raises it when it is short, and keeps it in between.
    ///
    /// `sound`: how late a media thread serves its slots, told likewise. A slower pace would fill it further, for its load are the calls that
    /// live: nobody comes in while it is late and a while longer, and then as slowly as ever.
    pub fn waits(&mut self, now: Instant, wait: Duration, sound: Duration) {
        if sound >= MEDIA_LATE_LONG || sound > MEDIA_LATE_SHORT && self.is_sound_late(now) {
            self.sound_late = Some(now);
        }
        let slowed = if self.is_sound_late(now) {
            self.lowered = now;
            Some(ADMITTED_PER_SECOND_MIN)
        } else if wait >= WAIT_LONG {
            if self.slowed.is_some() && now.since(self.lowered) < PACE_EASED_EVERY {
                return;
            }
            self.lowered = now;
            Some(self.pace.at(now).min(self.slowed.unwrap_or(f64::MAX)) * 0.8)
        } else if wait <= WAIT_SHORT && sound <= MEDIA_LATE_SHORT {
            match self.slowed {
                // Nobody has needed it for a while.
                Some(_) if now.since(self.needed) >= PACE_EASED_EVERY * 4 => None,
                Some(slowed) if now.since(self.lowered) >= PACE_EASED_EVERY => {
                    self.lowered = now;
                    Some(slowed * 1.35)
                }
                kept => kept,
            }
        } else {
            self.slowed
        };
        let slowed = slowed.map(|slowed| slowed.max(ADMITTED_PER_SECOND_MIN));
        if slowed == self.slowed {
            return;
        }
        if self.slowed.is_none() {
            self.needed = now;
        }
        self.slowed = slowed.filter(|slowed| self.calls_per_second.is_none_or(|setting| *slowed < setting));
        let rate = [self.slowed, self.calls_per_second].into_iter().flatten().reduce(f64::min);
        self.bucket = match (self.bucket.take(), rate) {
            (_, None) => None,
            (Some(mut bucket), Some(rate)) => {
                bucket.change(now, rate);
                Some(bucket)
            }
            // What has not been counted so far was not needed: the calls of the next moments wait for the rate.
            (None, Some(rate)) => Some(Bucket::empty(now, rate)),
        };
        if self.bucket.is_none() {
            self.sources.clear();
        }
    }

    fn is_sound_late(&self, now: Instant) -> bool {
        self.sound_late.is_some_and(|late| now.since(late) < MEDIA_LATE_REST)
    }

    /// What responses tell a peer that takes part in overload control.
    pub fn feedback(&mut self, now: Now) -> feedback::Control {
        self.feedback.control(now)
    }

    /// When [`Admission::told`] has something to say.
    pub fn deadline(&self) -> Option<Instant> {
        self.tell_at
    }

    /// What was refused since the last time, once in a while.
    pub fn told(&mut self, now: Instant) -> Option<Refused> {
        self.tell_at.take_if(|at| *at <= now)?;
        let slowed_to = self.slowed.map(|slowed| slowed as u32);
        Some(Refused { slowed_to, ..std::mem::take(&mut self.refused) })
    }
}

#[cfg(test)]
mod tests;
