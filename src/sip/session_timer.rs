//! Session timers (RFC 4028): a call whose other side has vanished ends by itself, on both sides.
//!
//! What is agreed in a 2xx, and when it is due. Who refreshes and how is `agent::refresh`'s work. A peer that neither
//! supports timers nor was asked for one by a proxy has none; where it cannot refresh, we do.

use crate::limits::{SESSION_EXPIRES, SESSION_EXPIRES_LEAST, SESSION_RETRY};
use crate::sip::header::{before_params, params};
use crate::sip::identity::lists;
use crate::sip::reader::{Message, Name};
use crate::time::{Duration, Instant};
use std::io::Write;

/// What we want.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Intervals {
    /// The interval we ask for, and the longest we grant.
    pub interval: Duration,
    /// The shortest we take: 422 to less (§5: never under 90 s).
    pub shortest: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { interval: SESSION_EXPIRES, shortest: SESSION_EXPIRES_LEAST }
    }
}

impl Intervals {
    /// `Min-SE`, as the 422 says it.
    pub fn min_se(&self) -> Vec<u8> {
        format!("Min-SE: {}\r\n", self.shortest.as_secs()).into_bytes()
    }
}

/// Who keeps the session alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresher {
    /// We do.
    Us,
    /// The peer does.
    Peer,
}

/// What a 2xx agrees on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// How long the session lasts without a refresh.
    pub interval: Duration,
    /// Who refreshes.
    pub refresher: Refresher,
    /// The peer knows what a session timer is.
    supported: bool,
}

/// The peer asks for less than we take: 422.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooSmall;

impl Terms {
    /// From a request (§9); `before` is what holds so far.
    pub fn of_request(
        message: &Message<'_>,
        wish: Intervals,
        before: Option<Duration>,
    ) -> Result<Option<Self>, TooSmall> {
        let asked = message.value(Name::SessionExpires).and_then(expires);
        let supported = [Name::Supported, Name::Require].into_iter().any(|name| lists(message, name, "timer"));
        let least = message.value(Name::MinSe).and_then(seconds).map_or(wish.shortest, |min| min.max(wish.shortest));
        let interval = match asked {
            Some((interval, _)) if interval < wish.shortest && supported => return Err(TooSmall),
            Some((interval, _)) => interval.min(wish.interval).max(least),
            None if supported => before.unwrap_or(wish.interval).max(least),
            None => match before {
                // A hold from an agent that forgot its timer does not end ours.
                Some(before) => before.max(least),
                None => return Ok(None),
            },
        };
        let refresher = match asked {
            _ if !supported => Refresher::Us,
            Some((_, Some(refresher))) => refresher.of_uas(),
            Some((_, None)) | None => Refresher::Peer,
        };
        Ok(Some(Self { interval, refresher, supported }))
    }

    /// From the 2xx to our refresh (§7.2); without a word the peer has no timer, and we go on refreshing.
    pub fn of_response(message: &Message<'_>, before: Duration) -> Self {
        match message.value(Name::SessionExpires).and_then(expires) {
            Some((interval, refresher)) => Self {
                // No peer makes us refresh faster than any standard allows.
                interval: interval.clamp(SESSION_EXPIRES_LEAST, before.max(SESSION_EXPIRES_LEAST)),
                refresher: refresher.map_or(Refresher::Us, Side::of_uac),
                supported: true,
            },
            None => Self { interval: before, refresher: Refresher::Us, supported: false },
        }
    }

    /// The header lines of a 2xx.
    pub fn lines(&self) -> Vec<u8> {
        let side = match self.refresher {
            Refresher::Us => "uas",
            Refresher::Peer => "uac",
        };
        let mut lines = Vec::with_capacity(64);
        write!(lines, "Session-Expires: {};refresher={side}\r\n", self.interval.as_secs())
            .expect("a Vec takes every write");
        if self.supported {
            lines.extend_from_slice(b"Require: timer\r\n");
        }
        lines
    }
}

/// The `refresher` parameter, which counts from the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Uac,
    Uas,
}

impl Side {
    fn of_uas(self) -> Refresher {
        match self {
            Self::Uac => Refresher::Peer,
            Self::Uas => Refresher::Us,
        }
    }

    fn of_uac(self) -> Refresher {
        match self {
            Self::Uac => Refresher::Us,
            Self::Uas => Refresher::Peer,
        }
    }
}

/// A number of seconds, without its parameters.
pub fn seconds(value: &[u8]) -> Option<Duration> {
    let digits = before_params(value);
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_secs)
}

fn expires(value: &[u8]) -> Option<(Duration, Option<Side>)> {
    let side = match params(value).get("refresher") {
        Some(side) if side.eq_ignore_ascii_case(b"uac") => Some(Side::Uac),
        Some(side) if side.eq_ignore_ascii_case(b"uas") => Some(Side::Uas),
        _ => None,
    };
    Some((seconds(value)?, side))
}

/// A timer that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    /// How long the session lasts without a refresh.
    pub interval: Duration,
    /// When our BYE leaves: a while before the end, so that it still finds state on its way (§10).
    ends: Instant,
    refresh: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Our refresh.
    Refresh,
    /// The end: nobody refreshed.
    Expired,
}

