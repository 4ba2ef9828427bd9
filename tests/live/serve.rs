//! `ivr1357 serve` from outside: what it prints, what it answers, how it ends.

use crate::engine::{Engine, command, fails, folder, serve};
use crate::line::{Line, header};
use crate::patient::patiently;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// A telephone that has called and was answered.
struct Phone {
    socket: UdpSocket,
    /// Where its sound should go; nobody listens.
    _sound: UdpSocket,
    engine: SocketAddr,
    /// `;tag=` of the engine's.
    tag: String,
}

impl Phone {
    fn call(engine: &Engine) -> Self {
        let mut phone = Self::begin(engine);
        let answer = phone.wait_for("SIP/2.0 200 ");
        let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
        phone.tag = format!(";tag={}", tag.expect("a tag").1);
        phone.send("ACK", 1, "");
        phone
    }

    /// Calls, and does not wait for the answer.
    fn begin(engine: &Engine) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let sound = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let phone = Self { socket, _sound: sound, engine: engine.address, tag: String::new() };
        let rtp = phone._sound.local_addr().expect("bound").port();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {rtp} RTP/AVP 8\r\n"
        );
        phone.send("INVITE", 1, &sdp);
        phone
    }

    fn hang_up(&self) {
        self.send("BYE", 2, "");
    }

    fn send(&self, method: &str, cseq: u32, body: &str) {
        let (us, to, tag) = (self.socket.local_addr().expect("bound"), self.engine, &self.tag);
        let request = format!(
            "{method} sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{method};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:01012345678@{us}>;tag=1\r\nTo: <sip:1357@{to}>{tag}\r\nCall-ID: call@{us}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:test@{us}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(request.as_bytes(), to).expect("sends");
    }

    /// The first signals are one (an echo comes within a second) and drain; the next hangs up.
    fn signal_until_bye(&self, engine: &Engine, name: &str) {
        self.socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let mut bytes = [0; 4096];
        for _ in 0..100 {
            engine.signal(name);
            if patiently(|| self.socket.recv(&mut bytes)).is_ok_and(|length| bytes[..length].starts_with(b"BYE ")) {
                return self.socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
            }
        }
        panic!("no BYE");
    }

    /// Reads until a message begins so.
    fn wait_for(&self, start: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let length =
                patiently(|| self.socket.recv(&mut bytes)).unwrap_or_else(|error| panic!("no {start}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with(start) {
                return text;
            }
        }
    }
}

fn options(us: SocketAddr, to: SocketAddr, transport: &str) -> String {
    format!(
        "OPTIONS sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/{transport} {us};branch=z9hG4bKtest;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:test@{us}>;tag=1\r\nTo: <sip:1357@{to}>\r\nCall-ID: options@test\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

#[test]
fn the_block_says_what_runs_and_ends_with_the_demo() {
    let engine = Engine::start("block");
    let block = engine.block.join("\n");
    for part in ["UDP and TCP", "routing.toml, version ", " centres", "open until Tue 2026-11-24 18:00", "calls.jsonl"]
    {
        assert!(block.contains(part), "{part} is missing in\n{block}");
    }
    assert_eq!(engine.block.last().map(String::as_str), Some("No phone? cargo run --release -- demo"));
}

#[test]
fn sigterm_ends_it_cleanly() {
    let mut engine = Engine::start("term");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("only loopback and private networks"), "the warning about the missing trunk: {log}");
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let mut engine = Engine::start("int");
    engine.signal("-INT");
    assert_eq!(engine.end().0, Some(0));
}

#[test]
fn sigterm_lets_a_live_call_go_on_and_turns_away_whatever_is_new() {
    let mut engine = Engine::start("drain");
    let phone = Phone::call(&engine);
    let ping = || {
        let us = phone.socket.local_addr().expect("bound");
        phone.socket.send_to(options(us, engine.address, "UDP").as_bytes(), engine.address).expect("sends");
        phone.wait_for("SIP/2.0 ")
    };
    assert!(ping().starts_with("SIP/2.0 200 "));
    engine.signal("-TERM");
    let refused = loop {
        // The signal takes a moment.
        let answer = ping();
        if !answer.starts_with("SIP/2.0 200 ") {
            break answer;
        }
    };
    assert!(refused.starts_with("SIP/2.0 503 ") && refused.contains("\r\nRetry-After: "), "{refused}");
    phone.hang_up();
    phone.wait_for("SIP/2.0 200 ");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("1 call live") && log.contains(" outcome=\"abandoned\""), "{log}");
    let records = engine.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["cause"], "caller-hung-up");
}

