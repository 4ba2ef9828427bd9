//! The registry of live calls: what console, metrics and shutdown see of the engine.
//!
//! Fed by the engine thread from `Output::Live`; read by everybody else. Its guards lock a shard of the map: hold one for
//! a moment, never across an await and never two at once (`dashmap` would hang for good).

use crate::engine::{CallKey, News};
use crate::shell::alarm::Alarms;
use crate::shell::media::Trouble;
use crate::time::Wall;
use dashmap::DashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{debug, info, warn};

/// One call as others may see it: masked by the engine already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveCall {
    /// Masked.
    pub caller: String,
    /// The number.
    pub dialled: String,
    /// The row of the table where the caller is; empty before the first.
    pub row: Arc<str>,
    /// How many keys counted so far.
    pub keys: u32,
}

/// How the registration of a trunk stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// Which trunk.
    pub trunk: String,
    /// Calls reach us by it until then, and longer once it is refreshed; `None`: they do not.
    pub until: Option<Wall>,
    /// The registrar's last final response; 408 for silence, 503 where it could not be reached.
    pub status: Option<u16>,
}

/// All live calls, and how the trunks stand.
#[derive(Debug, Default)]
pub struct Live {
    calls: DashMap<CallKey, LiveCall>,
    registrations: Mutex<Vec<Registration>>,
    troubles: Mutex<Vec<Trouble>>,
    alarms: Arc<Alarms>,
    watcher: Option<Sender<(CallKey, News)>>,
}

impl Live {
    /// A registry whose news also go to a watcher: the demo prints them as they happen.
    pub fn watched() -> (Self, Receiver<(CallKey, News)>) {
        let (sender, receiver) = channel();
        (Self { watcher: Some(sender), ..Self::default() }, receiver)
    }

    /// News of a call.
    pub fn tell(&self, call: CallKey, news: News) {
        if let Some(watcher) = &self.watcher {
            // A watcher that left is no trouble of the engine's.
            let _ = watcher.send((call, news.clone()));
        }
        match news {
            News::Began { caller, dialled } => {
                self.calls.insert(call, LiveCall { caller, dialled, row: Arc::from(""), keys: 0 });
            }
            News::Entered { row } => {
                debug!(%call, row = &*row, "row entered");
                if let Some(mut live) = self.calls.get_mut(&call) {
                    live.row = row;
                }
            }
            News::Key { key } => {
                match key {
                    Some(key) => debug!(%call, %key, "key counted"),
                    None => debug!(%call, "a key counted"),
                }
                if let Some(mut live) = self.calls.get_mut(&call) {
                    live.keys += 1;
                }
            }
            News::Ended { .. } => {
                self.calls.remove(&call);
            }
        }
    }

    /// How the registrations stand now; the log hears of those that came or went.
    pub fn registered(&self, registrations: Vec<Registration>) {
        let mut known = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        for now in &registrations {
            let Registration { trunk, until, status } = now;
            let before = known.iter().find(|before| before.trunk == *trunk);
            let was = before.is_some_and(|before| before.until.is_some());
            match (was, until.is_some()) {
                (false, true) => info!(trunk, status, "registered"),
                (true, false) => warn!(trunk, status, "no longer registered"),
                (false, false) if status.is_some() && before.is_none_or(|before| before.status != *status) => {
                    warn!(trunk, status, "not registered");
                }
                (false, false) | (true, true) => {}
            }
        }
        *known = registrations;
    }

    /// How they stood when they last changed.
    pub fn registrations(&self) -> Vec<Registration> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the media threads stand now.
    pub fn sounded(&self, troubles: Vec<Trouble>) {
        *self.troubles.lock().unwrap_or_else(PoisonError::into_inner) = troubles;
    }

    /// How the media threads stood when they were last looked at, a moment ago.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What threads raise when something is lost.
    pub fn alarms(&self) -> Arc<Alarms> {
        Arc::clone(&self.alarms)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// All of them, the oldest first (a call key begins with its time).
    pub fn list(&self) -> Vec<(CallKey, LiveCall)> {
        let mut list: Vec<_> = self.calls.iter().map(|entry| (*entry.key(), entry.value().clone())).collect();
        list.sort_unstable_by_key(|(call, _)| *call);
        list
    }

    /// "2 calls live: menu.main 1, center.kosmes 1".
    pub fn summary(&self) -> String {
        let mut rows = std::collections::BTreeMap::<String, usize>::new();
        for (_, call) in self.list() {
            let row = if call.row.is_empty() { "beginning".to_owned() } else { call.row.to_string() };
            *rows.entry(row).or_default() += 1;
        }
        let total: usize = rows.values().sum();
        let noun = if total == 1 { "call" } else { "calls" };
        let rows: Vec<_> = rows.iter().map(|(row, count)| format!("{row} {count}")).collect();
        if rows.is_empty() { "no calls live".to_owned() } else { format!("{total} {noun} live: {}", rows.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_listed_from_its_beginning_to_its_end() {
        let live = Live::default();
        assert_eq!(live.summary(), "no calls live");
        let began = News::Began { caller: "010****5678".to_owned(), dialled: "1357".to_owned() };
        live.tell(CallKey(2), began.clone());
        live.tell(CallKey(1), began);
        live.tell(CallKey(1), News::Entered { row: Arc::from("menu.main") });
        assert_eq!(live.summary(), "2 calls live: beginning 1, menu.main 1");
        assert_eq!(live.list()[0].1.row, Arc::from("menu.main"));
        live.tell(CallKey(1), News::Ended { cause: "caller_bye" });
        live.tell(CallKey(1), News::Ended { cause: "caller_bye" });
        assert_eq!((live.len(), live.is_empty()), (1, false));
    }

    #[test]
    fn a_watcher_hears_all_news_in_order() {
        let (live, news) = Live::watched();
        live.tell(CallKey(1), News::Entered { row: Arc::from("menu.main") });
        live.tell(CallKey(1), News::Ended { cause: "done" });
        drop(live);
        let heard: Vec<_> = news.iter().map(|(_, news)| news).collect();
        assert_eq!(heard, [News::Entered { row: Arc::from("menu.main") }, News::Ended { cause: "done" }]);
    }
}
