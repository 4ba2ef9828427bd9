//! The thread that encodes prompts beside the calls.
//!
//! A worker encodes the beginning of what a stream is to play, if nobody has played it in that codec; the rest is done here, far faster than it
//! is heard. Many clips are encoded side by side, so that none waits for a long one.

use crate::media::clip::Encoding;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};

/// Where workers leave the rest of their work. The thread ends with the last of them.
#[derive(Clone)]
pub(super) struct Encoder(Sender<Encoding>);

impl Encoder {
    pub(super) fn start() -> io::Result<Self> {
        let (work, inbox) = channel();
        std::thread::Builder::new().name("encoder".to_owned()).spawn(move || run(&inbox))?;
        Ok(Self(work))
    }

    /// Goes on with this one. Were the thread gone, it would be done here: a prompt must be heard.
    pub(super) fn go_on(&self, encoding: Encoding) {
        if let Err(lost) = self.0.send(encoding) {
            let mut encoding = lost.0;
            while encoding.step() {}
        }
    }
}

fn run(inbox: &Receiver<Encoding>) {
    let mut work = VecDeque::new();
    loop {
        let more = match work.is_empty() {
            true => inbox.recv().map_err(|RecvError| TryRecvError::Disconnected),
            false => inbox.try_recv(),
        };
        match more {
            // What has just begun is heard first.
            Ok(encoding) => work.push_front(encoding),
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
        if let Some(mut encoding) = work.pop_front()
            && encoding.step()
        {
            work.push_back(encoding);
        }
    }
}
