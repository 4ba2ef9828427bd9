//! What is kept of callers by the program as its users start it, by SIP and RTP: messages and whole calls, in WAV files that the
//! record names.

use crate::engine::{Engine, folder};
use crate::phone::dial;
use std::fs;
use std::path::Path;

/// Whoever calls is asked at once.
const TABLE: &str = r##"
schema = 1
[number.1357]
match = ["1357"]
go = "message.word"
[defaults.menu]
no_input = { retries = 0, then = "notice.goodbye" }
no_match = { retries = 0, then = "notice.goodbye" }
keys = { "*" = "repeat", "#" = "back" }
[message.word]
prompt = "message_tone"
then = "end"
otherwise = "notice.goodbye"
[notice]
goodbye = { prompt = "goodbye", then = "end" }
"##;

/// The program with this table, and its recordings in a folder of its own.
fn start(name: &str, table: &str) -> Engine {
    let folder = folder(name);
    fs::write(folder.join("routing.toml"), table).expect("the table is written");
    let table = folder.join("routing.toml").display().to_string();
    let recordings = folder.join("recordings").display().to_string();
    Engine::start_serving(folder, &["--routing", &table], &[("RECORDING__FOLDER", &recordings)])
}

#[test]
fn what_a_caller_says_after_the_tone_is_in_a_file_that_the_record_names() {
    let mut engine = start("message-kept", TABLE);
    let (mut line, mut phone, _) = dial(engine.address, true);
    phone.listen(75);
    phone.press(1);
    // The tone of half a second, and then the recording.
    phone.listen(40);
    phone.timestamp += 8000;
    phone.speak(150);
    phone.press(11);
    // Kept, and told so: then our goodbye is the engine's.
    let bye = loop {
        let message = line.message().expect("a BYE");
        if message.starts_with("BYE ") {
            break message;
        }
    };
    let headers =
        bye.lines().filter(|line| ["Via", "From", "To", "Call-ID", "CSeq"].iter().any(|h| line.starts_with(h)));
    let headers: String = headers.map(|line| format!("{line}\r\n")).collect();
    line.send(format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes()).expect("sends");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    // The question about consent is stopped by the key; the table asks for a message with a tone.
    phone.hear_the_rest();
    phone.heard.is(&["message_consent", "message_tone", "message_tone", "message_saved"]);

    let record = engine.records().pop().expect("a record");
    assert_eq!((&record["outcome"], &record["cause"]), (&"message".into(), &"announced".into()), "{record}");
    let message = &record["messages"][0];
    let spoken = message["spoken_ms"].as_u64().expect("a time");
    assert!((2_500..=3_100).contains(&spoken), "{record}");
    let file = engine.folder.join("recordings").join(format!("{}.wav", message["file"].as_str().expect("a name")));
    let mut wave = hound::WavReader::open(&file).unwrap_or_else(|error| panic!("{file:?}: {error}\n{log}"));
    assert_eq!((wave.spec().channels, wave.spec().sample_rate), (1, 8000));
    let samples: Vec<i16> = wave.samples().collect::<Result<_, _>>().expect("samples");
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 1000).count();
    // Three of four samples of the tone are loud; 3 s of it were sent.
    assert!((14_000..=18_100).contains(&loud), "{loud} of {}", samples.len());
    assert_eq!(message["length_ms"].as_u64().expect("a time") / 20, samples.len() as u64 / 160);
    let _ = fs::remove_dir_all(&engine.folder);
}

/// The key 1 in an INFO (RFC 6086 §4.1 knows the use, no standard the form).
const KEY_BY_INFO: &str = "Signal=1\r\nDuration=100\r\n";

#[test]
fn a_caller_whose_telephone_has_no_events_presses_by_tones_and_an_info_of_the_same_press_counts_for_nothing() {
    let mut engine = start("message-by-tones", TABLE);
    let (mut line, mut phone, tag) = dial(engine.address, false);
    phone.listen(10);
    // 697 and 1209 Hz are the key 1: consent. Then the tone of half a second, and the caller's words.
    phone.press_in_band(697.0, 1209.0, 3);
    let info = line.request("INFO", "word", 2, &tag, KEY_BY_INFO);
    line.send(info.replace("application/sdp", "application/dtmf-relay").as_bytes()).expect("sends");
    line.wait_for("SIP/2.0 200 ");
    phone.press_in_band(697.0, 1209.0, 2);
    phone.listen(40);
    phone.timestamp += 8000;
    phone.speak(100);
    line.send(line.request("BYE", "word", 3, &tag, "").as_bytes()).expect("sends");
    line.wait_for("SIP/2.0 200 ");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    let record = engine.records().pop().expect("a record");
    assert_eq!((&record["outcome"], &record["cause"]), (&"message".into(), &"caller-hung-up".into()), "{record}");
    assert_eq!(
        (&record["keys"][0]["keys"], record["keys"].as_array().map(Vec::len)),
        (&"1".into(), Some(1)),
        "{record}"
    );
    let spoken = record["messages"][0]["spoken_ms"].as_u64().expect("a time");
    assert!((1_500..=2_100).contains(&spoken), "{record}");
    let _ = fs::remove_dir_all(&engine.folder);
}