/// Four ports in a row that nobody holds, the first of them even.
fn four_ports() -> u16 {
    for _ in 0..1000 {
        let first = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port() & !1;
        if first < 65_000 && (first..first + 4).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("no four ports in a row");
}

#[test]
fn a_call_without_a_port_is_refused_whole_with_an_alarm_and_every_ending_gives_its_port_back() {
    let first = four_ports();
    let other_program = UdpSocket::bind(("127.0.0.1", first)).expect("still free");
    let range = format!("{first}-{}", first + 3);
    let mut engine = Engine::start_with(folder("ports"), &[("MEDIA__PORTS", &range)]);
    for _ in 0..3 {
        let held = Phone::call(&engine);
        let refused = Phone::begin(&engine);
        refused.wait_for("SIP/2.0 503 ");
        refused.send("ACK", 1, "");
        held.hang_up();
        held.wait_for("SIP/2.0 200 ");
    }
    // Once the other program is gone, both pairs serve.
    drop(other_program);
    let both = [Phone::call(&engine), Phone::call(&engine)];
    both.iter().for_each(Phone::hang_up);
    both.iter().for_each(|phone| _ = phone.wait_for("SIP/2.0 200 "));
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("no RTP port is free").count(), 1, "once a minute: {log}");
    let mut causes: Vec<String> = engine.records().iter().map(|record| record["cause"].to_string()).collect();
    causes.sort();
    assert_eq!(causes.len(), 8, "one a call: {causes:?}");
    assert_eq!(causes.iter().filter(|cause| cause.contains("caller-hung-up")).count(), 5, "{causes:?}");
}

#[test]
fn a_second_signal_says_goodbye_to_a_live_call_and_writes_its_record() {
    let mut engine = Engine::start("goodbye");
    let phone = Phone::call(&engine);
    phone.signal_until_bye(&engine, "-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("1 call live"), "{log}");
    let records = engine.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["caller"], "010****5678");
}

#[test]
fn a_bye_that_gets_no_answer_is_sent_again_and_holds_up_the_end_no_longer() {
    let mut engine = Engine::start("goodbye-again");
    let phone = Phone::call(&engine);
    engine.signal("-TERM");
    phone.signal_until_bye(&engine, "-TERM");
    phone.wait_for("BYE ");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    // The next one would have left after a second and a half.
    phone.socket.set_nonblocking(true).expect("no waiting");
    assert!(phone.socket.recv(&mut [0; 4096]).is_err(), "ended within a second");
    assert_eq!(engine.records().len(), 1);
}

#[test]
fn a_call_that_a_killed_process_took_with_it_is_closed_once_by_the_next() {
    let mut engine = Engine::start("killed");
    let _phone = Phone::call(&engine);
    engine.signal("-KILL");
    engine.end();
    assert_eq!(engine.records(), Vec::<serde_json::Value>::new());
    for _ in 0..2 {
        let mut again = Engine::start_in(engine.folder.clone());
        again.signal("-TERM");
        assert_eq!(again.end().0, Some(0));
        let records = again.records();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!((&records[0]["cause"], &records[0]["ended"]), (&"interrupted".into(), &serde_json::Value::Null));
        std::mem::take(&mut again.folder);
    }
}

#[test]
fn the_record_of_a_call_that_was_killed_says_when_it_was_answered_and_where_it_was() {
    let mut engine = Engine::start("killed-answered");
    // The journal writes what came of the first call at the latest behind the start of the second, and that of the third behind both.
    let _phones = [Phone::call(&engine), Phone::call(&engine), Phone::call(&engine)];
    engine.signal("-KILL");
    engine.end();
    let mut again = Engine::start_in(engine.folder.clone());
    again.signal("-TERM");
    assert_eq!(again.end().0, Some(0));
    let records = again.records();
    let first = records.iter().min_by_key(|record| record["call"].as_str().map(str::to_owned)).expect("a record");
    assert_eq!((records.len(), &first["cause"]), (3, &"interrupted".into()));
    assert!(first["answered"].is_string() && first["path"][0].is_string(), "{first}");
    std::mem::take(&mut again.folder);
}

/// The number of a request's CSeq, and its method.
fn cseq(message: &str) -> (u32, String) {
    let value = message.lines().find_map(|line| line.strip_prefix("CSeq: ")).expect("a CSeq");
    let (number, method) = value.split_once(' ').expect("two words");
    (number.parse().expect("a number"), method.to_owned())
}

