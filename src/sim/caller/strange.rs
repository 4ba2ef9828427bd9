//! What a telephone does that no caller has asked for: offers that overlap, requests of another age, broken text.
//! All but a hang-up leaves the call as it was.

use super::manner::Strange;
use super::text::Message;
use super::{By, HoldForm, Packet, Phone, Purpose, Stage};
use crate::time::Instant;

impl Phone {
    pub(super) fn strange(&mut self, now: Instant, strange: Strange, out: &mut Vec<Packet>) {
        if self.stage != Stage::Talking {
            return;
        }
        match strange {
            Strange::Offerless { answers } => {
                if self.is_offering() || self.story.holding {
                    return;
                }
                self.inside(now, Purpose::Offerless { answers }, "INVITE", "", "", out);
            }
            Strange::Overlap { update } => {
                if self.is_offering() || self.story.holding {
                    return;
                }
                self.reinvite(now, None, out);
                let offer = self.description(None);
                if update {
                    self.inside(now, Purpose::Update { hold: None }, "UPDATE", "", &offer, out);
                } else {
                    self.inside(now, Purpose::Second, "INVITE", "", &offer, out);
                }
            }
            Strange::Update { offer: false } => self.inside(now, Purpose::Strange, "UPDATE", "", "", out),
            Strange::Update { offer: true } => self.update(now, None, out),
            Strange::UpdateHold(hold) => self.update(now, hold, out),
            Strange::ByeInReinvite => {
                self.reinvite(now, None, out);
                self.hang_up(now, out);
            }
            Strange::OldCseq => {
                let branch = format!("z9hG4bKo{}", self.random.token(8));
                let bytes = self.request("INVITE", 1, &branch, "", &self.description(None));
                out.push(self.post(self.server, bytes));
            }
            Strange::Method(method) => {
                let more = if method == "REFER" { "Refer-To: <sip:1@elsewhere.example>\r\n" } else { "" };
                self.inside(now, Purpose::Strange, method, more, "", out);
            }
            Strange::NotifyOfNothing => {
                let more = "Event: presence\r\nSubscription-State: active;expires=60\r\nContent-Type: text/plain\r\n";
                self.inside(now, Purpose::Strange, "NOTIFY", more, "here", out);
            }
            Strange::UnknownCancel => {
                let branch = format!("z9hG4bKu{}", self.random.token(8));
                let bytes = self.request("CANCEL", 1, &branch, "", "");
                out.push(self.post(self.server, bytes));
            }
            Strange::Broken(way) => {
                let bytes = self.broken_bye(way);
                out.push(Packet { from: self.at, to: self.server, bytes, by: By::Void });
            }
            Strange::InfoAgain if self.last_info.is_empty() => {}
            Strange::InfoAgain => out.push(self.post(self.server, self.last_info.clone())),
            Strange::BrokenStream => {
                let text = format!(
                    "BYE sip:1357@{} SIP/2.0\r\nVia: SIP/2.0/TCP {};branch=z9hG4bKx\r\nFrom: <sip:x@x>;tag=x\r\n\
                     To: <sip:y@y>;tag=y\r\nCall-ID: torn\r\nCSeq: 1 BYE\r\nContent-Length: 90\r\nContent-Length: 7\r\n\r\n",
                    self.server, self.at
                );
                out.push(self.post(self.server, text.into_bytes()));
            }
            Strange::Oversized => {
                let branch = format!("z9hG4bKv{}", self.random.token(8));
                let more = format!("Subject: {}\r\n", "x".repeat(20_000));
                let bytes = self.request("BYE", self.cseq + 50, &branch, &more, "");
                out.push(Packet { from: self.at, to: self.server, bytes, by: By::Void });
            }
        }
    }

    fn update(&mut self, now: Instant, hold: Option<HoldForm>, out: &mut Vec<Packet>) {
        if self.is_offering() {
            return;
        }
        if hold.is_some() {
            self.story.holding = true;
        }
        let offer = self.description(hold);
        self.inside(now, Purpose::Update { hold }, "UPDATE", "", &offer, out);
    }

