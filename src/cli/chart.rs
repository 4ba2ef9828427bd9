//! `ivr1357 chart [FILE]`: the linkage flow chart (연계흐름도) of a table.

use super::TableArguments;
use crate::chart::{markup, svg};
use crate::routing::slots;
use crate::shell::reason;
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    table: TableArguments,
    /// What is written: a page to print, or the text of a drawing tool
    #[arg(long, value_enum, default_value = "svg")]
    format: Format,
    /// Where to; otherwise to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Format {
    /// For printing on A3 and for publishing
    Svg,
    /// For documents that draw Mermaid
    Mermaid,
    /// For Graphviz
    Dot,
}

pub(super) fn run_command(arguments: Arguments) -> Result<u8, Failure> {
    let Arguments { table, format, output } = arguments;
    let language = table.lang.into();
    let Table { plan, catalogue } = Table::load(&Files::from(table)).map_err(Failure::Setup)?;
    let text = match format {
        Format::Svg => svg::draw(&plan, &|prompt| catalogue.text(prompt).map(|text| slots::shown(text, true))).svg,
        Format::Mermaid => markup::mermaid(&plan),
        Format::Dot => markup::dot(&plan),
    };
    match output {
        None => print!("{text}"),
        Some(path) => {
            std::fs::write(&path, text).map_err(|error| Failure::Setup(reason::unwritable(&path, &error, language)))?
        }
    }
    Ok(0)
}