impl SessionTimer {
    /// Begins with a 2xx.
    pub fn new(now: Instant, terms: Terms) -> Self {
        let before_the_end = (terms.interval / 3).min(Duration::from_secs(32));
        Self {
            interval: terms.interval,
            ends: now + (terms.interval - before_the_end),
            refresh: match terms.refresher {
                Refresher::Us => Some(now + terms.interval / 2),
                Refresher::Peer => None,
            },
        }
    }

    /// A refresh that failed is tried again after this.
    pub fn again(&mut self, now: Instant, wait: Duration) {
        self.refresh = Some(now + wait);
    }

    /// The usual wait after a failure.
    pub fn later(&mut self, now: Instant) {
        self.again(now, SESSION_RETRY);
    }

    /// Time went by. A refresh that is told is under way until [`SessionTimer::again`].
    pub fn tick(&mut self, now: Instant) -> Due {
        if now >= self.ends {
            return Due::Expired;
        }
        match self.refresh.take_if(|due| now >= *due) {
            Some(_) => Due::Refresh,
            None => Due::Nothing,
        }
    }

    /// When [`SessionTimer::tick`] is due.
    pub fn deadline(&self) -> Instant {
        self.refresh.map_or(self.ends, |refresh| refresh.min(self.ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::reader::Framing;

    fn terms(headers: &str, before: Option<u64>) -> String {
        let text = format!("UPDATE sip:1357@h SIP/2.0\r\n{headers}\r\n\r\n");
        let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
        match Terms::of_request(&message, Intervals::default(), before.map(Duration::from_secs)) {
            Err(TooSmall) => "422".to_owned(),
            Ok(None) => "none".to_owned(),
            Ok(Some(terms)) => String::from_utf8(terms.lines()).expect("text").replace("\r\n", " ").trim().to_owned(),
        }
    }

    #[test]
    fn what_the_called_side_agrees_to() {
        for (headers, before, agreed) in [
            ("Subject: nothing", None, "none"),
            ("Supported: timer", None, "Session-Expires: 1800;refresher=uac Require: timer"),
            ("Supported: timer\r\nMin-SE: 2400", None, "Session-Expires: 2400;refresher=uac Require: timer"),
            ("k: Timer\r\nx: 600;refresher=uas", None, "Session-Expires: 600;refresher=uas Require: timer"),
            ("k: timer\r\nx: 600 ; Refresher = UAC", None, "Session-Expires: 600;refresher=uac Require: timer"),
            ("Require: timer\r\nSession-Expires: 7200", None, "Session-Expires: 1800;refresher=uac Require: timer"),
            ("k: timer\r\nx: 7200\r\nMin-SE: 3600", None, "Session-Expires: 3600;refresher=uac Require: timer"),
            ("k: timer\r\nx: 89", None, "422"),
            ("k: timer\r\nx: 90", None, "Session-Expires: 90;refresher=uac Require: timer"),
            // A proxy asked; the caller's agent knows nothing of it, so we refresh.
            ("x: 600;refresher=uac", None, "Session-Expires: 600;refresher=uas"),
            ("x: 20", None, "Session-Expires: 90;refresher=uas"),
            ("x: soon\r\nk: timer", None, "Session-Expires: 1800;refresher=uac Require: timer"),
            ("x: 99999999999", None, "none"),
            ("Subject: a hold", Some(600), "Session-Expires: 600;refresher=uas"),
            ("Supported: timer", Some(600), "Session-Expires: 600;refresher=uac Require: timer"),
        ] {
            assert_eq!(terms(headers, before), agreed, "{headers}");
        }
    }

    #[test]
    fn the_answer_to_our_refresh_says_who_refreshes_next() {
        for (headers, interval, refresher) in [
            ("Session-Expires: 600;refresher=uac", 600, Refresher::Us),
            ("Session-Expires: 600;refresher=uas", 600, Refresher::Peer),
            ("Session-Expires: 1", 90, Refresher::Us),
            ("Session-Expires: 99999", 1800, Refresher::Us),
            ("Subject: nothing", 1800, Refresher::Us),
        ] {
            let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n\r\n");
            let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
            let terms = Terms::of_response(&message, Duration::from_secs(1800));
            assert_eq!((terms.interval.as_secs(), terms.refresher), (interval, refresher), "{headers}");
        }
    }

    #[test]
    fn a_timer_refreshes_at_half_and_ends_before_the_end() {
        let at = |seconds: u64| Instant::START + Duration::from_secs(seconds);
        let terms = |refresher| Terms { interval: Duration::from_secs(90), refresher, supported: true };
        let mut ours = SessionTimer::new(Instant::START, terms(Refresher::Us));
        assert_eq!((ours.deadline(), ours.tick(at(44))), (at(45), Due::Nothing));
        assert_eq!((ours.tick(at(45)), ours.tick(at(46)), ours.deadline()), (Due::Refresh, Due::Nothing, at(60)));
        ours.again(at(46), Duration::from_secs(1));
        assert_eq!((ours.tick(at(47)), ours.tick(at(60))), (Due::Refresh, Due::Expired));
        let mut theirs = SessionTimer::new(Instant::START, terms(Refresher::Peer));
        assert_eq!((theirs.tick(at(59)), theirs.deadline(), theirs.tick(at(60))), (Due::Nothing, at(60), Due::Expired));
        let long = Terms { interval: Duration::from_secs(1800), ..terms(Refresher::Peer) };
        assert_eq!(SessionTimer::new(Instant::START, long).deadline(), at(1768));
    }
}
