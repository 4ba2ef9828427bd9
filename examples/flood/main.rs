//! Load that does not wait for answers, on loopback alone.
//!
//! ```text
//! cargo run --release --example flood -- 127.0.0.1:5060 --rate 1000:20
//! cargo run --release --example flood -- 127.0.0.1:5060 --rate 200:5,1000:10,200:10 --sources 200 --beside 20
//!
//!   --kind calls|merged|options|garbage   (calls)
//!   --rate R:S[,R:S…]   so many a second for so many seconds, one after the other
//!   --sources N         loopback addresses it comes from, 127.A.0.1 on (1)
//!   --hold MS           how long an answered call lives (1000)
//!   --beside R          calls a second of one more source that has nothing to do with it (none)
//! ```
//!
//! Prints one line a phase: what was offered and what became of it, and how long answers and refusals took.

#![allow(clippy::disallowed_methods)] // Real sockets need real time.

mod sender;

use sender::{Kind, Outcome, Stream, percentile};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// A mistyped zero must not take the machine down.
const RATE_MAX: u32 = 20_000;
const SECONDS_MAX: u64 = 300;
const SOURCES_MAX: u32 = 250;

struct Arguments {
    target: SocketAddr,
    streams: Vec<Stream>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match sender::run(arguments.target, &arguments.streams) {
        Ok(outcomes) => {
            for (stream, outcomes) in arguments.streams.iter().zip(outcomes) {
                for ((rate, _), outcome) in stream.phases.iter().zip(outcomes) {
                    print(stream, *rate, outcome);
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

fn print(stream: &Stream, rate: u32, mut outcome: Outcome) {
    let times = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| percentile(times, share).as_secs_f64() * 1000.0);
        let max = times.last().copied().unwrap_or_default().as_secs_f64() * 1000.0;
        format!("{p50:.1}/{p90:.1}/{p99:.1}/{max:.1}")
    };
    let answers = times(&mut outcome.answers);
    let refusals = times(&mut outcome.refusals);
    let others: Vec<String> = outcome.others.iter().map(|(code, count)| format!("{code}x{count}")).collect();
    println!(
        "kind={:?} sources={} rate={rate} offered={} answered={} refused={} others={} silent={} lost={} repeats={} \
         answer_ms={answers} refusal_ms={refusals} last_failure_ms={} sender_lag_ms={:.1}",
        stream.kind,
        stream.sources.len(),
        outcome.offered,
        outcome.answered,
        outcome.refused,
        others.join(","),
        outcome.silent,
        outcome.lost,
        outcome.repeats,
        outcome.last_failure.map_or("-".to_owned(), |at| at.as_millis().to_string()),
        outcome.lag.as_secs_f64() * 1000.0,
    );
}

fn arguments() -> Result<Arguments, String> {
    let mut words = std::env::args().skip(1);
    let usage = "flood ADDRESS:PORT --rate R:S[,R:S…] [--kind K] [--sources N] [--hold MS] [--beside R]";
    let target: SocketAddr = words.next().and_then(|word| word.parse().ok()).ok_or(usage)?;
    if !target.ip().is_loopback() {
        return Err("only loopback is flooded".to_owned());
    }
    let (mut kind, mut phases, mut sources, mut hold, mut beside) = (Kind::Calls, Vec::new(), 1, 1000, 0);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} wants a value"))?;
        let number = |max: u64| value.parse::<u64>().ok().filter(|number| *number <= max);
        let bad = || format!("{word} {value} cannot be used: {usage}");
        match &*word {
            "--kind" => {
                kind = match &*value {
                    "calls" => Kind::Calls,
                    "merged" => Kind::Merged,
                    "options" => Kind::Options,
                    "garbage" => Kind::Garbage,
                    _ => return Err(bad()),
                }
            }
            "--rate" => {
                for phase in value.split(',') {
                    let (rate, seconds) = phase.split_once(':').ok_or_else(bad)?;
                    let rate = rate.parse().ok().filter(|rate| *rate <= RATE_MAX).ok_or_else(bad)?;
                    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX).ok_or_else(bad)?;
                    phases.push((rate, Duration::from_secs(seconds)));
                }
            }
            "--sources" => sources = number(SOURCES_MAX.into()).filter(|sources| *sources > 0).ok_or_else(bad)? as u32,
            "--hold" => hold = number(120_000).ok_or_else(bad)?,
            "--beside" => beside = number(RATE_MAX.into()).ok_or_else(bad)? as u32,
            _ => return Err(bad()),
        }
    }
    if phases.is_empty() {
        return Err(usage.to_owned());
    }
    let hold = Duration::from_millis(hold);
    let mut streams = vec![Stream { kind, sources: addresses(sources), phases: phases.clone(), hold }];
    if beside > 0 {
        let phases = phases.iter().map(|&(_, length)| (beside, length)).collect();
        streams.push(Stream { kind: Kind::Calls, sources: vec![Ipv4Addr::new(127, 77, 9, 9)], phases, hold });
    }
    Ok(Arguments { target, streams })
}

fn addresses(count: u32) -> Vec<Ipv4Addr> {
    (1..=count).map(|last| Ipv4Addr::from(0x7f4d_0000 + last)).collect()
}
