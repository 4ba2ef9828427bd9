//! The JSON Schema of `routing.toml`, for editors that complete and explain fields (`#:schema docs/routing.schema.json`).
//!
//! These types only describe; `check` reads. Each description is Korean, then English behind " / "; the pages of the
//! language take their tables of fields from here. A test holds every row against the fields the checker asks for.

#![allow(missing_docs)] // the descriptions are the documentation, in both languages
#![allow(dead_code)] // nothing is ever read into these types

use schemars::JsonSchema;
use std::collections::BTreeMap;

/// The whole schema as a JSON document.
pub fn json() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(Routing)).expect("a schema is JSON")
}

/// The rows with their fields, in the order of the page: the row's name, then each field with its description.
pub fn rows() -> Vec<(&'static str, Vec<(String, String)>)> {
    fn fields<T: JsonSchema>() -> Vec<(String, String)> {
        let schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let text = |value: &serde_json::Value| value["description"].as_str().unwrap_or_default().replace('\n', " ");
        properties.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }
    vec![
        ("routing.toml", fields::<Routing>()),
        ("number", fields::<Number>()),
        ("when", fields::<When>()),
        ("holidays", fields::<Holidays>()),
        ("menu", fields::<Menu>()),
        ("choice", fields::<Choice>()),
        ("no_input", fields::<Retry>()),
        ("defaults.menu", fields::<MenuDefaults>()),
        ("input", fields::<Input>()),
        ("defaults.input", fields::<InputDefaults>()),
        ("center", fields::<Center>()),
        ("sip", fields::<Address>()),
        ("defaults.transfer", fields::<Transfer>()),
        ("notice", fields::<Notice>()),
        ("message", fields::<Message>()),
        ("limits", fields::<Limits>()),
        ("prove", fields::<Prove>()),
        ("test", fields::<Test>()),
    ]
}

/// 1357 로 걸려 온 전화가 가는 길 / where every call to 1357 goes
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "routing.toml")]
struct Routing {
    /// 이 글의 판, 꼭 1 / the version of the language, always 1
    #[schemars(range(min = 1, max = 1))]
    schema: u8,
    /// 이 표에 더하는 파일, 이 파일이 있는 곳부터의 이름: ["programs.toml"] / files whose rows belong to this table, named from the folder of this file
    include: Option<OneOrMany>,
    /// 한국어와 함께 말하는 언어: ["ko", "en"]; 한국어는 언제나 있습니다 / languages spoken beside Korean, which is always there
    languages: Option<OneOrMany>,
    /// 모든 시간의 시간대, 없으면 "Asia/Seoul" / the zone of all times, "Asia/Seoul" if left out
    timezone: Option<String>,
    /// "kr-ars-2009": ARS 지침을 어기면 K 로 알립니다 / tells where the Korean ARS guideline is not kept
    profile: Option<Profile>,
    /// 연결하는 동안 들리는 소리 (안내음), 없으면 "waiting_tone" / heard while a transfer is pending (a prompt), "waiting_tone" if left out
    waiting: Option<String>,
    /// 한도 / limits
    limits: Option<Limits>,
    /// 모든 메뉴와 연결이 물려받는 값 / what all menus and transfers inherit
    defaults: Option<Defaults>,
    /// 공휴일 / public holidays
    holidays: Option<Holidays>,
    /// 걸려 오는 번호 / numbers that are answered
    number: BTreeMap<String, Number>,
    /// 운영 시간 / opening hours: "월-금 09:00-18:00"
    hours: Option<BTreeMap<String, OneOrMany>>,
    /// 메뉴 / menus
    menu: Option<BTreeMap<String, Menu>>,
    /// 숫자로 답하는 물음 / questions that are answered with digits
    input: Option<BTreeMap<String, Input>>,
    /// 기관 / centres
    center: Option<BTreeMap<String, Center>>,
    /// 안내 / announcements
    notice: Option<BTreeMap<String, Notice>>,
    /// 동의를 묻고 받는 음성 메시지 / voice messages, left by callers who agree
    message: Option<BTreeMap<String, Message>>,
    /// 스위치: 이름 = "쓰임새" / switches: name = "what it is for"
    switch: Option<BTreeMap<String, String>>,
    /// 어느 길에서나 지켜져야 할 약속 / what must hold on every way through the table
    prove: Option<Prove>,
    /// 이대로 가야 하는 전화 / calls that must be led as written
    test: Option<Vec<Test>>,
}

