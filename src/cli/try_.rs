//! `ivr1357 try [FILE] ["call 1357; key 1; wait 5s"]`: what a caller hears and where they end, by the real engine
//! in simulated time.

use crate::routing::Plan;
use crate::sim::script::{self, Script};
use crate::sim::{Moment, World};
use crate::speech::Catalogue;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

pub use crate::sim::script::ScriptError;

/// What can be said in a script, for those who give none.
pub const USAGE: &str = "\
전화를 걸어 보듯 표를 시험합니다. 명령은 ; 로 나눕니다.

  ivr1357 try \"call 1357; key 1; key 1\"
  ivr1357 try routing.toml \"center kosmes busy; call 1357; wait 5s; key 11\"

  call 1357              전화를 겁니다
  key 1                  안내가 나오는 중에 누릅니다 (key 11 은 이어서 두 번)
  wait 5s                듣고 있습니다 (500ms, 5s, 2m)
  hold / resume          보류하고 돌아옵니다
  hangup                 끊습니다
  center kosmes busy     센터의 형편: answers, busy, rings, dead, refuses
  at 2026-11-24T10:00    거는 때 (쓰지 않으면 2026년 11월 24일 화요일 오전 열 시)
  end                    통화가 끝날 때까지 기다립니다 (쓰지 않아도 끝에는 이렇게 합니다)
";

/// Plays a script against a table and tells what the caller heard, line by line.
pub fn run(plan: Arc<Plan>, catalogue: &Catalogue, text: &str) -> Result<String, ScriptError> {
    let script = Script::parse(text, &plan)?;
    let (world, _) = script.play(plan.clone(), catalogue);
    let mut out = String::new();
    let _ = writeln!(out, "{}", script.at.strftime("%Y-%m-%d %H:%M"));
    let moments = world.moments();
    for (index, (at, moment)) in moments.iter().enumerate() {
        let _ = write!(out, "{:>6.1}초  ", script::seconds(*at));
        match moment {
            Moment::Connects => out.push_str("연결됨\n"),
            Moment::Enters(row) => {
                let _ = writeln!(out, "[{row}]{}", name_of(&plan, row));
            }
            Moment::Key(key) => {
                let _ = writeln!(out, "누름 {key}");
            }
            Moment::Stops => out.push_str("안내 멈춤\n"),
            Moment::Plays { prompts, length, repeat } => {
                let ended = moments.iter().skip(index + 1).find(|(_, next)| ends_sound(next)).map(|(at, _)| *at);
                let heard = ended.map_or(*length, |end| end.since(*at));
                play(&mut out, catalogue, prompts, *length, heard, *repeat);
            }
            Moment::Refers(target) => {
                let _ = writeln!(out, "연결 요청(REFER) → {target}{}", centre(&world, &plan, target));
            }
            Moment::Fails(status) => {
                let _ = writeln!(out, "연결 실패 ({status}{})", failure(*status));
            }
            Moment::Reaches(target) => {
                let _ = writeln!(out, "통화 시작 → {target}{}", centre(&world, &plan, target));
            }
            Moment::Refuses(status) => {
                let _ = writeln!(out, "받지 않음 ({status}){}", refusal(*status));
            }
            Moment::Releases => out.push_str("1357이 끊음\n"),
        }
    }
    let _ = writeln!(out, "끝: {}", ending(&world, &plan));
    for violation in world.violations() {
        let _ = writeln!(out, "약속을 어김: {violation}");
    }
    Ok(out)
}

fn ends_sound(moment: &Moment) -> bool {
    match moment {
        Moment::Plays { .. } | Moment::Stops | Moment::Releases => true,
        Moment::Enters(_)
        | Moment::Key(_)
        | Moment::Refers(_)
        | Moment::Fails(_)
        | Moment::Reaches(_)
        | Moment::Connects
        | Moment::Refuses(_) => false,
    }
}

