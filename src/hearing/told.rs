//! A judgement in words, and for programs.

use super::capture::{BreaksOff, Capture};
use super::search::{Found, Gap, Words};
use super::sound::Sound;
use super::way::Way;
use super::{ALIKE, CLIPPED_MS, Judgement, LEVEL_DB, MS};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::ops::Range;

/// The report for people.
pub fn text(judgement: &Judgement, korean: bool) -> String {
    let of = |ko: String, en: String| if korean { ko } else { en };
    let mut out = String::new();
    let mut line = |label: [&str; 2], ko: String, en: String| {
        let label = if korean { label[0] } else { label[1] };
        let _ = writeln!(out, "{label}  {}", of(ko, en));
    };
    if let Some(stream) = &judgement.stream {
        let codec = stream.way.codec.map_or_else(String::new, |codec| format!(", {codec:?}").to_uppercase());
        let words = format!("{} → {}, SSRC 0x{:08x}{codec}", stream.from, stream.to, stream.ssrc);
        line(["흐름", "stream"], words.clone(), words);
        let Way { packets, lost, duplicates, reordered, marked, beginnings, jumps, jumped_ms, .. } = stream.way;
        line(
            ["패킷", "packets"],
            format!(
                "{packets}개, 잃음 {lost}, 겹침 {duplicates}, 순서 바뀜 {reordered}, 마커 {marked}, 번호가 새로 시작 {beginnings}, 시각이 건너뜀 {jumps} ({jumped_ms} ms)"
            ),
            format!(
                "{packets}, lost {lost}, twice {duplicates}, out of order {reordered}, markers {marked}, numbers began anew {beginnings}, timestamps jumped {jumps} ({jumped_ms} ms)"
            ),
        );
        let ms = |micros: u64| format!("{:.1}", micros as f64 / 1000.0);
        let [half, most, all] = stream.way.gaps.map(ms);
        let jitter = ms(stream.way.jitter);
        line(
            ["간격", "spacing"],
            format!("p50 {half}, p99 {most}, 최대 {all} ms; 지터 {jitter} ms"),
            format!("p50 {half}, p99 {most}, max {all} ms; jitter {jitter} ms"),
        );
    }
    let Sound { samples, active_dbov, peak_dbfs, clipped, silences, holes, too_long, .. } = &judgement.sound;
    let level = |value: &Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
    let (long, active, peak) = (seconds(samples.len()), level(active_dbov), level(peak_dbfs));
    let (holed, silent) = (total_ms(holes), silences.len());
    let holes = holes.len();
    line(
        ["소리", "sound"],
        format!(
            "{long}초, 크기 {active} dBov, 최고 {peak} dBFS, 꽉 찬 표본 {clipped}, 패킷이 없는 곳 {holes} ({holed} ms), 1초가 넘는 정적 {silent}"
        ),
        format!(
            "{long} s, level {active} dBov, peak {peak} dBFS, clipped samples {clipped}, without packets {holes} ({holed} ms), silences over 1 s {silent}"
        ),
    );
    if *too_long {
        line(
            ["주의", "note"],
            "너무 길어 앞부분만 보았습니다".to_owned(),
            "too long: only the first part was looked at".to_owned(),
        );
    }
    for key in &judgement.sound.keys {
        let (at, key) = (key.at as f64 / 8000.0, key.key.as_char());
        line(["키", "key"], format!("{key}  {at:.3}초"), format!("{key}  {at:.3} s"));
    }
    for found in &judgement.found {
        let _ = writeln!(out, "{}", told(found, korean));
        for gap in &found.gaps {
            let Gap { at, ms, words } = *gap;
            let at = seconds(at);
            let (ko, en) = match words {
                Words::Lost => ("그동안의 말을 잃음", "the words in it are lost"),
                Words::Late => ("말이 그만큼 늦게 이어짐", "the words go on after it"),
                Words::Skipped => ("그만큼 건너뜀", "so much was skipped"),
            };
            let _ = writeln!(
                out,
                "    ! {}",
                of(format!("{at}초에 {ms} ms 끊김: {ko}"), format!("{ms} ms gap at {at} s: {en}"))
            );
        }
    }
    for name in &judgement.missing {
        let _ = writeln!(out, "  ! {}", of(format!("{name}: 들리지 않음"), format!("{name}: not heard")));
    }
    if judgement.disorder {
        let _ = writeln!(out, "  ! {}", of("순서가 다름".to_owned(), "in another order than expected".to_owned()));
    }
    if let Some(unknown) = judgement.unknown_ms {
        let unknown = unknown as f64 / 1000.0;
        let _ =
            writeln!(out, "{}", of(format!("그 밖의 소리  {unknown:.1}초"), format!("other sound  {unknown:.1} s")));
        let verdict = match (judgement.is_well(), korean) {
            (true, true) => "판정  좋음",
            (false, true) => "판정  나쁨",
            (true, false) => "verdict  good",
            (false, false) => "verdict  bad",
        };
        let _ = writeln!(out, "{verdict}");
    }
    out
}

