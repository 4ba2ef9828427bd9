//! A headless baresip, driven through its control socket (netstrings with JSON, module `ctrl_tcp`).

use super::free_port;
use super::sound::Wave;
use serde_json::{Value, json};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where Debian and most others put the modules.
const MODULE_FOLDERS: [&str; 5] = [
    "/usr/lib/baresip/modules",
    "/usr/lib/x86_64-linux-gnu/baresip/modules",
    "/usr/lib/aarch64-linux-gnu/baresip/modules",
    "/usr/local/lib/baresip/modules",
    "/usr/lib64/baresip/modules",
];

/// Whether it has this module.
pub fn has(module: &str) -> bool {
    MODULE_FOLDERS.iter().any(|folder| Path::new(folder).join(module).exists())
}

pub struct Baresip {
    child: Child,
    control: TcpStream,
    /// Bytes of an event that is not whole yet.
    unread: Vec<u8>,
    port: u16,
    folder: PathBuf,
}

impl Baresip {
    /// Speaks `voice` in every call and records both directions. `user` is what it answers to.
    pub fn start(folder: &Path, user: &str, voice: &Wave, answers: bool) -> Self {
        Self::begin(folder, user, voice, answers, None, "PCMA/8000/1,PCMU/8000/1")
    }

    /// The same in this codec, whose module it has.
    #[cfg(feature = "opus")]
    pub fn speaking(folder: &Path, user: &str, voice: &Wave, codec: &str) -> Self {
        Self::begin(folder, user, voice, false, None, codec)
    }

    /// The same, with its sound encrypted: `srtp` offers that, `srtp-mand` insists on it.
    pub fn encrypting(folder: &Path, user: &str, voice: &Wave, how: &str) -> Self {
        Self::begin(folder, user, voice, false, Some(how), "PCMA/8000/1,PCMU/8000/1")
    }

    fn begin(folder: &Path, user: &str, voice: &Wave, answers: bool, how: Option<&str>, codecs: &str) -> Self {
        let folder = folder.join(user);
        fs::create_dir_all(&folder).expect("a folder for baresip");
        let (port, control) = (free_port(), free_port());
        let voice_file = folder.join("voice.wav");
        voice.write(&voice_file);
        let modules =
            MODULE_FOLDERS.iter().find(|path| Path::new(path).is_dir()).expect("baresip's modules are installed");
        // The RTP range lies below the ports that systems hand out by themselves. Even ports are RTP.
        let rtp = 20_000 + (port % 5000) * 2;
        let config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\n\
             call_local_timeout 60\ncall_max_calls 4\nstatmode_default off\n\
             audio_source aufile,{voice}\naudio_player aubridge,out-{user}\naudio_alert aubridge,alert-{user}\n\
             audio_level no\nausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
             rtp_ports {rtp}-{rtp_end}\njitter_buffer_delay 2-10\nrtp_stats no\n\
             module_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             snd_path {folder}\n{srtp}{opus}module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control}\n",
            srtp = if how.is_some() { "module srtp.so\n" } else { "" },
            opus = if codecs.contains("opus") { "module opus.so\n" } else { "" },
            voice = voice_file.display(),
            rtp_end = rtp + 100,
            folder = folder.display(),
        );
        fs::write(folder.join("config"), config).expect("the configuration can be written");
        let answer = if answers { ";answermode=auto" } else { "" };
        let encryption = how.map(|how| format!(";mediaenc={how}")).unwrap_or_default();
        let account = format!("<sip:{user}@127.0.0.1:{port}>;regint=0{answer}{encryption};audio_codecs={codecs}\n");
        fs::write(folder.join("accounts"), account).expect("the account can be written");
        let log = fs::File::create(folder.join("baresip.log")).expect("the log can be written");
        let mut child = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("baresip is installed (Debian package baresip-core)");
        let deadline = Instant::now() + Duration::from_secs(10);
        let control = loop {
            match TcpStream::connect(("127.0.0.1", control)) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => {
                    let _ = child.kill();
                    panic!("baresip opens its control socket: {error}");
                }
                Err(_) => sleep(Duration::from_millis(50)),
            }
        };
        control.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out can be set");
        Self { child, control, unread: Vec::new(), port, folder }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn command(&mut self, name: &str, parameter: &str) {
        let text = json!({ "command": name, "params": parameter }).to_string();
        write!(self.control, "{}:{text},", text.len()).expect("baresip takes commands");
    }

    /// Waits for an event about a call with this peer. Other events are passed over.
    pub fn wait_for(&mut self, kind: &str, peer: &str, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut seen = Vec::new();
        loop {
            while let Some(event) = self.next_event() {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                // A TRANSFER names the new peer in its parameter, the others in `peeruri`.
                if text("type") == kind && (text("peeruri").contains(peer) || text("param").contains(peer)) {
                    return;
                }
                seen.push(format!("{} {} {}", text("type"), text("peeruri"), text("param")));
            }
            assert!(
                Instant::now() < deadline,
                "baresip reports {kind} {peer} within {patience:?}; it reported {seen:#?}"
            );
            let mut bytes = [0; 4096];
            match self.control.read(&mut bytes) {
                Ok(0) => panic!("baresip closed its control socket; it reported {seen:#?}"),
                Ok(length) => self.unread.extend_from_slice(&bytes[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("baresip's control socket: {error}"),
            }
        }
    }

    /// One netstring: `LENGTH:BYTES,`.
    fn next_event(&mut self) -> Option<Value> {
        let colon = self.unread.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&self.unread[..colon]).ok()?.parse().ok()?;
        let text = self.unread.get(colon + 1..colon + 1 + length)?;
        let event = serde_json::from_slice(text).expect("baresip speaks JSON");
        self.unread.drain(..(colon + 2 + length).min(self.unread.len()));
        Some(event)
    }

    /// What came in, one recording per call, oldest first (the names are dates).
    pub fn heard<const CALLS: usize>(&self) -> [Wave; CALLS] {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)
            .expect("the folder is there")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        let waves: Vec<Wave> = files.iter().map(|file| Wave::read(file)).collect();
        waves.try_into().unwrap_or_else(|waves: Vec<Wave>| panic!("{CALLS} recordings, not {}", waves.len()))
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
