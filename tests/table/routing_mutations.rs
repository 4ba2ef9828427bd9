//! Is every slip found, and no right table accused? A corpus of single mistakes, made from the fields of the language, and
//! fifty tables that work.
//!
//! `cargo test --test table routing_mutations -- --nocapture` prints the score by code and what was found under another code. An
//! edit that changes nothing a caller can meet (the same plan) is no mistake: the corpus has none.

use ivr1357::routing::{Heard, Plan, check_heard, check_without_sound, diagnostic, explain};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// A small table that uses what the shipped one does without.
const RICH: &str = r##"
schema = 1
timezone = "Asia/Seoul"
profile = "kr-ars-2009"
waiting = "waiting_tone"
languages = ["ko", "en"]

[number.main]
match = ["1357", "02-1357", "1588135x"]
greeting = "greeting"
recorded = true
fee = "local"
go = "menu.main"
when = [
  { switch = "emergency", go = "notice.closed" },
  { caller_kind = "relay", go = "center.counsel" },
  { caller = ["010-1234-5678", "02-2104*"], go = "center.counsel" },
  { holiday = true, go = "notice.closed" },
  { outside = "hours.main", go = "notice.closed" },
  { share = 20, go = "menu.short" },
]

[number.direct]
match = ["15770000~15770099"]
language = "en"
go = "menu.short"
when = [{ language = "ko", go = "notice.closed" }]

[defaults.menu]
barge_in = true
digit_timeout = "6s"
interdigit = "1500ms"
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 3, prompt = "invalid", then = "center.counsel" }
keys = { "0" = { say = "상담원", go = "center.counsel" }, "#" = "back", "*" = "repeat" }

[defaults.input]
digit_timeout = "8s"
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { prompt = "entry_invalid", then = "center.counsel" }

[defaults.transfer]
ladder = ["refer", "next-target", "center.counsel", "notice.busy"]
refer_success = "notify-200"
refer_timeout = "10s"
ring_timeout = "40s"
prompt = "center_busy"
context = "none"
rounds = 3
give_up = "notice.goodbye"

[limits]
call_max = "30m"

[hours]
main = ["월-금 09:00-12:00, 13:00-18:00", "2026-12-31 09:00-12:00"]
night = ["매일 20:00-06:00"]

[holidays]
calendar = "kr"
designated = ["2027-01-04"]
open = ["2027-05-03"]

[switch]
emergency = "재난 안내"

[menu.main]
prompt = "menu_main"
1 = { say = "정책자금", go = "menu.short" }
2 = { say = "기술개발", go = "center.tech" }
8 = { say = "창업", language = "en", go = "repeat" }

[menu.short]
prompt = ["menu_fund", "menu_rnd"]
1 = { say = "창업", go = "center.start" }
3 = "center.tech"
4 = { say = "창업", go = "input.business" }
5 = { say = "창업", go = "input.region" }
6 = "input.phone"
7 = "message.night"

[message.night]
hours = "hours.night"
closed = "notice.closed"
longest = "90s"
silence = "4s"
retries = 2
then = "notice.goodbye"
otherwise = "center.counsel"

[input.business]
prompt = "ask_business"
kind = "business-number"
confirm = true
then = "center.start"

[input.region]
prompt = "ask_region"
digits = 2
allow = ["01-17", "99"]
keys = { "*" = "center.counsel", "#" = "back" }
then = "center.tech"

[input.phone]
prompt = "ask_phone"
hours = "hours.main"
closed = "notice.night"
digits = "6-8"
interdigit = "5s"
then = "center.tech"

[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
tech = { name = "기술원", sip = [{ uri = "sip:a@h.example", order = 1, weight = 3 }, { uri = "sip:b@h.example", order = 1 }] }
start = { name = "진흥원", ministry = "부처", sip = ["sip:c@h.example;transport=tls"], hours = "hours.night", closed = "notice.closed" }

[notice]
closed = { prompt = "closed", then = "end" }
night = { prompt = "closed", hours = "hours.night", closed = "notice.closed", then = "end" }
busy = { prompt = "busy", then = "menu.main" }
goodbye = { prompt = "goodbye", then = "end" }

[[test]]
name = "중계 전화는 바로 상담원이다"
caller = "107"
switch = "emergency"
expect = ["notice.closed"]
end = "notice.closed"

[[test]]
name = "번호가 없어도 메뉴에 닿는다"
at = "2026-11-24T10:00"
call = "15770001"
caller = "withheld"
press = ["1", "", "5s", "hangup"]
world = { "center.start" = ["busy", "dead"] }
expect = ["menu.short", "center.start"]
end = "hangup"
"##;

/// One single mistake.
struct Slip {
    code: &'static str,
    what: String,
    text: String,
}

/// The slips of one table.
struct Slips<'t> {
    table: &'t str,
    name: &'static str,
    list: Vec<Slip>,
}

