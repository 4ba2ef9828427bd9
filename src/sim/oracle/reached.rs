//! What we send inside a dialog reaches its peer, though an address of the peer's host be dead (RFC 3263 §4.3).

use super::{GIVE_UP, Oracle};
use crate::sim::backend::Visit;
use crate::sim::caller::Story;
use crate::time::{Duration, Instant};

/// The longest way of a request: two addresses that say nothing for six seconds, and back where the peer's last request came from.
const LONGEST_WAY: Duration = Duration::from_secs(13);

impl Oracle {
    /// Everybody has gone: whether this caller, who takes what we send and what we say, got our ACKs, our BYE and, with `refers`, our REFERs.
    pub fn reached(&mut self, now: Instant, story: &Story, refers: bool) {
        let Some(case) = self.cases.get(&story.call_id).filter(|case| !case.crashed) else { return };
        let end = story.end.map(|(at, _)| at);
        let over = [end, case.released, case.hung_up, case.parted].into_iter().flatten().min();
        // One whose call ended meanwhile may have lost its sense.
        let lived = |left: &&Instant| over.is_none_or(|over| **left + LONGEST_WAY < over);
        let lived = case.refers.values().filter(lived).count();
        let told = story.referred.len();
        let unheard = case.released.filter(|released| end.is_none_or(|end| *released + GIVE_UP < end));
        if story.unacknowledged {
            self.broken(now, "ACK arrives", &story.call_id, "none for a 200 of the caller".to_owned());
        }
        if refers && lived > told {
            self.broken(now, "REFER arrives", &story.call_id, format!("{lived} REFERs had their time, {told} arrived"));
        }
        if let Some(released) = unheard {
            let what = format!("our BYE left at {released:?}, the call ended at {end:?} for the caller");
            self.broken(now, "BYE arrives", &story.call_id, what);
        }
    }

    /// The same of a centre that we called.
    pub fn reached_centre(&mut self, now: Instant, call_id: &str, visit: &Visit) {
        let Some(far) = self.fars.get(call_id).filter(|far| !far.crashed) else { return };
        let released = far.released.filter(|_| visit.answered.is_some());
        if visit.unacknowledged {
            self.broken(now, "ACK arrives", call_id, "none for a final response of the centre".to_owned());
        }
        if let Some(released) = released.filter(|released| visit.ended.is_none_or(|ended| *released + GIVE_UP < ended))
        {
            let what = format!("our BYE left at {released:?}, the call ended at {:?} for the centre", visit.ended);
            self.broken(now, "BYE arrives", call_id, what);
        }
    }
}
