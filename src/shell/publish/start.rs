//! What a start begins with: the last good version, whatever lies in the table's file.
//!
//! Only a first start, without any good version, reads the file: a table that checks becomes version 1 and answers calls at once; it is
//! proved while they come in, for a number that is silent helps nobody. After that, edits go live by publishing alone.

use super::press::{Clips, spoken, stamp};
use super::{Alarm, Candidate, Gate, Live, Press, Verdict};
use crate::routing::diagnostic::{self, Diagnostic, Severity};
use crate::routing::{self, Plan, published};
use crate::sdp::Codecs;
use crate::shell::clock::Clock;
use crate::shell::local::Ours;
use crate::shell::reason;
use crate::shell::serve::Failure;
use crate::shell::table::{self, Files, Table};
use crate::shell::versions::{self, OpenError, Store, Version, Who, Whole};
use crate::speech::{Catalogue, Voices};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where everything lies.
#[derive(Clone, Debug)]
pub struct Places {
    /// Table and prompts as operators edit them.
    pub files: Files,
    /// The folder of versions.
    pub versions: PathBuf,
    /// The file of the switches.
    pub switches: PathBuf,
    /// What calls may agree on.
    pub codecs: Codecs,
    /// Who says what has no sound yet.
    pub voices: Voices,
}

/// The table of a start, before anything was written or locked.
#[derive(Debug)]
pub struct Found {
    plan: Arc<Plan>,
    /// What the version says.
    catalogue: Catalogue,
    of: Of,
    /// Versions there were.
    seen: Option<u64>,
    /// What somebody should look at.
    alarms: Vec<Alarm>,
    /// With sounds for stand-in centres, which belong to no version.
    pub table: Table,
    /// The file on disk is not what is live; how so.
    pub unpublished: Option<String>,
}

