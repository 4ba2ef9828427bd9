//! The program that speaks: the text goes in, a WAV comes out, and nobody waits for it for ever.

use super::PromptError;
use crate::limits::{PROMPT_FILE_BYTES_MAX, SYNTHESIS_MAX};
use crate::speech::finding::both;
use crate::speech::voice::{OUT, TEXT, Voice};
use crate::speech::wav;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What the program said, and how many samples a second.
pub struct Raw {
    /// One channel, from -1 to 1.
    pub samples: Vec<f64>,
    /// Samples a second.
    pub rate: u32,
}

/// Lets a voice say a text at a speed.
pub fn synthesise(voice: &Voice, speed: u32, text: &str) -> Result<Raw, PromptError> {
    run(voice, speed, text, SYNTHESIS_MAX)
}

/// Whether the program of a voice is on this machine.
pub fn is_there(voice: &Voice) -> bool {
    let Some(program) = voice.command.first() else { return false };
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn run(voice: &Voice, speed: u32, text: &str, patience: Duration) -> Result<Raw, PromptError> {
    let mut command = voice.command_at(speed);
    let by_argument = command.iter().any(|part| part.contains(TEXT));
    let file = command.iter().any(|part| part.contains(OUT)).then(Scratch::new);
    for part in command.iter_mut().skip(1) {
        if let Some(Scratch(path)) = &file {
            *part = part.replace(OUT, &path.display().to_string());
        }
        *part = part.replace(TEXT, text);
    }
    let program = command.first().map_or("", String::as_str);
    let failed = |what: String| {
        PromptError::file(
            program,
            both(format!("음성 합성에 실패했습니다: {what}"), format!("speech synthesis failed: {what}")),
            both(
                "설치: sudo apt-get install espeak-ng, 다른 프로그램: settings.toml의 [speech.ko] (WAV를 직접 녹음해 넣어도 됩니다)",
                "install it: sudo apt-get install espeak-ng; another program: [speech.ko] in settings.toml (or put a recorded WAV there)",
            ),
        )
    };
    let mut child = Command::new(program)
        .args(command.iter().skip(1))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let input = if by_argument { Vec::new() } else { text.as_bytes().to_vec() };
    let Some((status, output, complaint)) = outcome(&mut child, input, patience) else {
        // It may be gone already; either way it is waited for, so that nothing of it is left.
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(format!("no answer within {} s", patience.as_secs())));
    };
    if !status.success() {
        return Err(failed(format!("{status}: {}", String::from_utf8_lossy(&complaint).trim())));
    }
    let output = match &file {
        None => output,
        Some(Scratch(path)) => std::fs::read(path).map_err(|error| failed(format!("{}: {error}", path.display())))?,
    };
    let (format, samples) = wav::mono(&output).map_err(|(what, _)| failed(what[1].clone()))?;
    Ok(Raw { samples, rate: format.rate })
}

/// How the program ended, what it wrote and what it complained of; `None` when it does not end.
fn outcome(child: &mut Child, input: Vec<u8>, patience: Duration) -> Option<(ExitStatus, Vec<u8>, Vec<u8>)> {
    // Each end of the program has a thread, so that none waits for another; they end with it, or are left behind with it.
    if let Some(mut stdin) = child.stdin.take() {
        // A program that takes its text as an argument may close its input unread.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let listen = |end: Option<Box<dyn Read + Send>>| {
        let (said, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = end.map(|end| end.take(PROMPT_FILE_BYTES_MAX).read_to_end(&mut bytes));
            said.send(bytes)
        });
        heard
    };
    let output = listen(child.stdout.take().map(|end| Box::new(end) as Box<dyn Read + Send>));
    let complaint = listen(child.stderr.take().map(|end| Box::new(end) as Box<dyn Read + Send>));
    let output = output.recv_timeout(patience).ok()?;
    let complaint = complaint.recv_timeout(patience).ok()?;
    // Both ends are closed, so it has ended or is about to.
    Some((child.wait().ok()?, output, complaint))
}

/// A file that goes when the sound was read.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("ivr1357-{}-{number}.wav", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(command: &[&str]) -> Voice {
        Voice { command: command.iter().map(|&part| part.to_owned()).collect(), speed: 100, speed_of_parts: 200 }
    }

    fn error(command: &[&str]) -> PromptError {
        match run(&voice(command), 100, "가.", Duration::from_millis(200)) {
            Err(error) => error,
            Ok(_) => panic!("{command:?} made a sound"),
        }
    }

    #[test]
    fn what_goes_wrong_is_told_with_what_to_install() {
        for (command, told) in [
            (&["no-such-synthesiser"][..], "speech synthesis failed"),
            (&["true"], "not a readable WAV"),
            (&["sh", "-c", "echo 'no voice' >&2; exit 3"], "no voice"),
            (&["cat"], "not a readable WAV"),
            (&["true", "{out}"], "No such file"),
            (&["sleep", "60"], "no answer within"),
            (&[], "speech synthesis failed"),
        ] {
            let error = error(command);
            assert!(error.what[1].contains(told), "{command:?}: {error}");
            assert!(error.fix[0].contains("apt-get install espeak-ng"), "{error}");
        }
    }

    #[test]
    fn text_and_sound_go_by_pipe_argument_or_file() {
        let sound = Scratch::new();
        std::fs::write(&sound.0, wav::write_at(16_000, &[8192; 160])).unwrap();
        let from = sound.0.display().to_string();
        for command in [
            &["sh", "-c", "read text; test \"$text\" = 가. && cat $0", &from][..],
            &["sh", "-c", "test $1 = 가. && cat $0", &from, "{text}"],
            &["sh", "-c", "test $1 = 100 && cp $0 $2", &from, "{speed}", "{out}"],
        ] {
            let raw = run(&voice(command), 100, "가.", Duration::from_secs(20));
            let raw = raw.unwrap_or_else(|error| panic!("{command:?}: {error}"));
            assert_eq!((raw.rate, raw.samples), (16_000, vec![0.25; 160]));
        }
    }

    #[test]
    fn a_program_is_looked_for_before_it_is_run() {
        assert!(is_there(&voice(&["sh"])) && is_there(&voice(&["/bin/sh"])));
        assert!(
            !is_there(&voice(&["no-such-synthesiser"])) && !is_there(&voice(&["/no/such"])) && !is_there(&voice(&[]))
        );
    }
}