#[test]
fn whoever_a_killed_process_left_in_silence_gets_a_bye_from_the_next_and_holds_nothing_up() {
    use std::os::unix::fs::PermissionsExt;
    let mut engine = Engine::start("orphans");
    // One answers 481, as a phone that has hung up meanwhile; the other never says a word again.
    let phones = [Phone::call(&engine), Phone::call(&engine)];
    engine.signal("-KILL");
    engine.end();
    let journal = engine.folder.join("calls.jsonl.open");
    assert_eq!(fs::metadata(&journal).expect("a journal").permissions().mode() & 0o777, 0o600);
    let mut again = Engine::start_in(engine.folder.clone());
    for phone in &phones {
        let bye = phone.wait_for("BYE ");
        let us = phone.socket.local_addr().expect("bound");
        assert!(bye.starts_with(&format!("BYE sip:test@{us} SIP/2.0\r\n")), "{bye}");
        assert_eq!(header(&bye, "Call-ID"), format!("call@{us}"));
        assert_eq!(header(&bye, "To"), format!("<sip:01012345678@{us}>;tag=1"));
        assert!(header(&bye, "From").ends_with(&phone.tag), "{bye}");
        let (number, method) = cseq(&bye);
        assert!(number > 1000 && method == "BYE", "{bye}");
    }
    let bye = phones[0].wait_for("BYE ");
    let gone = format!(
        "SIP/2.0 481 Gone\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        header(&bye, "Via"),
        header(&bye, "From"),
        header(&bye, "To"),
        header(&bye, "Call-ID"),
        header(&bye, "CSeq")
    );
    phones[0].socket.send_to(gone.as_bytes(), again.address).expect("sends");
    // The other's is repeated; meanwhile somebody else calls and is answered.
    phones[1].wait_for("BYE ");
    let third = Phone::call(&again);
    third.hang_up();
    third.wait_for("SIP/2.0 200 ");
    again.signal("-TERM");
    let (code, log) = again.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("dialogs=2"), "{log}");
    let records = again.records();
    assert_eq!(records.iter().filter(|record| record["cause"] == "interrupted").count(), 2, "{records:?}");
    assert_eq!(records.len(), 3);
    let files = [&journal, &again.folder.join("calls.jsonl")].map(|file| fs::read_to_string(file).expect("a file"));
    assert!(!files.concat().contains("01012345678"), "nobody's number stays behind");
    std::mem::take(&mut again.folder);
}

#[test]
fn who_gives_up_before_the_engine_could_look_gives_up_each_call_once() {
    let mut engine = Engine::start("taken-back");
    let mut line = Line::udp(engine.address);
    // Stopped, the engine finds the calls and what takes them back in one row: none may be overtaken.
    engine.signal("-STOP");
    let calls: Vec<String> = (0..10).map(|number| format!("call{number}")).collect();
    // CANCEL and ACK go by the branch of their INVITE.
    let request = |line: &Line, method, call: &String| {
        line.request(method, call, 1, "", "").replace(&format!("{method}1;"), "INVITE1;").into_bytes()
    };
    for method in ["INVITE", "CANCEL"] {
        for call in &calls {
            let bytes = request(&line, method, call);
            line.send(&bytes).expect("sends");
        }
    }
    engine.signal("-CONT");
    let mut finals = BTreeMap::new();
    while finals.len() < 2 * calls.len() {
        let message = line.wait_for("SIP/2.0 ");
        if !message.starts_with("SIP/2.0 1") {
            let call = header(&message, "Call-ID").split('@').next().unwrap_or_default();
            finals.insert((call.to_owned(), header(&message, "CSeq").to_owned()), message);
        }
    }
    for call in &calls {
        let said = |cseq: &str| &finals[&(call.clone(), cseq.to_owned())];
        assert!(said("1 CANCEL").starts_with("SIP/2.0 200 "), "{}", said("1 CANCEL"));
        if said("1 INVITE").starts_with("SIP/2.0 487 ") {
            let bytes = request(&line, "ACK", call);
            line.send(&bytes).expect("sends");
            continue;
        }
        // On a busy machine the answer may have left before the engine read on.
        let answer = said("1 INVITE");
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        let tag = format!(";tag={}", header(answer, "To").split_once(";tag=").expect("a tag").1);
        for (method, cseq) in [("ACK", 1), ("BYE", 2)] {
            let bytes = line.request(method, call, cseq, &tag, "");
            line.send(bytes.as_bytes()).expect("sends");
        }
    }
    engine.signal("-TERM");
    assert_eq!(engine.end().0, Some(0));
    let outcomes: Vec<_> = engine.records().iter().map(|record| record["outcome"].clone()).collect();
    assert_eq!(outcomes.len(), calls.len());
    assert!(outcomes.iter().filter(|outcome| *outcome == "cancelled").count() > 0, "{outcomes:?}");
}