#[derive(Debug)]
enum Of {
    /// A version that was published.
    Version(Box<Version>),
    /// The file: it becomes one.
    File { bytes: Vec<u8>, who: &'static str, proved: bool },
}

/// What a start begins with.
#[derive(Debug)]
pub struct Begun {
    /// With what is live.
    pub press: Press,
    /// What somebody should look at.
    pub alarms: Vec<Alarm>,
}

/// Finds what is to be live. `publish`: the file, when it is green.
pub fn find(places: &Places, gate: Gate, publish: bool) -> Result<Found, Failure> {
    let Places { files, versions: folder, .. } = places;
    let seen = versions::numbers(folder).first().copied();
    let mut alarms = Vec::new();
    let Some(Good { whole: Whole { version, bytes, catalogue }, plan, errors }) = newest_good(folder, &mut alarms)
    else {
        let bytes = table::read(&files.routing, files.language).map_err(Failure::Setup)?;
        let table = Table::of(&bytes, files).map_err(Failure::Setup)?;
        let (plan, catalogue) = (Arc::clone(&table.plan), spoken(&table.plan, &table.catalogue));
        let of = Of::File { bytes, who: "serve", proved: false };
        return Ok(Found { plan, catalogue, of, seen, alarms, table, unpublished: None });
    };
    if !errors.is_empty() {
        let (name, text) = (format!("{}, version {}", version.file, version.number), String::from_utf8_lossy(&bytes));
        eprint!("{}", diagnostic::render(&name, &text, &errors, files.language, false));
    }
    let plan = Arc::new(plan);
    let prompts = table::load_prompts(&files.prompts, files.language);
    let live = Current { version: &version, plan: &plan, catalogue: &catalogue };
    let fresh = if publish { fresh(&live, files, prompts.as_ref().ok(), gate, &mut alarms) } else { None };
    if let Some((bytes, plan, catalogue)) = fresh {
        let table =
            Table { plan: Arc::clone(&plan), catalogue: Arc::new(prompts.unwrap_or_else(|_| catalogue.clone())) };
        let of = Of::File { bytes, who: "serve --publish", proved: true };
        return Ok(Found { plan, catalogue, of, seen, alarms, table, unpublished: None });
    }
    let live = Current { version: &version, plan: &plan, catalogue: &catalogue };
    let unpublished = compare(&live, files, prompts.as_ref(), &mut alarms);
    let table = Table { plan: Arc::clone(&plan), catalogue: Arc::new(prompts.unwrap_or_else(|_| catalogue.clone())) };
    Ok(Found { plan, catalogue, of: Of::Version(Box::new(version)), seen, alarms, table, unpublished })
}

impl Found {
    /// Locks the folder, and keeps what is new. `None`: another engine published there meanwhile, look again.
    pub fn begin(self, places: &Places, gate: Gate, clock: Clock) -> Result<Option<Begun>, Failure> {
        let Places { files, versions: folder, switches, .. } = places;
        let (shown, language) = (folder.display(), files.language);
        let refused = |error: &io::Error| {
            let [korean, english] = reason::both(error);
            [
                format!(
                    "내보낸 판의 폴더 {shown} 을(를) 쓸 수 없습니다: {korean}\n  고치는 법: versions.folder 에 이 사용자가 쓸 수 있는 폴더를 적으세요"
                ),
                format!(
                    "cannot use the folder of published tables {shown}: {english}\n  help: versions.folder names a folder that this user may write to"
                ),
            ]
        };
        let failure = |words: [String; 2]| Failure::Setup(language.of(&words).clone());
        let store = Store::open(folder).map_err(|error| {
            failure(match error {
                OpenError::InUse => [
                    format!(
                        "다른 ivr1357 이 {shown} 에 표를 내보내고 있습니다\n  고치는 법: 그것을 멈추거나 다른 폴더를 쓰세요: IVR1357__VERSIONS__FOLDER=other.versions"
                    ),
                    format!(
                        "another ivr1357 publishes its tables in {shown}\n  help: stop it, or choose another folder: IVR1357__VERSIONS__FOLDER=other.versions"
                    ),
                ],
                OpenError::Failed(error) => refused(&error),
            })
        })?;
        if versions::numbers(folder).first().copied() != self.seen {
            return Ok(None);
        }
        let Self { plan, catalogue, of, seen, alarms, .. } = self;
        let version = match of {
            Of::Version(version) => *version,
            Of::File { bytes, who, proved } => {
                let version = Version {
                    schema: 1,
                    number: store.next_number(),
                    hash: String::new(),
                    sounds: String::new(),
                    bytes: 0,
                    file: files.routing.display().to_string(),
                    who: Who { user: who.to_owned(), ..Who::default() },
                    when: stamp(&plan, clock),
                    why: if proved { who } else { files.language.of(&["첫 시작", "first start"]) }.to_owned(),
                    replaced: seen.filter(|_| proved),
                    repeats: None,
                    proved,
                };
                store.add(version, &bytes, &catalogue).map_err(|error| failure(refused(&error)))?
            }
        };
        let mut clips = Clips::new(places.codecs);
        let edition = clips.edition(plan, version.number, &catalogue);
        let live = Live { version, edition, catalogue: Arc::new(catalogue) };
        let (prompts, switches, voices) = (files.prompts.clone(), switches.clone(), places.voices.clone());
        let ours = Ours::default();
        Ok(Some(Begun { press: Press { store, gate, clock, prompts, voices, switches, live, clips, ours }, alarms }))
    }
}

/// The version that is live, as it was read.
struct Current<'a> {
    version: &'a Version,
    plan: &'a Arc<Plan>,
    catalogue: &'a Catalogue,
}

impl Current<'_> {
    fn has_table(&self, bytes: &[u8]) -> bool {
        versions::hash(bytes) == self.version.hash
    }

    /// What it says sounds alike in these prompts.
    fn has_sounds(&self, prompts: &Catalogue) -> bool {
        versions::is_alike(&spoken(self.plan, prompts), self.catalogue)
    }
}

/// `serve --publish`: the file, when it is another table and green. What is red is told, and the live one stays.
fn fresh(
    live: &Current<'_>,
    files: &Files,
    prompts: Option<&Catalogue>,
    gate: Gate,
    alarms: &mut Vec<Alarm>,
) -> Option<(Vec<u8>, Arc<Plan>, Catalogue)> {
    let (bytes, catalogue) = (table::read(&files.routing, files.language).ok()?, prompts?);
    let name = files.routing.display().to_string();
    if live.has_table(&bytes) && live.has_sounds(catalogue) {
        return None;
    }
    let (live, plan) = (live.version, live.plan);
    // Nothing listens yet.
    let ours = &Ours::default();
    let candidate =
        Candidate { name: &name, bytes: &bytes, catalogue, live: Some(plan), ours, language: files.language };
    match gate(&candidate) {
        Verdict::Green { plan, told, difference } => {
            eprint!("{told}{difference}");
            let catalogue = spoken(&plan, catalogue);
            Some((bytes, plan, catalogue))
        }
        Verdict::Red { told, .. } => {
            eprint!("{told}");
            let number = live.number;
            alarms.push([
                format!("{name} 에 잘못이 있어 내보내지 않았습니다. {number}판이 쓰입니다"),
                format!("{name} is red and was not published: version {number} is live"),
            ]);
            None
        }
    }
}

