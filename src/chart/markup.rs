//! The chart as Mermaid and as DOT: every row a node, every key an arrow.

use super::model::{Choice, Model, name, stays};
use crate::routing::plan::{Destination, Plan};
use std::fmt::Write as _;

/// An arrow: from, label, to.
type Arrow = (String, String, String);

/// Mermaid's `flowchart`.
pub fn mermaid(plan: &Plan) -> String {
    let (model, arrows) = read(plan);
    let quoted = |text: &str| text.replace('"', "#quot;");
    let mut out = String::from("flowchart LR\n");
    for (id, label) in nodes(plan, &model) {
        let label = quoted(&label);
        let _ = match id.split('_').next() {
            Some("number") => writeln!(out, "  {id}([\"{label}\"])"),
            Some("notice") => writeln!(out, "  {id}>\"{label}\"]"),
            Some("input") => writeln!(out, "  {id}[/\"{label}\"/]"),
            _ => writeln!(out, "  {id}[\"{label}\"]"),
        };
    }
    for group in &model.groups {
        let Some(ministry) = &group.ministry else { continue };
        let ids: Vec<String> = group.centers.iter().map(|center| id(plan, Destination::Center(*center))).collect();
        let _ = writeln!(out, "  subgraph g_{}[\"{}\"]\n    {}\n  end", ids[0], quoted(ministry), ids.join("\n    "));
    }
    for (from, label, to) in arrows {
        let _ = writeln!(out, "  {from} -- \"{}\" --> {to}", quoted(&label));
    }
    out
}

/// Graphviz's DOT.
pub fn dot(plan: &Plan) -> String {
    let (model, arrows) = read(plan);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from(
        "digraph ivr1357 {\n  rankdir=LR;\n  node [shape=box, fontname=\"Noto Sans KR\"];\n  edge [fontname=\"Noto Sans KR\"];\n",
    );
    for (id, label) in nodes(plan, &model) {
        let _ = writeln!(out, "  {id} [label=\"{}\"];", quoted(&label));
    }
    for group in &model.groups {
        let Some(ministry) = &group.ministry else { continue };
        let ids: Vec<String> = group.centers.iter().map(|center| id(plan, Destination::Center(*center))).collect();
        let _ =
            writeln!(out, "  subgraph cluster_{} {{ label=\"{}\"; {}; }}", ids[0], quoted(ministry), ids.join("; "));
    }
    for (from, label, to) in arrows {
        let _ = writeln!(out, "  {from} -> {to} [label=\"{}\"];", quoted(&label));
    }
    out.push_str("}\n");
    out
}

fn nodes(plan: &Plan, model: &Model) -> Vec<(String, String)> {
    let mut nodes: Vec<(String, String)> = Vec::new();
    for (at, number) in model.numbers.iter().enumerate() {
        nodes.push((format!("number_{at}"), number.dialled.join(", ") + if number.recorded { " · 녹음" } else { "" }));
    }
    for menu in model.columns.iter().flatten() {
        nodes.push((id(plan, menu.of), menu.head()));
    }
    for (at, center) in plan.centers.iter().enumerate() {
        nodes.push((format!("center_{at}"), center.name.clone()));
    }
    for (at, notice) in plan.notices.iter().enumerate() {
        nodes.push((format!("notice_{at}"), format!("안내 {}", notice.row.trim_start_matches("notice."))));
    }
    nodes
}

fn read(plan: &Plan) -> (Model, Vec<Arrow>) {
    let model = Model::of(plan);
    let mut arrows: Vec<Arrow> = Vec::new();
    for (at, number) in model.numbers.iter().enumerate() {
        for (condition, go) in &number.when {
            arrows.push((format!("number_{at}"), condition.clone(), id(plan, *go)));
        }
        arrows.push((format!("number_{at}"), "그 밖에".to_owned(), id(plan, number.go)));
    }
    for menu in model.columns.iter().flatten() {
        let from = id(plan, menu.of);
        // In an input the keys of every menu are digits.
        let common = model.common.iter().filter(|_| matches!(menu.of, Destination::Menu(_)));
        for Choice { keys, words, go } in menu.choices.iter().chain(common) {
            if !stays(*go) && *go != Destination::End {
                let label = format!("{} {words}", keys.as_str());
                arrows.push((from.clone(), label.trim_start().to_owned(), id(plan, *go)));
            }
        }
    }
    for (at, center) in plan.centers.iter().enumerate() {
        if let Some(closed) = center.closed {
            arrows.push((format!("center_{at}"), "운영 시간 밖".to_owned(), id(plan, closed)));
        }
    }
    for (at, notice) in plan.notices.iter().enumerate() {
        if let Some(doors) = notice.doors {
            arrows.push((format!("notice_{at}"), "운영 시간 밖".to_owned(), id(plan, doors.closed)));
        }
        if notice.then != Destination::End {
            arrows.push((format!("notice_{at}"), "그다음".to_owned(), id(plan, notice.then)));
        }
    }
    (model, arrows)
}

fn id(plan: &Plan, go: Destination) -> String {
    match go {
        Destination::Menu(id) => format!("menu_{}", id.0),
        Destination::Center(id) => format!("center_{}", id.0),
        Destination::Input(id) => format!("input_{}", id.0),
        Destination::Notice(id) => format!("notice_{}", id.0),
        Destination::Message(_)
        | Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => name(plan, go),
    }
}
