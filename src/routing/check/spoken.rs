//! What prompts say against what the table does: keys that are named and not offered, words that changed after they were
//! recorded, and what the ARS guideline wants said first.

use super::Findings;
use super::filled::Filled;
use super::flow::Sites;
use super::sound::Sounds;
use crate::routing::accepts::Accepts;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::heard::Heard;
use crate::routing::plan::{Destination, Fee, Menu, Number, Plan, PromptId, Words};
use crate::routing::slots;
use crate::speech::phrase;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What callers are told.
pub(super) struct Told<'a> {
    pub(super) heard: &'a Heard,
    pub(super) filled: &'a BTreeMap<PromptId, Filled>,
}

impl Told<'_> {
    /// What every caller is told: of a text with slots, the sentences that are never left out.
    fn surely(&self, id: &PromptId) -> Option<String> {
        match self.filled.get(id) {
            Some(filled) => Some(filled.phrase.said_without(&slots::unsure())),
            None => self.heard.text(id).map(str::to_owned),
        }
    }
}

/// Every finding about words.
pub(super) fn check(
    plan: &Plan,
    sites: &Sites,
    sounds: &Sounds,
    told: &Told<'_>,
    korean_profile: bool,
    findings: &mut Findings,
) {
    let heard = told.heard;
    for (id, span) in sounds.uses() {
        let Some(prompt) = heard.0.get(&**id) else { continue };
        let text = prompt.text.as_deref().unwrap_or("");
        // A centre's sound begins with its name, whatever particle follows.
        let differs = |said: &str| match sounds.words.get(id) {
            Some(Words::Connecting(name) | Words::Name(name)) => !said.starts_with(name.trim()),
            Some(Words::Choice(_)) => false,
            // A text with slots sounds in parts, whatever lies beside it.
            None => prompt.text.is_some() && !phrase::is_filled_in(text) && said != text,
        };
        if let Some(said) = prompt.said.as_deref().filter(|said| differs(said)) {
            findings.push(stale(id, said, span.clone()));
        }
        if let Some([korean, english]) = &prompt.fault {
            findings.push(
                Diagnostic::warning(
                    "W0506",
                    span.clone(),
                    format!("{id}.wav: {korean}"),
                    format!("{id}.wav: {english}"),
                )
                .help("음량을 고르고 앞뒤 침묵을 잘라 다시 저장하세요", "level it, trim its ends and save it again"),
            );
        }
    }
    keys(plan, sounds, heard, findings);
    paces(plan, sounds, heard, findings);
    recordings(plan, sites, told, findings);
    if korean_profile {
        for (number, site) in plan.numbers.iter().zip(&sites.numbers) {
            opening(plan, number, &site.row, told, findings);
        }
        for (message, site) in plan.messages.iter().zip(&sites.messages) {
            consent(&message.row, &plan.menu(message.consent).speech, &site.consent, told, findings);
        }
    }
}

fn stale(id: &str, said: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::warning(
        "W0502",
        span,
        format!("{id}.wav 는 다른 글을 읽은 소리입니다. 옛말이 들립니다"),
        format!("{id}.wav was made from other words; the old ones will be heard"),
    )
    .label(format!("소리: \"{said}\""), format!("the sound says \"{said}\""))
    .help(
        "`ivr1357 prompts build` 로 다시 만들거나, 다시 녹음하세요",
        "build it again with `ivr1357 prompts build`, or record it again",
    )
}

