//! What reading and writing one message costs: `cargo bench --bench messages`.
//!
//! An INVITE of 1,200 bytes with the headers a call needs, and the 200 with its description. A shared machine only ever adds time,
//! so the figure is the quickest of many short batches, with the median beside it. Allocations are counted; goals: 1.5 µs
//! and 2 allocations for the reader, 2 µs for the writer.
//!
//! `-- --once NAME COUNT` runs one thing a fixed number of times, for a profiler that counts instructions:
//! `valgrind --tool=callgrind target/release/deps/messages-… --once read 1000`.

use ivr1357::sdp::offer_answer::answer;
use ivr1357::sdp::{Keys, Local, Security};
use ivr1357::sip::header::{NameAddr, Via, cseq, elements};
use ivr1357::sip::reader::{Framing, Message, Name, Start};
use ivr1357::sip::uri::UriView;
use ivr1357::sip::writer::{ALLOW, ResponseHead, write_contact, write_header};
use ivr1357::sip::{Flow, StatusCode, Transport};
use std::hint::black_box;

/// As it leaves a carrier's second proxy.
const INVITE: &[u8] = include_bytes!("invite.sip");

const BATCHES: usize = 2_000;
const PER_BATCH: u32 = 50;

fn main() {
    assert!((1_190..=1_210).contains(&INVITE.len()), "{} bytes", INVITE.len());
    let arguments: Vec<String> = std::env::args().collect();
    let message = Message::read(INVITE, Framing::Datagram).expect("reads");
    let offer = message.body.to_vec();
    let description = answer(&offer, local()).expect("an answer").sdp;
    let works: [(&str, &dyn Fn()); 4] = [
        ("read", &|| {
            black_box(read(black_box(INVITE)));
        }),
        ("write", &|| {
            black_box(write(black_box(&message), &description));
        }),
        ("answer", &|| {
            black_box(answer(black_box(&offer), local())).expect("an answer");
        }),
        ("all", &|| {
            let message = Message::read(black_box(INVITE), Framing::Datagram).expect("reads");
            let description = answer(message.body, local()).expect("an answer").sdp;
            black_box(write(&message, &description));
        }),
    ];
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        let (name, count) = (&arguments[at + 1], arguments[at + 2].parse::<u32>().expect("a count"));
        let work = works.iter().find(|(known, _)| known == name).expect("read, write, answer or all").1;
        (0..count).for_each(|_| work());
        return;
    }
    for (name, work) in works {
        report(name, work);
    }
}

/// Everything of an INVITE that a call needs; a number that depends on all of it.
fn read(bytes: &[u8]) -> usize {
    let message = Message::read(bytes, Framing::Datagram).expect("reads");
    assert_eq!(message.fault, None);
    let Start::Request { uri, .. } = message.start else { panic!("a request") };
    let mut sum = UriView::parse(uri).expect("a URI").user.len();
    for via in message.values(Name::Via).flat_map(elements) {
        sum += Via::parse(via).expect("a Via").branch.map_or(0, <[u8]>::len);
    }
    for name in [Name::From, Name::To] {
        let address = NameAddr::parse(message.value(name).expect("an address")).expect("an address");
        sum += address.tag().map_or(0, <[u8]>::len) + UriView::parse(address.uri).expect("a URI").user.len();
    }
    for contact in message.values(Name::Contact).flat_map(elements) {
        sum += UriView::parse(NameAddr::parse(contact).expect("an address").uri).expect("a URI").host.len();
    }
    // A route set is kept as it came.
    for route in message.values(Name::RecordRoute).flat_map(elements) {
        sum += NameAddr::parse(route).expect("an address").uri.len();
    }
    sum += message.value(Name::CallId).expect("a Call-ID").len();
    sum += cseq(message.value(Name::CSeq).expect("a CSeq")).expect("a CSeq").0 as usize;
    sum += message.value(Name::ContentType).expect("a type").len();
    sum + message.body.len()
}

fn local() -> Local {
    Local {
        ip: "192.0.2.1".parse().expect("an address"),
        port: 4000,
        session: 1,
        version: 1,
        codecs: ivr1357::sdp::Codecs::USUAL,
        security: Security::Plain,
        keys: Keys::NONE,
    }
}

/// The 200 as the agent writes it.
fn write(message: &Message<'_>, description: &[u8]) -> Vec<u8> {
    let flow = Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().expect("an address"),
        remote: "192.0.2.20:5060".parse().expect("an address"),
        connection: 0,
    };
    let via = message.values(Name::Via).flat_map(elements).next().and_then(Via::parse).expect("a Via");
    let head = ResponseHead::new(message, &via, flow, Some("0123456789abcdef".to_owned()), None);
    let mut lines = Vec::with_capacity(512);
    for route in message.values(Name::RecordRoute).flat_map(elements) {
        write_header(&mut lines, b"Record-Route: ", route);
    }
    write_contact(&mut lines, flow);
    lines.extend_from_slice(ALLOW);
    head.response(StatusCode::OK, "OK", "ivr1357/0.1.0", &lines, description)
}

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn report(name: &str, work: &dyn Fn()) {
    work();
    let allocations = allocation_counter::measure(work).count_total;
    let mut nanos: Vec<u128> = (0..BATCHES)
        .map(|_| {
            let began = std::time::Instant::now();
            (0..PER_BATCH).for_each(|_| work());
            began.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    let each = |at: usize| nanos[at] as f64 / f64::from(PER_BATCH) / 1_000.0;
    println!("{name}: {:.2} µs (median {:.2}), {allocations} allocations", each(0), each(BATCHES / 2));
}
