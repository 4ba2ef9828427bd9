//! What a telephone writes: its requests and descriptions, as text.

use super::manner::{HoldForm, Manner};
use super::text::Message;
use super::{By, Packet, Phone};
use std::fmt::Write as _;
use std::net::SocketAddr;

impl Phone {
    /// The ACK of a refusal belongs to the INVITE's own transaction (RFC 3261 §17.1.1.3).
    pub(super) fn acknowledge_refusal(&mut self, message: &Message<'_>, out: &mut Vec<Packet>) {
        let Some((cseq, _)) = message.cseq() else {
            return;
        };
        let text = format!(
            "ACK sip:{}@{} SIP/2.0\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} ACK\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            self.manner.dials,
            self.server,
            message.get("Via").unwrap_or(""),
            message.get("From").unwrap_or(""),
            message.get("To").unwrap_or(""),
            message.call_id(),
        );
        out.push(self.post(self.server, text.into_bytes()));
    }

    /// A request to the engine. `more` are whole header lines.
    pub(super) fn request(&self, method: &str, cseq: u32, branch: &str, more: &str, body: &str) -> Vec<u8> {
        let uri = if self.remote.is_empty() || method == "CANCEL" {
            format!("sip:{}@{}", self.manner.dials, self.server)
        } else {
            self.remote.clone()
        };
        self.request_to(&uri, method, cseq, branch, more, body)
    }

    pub(super) fn request_to(
        &self,
        uri: &str,
        method: &str,
        cseq: u32,
        branch: &str,
        more: &str,
        body: &str,
    ) -> Vec<u8> {
        let mut text = String::with_capacity(768);
        let _ = write!(text, "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{} {};rport", self.transport(), self.at);
        if !branch.is_empty() {
            let _ = write!(text, ";branch={branch}");
        }
        let _ = write!(
            text,
            "\r\nMax-Forwards: 70\r\nFrom: <sip:{0}@{1}>;tag={2}\r\nTo: <sip:{3}@{4}>",
            self.story.number, self.at, self.tag, self.manner.dials, self.server
        );
        if !self.remote_tag.is_empty() && method != "CANCEL" {
            let _ = write!(text, ";tag={}", self.remote_tag);
        }
        let _ = write!(
            text,
            "\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: {}\r\n",
            self.story.call_id,
            self.contact()
        );
        if !body.is_empty() && !more.contains("Content-Type") {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        let _ = write!(text, "{more}Content-Length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }

    /// What stands in a Via.
    pub(super) fn transport(&self) -> &'static str {
        if self.manner.tcp.is_some() { "TCP" } else { "UDP" }
    }

    /// Where the engine reaches this telephone.
    pub(super) fn contact(&self) -> String {
        let over = if self.manner.tcp.is_some() { ";transport=tcp" } else { "" };
        let host = self.manner.host.clone().unwrap_or_else(|| self.at.to_string());
        format!("<sip:{}@{host}{over}>", self.story.number)
    }

    /// Something to the engine, or to a centre: those are reached by datagrams.
    pub(super) fn post(&self, to: SocketAddr, bytes: Vec<u8>) -> Packet {
        Self::packet(&self.manner, self.at, self.server, to, bytes)
    }

    pub(super) fn packet(
        manner: &Manner,
        from: SocketAddr,
        server: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    ) -> Packet {
        let by = if manner.tcp.is_some() && to == server { By::Connection } else { By::Datagram };
        Packet { from, to, bytes, by }
    }

    pub(super) fn description(&self, hold: Option<HoldForm>) -> String {
        let ip = self.sound.ip();
        let listen = if hold == Some(HoldForm::ZeroAddress) { "0.0.0.0".to_owned() } else { ip.to_string() };
        let direction = match hold {
            None | Some(HoldForm::ZeroAddress) => "sendrecv",
            Some(HoldForm::SendOnly) => "sendonly",
            Some(HoldForm::Inactive) => "inactive",
        };
        format!(
            "v=0\r\no=- {0} {1} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {listen}\r\nt=0 0\r\nm=audio {2} RTP/AVP 8 0 {3}\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:{3} telephone-event/{4}\r\na=fmtp:{3} 0-15\r\n\
             a=ptime:20\r\na={direction}\r\n",
            self.sound.port(),
            self.cseq,
            self.sound.port(),
            self.event_type,
            u32::from(self.event_clock) * 1000,
        )
    }

    /// Where the engine listens, and what it calls telephone-event.
    pub(super) fn learn_media(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let mut host = None;
        let mut port = None;
        for line in text.lines() {
            if let Some(address) = line.strip_prefix("c=IN IP4 ") {
                host = address.trim().parse().ok();
            } else if let Some(media) = line.strip_prefix("m=audio ") {
                port = media.split(' ').next().and_then(|port| port.parse().ok());
            } else if let Some(map) = line.strip_prefix("a=rtpmap:")
                && let Some((number, name)) = map.split_once(' ')
                && let Some(clock) = name.to_ascii_lowercase().strip_prefix("telephone-event/")
            {
                self.event_type = number.parse().unwrap_or(self.event_type);
                self.event_clock = clock.trim().parse::<u32>().map_or(8, |hertz| (hertz / 1000) as u8);
            }
        }
        if let (Some(host), Some(port)) = (host, port) {
            self.story.media = Some(SocketAddr::new(host, port));
        }
    }
}
