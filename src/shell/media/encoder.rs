//! The thread that encodes prompts beside the calls.
//!
//! A worker encodes the beginning of what a stream is to play, if nobody has played it in that codec; the rest is done here, far faster than it
//! is heard. What streams play goes on side by side, each in the order in which it is heard, and whoever is least ahead goes first.

use crate::media::clip::Encoding;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use tracing::error;

/// Where workers leave the rest of their work: a prompt in a codec at most once, so that the queue is never longer than the editions. The thread ends with
/// the last of them.
#[derive(Clone)]
pub(super) struct Encoder(Sender<VecDeque<Encoding>>);

/// What one stream is to play.
struct Task {
    rest: VecDeque<Encoding>,
    /// Stretches encoded here.
    ahead: usize,
}

impl Encoder {
    pub(super) fn start() -> io::Result<Self> {
        let (work, inbox) = channel();
        std::thread::Builder::new().name("encoder".to_owned()).spawn(move || run(&inbox))?;
        Ok(Self(work))
    }

    /// Goes on with these, in this order. Were the thread gone, it would be done here: a prompt must be heard.
    pub(super) fn go_on(&self, rest: VecDeque<Encoding>) {
        if let Err(lost) = self.0.send(rest) {
            let mut task = Task { rest: lost.0, ahead: 0 };
            while task.step() {}
        }
    }
}

fn run(inbox: &Receiver<VecDeque<Encoding>>) {
    let mut tasks: Vec<Task> = Vec::new();
    loop {
        if tasks.is_empty() {
            let Ok(rest) = inbox.recv() else { return };
            tasks.push(Task { rest, ahead: 0 });
        }
        tasks.extend(inbox.try_iter().map(|rest| Task { rest, ahead: 0 }));
        if let Some(least) = (0..tasks.len()).min_by_key(|&at| tasks.get(at).map(|task| task.ahead))
            && let Some(task) = tasks.get_mut(least)
            && !task.step()
        {
            tasks.swap_remove(least);
        }
    }
}

impl Task {
    /// Encodes what is heard next; `false` when nothing is left.
    fn step(&mut self) -> bool {
        self.ahead += 1;
        if let Some(encoding) = self.rest.front_mut() {
            // An error of ours in one prompt must not silence the others.
            let more = catch_unwind(AssertUnwindSafe(|| encoding.step()));
            if more.is_err() {
                error!(?encoding, "a prompt could not be encoded by an error of ours: the rest of it is silence");
            }
            if !more.unwrap_or(false) {
                self.rest.pop_front();
            }
        }
        !self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clip::{Clip, Piece};
    use crate::media::codec::Form;
    use crate::sdp::Codec;
    use std::sync::Arc;

    /// So many seconds of a sound.
    fn clip(seconds: usize) -> Arc<Clip> {
        Arc::new(Clip::new("new", (0..8000 * seconds).map(|n| (n % 97) as i16 * 200).collect(), None))
    }

    fn has(clip: &Clip, second: usize) -> bool {
        matches!(clip.at(Form::of(Codec::G722), second * 8000, 1), Piece::Sound(..))
    }

    #[test]
    fn what_streams_play_goes_on_side_by_side_each_in_its_order() {
        let [long, short, last] = [clip(20), clip(1), clip(1)];
        let (work, inbox) = channel();
        let encodings = |clips: &[&Arc<Clip>]| {
            clips.iter().filter_map(|clip| clip.encode(Form::of(Codec::G722))).collect::<VecDeque<_>>()
        };
        let mut tasks =
            [Task { rest: encodings(&[&long, &last]), ahead: 0 }, Task { rest: encodings(&[&short]), ahead: 0 }];
        for _ in 0..5 {
            assert!(tasks[0].step());
        }
        assert!(has(&long, 0) && !has(&long, 1) && !has(&last, 0), "in the order in which it is heard");
        // Whoever is least ahead goes first: the short one is done long before the long one.
        tasks.into_iter().for_each(|task| work.send(task.rest).expect("there is an inbox"));
        drop(work);
        run(&inbox);
        assert!(has(&short, 0) && has(&long, 19) && has(&last, 0), "all of it comes to its end");
    }

    #[test]
    fn two_who_begin_one_prompt_at_once_hear_the_same() {
        let (alone, shared) = (clip(1), clip(1));
        let mut encoding = alone.encode(Form::of(Codec::G722)).expect("nobody has it");
        while encoding.step() {}
        let mut encoding = shared.encode(Form::of(Codec::G722)).expect("nobody has it");
        shared.begin_at_once(Form::of(Codec::G722));
        assert!(has(&shared, 0), "before the one who has the work came to it");
        while encoding.step() {}
        assert!(alone.encoded(Codec::G722) == shared.encoded(Codec::G722));
    }
}
