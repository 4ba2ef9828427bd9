//! A dialog on paper: what a process that comes later needs to say BYE in it (RFC 3261 §12.2.1.1, §15).
//!
//! The paper holds a BYE as §12.2.1.1 writes it but for its Via, which belongs to whoever sends it. Display names are left
//! out: a name is nobody's address.

use super::{Dialog, NOBODY, State, usable};
use crate::limits::CSEQ_JUMP;
use crate::sip::header::{NameAddr, cseq, elements};
use crate::sip::paper::{self, Paper};
use crate::sip::reader::{Message, Name, Start};
use crate::sip::trunk::TrunkId;
use crate::sip::writer::{write_header, write_number};
use crate::time::Duration;
use std::collections::VecDeque;

impl Dialog {
    /// As it stands, with the name of its trunk. The number of its BYE is above any that the dialog will use (§12.2.1.1 wants no
    /// more than that), so that what is saved holds until the target changes.
    pub fn saved(&self, trunk: Option<&str>) -> String {
        let mut bye = b"BYE ".to_vec();
        bye.extend_from_slice(&self.target);
        bye.extend_from_slice(b" SIP/2.0\r\n");
        for route in &self.routes {
            write_header(&mut bye, b"Route: ", route);
        }
        write_nameless(&mut bye, b"From: ", &self.local);
        write_nameless(&mut bye, b"To: ", &self.remote);
        write_header(&mut bye, b"Call-ID: ", &self.call_id);
        bye.extend_from_slice(b"CSeq: ");
        write_number(&mut bye, u64::from(self.local_cseq.saturating_add(CSEQ_JUMP)));
        bye.extend_from_slice(b" BYE\r\n\r\n");
        paper::write(self.flow, trunk, &bye)
    }

    /// A dialog that an earlier process saved.
    pub fn restored(paper: &Paper, message: &Message<'_>, trunk: Option<TrunkId>) -> Option<Self> {
        let flow = paper.flow;
        let Start::Request { uri, .. } = message.start else { return None };
        let (from, to) = (message.value(Name::From)?, message.value(Name::To)?);
        let (number, _) = cseq(message.value(Name::CSeq)?)?;
        Some(Self {
            call_id: message.value(Name::CallId)?.into(),
            local_tag: std::str::from_utf8(NameAddr::parse(from)?.tag()?).ok()?.into(),
            remote_tag: NameAddr::parse(to).and_then(|to| to.tag()).unwrap_or_default().into(),
            local: from.into(),
            remote: to.into(),
            target: usable(uri).unwrap_or_else(|| NOBODY.into()),
            routes: message.values(Name::Route).flat_map(elements).map(Box::from).collect(),
            flow,
            next: flow,
            found: None,
            finding: None,
            local_cseq: number.saturating_sub(1),
            remote_cseq: 0,
            infos: VecDeque::new(),
            // Whoever we call may answer, also where the settings know it no longer.
            placed_to: Some(flow.remote.ip()),
            refers: Vec::new(),
            unacknowledged: None,
            trunk,
            timer: None,
            updates: false,
            described: Vec::new(),
            refreshing: None,
            least_interval: Duration::ZERO,
            refused_422: 0,
            refer_transactions: Vec::new(),
            place: None,
            replaces: None,
            scheduled: None,
            state: State::Live { open: None, success: None, bye: None },
        })
    }
}

/// An address without its display name, as far as it can be read.
fn write_nameless(out: &mut Vec<u8>, label: &[u8], value: &[u8]) {
    let Some(address) = NameAddr::parse(value) else { return write_header(out, label, value) };
    let mut nameless = [b"<", address.uri, b">"].concat();
    if let Some(tag) = address.tag() {
        nameless.extend_from_slice(b";tag=");
        nameless.extend_from_slice(tag);
    }
    write_header(out, label, &nameless);
}
