//! `ivr1357 show menu.rnd`: a row with all that it inherits, and the line each value came from.

use crate::routing::resolved::{NotShown, resolve};
use crate::shell::serve::Failure;
use crate::shell::table;
use clap::Args;
use std::path::PathBuf;

/// Which row.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The row, as menu.rnd or center.kosmes
    row: String,
    /// With what it inherits (always so; the word is there for scripts that say it)
    #[arg(long)]
    resolved: bool,
    /// The table
    #[arg(long, value_name = "FILE", default_value = "routing.toml")]
    routing: PathBuf,
    /// The language of the messages
    #[arg(long, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

/// `ivr1357 show`.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let korean = matches!(arguments.lang, super::Lang::Ko);
    let name = arguments.routing.display();
    let bytes = table::read(&arguments.routing, arguments.lang.into()).map_err(Failure::Setup)?;
    let fields = resolve(&String::from_utf8_lossy(&bytes), &arguments.row).map_err(|error| {
        Failure::Setup(match (error, korean) {
            (NotShown::Mistakes, true) => format!("{name} 에 오류가 있습니다. `ivr1357 check {name}` 가 알려 줍니다"),
            (NotShown::Mistakes, false) => format!("{name} has mistakes; `ivr1357 check {name}` shows them"),
            (NotShown::NoRow(nearest), true) => {
                let help = nearest.map_or_else(String::new, |row| format!("\n  고치는 법: 비슷한 행: {row}"));
                format!("{name} 에 그런 행이 없습니다: {}{help}", arguments.row)
            }
            (NotShown::NoRow(nearest), false) => {
                let help = nearest.map_or_else(String::new, |row| format!("\n  help: did you mean {row}?"));
                format!("{name} has no row {}{help}", arguments.row)
            }
        })
    })?;
    let width = fields.iter().map(|field| field.field.len()).max().unwrap_or(0);
    println!("[{}]", arguments.row);
    for field in fields {
        let from = match (field.place(&name.to_string()), korean) {
            (Some(place), _) => place,
            (None, true) => "정하지 않음".to_owned(),
            (None, false) => "built in".to_owned(),
        };
        println!("{:width$} = {}    # {from}", field.field, field.value);
    }
    Ok(())
}