impl Slips<'_> {
    fn put(&mut self, code: &'static str, at: Range<usize>, with: &str) {
        let was = &self.table[at.clone()];
        let what = format!("{} {code}: {:?} -> {:?}", self.name, short(was), short(with));
        let text = format!("{}{with}{}", &self.table[..at.start], &self.table[at.end..]);
        self.list.push(Slip { code, what, text });
    }

    fn add_under(&mut self, code: &'static str, header: &str, lines: &str) {
        let at = self.table.find(&format!("\n{header}\n")).map(|at| at + header.len() + 2);
        match at {
            Some(at) => self.put(code, at..at, &format!("{lines}\n")),
            None => self.put(code, self.table.len()..self.table.len(), &format!("\n{header}\n{lines}\n")),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The table without remarks, byte for byte as long.
fn code_of(table: &str) -> String {
    let mut code = String::new();
    for line in table.split_inclusive('\n') {
        let mut quoted = false;
        let end = line.char_indices().find(|&(_, c)| {
            quoted ^= c == '"';
            c == '#' && !quoted
        });
        let end = end.map_or(line.len(), |(at, _)| at);
        code.push_str(&line[..end]);
        code.extend(line[end..].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
    code
}

/// Every text in quotes, quotes included.
fn texts(code: &str) -> Vec<Range<usize>> {
    let quotes: Vec<usize> = code.match_indices('"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| pair[0]..pair[1] + 1).collect()
}

/// Every bare `name` before `=`.
fn names(code: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let quoted = texts(code);
    for (at, _) in code.match_indices('=').filter(|(at, _)| !quoted.iter().any(|text| text.contains(at))) {
        let before = code[..at].trim_end();
        let start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        if start < before.len() && before.as_bytes()[start].is_ascii_alphabetic() {
            found.push(start..before.len());
        }
    }
    found
}

/// `go = "menu.main"`, with the comma that goes with it.
fn field(code: &str, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in names(code).into_iter().filter(|at| &code[at.clone()] == name) {
        let value = code[at.end..].find('=').map_or(at.end, |found| at.end + found + 1);
        let rest = code[value..].trim_start();
        let start = code.len() - rest.len();
        let end = match rest.chars().next() {
            Some('[') => start + rest.find(']').expect("a closed list") + 1,
            Some('"') => start + 1 + rest[1..].find('"').expect("a closed text") + 1,
            _ => start + rest.find([',', '\n', '}']).unwrap_or(rest.len()),
        };
        let comma = code[end..].starts_with(',');
        found.push(at.start..end + usize::from(comma));
    }
    found
}

fn headers<'t>(table: &'t str, kind: &str) -> Vec<&'t str> {
    table.lines().filter(|line| line.starts_with(&format!("[{kind}."))).collect()
}

fn slips(name: &'static str, table: &str) -> Vec<Slip> {
    let code = code_of(table);
    assert_eq!(code.len(), table.len());
    let mut slips = Slips { table, name, list: Vec::new() };
    let rows: BTreeSet<String> = texts(&code).iter().map(|at| table[at.start + 1..at.end - 1].to_owned()).collect();
    for at in texts(&code) {
        text_slips(&mut slips, at, &rows);
    }
    for at in names(&code) {
        let written = &table[at.clone()];
        let row = table[..at.start].ends_with('\n') && table[at.end..].trim_start().starts_with("= {");
        // A row under a header may have any name; its slip is found where it is named.
        if !row && !matches!(written, "main" | "night" | "emergency" | "fta") {
            slips.put("E0102", at.clone(), &format!("{written}x"));
            slips.put("E0105", at.clone(), &full_width(written));
        }
        let equals = at.end + table[at.end..].find('=').expect("it has one");
        slips.put("E0101", equals..equals + 1, "");
    }
    for (at, bracket) in code.match_indices(['{', '}', ']']) {
        let closes_header = bracket == "]" && code[..at].rsplit('\n').next().is_some_and(|line| line.starts_with('['));
        if closes_header || bracket != "{" {
            slips.put("E0101", at..at + 1, "");
        }
    }
    for (required, code_of_it) in
        [("go", "E0107"), ("match", "E0107"), ("name", "E0107"), ("sip", "E0107"), ("then", "E0204"), ("uri", "E0107")]
    {
        for at in field(&code, required) {
            // Two rows inherit `then` in parts; without it in the defaults it is missing.
            slips.put(code_of_it, at, "");
        }
    }
    for line in table.lines().filter(|line| line.starts_with('[') && line.contains('.')) {
        let at = table.find(&format!("\n{line}\n")).expect("the line") + 1;
        slips.put("E0104", at..at, &format!("{line}\n"));
    }
    for line in table.lines().filter(|line| line.contains('=') && !line.starts_with(['#', ' ']) && !line.ends_with('['))
    {
        let at = table.find(&format!("\n{line}\n")).expect("the line") + 1;
        slips.put("E0104", at..at, &format!("{line}\n"));
    }
    row_slips(&mut slips);
    table_slips(&mut slips, &code);
    slips.list
}

fn text_slips(slips: &mut Slips<'_>, at: Range<usize>, rows: &BTreeSet<String>) {
    let text = slips.table[at.start + 1..at.end - 1].to_owned();
    let inside = at.start + 1..at.end - 1;
    let before = slips.table[..at.start].trim_end().to_owned();
    let is = |name: &str| before.ends_with('=') && before.trim_end_matches('=').trim_end().ends_with(name);
    // Not every text ends where its line would show it: names of keys are texts too.
    if !slips.table[at.end..].trim_start().starts_with('=') {
        slips.put("E0101", at.end - 1..at.end, "");
        slips.put("E0101", at.clone(), &format!("“{text}”"));
    }
    if text.starts_with("202") && text.contains('T') {
        for at in ["2026-11-24 열시", "24.11.2026", "2026-13-24T10:00", "2026-11-24T25:00", "내일"] {
            slips.put("E0103", inside.clone(), at);
        }
    } else if matches!(text.as_str(), "busy" | "answers" | "dead" | "rings" | "refuses" | "hangup") {
        slips.put("E0103", inside.clone(), &format!("{text}x"));
        slips.put("E0103", inside.clone(), &text.to_uppercase());
        slips.put("E0103", at.clone(), "1");
    } else if before.ends_with(['[', ','])
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=2).contains(&text.len())
    {
        slips.put("E0103", inside.clone(), &format!("{text}l"));
        slips.put("E0103", at.clone(), &text);
        slips.put("E0105", inside.clone(), &full_width(&text));
    } else if is("caller") {
        slips.put("E0103", inside.clone(), "누구나");
        slips.put("E0103", at.clone(), "107");
    } else if ["menu.", "input.", "center.", "notice."].iter().any(|kind| text.starts_with(kind)) {
        let cut = &text[..text.len() - 1];
        if !rows.contains(cut) {
            slips.put("E0201", inside.clone(), cut);
        }
        slips.put("E0201", inside.clone(), text.split_once('.').expect("a dot").1);
        slips.put("E0202", inside.clone(), "hours.main");
        slips.put("E0106", inside.clone(), "callback.agency");
        slips.put("E0105", inside.clone(), &full_width(&text));
    } else if text.starts_with("hours.") {
        slips.put("E0201", inside.clone(), "hours.mian");
        slips.put("E0202", inside.clone(), "menu.main");
    } else if let Some(bare) = text.strip_prefix("sip:") {
        slips.put("E0303", inside.clone(), bare);
        slips.put("E0303", inside.clone(), &text.replace('@', " @"));
        slips.put("E0304", inside.clone(), "sip:1357@127.0.0.1");
        slips.put("E0105", inside.clone(), &text.replace("sip:", "sip："));
    } else if text.ends_with(['s', 'm']) && text.starts_with(|c: char| c.is_ascii_digit()) {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        slips.put("E0103", at.clone(), number);
        slips.put("E0103", inside.clone(), &format!("{number} sec"));
        slips.put("E0103", inside.clone(), &format!("0{}", &text[number.len()..]));
        slips.put("E0103", inside.clone(), &format!("{number}d"));
        slips.put("E0105", inside.clone(), &full_width(&text));
    } else if text.contains(':') && text.contains('-') {
        let days = text.split(' ').next().unwrap_or("");
        slips.put("E0401", inside.clone(), &text.replacen(days, "월-굼", 1));
        slips.put("E0401", inside.clone(), &text.replacen(":00", ":60", 1));
        slips.put("E0401", inside.clone(), &text.replacen('0', "", 1));
        slips.put("E0401", inside.clone(), days);
        slips.put("E0401", at.clone(), &format!("\"{text}\", \"{text}\""));
        slips.put("E0401", inside.clone(), &format!("{days} 09:00-09:00"));
        slips.put("W0406", inside.clone(), &format!("{days} 18:00-09:00"));
        slips.put("W0406", inside.clone(), &format!("{days} 17:30-08:30"));
        slips.put("W0406", inside.clone(), &format!("{days} 13:00-12:00"));
        slips.put("W0406", inside.clone(), &format!("{days} 12:30-11:30"));
    } else if is("prompt") || is("greeting") || is("waiting") {
        slips.put("E0501", inside.clone(), &format!("{text}s"));
        slips.put("E0501", inside.clone(), &text[..text.len() - 1]);
        slips.put("E0103", at.clone(), "7");
    } else if is("say") || is("name") {
        slips.put("E0103", inside.clone(), "");
        slips.put("E0103", at.clone(), "7");
        // A centre's new name keeps the name of its sound: whether the two agree is the question of `prompts check`.
        if is("say") {
            slips.put("E0501", inside.clone(), &format!("{text} 등"));
        }
    } else if matches!(
        text.as_str(),
        "Asia/Seoul"
            | "kr-ars-2009"
            | "notify-200"
            | "refer-to"
            | "none"
            | "kr"
            | "relay"
            | "business-number"
            | "local"
            | "01-17"
            | "99"
            | "6-8"
    ) {
        slips.put("E0103", inside.clone(), &format!("{text}x"));
        slips.put("E0103", at.clone(), "true");
    } else if text.starts_with("202") {
        slips.put("E0403", inside.clone(), "2025-01-27");
        slips.put("E0403", inside.clone(), "2027-13-01");
        slips.put("E0403", inside.clone(), "설날");
        slips.put("W0402", inside.clone(), if before.ends_with("open = [") { "2027-05-04" } else { "2027-05-05" });
    }
}

fn row_slips(slips: &mut Slips<'_>) {
    let table = slips.table;
    for header in headers(table, "menu") {
        let row = header.trim_matches(['[', ']']);
        slips.add_under("E0206", header, &format!("no_input = {{ then = \"{row}\" }}"));
        slips.add_under("E0206", header, &format!("no_match = {{ retries = 1, then = \"{row}\" }}"));
        slips.add_under("W0601", header, "11 = \"center.counsel\"");
        slips.add_under("W0404", header, "hours = \"hours.main\"");
        slips.add_under("W0407", header, "closed = \"notice.closed\"");
        slips.add_under("E0201", header, "hours = \"hours.mian\"\nclosed = \"notice.closed\"");
        slips.add_under("E0202", header, "hours = \"menu.main\"\nclosed = \"notice.closed\"");
        slips.add_under("E0202", header, "hours = \"hours.main\"\nclosed = \"back\"");
        slips.add_under("E0205", header, &format!("hours = \"hours.main\"\nclosed = \"{row}\""));
        slips.add_under("K1002", header, "\"#\" = \"repeat\"");
        slips.add_under("K1002", header, "\"*\" = \"back\"");
        slips.add_under("E0102", header, "language = \"en\"");
        slips.add_under("E0201", header, "88 = { language = \"fr\", go = \"center.counsel\" }");
        slips.add_under("E0103", header, "88 = { language = 1, go = \"center.counsel\" }");
        slips.add_under("E0103", header, "88 = { record = \"yes\", go = \"center.counsel\" }");
        slips.add_under("E0604", header, "8887 = \"menu.agree\"");
        if let Some(slip) = slips.list.last_mut() {
            slip.text.push_str("\n[menu.agree]\nprompt = \"closed\"\n1 = { record = true, go = \"center.counsel\" }\n");
        }
        slips.add_under("E0103", header, "digit_timeout = 5");
        slips.add_under("E0103", header, "barge_in = \"yes\"");
        slips.add_under("E0103", header, "no_match = \"center.counsel\"");
        slips.add_under("E0103", header, "\"1a\" = \"center.counsel\"");
        slips.add_under("E0105", header, "\"５\" = \"center.counsel\"");
        // Where the menu has a 0 of its own, a second is a mistake of another kind.
        let body = table.split(header).nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        if !body.contains("\n0 =") {
            slips.add_under("K1001", header, "0 = \"repeat\"");
            slips.add_under("K1001", header, "0 = \"notice.closed\"");
        }
        let choices: String =
            (40..52).map(|n| format!("{n} = {{ say = \"창업\", go = \"center.counsel\" }}\n")).collect();
        slips.add_under("W0602", header, &choices);
        let deep = "[menu.x]\nprompt = \"closed\"\n1 = \"menu.y\"\n[menu.y]\nprompt = \"closed\"\n1 = \"menu.z\"\n\
                    [menu.z]\nprompt = \"closed\"\n1 = \"center.counsel\"";
        slips.add_under("K1003", header, "8888 = \"menu.x\"");
        if let Some(slip) = slips.list.last_mut() {
            slip.text.push_str(&format!("\n{deep}\n"));
        }
        let prompt = body.lines().find(|line| line.starts_with("prompt")).expect("a menu has a prompt");
        let at = table.find(header).expect("the header");
        let at = at + table[at..].find(prompt).expect("the prompt");
        for (code, id) in [("E0504", "names_55"), ("W0508", "slowly_on_0"), ("W0502", "stale"), ("W0506", "loud")] {
            slips.put(code, at..at + prompt.len(), &format!("prompt = \"{id}\""));
        }
        for (id, _) in UNFILLED {
            slips.put("E0503", at..at + prompt.len(), &format!("prompt = \"{id}\""));
        }
        let long = vec!["\"closed\""; 50].join(", ");
        slips.put("W0505", at..at + prompt.len(), &format!("prompt = [{long}]"));
        slips.put("E0107", at..at + prompt.len(), "");
    }
    for header in headers(table, "input") {
        let row = header.trim_matches(['[', ']']);
        let body = table.split(header).nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        let at = table.find(header).expect("the header") + header.len();
        for digit in ["0", "1", "5", "00"] {
            let keys = body.contains("keys = {");
            let place = if keys { at + body.find("keys = {").expect("it is there") + 8 } else { at };
            let slip = if keys {
                format!(" \"{digit}\" = \"center.counsel\",")
            } else {
                format!("\nkeys = {{ \"{digit}\" = \"center.counsel\" }}")
            };
            slips.put("E0601", place..place, &slip);
        }
        if !body.contains("keys = {") {
            slips.add_under("K1001", header, "keys = { \"#\" = \"notice.closed\" }");
            slips.add_under("K1001", header, "keys = { \"#\" = \"repeat\" }");
            slips.add_under("E0103", header, "keys = { \"A\" = \"back\" }");
        }
        slips.add_under("E0206", header, &format!("no_input = {{ then = \"{row}\" }}"));
        slips.add_under("E0206", header, &format!("no_match = {{ then = \"{row}\" }}"));
        slips.add_under("E0103", header, "confirm = 1");
        slips.add_under("E0103", header, "sensitive = 1");
        if let Some(kind) = body.find("kind = ") {
            let (start, end) = (at + kind, at + kind + body[kind..].find('\n').expect("a line"));
            for more in ["digits = 9", "digits = \"8-10\"", "allow = \"1-7\"", "allow = [\"01\"]"] {
                slips.put("E0603", end..end, &format!("\n{more}"));
            }
            slips.put("E0107", start..end, "");
        }
        if let Some(digits) = body.find("digits = 2") {
            let start = at + digits;
            for length in ["1", "3", "4", "\"3-5\"", "16", "\"1-1\""] {
                slips.put("E0603", start..start + 10, &format!("digits = {length}"));
            }
            for length in ["0", "17", "-1", "\"5-2\"", "\"two\"", "true"] {
                slips.put("E0103", start..start + 10, &format!("digits = {length}"));
            }
            for (value, code) in [("1-17", "E0603"), ("001", "E0603"), ("17-01", "E0103"), ("1~7", "E0103")] {
                let allow = at + body.find("\"99\"").expect("a value");
                slips.put(code, allow..allow + 4, &format!("\"{value}\""));
            }
        }
    }
    for line in table.lines().filter(|line| line.contains("= {") && line.contains("sip = [")) {
        let at = table.find(line).expect("the line");
        let end = at + line.rfind('}').expect("it is closed");
        let more = |slips: &mut Slips<'_>, code, field: &str| slips.put(code, end..end, &format!(", {field} "));
        if !line.contains("hours =") {
            more(slips, "W0404", "hours = \"hours.main\"");
            more(slips, "W0407", "closed = \"notice.closed\"");
        }
        more(slips, "W0306", "refer_success = \"accepted\"");
        more(slips, "W0305", "refer_timeout = \"100s\"");
        more(slips, "E0301", "ladder = [\"refer\"]");
        more(slips, "E0301", "ladder = []");
        more(slips, "E0203", "ladder = [\"notice.busy\", \"refer\"]");
        more(slips, "E0106", "max_calls = 40");
        more(slips, "E0106", "ladder = [\"consult\", \"notice.busy\"]");
        more(slips, "E0205", "give_up = \"notice.busy\"");
        more(slips, "E0103", "rounds = 0");
        more(slips, "E0308", "post_dial = \"12-3\"");
        more(slips, "E0308", "ladder = [\"bridge\", \"notice.busy\"], post_dial = \",,\"");
        more(slips, "E0309", "post_dial = \",1\"");
        more(slips, "E0302", "ladder = [\"bridge\", \"refer\", \"notice.busy\"], post_dial = \"1\"");
        if line.matches("sip:").count() == 1 {
            more(slips, "E0302", "ladder = [\"refer\", \"next-target\", \"notice.busy\"]");
            let start = at + line.find("sip = [").expect("an address") + 7;
            let uri = line.split("sip = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("");
            slips.put("W0307", start..start + uri.len(), &format!("{{ uri = {uri}, weight = 5 }}"));
            slips.put("E0104", start..start + uri.len(), &format!("{uri}, {uri}"));
        }
    }
    let notices = |line: &&str| {
        line.contains("then = \"") && line.contains("= {") && !line.contains("hours =") && !line.starts_with("no_")
    };
    for line in table.lines().filter(notices) {
        let at = table.find(line).expect("the line");
        let row = format!("notice.{}", line.split([' ', '=']).next().unwrap_or(""));
        let then = line.find("then = \"").expect("it has one") + 8;
        let end = then + line[then..].find('"').expect("closed");
        slips.put("E0205", at + then..at + end, &row);
        slips.put("E0202", at + then..at + end, "back");
        let end = at + line.rfind('}').expect("it is closed");
        slips.put("W0404", end..end, ", hours = \"hours.main\" ");
        slips.put("W0407", end..end, ", closed = \"center.counsel\" ");
        slips.put("E0205", end..end, &format!(", hours = \"hours.main\", closed = \"{row}\" "));
        if row == "notice.goodbye" {
            slips.put("E0202", end..end, ", hours = \"hours.main\", closed = \"notice.closed\" ");
        }
    }
}

fn table_slips(slips: &mut Slips<'_>, code: &str) {
    if code.contains("recorded = true") {
        for at in field(code, "greeting") {
            (0..12).for_each(|n| slips.put("K1005", at.clone(), &format!("greeting = \"plain_{n}\"\n")));
            (12..24).for_each(|n| slips.put("K1007", at.clone(), &format!("greeting = \"plain_{n}\"\n")));
        }
    }
    let end = slips.table.len()..slips.table.len();
    for n in 0..12 {
        slips.add_under("W0204", "[switch]", &format!("extra{n} = \"시험\""));
        slips.put("E0203", end.clone(), &format!("\n[menu.extra{n}]\nprompt = \"closed\"\n1 = \"center.counsel\"\n"));
        slips.put(
            "E0109",
            end.clone(),
            &format!("\n[number.x{n}]\nmatch = [\"{}\"]\ngo = \"menu.main\"\n", OVERLAPS[n]),
        );
        let word = [
            "queue",
            "callback",
            "expert",
            "happycall",
            "survey",
            "case",
            "sms",
            "program",
            "access",
            "visual",
            "message",
            "trunk",
        ][n];
        slips.put("E0106", end.clone(), &format!("\n[{word}.x]\nname = \"x\"\n"));
    }
    for tag in ["zh", "vi", "th", "fr", "de", "ja", "ru", "uz", "mn", "km", "ne", "my"] {
        let at = slips.table.find("\nschema").expect("the schema") + 1;
        let own = "languages = [\"ko\", \"en\"]";
        let own = slips.table.find(own).map(|at| at..at + own.len());
        // A table that has languages already gets another list of them.
        let (at, mine) = if let Some(own) = own { (own, "\"en\", ") } else { (at..at, "") };
        if mine.is_empty() && code.contains("languages") {
            continue;
        }
        slips.put("W0507", at.clone(), &format!("languages = [\"ko\", {mine}\"{tag}\"]\n"));
        slips.put("E0203", at.clone(), &format!("languages = [{mine}\"{tag}\"]\n"));
        slips.put("E0103", at.clone(), &format!("languages = [{mine}\"{}\"]\n", tag.to_uppercase()));
        slips.put("E0104", at, &format!("languages = [{mine}\"{tag}\", \"{tag}\"]\n"));
    }
    for n in 0..12 {
        // A piece of another file, pasted.
        let paste: String = (0..320 + n).map(|line| format!("paste{n}_{line} = {line}\n")).collect();
        let at = slips.table.find("\nschema").expect("the schema") + 1;
        slips.put("E0100", at..at, &paste);
    }
    for list in [
        "\"gone.toml\"",
        "[\"gone.toml\"]",
        "\"../up.toml\"",
        "\"/etc/up.toml\"",
        "\"programs\"",
        "\"programs.json\"",
        "\"rows\\\\programs.toml\"",
        "\"\"",
        "[\"./programs.toml\"]",
        "[\"c:programs.toml\"]",
    ] {
        let at = slips.table.find("\nschema").expect("the schema") + 1;
        slips.put("E0110", at..at, &format!("include = {list}\n"));
    }
    for (key, value) in [("calls", "600"), ("overload", "\"notice.busy\""), ("calls_per_second", "30")] {
        slips.add_under("E0106", "[limits]", &format!("{key} = {value}"));
    }
    for at in field(code, "outside").into_iter().chain(field(code, "holiday")) {
        for more in ["caller_kind = \"mobile\"", "share = 5", "caller = [\"010*\"]", "caller_kind = \"foreign\""] {
            slips.put("E0108", at.start..at.start, &format!("{more}, "));
        }
        slips.put("E0107", at, "");
    }
    for year in 2026..=2050 {
        if !code.contains("[holidays]") {
            let days = [format!("{year}-01-01"), format!("{year}-06-06"), format!("{}-12-25", year - 30)];
            slips.put("W0402", end.clone(), &format!("\n[holidays]\ndesignated = [\"{}\"]\n", days[0]));
            slips.put("W0402", end.clone(), &format!("\n[holidays]\nopen = [\"{year}-11-11\"]\n"));
            slips.put("E0403", end.clone(), &format!("\n[holidays]\nelections = [\"{}\"]\n", days[2]));
            let all = ivr1357::routing::calendar::korea::holidays(year).expect("a year of the rules");
            let missing = year as usize % all.len();
            let kept =
                all.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, day)| format!("\"{}\"", day.date));
            let kept = kept.collect::<Vec<_>>().join(", ");
            let hand = format!("\n[holidays]\ncalendar = \"none\"\ndesignated = [{kept}]\n");
            slips.put("W0403", end.clone(), &hand);
        }
    }
}

/// Numbers that meet 1357, 02-1357 or 1588135x.
const OVERLAPS: [&str; 12] =
    ["135x", "13xx", "1xx7", "x357", "1300~1400", "1357~1358", "1356~1357", "1*", "13*", "135*", "xxxx", "1000~1999"];

fn full_width(text: &str) -> String {
    let wide = |c: char| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap_or(c) } else { c };
    let mut characters = text.chars();
    let first = characters.next().map(wide);
    first.into_iter().chain(characters).collect()
}

