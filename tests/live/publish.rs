//! `ivr1357 publish`, `history`, `rollback` and `status` against the real program, and what a restart begins with.

use crate::engine::{Engine, command, folder};
use crate::patient::patiently;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The shipped table without slow reading: its sounds are made for each publication, which takes a build that is not optimised many seconds.
/// tests/table/slow.rs is about them.
fn shipped() -> String {
    const SHIPPED: &str = include_str!("../../routing.toml");
    let usual = SHIPPED.replace("repeat-slowly", "repeat").replace("again_slowly", "again");
    assert_eq!(SHIPPED.matches("repeat-slowly").count(), 1, "the key of the shipped table");
    let parts: Vec<&str> =
        usual.split("[[test]]\n").filter(|part| !part.contains("\"slow/") && !part.contains("/slow/")).collect();
    parts.join("[[test]]\n")
}

/// A running engine with a table of its own to edit.
struct Desk {
    engine: Engine,
    table: PathBuf,
}

impl Desk {
    fn start(name: &str) -> Self {
        let folder = folder(name);
        fs::write(folder.join("routing.toml"), shipped()).expect("written");
        Self::start_in(folder, &[])
    }

    fn start_in(folder: PathBuf, arguments: &[&str]) -> Self {
        let table = folder.join("routing.toml");
        let mut all = vec!["--routing", table.to_str().expect("a path")];
        all.extend(arguments);
        Self { engine: Engine::start_serving(folder, &all, &[]), table }
    }

    /// Kills it, and starts another in its folder.
    fn killed_and_started(mut self, arguments: &[&str]) -> Self {
        self.engine.signal("-KILL");
        self.engine.end();
        let folder = std::mem::take(&mut self.engine.folder);
        Self::start_in(folder, arguments)
    }