/// A version that can be live.
#[derive(Debug)]
pub struct Good {
    /// All of it.
    pub whole: Whole,
    /// What it means.
    pub plan: Plan,
    /// Errors that this program finds in it.
    pub errors: Vec<Diagnostic>,
}

/// The newest version that is whole and means something; newer ones that are not are alarms, and so is what this program, which may be stricter than
/// the one that published it, finds in it.
pub fn newest_good(folder: &Path, alarms: &mut Vec<Alarm>) -> Option<Good> {
    versions::numbers(folder).into_iter().find_map(|number| {
        let unusable = |[korean, english]: [String; 2]| {
            [format!("{number}판을 쓸 수 없습니다: {korean}"), format!("version {number} cannot be used: {english}")]
        };
        let whole = match versions::read(folder, number) {
            Ok(whole) => whole,
            Err(error) => {
                alarms.push(unusable([error.clone(), error]));
                return None;
            }
        };
        let checked = routing::check_published(&whole.bytes, &table::heard(&whole.catalogue));
        let codes = published::codes_of_errors(&checked.findings);
        let Some(plan) = checked.plan else {
            alarms.push(unusable([
                format!("이 프로그램은 그 표를 이해하지 못합니다 ({codes}). `ivr1357 history {number}` 가 그 글을 보여 줍니다"),
                format!("this program does not understand its table ({codes}); `ivr1357 history {number}` shows its text"),
            ]));
            return None;
        };
        let mut errors = checked.findings;
        errors.retain(|finding| finding.severity == Severity::Error);
        if !errors.is_empty() {
            alarms.push([
                format!("{number}판이 그대로 쓰이지만, 이 프로그램은 그 표에서 오류를 찾았습니다 ({codes}): 표를 고쳐서 다시 내보내세요"),
                format!("version {number} stays live, but this program finds errors in it ({codes}): mend the table and publish it again"),
            ]);
        }
        Some(Good { whole, plan, errors })
    })
}

/// Whether the file says something else than what is live.
fn compare(
    live: &Current<'_>,
    files: &Files,
    prompts: Result<&Catalogue, &String>,
    alarms: &mut Vec<Alarm>,
) -> Option<String> {
    let (file, number) = (files.routing.display(), live.version.number);
    let (bytes, prompts) = match (table::read(&files.routing, files.language), prompts) {
        (Ok(bytes), Ok(prompts)) => (bytes, prompts),
        (Err(error), _) => {
            alarms.push([
                format!("{number}판이 쓰이고, 표의 파일을 읽을 수 없습니다: {error}"),
                format!("version {number} is live, and its file cannot be read: {error}"),
            ]);
            return None;
        }
        (_, Err(error)) => {
            alarms.push([
                format!("{number}판이 쓰이고, 안내음을 읽을 수 없습니다: {error}"),
                format!("version {number} is live, and its prompts cannot be read: {error}"),
            ]);
            return None;
        }
    };
    if live.has_table(&bytes) {
        return (!live.has_sounds(prompts))
            .then(|| format!("the prompts in {} differ from version {number}", files.prompts.display()));
    }
    let checked = routing::check_bytes(&bytes, &table::heard(prompts));
    if checked.plan.is_none() {
        let text = String::from_utf8_lossy(&bytes);
        eprint!("{}", diagnostic::render(&file.to_string(), &text, &checked.findings, files.language, false));
        alarms.push([
            format!("{number}판이 쓰이고, {file} 에는 오류가 있습니다: `ivr1357 check {file}` 가 알려 줍니다"),
            format!("version {number} is live, and {file} has mistakes: `ivr1357 check {file}` shows them"),
        ]);
    }
    Some(format!("{file} differs from version {number}"))
}
