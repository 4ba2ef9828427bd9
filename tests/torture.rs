//! Every message of RFC 4475, as a datagram, through the agent: its verdict, and a valid call afterwards.
//!
//! The messages live outside the project, in the folder that `IVR1357_TORTURE` names (default
//! `../shared/torture/rfc4475` beside the project); without them the test says so and passes.

use ivr1357::random::Random;
use ivr1357::sip::trunk::Peers;
use ivr1357::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, Flow, StatusCode, Transport};
use ivr1357::time::Now;
use std::path::PathBuf;

/// What a message may meet: one of these codes, a call (100 and an event), or silence.
enum Verdict {
    Silence,
    Call,
    Codes(&'static [u16]),
}

use Verdict::{Call, Codes, Silence};

/// One line a message; a comment where the RFC leaves a choice and we took one.
const VERDICTS: &[(&str, Verdict)] = &[
    ("wsinv", Codes(&[481])),
    ("intmeth", Codes(&[501])),
    ("esc01", Call),
    ("escnull", Codes(&[405])),
    ("esc02", Codes(&[501])),
    ("lwsdisp", Codes(&[200])),
    ("longreq", Call),
    // The INVITE behind the REGISTER's end is not a call.
    ("dblreq", Codes(&[405])),
    ("semiuri", Codes(&[200])),
    ("transports", Codes(&[200])),
    ("mpart01", Codes(&[405])),
    ("unreason", Silence),
    ("noreason", Silence),
    ("badinv01", Codes(&[400])),
    ("clerr", Codes(&[400])),
    ("ncl", Codes(&[400])),
    ("scalar02", Codes(&[400])),
    ("scalarlg", Silence),
    ("quotbal", Codes(&[400])),
    ("ltgtruri", Codes(&[400])),
    ("lwsruri", Codes(&[400])),
    // Liberal: the spaces around the Request-URI do not change what it says.
    ("lwsstart", Call),
    ("trws", Codes(&[200])),
    // Liberal: headers in the Request-URI are ignored, so the Route in it never becomes one.
    ("escruri", Call),
    ("baddate", Call),
    ("regbadct", Codes(&[405])),
    // Liberal: the spaces inside <> go.
    ("badaspec", Codes(&[200])),
    // As the archive has it, without its empty line.
    ("baddn", Codes(&[400])),
    ("repaired/baddn", Codes(&[200])),
    ("badvers", Codes(&[505])),
    ("mismatch01", Codes(&[400])),
    ("mismatch02", Codes(&[501])),
    ("bigcode", Silence),
    // Liberal: a branch of nothing but the cookie is matched by the rules of RFC 2543.
    ("badbranch", Codes(&[200])),
    ("insuf", Codes(&[400])),
    ("unkscm", Codes(&[416])),
    ("novelsc", Codes(&[416])),
    ("unksm2", Codes(&[405])),
    ("bext01", Codes(&[420])),
    ("invut", Codes(&[415])),
    ("regaut01", Codes(&[405])),
    ("multi01", Codes(&[400])),
    ("mcl01", Codes(&[400])),
    ("bcast", Silence),
    ("zeromf", Codes(&[200])),
    ("cparam01", Codes(&[405])),
    ("cparam02", Codes(&[405])),
    ("regescrt", Codes(&[405])),
    ("sdp01", Codes(&[406])),
    ("inv2543", Call),
    ("test", Silence),
];

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/torture/rfc4475");
    std::env::var_os("IVR1357_TORTURE").map_or_else(|| beside.into(), PathBuf::from)
}

fn agent() -> (Agent, Flow) {
    let flow = Flow {
        transport: Transport::Udp,
        local: "127.0.0.1:5060".parse().expect("an address"),
        remote: "127.0.0.1:5099".parse().expect("an address"),
        connection: 0,
    };
    let config = AgentConfig { product: "ivr1357".to_owned(), peers: Peers::default() };
    (Agent::new(config, Random::from_number(4475)), flow)
}

/// What the agent says to a datagram: first lines and calls.
fn said(agent: &mut Agent, flow: Flow, bytes: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    agent.received(Now::default(), flow, bytes, &mut out);
    let name = |output: &AgentOutput| match output {
        AgentOutput::Transmit { bytes, .. } => String::from_utf8_lossy(bytes).lines().next().unwrap_or("").to_owned(),
        AgentOutput::Event(AgentEvent::Invite(_)) => "call".to_owned(),
        other => format!("{other:?}"),
    };
    let said = out.iter().map(name).collect();
    // Whoever gets a call decides; here nobody wants any.
    for output in out {
        if let AgentOutput::Event(AgentEvent::Invite(invite)) = output {
            agent.reject(Now::default(), invite.dialog, StatusCode::NOT_FOUND, &mut Vec::new());
        }
    }
    said
}

#[test]
fn every_message_of_rfc_4475_meets_its_verdict_and_the_next_call_still_works() {
    let folder = folder();
    if !folder.join("manifest.tsv").exists() {
        println!("left out: no RFC 4475 messages in {}", folder.display());
        return;
    }
    let (mut agent, flow) = agent();
    let mut wrong = Vec::new();
    for (name, verdict) in VERDICTS {
        let path = folder.join(format!("{name}.dat"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let said = said(&mut agent, flow, &bytes);
        let right = match verdict {
            Silence => said.is_empty(),
            Call => said == ["SIP/2.0 100 Trying", "call"],
            Codes(codes) => {
                said.len() == 1 && codes.iter().any(|code| said[0].starts_with(&format!("SIP/2.0 {code} ")))
            }
        };
        if !right {
            wrong.push(format!("{name}: {said:?}"));
        }
        let valid = format!(
            "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK-after-{name}\r\n\
             From: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>\r\nCall-ID: after-{name}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:010@127.0.0.1:5099>\r\nContent-Length: 0\r\n\r\n"
        );
        let after = self::said(&mut agent, flow, valid.as_bytes());
        assert_eq!(after, ["SIP/2.0 100 Trying", "call"], "a call after {name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_message_of_the_archive_has_a_verdict() {
    let Ok(manifest) = std::fs::read_to_string(folder().join("manifest.tsv")) else {
        println!("left out: no RFC 4475 manifest");
        return;
    };
    for line in manifest.lines().skip(1) {
        let name = line.split('\t').next().and_then(|file| file.strip_suffix(".dat")).unwrap_or(line);
        assert!(VERDICTS.iter().any(|(known, _)| known == &name), "{name}");
    }
}