/// E0504: "1번" where 1 does nothing.
fn keys(plan: &Plan, sounds: &Sounds, heard: &Heard, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    let mut check = |id: &PromptId, row: &str, offers: &dyn Fn(&str) -> bool, findings: &mut Findings| {
        let Some(text) = heard.text(id) else { return };
        let missing: Vec<String> = named(text).into_iter().filter(|key| !offers(key)).collect();
        if missing.is_empty() || !told.insert(id.clone()) {
            return;
        }
        let keys = missing.join(", ");
        findings.push(
            Diagnostic::error(
                "E0504",
                sounds.place(id),
                format!("\"{id}\" 은(는) {keys} 를 말하는데 {row} 에는 그 버튼이 없습니다"),
                format!("\"{id}\" names {keys}, which {row} does not offer"),
            )
            .help(
                "글을 고치거나 그 버튼을 더하세요. 버튼은 표의 say 가 말하게 하는 편이 낫습니다",
                "change the text or add the key; keys are better said by the say of the table",
            ),
        );
    };
    for menu in &plan.menus {
        let offers = |key: &str| menu.choices.keys().any(|choice| choice.as_str() == key);
        let own = menu.speech.iter().filter(|id| !id.contains('/') && !id.starts_with("key_"));
        for id in own.chain([&menu.no_input.prompt, &menu.no_match.prompt]) {
            check(id, &menu.row, &offers, findings);
        }
    }
    for message in &plan.messages {
        let choices = &plan.menu(message.consent).choices;
        let offers = |key: &str| matches!(key, "*" | "#") || (key == "0" && choices.keys().any(|c| c.as_str() == key));
        for id in message.speech.iter().chain([&message.saved, &message.empty]) {
            check(id, &message.row, &offers, findings);
        }
    }
    for input in &plan.inputs {
        let offers = |key: &str| matches!(key, "*" | "#") || takes(&input.accepts, key);
        for id in input.speech.iter().chain([&input.no_input.prompt, &input.no_match.prompt]) {
            check(id, &input.row, &offers, findings);
        }
    }
    for number in &plan.numbers {
        if let (Some(greeting), Destination::Menu(menu)) = (&number.greeting, number.go) {
            let menu = plan.menu(menu);
            let offers = |key: &str| menu.choices.keys().any(|choice| choice.as_str() == key);
            check(greeting, &menu.row, &offers, findings);
        }
    }
}

/// W0508: "천천히 다시 듣기는 별표" where that key reads nothing slowly, in each language that is spoken.
fn paces(plan: &Plan, sounds: &Sounds, heard: &Heard, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    let mut check = |id: &PromptId, row: &str, leads: &dyn Fn(&str) -> Option<Destination>| {
        let there = plan.tongues.values().filter_map(|names| names.get(id));
        for said in std::iter::once(id).chain(there) {
            let Some(key) = heard.text(said).and_then(slow_key) else { continue };
            let is_slow = matches!(leads(&key), Some(Destination::Slower | Destination::RepeatSlowly));
            if !is_slow && told.insert(said.clone()) {
                findings.push(not_slow(said, &key, row, sounds.place(id)));
            }
        }
    };
    for menu in &plan.menus {
        let leads = |key: &str| menu.choices.iter().find(|(choice, _)| choice.as_str() == key).map(|(_, go)| *go);
        let own = menu.speech.iter().take(menu.own_words);
        own.chain([&menu.no_input.prompt, &menu.no_match.prompt]).for_each(|id| check(id, &menu.row, &leads));
    }
    for input in &plan.inputs {
        let leads = |key: &str| match key {
            "*" => Some(input.star),
            "#" => Some(input.hash),
            _ => None,
        };
        let own = input.speech.iter().chain([&input.no_input.prompt, &input.no_match.prompt]);
        own.for_each(|id| check(id, &input.row, &leads));
    }
}

fn not_slow(id: &str, key: &str, row: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::warning(
        "W0508",
        span,
        format!("\"{id}\" 은(는) {key} 를 누르면 천천히 들린다고 하는데, {row} 의 {key} 는 그렇지 않습니다"),
        format!("\"{id}\" says that {key} reads slowly, and {key} of {row} does not"),
    )
    .help(
        format!("\"{key}\" = \"repeat-slowly\" 로 하거나, \"again\" 처럼 천천히를 말하지 않는 안내음을 쓰세요"),
        format!("write \"{key}\" = \"repeat-slowly\", or use a prompt that does not say so, as \"again\""),
    )
}

