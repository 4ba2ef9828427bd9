//! `ivr1357 history [N]` and `ivr1357 status`: what was published, by whom and why, and what is live now.

use super::publish::{Engine, ask, strange};
use crate::routing::{Language, bundle};
use crate::shell::publish::ask::{Entry, MediaThread, Question, Registered, Reply, Status};
use crate::shell::serve::Failure;
use crate::shell::{control, reason, versions};
use clap::Args;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use unicode_width::UnicodeWidthStr;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Prints the table of this version, byte for byte
    #[arg(value_name = "N")]
    version: Option<u64>,
    /// Writes the files of that table into this folder instead; nothing that is there is overwritten
    #[arg(long, value_name = "DIR", requires = "version")]
    to: Option<PathBuf>,
    /// How many of the newest are listed
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    last: usize,
    /// For programs: one JSON document, with all versions
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: Engine,
}

#[derive(Args, Debug)]
pub(super) struct StatusArguments {
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: Engine,
}

/// `ivr1357 history`. The versions of an engine that does not run are read from their folder.
pub(super) fn run_history(arguments: Arguments) -> Result<u8, Failure> {
    let Arguments { version, to, last, json, engine } = arguments;
    let (settings, language) = (engine.load()?, engine.language());
    let folder = settings.versions();
    if let Some(number) = version {
        let broken = |error: String| Failure::Broken(error);
        let (version, bytes) = match control::ask(&settings.control(), &Question::Show { number }, &[]) {
            Ok((Reply::Shown(version), bytes)) => (*version, bytes),
            Ok((Reply::Error { words }, _)) => return Err(broken(language.of(&words).clone())),
            Ok(_) => return Err(broken(strange(language))),
            Err(_) => {
                let absent =
                    |error| versions::absent(&folder, number).map_or(error, |words| language.of(&words).clone());
                versions::read_table(&folder, number).map_err(|error| broken(absent(error)))?
            }
        };
        match to {
            _ if json => print!("{}", version.to_json()),
            Some(folder) => write_files(&folder, &version.file, &bytes, language)?,
            None => std::io::stdout().lock().write_all(&shown(&bytes)).map_err(|error| broken(error.to_string()))?,
        }
        return Ok(0);
    }
    let entries = match control::ask(&settings.control(), &Question::History, &[]) {
        Ok((Reply::History(entries), _)) => entries,
        Ok((Reply::Error { words }, _)) => return Err(Failure::Broken(language.of(&words).clone())),
        Ok(_) => return Err(Failure::Broken(strange(language))),
        Err(_) => {
            let words = [
                "엔진이 돌고 있지 않습니다. 디스크에 남은 판입니다",
                "no engine is running; these are the versions on disk",
            ];
            eprintln!("{}", language.of(&words));
            control::history(&folder, None)
        }
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&entries).map_err(|error| Failure::Broken(error.to_string()))?);
    } else {
        print!("{}", listed(&entries, last, language));
    }
    Ok(0)
}

/// A table of one file as it is; of several, each after a remark with its name.
fn shown(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let parts = bundle::parts(&text);
    if parts.len() == 1 {
        return bytes.to_vec();
    }
    let part = |part: &bundle::Part<'_>| format!("# ==== {} ====\n{}\n", part.name.unwrap_or_default(), part.text);
    parts.iter().map(part).collect::<String>().into_bytes()
}

fn write_files(folder: &Path, file: &str, bytes: &[u8], language: Language) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(bytes);
    let own = Path::new(file)
        .file_name()
        .map_or_else(|| "routing.toml".to_owned(), |name| name.to_string_lossy().into_owned());
    for part in bundle::parts(&text) {
        // Names come from whoever published: none leads out of the folder.
        let Some(name) = bundle::name_of(None, part.name.unwrap_or(&own)) else { continue };
        let path = folder.join(name);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            file.write_all(part.text.as_bytes())
        });
        written.map_err(|error| Failure::Setup(reason::unwritable(&path, &error, language)))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// `ivr1357 status`: 1 when something is to be looked at.
pub(super) fn run_status(arguments: StatusArguments) -> Result<u8, Failure> {
    let StatusArguments { json, engine } = arguments;
    let language = engine.language();
    let (reply, _) = ask(&engine.load()?, &Question::Status, &[], language)?;
    let Reply::Status(status) = reply else { return Err(Failure::Broken(strange(language))) };
    if json {
        println!("{}", serde_json::to_string_pretty(&status).map_err(|error| Failure::Broken(error.to_string()))?);
    } else {
        print!("{}", told(&status, language));
    }
    let unregistered = status.trunks.iter().any(|trunk| trunk.until.is_none());
    Ok(u8::from(!status.alarms.is_empty() || unregistered))
}

