//! Where versions are made: the gate, the disk, and what is live. Knows no engine and no thread, so that a start can use it, too.

use super::{Answer, Candidate, Done, Gate, Order, Verdict, What};
use crate::engine::{Edition, edition};
use crate::media::Clip;
use crate::routing::{self, Language, Plan};
use crate::sdp::Codecs;
use crate::shell::clock::Clock;
use crate::shell::local::Ours;
use crate::shell::versions::{self, Store, Version};
use crate::shell::{prompts, switches, table};
use crate::speech::{Catalogue, PromptSound, Voices};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use tracing::warn;

/// The finding for a prompt without sound.
const NO_SOUND: &str = "E0501";
/// The finding for prompts that are said in Korean in place of another language.
const NO_SOUND_IN_LANGUAGE: &str = "W0507";

/// So many of the sounds that were made are named.
const SOUNDS_TOLD_MAX: usize = 12;

/// What is live.
#[derive(Clone, Debug)]
pub struct Live {
    /// Who, when, why.
    pub version: Version,
    /// As the engine has it.
    pub edition: Arc<Edition>,
    /// Its sound and words.
    pub catalogue: Arc<Catalogue>,
}

/// The maker of versions.
#[derive(Debug)]
pub struct Press {
    pub(super) store: Store,
    pub(super) gate: Gate,
    pub(super) clock: Clock,
    /// The folder of prompts.
    pub(super) prompts: PathBuf,
    /// Who says what has no sound yet.
    pub(super) voices: Voices,
    /// The file of the switches.
    pub(super) switches: PathBuf,
    pub(super) live: Live,
    pub(super) clips: Clips,
    /// Where calls reach us.
    pub(super) ours: Ours,
}

/// A version that is on disk and in [`Press::live`]; the engine has yet to take it over.
pub struct Printed {
    /// What its publisher is told.
    pub answer: Answer,
    /// What was live; keep it until nobody else does.
    pub replaced: Arc<Edition>,
}

impl Press {
    /// Knows where calls reach us, once it listens there.
    pub fn listening(self, ours: Ours) -> Self {
        Self { ours, ..self }
    }

    /// What is live.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// The folder of versions.
    pub fn folder(&self) -> &std::path::Path {
        self.store.folder()
    }

    /// Gate, disk, and [`Press::live`]; or the answer that says why not, with everything as it was.
    pub fn print(&mut self, order: &Order) -> Result<Printed, Box<Answer>> {
        let language = order.language;
        let number = self.live.version.number;
        if let Some(over) = order.over.filter(|over| *over != number) {
            let words = [
                format!(
                    "{over}판을 고친 것인데, 지금은 {number}판이 쓰이고 있습니다: `ivr1357 history` 로 그 사이 바뀐 것을 보세요"
                ),
                format!(
                    "it was made over version {over}, and version {number} is live: see what changed with `ivr1357 history`"
                ),
            ];
            return Err(self.no(Done::Refused, language, &words));
        }
        let Source { file, bytes, catalogue, repeats, said } = self.source(order)?;
        if self.is_live(&bytes, &catalogue) {
            let words = [format!("{number}판과 똑같습니다"), format!("it is what version {number} is")];
            return Err(self.no(Done::Unchanged, language, &words));
        }
        let live = Some(&self.live.edition.plan);
        let ours = &self.ours;
        let candidate = Candidate { name: &file, bytes: &bytes, catalogue: &catalogue, live, ours, language };
        let (plan, told, difference) = match (self.gate)(&candidate) {
            Verdict::Green { plan, told, difference } => (plan, told, difference),
            Verdict::Red { mut told, findings } => {
                said.iter().for_each(|said| told.push_str(&format!("! {said}\n")));
                let words = [
                    format!("내보내지 않았습니다. {number}판이 그대로 쓰입니다"),
                    format!("not published; version {number} stays live"),
                ];
                return Err(Box::new(Answer { told, findings, ..*self.no(Done::Refused, language, &words) }));
            }
        };
        let catalogue = spoken(&plan, &catalogue);
        let mut notes = self.notes(&plan, language);
        notes.extend(said);
        let version = Version {
            schema: 1,
            number: self.store.next_number(),
            hash: String::new(),
            sounds: String::new(),
            bytes: 0,
            file,
            who: order.who.clone(),
            when: stamp(&plan, self.clock),
            why: order.why.clone(),
            replaced: Some(number),
            repeats,
            proved: true,
        };
        if order.dry_run {
            let next = version.number;
            let words = [
                format!("내보내면 {next}판이 됩니다 (--dry-run: 내보내지 않았습니다)"),
                format!("it would be version {next} (--dry-run: not published)"),
            ];
            let answer = *self.no(Done::WouldPublish, language, &words);
            return Err(Box::new(Answer { told, difference, notes, ..answer }));
        }
        let version = self.store.add(version, &bytes, &catalogue).map_err(|error| {
            self.no(
                Done::Failed,
                language,
                &[
                    format!("판을 디스크에 남기지 못했습니다: {error}"),
                    format!("the version could not be kept on disk: {error}"),
                ],
            )
        })?;
        let edition = self.clips.edition(plan, version.number, &catalogue);
        let live = Live { version: version.clone(), edition, catalogue: Arc::new(catalogue) };
        let replaced = std::mem::replace(&mut self.live, live).edition;
        self.clips.forget_unused();
        self.store.tidy(version.number);
        let (next, hash) = (version.number, version.short_hash());
        let words = [
            format!("{next}판 ({hash}) 이 지금부터 쓰입니다. 걸려 있는 통화는 {number}판을 끝까지 따릅니다"),
            format!("version {next} ({hash}) is live; calls that began before keep version {number}"),
        ];
        let answer = Answer {
            done: Done::Published,
            live: next,
            sentence: language.of(&words).clone(),
            version: Some(version),
            told,
            findings: Vec::new(),
            difference,
            notes,
            swap_us: None,
        };
        Ok(Printed { answer, replaced })
    }