fn play(out: &mut String, catalogue: &Catalogue, prompts: &[String], length: Duration, heard: Duration, repeat: bool) {
    let text = |id: &String| match catalogue.prompts.get(id) {
        Some(prompt) if !prompt.text.trim().is_empty() => prompt.text.trim().to_owned(),
        _ => format!("({id})"),
    };
    let texts: Vec<String> = prompts.iter().map(text).collect();
    let _ = write!(out, "♪ {} ", texts.join(" "));
    // A tenth of a second is what the caller's key takes to reach us: not worth a word.
    if repeat {
        let _ = writeln!(out, "({:.1}초 동안 되풀이)", heard.as_secs_f64());
    } else if heard + Duration::from_millis(100) < length {
        let _ = writeln!(out, "({:.1}초 가운데 {:.1}초까지)", length.as_secs_f64(), heard.as_secs_f64());
    } else {
        let _ = writeln!(out, "({:.1}초)", length.as_secs_f64());
    }
}

fn name_of(plan: &Plan, row: &str) -> String {
    let named = plan.centers.iter().find(|center| *center.row == *row);
    named.map(|center| format!(" {}", center.name)).unwrap_or_default()
}

fn centre(world: &World, plan: &Plan, target: &str) -> String {
    world.centre_at(target).map(|row| format!(" [{row}]{}", name_of(plan, row))).unwrap_or_default()
}

fn refusal(status: u16) -> &'static str {
    match status {
        404 => ": 표에 없는 번호입니다",
        488 => ": 맞는 코덱이 없습니다",
        503 => ": 지금은 받을 수 없습니다",
        _ => "",
    }
}

fn failure(status: u16) -> &'static str {
    match status {
        408 => " 대답 없음",
        480 => " 받을 사람 없음",
        486 | 600 => " 통화 중",
        603 => " 거절",
        _ => "",
    }
}

/// Where the caller ended, by the record of the call.
fn ending(world: &World, plan: &Plan) -> String {
    let record: serde_json::Value =
        world.records().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    match record["outcome"].as_str() {
        Some("transferred") => {
            let attempts = record["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let reached = attempts.iter().find(|attempt| attempt["result"] == "reached");
            let row = reached.and_then(|attempt| attempt["center"].as_str()).unwrap_or("");
            format!("{row}{} 연결", name_of(plan, row))
        }
        Some("abandoned") => "건 사람이 끊음".to_owned(),
        Some("cancelled") => "받기 전에 취소함".to_owned(),
        Some("refused") => "받지 않음".to_owned(),
        Some("announced") => "안내를 끝까지 하고 끊음".to_owned(),
        Some(other) => format!("{other} ({})", record["cause"].as_str().unwrap_or("?")),
        None => "기록이 없음".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;
    use crate::speech::Prompt;

    fn told(script: &str) -> String {
        let plan = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table checks");
        let mut catalogue = Catalogue::default();
        for id in plan.prompts() {
            let samples = Some(Arc::from(vec![0i16; 16_000]));
            catalogue.prompts.insert(id.to_string(), Prompt { text: format!("«{id}»"), samples });
        }
        run(Arc::new(plan), &catalogue, script).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    fn check(script: &str, lines: &[&str]) {
        let text = told(script);
        let mut rest = text.as_str();
        for line in lines {
            let Some((_, after)) = rest.split_once(line) else { panic!("no {line:?} (in this order) in\n{text}") };
            rest = after;
        }
    }

    #[test]
    fn a_caller_hears_the_texts_and_ends_with_a_centre() {
        check(
            "call 1357; key 1; key 1",
            &[
                "2026-11-24 10:00",
                "연결됨",
                "♪ «greeting» (2.0초 가운데 0.2초까지)",
                "누름 1",
                "[menu.fund]",
                "«menu_fund»",
                "[center.kosmes] 중소벤처기업진흥공단",
                "♪ «center/kosmes» (2.0초)",
                "연결 요청(REFER) → kosmes@",
                "통화 시작 → kosmes@",
                "1357이 끊음",
                "끝: center.kosmes 중소벤처기업진흥공단 연결",
            ],
        );
    }

    #[test]
    fn a_failed_transfer_says_why() {
        check(
            "center fta busy; call 1357; key 71",
            &["[center.fta]", "연결 요청(REFER)", "연결 실패 (486 통화 중)", "[center.counsel]", "끝: center.counsel"],
        );
    }

    #[test]
    fn every_end_has_its_words() {
        for (script, end) in [
            ("call 1358", "끝: 받지 않음"),
            ("call 1357; wait 3s; hangup", "끝: 건 사람이 끊음"),
            ("at 2026-11-24T22:00; call 1357", "끝: 안내를 끝까지 하고 끊음"),
        ] {
            check(script, &[end]);
        }
    }
}