/// The whole call is recorded, and asks for a business number.
const RECORDED: &str = r##"
schema = 1
[number.1357]
match = ["1357"]
greeting = "notice_recording"
record = true
go = "input.business"
[input.business]
prompt = "visit_business_number"
kind = "business-number"
no_input = { retries = 0, then = "notice.goodbye" }
no_match = { retries = 0, then = "notice.goodbye" }
then = "menu.after"
[defaults.menu]
no_input = { retries = 9, then = "notice.goodbye" }
no_match = { retries = 0, then = "notice.goodbye" }
keys = { "*" = "repeat", "#" = "back" }
[menu.after]
prompt = "waiting_tone"
1 = "notice.goodbye"
[notice]
goodbye = { prompt = "goodbye", then = "end" }
"##;

/// The two sides of a recorded call.
fn sides(file: &Path) -> [Vec<i16>; 2] {
    let mut wave = hound::WavReader::open(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    assert_eq!((wave.spec().channels, wave.spec().sample_rate), (2, 8000));
    let samples: Vec<i16> = wave.samples().collect::<Result<_, _>>().expect("samples");
    [0, 1].map(|side| samples.iter().skip(side).step_by(2).copied().collect())
}

fn loud(samples: &[i16]) -> usize {
    samples.iter().filter(|sample| sample.unsigned_abs() > 1000).count()
}

/// The caller hears the notice, keys a number by events and by tones, and speaks behind it for so many packets.
fn recorded_call(phone: &mut crate::phone::Phone, after: usize) {
    // The notice is 3.5 s long; a key does not cut it.
    phone.listen(200);
    for (event, [low, high]) in [
        (2, [697.0, 1336.0]),
        (2, [697.0, 1336.0]),
        (0, [941.0, 1336.0]),
        (8, [852.0, 1336.0]),
        (1, [697.0, 1209.0]),
        (6, [770.0, 1477.0]),
        (2, [697.0, 1336.0]),
        (5, [770.0, 1336.0]),
        (1, [697.0, 1209.0]),
        (7, [852.0, 1209.0]),
    ] {
        phone.press(event);
        phone.timestamp += 480;
        // Gateways that leave the tone in the sound: it rings on for 200 ms.
        phone.press_in_band(low, high, 10);
        phone.listen(2);
        phone.timestamp += 320;
    }
    phone.speak(after);
}

#[test]
fn a_call_is_in_a_file_with_both_sides_and_no_key_of_its_entry_and_a_killed_process_leaves_one_that_plays() {
    let mut engine = start("call-kept", RECORDED);
    let recordings = engine.folder.join("recordings");
    let (mut line, mut phone, tag) = dial(engine.address, true);
    recorded_call(&mut phone, 150);
    line.send(line.request("BYE", "word", 3, &tag, "").as_bytes()).expect("sends");
    line.wait_for("SIP/2.0 200 ");
    let record = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        engine.records().into_iter().find(|record| record["outcome"].is_string())
    });
    let record = record.expect("a record");
    let recording = &record["recordings"][0];
    assert_eq!((&recording["row"], &recording["result"]), (&"number.1357".into(), &"kept".into()), "{record}");
    let [length, paused] = ["length_ms", "paused_ms"].map(|field| recording[field].as_u64().expect("a time"));
    let [caller, ours] = sides(&recordings.join(format!("{}.wav", recording["file"].as_str().expect("a name"))));
    assert_eq!((caller.len(), ours.len()), (length as usize * 8, length as usize * 8));
    // The question and the ten keys, and a second behind them; the tones are 2.4 s of it.
    assert!((3_000..=length - 1_500).contains(&paused), "{record}");
    // The entry begins with the recording, and the pause with the entry.
    let (entry, behind) = caller.split_at(paused as usize * 8);
    assert!(entry.iter().all(|&sample| sample == 0), "nothing of the keys");
    assert!(ours[..paused as usize * 8].iter().all(|&sample| sample == 0), "nor of what is said to them");
    // What is said behind it is there, three of four samples of the tone, and what is heard then beside it.
    assert!(loud(behind) > 8_000 && loud(&ours[paused as usize * 8..]) > 2_000, "{} {record}", loud(behind));

    // A second call is killed with its process.
    let (_line, mut phone, _) = dial(engine.address, true);
    recorded_call(&mut phone, 200);
    engine.signal("-KILL");
    engine.end();
    let day = recordings.join("calls/2026-11-24");
    let files: Vec<_> = fs::read_dir(&day).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    let name = recording["file"].as_str().expect("a name").rsplit('/').next().expect("a name");
    let second = files.iter().find(|file| !file.to_string_lossy().contains(name)).expect("a second file");
    let [caller, ours] = sides(second);
    assert_eq!(caller.len(), ours.len());
    // All but the last second or so.
    assert!(loud(&caller) > 8_000, "{} of {}", loud(&caller), caller.len());
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_recording_and_not_the_call() {
    let folder = folder("call-unkept");
    fs::write(folder.join("routing.toml"), RECORDED).expect("the table is written");
    let table = folder.join("routing.toml").display().to_string();
    // A file where the folder should be made.
    let recordings = folder.join("recordings");
    fs::write(&recordings, "").expect("a file");
    let settings = [("RECORDING__FOLDER", recordings.to_str().expect("text"))];
    let mut engine = Engine::start_serving(folder, &["--routing", &table], &settings);
    for _ in 0..2 {
        let (mut line, mut phone, tag) = dial(engine.address, true);
        phone.listen(260);
        line.send(line.request("BYE", "word", 3, &tag, "").as_bytes()).expect("sends");
        line.wait_for("SIP/2.0 200 ");
    }
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    let records = engine.records();
    assert!(records.iter().all(|record| record["recordings"][0]["result"] == "failed"), "{records:?}");
    assert_eq!(log.matches("a recording is not kept").count(), 1, "one alarm for both: {log}");
}
