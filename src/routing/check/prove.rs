//! `[prove]`: rules that must hold on every way through the table. Whether they do, `proof` shows.

use super::Findings;
use super::fields::{Fields, wrong_kind};
use super::names::{Named, Names};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table};
use crate::routing::plan::CenterId;
use crate::routing::rules::{KeyRule, Rules};

/// Keys a caller may be asked for: more than this is no rule.
const KEYS_MOST: i64 = 20;

/// Reads the rules.
pub(super) fn rules(table: Option<&Table>, names: &Names, findings: &mut Findings) -> Rules {
    let mut rules = Rules::default();
    let Some(table) = table else { return rules };
    let mut fields = Fields::new("prove", table);
    let small = |number: Option<i64>, usual: u8| number.and_then(|number| u8::try_from(number).ok()).unwrap_or(usual);
    rules.person = small(fields.count("person", 1..=KEYS_MOST, findings), rules.person);
    rules.menus = small(fields.count("menus", 1..=KEYS_MOST, findings), rules.menus);
    rules.zero = fields.flag("zero", findings).unwrap_or(rules.zero);
    for entry in fields.table("keys", findings).iter().flat_map(|keys| &keys.entries) {
        let keys = match entry.value.kind {
            Kind::Integer(Some(number)) if (0..=KEYS_MOST).contains(&number) => small(Some(number), 0),
            Kind::Lost => continue,
            _ => {
                let wanted = ["0 부터 20 까지의 수", "a number from 0 to 20"];
                findings.push(wrong_kind("prove.keys", &entry.key, &entry.value, wanted));
                continue;
            }
        };
        let centers: Vec<CenterId> = match entry.key.split_once('*') {
            Some((start, "")) if start.starts_with("center.") => names.centers_like(start),
            _ => match names.look_up("prove.keys", &entry.key, entry.key_span.clone(), findings) {
                Some(Named::Center(id)) => vec![id],
                None => continue,
                Some(_) => {
                    findings.push(
                        Diagnostic::error(
                            "E0202",
                            entry.key_span.clone(),
                            format!("prove.keys: 기관이 아닙니다: \"{}\"", entry.key),
                            format!("prove.keys: \"{}\" is not a centre", entry.key),
                        )
                        .help(
                            "\"center.kosmes\" 나 \"center.*\" 처럼 쓰세요",
                            "write \"center.kosmes\", or \"center.*\" for all",
                        ),
                    );
                    continue;
                }
            },
        };
        rules.keys.push(KeyRule { pattern: entry.key.clone(), centers, keys });
    }
    fields.finish(findings);
    rules
}
