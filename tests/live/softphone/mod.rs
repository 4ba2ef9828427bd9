//! A real telephone call, with sound: one headless baresip dials 1357, hears the greeting, presses 1 and 1 and follows the
//! REFER to a second baresip, which acts as the agency. The WAVs that both record prove who heard what.
//!
//! It shares no code with the engine. It takes half a minute and a Debian package (`baresip-core`), so it runs only
//! when asked for: `./tests/run`, or `cargo test --test live softphone:: -- --ignored --nocapture`.

mod baresip;
mod sound;

use crate::engine::Engine;
use baresip::Baresip;
use sound::Wave;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// Below this, what was recorded is something else. The right sound scores 1.00 through G.711 and a jitter buffer, the
/// wrong one 0.03; a lost packet or two cost little.
const SAME_SOUND: f64 = 0.85;

#[test]
#[ignore = "a real softphone call wants baresip and half a minute: ./tests/run"]
fn a_softphone_hears_the_greeting_and_is_handed_to_the_agency() {
    let folder = Folder::new("plain");
    let greeting = Wave::read(Path::new("prompts/ko/greeting.wav"));
    let agency_voice = Wave::melody(0x1357, 40);
    let caller_voice = Wave::melody(0x0108, 60);

    let agency = Baresip::start(&folder.0, "kosmes", &agency_voice, true);
    let engine = start(&folder.0, &agency.address(), &[]);
    let mut caller = Baresip::start(&folder.0, "caller", &caller_voice, false);

    is_sent_to_kosmes(&mut caller, &engine, &greeting);
    caller.wait_for("CALL_ESTABLISHED", "sip:kosmes@", Duration::from_secs(10));
    // The engine hangs up its own leg when the agency has answered.
    caller.wait_for("CALL_CLOSED", "sip:1357@", Duration::from_secs(10));
    sleep(Duration::from_secs(4));
    caller.command("hangup", "");
    caller.wait_for("CALL_CLOSED", "sip:kosmes@", Duration::from_secs(5));
    sleep(Duration::from_millis(500));

    let [from_engine, from_agency] = caller.heard();
    let [from_caller] = agency.heard();

    let heard = greeting.in_order_in(&from_engine);
    println!("the caller heard the greeting:     {heard}");
    assert!(heard.score > SAME_SOUND, "the greeting is in what the caller heard of the engine");
    assert!(heard.missing < 0.02, "the greeting was heard from its first syllable to its last");

    let heard = agency_voice.in_order_in(&from_agency);
    println!("the caller heard the agency:       {heard}");
    assert!(heard.score > SAME_SOUND, "the agency's voice is in what the caller heard after the transfer");

    let heard = caller_voice.in_order_in(&from_caller);
    println!("the agency heard the caller:       {heard}");
    assert!(heard.score > SAME_SOUND, "the caller's voice is in what the agency heard");

    let wrong = agency_voice.in_order_in(&from_engine);
    println!("for comparison, the wrong sound:   {wrong}");
    assert!(wrong.score < SAME_SOUND / 2.0, "the measure can tell one sound from another");

    let records = stop(engine);
    assert_eq!(records.lines().count(), 1, "one call, one record: {records}");
    assert!(records.contains("center.kosmes"), "the record names the centre: {records}");
}

