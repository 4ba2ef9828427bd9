//! A message set of our own: what peers of the field send, a file a message, with a table of what each meets and of what is
//! read from it (`messages/verdicts.txt`).

use super::line::{Line, Said, names};
use ivr1357::sip::Transport;
use ivr1357::sip::header::{NameAddr, Via, cseq, elements};
use ivr1357::sip::reader::{Framing, Message, Name, Start};
use ivr1357::sip::uri::UriView;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A row of the table.
struct Case {
    name: String,
    datagram: String,
    stream: String,
    facts: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/torture/messages").into()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("verdicts.txt")).expect("the table of verdicts");
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(fact) = line.strip_prefix("    ") else {
            let (name, _why) = line.split_once(": ").expect("a name and a reason");
            cases.push(Case { name: name.into(), datagram: String::new(), stream: String::new(), facts: Vec::new() });
            continue;
        };
        let case = cases.last_mut().expect("facts belong to a message");
        let (key, value) = fact.split_once("  ").unwrap_or((fact, ""));
        match key {
            "datagram" => (case.datagram, case.stream) = (value.into(), value.into()),
            "stream" => case.stream = value.into(),
            _ => case.facts.push((key.into(), value.into())),
        }
    }
    cases
}

/// Bytes in one line: what is not printable ASCII as `\x..`.
fn shown(bytes: &[u8]) -> String {
    let show = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(show).collect()
}

/// What the reader reads, what the agent tells of a call, or what its answer holds.
fn fact(key: &str, message: &Message<'_>, said: &[Said]) -> String {
    let listed = |name| message.values(name).flat_map(elements).collect::<Vec<_>>();
    let address = |name| message.value(name).and_then(NameAddr::parse);
    let via = || listed(Name::Via).first().and_then(|first| Via::parse(first)).expect("a Via that reads");
    let uri = || match message.start {
        Start::Request { uri, .. } => UriView::parse(uri).expect("a Request-URI that reads"),
        Start::Response { .. } => panic!("a response has no Request-URI"),
    };
    let call = || said.iter().find_map(|said| if let Said::Call(invite) = said { Some(invite) } else { None });
    match key {
        "from.uri" => shown(address(Name::From).expect("a From").uri),
        "from.tag" => shown(address(Name::From).expect("a From").tag().unwrap_or_default()),
        "contacts" => listed(Name::Contact).len().to_string(),
        "contact.uri" => {
            shown(listed(Name::Contact).first().and_then(|first| NameAddr::parse(first)).expect("a Contact").uri)
        }
        "routes" => listed(Name::Route).len().to_string(),
        "record-routes" => listed(Name::RecordRoute).len().to_string(),
        "record-route.uri" => {
            shown(listed(Name::RecordRoute).first().and_then(|first| NameAddr::parse(first)).expect("a route").uri)
        }
        "vias" => listed(Name::Via).len().to_string(),
        "via.host" => shown(via().host),
        "via.port" => via().port.map_or_else(String::new, |port| port.to_string()),
        "via.branch" => shown(via().branch.unwrap_or_default()),
        "uri.user" => shown(uri().user),
        "uri.host" => shown(uri().host),
        "uri.port" => uri().port.map_or_else(String::new, |port| port.to_string()),
        "call-id" => shown(message.value(Name::CallId).expect("a Call-ID")),
        "cseq" => cseq(message.value(Name::CSeq).expect("a CSeq")).expect("a CSeq that reads").0.to_string(),
        "body" => shown(message.body),
        "body.length" => message.body.len().to_string(),
        "dialled" => call().expect("a call").dialled.as_str().to_owned(),
        "caller" => call().expect("a call").identity.caller.secret().to_owned(),
        _ => {
            let wanted = key.strip_prefix("answer.").unwrap_or_else(|| panic!("no such fact: {key}"));
            answer_fact(wanted, said)
        }
    }
}

/// The n-th header of a name in the first answer, by another reader than ours; `present` stands for any value.
fn answer_fact(wanted: &str, said: &[Said]) -> String {
    let answer =
        said.iter().find_map(|said| if let Said::Message(answer, flow) = said { Some((answer, flow)) } else { None });
    let (bytes, flow) = answer.expect("an answer");
    if wanted == "to-port" {
        return flow.remote.port().to_string();
    }
    let (name, which) = match wanted.split_once('.') {
        Some((name, number)) => (name, number.parse().expect("a number")),
        None => (wanted, 1),
    };
    let text = shown(bytes);
    let found = text
        .split("\\x0d\\x0a")
        .filter_map(|line| line.split_once(": "))
        .filter(|(header, _)| header.eq_ignore_ascii_case(name))
        .nth(which - 1);
    let value = found.unwrap_or_else(|| panic!("no {wanted} in {text}")).1;
    if name == "allow" { "present".to_owned() } else { value.to_owned() }
}

fn check(transport: Transport) {
    let framing = if transport.is_stream() { Framing::Stream } else { Framing::Datagram };
    let mut line = Line::new(transport);
    let mut wrong = Vec::new();
    for case in cases() {
        let path = folder().join(format!("{}.sip", case.name));
        let mut bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let said = match replaced(&bytes, b"@TAG@", b"") {
            None => line.send(&bytes),
            Some(_) => {
                let (mut within, tag) = Line::within_a_call(transport);
                bytes = replaced(&bytes, b"@TAG@", tag.as_bytes()).expect("it holds the mark");
                within.send(&bytes)
            }
        };
        let verdict = if transport.is_stream() { &case.stream } else { &case.datagram };
        let names = names(&said).join(", ");
        if names != *verdict {
            wrong.push(format!("{}: {names}, not {verdict}", case.name));
            continue;
        }
        // What a stream does not take, nobody reads.
        let facts = if case.stream == case.datagram || !transport.is_stream() { &*case.facts } else { &[] };
        let message = Message::read(&bytes, framing);
        for (key, value) in facts {
            // On a connection the answer takes the way back, whatever Via says.
            let value = if key == "answer.to-port" && transport.is_stream() { "5099" } else { value };
            let found = fact(key, message.as_ref().expect("it reads"), &said);
            if found != value {
                wrong.push(format!("{}: {key} is {found}, not {value}", case.name));
            }
        }
        assert!(line.call(&case.name), "a call after {}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bytes with one piece of them replaced; `None` when it does not occur.
fn replaced(bytes: &[u8], piece: &[u8], by: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(piece.len()).position(|window| window == piece)?;
    Some([&bytes[..at], by, &bytes[at + piece.len()..]].concat())
}

#[test]
fn every_message_of_the_field_is_read_as_it_was_meant_as_a_datagram() {
    check(Transport::Udp);
}

#[test]
fn every_message_of_the_field_is_read_as_it_was_meant_on_a_stream() {
    check(Transport::Tcp);
}

#[test]
fn every_message_of_the_field_stands_in_the_table_once() {
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    let known: BTreeSet<&String> = names.iter().collect();
    assert_eq!(known.len(), names.len(), "a name stands in the table twice");
    for entry in std::fs::read_dir(folder()).expect("the folder of messages") {
        let file = entry.expect("an entry").file_name().into_string().expect("a name");
        let Some(name) = file.strip_suffix(".sip") else { continue };
        assert!(known.contains(&name.to_owned()), "{file} stands in no row");
    }
}
