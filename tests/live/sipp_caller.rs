//! What `ivr1357 try` tells is what a real caller meets: SIPp dials the program, presses the same keys at the same moments,
//! and is sent to the same centres; the sound that arrives is, byte for byte, the prompts of the transcript.
//!
//! It takes a minute and a Debian package (`sip-tester`), so it runs only when asked for: `./tests/run`, or
//! `cargo test --test live sipp_caller:: -- --ignored --nocapture`.

use crate::engine::{Engine, folder};
use crate::patient::patiently;
use ivr1357::media::Clip;
use ivr1357::routing::{self, Language, Plan};
use ivr1357::shell::table;
use ivr1357::sim::script::{Command, Script};
use ivr1357::sim::setup::Moment;
use ivr1357::speech::Catalogue;
use ivr1357::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The A-law byte of silence.
const SILENCE: u8 = 0xd5;
/// How far apart the two may be in time: the machines of tests are busy. Order and words are compared without mercy.
const TOLERANCE: Duration = Duration::from_millis(700);
/// How often a call is made again on a machine that stands still.
const CALLS: usize = 5;

#[test]
#[ignore = "wants SIPp and a minute: ./tests/run"]
fn a_transcript_is_what_a_sipp_caller_meets() {
    let shipped = fs::read_to_string("routing.toml").expect("the shipped table");
    let prompts = table::load_prompts(Path::new("prompts"), Language::English).expect("the shipped prompts");
    let plan = routing::check_heard(&shipped, &table::heard(&prompts)).plan;
    let plan = Arc::new(plan.expect("the shipped table checks"));
    let scripts = [
        "at 2026-11-24T10:00; call 1357; wait 2s; key 1; wait 1500ms; key 1",
        "at 2026-11-24T10:00; center kosmes busy; call 1357; key 1; wait 1s; key 1",
        "at 2026-11-24T10:00; call 1357; wait 4500ms; key 7; wait 1s; key #; wait 800ms; key *; wait 1s; key 0",
        "at 2026-11-24T22:00; call 1357",
    ];
    std::thread::scope(|scope| {
        let runs: Vec<_> = scripts
            .iter()
            .enumerate()
            .map(|(at, text)| {
                scope.spawn({
                    let (plan, prompts) = (plan.clone(), &prompts);
                    move || compare(at, text, plan, prompts)
                })
            })
            .collect();
        for run in runs {
            run.join().expect("the caller meets what the transcript says");
        }
    });
}

fn compare(at: usize, text: &str, plan: Arc<Plan>, prompts: &Catalogue) {
    let Ok(script) = Script::parse(text, &plan) else { panic!("{text}") };
    let (world, marks) = script.play(plan, prompts);
    let moments = world.moments();
    let mut call = 1;
    let (record, heard) = loop {
        let (record, heard, packets) =
            call_by_sipp(&format!("sipp-caller-{at}-{call}"), text, &script, moments, &marks);
        let media = &record["media"];
        match sounds_as_told(moments, &heard, prompts) {
            Ok(()) => break (record, heard),
            // Who stood still left packets out and says so; who did not listen in time has fewer than were sent.
            Err(why) if call < CALLS && (!media["unsent"].is_null() || media["sent"] != packets) => {
                println!("{text}: {why}; the machine stood still, {packets} packets came: {media}");
                call += 1;
            }
            Err(why) => panic!("{text}: {why}: {media}"),
        }
    };
    let simulated: serde_json::Value = serde_json::from_str(world.records().last().expect("a record")).expect("JSON");
    for field in ["path", "keys", "outcome", "cause"] {
        let told = |record: &serde_json::Value| match record[field].as_array() {
            // When a key was pressed differs by milliseconds.
            Some(list) => list.iter().map(|entry| entry.get("keys").unwrap_or(entry).to_string()).collect(),
            None => record[field].to_string(),
        };
        assert_eq!(told(&record), told(&simulated), "{text}: {field}");
    }
    println!("{text}: {} moments, {:.1} s of sound", moments.len(), heard.len() as f64 / 8000.0);
}

