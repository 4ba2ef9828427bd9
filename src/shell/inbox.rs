//! What the other threads tell the engine thread.
//!
//! One queue keeps the order of each sender. The engine takes all of it at once, so that a busy moment costs one lock and
//! one wake-up. Its bounds lie with the senders: TCP holds a permit for each piece (new work waits outside), media
//! events and acknowledgements exist only for admitted calls and always find room. `docs/ARCHITECTURE.md` lists what bounds each.

use crate::engine::{CallKey, Edition};
use crate::media::{self, StreamKey};
use crate::routing::switch::Switches;
use crate::sip::Flow;
use crate::sip::locate::{Answer, LookupKey};
use crate::time::Duration;
use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedSemaphorePermit;

/// One thing that happened on another thread.
#[derive(Debug)]
pub enum Message {
    /// Bytes of a TCP connection.
    Received {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: Vec<u8>,
        /// Given back when the engine has seen the bytes: the reader may read on.
        permit: OwnedSemaphorePermit,
    },
    /// The names in the certificate of a TLS peer; its bytes come later.
    Secured {
        /// Whose.
        connection: u64,
        /// What it is for.
        names: Vec<String>,
    },
    /// A TCP connection ended.
    Disconnected {
        /// Which.
        connection: u64,
    },
    /// Bytes could not leave by TCP.
    SendFailed {
        /// Where to.
        flow: Flow,
    },
    /// What a name has.
    LookedUp {
        /// Which question.
        lookup: LookupKey,
        /// Its answer.
        answer: Answer,
    },
    /// A stream speaks.
    Media {
        /// Which.
        stream: StreamKey,
        /// What it says.
        event: media::Event,
    },
    /// The start of a call is on disk.
    Journaled {
        /// Whose.
        call: CallKey,
    },
    /// Take no new calls; end the thread when the live ones are over, and end those that are not over in this time.
    Drain {
        /// How long.
        limit: Duration,
    },
    /// What operators turned on, whole.
    Switched(Arc<Switches>),
    /// Dialogs that the last process left open.
    Orphaned(Vec<String>),
    /// Another table was published.
    Published {
        /// What new calls follow.
        edition: Arc<Edition>,
        /// Told how long the engine took to take it over.
        taken: SyncSender<Duration>,
    },
    /// End all calls, then the thread.
    Stop,
}

/// The queue and the bell.
#[derive(Debug)]
pub struct Inbox {
    queue: Mutex<Vec<Message>>,
    waker: mio::Waker,
}

impl Inbox {
    /// The token under which the engine's poll hears the bell.
    pub const TOKEN: mio::Token = mio::Token(usize::MAX);

    /// An empty inbox that rings this poll.
    pub fn new(poll: &mio::Poll) -> io::Result<Self> {
        Ok(Self { queue: Mutex::default(), waker: mio::Waker::new(poll.registry(), Self::TOKEN)? })
    }

    /// Adds one message.
    pub fn push(&self, message: Message) {
        self.extend(std::iter::once(message));
    }

    /// Adds messages in order, with one lock and at most one wake-up.
    pub fn extend(&self, messages: impl IntoIterator<Item = Message>) {
        let (was_empty, is_empty) = {
            let mut queue = self.lock();
            let was_empty = queue.is_empty();
            queue.extend(messages);
            (was_empty, queue.is_empty())
        };
        // Who finds messages waiting knows that the bell has rung for them and the engine is on its way.
        if was_empty && !is_empty {
            // The bell is an eventfd of ours: it cannot be gone while the inbox lives, and a full counter is a bell that rang.
            let _ = self.waker.wake();
        }
    }

    /// Moves everything that waits into `into`, which must be empty and keeps its room.
    pub fn take(&self, into: &mut Vec<Message>) {
        debug_assert!(into.is_empty(), "the engine works off one batch before it takes the next");
        std::mem::swap(&mut *self.lock(), into);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        // Nothing can panic while the lock is held but a failed allocation; the queue is whole either way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::patient::patiently;

    #[test]
    fn messages_arrive_in_order_and_ring_once() {
        let mut poll = mio::Poll::new().expect("a poll");
        let inbox = Inbox::new(&poll).expect("an inbox");
        inbox.extend((1..=3).map(|call| Message::Journaled { call: CallKey(call) }));
        inbox.push(Message::Stop);
        let mut events = mio::Events::with_capacity(4);
        patiently(|| poll.poll(&mut events, Some(Duration::from_secs(5)))).expect("polls");
        assert_eq!(events.iter().map(mio::event::Event::token).collect::<Vec<_>>(), [Inbox::TOKEN]);
        let mut batch = Vec::new();
        inbox.take(&mut batch);
        let calls: Vec<_> = batch
            .iter()
            .map(|message| match message {
                Message::Journaled { call } => call.0,
                _ => 0,
            })
            .collect();
        assert_eq!(calls, [1, 2, 3, 0]);
    }
}