#[derive(JsonSchema)]
enum Profile {
    #[serde(rename = "kr-ars-2009")]
    KoreanArs,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
    /// 한 통화의 가장 긴 시간 "1m"–"24h", 없으면 "60m" / the longest call, "60m" if left out
    call_max: Option<Length>,
}

/// 수와 단위: "1500ms" "20s" "2m" "1h" / a number and its unit
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Length(#[schemars(regex(pattern = r"^[0-9]{1,9} *(ms|s|m|h)$"))] String);

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Defaults {
    /// 모든 메뉴가 물려받는 값 / what all menus inherit
    menu: Option<MenuDefaults>,
    /// 모든 입력이 물려받는 값 / what all inputs inherit
    input: Option<InputDefaults>,
    /// 모든 연결이 물려받는 값 / what all transfers inherit
    transfer: Option<Transfer>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Number {
    /// 걸린 번호: "1357", "135x", "1357*", "15880800~15880899" / what was dialled, or patterns of it
    #[serde(rename = "match")]
    dialled: OneOrMany,
    /// 첫 메뉴 앞에 한 번 들리는 말 (안내음) / said once before the first menu (a prompt)
    greeting: Option<String>,
    /// "after-greeting": 인사말과 요금 안내를 응답 전에 무료로 들려줍니다 (183), 없으면 "at-once" / "after-greeting" plays the greeting before the answer, unbilled; "at-once" if left out
    answer: Option<Answer>,
    /// 통화가 뒤에서 녹음되는가, 없으면 false: 첫 안내에 알려야 합니다 (K1005) / whether its calls are recorded behind us; the opening must say so (K1005)
    recorded: Option<bool>,
    /// 우리가 통화를 녹음하는가 (두 채널), 없으면 false: 인사말이 녹음을 알려야 하고 (K1005) 그 말은 끊기지 않습니다 / whether we record its calls, in two channels; the greeting must say so (K1005) and no key cuts it short
    record: Option<bool>,
    /// 상담사를 보호하는 안내를 하는가 (산업안전보건법 41조), 없으면 false: 첫 안내에 폭언을 삼가 달라는 말이 있어야 합니다 (K1005) / whether callers are asked to be decent to whoever answers; the opening must say so (K1005)
    protection: Option<bool>,
    /// 거는 사람의 요금: "free", "local", "other"; 있으면 첫 안내에 알려야 합니다 (K1007) / what a call costs: "free", "local", "other"; the opening must say so (K1007)
    fee: Option<Fee>,
    /// 이 번호의 언어 "en", 없으면 한국어 / the language of its callers, Korean if left out
    language: Option<String>,
    /// 들어가는 곳 / where its callers enter
    go: String,
    /// 위에서부터 처음 맞는 줄, 없으면 go / the first line that is true; none: go
    when: Option<Vec<When>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    AtOnce,
    AfterGreeting,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Fee {
    Free,
    Local,
    Other,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct When {
    /// 이 시간이 아니면: "hours.main" / outside these hours
    outside: Option<String>,
    /// 공휴일이면 (일요일만으로는 아님) / on public holidays; a Sunday alone is none
    holiday: Option<bool>,
    /// 스위치가 켜져 있으면 / while this switch is on
    switch: Option<String>,
    /// 거는 번호가 이 가운데 있으면 / the caller's number is one of these patterns
    caller: Option<OneOrMany>,
    /// 거는 전화의 종류 / the kind of line that calls
    caller_kind: Option<CallerKind>,
    /// 지금 말하는 언어가 이것이면 / the call is in this language
    language: Option<String>,
    /// 백 통 가운데 이만큼 (무작위), 1–99 / so many of a hundred calls, by chance
    #[schemars(range(min = 1, max = 99))]
    share: Option<u8>,
    /// 가는 곳 / where to
    go: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CallerKind {
    Relay,
    Mobile,
    Landline,
    Internet,
    Foreign,
    Withheld,
    Other,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Holidays {
    /// "kr" 규정대로 계산, "none" 계산하지 않음 / "kr" computes them, "none" does not
    calendar: Option<HolidayCalendar>,
    /// 임시공휴일 "2027-01-04" / days the government designates
    designated: Option<OneOrMany>,
    /// 계산하지 않는 선거일 (대통령 선거, 보궐) / election days that are not computed
    elections: Option<OneOrMany>,
    /// 공휴일이지만 여는 날 / holidays that are working days after all
    open: Option<OneOrMany>,
    /// 이 날까지 살펴본 목록 "2027-12-31": 서른 날 앞부터 W0402 로 알립니다 / the list was looked at up to this day; W0402 from thirty days before it
    until: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HolidayCalendar {
    Kr,
    None,
}

#[derive(JsonSchema)]
#[schemars(extend("patternProperties" = { "^[0-9*#]{1,4}$": { "$ref": "#/$defs/Key" } }, "additionalProperties" = false))]
struct Menu {
    /// 번호를 말하기 전에 들리는 말 (안내음). 글의 {menu} 는 그 자리에서 번호를 말합니다 / said before the choices (prompts); {menu} in a text says them there
    prompt: OneOrMany,
    /// 이 시간에만 들립니다 "hours.main", 없으면 언제나 / only at these hours; always if left out
    hours: Option<String>,
    /// 그 밖의 시간에 가는 곳 / where callers go outside its hours
    closed: Option<String>,
    /// 안내 중에 눌러도 되는가, 없으면 true / whether a key cuts the speech short
    barge_in: Option<bool>,
    /// 안내 뒤에 기다리는 시간 "500ms"–"1m", 없으면 "5s" / silence allowed after the speech
    digit_timeout: Option<Length>,
    /// 이어 누르는 사이에 기다리는 시간 "300ms"–"1m", 없으면 "2s" / silence allowed between keys
    interdigit: Option<Length>,
    /// 이 메뉴에 있는 동안만 녹음하는가, 없으면 false: prompt 가 녹음을 알려야 하고 (K1005) 그 말은 끊기지 않습니다 / whether callers are recorded while they are in this menu; its prompt must say so (K1005) and no key cuts it short
    record: Option<bool>,
    /// 아무것도 누르지 않으면 / what silence leads to
    no_input: Option<Retry>,
    /// 없는 번호를 누르면 / what keys nobody offered lead to
    no_match: Option<Retry>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MenuDefaults {
    /// 안내 중에 눌러도 되는가, 없으면 true / whether a key cuts the speech short
    barge_in: Option<bool>,
    /// 안내 뒤에 기다리는 시간 "500ms"–"1m", 없으면 "5s" / silence allowed after the speech
    digit_timeout: Option<Length>,
    /// 이어 누르는 사이에 기다리는 시간 "300ms"–"1m", 없으면 "2s" / silence allowed between keys
    interdigit: Option<Length>,
    /// 아무것도 누르지 않으면 / what silence leads to
    no_input: Option<Retry>,
    /// 없는 번호를 누르면 / what keys nobody offered lead to
    no_match: Option<Retry>,
    /// 모든 메뉴에 있는 버튼 / keys of every menu
    keys: Option<BTreeMap<String, Key>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Input {
    /// 묻는 말 (안내음) / what is asked (prompts)
    prompt: OneOrMany,
    /// 이 시간에만 들립니다 "hours.main", 없으면 언제나 / only at these hours; always if left out
    hours: Option<String>,
    /// 그 밖의 시간에 가는 곳 / where callers go outside its hours
    closed: Option<String>,
    /// 무엇을 입력하는가, 없으면 "any" / what is entered, "any" if left out
    kind: Option<EntryKind>,
    /// 자릿수 4 또는 "4-8", 16까지; "any" 에 씁니다 / how many digits: 4, or "4-8", at most 16; for "any"
    digits: Option<EntryDigits>,
    /// 받는 값: "1-7", ["01-17", "99"]; "any" 에 씁니다 / the values that are taken; for "any"
    allow: Option<OneOrMany>,
    /// 안내 중에 눌러도 되는가, 없으면 true / whether a key cuts the speech short
    barge_in: Option<bool>,
    /// 안내 뒤에 기다리는 시간 "500ms"–"1m", 없으면 "10s" / silence allowed after the speech
    digit_timeout: Option<Length>,
    /// 이어 누르는 사이에 기다리는 시간 "300ms"–"1m", 없으면 "4s" / silence allowed between keys
    interdigit: Option<Length>,
    /// 아무것도 누르지 않으면 / what silence leads to
    no_input: Option<Retry>,
    /// 맞지 않는 번호를 누르면 / what an entry that is not taken leads to
    no_match: Option<Retry>,
    /// 첫 숫자 앞의 "*" 와 "#", 없으면 "repeat" 와 "back" / "*" and "#" before the first digit, "repeat" and "back" if left out
    keys: Option<InputKeys>,
    /// 남의 눈에 띄면 안 되는 번호인가, 없으면 true: 녹음이 그동안 멈춥니다 (두 채널 모두 소리 없음) / whether a recording is silent meanwhile, in both channels; true if left out
    sensitive: Option<bool>,
    /// 입력한 번호를 읽어 주고 맞는지 묻는가, 없으면 false / whether the entry is read back and confirmed, false if left out
    confirm: Option<bool>,
    /// 바르게 입력하면 가는 곳 / where an entry that is taken leads
    then: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct InputDefaults {
    /// 안내 중에 눌러도 되는가, 없으면 true / whether a key cuts the speech short
    barge_in: Option<bool>,
    /// 안내 뒤에 기다리는 시간 "500ms"–"1m", 없으면 "10s" / silence allowed after the speech
    digit_timeout: Option<Length>,
    /// 이어 누르는 사이에 기다리는 시간 "300ms"–"1m", 없으면 "4s" / silence allowed between keys
    interdigit: Option<Length>,
    /// 아무것도 누르지 않으면 / what silence leads to
    no_input: Option<Retry>,
    /// 맞지 않는 번호를 누르면 / what an entry that is not taken leads to
    no_match: Option<Retry>,
    /// 첫 숫자 앞의 "*" 와 "#", 없으면 "repeat" 와 "back" / "*" and "#" before the first digit, "repeat" and "back" if left out
    keys: Option<InputKeys>,
    /// 남의 눈에 띄면 안 되는 번호인가, 없으면 true: 녹음이 그동안 멈춥니다 (두 채널 모두 소리 없음) / whether a recording is silent meanwhile, in both channels; true if left out
    sensitive: Option<bool>,
    /// 입력한 번호를 읽어 주고 맞는지 묻는가, 없으면 false / whether the entry is read back and confirmed, false if left out
    confirm: Option<bool>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum EntryKind {
    Any,
    Phone,
    BusinessNumber,
    Date,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum EntryDigits {
    Exactly(#[schemars(range(min = 1, max = 16))] u8),
    Between(#[schemars(regex(pattern = r"^ *[0-9]{1,2} *- *[0-9]{1,2} *$"))] String),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct InputKeys {
    /// 첫 숫자 앞의 별표 / the star before the first digit
    #[serde(rename = "*")]
    star: Option<String>,
    /// 첫 숫자 앞의 우물정자 / the hash before the first digit
    #[serde(rename = "#")]
    hash: Option<String>,
}

/// 버튼: "center.counsel" 또는 { say = "정책자금", go = "menu.fund" } / a key
#[derive(JsonSchema)]
#[serde(untagged)]
enum Key {
    To(String),
    Said(Choice),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Choice {
    /// 들리는 말, 마흔 자까지 / what is said for it, at most 40 characters
    #[schemars(length(max = 40))]
    say: Option<String>,
    /// true: 여기서부터 통화를 녹음하는 데 동의, false: 동의하지 않음 (녹음한 것도 지웁니다) / true agrees to the recording of the call from here on; false does not, and what was recorded is removed
    record: Option<bool>,
    /// 여기서부터 말하는 언어 "en": 버튼도 그 말로 안내하고, 이미 그 말이면 다시 한국어로 / the language spoken from there on, in which the key is offered; back to Korean where it is spoken already
    language: Option<String>,
    /// 가는 곳 / where it leads
    go: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Retry {
    /// 다시 묻는 횟수 0–9, 없으면 2 / how often the menu is said again
    #[schemars(range(max = 9))]
    retries: Option<u8>,
    /// 다시 묻기 전에 들리는 말 / said before that (a prompt)
    prompt: Option<String>,
    /// 그다음에 가는 곳 / where to after the last time
    then: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Center {
    /// 들리는 이름 / the name that is said
    name: String,
    /// 부처 (읽는 사람을 위해) / the ministry, for readers
    ministry: Option<String>,
    /// SIP 주소, 앞의 것부터, 여덟까지 / SIP addresses, the first tried first, at most eight
    sip: Addresses,
    /// 답한 뒤에 누르는 버튼 ",,1234#", 쉼표는 1초 쉼, 32자까지. ladder 에 "bridge" 가 있어야 합니다 / keys pressed once it has answered, a comma is a pause of one second, at most 32 characters; needs "bridge" in the ladder
    #[schemars(length(max = 32), regex(pattern = r"^,*[0-9*#A-Da-d][0-9*#A-Da-d,]*$"))]
    post_dial: Option<String>,
    /// 받는 시간 "hours.fta", 없으면 언제나 / when it answers; always if left out
    hours: Option<String>,
    /// 그 밖의 시간에 가는 곳 / where callers go outside its hours
    closed: Option<String>,
    /// 연결 전에 이름을 말하는가, 없으면 true / whether its name is said before the transfer
    announce: Option<bool>,
    /// 연결하는 차례: "refer", "next-target", "bridge", "center.…", 끝은 "notice.…" / what is tried, in order
    ladder: Option<OneOrMany>,
    /// 연결로 세는 것, 없으면 "notify-200" / what counts as reached
    refer_success: Option<Success>,
    /// 대답이 전혀 없을 때 기다리는 시간 "1s"–"2m", 없으면 "15s" / no word at all by then: the rung failed
    refer_timeout: Option<Length>,
    /// 울리기 시작한 뒤 기다리는 시간 "5s"–"5m", 없으면 "60s" / how long it may ring
    ring_timeout: Option<Length>,
    /// 단계 사이에 들리는 말, 없으면 "center_busy". 글의 {center.name|으로/로} 는 연결되지 않은 기관 / said between rungs (a prompt); {center.name} in its text is the centre that was not reached
    prompt: Option<String>,
    /// 기관에 알리는 것, 없으면 "refer-to" / what the centre is told of the call
    context: Option<Context>,
    /// 몇 번 실패하면 그만두는가 1–9, 없으면 2 / how many transfers may fail
    #[schemars(range(min = 1, max = 9))]
    rounds: Option<u8>,
    /// 그때의 안내, 끝나는 안내여야 합니다 / the announcement after that; it must end the call
    give_up: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Transfer {
    /// 연결하는 차례: "refer", "next-target", "bridge", "center.…", 끝은 "notice.…" / what is tried, in order
    ladder: Option<OneOrMany>,
    /// 연결로 세는 것, 없으면 "notify-200" / what counts as reached
    refer_success: Option<Success>,
    /// 대답이 전혀 없을 때 기다리는 시간 "1s"–"2m", 없으면 "15s" / no word at all by then: the rung failed
    refer_timeout: Option<Length>,
    /// 울리기 시작한 뒤 기다리는 시간 "5s"–"5m", 없으면 "60s" / how long it may ring
    ring_timeout: Option<Length>,
    /// 단계 사이에 들리는 말, 없으면 "center_busy". 글의 {center.name|으로/로} 는 연결되지 않은 기관 / said between rungs (a prompt); {center.name} in its text is the centre that was not reached
    prompt: Option<String>,
    /// 기관에 알리는 것, 없으면 "refer-to" / what the centre is told of the call
    context: Option<Context>,
    /// 몇 번 실패하면 그만두는가 1–9, 없으면 2 / how many transfers may fail
    #[schemars(range(min = 1, max = 9))]
    rounds: Option<u8>,
    /// 그때의 안내, 끝나는 안내여야 합니다 / the announcement after that; it must end the call
    give_up: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Success {
    #[serde(rename = "notify-200")]
    Notify200,
    Accepted,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Context {
    ReferTo,
    None,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Addresses {
    One(String),
    Many(Vec<AddressOrText>),
    Only(Address),
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum AddressOrText {
    Text(String),
    Full(Address),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Address {
    /// "sip:1357@sbc.kised.example" / the address
    uri: String,
    /// 같은 order 안에서 나누어 받는 몫 1–1000, 없으면 1 / its part of the calls among addresses of one order
    #[schemars(range(min = 1, max = 1000))]
    weight: Option<u16>,
    /// 차례 1–100, 작은 것부터; 없으면 적힌 차례 / lower ones are tried first; as written if left out
    #[schemars(range(min = 1, max = 100))]
    order: Option<u16>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Notice {
    /// 들리는 말 (안내음). 닫혀서 오는 안내의 글은 {opens|에} 로 다음 시작 때를 말합니다 / what is said (prompts); {opens} in the text of one that closed hours lead to says when it opens
    prompt: OneOrMany,
    /// 이 시간에만 들립니다 "hours.main", 없으면 언제나 / only at these hours; always if left out
    hours: Option<String>,
    /// 그 밖의 시간에 가는 곳 / where callers go outside its hours
    closed: Option<String>,
    /// 그다음에 가는 곳, 끝나면 "end" / what follows; "end" ends the call
    then: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Message {
    /// 동의를 묻는 말: 1 동의, 2 아니요; 없으면 "message_consent" / asks for consent: 1 agrees, 2 does not; "message_consent" if left out
    consent: Option<OneOrMany>,
    /// 신호음 앞에 들리는 말, 없으면 "message_ask" / said before the tone, "message_ask" if left out
    prompt: Option<OneOrMany>,
    /// 신호음, 없으면 "message_tone" / the tone, "message_tone" if left out
    tone: Option<String>,
    /// 남긴 뒤에 들리는 말, 없으면 "message_saved" / said when it is kept, "message_saved" if left out
    saved: Option<String>,
    /// 아무 말도 없었을 때 들리는 말, 없으면 "message_empty" / said when there was nothing to keep, "message_empty" if left out
    empty: Option<String>,
    /// 가장 긴 메시지 "5s"–"10m", 없으면 "2m" / the longest message, "2m" if left out
    longest: Option<Length>,
    /// 이만큼 말이 없으면 끝 "1s"–"30s", 없으면 "5s" / so much silence ends it, "5s" if left out
    silence: Option<Length>,
    /// 말이 없을 때 다시 묻는 횟수 0–9, 없으면 1 / how often a caller who says nothing is asked again, 1 if left out
    #[schemars(range(max = 9))]
    retries: Option<u8>,
    /// 이 시간에만 받습니다 "hours.main", 없으면 언제나 / only at these hours; always if left out
    hours: Option<String>,
    /// 그 밖의 시간에 가는 곳 / where callers go outside its hours
    closed: Option<String>,
    /// 안내 중에 눌러도 되는가, 없으면 true / whether a key cuts the speech short
    barge_in: Option<bool>,
    /// 동의를 묻고 기다리는 시간 "500ms"–"1m", 없으면 "5s" / silence allowed after the question
    digit_timeout: Option<Length>,
    /// 이어 누르는 사이에 기다리는 시간 "300ms"–"1m", 없으면 "2s" / silence allowed between keys
    interdigit: Option<Length>,
    /// 묻는 말에 아무것도 누르지 않으면 / what silence after the question leads to
    no_input: Option<Retry>,
    /// 묻는 말에 없는 번호를 누르면 / what keys nobody offered lead to
    no_match: Option<Retry>,
    /// 남긴 뒤에 가는 곳, 끝나면 "end" / what follows a message; "end" ends the call
    then: String,
    /// 동의하지 않거나, 말이 없거나, 저장할 수 없을 때 가는 곳 / where callers go who do not agree, say nothing, or whose message cannot be kept
    otherwise: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Prove {
    /// 어느 메뉴에서든 사람까지 누르는 횟수 1–20, 없으면 3 / keys from any menu to a person, 3 if left out
    #[schemars(range(min = 1, max = 20))]
    person: Option<u8>,
    /// 가장 깊은 메뉴의 단계 1–20, 없으면 5 / how deep menus may lie, 5 if left out
    #[schemars(range(min = 1, max = 20))]
    menus: Option<u8>,
    /// 0번은 어느 메뉴에서나 사람에게 닿는가, 없으면 true / whether 0 leads to a person from every menu
    zero: Option<bool>,
    /// 기관까지 많아야 누르는 횟수 0–20: { "center.*" = 2 } / keys to a centre at most
    keys: Option<BTreeMap<String, u8>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Test {
    /// 무엇을 보이는 시험인가 / what it shows
    name: String,
    /// 거는 때 "2026-11-24T10:00", 없으면 그 화요일 아침 / when the call comes; that Tuesday morning if left out
    at: Option<String>,
    /// 건 번호, 없으면 첫 번호 / the number that is dialled; the first if left out
    call: Option<String>,
    /// 거는 번호 "107", 번호가 없으면 "withheld" / the caller's number, or "withheld"
    caller: Option<String>,
    /// 켜져 있는 스위치 / switches that are on
    switch: Option<OneOrMany>,
    /// "11" 누르기, "" 말없이, "5s" 듣기, "say 10s" 신호음 뒤에 말하기, "hangup" 끊기 / "11" keys, "" silence, "5s" listening, "say 10s" speaking after the tone, "hangup"
    press: Option<OneOrMany>,
    /// 센터의 형편 { "center.kosmes" = "busy" }, 주소마다 ["busy", "answers"], 없으면 모두 받음 / how centres behave, by address in a list; all answer if left out
    world: Option<BTreeMap<String, Manners>>,
    /// 이 차례로 지나는 행 / rows that are passed in this order
    expect: Option<OneOrMany>,
    /// 이 차례로 들리는 안내의 이름이나 글의 한 토막 / prompts, or parts of their words, that are heard in this order
    hears: Option<OneOrMany>,
    /// 끝나는 곳 "center.…", "notice.…", "message.…", "hangup" / where the call ends
    end: Option<String>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Manners {
    One(Manner),
    Many(Vec<Manner>),
}

/// 받음, 통화 중, 울리기만 함, 대답 없음, 거절 / answers, is busy, only rings, is silent, refuses
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Manner {
    Answers,
    Busy,
    Rings,
    Dead,
    Refuses,
}