/// One call of a SIPp: its record, what it heard, and in how many packets.
fn call_by_sipp(
    name: &str,
    text: &str,
    script: &Script,
    moments: &[(Instant, Moment)],
    marks: &[usize],
) -> (serde_json::Value, Vec<u8>, u64) {
    let clock = script.at.strftime("%Y-%m-%dT%H:%M+09:00").to_string();
    let folder = folder(name);
    let mut engine = Engine::start_with(folder.clone(), &[("CLOCK__START", &clock)]);
    let sink = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = sink.local_addr().expect("an address").port();
    fs::write(folder.join("caller.xml"), scenario(script, moments, marks)).expect("the scenario is written");

    let over = AtomicBool::new(false);
    let ((heard, packets), said) = std::thread::scope(|scope| {
        let ear = scope.spawn(|| listen(&sink, &over));
        let said = std::process::Command::new("sipp")
            .args([&engine.address.to_string(), "-sf", "caller.xml", "-s", "1357", "-i", "127.0.0.1", "-m", "1"])
            .args(["-default_behaviors", "all,-abortunexp", "-timeout", "90", "-nostdin", "-trace_err"])
            .args(["-key", "sink_port", &port.to_string()])
            .current_dir(&folder)
            .output()
            .expect("sipp runs");
        over.store(true, Ordering::Relaxed);
        (ear.join().expect("the ear"), said)
    });
    engine.signal("-TERM");
    let (_, log) = engine.end();
    let trouble = || {
        let errors = fs::read_dir(&folder).expect("a folder").filter_map(|entry| Some(entry.ok()?.path()));
        let errors = errors.filter(|path| path.to_string_lossy().contains("errors"));
        errors.filter_map(|path| fs::read_to_string(path).ok()).collect::<String>()
    };
    assert!(said.status.success(), "{text}: SIPp met something else\n{}\n{log}", trouble());
    let record = engine.records().pop().expect("a record");
    let _ = fs::remove_dir_all(folder);
    (record, heard, packets)
}

/// Every packet of sound, put where its time stamp says, and how many there were.
fn listen(sink: &UdpSocket, over: &AtomicBool) -> (Vec<u8>, u64) {
    sink.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
    let mut heard = Vec::new();
    let mut first = None;
    let mut packet = [0; 2048];
    let mut packets = 0;
    loop {
        let Ok(length) = patiently(|| sink.recv(&mut packet)) else {
            if over.load(Ordering::Relaxed) {
                return (heard, packets);
            }
            continue;
        };
        // PCMA (8), marked or not; the rest is control.
        if length < 12 || packet[1] & 0x7f != 8 {
            continue;
        }
        packets += 1;
        let stamp = u32::from_be_bytes(packet[4..8].try_into().expect("four bytes"));
        let at = stamp.wrapping_sub(*first.get_or_insert(stamp)) as usize;
        if heard.len() < at + length - 12 {
            heard.resize(at + length - 12, SILENCE);
        }
        heard[at..at + length - 12].copy_from_slice(&packet[12..length]);
    }
}

/// Every `play` of the transcript is in what was heard, at its time and whole until it was cut; and nothing else is.
fn sounds_as_told(moments: &[(Instant, Moment)], heard: &[u8], prompts: &Catalogue) -> Result<(), String> {
    let plays = moments.iter().filter(|(_, moment)| matches!(moment, Moment::Plays { .. }));
    let began = plays.clone().next().expect("something plays").0;
    let mut unheard: Vec<u8> = heard.to_vec();
    let mut clips: BTreeMap<String, Clip> = BTreeMap::new();
    for (at, moment) in plays {
        let Moment::Plays { prompts: ids, repeat, .. } = moment else { continue };
        let mut sound = Vec::new();
        for id in ids {
            let samples = || prompts.sound(id).unwrap_or_else(|| panic!("{id} has no sound")).samples;
            let clip = clips.entry(id.clone()).or_insert_with(|| Clip::from_samples(id, &samples()));
            sound.extend_from_slice(&clip.encoded(ivr1357::sdp::Codec::Pcma));
        }
        // Until the next thing that stops it.
        let next = moments.iter().find(|(other, moment)| {
            other > at && matches!(moment, Moment::Plays { .. } | Moment::Stops | Moment::Releases)
        });
        let until = next.map_or(Duration::MAX, |(next, _)| next.since(*at));
        if *repeat {
            sound = sound.iter().copied().cycle().take(8 * until.as_millis().min(60_000) as usize).collect();
        }
        let certain = (8 * until.saturating_sub(TOLERANCE).as_millis() as usize).min(sound.len());
        let told = 8 * at.since(began).as_millis() as usize;
        let slack = 8 * TOLERANCE.as_millis() as usize;
        let from = told.saturating_sub(slack);
        // Where most of it is heard without a break.
        let length = |place: usize| heard[place..].iter().zip(&sound).take_while(|(heard, said)| heard == said).count();
        let places = from.min(heard.len())..heard.len().min(told + slack);
        let (place, went) = places.map(|place| (place, length(place))).max_by_key(|(_, went)| *went).unwrap_or((0, 0));
        if went < certain {
            return Err(format!("{ids:?} is not heard whole at {:.2} s", told as f64 / 8000.0));
        }
        unheard[place..place + went].fill(SILENCE);
    }
    let left = unheard.iter().filter(|byte| **byte != SILENCE).count();
    match left {
        ..=160 => Ok(()),
        _ => Err(format!("{left} samples were heard that nothing in the transcript says")),
    }
}