/// The key that reads slowly, as a text says: the first that the sentence names behind "천천히", else the last before it.
fn slow_key(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    text.split_inclusive(['.', '?', '!']).find_map(|sentence| {
        let at = sentence.find("천천히").or_else(|| sentence.find("slow"))?;
        // Callers may be asked to speak slowly, too.
        let reads = ["듣", "들", "읽", "listen", "hear", "repeat", "again", "read"];
        let keys = mentions(sentence);
        let (_, key) = keys.iter().find(|(place, _)| *place > at).or(keys.last())?;
        reads.iter().any(|word| sentence.contains(word)).then(|| key.clone())
    })
}

/// Whether an entry may be this, or begin with it.
fn takes(accepts: &Accepts, digits: &str) -> bool {
    accepts.is_valid(digits) || accepts.may_go_on(digits)
}

/// The keys a Korean text names.
fn named(text: &str) -> BTreeSet<String> {
    korean_mentions(text).map(|(_, key)| key).collect()
}

/// The keys that a text names in Korean or, in small letters, in English ("press star", "press 9"), and where, in order.
fn mentions(text: &str) -> Vec<(usize, String)> {
    let is_part = |c: char| c.is_alphanumeric();
    let words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    let words = words.map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word));
    let mut before = "";
    let english = words.filter_map(|(at, word)| {
        let pressed = std::mem::replace(&mut before, word) == "press";
        match word {
            "star" | "asterisk" => Some((at, "*".to_owned())),
            "hash" | "pound" => Some((at, "#".to_owned())),
            _ => {
                (pressed && word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit())).then(|| (at, word.to_owned()))
            }
        }
    });
    let mut all: Vec<(usize, String)> = korean_mentions(text).chain(english).collect();
    all.sort();
    all
}

/// "1번", "10번을", "별표", "우물정자"; not "1번째", "전화번호", or the 1357 of "1357번".
fn korean_mentions(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut keys = Vec::new();
    let mut digits = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let counts = characters.peek().is_some_and(|(_, next)| matches!(next, '째' | '호' | '지' | '길' | '홈'));
        if c == '번' && (1..=2).contains(&digits.len()) && !counts {
            keys.push((at, digits.clone()));
        }
        // What follows a hyphen or a dot is part of a number.
        digits = if matches!(c, '-' | '.' | '~') && !digits.is_empty() { "000".to_owned() } else { String::new() };
    }
    for (words, key) in [("별표", "*"), ("우물정자", "#"), ("우물 정자", "#")] {
        keys.extend(text.match_indices(words).map(|(at, _)| (at, key.to_owned())));
    }
    keys.into_iter()
}

/// K1005 and K1007: what is to be said before anything else.
fn opening(plan: &Plan, number: &Number, span: &Range<usize>, told: &Told<'_>, findings: &mut Findings) {
    let first = match number.go {
        Destination::Menu(id) => plan.menu(id).speech.clone(),
        Destination::Input(id) => plan.input(id).speech.clone(),
        Destination::Notice(id) => plan.notice(id).speech.clone(),
        Destination::Center(_) | Destination::Message(_) => Vec::new(),
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => Vec::new(),
    };
    let ids: Vec<&PromptId> = number.greeting.iter().chain(&first).filter(|id| !id.contains('/')).collect();
    let texts: Vec<String> = ids.iter().filter_map(|id| told.surely(id)).collect();
    // Without words nothing can be said about them.
    if texts.len() < ids.len() {
        return;
    }
    let says = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    let row = &number.row;
    if number.recorded && !texts.iter().any(|text| tells_of_recording(text)) {
        findings.push(
            Diagnostic::warning(
                "K1005",
                span.clone(),
                format!("{row}: 통화가 녹음되는데 첫 안내에 녹음한다는 말이 없습니다"),
                format!("{row}: calls are recorded, and nothing at the start says so"),
            )
            .help(
                "greeting 의 글에 \"통화는 녹음됩니다\" 를 넣으세요",
                "say it in the greeting: \"통화는 녹음됩니다\"",
            ),
        );
    }
    if number.protection && !says(&["폭언", "욕설", "성희롱"]) {
        findings.push(
            Diagnostic::warning(
                "K1005",
                span.clone(),
                format!("{row}: 첫 안내에 상담사를 보호하는 말이 없습니다 (산업안전보건법 41조)"),
                format!("{row}: nothing at the start asks callers to be decent to whoever answers"),
            )
            .help(
                "greeting 의 글에 \"상담사에게 폭언을 삼가 주십시오\" 를 넣으세요",
                "say it in the greeting: \"상담사에게 폭언을 삼가 주십시오\"",
            ),
        );
    }
    if matches!(number.fee, Some(Fee::Local | Fee::Other)) && !says(&["요금", "통화료", "유료", "부담"]) {
        findings.push(
            Diagnostic::warning(
                "K1007",
                span.clone(),
                format!("{row}: 요금이 드는데 첫 안내에 요금을 알리는 말이 없습니다 (ARS 지침 2009)"),
                format!("{row}: the call costs the caller, and nothing at the start says so (ARS guideline 2009)"),
            )
            .help(
                "greeting 의 글에 요금을 넣으세요. answer = \"after-greeting\" 이면 알리는 동안은 요금이 없습니다",
                "say the charge in the greeting; with answer = \"after-greeting\" it costs nothing to hear it",
            ),
        );
    }
}

