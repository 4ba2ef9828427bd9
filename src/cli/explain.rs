//! `ivr1357 explain E0301`: what a code means, with a wrong and a right line.

use crate::routing::explain;
use crate::shell::serve::Failure;
use clap::Args;

/// Which code.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The code, as E0301; without one all are listed
    code: Option<String>,
    /// The language of the explanation
    #[arg(long, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

/// `ivr1357 explain`.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let language = arguments.lang.into();
    let Some(code) = &arguments.code else {
        for explanation in explain::ALL {
            println!("{}  {}", explanation.code, crate::routing::Language::of(language, &explanation.finds));
        }
        return Ok(());
    };
    let found = explain::find(code).ok_or_else(|| {
        Failure::Setup(format!("there is no code {code}\n  help: `ivr1357 explain` lists all of them"))
    })?;
    print!("{}", explain::render(found, language));
    Ok(())
}