    /// Proves and tests what is live, and notes where it is proved.
    pub fn prove(&mut self, language: Language) -> Answer {
        let Live { version, catalogue, .. } = &self.live;
        let refused = |words: &[String; 2]| *self.no(Done::Refused, language, words);
        let bytes = match versions::read_table(self.store.folder(), version.number) {
            Ok((_, bytes)) => bytes,
            Err(error) => return refused(&[error.clone(), error]),
        };
        let ours = &self.ours;
        let candidate = Candidate { name: &version.file, bytes: &bytes, catalogue, live: None, ours, language };
        match (self.gate)(&candidate) {
            Verdict::Green { told, .. } => {
                self.live.version.proved = true;
                if let Err(error) = self.store.describe(&self.live.version) {
                    // The next start proves it once more.
                    warn!(version = self.live.version.number, %error, "that the table is proved is not on disk");
                }
                let words = ["증명되었습니다", "it is proved"].map(str::to_owned);
                Answer { told, ..*self.no(Done::Unchanged, language, &words) }
            }
            Verdict::Red { told, findings } => {
                let words = ["`ivr1357 test` 가 말해 줍니다", "`ivr1357 test` shows what is wrong"].map(str::to_owned);
                Answer { told, findings, ..refused(&words) }
            }
        }
    }

    /// An answer for what went wrong on our side.
    pub(super) fn failed(&self, language: Language, words: &[&str; 2]) -> Answer {
        *self.no(Done::Failed, language, &words.map(str::to_owned))
    }

    /// An answer without a version.
    fn no(&self, done: Done, language: Language, words: &[String; 2]) -> Box<Answer> {
        Box::new(Answer {
            done,
            live: self.live.version.number,
            version: None,
            sentence: language.of(words).clone(),
            told: String::new(),
            findings: Vec::new(),
            difference: String::new(),
            notes: Vec::new(),
            swap_us: None,
        })
    }

