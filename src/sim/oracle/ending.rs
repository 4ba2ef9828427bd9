//! What must be true when all is quiet: one record a call, the right one, each key once, nothing left behind.

use super::{Case, FIRST_REPEAT, GIVE_UP, MARGIN, Oracle, tape};
use crate::media::StreamKey;
use crate::sim::caller::text;
use crate::sim::caller::{End, Story};
use crate::time::Instant;

/// What an engine still has when everybody has gone and its registrations were taken back.
#[derive(Clone, Copy, Default, Debug)]
pub struct Left {
    /// Calls.
    pub calls: usize,
    /// Registrations that are kept alive, or tried again.
    pub registrations: usize,
    /// Dialogs, transactions, lookups, and whatever finds them.
    pub held: usize,
    /// Connections that ended.
    pub connections: usize,
    /// Streams of sound.
    pub streams: usize,
    /// Ports of theirs.
    pub ports: usize,
}

impl Oracle {
    /// Holds what a caller lived through against what the engine wrote down.
    pub fn settle(&mut self, now: Instant, story: &Story, keys_are_safe: bool) {
        let Some(case) = self.cases.get(&story.call_id) else { return };
        if case.invited.is_none() {
            return;
        }
        let mut found: Vec<(&'static str, String)> = Vec::new();
        if case.decided().is_none() && !case.crashed {
            found.push(("one final response", "none at all".to_owned()));
        }
        if case.orphaned && case.released.is_none() && case.hung_up.is_none() {
            found.push(("a goodbye after a crash", "left in silence".to_owned()));
        }
        if !case.crashed {
            let talked = self.talked_with(&story.call_id);
            found.extend(outcome(case, story, talked).map(|what| ("true record", what)));
            if !case.succeeded {
                found.extend(tape::recordings(&self.law, case).map(|what| ("true record", what)));
            }
            found.extend(keys(case, story, keys_are_safe).map(|what| ("a key counts once", what)));
        }
        for (rule, what) in found {
            self.broken(now, rule, &story.call_id, what);
        }
    }

    /// An engine that nobody talks to is at rest after 64·T1.
    pub fn rested(&mut self, now: Instant, last_tick: Instant, last_traffic: Instant, over_streams: bool) {
        // A request that meets silence is given up after 64·T1, and its dialog listens for NOTIFYs as long again. Over
        // datagrams its last copy leaves T1 before it is given up; over a connection there is but one.
        let longest = if over_streams { GIVE_UP * 2 } else { GIVE_UP + FIRST_REPEAT };
        if last_tick.since(last_traffic) > longest + MARGIN {
            let what = format!("still at work {:?} after the last message", last_tick.since(last_traffic));
            self.broken(now, "back to the baseline", "", what);
        }
    }

    /// What is left when everybody has gone.
    pub fn quiet(&mut self, now: Instant, left: Left) {
        let Left { calls, registrations, held, connections, streams, ports } = left;
        self.check_acks(now + GIVE_UP);
        self.fars_settle(now);
        for (name, count) in [
            ("calls", calls),
            ("registrations", registrations),
            ("things held", held),
            ("connections", connections),
            ("streams", streams),
            ("ports", ports),
        ] {
            if count > 0 {
                self.broken(now, "back to the baseline", "", format!("{count} {name} after {GIVE_UP:?} of quiet"));
            }
        }
        let wrong: Vec<(String, u32)> = self
            .cases
            .iter()
            // Whoever is sent elsewhere while draining, or is one too many, has no record: nothing was done for him here.
            .filter(|(_, case)| case.ends == 0 && !case.crashed && !case.unwelcome && !case.shed)
            // A call that was taken over is recorded where it went on; an attempt to take one over is no call.
            .filter(|(_, case)| !case.succeeded && (case.heir_of.is_none() || case.answered.is_some()))
            .map(|(call_id, case)| (call_id.clone(), case.ends))
            .collect();
        for (call_id, ends) in wrong {
            self.broken(now, "one record", &call_id, format!("{ends} records"));
        }
    }
}

/// Whether outcome and attempts of the record are what the caller experienced.
fn outcome(case: &Case, story: &Story, talked: Option<(&str, StreamKey)>) -> Option<String> {
    if case.succeeded {
        return None;
    }
    let record = case.end.as_ref()?;
    let outcome = record["outcome"].as_str().unwrap_or("none");
    let cause = record["cause"].as_str().unwrap_or("none");
    // A call that would end in another way, and left a message before.
    let left = record["messages"].as_array().into_iter().flatten().any(|message| message["result"] == "kept");
    let outcome = match outcome {
        "message" if left && cause == "caller-hung-up" => "abandoned",
        "message" if left && cause == "announced" => "announced",
        other => other,
    };
    let refused = case.decided().filter(|status| *status >= 300);
    let expected: &[&str] = match refused {
        Some(487) => &["cancelled"],
        // CANCEL and our own refusal may cross.
        Some(_) if case.cancelled => &["refused", "cancelled"],
        Some(_) if case.answered.is_none() => &["refused"],
        _ if case.told => &["transferred"],
        _ if case.hung_up.is_some() && case.late_bye => &["announced", "failed"],
        _ if case.hung_up.is_some() => {
            // A media answer that never came, or a stop, may cross the caller's BYE.
            if case.connected.is_some() { &["abandoned"] } else { &["abandoned", "failed"] }
        }
        _ if case.released.is_some() => &["announced", "failed"],
        _ if matches!(story.end, Some((_, End::Vanished))) => &["announced", "failed", "abandoned"],
        // Their BYE, or ours, never arrived: the network was that bad.
        _ => return None,
    };
    if !expected.contains(&outcome) {
        return Some(format!("{outcome} ({cause}), but the caller {:?}, expected {expected:?}", story.end));
    }
    if refused.is_some() && outcome == "refused" && record["status"].as_u64() != refused.map(u64::from) {
        return Some(format!("refused with {refused:?}, recorded as {}", record["status"]));
    }
    let attempts = record["attempts"].as_array().map_or(0, Vec::len);
    let tried = case.refers_before + case.refers.len() + case.placed.len() + case.unopened;
    if attempts != tried {
        return Some(format!("{attempts} attempts recorded, {tried} REFERs and INVITEs sent"));
    }
    let reached = record["attempts"].as_array()?.iter().find(|one| one["result"] == "reached");
    if talked.is_some() && reached.is_none() {
        return Some("a talk with a centre, and none reached on record".to_owned());
    }
    if let (Some(reached), "transferred") = (reached, outcome) {
        let target = text::destination(reached["target"].as_str().unwrap_or("")).to_owned();
        if let Some((centre, stream)) = talked {
            if centre != target {
                return Some(format!("reached {target} on record, but the caller was bridged with {centre}"));
            }
            // Every eighth media thread is dead and tells nothing.
            if !stream.0.is_multiple_of(8) && record["center_media"].is_null() {
                return Some("nothing on record of how the centre sounded".to_owned());
            }
            return None;
        }
        let spoke = story.reached.iter().any(|(_, known)| *known == target);
        if !spoke && !story.reached.is_empty() {
            return Some(format!("reached {target} on record, but the caller spoke to {:?}", story.reached));
        }
    }
    None
}

/// Keys that counted must be keys that were pressed, in their order, none twice. When nothing can lose a packet,
/// every key pressed must have been heard.
fn keys(case: &Case, story: &Story, safe: bool) -> Option<String> {
    let pressed: String = story.pressed.iter().map(|(_, key)| *key).collect();
    for (name, keys) in [("heard", &case.heard), ("counted", &case.counted)] {
        let mut rest = pressed.chars();
        if !keys.chars().all(|key| rest.any(|known| known == key)) {
            return Some(format!("pressed {pressed:?}, {name} {keys:?}"));
        }
    }
    // A key pressed as the call ends may come too late to be heard; one pressed before the ACK that answers a late
    // offer comes before anything was agreed.
    let (from, until) = (case.connected?, case.parted.or(case.released).or(case.hung_up)?);
    let in_time = story.pressed.iter().filter(|(at, _)| from < *at && *at + MARGIN * 4 < until).count();
    if safe && !case.heard.is_empty() && case.heard.len() < in_time {
        return Some(format!("pressed {pressed:?}, heard only {:?}", case.heard));
    }
    None
}