/// Texts that no menu can fill.
const UNFILLED: [(&str, &str); 10] = [
    ("braces_counter", "{position}번째입니다."),
    ("braces_queue", "{position|native}번째입니다."),
    ("braces_closed", "안내입니다. 상담은 {opens|에} 시작합니다."),
    ("braces_centre", "{center.name|으로/로} 갑니다."),
    ("braces_entry", "{number|digits}번입니다."),
    ("braces_name", "{tiem}입니다."),
    ("braces_kind", "{time|sino:분}입니다."),
    ("braces_particle", "{time|은/을} 옵니다."),
    ("braces_open", "지금은 {time입니다."),
    ("braces_alone", "거신 번호는 {caller|digits}번입니다."),
];

fn sounds() -> BTreeMap<String, Duration> {
    let mut all = BTreeSet::new();
    for table in [SHIPPED, RICH] {
        all.extend(check_without_sound(table).plan.expect("a right table").prompts());
    }
    all.extend((0..10).map(|n| format!("key_{n}").into()));
    let spoken = |id: &Arc<str>| [id.to_string(), format!("en/{id}")];
    all.iter().flat_map(spoken).map(|id| (id, Duration::from_millis(500))).collect()
}

/// What is known of the prompts: the words of some, and a few that are wrong.
fn known(sounds: &BTreeMap<String, Duration>) -> Heard {
    let mut known = Heard::of_lengths(sounds);
    let mut say = |id: &str, text: &str| {
        let prompt = known.0.entry(id.to_owned()).or_default();
        (prompt.length, prompt.text) = (Some(Duration::from_millis(500)), Some(text.to_owned()));
    };
    say("greeting", "통화는 녹음되고, 요금은 시내 통화료입니다.");
    say("again", "다시 듣기는 별표, 이전 안내는 우물정자입니다.");
    say("again_slowly", "천천히 다시 듣기는 별표, 이전 안내는 우물정자입니다.");
    say("slowly_on_0", "천천히 다시 듣기는 0번입니다.");
    say("menu_main", "상담원은 0번입니다.");
    say("names_55", "55번을 눌러 주십시오.");
    UNFILLED.iter().for_each(|(id, text)| say(id, text));
    say("stale", "새 말입니다.");
    say("loud", "큰 소리입니다.");
    (0..24).for_each(|n| say(&format!("plain_{n}"), "안녕하십니까."));
    (0..10).for_each(|n| say(&format!("key_{n}"), &format!("{n}번")));
    say("en/greeting", "Welcome.");
    if let Some(prompt) = known.0.get_mut("stale") {
        prompt.said = Some("옛말입니다.".to_owned());
    }
    if let Some(prompt) = known.0.get_mut("loud") {
        prompt.fault = Some(["음량이 -5.0 dBov입니다".to_owned(), "its level is -5.0 dBov".to_owned()]);
    }
    known
}