    fn source(&self, order: &Order) -> Result<Source, Box<Answer>> {
        let language = order.language;
        let refuse = |error: String| self.no(Done::Refused, language, &[error.clone(), error]);
        let folder = self.store.folder();
        let (file, bytes) = match &order.what {
            What::Table { file, bytes } => (file.clone(), bytes.clone()),
            What::File(path) => (path.display().to_string(), table::read(path, language).map_err(refuse)?),
            What::Again(number) => {
                let Some(number) = number.or(self.live.version.replaced) else {
                    let words = ["돌아갈 앞 판이 없습니다", "there is no version to go back to"].map(str::to_owned);
                    return Err(self.no(Done::Refused, language, &words));
                };
                if let Some(words) = versions::absent(folder, number) {
                    return Err(self.no(Done::Refused, language, &words));
                }
                let whole = versions::read(folder, number).map_err(|error| {
                    let words = [
                        format!("{number}판을 쓸 수 없습니다: {error}"),
                        format!("version {number} cannot be used: {error}"),
                    ];
                    self.no(Done::Refused, language, &words)
                })?;
                let versions::Whole { version, bytes, catalogue } = whole;
                return Ok(Source { file: version.file, bytes, catalogue, repeats: Some(number), said: Vec::new() });
            }
            What::Prove => (String::new(), Vec::new()),
        };
        let mut catalogue = table::load_prompts(&self.prompts, language).map_err(refuse)?;
        let said = self.say(&bytes, &catalogue);
        if said.iter().any(|said| said.is_new) {
            catalogue = table::load_prompts(&self.prompts, language).map_err(refuse)?;
        }
        let said = said.into_iter().map(|said| language.of(&said.told).clone()).collect();
        Ok(Source { file, bytes, catalogue, repeats: None, said })
    }

    /// What a table says and has no sound for is made, in each of its languages, where there is speech software and the folder can be
    /// written to; what came of it. What is missing then in Korean the gate refuses, and of other languages it tells.
    fn say(&self, bytes: &[u8], catalogue: &Catalogue) -> Vec<Said> {
        let text = String::from_utf8_lossy(bytes);
        // Mistakes come first: nothing is made for a table that stays red.
        let Some(plan) = routing::check_without_sound(&text).plan else { return Vec::new() };
        let found = routing::check_bytes(bytes, &table::heard(catalogue)).findings;
        let is_told = |code: &str| found.iter().any(|finding| finding.code == code);
        let lacks_sound = |spoken: &str| match spoken {
            "ko" => is_told(NO_SOUND),
            other => plan.tongues.contains_key(other) && is_told(NO_SOUND_IN_LANGUAGE),
        };
        let (words, none) = (prompts::words_in(&text), BTreeMap::new());
        let folders = prompts::languages(&self.prompts).into_iter().filter(|(spoken, _)| lacks_sound(spoken));
        let said = folders.filter_map(|(spoken, dir)| {
            // Other languages say the words of a table by lines of their own.
            let words = if spoken == "ko" { &words } else { &none };
            made(&prompts::Tongue { language: &spoken, dir: &dir, words, voice: &self.voices.of(&spoken) })
        });
        said.collect()
    }

    /// Nothing would change: neither a row nor a sound.
    fn is_live(&self, bytes: &[u8], catalogue: &Catalogue) -> bool {
        let Live { version, edition, catalogue: live } = &self.live;
        versions::hash(bytes) == version.hash && versions::is_alike(&spoken(&edition.plan, catalogue), live)
    }

    /// Switches keep their state whatever the table says of them: who publishes should know which matter now.
    fn notes(&self, plan: &Plan, language: Language) -> Vec<String> {
        let old = &self.live.edition.plan.switches;
        let Ok(on) = switches::read(&self.switches) else { return Vec::new() };
        let now = self.clock.now().wall;
        let names = on.iter().map(|(name, _)| name).filter(|name| on.is_on(name, now));
        let note = |name: &str| match (old.contains_key(name), plan.switches.contains_key(name)) {
            (true, false) => Some([
                format!("스위치 {name} 이 켜져 있지만 새 표에는 없습니다. 켜진 채로 남고, 다시 넣으면 켜져 있습니다"),
                format!(
                    "the switch {name} is on and the new table has it no longer; it stays on for a table that has it again"
                ),
            ]),
            (false, true) => Some([
                format!("새 표의 스위치 {name} 은 이미 켜져 있습니다"),
                format!("the new table's switch {name} is on already"),
            ]),
            (true, true) | (false, false) => None,
        };
        names.filter_map(|name| Some(language.of(&note(name)?).clone())).collect()
    }
}

/// What an order publishes, read.
struct Source {
    file: String,
    bytes: Vec<u8>,
    catalogue: Catalogue,
    repeats: Option<u64>,
    /// Sounds that were made for it, or why not, for each language.
    said: Vec<String>,
}