/// Both ways in which baresip asks for SRTP: keys under RTP/AVP, and RTP/SAVP.
#[test]
#[ignore = "a real softphone call wants baresip and half a minute: ./tests/run"]
fn a_softphone_that_encrypts_its_sound_hears_the_greeting_and_its_keys_count() {
    let greeting = Wave::read(Path::new("prompts/ko/greeting.wav"));
    let voice = Wave::melody(0x0108, 60);
    for (phone, trunk) in [("srtp", "optional"), ("srtp-mand", "required")] {
        if !baresip::has("srtp.so") {
            return println!("skipped: this baresip has no module srtp");
        }
        let folder = Folder::new(phone);
        let over_plain = ("MEDIA__SRTP_OVER_PLAIN", "true");
        // Nobody answers there: that the call is sent there is what the keys are to show.
        let engine = start(&folder.0, &format!("127.0.0.1:{}", free_port()), &[("MEDIA__SRTP", trunk), over_plain]);
        let mut caller = Baresip::encrypting(&folder.0, "caller", &voice, phone);
        is_sent_to_kosmes(&mut caller, &engine, &greeting);
        hangs_up_and_has_heard(&mut caller, &greeting, phone);
        drop(caller);
        let records = stop(engine);
        assert!(records.contains(r#""srtp":"AES_CM_128_HMAC_SHA1_80""#), "{phone}: {records}");
        assert!(!records.contains("srtp_forged") && records.contains(r#""menu""#), "{phone}: {records}");
    }
}

/// Ends both calls of a caller who was sent on: the greeting was heard from its first syllable to its last.
fn hangs_up_and_has_heard(caller: &mut Baresip, greeting: &Wave, what: &str) {
    // The new call, then the old one: a recording is whole when its call is over.
    caller.command("hangup", "");
    sleep(Duration::from_millis(300));
    caller.command("hangup", "");
    caller.wait_for("CALL_CLOSED", "sip:1357@", Duration::from_secs(5));
    sleep(Duration::from_millis(500));
    let heard = greeting.in_order_in(&caller.heard::<1>()[0]);
    println!("{what}: the caller heard the greeting: {heard}");
    assert!(heard.score > SAME_SOUND && heard.missing < 0.02, "{what}: the greeting");
}

/// A stranger's Opus: two channels, and events at 8 kHz alone.
#[cfg(feature = "opus")]
#[test]
#[ignore = "a real softphone call wants baresip and half a minute: ./tests/run"]
fn a_softphone_that_speaks_opus_hears_the_greeting_and_its_keys_count() {
    if !baresip::has("opus.so") {
        return println!("skipped: this baresip has no module opus");
    }
    let greeting = Wave::read(Path::new("prompts/ko/greeting.wav"));
    let folder = Folder::new("opus");
    let agency = format!("127.0.0.1:{}", free_port());
    let engine = start(&folder.0, &agency, &[("MEDIA__CODECS", "opus,PCMA")]);
    let mut caller = Baresip::speaking(&folder.0, "caller", &Wave::melody(0x0108, 60), "opus/48000/2");
    is_sent_to_kosmes(&mut caller, &engine, &greeting);
    hangs_up_and_has_heard(&mut caller, &greeting, "opus");
    drop(caller);
    let records = stop(engine);
    assert!(records.contains(r#""codec":"opus""#) && records.contains(r#""menu""#), "{records}");
}

/// A temporary folder, removed in the end unless the test failed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ivr1357-softphone-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("recordings and logs are in {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The engine under test, serving the shipped table with its targets moved to the agency.
fn start(folder: &Path, agency: &str, settings: &[(&str, &str)]) -> Engine {
    let shipped = fs::read_to_string("routing.toml").expect("the shipped table is here");
    assert!(shipped.contains("127.0.0.1:5070"), "the shipped targets are on 127.0.0.1:5070");
    let own = folder.join("engine");
    fs::create_dir_all(&own).expect("a folder");
    let table = own.join("routing.toml");
    fs::write(&table, shipped.replace("127.0.0.1:5070", agency)).expect("the table can be written");
    let log = fs::File::create(folder.join("engine.log")).expect("the log can be written");
    let mut command = Engine::command(&own, &["--routing", table.to_str().expect("text")], settings);
    command.env("IVR1357__CONSOLE__LISTEN", format!("127.0.0.1:{}", free_port())).stderr(log);
    Engine::run(command, own)
}

/// Ends it; its records, once they are complete.
fn stop(mut engine: Engine) -> String {
    engine.signal("-TERM");
    assert_eq!(engine.end().0, Some(0), "it stops cleanly on SIGTERM");
    fs::read_to_string(engine.folder.join("calls.jsonl")).expect("records were written")
}

/// A port nobody holds now, on UDP or TCP.
fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let port = udp.local_addr().expect("an address").port();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Calls 1357, hears the greeting, presses 1 and 1 and is told to call the agency.
fn is_sent_to_kosmes(caller: &mut Baresip, engine: &Engine, greeting: &Wave) {
    caller.command("dial", &format!("sip:1357@{}", engine.address));
    caller.wait_for("CALL_ESTABLISHED", "sip:1357@", Duration::from_secs(5));
    sleep(greeting.time() + Duration::from_millis(500));
    caller.command("sndcode", "1");
    sleep(Duration::from_millis(700));
    caller.command("sndcode", "1");
    caller.wait_for("TRANSFER", "sip:kosmes@", Duration::from_secs(20));
}