/// K1005, an error whatever the profile: nobody is recorded who was not told, in any language that is spoken.
fn recordings(plan: &Plan, sites: &Sites, words: &Told<'_>, findings: &mut Findings) {
    let mut check = |row: &str, speech: &[PromptId], span: &Range<usize>| {
        // A choice that has to do with a recording tells of none.
        let own: Vec<&PromptId> = speech.iter().filter(|id| !id.contains('/') && !id.starts_with("key_")).collect();
        let tongues = plan.tongues.values().map(Some).chain([None]);
        let untold = tongues.into_iter().any(|names| {
            let told = own.iter().map(|id| names.map_or(Some(*id), |names| names.get(*id)));
            // What is not said in this language is said in Korean.
            let told: Vec<&PromptId> = told.zip(&own).map(|(id, korean)| id.unwrap_or(korean)).collect();
            // Without words nothing can be said about them.
            !told.iter().any(|id| words.surely(id).is_none_or(|text| tells_of_recording(&text)))
        });
        if untold {
            findings.push(
                Diagnostic::error(
                    "K1005",
                    span.clone(),
                    format!("{row}: 녹음하는데, 그 앞에 녹음한다고 알리는 안내가 없습니다"),
                    format!("{row}: callers are recorded, and nothing before it tells them"),
                )
                .help(
                    "안내의 글에 \"통화는 녹음됩니다\" 를 넣으세요. 번호라면 greeting, 메뉴라면 prompt 입니다",
                    "say it in the greeting of a number, in the prompt of a menu: \"통화는 녹음됩니다\", \"this call is recorded\"",
                ),
            );
        }
    };
    for (number, site) in plan.numbers.iter().zip(&sites.numbers).filter(|(number, _)| number.record) {
        check(&number.row, number.greeting.as_slice(), &site.row);
    }
    let asks = |menu: &Menu| menu.record || menu.recording.values().any(|&agrees| agrees);
    for (menu, site) in plan.menus.iter().zip(&sites.menus).filter(|(menu, _)| asks(menu)) {
        check(&menu.row, &menu.speech, &site.row);
    }
}

/// Whether words tell of a recording: "녹음됩니다", "is recorded"; not "녹음하지 않습니다", "is not recorded".
fn tells_of_recording(text: &str) -> bool {
    let is_denied = |after: &str| {
        let after = after.trim_start_matches(['은', '을', '이', '도']).trim_start();
        let done = after.strip_prefix('안').is_some_and(|rest| rest.starts_with(' '));
        let undone = ["하지", "되지"].iter().find_map(|form| after.strip_prefix(form));
        let undone = undone.map(|rest| rest.trim_start_matches(['는', '도']).trim_start());
        done || undone.is_some_and(|rest| rest.starts_with(['않', '아', '못']))
    };
    let korean = text.match_indices("녹음").any(|(at, word)| !is_denied(text.get(at + word.len()..).unwrap_or("")));
    let text = text.to_lowercase();
    let is_not = |before: &str| {
        let clause = before.rsplit([',', '.', ';', ':', '?', '!']).next().unwrap_or("");
        let mut words = clause.split_whitespace().rev().take(4);
        words.any(|word| matches!(word, "not" | "never" | "no" | "without" | "cannot") || word.ends_with("n't"))
    };
    korean || text.match_indices("record").any(|(at, _)| !is_not(text.get(..at).unwrap_or("")))
}