fn told(found: &Found, korean: bool) -> String {
    let mark = if found.is_well() { ' ' } else { '!' };
    let mut parts = Vec::new();
    let mut say = |ko: String, en: String| parts.push(if korean { ko } else { en });
    if found.clipped_ms >= CLIPPED_MS {
        say(format!("앞 {} ms 잘림", found.clipped_ms), format!("first {} ms missing", found.clipped_ms));
    }
    if found.cut_ms >= CLIPPED_MS {
        say(format!("끝 {} ms 안 들림", found.cut_ms), format!("last {} ms not heard", found.cut_ms));
    }
    if found.clipped_ms < CLIPPED_MS && found.cut_ms < CLIPPED_MS && found.gaps.is_empty() {
        say("온전함".to_owned(), "whole".to_owned());
    }
    if let Some(after) = found.after_key_ms {
        say(format!("키 {after} ms 뒤"), format!("{after} ms after the key"));
    }
    let alike = if found.correlation < ALIKE { ["닮음 낮음", "unlike"] } else { ["닮음", "alike"] };
    say(format!("{} {:.3}", alike[0], found.correlation), format!("{} {:.3}", alike[1], found.correlation));
    let level = found.level_db;
    let judged = match level {
        level if level < -LEVEL_DB => [": 너무 작음", ": too faint"],
        level if level > LEVEL_DB => [": 너무 큼", ": too loud"],
        _ => ["", ""],
    };
    say(format!("크기 {level:+.1} dB{}", judged[0]), format!("level {level:+.1} dB{}", judged[1]));
    if found.inverted {
        say("극성 반대 (들어서는 같음)".to_owned(), "polarity inverted (sounds the same)".to_owned());
    }
    let unit = if korean { "초" } else { " s" };
    format!("  {mark} {}–{}{unit}  {}  {}", seconds(found.start), seconds(found.end), found.name, parts.join(", "))
}

/// The report for programs. Times are in milliseconds from the beginning of the sound.
pub fn json(judgement: &Judgement) -> Value {
    let ms = |samples: usize| samples as f64 / MS as f64;
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let stream = judgement.stream.as_ref().map(|stream| {
        let way = &stream.way;
        json!({
            "from": stream.from, "to": stream.to, "ssrc": stream.ssrc, "codec": way.codec.map(|codec| format!("{codec:?}").to_uppercase()),
            "packets": way.packets, "lost": way.lost, "duplicates": way.duplicates, "reordered": way.reordered, "events": way.events,
            "markers": way.marked, "beginnings": way.beginnings, "timestamp_jumps": way.jumps, "timestamp_jumped_ms": way.jumped_ms,
            "gap_us": { "p50": way.gaps[0], "p99": way.gaps[1], "max": way.gaps[2] }, "jitter_us": way.jitter,
        })
    });
    let ranges = |ranges: &[Range<usize>]| -> Vec<Value> {
        ranges.iter().map(|range| json!({ "at_ms": ms(range.start), "ms": ms(range.len()) })).collect()
    };
    let sound = &judgement.sound;
    let found: Vec<Value> = judgement.found.iter().map(|found| {
        let gaps: Vec<Value> = found.gaps.iter().map(|gap| {
            let words = match gap.words {
                Words::Lost => "lost",
                Words::Late => "late",
                Words::Skipped => "skipped",
            };
            json!({ "at_ms": ms(gap.at), "ms": gap.ms, "words": words })
        }).collect();
        json!({
            "prompt": found.name, "start_ms": ms(found.start), "end_ms": ms(found.end), "after_key_ms": found.after_key_ms,
            "length_ms": found.length_ms, "clipped_ms": found.clipped_ms, "cut_ms": found.cut_ms, "gaps": gaps,
            "correlation": round(found.correlation), "level_db": round(found.level_db), "inverted": found.inverted, "good": found.is_well(),
        })
    }).collect();
    let others: Vec<Value> = judgement
        .others
        .iter()
        .map(|(ssrc, from, packets)| json!({ "ssrc": ssrc, "from": from, "packets": packets }))
        .collect();
    let keys: Vec<Value> = sound
        .keys
        .iter()
        .map(|key| json!({ "key": key.key.as_char().to_string(), "at_ms": key.at as f64 / MS as f64 }))
        .collect();
    json!({
        "stream": stream, "other_streams": others,
        "sound": {
            "ms": ms(sound.samples.len()), "active_dbov": sound.active_dbov.map(round), "peak_dbfs": sound.peak_dbfs.map(round),
            "clipped_samples": sound.clipped, "holes": ranges(&sound.holes), "silences": ranges(&sound.silences), "cut_off": sound.too_long,
        },
        "keys": keys, "prompts": found, "not_heard": judgement.missing, "disorder": judgement.disorder,
        "other_sound_ms": judgement.unknown_ms, "good": judgement.unknown_ms.is_some().then(|| judgement.is_well()),
    })
}

