//! `ivr1357 demo`: a whole call without a telephone.
//!
//! The engine, stand-in centres and one scripted caller, each on loopback sockets of its own. The terminal shows the SIP ladder
//! and the way through the table as they happen; `heard.wav` holds what the caller heard.

mod caller;
mod ladder;
mod message;
mod sound;

use crate::engine::Edition;
use crate::random::Random;
use crate::shell::clock::Clock;
use crate::shell::instance::{Instance, Parts, Sockets};
use crate::shell::live::Live;
use crate::shell::log::Log;
use crate::shell::serve::{Failure, chance, engine_settings, halves, start_stand_ins};
use crate::shell::settings::Settings;
use crate::shell::table::{Files, Table};
use crate::shell::{journal, listen, reason};
use crate::sip::trunk::Peers;
use crate::time::Wall;
use caller::{Caller, Outcome, Pace};
use ladder::Ladder;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `demo` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Table and prompts.
    pub files: Files,
    /// `--settings`.
    pub settings: Option<PathBuf>,
    /// Which keys the caller presses.
    pub keys: String,
    /// Presses keys and hangs up without listening for long.
    pub hurry: bool,
    /// Where the sound goes.
    pub heard: PathBuf,
}

/// A Tuesday morning, when everybody is at work: 2026-11-24T10:00+09:00.
const OPEN: Wall = Wall::from_micros(1_795_482_000_000_000);

/// Plays the demo; an error when the centre was not reached.
pub fn run(options: &Options) -> Result<(), Failure> {
    let log = Log::start("warn");
    let result = play(options);
    log.close();
    result
}

fn play(options: &Options) -> Result<(), Failure> {
    let language = options.files.language;
    let settings = Settings::load(options.settings.as_deref()).map_err(|error| Failure::Setup(error.told(language)))?;
    let table = Table::load(&options.files).map_err(Failure::Setup)?;
    let clock = Clock::start(Some(settings.clock_start.unwrap_or(OPEN)));
    let any_port = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let bind = || listen::bind(&any_port).map_err(|error| Failure::Setup(error.told(language)));
    let broken = |error: std::io::Error| Failure::Broken(reason::of(&error, language));

    // Its record is shown at the end; the real records stay as they are.
    let folder = Scratch::new().map_err(broken)?;
    let records = folder.0.join("calls.jsonl");
    let store = journal::open(&records).map_err(|error| Failure::Broken(format!("{error:?}")))?;
    let (our_ports, their_ports) = halves(&settings.media_ports);
    let (live, news) = Live::watched();
    let centres = start_stand_ins(&table, bind()?, their_ports, clock)?;
    let engine = Instance::start(Parts {
        engine: engine_settings(
            Arc::new(Edition::new(Arc::clone(&table.plan), &table.catalogue)),
            chance()?,
            Peers::default(),
            true,
        )?,
        sockets: Sockets::plain(bind()?).map_err(|error| Failure::Setup(error.told(language)))?,
        media_ports: our_ports,
        media_workers: settings.media_workers,
        media_sends: settings.media_sends,
        media_patience: settings.media_timeout,
        media_counts: settings.media_quality,
        recordings: Some(settings.recording_folder.clone()),
        media_random: Random::from_seed(chance()?),
        clock,
        store: Some(store),
        live: Arc::new(live),
    })
    .map_err(broken)?;

    let ladder = Ladder::begin();
    let [at, centres_at] = [&engine, &centres].map(|instance| instance.addresses.first().copied());
    let (Some(at), Some(centres_at)) = (at, centres_at) else {
        return Err(Failure::Broken("an instance listens nowhere".to_owned()));
    };
    let pace = if options.hurry { Pace::HURRY } else { Pace::CALM };
    let caller =
        Caller::dial(at, centres_at, &options.keys, pace, Random::from_seed(chance()?), &ladder).map_err(broken)?;
    let Outcome { centre, heard, recording, trouble } = caller.run(&news);
    engine.stop().map_err(broken)?;
    centres.stop().map_err(broken)?;

    let record = std::fs::read_to_string(&records).map_err(broken)?;
    ladder.say(&format!("\nrecord  {}", record.trim_end()));
    write_wav(&options.heard, &recording)
        .map_err(|error| Failure::Setup(reason::unwritable(&options.heard, &error, language)))?;
    let seconds = recording.len() / 8000;
    ladder.say(&format!("heard   {} ({seconds} s: 1357, then the centre)", options.heard.display()));
    match (centre, trouble) {
        (_, Some(trouble)) => Err(Failure::Broken(format!("the demo call failed: {trouble}"))),
        (None, None) => Err(Failure::Broken("the caller did not reach a centre".to_owned())),
        (Some(_), None) if heard.contains(&0) => Err(Failure::Broken(format!(
            "the caller heard silence (samples of sound: 1357 {}, centre {})",
            heard[0], heard[1]
        ))),
        (Some(_), None) => Ok(()),
    }
}

fn write_wav(path: &Path, samples: &[i16]) -> std::io::Result<()> {
    let failed = |error| match error {
        hound::Error::IoError(error) => error,
        error => std::io::Error::other(error),
    };
    let format =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, format).map_err(failed)?;
    samples.iter().try_for_each(|&sample| writer.write_sample(sample)).map_err(failed)?;
    writer.finalize().map_err(failed)
}

/// A folder that goes with the demo.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("ivr1357-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