/// What came of the sounds that a language lacked.
struct Said {
    told: [String; 2],
    /// The folder holds a sound that it did not hold before.
    is_new: bool,
}

/// Makes the sounds that a language lacks, and says so; `None` where there are no words for what it lacks.
fn made(tongue: &prompts::Tongue<'_>) -> Option<Said> {
    let lacking = prompts::lacking(tongue);
    if lacking.as_ref().is_ok_and(Vec::is_empty) {
        return None;
    }
    let made = prompts::run_build(tongue, false, &mut |_| {});
    // Of several that fail in the end, some may have been made.
    let is_new = made.is_ok() || prompts::lacking(tongue).ok() != lacking.ok();
    let told = match made {
        Ok(report) => {
            let prefix = if tongue.language == "ko" { String::new() } else { format!("{}/", tongue.language) };
            let more = report.built.len().saturating_sub(SOUNDS_TOLD_MAX);
            let named = report.built.iter().take(SOUNDS_TOLD_MAX).map(|id| format!("{prefix}{id}"));
            let built = named.collect::<Vec<_>>().join(", ");
            let [korean, english] = match more {
                0 => [String::new(), String::new()],
                _ => [format!(" 밖에 {more}개"), format!(" and {more} more")],
            };
            [format!("소리를 만들었습니다: {built}{korean}"), format!("sounds were made: {built}{english}")]
        }
        Err(errors) => {
            let told = |korean| errors.iter().map(|error| error.render(korean)).collect::<Vec<_>>().join("\n");
            let (korean, english) = (told(true), told(false));
            match tongue.language {
                "ko" => [korean, english],
                other => [
                    format!("{other}: 소리를 만들지 못해 한국어로 들립니다. {korean}"),
                    format!("{other}: sounds could not be made, so Korean is heard in their place: {english}"),
                ],
            }
        }
    };
    Some(Said { told, is_new })
}

/// The prompts that a plan speaks: what belongs to its version.
pub(super) fn spoken(plan: &Plan, catalogue: &Catalogue) -> Catalogue {
    let prompt = |id: &str| Some((id.to_owned(), catalogue.prompts.get(id)?.clone()));
    let wide = |id: &str| Some((id.to_owned(), catalogue.wide.get(id)?.clone()));
    let mut ids = plan.prompts();
    // The texts that are filled in have no sound, and are needed to read the version again.
    ids.extend(plan.phrases.keys().cloned());
    Catalogue {
        prompts: ids.iter().filter_map(|id| prompt(id)).collect(),
        wide: ids.iter().filter_map(|id| wide(id)).collect(),
        ..Catalogue::default()
    }
}

/// Now, in the table's zone.
pub(super) fn stamp(plan: &Plan, clock: Clock) -> String {
    let now = Timestamp::from_microsecond(clock.now().wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    now.to_zoned_datetime(plan.timezone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Prompts as calls play them, so that editions share the sounds that did not change: what was encoded for one is encoded for the next.
#[derive(Debug)]
pub struct Clips {
    /// What calls may agree on; the same for the life of the process.
    codecs: Codecs,
    /// By their names, each with the sound that it is, or is made from.
    sounds: HashMap<String, (PromptSound, Arc<Clip>)>,
}

impl Clips {
    /// None yet.
    pub fn new(codecs: Codecs) -> Self {
        Self { codecs, sounds: HashMap::new() }
    }

    /// An edition with its sounds.
    pub fn edition(&mut self, plan: Arc<Plan>, number: u64, catalogue: &Catalogue) -> Arc<Edition> {
        let codecs = self.codecs;
        let clip = |id: &str| {
            let origin = catalogue.origin(id)?;
            if let Some((_, clip)) = self.sounds.get(id).filter(|(known, _)| *known == origin) {
                return Some(clip.clone());
            }
            let clip = Arc::new(edition::clip(id, catalogue, codecs.is_wide())?);
            self.sounds.insert(id.to_owned(), (origin, clip.clone()));
            Some(clip)
        };
        Arc::new(Edition::published(plan, Some(number), clip).speaking(codecs))
    }

    fn forget_unused(&mut self) {
        self.sounds.retain(|_, (_, clip)| Arc::strong_count(clip) > 1);
    }
}