    /// A request inside the call, with the next CSeq.
    pub(super) fn inside(
        &mut self,
        now: Instant,
        purpose: Purpose,
        method: &'static str,
        more: &str,
        body: &str,
        out: &mut Vec<Packet>,
    ) {
        self.cseq += 1;
        let branch = format!("z9hG4bKs{}", self.random.token(8));
        let bytes = self.request(method, self.cseq, &branch, more, body);
        self.send_request(now, purpose, method, self.cseq, bytes, out);
    }

    /// The answer to a re-INVITE that nothing hangs on; a 2xx has its ACK with this body.
    pub(super) fn answered_strange(&mut self, status: u16, message: &Message<'_>, body: &str, out: &mut Vec<Packet>) {
        if status >= 300 {
            return self.acknowledge_refusal(message, out);
        }
        let cseq = message.cseq().map_or(0, |(cseq, _)| cseq);
        let branch = format!("z9hG4bKa{}", self.random.token(8));
        let ack = self.request("ACK", cseq, &branch, "", body);
        self.acks.insert(cseq, ack.clone());
        out.push(self.post(self.server, ack));
    }

    /// A BYE of this very call that is no BYE.
    fn broken_bye(&mut self, way: u8) -> Vec<u8> {
        let branch = format!("z9hG4bKw{}", self.random.token(8));
        let cseq = self.cseq + 50;
        let good = String::from_utf8_lossy(&self.request("BYE", cseq, &branch, "", "")).into_owned();
        let without = |name: &str| {
            let lines = good.split("\r\n").filter(|line| !line.starts_with(name));
            lines.collect::<Vec<_>>().join("\r\n")
        };
        match way {
            0 => good.replace(&format!("CSeq: {cseq} BYE"), &format!("CSeq: {cseq} INVITE")),
            1 => good.replace(&format!(";tag={}", self.remote_tag), ";tag=elsewhere"),
            2 => good.replace(&format!(";tag={}", self.tag), ";tag=elsewhere"),
            3 => without("Call-ID:"),
            4 => good.replace("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 4"),
            5 => good.replace("Content-Length: 0", "Content-Length: 40"),
            6 => good.replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1),
            7 => good.replace("Content-Length: 0", "Require: frobnication\r\nContent-Length: 0"),
            8 => good.split("Call-ID:").next().unwrap_or("").to_owned(),
            9 => good.replace("Content-Length: 0", "CSeq: 1 BYE\r\nContent-Length: 0"),
            _ => good.replace("Content-Length: 0", "Content-Length: -1"),
        }
        .into_bytes()
    }

    /// What somebody would send who has seen this call on the wire and wants it to end, or to be another's.
    pub fn forged(&self, method: &str, from: std::net::SocketAddr) -> Vec<u8> {
        let branch = if method == "CANCEL" { self.invite_branch.clone() } else { format!("z9hG4bKf{method}") };
        let cseq = if method == "CANCEL" { 1 } else { self.cseq + 20 };
        let bytes = self.request(method, cseq, &branch, "", "");
        String::from_utf8_lossy(&bytes).replace(&self.at.to_string(), &from.to_string()).into_bytes()
    }

    /// The connection to the engine is gone. What has no answer leaves again on the next one, or has failed.
    pub fn disconnected(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let resends = self.manner.tcp.is_some_and(|form| form.resends);
        if self.stage == Stage::Gone {
            return;
        }
        let server = self.server;
        let mut again = Vec::new();
        for request in self.requests.iter_mut().filter(|request| request.to == server) {
            if resends {
                again.push(request.bytes.clone());
            } else {
                request.until = request.until.min(now);
            }
        }
        out.extend(again.into_iter().map(|bytes| self.post(server, bytes)));
    }
}
