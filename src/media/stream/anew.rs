//! A stream that an error of ours stopped in the middle of its work.

use super::{Loss, Reception, Stream};
use crate::media::Event;
use crate::time::Instant;

impl Stream {
    /// Nothing half done is left, what was agreed holds, and the peer meets a new source. What was under way is told as over, so that the call goes
    /// on: a prompt is finished, a recording has failed, keys were not pressed. What is played again and again goes on.
    pub fn anew(&mut self, now: Instant, events: &mut Vec<Event>) {
        // Another number as random as the last one (RFC 3550 §8.1): the multiplier is odd.
        let ssrc = self.ssrc.wrapping_mul(0x9e37_79b1).wrapping_add(0x1357);
        let fresh = Self::new(ssrc, self.sequence.wrapping_add(1), self.timestamp).with_patience(self.patience);
        let old = std::mem::replace(self, fresh);
        self.reception = old.reception.map(|_| Reception::default());
        (self.heard, self.forged, self.unsent) = (now, old.forged, old.unsent);
        // A peer whose numbers began anew long ago is understood by its rounds alone (RFC 3711 §3.3.1).
        if let Some(mut srtp) = old.srtp {
            srtp.from_another_source();
            self.srtp = Some(srtp);
            self.sequence &= 0x7fff;
        }
        if let Some(chosen) = old.chosen {
            self.configure(now, chosen);
        }
        match old.playing {
            Some(playing) if playing.repeat => self.playing = Some(playing),
            Some(playing) => events.push(Event::Finished(playing.play)),
            None => {}
        }
        if old.pressing.is_some_and(|presses| !presses.is_passed_on()) {
            events.push(Event::Pressed(0));
        }
        old.taps.into_iter().for_each(|mut tap| tap.fail(Loss::Broken));
    }
}
