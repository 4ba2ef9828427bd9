//! `ivr1357 hear CAPTURE [--expect PROMPT]…`: what a caller heard, against what should have been played.

use super::Lang;
use crate::hearing::{self, Choice, Expected, Judgement, capture, picture, told};
use crate::limits::CAPTURE_BYTES_MAX;
use crate::routing::Language;
use crate::sdp::Codec;
use crate::shell::reason;
use crate::shell::serve::Failure;
use crate::shell::table;
use crate::speech::{Catalogue, wav};
use clap::Args;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A capture (pcap, pcapng) with the RTP of a call, or a recording (WAV, 8 kHz, 16 bits)
    file: PathBuf,
    /// A prompt that should be heard: its name in the folder of prompts, or a WAV file; several in order; `all` for any of the folder
    #[arg(long, value_name = "PROMPT|FILE.wav", num_args = 1..)]
    expect: Vec<String>,
    /// The folder of prompts
    #[arg(long, value_name = "DIR", default_value = "prompts")]
    prompts: PathBuf,
    /// The stream of a capture, as 0x1a2b3c4d; without it, the one in which most of the expected is heard, else the longest
    #[arg(long, value_name = "SSRC", value_parser = source)]
    ssrc: Option<u32>,
    /// The codec under a dynamic number, as 97=pcma (pcma, pcmu, g722)
    #[arg(long, value_name = "NUMBER=CODEC", value_parser = payload)]
    payload: Vec<(u8, Codec)>,
    /// The channel of a recording
    #[arg(long, value_name = "N", default_value_t = 1)]
    channel: u16,
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
    /// Also draws the sound, with the prompts found and what is missing in red
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// The language of the report
    #[arg(long, value_enum, default_value_t = Lang::of_locale())]
    lang: Lang,
}

/// `ivr1357 hear`: 1 where something of the expected is missing, clipped, broken or out of order.
pub(super) fn run_command(arguments: &Arguments) -> Result<u8, Failure> {
    let language: Language = arguments.lang.into();
    let korean = matches!(language, Language::Korean);
    let expected = expected(&arguments.expect, &arguments.prompts, language)?;
    let in_order = !arguments.expect.iter().any(|name| name == ALL);
    let bytes = read(&arguments.file, korean)?;
    let mut judgement = judge(arguments, &bytes, &expected, in_order, korean)?;
    if !in_order {
        // Nobody expects all of them.
        judgement.missing.clear();
    }
    if let Some(file) = &arguments.chart {
        // Not "broken", whose exit code stands for a sound that is bad.
        let wrong = |error| Failure::Setup(reason::unwritable(file, &error, language));
        fs::write(file, picture::draw(&judgement, korean)).map_err(wrong)?;
    }
    match arguments.json {
        true => println!("{:#}", told::json(&judgement)),
        false => print!("{}", told::text(&judgement, korean)),
    }
    Ok(u8::from(!judgement.is_well()))
}

/// Stands for every prompt of the folder.
const ALL: &str = "all";

fn judge(
    arguments: &Arguments,
    bytes: &[u8],
    expected: &[Expected],
    in_order: bool,
    korean: bool,
) -> Result<Judgement, Failure> {
    let mut progress = progress(korean);
    let wrong =
        |ko: &str, en: &str| Failure::Setup(format!("{}: {}", arguments.file.display(), if korean { ko } else { en }));
    if bytes.starts_with(b"RIFF") {
        let samples = wav::channel(bytes, arguments.channel).map_err(|(what, fix)| {
            let of = |language: usize| format!("{}\n  = {}", what[language], fix[language]);
            wrong(&of(0), &of(1))
        })?;
        return Ok(hearing::judge_recording(samples, expected, in_order, &mut progress));
    }
    let capture = capture::read(bytes).map_err(|_| {
        wrong(
            "pcap도 pcapng도 WAV도 아닙니다\n  = 예: tcpdump -s 0 -w call.pcap udp",
            "neither pcap nor pcapng nor WAV\n  = take one with: tcpdump -s 0 -w call.pcap udp",
        )
    })?;
    let choice = Choice { ssrc: arguments.ssrc, payloads: arguments.payload.clone() };
    let judgement = hearing::judge_capture(&capture, &choice, expected, in_order, &mut progress);
    let judgement = judgement.ok_or_else(|| match capture.streams.as_slice() {
        [] => wrong(&told::no_rtp(&capture, true), &told::no_rtp(&capture, false)),
        streams => {
            let listed: Vec<String> = streams.iter().take(8).map(|stream| format!("0x{:08x}", stream.ssrc)).collect();
            let listed = listed.join(", ");
            wrong(
                &format!("알 수 있는 소리가 없습니다 (SSRC {listed})\n  = 암호화된 소리이거나, 동적 번호라면 --payload 97=pcma 처럼 알려 주세요"),
                &format!("no stream of it has sound that is known (SSRC {listed})\n  = it may be encrypted; a dynamic number is named by --payload 97=pcma"),
            )
        }
    })?;
    for line in told::unread(&capture, korean) {
        eprintln!("{}: {line}", if korean { "주의" } else { "note" });
    }
    Ok(judgement)
}