/// Why nothing is heard of a capture without streams, in lines: what was looked at, and what to do.
pub fn no_rtp(capture: &Capture<'_>, korean: bool) -> String {
    let Capture { frames, datagrams, .. } = capture;
    let mut lines = vec![match korean {
        true => format!("RTP가 없습니다: 패킷 {frames}개를 보았고, 그중 UDP는 {datagrams}개입니다"),
        false => format!("there is no RTP in it: {frames} packets were looked at, {datagrams} of them UDP"),
    }];
    lines.extend(unread(capture, korean));
    if lines.len() == 1 {
        let (ko, en) =
            ("소리가 지나는 곳에서, 통화하는 동안 잡으세요", "capture where the sound passes, during a call");
        lines.push(format!("{}: tcpdump -i any -s 0 -w call.pcap udp", if korean { ko } else { en }));
    }
    lines.join("\n  = ")
}

/// What of a capture was not read, and what to do; nothing where all was.
pub fn unread(capture: &Capture<'_>, korean: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |ko: String, en: String| out.push(if korean { ko } else { en });
    for (link, frames) in &capture.unread_links {
        let link = named(*link);
        say(
            format!("패킷 {frames}개는 읽지 못하는 링크 종류입니다: {link}. `tcpdump -i any`로 다시 잡으세요"),
            format!(
                "{frames} packets are of a link type that is not read: {link}; capture again with `tcpdump -i any`"
            ),
        );
    }
    if capture.shortened > 0 {
        let frames = capture.shortened;
        say(
            format!("패킷 {frames}개가 앞부분만 잡혔습니다. `tcpdump -s 0`으로 다시 잡으세요"),
            format!("{frames} packets were captured in part only; capture again with `tcpdump -s 0`"),
        );
    }
    match capture.breaks_off {
        Some(BreaksOff::Impossible { record, length }) => say(
            format!(
                "{record}번째 패킷의 기록이 {length}바이트라고 하는데 그럴 수 없어, 그 뒤는 읽지 못했습니다. 파일을 다시 복사하세요 (FTP라면 binary로)"
            ),
            format!(
                "the record of packet {record} says that it has {length} bytes, which cannot be: nothing from there on was read; copy the file again (by FTP: binary)"
            ),
        ),
        Some(BreaksOff::Within { record }) => say(
            format!("파일이 {record}번째 패킷의 기록 중간에서 끝납니다. 덜 복사되었다면 다시 복사하세요"),
            format!("the file ends within the record of packet {record}; copy it again if the copy is not whole"),
        ),
        None => {}
    }
    if capture.too_long {
        let frames = capture.frames;
        say(
            format!("처음 {frames}개 패킷만 보았습니다. `editcap -i 3600`으로 나누세요"),
            format!("only the first {frames} packets were looked at; split it with `editcap -i 3600`"),
        );
    }
    out
}

/// A link type that is not read, by its number and, where operators meet it, its name.
fn named(link: i32) -> String {
    let name = match link {
        9 => "PPP",
        10 => "FDDI",
        50 => "PPP_HDLC",
        51 => "PPP_ETHER",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        127 => "IEEE802_11_RADIOTAP",
        192 => "PPI",
        220 => "USB_LINUX_MMAPPED",
        239 => "NFLOG",
        249 => "USBPCAP",
        252 => "WIRESHARK_UPPER_PDU",
        253 => "NETLINK",
        _ => return link.to_string(),
    };
    format!("{link} ({name})")
}

fn seconds(samples: usize) -> String {
    format!("{:.3}", samples as f64 / 8000.0)
}

fn total_ms(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(|range| range.len() / MS).sum()
}
