//! The cutting of byte streams: the same messages however the bytes trickle in.

use ivr1357::sip::framing::{Frame, Stream};
use ivr1357::sip::reader::{Framing, Message, Name, content_length};

#[derive(PartialEq, Debug)]
enum Cut {
    Message(Vec<u8>),
    Ping,
    Broken,
}

pub fn run(data: &[u8]) {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let whole = cuts(bytes, bytes.len().max(1));
    let pieces = cuts(bytes, usize::from(piece).max(1));
    assert_eq!(whole, pieces);
    for cut in whole {
        let Cut::Message(bytes) = cut else { continue };
        let message = Message::read(&bytes, Framing::Stream).expect("what was cut out reads");
        let length = content_length(message.values(Name::ContentLength)).expect("a length").expect("a length");
        assert_eq!(message.body.len(), length);
        assert!(bytes.ends_with(message.body));
    }
}

fn cuts(bytes: &[u8], piece: usize) -> Vec<Cut> {
    let mut stream = Stream::default();
    let mut cuts = Vec::new();
    for part in bytes.chunks(piece) {
        stream.push(part);
        loop {
            match stream.next_frame() {
                Frame::Incomplete => break,
                // How many empty lines make one ping is nobody's business: one pong a read is enough.
                Frame::Ping if cuts.last() == Some(&Cut::Ping) => {}
                Frame::Ping => cuts.push(Cut::Ping),
                Frame::Message(range) => cuts.push(Cut::Message(stream.bytes(range).to_vec())),
                Frame::Broken(_) => {
                    cuts.push(Cut::Broken);
                    return cuts;
                }
            }
        }
    }
    cuts
}