/// K1005: who agrees to a recording has been told of it.
fn consent(row: &str, speech: &[PromptId], span: &Range<usize>, told: &Told<'_>, findings: &mut Findings) {
    let own: Vec<&PromptId> = speech.iter().filter(|id| !id.contains('/') && !id.starts_with("key_")).collect();
    let texts: Vec<String> = own.iter().filter_map(|id| told.surely(id)).collect();
    if texts.len() < own.len() || texts.iter().any(|text| tells_of_recording(text)) {
        return;
    }
    findings.push(
        Diagnostic::warning(
            "K1005",
            span.clone(),
            format!("{row}: 동의를 묻는 글에 녹음한다는 말이 없습니다"),
            format!("{row}: the question for consent does not say that the message is recorded"),
        )
        .help(
            "consent 의 글에 \"남기신 말씀은 녹음됩니다\" 를 넣으세요",
            "say it in the consent prompt: \"남기신 말씀은 녹음됩니다\"",
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::{named, slow_key, tells_of_recording};

    #[test]
    fn keys_are_what_a_caller_is_told_to_press() {
        for (text, keys) in [
            ("언제든 번호를 눌러 주십시오. 상담원은 0번,", "0"),
            ("맞으면 1번, 다시 누르시려면 2번을 눌러 주십시오.", "1 2"),
            ("10번을 누르십시오", "10"),
            ("다시 듣기는 별표, 이전 안내는 우물정자입니다.", "# *"),
            ("1357번으로 다시 전화해 주십시오", ""),
            ("02-2104-50번", ""),
            ("세 번째, 3번째 순서입니다. 전화번호 5개", ""),
            ("안녕하십니까", ""),
        ] {
            assert_eq!(named(text).into_iter().collect::<Vec<_>>().join(" "), keys, "{text}");
        }
    }

    #[test]
    fn the_key_that_reads_slowly_is_the_one_that_a_text_promises() {
        for (text, key) in [
            ("번호가 입력되지 않았습니다. 천천히 다시 듣기는 별표, 이전 안내는 우물정자입니다.", Some("*")),
            ("이전 안내는 우물정자, 천천히 들으시려면 별표입니다.", Some("*")),
            ("별표를 누르시면 천천히 읽어 드립니다.", Some("*")),
            ("천천히 듣기는 8번, 상담원은 0번입니다.", Some("8")),
            ("다시 듣기는 별표입니다. 천천히 말씀해 주십시오.", None),
            ("상담원은 0번, 삐 소리 뒤에 천천히 말씀해 주십시오.", None),
            ("To listen again slowly, press star. For the previous menu, press hash.", Some("*")),
            ("Press 9 to hear this slowly.", Some("9")),
            ("Starting a business. To listen again, press star.", None),
        ] {
            assert_eq!(slow_key(text).as_deref(), key, "{text}");
        }
    }

    #[test]
    fn who_is_told_that_nothing_is_recorded_is_not_told_of_a_recording() {
        for (text, tells) in [
            ("통화는 녹음됩니다.", true),
            ("녹음에 동의하십니까?", true),
            ("녹음하지 않으려면 2번, 녹음하려면 1번입니다.", true),
            ("이 통화는 녹음하지 않습니다.", false),
            ("이 통화는 녹음되지는 않습니다.", false),
            ("녹음을 하지 않습니다.", false),
            ("녹음 안 합니다.", false),
            ("This call is Recorded.", true),
            ("If you do not agree, this call will be recorded all the same.", true),
            ("This call will not be recorded.", false),
            ("This call isn't recorded.", false),
        ] {
            assert_eq!(tells_of_recording(text), tells, "{text}");
        }
    }
}
