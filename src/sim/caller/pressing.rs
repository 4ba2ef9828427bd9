//! A caller presses keys: as events, or as INFO, one at a time.

use super::keys::{self, EventForm, KeyForm};
use super::{Packet, Phone, Purpose, Stage, Task};
use crate::time::{Duration, Instant};

impl Phone {
    pub(super) fn press(&mut self, now: Instant, key: char, out: &mut Vec<Packet>) {
        if !self.hears() || self.story.media.is_none() {
            return;
        }
        let form = match self.manner.keys {
            KeyForm::Events(form) => EventForm { clock: self.event_clock, ..form },
            KeyForm::Both => EventForm { clock: self.event_clock, ..EventForm::default() },
            KeyForm::InfoRelay | KeyForm::Info => {
                self.waiting_keys.push_back(key);
                return self.next_info(now, out);
            }
        };
        let Some(event) = keys::event_code(key) else { return };
        self.story.pressed.push((now, key));
        if self.manner.keys == KeyForm::Both && self.stage == Stage::Talking {
            self.inform(now, key, out);
        }
        for (at, bytes) in self.sender.press(now, event, self.event_type, form) {
            self.agenda.push((at, Task::Sound(bytes)));
        }
        self.tick(now, out);
    }

    /// Words as packets: one in five is enough to know that somebody speaks.
    pub(super) fn speak(&mut self, now: Instant, time: Duration, out: &mut Vec<Packet>) {
        if !self.hears() || self.story.media.is_none() {
            return;
        }
        for (at, bytes) in self.sender.speak(now, time) {
            self.agenda.push((at, Task::Sound(bytes)));
        }
        self.tick(now, out);
    }

    pub(super) fn next_info(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let open = self.requests.iter().any(|request| request.purpose == Purpose::Info);
        if open || self.stage != Stage::Talking {
            return;
        }
        let Some(key) = self.waiting_keys.pop_front() else { return };
        self.story.pressed.push((now, key));
        self.inform(now, key, out);
    }

    pub(super) fn inform(&mut self, now: Instant, key: char, out: &mut Vec<Packet>) {
        let (content, body) = match self.manner.keys {
            KeyForm::InfoRelay => ("application/dtmf-relay", format!("Signal={key}\r\nDuration=160\r\n")),
            KeyForm::Info | KeyForm::Events(_) | KeyForm::Both => ("application/dtmf", key.to_string()),
        };
        self.cseq += 1;
        let branch = format!("z9hG4bKi{}", self.random.token(8));
        let bytes = self.request("INFO", self.cseq, &branch, &format!("Content-Type: {content}\r\n"), &body);
        self.last_info.clone_from(&bytes);
        self.send_request(now, Purpose::Info, "INFO", self.cseq, bytes, out);
    }
}