/// What a caller can meet of a table: without its version, its promises and its tests.
fn meaning(plan: &Plan) -> String {
    let mut plan = plan.clone();
    plan.version.clear();
    plan.rules = Default::default();
    plan.tests.clear();
    format!("{plan:?}")
}

#[test]
fn slips_are_found_and_the_score_is_told() {
    let sounds = sounds();
    let mut all = slips("shipped", SHIPPED);
    all.extend(slips("rich", RICH));
    let mut seen = BTreeSet::new();
    all.retain(|slip| seen.insert(slip.text.clone()));
    let sounds = known(&sounds);
    let means = [SHIPPED, RICH].map(|table| meaning(&check_heard(table, &sounds).plan.expect("a right table")));
    let (mut by_code, mut missed, mut same) = (BTreeMap::<&str, (usize, usize)>::new(), Vec::new(), Vec::new());
    let mut found_any = 0;
    for slip in &all {
        let checked = check_heard(&slip.text, &sounds);
        if checked.findings.is_empty() {
            let plan = meaning(checked.plan.as_ref().expect("no finding, so a plan"));
            if means.contains(&plan) {
                same.push(&slip.what);
                continue;
            }
        }
        found_any += usize::from(!checked.findings.is_empty());
        let found = checked.findings.iter().any(|finding| finding.code == slip.code);
        let entry = by_code.entry(slip.code).or_default();
        entry.0 += usize::from(found);
        entry.1 += 1;
        if !found {
            let codes: Vec<_> = checked.findings.iter().map(|finding| finding.code).collect();
            missed.push(format!("{} found {codes:?}", slip.what));
        }
    }
    let total: usize = by_code.values().map(|(_, all)| all).sum();
    let right: usize = by_code.values().map(|(found, _)| found).sum();
    println!(
        "slips {total}: found {found_any}, with the code expected {right}; same meaning, left out: {}",
        same.len()
    );
    by_code.iter().for_each(|(code, (found, all))| println!("  {code} {found}/{all}"));
    missed.iter().for_each(|what| println!("  other code: {what}"));
    same.iter().for_each(|what| println!("  same meaning: {what}"));
    assert!(total >= 500, "{total}");
    assert!(same.is_empty(), "these change nothing a caller can meet, and are no slips: {same:?}");
    assert!(found_any * 100 >= total * 99, "{found_any} of {total} found");
    // These take two slips at once, hours and who asks for them: `openings` brings them about.
    for explanation in explain::ALL.iter().filter(|one| !matches!(one.code, "W0205" | "W0405")) {
        let (found, _) = by_code.get(explanation.code).copied().unwrap_or_default();
        assert!(found >= 10, "{}: {found} slips found", explanation.code);
    }
}