    fn write(&self, text: &str) {
        fs::write(&self.table, text).expect("written");
    }

    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let mut command = command();
        command
            .args(words)
            .args(["--lang", "en"])
            .env("IVR1357__RECORDS__FILE", self.engine.folder.join("calls.jsonl"));
        let Output { status, stdout, stderr } = command.output().expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (status.code(), text(stdout), text(stderr))
    }

    fn publish(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let mut words = vec!["publish", self.table.to_str().expect("a path"), "--why", "for a test"];
        words.extend(more);
        self.run(&words)
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        let (_, out, error) = self.run(&[words, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("no JSON: {out}{error}"))
    }

    fn live(&self) -> u64 {
        self.json(&["status"])["live"]["number"].as_u64().expect("a number")
    }

    fn control(&self) -> PathBuf {
        self.engine.folder.join("calls.jsonl.control")
    }

    /// Waits until something in the state holds: a signal takes its time.
    fn wait_for(&self, what: &str, holds: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        for _ in 0..1200 {
            let status = self.json(&["status"]);
            if holds(&status) {
                return status;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never: {what}");
    }
}

/// A telephone; what it dials is answered by the engine.
struct Phone {
    socket: UdpSocket,
    engine: std::net::SocketAddr,
    call: u32,
    tag: String,
}

impl Phone {
    fn dial(desk: &Desk, call: u32) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let mut phone = Self { socket, engine: desk.engine.address, call, tag: String::new() };
        let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
        phone.send("INVITE", 1, sdp);
        let answer = phone.answered("200");
        let to = answer.lines().find_map(|line| line.strip_prefix("To:")?.split_once(";tag="));
        phone.tag = format!(";tag={}", to.expect("a tag").1);
        phone.send("ACK", 1, "");
        phone
    }

    fn hang_up(self) {
        self.send("BYE", 2, "");
        self.answered("200");
    }

    fn send(&self, method: &str, cseq: u32, body: &str) {
        let (us, to, call, tag) = (self.socket.local_addr().expect("bound"), self.engine, self.call, &self.tag);
        let text = format!(
            "{method} sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{method}{call};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:01012345678@{us}>;tag=1\r\nTo: <sip:1357@{to}>{tag}\r\nCall-ID: {call}@{us}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:test@{us}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(text.as_bytes(), to).expect("sends");
    }

    fn answered(&self, status: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let length = patiently(|| self.socket.recv(&mut bytes)).expect("an answer");
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with(&format!("SIP/2.0 {status} ")) {
                return text;
            }
        }
    }
}

fn edited(mark: &str) -> String {
    format!("{}\n# {mark}\n", shipped())
}

/// A table that checks, and one of whose own tests fails.
fn failing_test() -> String {
    let text =
        shipped().replace("expect = [\"menu.main\", \"menu.fund\", \"center.kosmes\"]", "expect = [\"menu.rnd\"]");
    assert_ne!(text, shipped(), "the shipped table has that test");
    text
}

#[test]
fn records_that_the_disk_does_not_take_are_an_alarm_in_the_status() {
    let folder = folder("no-room");
    fs::write(folder.join("routing.toml"), shipped()).expect("written");
    std::os::unix::fs::symlink("/dev/full", folder.join("calls.jsonl")).expect("a link");
    let desk = Desk::start_in(folder, &[]);
    Phone::dial(&desk, 1).hang_up();
    let is_told = |status: &serde_json::Value| status["alarms"].to_string().contains("records are not written: ");
    desk.wait_for("records are not written", is_told);
    let (code, out, _) = desk.run(&["status"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("alarm: records are not written: No space left on device"), "{out}");
}

#[test]
fn a_table_is_published_refused_and_rolled_back_in_a_running_engine() {
    let desk = Desk::start("publish");
    assert!(desk.engine.block.iter().any(|line| line.contains("version 1 (")), "{:?}", desk.engine.block);
    desk.write(
        &shipped().replace(
            "\"소상공인 정책자금\",   go = \"center.semas\"",
            "\"소상공인 정책자금\",   go = \"center.kosmes\"",
        ),
    );
    let (code, out, error) = desk.publish(&["--by", "이주무관"]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.contains("version 2 (") && out.contains("is live") && out.contains("led elsewhere"), "{out}");

    // Red for each part of the gate: refused whole, with every finding.
    desk.write(&shipped().replacen("\"menu.main\"", "\"menu.mian\"", 1));
    let (code, _, error) = desk.publish(&[]);
    assert!(code == Some(1) && error.contains("menu.mian") && error.contains("version 2 stays live"), "{error}");
    desk.write(&failing_test());
    let (code, _, error) = desk.publish(&[]);
    assert!(code == Some(1) && error.contains("✗ "), "a test that fails: {error}");
    desk.write(&shipped().replacen("prompt = \"busy\"", "prompt = \"never_recorded\"", 1));
    let (code, _, error) = desk.publish(&[]);
    assert!(code == Some(1) && error.contains("never_recorded"), "a prompt without sound: {error}");
    assert_eq!(desk.live(), 2);

    let (code, out, error) = desk.run(&["rollback", "--why", "callers complained"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let history = desk.json(&["history"]);
    let numbers: Vec<_> = history.as_array().expect("a list").iter().map(|entry| entry["number"].as_u64()).collect();
    assert_eq!(numbers, [Some(3), Some(2), Some(1)]);
    assert_eq!((&history[0]["live"], &history[0]["version"]["repeats"]), (&true.into(), &1.into()));
    assert_eq!(history[0]["version"]["hash"], history[2]["version"]["hash"]);
    let who = &history[1]["version"]["who"];
    assert!(who["uid"].is_u64() && who["by"] == "이주무관", "the kernel says who, and the name is beside it: {who}");
    assert_eq!(desk.run(&["history", "1"]).1, shipped(), "byte for byte");
    let (_, listed, _) = desk.run(&["history"]);
    assert!(listed.contains("(version 1 again) callers complained"), "{listed}");
}

#[test]
fn a_live_call_keeps_its_table_and_records_name_the_version() {
    let desk = Desk::start("publish-live");
    let first = Phone::dial(&desk, 1);
    desk.write(&edited("two"));
    assert_eq!(desk.publish(&[]).0, Some(0));
    let second = Phone::dial(&desk, 2);
    first.hang_up();
    second.hang_up();
    let mut engine = desk.engine;
    engine.signal("-TERM");
    engine.end();
    let mut records = engine.records();
    records.sort_by_key(|record| record["version"].as_u64());
    assert_eq!((&records[0]["version"], &records[1]["version"]), (&1.into(), &2.into()));
    assert_ne!(records[0]["table"], records[1]["table"]);
}

#[test]
fn a_restart_begins_with_the_last_good_version_whatever_lies_in_the_file() {
    let desk = Desk::start("publish-restart");
    desk.write(&edited("two"));
    assert_eq!(desk.publish(&[]).0, Some(0));

    // Edited and not published: not live, and told.
    desk.write(&edited("never published"));
    let desk = desk.killed_and_started(&[]);
    let block = desk.engine.block.join("\n");
    assert!(
        block.contains("version 2 (") && block.contains("NOT LIVE") && block.contains("ivr1357 publish"),
        "{block}"
    );
    let status = desk.json(&["status"]);
    assert_eq!((&status["unpublished"], status["alarms"].as_array().map(Vec::len)), (&true.into(), Some(0)));

    // Broken: an alarm, and the number is answered.
    desk.write("schema = ");
    let desk = desk.killed_and_started(&[]);
    let (code, out, _) = desk.run(&["status"]);
    assert!(code == Some(1) && out.contains("version 2 (") && out.contains("alarm: "), "{out}");
    Phone::dial(&desk, 1).hang_up();

    // The newest version is damaged, too.
    fs::write(desk.engine.folder.join("calls.jsonl.versions/000002/routing.toml"), "?").expect("written");
    let desk = desk.killed_and_started(&[]);
    let status = desk.json(&["status"]);
    assert_eq!(status["live"]["number"], 1);
    assert!(status["alarms"].to_string().contains("version 2 cannot be used"), "{status}");

    // For those who edit and restart.
    desk.write(&edited("three"));
    let desk = desk.killed_and_started(&["--publish"]);
    assert_eq!(desk.live(), 3);
    assert!(!desk.engine.block.join("\n").contains("NOT LIVE"));
}

#[test]
fn sighup_publishes_the_file_and_a_red_file_changes_nothing() {
    let desk = Desk::start("publish-hup");
    desk.write(&edited("two"));
    desk.engine.signal("-HUP");
    let status = desk.wait_for("version 2", |status| status["live"]["number"] == 2);
    assert_eq!(status["live"]["who"]["user"], "SIGHUP");
    desk.write("schema = ");
    desk.engine.signal("-HUP");
    // Orders are carried out one after the other: when this one is done, the signal's is.
    let mut engine = desk.engine;
    let stderr = engine.process.stderr.as_mut().expect("a pipe");
    let mut log = BufReader::new(stderr).lines().map(|line| line.expect("text"));
    let refused = log.find(|line| line.contains("not published")).expect("a line");
    assert!(refused.contains("version=2") && refused.contains("SIGHUP"), "{refused}");
    let finding = log.next().expect("a line for each finding");
    assert!(finding.contains("routing.toml:1:") && finding.contains("error[E0101]"), "{finding}");
}

#[test]
fn of_two_who_edited_the_same_version_the_second_is_refused() {
    let desk = Desk::start("publish-over");
    desk.write(&edited("one of them"));
    assert_eq!(desk.publish(&["--over", "1"]).0, Some(0));
    desk.write(&edited("the other"));
    let (code, _, error) = desk.publish(&["--over", "1"]);
    assert!(code == Some(1) && error.contains("over version 1, and version 2 is live"), "{error}");
    let (code, out, _) = desk.run(&["publish", desk.table.to_str().expect("a path"), "--dry-run"]);
    assert!(code == Some(0) && out.contains("would be version 3"), "{out}");
    assert_eq!(desk.live(), 2);
}

#[test]
fn without_an_engine_or_a_reason_nothing_is_published() {
    let mut desk = Desk::start("publish-none");
    let table = desk.table.to_str().expect("a path").to_owned();
    assert_eq!(desk.run(&["publish", &table]).0, Some(2), "no reason");
    let (code, _, error) = desk.run(&["publish", &table, "--why", " "]);
    assert!(code == Some(1) && error.contains("--why"), "{error}");
    assert_eq!(fs::metadata(desk.control()).expect("a socket").permissions().mode() & 0o777, 0o600);
    desk.engine.signal("-TERM");
    desk.engine.end();
    let (code, _, error) = desk.publish(&[]);
    assert!(code == Some(2) && error.contains("no engine answers"), "{error}");
    // Its history is still there to read.
    let (code, out, _) = desk.run(&["history"]);
    assert!(code == Some(0) && out.contains("first start"), "{out}");
}

#[test]
fn who_speaks_nonsense_at_the_control_socket_is_told_so_and_nothing_happens() {
    let desk = Desk::start("publish-noise");
    let say = |bytes: &[u8]| -> String {
        let mut stream = UnixStream::connect(desk.control()).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for noise in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"",
        b"\n",
        b"{\"ask\":\"publish\",\"file\":\"x\",\"why\":\"y\",\"bytes\":99999999999}\n",
        b"{\"ask\":\"publish\",\"file\":\"x\",\"why\":\"y\",\"bytes\":100}\nshort",
        &[b'a'; 100_000],
    ] {
        let answer = say(noise);
        assert!(answer.starts_with("{\"error\":") || answer.is_empty(), "{answer}");
    }
    assert_eq!((desk.live(), Path::exists(&desk.control())), (1, true));
}

#[test]
fn silent_programs_at_the_control_socket_have_an_end_and_others_are_told() {
    let desk = Desk::start("publish-crowd");
    let silent: Vec<UnixStream> = (0..16).map(|_| UnixStream::connect(desk.control()).expect("connects")).collect();
    let (code, _, error) = desk.run(&["status"]);
    assert!(code == Some(2) && error.contains("asked by too many"), "{error}");
    drop(silent);
    // Calls go on whatever happens here, and so does the socket.
    Phone::dial(&desk, 1).hang_up();
    for _ in 0..1200 {
        if desk.run(&["status"]).0 == Some(0) {
            return;
        }
    }
    panic!("nobody is answered any more");
}

#[test]
fn a_table_of_several_files_is_one_version_and_comes_back_as_its_files() {
    let desk = Desk::start("publish-include");
    let table = shipped();
    let (rest, notices) = table.split_at(table.find("[notice]").expect("the shipped table has notices"));
    let end = notices.find("\n[").map_or(notices.len(), |end| end + 1);
    let (notices, tests) = notices.split_at(end);
    let main = rest.replacen("schema   = 1", "schema   = 1\ninclude = [\"notices.toml\"]", 1) + tests;
    desk.write(&main);
    fs::write(desk.engine.folder.join("notices.toml"), notices).expect("written");
    let (code, out, error) = desk.publish(&[]);
    assert_eq!(code, Some(0), "{out}{error}");
    // An edited part is an unpublished edit, too.
    fs::write(desk.engine.folder.join("notices.toml"), format!("{notices}\n# edited\n")).expect("written");
    assert_eq!(desk.json(&["status"])["unpublished"], true);
    let back = desk.engine.folder.join("back");
    let (code, _, error) = desk.run(&["history", "2", "--to", back.to_str().expect("a path")]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(fs::read_to_string(back.join("routing.toml")).expect("the table"), main);
    assert_eq!(fs::read_to_string(back.join("notices.toml")).expect("its part"), notices);
    assert_eq!(
        desk.run(&["history", "2", "--to", back.to_str().expect("a path")]).0,
        Some(2),
        "nothing is overwritten"
    );
}

#[test]
fn a_centre_that_is_this_engine_is_refused_and_versions_that_are_not_there_are_told() {
    let desk = Desk::start("publish-ourselves");
    let ours = format!("sip:keit@{}", desk.engine.address);
    desk.write(&shipped().replace("sip:keit@127.0.0.1:5070", &ours));
    let (code, _, error) = desk.publish(&[]);
    assert!(code == Some(1) && error.contains("error[E0304]: center.keit") && error.contains(&ours), "{error}");
    assert_eq!(desk.live(), 1);
    for words in [&["history", "7"][..], &["history", "0"], &["rollback", "99", "--why", "for a test"]] {
        let (code, _, error) = desk.run(words);
        let told = format!("there is no version {}\n  help: there are 1", words[1]);
        assert!(code == Some(1) && error.contains(&told), "{words:?}: {error}");
    }
}

#[test]
fn a_garbled_file_of_switches_keeps_no_emergency_from_callers() {
    let desk = Desk::start("publish-switches");
    let file = desk.engine.folder.join("calls.jsonl.switches.json");
    fs::write(&file, "{\"emergency\": ").expect("written");
    let status = desk.wait_for("an alarm", |status| status["alarms"].as_array().is_some_and(|list| !list.is_empty()));
    assert!(status["alarms"].to_string().contains("calls.jsonl.switches.json"), "{status}");
    let (code, _, error) = desk.run(&["switch"]);
    assert!(code == Some(2) && error.contains("help: "), "{error}");
    let (code, out, error) = desk.run(&["switch", "emergency", "on"]);
    assert!(code == Some(0) && out.contains("emergency\ton") && error.contains(".broken"), "{out}{error}");
    assert_eq!(desk.json(&["status"])["alarms"].as_array().map(Vec::len), Some(0));
    let broken = desk.engine.folder.join("calls.jsonl.switches.json.broken");
    assert_eq!(fs::read_to_string(broken).ok().as_deref(), Some("{\"emergency\": "));
}

#[test]
fn prompts_of_an_empty_folder_and_a_table_that_is_a_pipe() {
    let folder = folder("empty-folder");
    let run = |words: &[&str]| {
        let Output { status, stderr, .. } = command().args(words).current_dir(&folder).output().expect("runs");
        (status.code(), String::from_utf8_lossy(&stderr).into_owned())
    };
    assert_eq!(run(&["init", "--lang", "en"]).0, Some(0));
    // Whether there is speech software or not.
    let (_, error) = run(&["prompts", "build", "--lang", "en"]);
    assert!(folder.join("prompts/ko").is_dir() && error.contains("made the folder prompts/ko"), "{error}");
    let pipe = folder.join("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    for words in [["check", "pipe.toml"], ["check", "/dev/zero"]] {
        let (code, error) = run(&[words[0], words[1], "--lang", "en"]);
        assert!(code == Some(2) && error.contains("no regular file"), "{words:?}: {error}");
    }
    let (code, error) = run(&["publish", "pipe.toml", "--why", "for a test", "--lang", "en"]);
    assert!(code == Some(2) && error.contains("no regular file"), "{error}");
}