#[test]
fn options_is_answered_over_udp_and_over_tcp() {
    let engine = Engine::start("options");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let us = udp.local_addr().expect("bound");
    udp.send_to(options(us, engine.address, "UDP").as_bytes(), engine.address).expect("sends");
    let mut answer = [0; 2048];
    let length = patiently(|| udp.recv(&mut answer)).expect("an answer by UDP");
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer[..length]));

    let mut tcp = TcpStream::connect(engine.address).expect("connects");
    tcp.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let us = tcp.local_addr().expect("bound");
    let text = options(us, engine.address, "TCP");
    let (first, second) = text.as_bytes().split_at(text.len() / 2);
    tcp.write_all(first).expect("writes");
    tcp.write_all(second).expect("writes");
    let length = tcp.read(&mut answer).expect("an answer by TCP");
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer[..length]));
}

#[test]
fn a_busy_port_is_told_with_another_one_to_try() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let _taken = UdpSocket::bind(taken).expect("the port again");
    let folder = folder("busy");
    let output = serve()
        .env("IVR1357__SIP__LISTEN", taken.to_string())
        .env("IVR1357__RECORDS__FILE", folder.join("calls.jsonl"))
        .output()
        .expect("runs");
    let (code, text) = fails(output);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&taken.to_string()) && text.contains("IVR1357__SIP__LISTEN="), "{text}");
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn records_of_a_running_engine_are_not_shared() {
    let engine = Engine::start("shared");
    let output = serve()
        .env("IVR1357__SIP__LISTEN", "127.0.0.1:0")
        .env("IVR1357__RECORDS__FILE", engine.folder.join("calls.jsonl"))
        .output()
        .expect("runs");
    let (code, text) = fails(output);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("another ivr1357") && text.contains("IVR1357__RECORDS__FILE="), "{text}");
}

#[test]
fn a_table_with_a_mistake_is_shown_with_its_line() {
    let folder = folder("table");
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/routing.toml")).expect("the shipped table");
    let line = shipped.lines().position(|line| line.starts_with("go ")).expect("a number goes somewhere") + 1;
    let table = folder.join("routing.toml");
    fs::write(&table, shipped.replacen("\"menu.main\"", "\"menu.mian\"", 1)).expect("writes");
    let (code, text) = fails(serve().arg("--routing").arg(&table).output().expect("runs"));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&format!("routing.toml:{line}:")) && text.contains("menu.mian"), "{text}");
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn missing_files_and_unknown_settings_are_told_with_a_way_out() {
    for (arguments, variable, parts) in [
        (&["--routing", "none.toml"][..], ("X", ""), ["none.toml", "--routing FILE"]),
        (&["--settings", "none.toml"], ("X", ""), ["none.toml", "--settings"]),
        (&["--prompts", "no-such-folder"], ("X", ""), ["no-such-folder", "--prompts DIR"]),
        (&[], ("IVR1357__SIP__LISEN", "x"), ["IVR1357__SIP__LISEN", "`sip.listen`"]),
    ] {
        for (language, word) in [("en", "error: "), ("ko", "오류: ")] {
            let mut start = command();
            start.args(["serve", "--lang", language]).args(arguments).env(variable.0, variable.1);
            let (code, text) = fails(start.output().expect("runs"));
            assert_eq!(code, Some(2), "{text}");
            assert!(text.starts_with(word), "{text}");
            for part in parts {
                assert!(text.contains(part), "{part} is missing in\n{text}");
            }
        }
    }
}

#[test]
fn a_variable_that_lacks_an_underscore_is_told_at_the_start() {
    let start = serve().args(["--settings", "none.toml"]).env("IVR1357_SIP__LISTEN", "127.0.0.1:0").output();
    let (_, text) = fails(start.expect("runs"));
    assert!(text.contains("variable=\"IVR1357_SIP__LISTEN\" meant=\"IVR1357__SIP__LISTEN\""), "{text}");
}

#[test]
fn the_demo_reaches_a_centre_and_keeps_what_was_heard() {
    let folder = folder("demo");
    let heard = folder.join("heard.wav");
    let output = command().args(["demo", "--hurry", "--keys", "11", "--heard"]).arg(&heard).output().expect("runs");
    let (ladder, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{ladder}{log}");
    for part in
        ["menu.fund", "center.kosmes", "─ REFER ─", "INVITE sip:kosmes", "NOTIFY 200 OK", "\"outcome\":\"transferred\""]
    {
        assert!(ladder.contains(part), "{part} is missing in\n{ladder}");
    }
    let sound = hound::WavReader::open(&heard).expect("a WAV file");
    assert!(sound.duration() > 8000 * 5, "greeting, menu, announcement and centre: {} samples", sound.duration());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_wrong_argument_is_exit_code_2() {
    assert_eq!(fails(command().arg("--no-such-thing").output().expect("runs")).0, Some(2));
}