/// Fifty tables that work: each feature of the language by itself and with others.
fn right_tables() -> Vec<String> {
    let conditions = [
        "",
        "{ switch = \"emergency\", go = \"notice.closed\" }",
        "{ caller_kind = \"relay\", go = \"center.counsel\" }",
        "{ caller = [\"010*\", \"02-2104-5000~02-2104-5999\"], go = \"center.counsel\" }",
        "{ holiday = true, go = \"notice.closed\" }, { outside = \"hours.main\", go = \"notice.closed\" }",
        "{ holiday = false, go = \"menu.main\" }, { share = 50, go = \"center.counsel\" }",
    ];
    let hours = [
        "[\"월-금 09:00-18:00\"]",
        "\"mon-fri 09:00-12:00, 13:00-18:00\"",
        "[\"매일 00:00-24:00\", \"2026-12-25 휴무\"]",
        "[\"월-토 22:00-06:00\", \"휴일 10:00-12:00\", \"2026-12-24~2026-12-26 closed\"]",
    ];
    let matches = ["[\"1357\"]", "\"1357*\"", "[\"135x\", \"02-1357\", \"15770000~15770099\"]"];
    let sips = [
        "[\"sip:a@h.example\"]",
        "\"sips:a@h.example\"",
        "[{ uri = \"sip:a@h.example\", order = 1, weight = 2 }, { uri = \"sip:b@h.example\", order = 1 }, \"sip:c@h.example;transport=tls\"]",
        "[\"sip:1357@other.example\", \"tel:15880800\"]",
    ];
    let mut tables = vec![SHIPPED.to_owned(), RICH.to_owned()];
    for n in 0..48usize {
        let (when, hours) = (conditions[n % conditions.len()], hours[n / 2 % hours.len()]);
        let (dialled, sip) = (matches[n % matches.len()], sips[n / 3 % sips.len()]);
        let profile = if n % 2 == 0 { "profile = \"kr-ars-2009\"" } else { "" };
        let switch = if when.contains("switch") { "[switch]\nemergency = \"재난 안내\"" } else { "" };
        let holidays = [
            // Without conditions that ask for a holiday.
            "[holidays]\ncalendar = \"none\"",
            "[holidays]\ndesignated = [\"2027-01-04\"]\nopen = [\"2027-05-03\"]",
            "",
        ][n % 3];
        let zone = if n % 5 == 4 && n % 3 == 0 { "timezone = \"Europe/Berlin\"" } else { "" };
        let barge = n % 4 == 0;
        let keys = if n % 3 == 0 { "10" } else { "4" };
        let asks = [
            "kind = \"any\"\ndigits = \"4-6\"",
            "kind = \"phone\"\nconfirm = true",
            "kind = \"business-number\"\nbarge_in = false",
            "allow = [\"01-17\", \"99\"]\nkeys = { \"*\" = \"center.counsel\" }",
            "digits = 1\nallow = \"1-7\"\ninterdigit = \"3s\"",
            "kind = \"date\"\ndigit_timeout = \"20s\"",
        ][n % 6];
        let (asked, input) = if n % 2 == 0 {
            (
                "7 = \"input.ask\"",
                format!(
                    "[input.ask]\nprompt = \"menu_fund\"\nhours = \"hours.main\"\nclosed = \"notice.closed\"\n{asks}\nno_input = {{ then = \"center.counsel\" }}\nno_match = {{ retries = 1, then = \"menu.main\" }}\nthen = \"center.start\"\n"
                ),
            )
        } else {
            ("", String::new())
        };
        tables.push(format!(
            r##"
schema = 1
{profile}
{zone}
[number.main]
match = {dialled}
go = "menu.main"
when = [{when}]
{switch}
{holidays}
[defaults.menu]
barge_in = {barge}
no_input = {{ then = "center.counsel" }}
no_match = {{ retries = 0, then = "center.counsel" }}
keys = {{ "0" = "center.counsel", "#" = "back", "*" = "repeat" }}
[defaults.transfer]
ladder = ["refer", "next-target", "center.counsel", "notice.busy"]
give_up = "notice.closed"
refer_timeout = "11s"
[menu.main]
prompt = "menu_main"
{keys} = {{ say = "창업", go = "menu.second" }}
[menu.second]
prompt = ["menu_fund"]
hours = "hours.main"
closed = "center.counsel"
5 = "center.start"
{asked}
no_input = {{ retries = 5 }}
{input}
[center]
counsel = {{ name = "상담원", sip = "sip:counsel@h.example" }}
start = {{ name = "진흥원", sip = {sip}, hours = "hours.main", closed = "notice.closed", announce = false }}
[hours]
main = {hours}
[notice]
closed = {{ prompt = "closed", then = "end" }}
busy = {{ prompt = ["busy"], then = "menu.main" }}
"##
        ));
    }
    tables
}

#[test]
fn tables_that_work_are_not_accused() {
    let sounds = known(&sounds());
    let tables = right_tables();
    assert!(tables.len() >= 50);
    for table in &tables {
        let findings = check_heard(table, &sounds).findings;
        let report = diagnostic::render("t.toml", table, &findings, diagnostic::Language::English, false);
        assert!(findings.is_empty(), "{table}\n{report}");
    }
}
