//! Every message of RFC 4475: its verdict, and a valid call afterwards.
//!
//! The messages live outside the project, in the folder that `IVR1357_TORTURE` names (default
//! `../shared/torture/rfc4475` beside the project); without them the test says so and passes.

use super::line::{Line, names};
use ivr1357::sip::Transport;
use std::path::PathBuf;

/// A message, what it meets as a datagram, and what it meets on a stream where that differs.
type Row = (&'static str, &'static [&'static str], Option<&'static [&'static str]>);

const CALL: &[&str] = &["100 Trying", "call"];
const OK: &[&str] = &["200 OK"];
const SILENCE: &[&str] = &[];
const NOT_ALLOWED: &[&str] = &["405 Method Not Allowed"];
const NOT_IMPLEMENTED: &[&str] = &["501 Not Implemented"];

/// One line a message; a comment where the RFC leaves a choice and we took one, or where a stream must differ.
const VERDICTS: &[Row] = &[
    ("wsinv", &["481 Call/Transaction Does Not Exist"], None),
    ("intmeth", NOT_IMPLEMENTED, None),
    ("esc01", CALL, None),
    ("escnull", NOT_ALLOWED, None),
    ("esc02", NOT_IMPLEMENTED, None),
    ("lwsdisp", OK, None),
    ("longreq", CALL, None),
    // The INVITE behind the REGISTER's end is not a call in a datagram; on a stream it is the next message. Its body is
    // longer than it says, and the rest is no SIP.
    ("dblreq", NOT_ALLOWED, Some(&["405 Method Not Allowed", "100 Trying", "call", "close"])),
    ("semiuri", OK, None),
    ("transports", OK, None),
    ("mpart01", NOT_ALLOWED, None),
    ("unreason", SILENCE, None),
    ("noreason", SILENCE, None),
    ("badinv01", &["400 Malformed Via"], None),
    // A stream waits for the octets that were promised; 9,999 of them may still come, but not for ever.
    ("clerr", &["400 Content-Length exceeds the message"], Some(&["close late"])),
    // Nobody knows where the next message begins.
    ("ncl", &["400 Malformed Content-Length"], Some(&["400 Malformed Content-Length", "close"])),
    ("scalar02", &["400 Malformed CSeq"], None),
    ("scalarlg", SILENCE, None),
    ("quotbal", &["400 Malformed To"], None),
    ("ltgtruri", &["400 Malformed Request-URI"], None),
    ("lwsruri", &["400 Malformed Request-URI"], None),
    // Liberal: the spaces around the Request-URI do not change what it says.
    ("lwsstart", CALL, None),
    ("trws", OK, None),
    // Liberal: headers in the Request-URI are ignored, so the Route in it never becomes one.
    ("escruri", CALL, None),
    ("baddate", CALL, None),
    ("regbadct", NOT_ALLOWED, None),
    // Liberal: the spaces inside <> go.
    ("badaspec", OK, None),
    // As the archive has it, without its empty line; on a stream that line may still come.
    ("baddn", &["400 No empty line after the headers"], Some(&["close late"])),
    ("repaired/baddn", OK, None),
    ("badvers", &["505 Version Not Supported"], None),
    ("mismatch01", &["400 CSeq method does not match"], None),
    ("mismatch02", NOT_IMPLEMENTED, None),
    // What is no SIP says nothing about where it ends.
    ("bigcode", SILENCE, Some(&["close"])),
    // Liberal: a branch of nothing but the cookie is matched by the rules of RFC 2543.
    ("badbranch", OK, None),
    ("insuf", &["400 Missing From"], None),
    ("unkscm", &["416 Unsupported URI Scheme"], None),
    ("novelsc", &["416 Unsupported URI Scheme"], None),
    ("unksm2", NOT_ALLOWED, None),
    ("bext01", &["420 Bad Extension"], None),
    ("invut", &["415 Unsupported Media Type"], None),
    ("regaut01", NOT_ALLOWED, None),
    ("multi01", &["400 Duplicate CSeq"], None),
    ("mcl01", &["400 Conflicting Content-Length"], Some(&["400 Conflicting Content-Length", "close"])),
    ("bcast", SILENCE, None),
    ("zeromf", OK, None),
    ("cparam01", NOT_ALLOWED, None),
    ("cparam02", NOT_ALLOWED, None),
    ("regescrt", NOT_ALLOWED, None),
    ("sdp01", &["406 Not Acceptable"], None),
    // Without Content-Length a datagram ends by itself; a stream cannot be cut any more (RFC 3261 §20.14).
    ("inv2543", CALL, Some(&["400 Missing Content-Length", "close"])),
    ("test", SILENCE, Some(&["close"])),
];

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/torture/rfc4475");
    std::env::var_os("IVR1357_TORTURE").map_or_else(|| beside.into(), PathBuf::from)
}

fn every_message_meets_its_verdict(transport: Transport) {
    let folder = folder();
    if !folder.join("manifest.tsv").exists() {
        println!("left out: no RFC 4475 messages in {}", folder.display());
        return;
    }
    let mut line = Line::new(transport);
    let mut wrong = Vec::new();
    for (name, datagram, stream) in VERDICTS {
        let path = folder.join(format!("{name}.dat"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let said = names(&line.send(&bytes));
        let verdict = stream.filter(|_| transport.is_stream()).unwrap_or(datagram);
        if said != verdict {
            wrong.push(format!("{name}: {said:?}"));
        }
        assert!(line.call(name), "a call after {name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_message_of_rfc_4475_meets_its_verdict_as_a_datagram_and_the_next_call_still_works() {
    every_message_meets_its_verdict(Transport::Udp);
}

#[test]
fn every_message_of_rfc_4475_meets_its_verdict_on_a_stream_and_the_next_call_still_works() {
    every_message_meets_its_verdict(Transport::Tcp);
}

#[test]
fn every_message_of_the_archive_has_a_verdict() {
    let Ok(manifest) = std::fs::read_to_string(folder().join("manifest.tsv")) else {
        println!("left out: no RFC 4475 manifest");
        return;
    };
    for line in manifest.lines().skip(1) {
        let name = line.split('\t').next().and_then(|file| file.strip_suffix(".dat")).unwrap_or(line);
        assert!(VERDICTS.iter().any(|(known, ..)| known == &name), "{name}");
    }
}