fn expected(names: &[String], folder: &Path, language: Language) -> Result<Vec<Expected>, Failure> {
    let korean = language == Language::Korean;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let is_file = |name: &str| name.ends_with(".wav");
    // As the table has them: `greeting` is Korean, `en/greeting` is not, `slow/greeting` is read slowly.
    let mut catalogue = Catalogue::default();
    if !names.iter().all(|name| is_file(name)) {
        catalogue = table::load_prompts(folder, language).map_err(Failure::Setup)?;
    }
    let mut expected = Vec::new();
    for name in names {
        if is_file(name) {
            let wrong = |what: &str| Failure::Setup(format!("{name}: {what}"));
            let bytes = fs::read(name).map_err(|error| wrong(&reason::of(&error, language)))?;
            let samples = wav::read(&bytes).map_err(|(what, _)| wrong(&what[usize::from(!korean)]))?.samples;
            let stem =
                Path::new(name).file_stem().map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into_owned());
            expected.push(Expected { name: stem, samples });
            continue;
        }
        let before = expected.len();
        let ids: Vec<&String> = if name == ALL { catalogue.prompts.keys().collect() } else { vec![name] };
        for id in ids {
            let sound = catalogue.sound(id);
            expected.extend(sound.map(|sound| Expected { name: id.clone(), samples: sound.samples.to_vec() }));
        }
        if expected.len() == before {
            let help = if korean {
                "그런 안내음이 없거나 소리가 없습니다 (`ivr1357 prompts list`)"
            } else {
                "there is no such prompt, or it has no sound (`ivr1357 prompts list`)"
            };
            return Err(Failure::Setup(format!("{name}: {help}")));
        }
    }
    Ok(expected)
}

fn read(file: &Path, korean: bool) -> Result<Vec<u8>, Failure> {
    let wrong = |what: String| Failure::Setup(format!("{}: {what}", file.display()));
    let mut bytes = Vec::new();
    let language = if korean { Language::Korean } else { Language::English };
    let failed = |error: io::Error| wrong(reason::of(&error, language));
    let opened = fs::File::open(file).map_err(failed)?;
    opened.take(CAPTURE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > CAPTURE_BYTES_MAX {
        let mib = CAPTURE_BYTES_MAX >> 20;
        return Err(wrong(if korean {
            format!("{mib} MiB보다 큽니다")
        } else {
            format!("larger than {mib} MiB")
        }));
    }
    Ok(bytes)
}

/// Tells a terminal how far a search has come. Files and pipes are told nothing, and few prompts are found before anybody wonders.
fn progress(korean: bool) -> impl FnMut(usize, usize) {
    const LEAST: usize = 8;
    let told = io::stderr().is_terminal();
    move |done, all| {
        if told && all >= LEAST {
            let words = if korean { "안내음을 찾는 중" } else { "looking for prompts" };
            // At the end, the line is empty again (ECMA-48 §8.3.41, EL).
            let line = if done < all { format!("{words}: {done}/{all}") } else { String::new() };
            eprint!("\r\x1b[K{line}");
        }
    }
}

fn source(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "an SSRC: 0x1a2b3c4d, or a decimal number".to_owned())
}

fn payload(text: &str) -> Result<(u8, Codec), String> {
    let read = || {
        let (number, codec) = text.split_once('=')?;
        let codec = Codec::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(codec))?;
        Some((number.parse().ok().filter(|&number: &u8| number < 128)?, codec))
    };
    let codecs = Codec::ALL.map(|codec| codec.name().to_lowercase()).join(", ");
    read().ok_or_else(|| format!("a number and a codec: 97=pcma ({codecs})"))
}
