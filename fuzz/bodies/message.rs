//! The reader of messages and of every typed header it has.

use ivr1357::sip::framing::{Frame, Stream};
use ivr1357::sip::header::{NameAddr, Params, Via, before_params, cseq, elements, params, sipfrag_status};
use ivr1357::sip::reader::{Framing, Message, Name, Start};
use ivr1357::sip::uri::UriView;

const NAMES: &[Name] = &[
    Name::Via,
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::ContentLength,
    Name::ContentType,
    Name::ContentEncoding,
    Name::Contact,
    Name::Route,
    Name::RecordRoute,
    Name::Require,
    Name::Accept,
    Name::Event,
    Name::SubscriptionState,
    Name::Timestamp,
    Name::Other,
];

pub fn run(data: &[u8]) {
    let datagram = Message::read(data, Framing::Datagram);
    let stream = Message::read(data, Framing::Stream);
    assert_eq!(datagram.is_some(), stream.is_some(), "how it came decides nothing about its first line");
    let (Some(message), Some(streamed)) = (datagram, stream) else { return };
    if streamed.fault.is_none() {
        assert_eq!(message.fault, None, "a stream is stricter than a datagram");
        assert_eq!(message.body, streamed.body);
        cut_alike(data, &streamed);
    }
    if let Start::Request { uri, .. } = message.start
        && let Ok(view) = UriView::parse(uri)
    {
        view.user_unescaped();
    }
    for name in NAMES {
        assert_eq!(message.value(*name), message.values(*name).next());
        for value in message.values(*name) {
            assert!(!value.contains(&b'\n') || value.windows(2).any(|pair| matches!(pair, [b'\n', b' ' | b'\t'])));
            read_value(value);
        }
    }
    sipfrag_status(message.body);
}

fn read_value(value: &[u8]) {
    cseq(value);
    before_params(value);
    read_params(params(value));
    for element in elements(value) {
        assert!(!element.is_empty());
        if let Some(via) = Via::parse(element) {
            assert!(!via.host.is_empty());
            assert!(via.rport_end.is_none_or(|end| end <= via.raw.len() && via.rport));
            via.unique_branch();
        }
        if let Some(address) = NameAddr::parse(element) {
            assert!(!address.uri.is_empty());
            read_params(address.params);
            if let Ok(view) = UriView::parse(address.uri) {
                view.user_unescaped();
            }
        }
    }
}

fn read_params(params: Params<'_>) {
    for (name, value) in params.iter() {
        assert!(!name.is_empty());
        // The first of a name counts, whatever its case.
        let name = String::from_utf8_lossy(name);
        let _ = (params.get(&name), value);
    }
}

/// The stream is cut where the reader says the message ends: two readers that disagree let a message be smuggled in.
fn cut_alike(data: &[u8], message: &Message<'_>) {
    let mut stream = Stream::default();
    stream.push(data);
    loop {
        match stream.next_frame() {
            // Empty lines before the first line.
            Frame::Ping => {}
            Frame::Message(range) => {
                let end = message.body.as_ptr_range().end as usize - data.as_ptr() as usize;
                if !message.body.is_empty() {
                    assert_eq!(range.end, end, "the stream is cut elsewhere");
                }
                return;
            }
            other => panic!("a whole message is not cut: {other:?}"),
        }
    }
}
