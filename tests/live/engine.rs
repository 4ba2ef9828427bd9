//! The program as its users start it, on free ports, with records in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A running engine.
pub struct Engine {
    pub process: Child,
    pub block: Vec<String>,
    /// The first of `sip.listen`.
    pub address: SocketAddr,
    pub folder: PathBuf,
}

pub fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ivr1357-serve-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// The program, in the folder of the shipped table. `ENGINE=FILE` tests another binary, as for `sipp-scenarios/run`.
pub fn command() -> Command {
    let program = std::env::var_os("ENGINE").unwrap_or_else(|| env!("CARGO_BIN_EXE_ivr1357").into());
    let mut command = Command::new(std::path::absolute(program).expect("ENGINE names a file"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_LOG");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IVR1357") {
            command.env_remove(name);
        }
    }
    command
}

pub fn serve() -> Command {
    let mut command = command();
    command.args(["serve", "--lang", "en"]);
    command
}

impl Engine {
    pub fn start(name: &str) -> Self {
        Self::start_in(folder(name))
    }

    pub fn start_in(folder: PathBuf) -> Self {
        Self::start_with(folder, &[])
    }

    /// With further settings, as variables without their prefix: `("SIP__TLS", "127.0.0.1:0")`.
    pub fn start_with(folder: PathBuf, settings: &[(&str, &str)]) -> Self {
        Self::start_serving(folder, &[], settings)
    }

    /// With further arguments of `serve`, too.
    pub fn start_serving(folder: PathBuf, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::run(Self::command(&folder, arguments, settings), folder)
    }

    /// What starts it: whoever wants another log or another setting of the environment adds it.
    pub fn command(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = serve();
        command
            .args(arguments)
            .env("IVR1357__SIP__LISTEN", "127.0.0.1:0")
            .env("IVR1357__RECORDS__FILE", folder.join("calls.jsonl"))
            .env("IVR1357__CLOCK__START", "2026-11-24T10:00+09:00")
            .stderr(Stdio::piped());
        for (name, value) in settings {
            command.env(format!("IVR1357__{name}"), value);
        }
        command
    }

    /// Starts it; its block says where it listens.
    pub fn run(mut command: Command, folder: PathBuf) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut block = Vec::new();
        for line in &mut lines {
            let line = line.expect("text");
            let is_last = line.starts_with("No phone?");
            block.push(line);
            if is_last {
                break;
            }
        }
        let Some(address) = addresses(&block, "SIP ").first().copied() else {
            let errors = log_of(&mut process);
            panic!("no address in {block:?}\n{errors}");
        };
        Self { process, block, address, folder }
    }

    /// Where it listens, in the order of its settings: `SIP`, `TLS`.
    pub fn addresses(&self, line: &str) -> Vec<SocketAddr> {
        addresses(&self.block, &format!("{line} "))
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.process.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }

    pub fn records(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.folder.join("calls.jsonl")).expect("records");
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    /// Its memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }

    /// Waits for the end; its exit code and log.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let log = log_of(&mut self.process);
        (self.process.wait().expect("ends").code(), log)
    }
}

/// All that it says until it ends; nothing where that goes to a file.
fn log_of(process: &mut Child) -> String {
    let mut log = String::new();
    if let Some(mut errors) = process.stderr.take() {
        errors.read_to_string(&mut log).expect("text");
    }
    log
}

fn addresses(block: &[String], start: &str) -> Vec<SocketAddr> {
    let line = block.iter().find_map(|line| line.trim().strip_prefix(start));
    let words = line.unwrap_or_default().split([' ', ',']);
    words.filter_map(|word| word.parse().ok()).collect()
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if self.folder.is_absolute() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A start that fails: its exit code and what it says.
pub fn fails(output: Output) -> (Option<i32>, String) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "no block when nothing runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