fn told(status: &Status, language: Language) -> String {
    let Status { live, alarms, file, unpublished, calls, trunks, media } = status;
    let (number, hash, when, who, why) = (live.number, live.short_hash(), &live.when, &live.who, &live.why);
    let mut out = String::new();
    let korean = language == Language::Korean;
    let _ = match korean {
        true => writeln!(out, "{number}판 ({hash}) 이 쓰이고 있습니다: {when}, {who}, {why}\n지금 통화 {calls}"),
        false => writeln!(out, "version {number} ({hash}) is live: {when}, {who}, {why}\nlive calls {calls}"),
    };
    if *unpublished {
        let _ = match korean {
            true => writeln!(out, "{file} 은 쓰이는 표와 다릅니다. 내보내기: ivr1357 publish {file} --why \"...\""),
            false => writeln!(out, "{file} is not what is live. To publish it: ivr1357 publish {file} --why \"...\""),
        };
    }
    for Registered { trunk, until, status } in trunks {
        let last = status.map_or_else(String::new, |status| match korean {
            true => format!(" (마지막 응답 {status})"),
            false => format!(" (last answer {status})"),
        });
        let _ = match (until, korean) {
            (Some(until), true) => writeln!(out, "회선 {trunk}: {until} 까지 등록됨{last}"),
            (Some(until), false) => writeln!(out, "trunk {trunk}: registered until {until}{last}"),
            (None, true) => writeln!(out, "회선 {trunk}: 등록되지 않음{last}"),
            (None, false) => writeln!(out, "trunk {trunk}: not registered{last}"),
        };
    }
    let notable = |thread: &&MediaThread| thread.late_ms + thread.lost + thread.failed > 0;
    for MediaThread { thread, late_ms, lost, failed } in media.iter().filter(notable) {
        let _ = match korean {
            true => writeln!(
                out,
                "음성 스레드 {thread}: {late_ms} ms 늦음, 보내지 못한 패킷 {lost}, 시스템이 받지 않은 패킷 {failed}"
            ),
            false => writeln!(
                out,
                "media thread {thread}: {late_ms} ms late, {lost} packets not sent, {failed} not taken by the system"
            ),
        };
    }
    for alarm in alarms {
        let _ = writeln!(out, "{}: {}", language.of(&["경보", "alarm"]), language.of(alarm));
    }
    out
}

/// The newest first, as a table for people.
fn listed(entries: &[Entry], last: usize, language: Language) -> String {
    let titles = match language {
        Language::Korean => ["", "판", "언제", "누가", "표", "왜"],
        Language::English => ["", "no", "when", "who", "table", "why"],
    };
    let mut rows = vec![titles.map(str::to_owned)];
    for Entry { number, live, version, damaged } in entries.iter().take(last) {
        let mark = if *live { "*" } else { "" }.to_owned();
        let number = number.to_string();
        rows.push(match (version, damaged) {
            (Some(version), _) => {
                let repeats = version.repeats.map(|number| match language {
                    Language::Korean => format!("({number}판 다시) "),
                    Language::English => format!("(version {number} again) "),
                });
                let why = format!("{}{}", repeats.unwrap_or_default(), version.why);
                let when = version.when.get(..16).unwrap_or(&version.when).replace('T', " ");
                [mark, number, when, version.who.to_string(), version.short_hash().to_owned(), why]
            }
            (None, damaged) => {
                let what = language.of(&["손상됨", "damaged"]);
                let why = format!("{what}: {}", damaged.as_deref().unwrap_or_default());
                [mark, number, String::new(), String::new(), String::new(), why]
            }
        });
    }
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or_default());
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::versions::{Version, Who};

    #[test]
    fn the_history_lines_up_whatever_script_it_is_written_in() {
        let version = |number: u64, user: &str, why: &str, repeats| Version {
            schema: 1,
            number,
            hash: "ffcf7420c40c0000".to_owned(),
            sounds: String::new(),
            bytes: 1,
            file: "routing.toml".to_owned(),
            who: Who { user: user.to_owned(), uid: None, by: None },
            when: "2026-11-24T10:00:00+09:00".to_owned(),
            why: why.to_owned(),
            replaced: None,
            repeats,
            proved: true,
        };
        let entry =
            |version: Version, live| Entry { number: version.number, live, version: Some(version), damaged: None };
        let damaged = Entry { number: 2, live: false, version: None, damaged: Some("version.json".to_owned()) };
        let entries = [
            entry(version(10, "이주무관", "명절 안내", Some(1)), true),
            damaged,
            entry(version(1, "serve", "first start", None), false),
        ];
        let expected = "\
\u{20}  판  언제              누가      표            왜
*  10  2026-11-24 10:00  이주무관  ffcf7420c40c  (1판 다시) 명절 안내
   2                                             손상됨: version.json
   1   2026-11-24 10:00  serve     ffcf7420c40c  first start
";
        assert_eq!(listed(&entries, 20, Language::Korean), expected);
        assert_eq!(listed(&entries, 1, Language::English).lines().count(), 2);
    }
}
