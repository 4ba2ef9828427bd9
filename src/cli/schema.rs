//! `ivr1357 schema` and `ivr1357 init`: help for the editor, and a table to begin with.

use crate::routing::schema;
use crate::shell::reason;
use crate::shell::serve::Failure;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The commented table that `init` writes; it checks clean with the prompts that ship.
pub const STARTER: &str = include_str!("starter.toml");

/// Where to.
#[derive(Args, Debug)]
pub(super) struct InitArguments {
    /// The file to write; one that exists is never overwritten
    #[arg(value_name = "FILE", default_value = "routing.toml")]
    file: PathBuf,
    /// The language of the messages
    #[arg(long, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

/// `ivr1357 init`.
pub(super) fn init(arguments: &InitArguments) -> Result<(), Failure> {
    let korean = matches!(arguments.lang, super::Lang::Ko);
    let name = arguments.file.display();
    let unwritable = |error| reason::unwritable(&arguments.file, &error, arguments.lang.into());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&arguments.file).map_err(|error| {
        Failure::Setup(match (error.kind(), korean) {
            (std::io::ErrorKind::AlreadyExists, true) => {
                format!("{name} 이 이미 있습니다\n  고치는 법: 다른 이름을 쓰세요: ivr1357 init new.toml")
            }
            (std::io::ErrorKind::AlreadyExists, false) => {
                format!("{name} exists already\n  help: name another file: ivr1357 init new.toml")
            }
            _ => unwritable(error),
        })
    })?;
    file.write_all(STARTER.as_bytes()).map_err(|error| Failure::Broken(unwritable(error)))?;
    println!(
        "{}",
        if korean {
            format!("{name}: 이제 `ivr1357 prompts build --routing {name}` 로 소리를 만들고, `ivr1357 check {name}`")
        } else {
            format!(
                "{name}: now make its sounds with `ivr1357 prompts build --routing {name}`, and `ivr1357 check {name}`"
            )
        }
    );
    Ok(())
}

/// `ivr1357 schema`.
pub(super) fn print() -> Result<(), Failure> {
    println!("{:#}", schema::json());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::heard::Prompt;
    use crate::routing::{Language, check_heard, diagnostic};
    use crate::shell::table;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn the_starter_table_checks_clean_with_the_prompts_that_ship() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        let mut prompts = table::heard(&table::load_prompts(&folder, Language::English).expect("readable"));
        // Its own centre's words are built with `prompts build`; that is the next line of its remarks.
        for id in ["center/agency", "phrase/text-우리 기관으로"] {
            let sound = Prompt { length: Some(Duration::from_millis(500)), ..Prompt::default() };
            prompts.0.insert(id.to_owned(), sound);
        }
        let findings = check_heard(STARTER, &prompts).findings;
        let report = diagnostic::render("starter.toml", STARTER, &findings, Language::English, false);
        assert!(findings.is_empty(), "{report}");
    }
}