/// A SIPp scenario of the caller who does what the script says.
fn scenario(script: &Script, moments: &[(Instant, Moment)], marks: &[usize]) -> String {
    let mut sipp = Sipp { text: String::from("<?xml version=\"1.0\"?>\n<scenario name=\"caller\">\n"), sequence: 1 };
    let mut from = 0;
    for (step, &until) in script.steps.iter().zip(marks) {
        match &step.command {
            Command::Call(_) => sipp.call(),
            Command::Wait(time) => sipp.pause(*time),
            Command::Keys(keys) => keys.chars().for_each(|key| sipp.press(key)),
            Command::Center(..) | Command::At | Command::End => {}
            other => panic!("no SIPp for {other:?}"),
        }
        let mut referred = Instant::START;
        for (at, moment) in &moments[from..until] {
            match moment {
                Moment::Refers(target) => {
                    referred = *at;
                    sipp.referred(target);
                }
                // The centre rings as long as the simulated one.
                Moment::Fails(status) => {
                    sipp.pause(at.since(referred));
                    sipp.notify(&format!("{status} Busy Here"));
                }
                Moment::Reaches(_) => {
                    sipp.pause(at.since(referred));
                    sipp.notify("200 OK");
                }
                Moment::Releases => sipp.released(),
                _ => {}
            }
        }
        from = until;
    }
    sipp.text.push_str("</scenario>\n");
    sipp.text
}

struct Sipp {
    text: String,
    sequence: u32,
}

impl Sipp {
    fn send(&mut self, attributes: &str, message: &str) {
        let _ = writeln!(self.text, "<send{attributes}><![CDATA[\n\n{message}\n]]></send>");
    }

    fn request(&mut self, method: &str, uri: &str, to: &str, more: &str) -> String {
        let sequence = self.sequence;
        format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             From: <sip:01012345678@[local_ip]>;tag=[pid]c[call_number]\nTo: <sip:[service]@[remote_ip]:[remote_port]>{to}\n\
             Call-ID: [call_id]\nCSeq: {sequence} {method}\nMax-Forwards: 70\n\
             Contact: <sip:01012345678@[local_ip]:[local_port]>\n{more}\n"
        )
    }

    fn call(&mut self) {
        // No telephone-event: this caller presses by INFO.
        let sdp = "v=0\no=- [pid] 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio [sink_port] RTP/AVP 8\n\
                   a=rtpmap:8 PCMA/8000\na=ptime:20\na=sendrecv\n";
        let more = format!(
            "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY, INFO\nContent-Type: application/sdp\n\
             Content-Length: [len]\n\n{sdp}"
        );
        let invite = self.request("INVITE", "sip:[service]@[remote_ip]:[remote_port]", "", &more);
        self.send(" retrans=\"500\"", &invite);
        self.text.push_str("<recv response=\"100\" optional=\"true\"/>\n<recv response=\"200\" rrs=\"true\"/>\n");
        let ack = self.request("ACK", "[next_url]", "[peer_tag_param]", "Content-Length: 0\n");
        self.send("", &ack);
    }

    fn pause(&mut self, time: Duration) {
        let _ = writeln!(self.text, "<pause milliseconds=\"{}\"/>", time.as_millis());
    }

    /// As long after what was heard as in scripts.
    fn press(&mut self, key: char) {
        self.pause(Duration::from_millis(200));
        self.sequence += 1;
        let more =
            format!("Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={key}\nDuration=140\n");
        let info = self.request("INFO", "[next_url]", "[peer_tag_param]", &more);
        self.send(" retrans=\"500\"", &info);
        self.text.push_str("<recv response=\"200\"/>\n");
        self.pause(Duration::from_millis(100));
    }

    fn answer(&mut self, status: &str) {
        let message = format!(
            "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:01012345678@[local_ip]:[local_port]>\nContent-Length: 0\n"
        );
        self.send("", &message);
    }

    fn referred(&mut self, target: &str) {
        let target = target.trim_start_matches("sip:").split(['@', ':']).next().unwrap_or(target);
        let _ = writeln!(
            self.text,
            "<recv request=\"REFER\" timeout=\"60000\"><action><ereg regexp=\"sip:{target}@\" search_in=\"hdr\" \
             header=\"Refer-To:\" check_it=\"true\" assign_to=\"target\"/><log message=\"to [$target]\"/></action></recv>"
        );
        self.answer("202 Accepted");
    }

    fn notify(&mut self, sipfrag: &str) {
        self.sequence += 1;
        let more = format!(
            "Event: refer\nSubscription-State: terminated;reason=noresource\n\
             Content-Type: message/sipfrag;version=2.0\nContent-Length: [len]\n\nSIP/2.0 {sipfrag}\n"
        );
        let notify = self.request("NOTIFY", "[next_url]", "[peer_tag_param]", &more);
        self.send(" retrans=\"500\"", &notify);
        self.text.push_str("<recv response=\"200\"/>\n");
    }

    fn released(&mut self) {
        self.text.push_str("<recv request=\"BYE\" timeout=\"60000\"/>\n");
        self.answer("200 OK");
    }
}
