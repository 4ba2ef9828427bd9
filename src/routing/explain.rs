//! What each code means, for `ivr1357 explain E0301` and for the table of codes in the page of the language.
//!
//! Every explanation carries one slip of the shipped table that brings the code about; a test makes that slip.

use crate::routing::diagnostic::Language;

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// `E0301`.
    pub code: &'static str,
    /// What it finds, in Korean and in English.
    pub finds: [&'static str; 2],
    /// What a caller would meet, or why it is told.
    pub why: [&'static str; 2],
    /// What stands in a right table; empty where there is no such line.
    pub right: &'static str,
    /// The slip.
    pub wrong: &'static str,
}

/// The explanation of a code, in any letter case.
pub fn find(code: &str) -> Option<&'static Explanation> {
    ALL.iter().find(|explanation| explanation.code.eq_ignore_ascii_case(code))
}

/// An explanation as text for a terminal.
pub fn render(explanation: &Explanation, language: Language) -> String {
    let Explanation { code, finds, why, right, wrong } = explanation;
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let [label_wrong, label_right] = match language {
        Language::Korean => ["틀린 예", "고친 예"],
        Language::English => ["wrong", "right"],
    };
    let mut text =
        format!("{code}: {}\n\n{}\n\n{label_wrong}:\n{}", language.of(finds), language.of(why), indented(wrong));
    if !right.is_empty() {
        text.push_str(&format!("\n{label_right}:\n{}", indented(right)));
    }
    text
}

const fn code(
    code: &'static str,
    finds: [&'static str; 2],
    why: [&'static str; 2],
    right: &'static str,
    wrong: &'static str,
) -> Explanation {
    Explanation { code, finds, why, right, wrong }
}

/// Every code, in order.
pub const ALL: &[Explanation] = &[
    code(
        "E0100",
        ["뒤로도 더 있음", "more findings than are shown"],
        [
            "잘못이 아주 많으면 처음 것만 보여 줍니다. 고치고 다시 확인하세요.",
            "Where there are very many mistakes only the first are shown. Mend them and check again.",
        ],
        "",
        "a1 = 1\na2 = 1\na3 = 1",
    ),
    code(
        "E0101",
        ["TOML 로 읽을 수 없음 (따옴표, 괄호, 쉼표)", "not TOML: quotes, brackets, commas"],
        [
            "열린 따옴표나 괄호가 있으면 그 줄의 뜻을 알 수 없습니다. 다른 줄의 잘못은 그대로 함께 알려 줍니다.",
            "A quote or bracket was left open, so the line says nothing. Mistakes in other lines are told all the same.",
        ],
        "1 = { say = \"신청과 평가\",         go = \"center.keit\" }",
        "1 = { say = \"신청과 평가,         go = \"center.keit\" }",
    ),
    code(
        "E0102",
        ["없는 이름의 값", "unknown field"],
        [
            "이름을 잘못 쓴 값은 쓰이지 않으므로, 적힌 대로 되지 않습니다. 비슷한 이름이 있으면 알려 줍니다.",
            "A field under a wrong name does nothing, so callers would not meet what is written. A similar name is suggested.",
        ],
        "call_max = \"60m\"",
        "call_mx = \"60m\"",
    ),
    code(
        "E0103",
        ["맞지 않는 값, 단위, 범위", "wrong type, unit or bounds"],
        [
            "20 이 초인지 분인지 알 수 없습니다. 길이에는 단위를, 글에는 따옴표를 붙입니다.",
            "Nobody knows whether 20 means seconds or minutes. A duration has a unit, a text has quotes.",
        ],
        "refer_timeout = \"15s\"",
        "refer_timeout = 15",
    ),
    code(
        "E0104",
        ["같은 행, 번호, 주소가 두 번", "a row, key, number or address stands twice"],
        [
            "둘 가운데 어느 것이 쓰일지 알 수 없습니다. 02-1357 과 +82-2-1357 은 한 번호입니다.",
            "It cannot be told which of the two is meant. 02-1357 and +82-2-1357 are one number.",
        ],
        "match    = [\"1357\"]",
        "match    = [\"1357\", \"13-57\"]",
    ),
    code(
        "E0105",
        ["UTF-8 이 아님, BOM, 전각 글자", "not UTF-8, byte order mark, full-width characters"],
        [
            "한글 편집기가 CP949 로 저장했거나, 전각 숫자 １ 을 썼습니다. UTF-8 로 다시 저장하고 반각으로 쓰세요.",
            "A Korean editor saved the file as CP949, or typed the full-width digit １. Save as UTF-8 and write plain characters.",
        ],
        "main = [\"월-금 09:00-18:00\"]",
        "main = [\"월-금 ０9:00-18:00\"]",
    ),
    code(
        "E0106",
        ["다음 판의 말 (queue, callback, consult …)", "a word of a later version"],
        [
            "표의 말이지만 이 판의 엔진은 아직 하지 못합니다. 반만 되는 것보다 처음부터 알리는 편이 낫습니다.",
            "The language has this word, but this engine cannot do it yet. It says so rather than do half of it.",
        ],
        "go = \"center.kised\"",
        "go = \"queue.startup\"",
    ),
    code(
        "E0107",
        ["꼭 있어야 할 값이 없음", "a required field is missing"],
        ["이 값 없이는 행이 무엇을 할지 알 수 없습니다.", "Without it nobody knows what the row does."],
        "[menu.fund]\nprompt = \"menu_fund\"",
        "[menu.fund]",
    ),
    code(
        "E0108",
        ["한 줄에 조건이 둘", "two conditions in one line"],
        [
            "둘 다인지 하나라도인지 알 수 없습니다. 두 줄로 나누면 위의 줄이 먼저입니다.",
            "It cannot be told whether both or either is meant. In two lines the upper one counts first.",
        ],
        "{ outside = \"hours.main\", go",
        "{ holiday = true, outside = \"hours.main\", go",
    ),
    code(
        "E0109",
        ["겹치는 번호", "numbers that overlap"],
        [
            "걸려 온 번호 하나에 두 꼴이 맞으면 어느 행으로 갈지 알 수 없습니다.",
            "Where two patterns fit one dialled number, it cannot be told which row answers.",
        ],
        "match    = [\"1357\"]",
        "match    = [\"1357\", \"135x\"]",
    ),
    code(
        "E0110",
        ["include 할 수 없는 파일", "a file that cannot be included"],
        [
            "그 파일의 행은 표에 없습니다. 표와 같은 폴더나 그 아래의 파일만, 한 번씩, 자기 자신이 아닌 것만 됩니다.",
            "The rows of that file are not in the table. Only files in the folder of the table or below it, each once, and none that includes itself.",
        ],
        "schema   = 1",
        "schema   = 1\ninclude  = [\"programs.toml\"]",
    ),
    code(
        "E0201",
        ["없는 행", "no such row"],
        [
            "갈 곳의 이름이 틀렸습니다. 그 버튼을 누른 사람은 갈 곳이 없습니다.",
            "The destination does not exist: whoever presses that key would go nowhere.",
        ],
        "go = \"center.kised\"",
        "go = \"center.kisd\"",
    ),
    code(
        "E0202",
        ["여기서 갈 수 없는 곳", "wrong kind of destination"],
        [
            "운영 시간이나 번호는 갈 곳이 아니고, end 는 안내 뒤에만 올 수 있습니다: 말없이 끊기는 전화는 없습니다.",
            "Hours and numbers are no places to go, and `end` may follow an announcement only: nobody is cut off without a word.",
        ],
        "go = \"center.kised\"",
        "go = \"hours.main\"",
    ),
    code(
        "E0203",
        ["닿는 전화가 없는 행, 단계, 조건", "a row, rung or condition no call can reach"],
        [
            "쓰이지 않는 행은 대개 다른 줄의 실수입니다: 지워진 버튼, 잘못 적힌 이름.",
            "A row that nobody reaches is mostly a slip elsewhere: a key that was deleted, a name that was mistyped.",
        ],
        "3 = { say = \"산학연 협력\",         go = \"center.auri\" }",
        "3 = { say = \"산학연 협력\",         go = \"center.tipa\" }",
    ),
    code(
        "E0204",
        ["그다음이 없음", "dead end"],
        [
            "안내나 재시도 뒤에 갈 곳이 없으면 전화가 말없이 끊깁니다.",
            "Nothing follows the announcement or the last retry: the caller would be cut off.",
        ],
        "closed  = { prompt = \"closed\",  then = \"end\" }",
        "closed  = { prompt = \"closed\" }",
    ),
    code(
        "W0204",
        ["아무 조건도 묻지 않는 스위치", "a switch no condition asks"],
        [
            "켜도 아무것도 바뀌지 않습니다. 급할 때 처음 알게 되면 늦습니다.",
            "Turning it on changes nothing, which is better known before the emergency.",
        ],
        "",
        "[switch]\ntraining = \"교육 시간\"",
    ),
    code(
        "W0205",
        ["전화가 올 때마다 닫혀 있는 행", "a row that is closed whenever calls come to it"],
        [
            "그 시간에는 번호가 다른 곳으로 보냅니다. 번호의 시간과 행의 시간 가운데 하나가 잘못 적혔습니다.",
            "Within its hours the number leads elsewhere: one of the two has the wrong hours.",
        ],
        "closed  = { prompt = \"closed\",  then = \"end\" }",
        "closed  = { prompt = \"closed\",  then = \"end\", hours = \"hours.main\", closed = \"notice.goodbye\" }",
    ),
    code(
        "E0205",
        ["끝없이 도는 길", "a loop without an exit"],
        [
            "안내가 서로를 가리키거나, 그만둔 뒤에 다시 처음으로 돌아옵니다. 그 전화는 끝나지 않습니다.",
            "Announcements lead to each other, or giving up leads back to the start. Such a call never ends.",
        ],
        "goodbye = { prompt = \"goodbye\", then = \"end\" }",
        "goodbye = { prompt = \"goodbye\", then = \"menu.main\" }",
    ),
    code(
        "E0206",
        ["누르지 않거나 잘못 누르면 끝없이 도는 길", "a loop that only the caller can leave"],
        [
            "아무것도 누르지 못하는 사람(오래된 전화기, 손을 쓸 수 없는 사람)은 상담원에게 닿지 못합니다.",
            "Somebody who cannot press keys (an old telephone, busy hands) would never reach a person.",
        ],
        "no_input      = { retries = 2, prompt = \"again_slowly\", then = \"center.counsel\" }",
        "no_input      = { retries = 2, prompt = \"again_slowly\", then = \"menu.main\" }",
    ),
    code(
        "E0301",
        ["끝 단계가 실패할 수 있는 ladder", "the last rung can fail"],
        [
            "모두 통화 중이면 전화가 끊깁니다. 맨 끝에는 실패할 수 없는 안내를 둡니다.",
            "When everybody is busy the caller is cut off. An announcement, which cannot fail, must stand last.",
        ],
        "ladder        = [\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]",
        "ladder        = [\"refer\", \"next-target\", \"center.counsel\"]",
    ),
    code(
        "E0302",
        ["이 기관에 쓸 수 없는 단계", "a rung impossible for this centre"],
        [
            "주소가 하나뿐인데 next-target 이라 쓰면, 적힌 사람의 뜻과 다르게 됩니다. 물려받은 단계는 건너뛸 뿐입니다.",
            "A centre with one address has no next target, so what was meant does not happen. Inherited rungs are just skipped.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], ladder = [\"refer\", \"next-target\", \"notice.busy\"] }",
    ),
    code(
        "E0303",
        ["SIP 주소가 아님", "bad SIP address"],
        [
            "이 주소로는 연결할 수 없으므로 그 기관으로 가는 전화가 모두 실패합니다.",
            "Nothing can be sent there, so every transfer to that centre would fail.",
        ],
        "\"sip:keit@127.0.0.1:5070\"",
        "\"keit@127.0.0.1:5070\"",
    ),
    code(
        "E0304",
        ["우리 자신의 주소", "the target is ourselves"],
        [
            "연결한 전화가 곧바로 이 엔진으로 되돌아와 끝없이 돕니다.",
            "The transferred call would come straight back here, round and round.",
        ],
        "\"sip:keit@127.0.0.1:5070\"",
        "\"sip:1357@127.0.0.1\"",
    ),
    code(
        "W0305",
        ["기다릴 수 있는 시간보다 긴 ladder", "a ladder longer than a caller's patience"],
        [
            "아무도 대답하지 않는 단계가 차례로 실패하는 동안 45초가 넘게 기다립니다. 그 전에 끊는 사람이 많습니다.",
            "While silent rungs fail one after the other the caller waits for more than 45 s, and many hang up before.",
        ],
        "refer_timeout = \"15s\"",
        "refer_timeout = \"40s\"",
    ),
    code(
        "W0306",
        ["통화 중도 연결로 세는 accepted", "`accepted` counts a busy centre as reached"],
        [
            "NOTIFY 를 기다리지 않으므로 통화 중인 기관도 연결된 것으로 기록되고, 다음 단계로 가지 않습니다.",
            "No NOTIFY is waited for, so a busy centre counts as reached and no further rung is tried.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], refer_success = \"accepted\" }",
    ),
    code(
        "W0307",
        ["나눌 주소가 없는 weight", "a weight without an address to share with"],
        [
            "weight 는 order 가 같은 주소들 사이에서만 뜻이 있습니다.",
            "A weight means something only among addresses of one order.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"]",
        "sip = [{ uri = \"sip:keit@127.0.0.1:5070\", weight = 3 }]",
    ),
    code(
        "E0308",
        ["누를 수 없는 post_dial", "post_dial cannot be pressed"],
        [
            "기관이 답한 뒤에 누를 것은 0-9, *, #, A-D 와 1초씩 쉬는 쉼표뿐입니다. 다른 글자로는 엉뚱한 곳에 닿습니다.",
            "After the answer 0-9, *, #, A-D can be pressed, and a comma waits a second. Anything else would reach the wrong place.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], post_dial = \"내선 12\", ladder = [\"bridge\", \"notice.busy\"] }",
    ),
    code(
        "E0309",
        ["post_dial 을 누를 단계가 없는 ladder", "no rung can press post_dial"],
        [
            "REFER 로 넘긴 전화는 우리를 떠나므로 버튼을 눌러 줄 수 없습니다. 우리가 거는 \"bridge\" 만 누를 수 있습니다.",
            "A call that is handed over by REFER has left us, and nobody presses the keys. Only on \"bridge\" do we call.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], post_dial = \"1\" }",
    ),
    code(
        "E0401",
        ["시간의 잘못 (요일, 시각, 겹침)", "hours: days, times, overlaps"],
        ["읽을 수 없는 시간은 열린 것도 닫힌 것도 아닙니다.", "Hours that cannot be read are neither open nor closed."],
        "main = [\"월-금 09:00-18:00\"]",
        "main = [\"월-굼 09:00-18:00\"]",
    ),
    code(
        "W0402",
        ["아무것도 바꾸지 않는 휴일, 끝난 목록", "a holiday that changes nothing, a list that ended"],
        [
            "이미 공휴일인 날을 더했거나, 공휴일이 아닌 날을 여는 날로 적었습니다. 대개 날짜를 잘못 쓴 것입니다. until 이 지난 목록에는 그 뒤에 정해진 휴일이 없습니다.",
            "A day was added that is a holiday already, or opened that is none. Mostly the date is mistyped. A list past its `until` lacks the days that were designated after it.",
        ],
        "",
        "[holidays]\ndesignated = [\"2027-01-01\"]",
    ),
    code(
        "E0403",
        ["휴일의 날짜가 아님, 또는 규정이 다른 해", "not a date, or a year with other rules"],
        [
            "2026년 전에는 공휴일 규정이 달라서 계산하지 않습니다. 지난 날짜는 지우세요.",
            "Before 2026 the rules were others, and nothing is computed. Delete dates that are past.",
        ],
        "",
        "[holidays]\ndesignated = [\"2025-01-27\"]",
    ),
    code(
        "W0403",
        ["손으로 적은 목록에서 빠진 공휴일", "a list kept by hand lacks a holiday"],
        [
            "calendar = \"none\" 으로 손수 적은 목록에 대체공휴일이나 음력 명절이 빠졌습니다. 그해의 목록은 적힌 날이 전부이므로 그날은 여는 날이 됩니다.",
            "With calendar = \"none\" the list is kept by hand, and a substitute or lunar holiday is not on it. The list is all there is of that year, so that day is open.",
        ],
        "",
        "[holidays]\ncalendar = \"none\"\ndesignated = [\"2027-01-01\", \"2027-02-06\", \"2027-02-07\", \"2027-02-08\", \"2027-03-01\", \"2027-05-01\", \"2027-05-05\", \"2027-05-13\", \"2027-06-06\", \"2027-07-17\", \"2027-08-15\", \"2027-09-14\", \"2027-09-15\", \"2027-09-16\"]",
    ),
    code(
        "W0404",
        ["hours 는 있고 closed 가 없음", "hours without `closed`"],
        ["그 시간 밖에는 받는 사람 없이 울립니다.", "Outside its hours the centre would ring with nobody there."],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], hours = \"hours.main\" }",
    ),
    code(
        "W0405",
        ["한 번도 오지 않는 시간이나 휴일", "hours or holidays that never come"],
        [
            "휴일이 없는 표에 휴일의 시간을 적었습니다. 그 시간을 묻는 곳은 언제나 닫혀 있고, 휴일을 묻는 조건(holiday = true)은 한 번도 맞지 않습니다.",
            "Hours of holidays stand in a table that has none. Whatever asks for them is always closed, and a condition that asks for a holiday never holds.",
        ],
        "main = [\"월-금 09:00-18:00\"]",
        "main = [\"휴일 09:00-18:00\"]",
    ),
    code(
        "W0406",
        ["12시간이 넘는 밤", "a night of more than twelve hours"],
        [
            "\"18:00-09:00\" 은 밤새 여는 시간입니다. 낮을 뜻했다면 앞뒤가 바뀌었습니다.",
            "\"18:00-09:00\" is a whole night. If the day was meant, the times changed places.",
        ],
        "main = [\"월-금 09:00-18:00\"]",
        "main = [\"월-금 18:00-09:00\"]",
    ),
    code(
        "W0407",
        ["closed 는 있고 hours 가 없음", "`closed` without hours"],
        [
            "언제 닫는지 적지 않아 언제나 열려 있습니다: 밤에도 받는 사람 없이 울립니다.",
            "Nothing says when it is closed, so that it is always open: at night, too, it rings with nobody there.",
        ],
        "sip = [\"sip:keit@127.0.0.1:5070\"] }",
        "sip = [\"sip:keit@127.0.0.1:5070\"], closed = \"notice.closed\" }",
    ),
    code(
        "E0501",
        ["글이나 소리가 없는 안내", "a prompt without words or sound"],
        ["그 자리에서 아무 소리도 들리지 않습니다.", "At that place the caller would hear nothing."],
        "greeting = \"greeting\"",
        "greeting = \"greetings\"",
    ),
    code(
        "W0502",
        ["다른 글로 만든 소리", "a sound made from other words"],
        [
            "글을 고치고 소리를 다시 만들지 않으면 옛말이 들립니다.",
            "When a text changes and its sound does not, callers hear the old words.",
        ],
        "",
        "# menu_fund.wav says \"정책자금 안내입니다.\", and prompts.tsv says something else now",
    ),
    code(
        "E0503",
        ["채울 수 없는 { } 가 있는 글", "a text with { } that nothing fills"],
        [
            "글의 { } 는 통화마다 다른 말로 채워집니다. 자리마다 채울 수 있는 이름이 정해져 있고, 세는 말과 조사가 맞아야 합니다 (docs/PROMPTS.md, Slots).",
            "What stands in { } is filled in for each call. Each place of the table fills certain names, and counters and particles must fit (docs/PROMPTS.md, Slots).",
        ],
        "# prompts.tsv: closed\tsentence\t지금은 상담 시간이 아닙니다. 상담은 {opens|에} 시작합니다.",
        "# prompts.tsv: greeting\tsentence\t안녕하십니까. 상담은 {opens|에} 시작합니다.",
    ),
    code(
        "E0504",
        ["없는 버튼을 말하는 안내", "a prompt that names a key which is not offered"],
        [
            "안내대로 누른 사람이 \"없는 번호입니다\" 를 듣습니다.",
            "Who presses what was said hears that there is no such number.",
        ],
        "",
        "# menu_main says \"상담원은 0번\", and menu.main has no 0",
    ),
    code(
        "W0505",
        ["고를 때까지 20초가 넘음", "more than 20 s of speech before a key"],
        ["오래 듣는 사람은 0 을 누르거나 끊습니다.", "Who must listen that long presses 0, or hangs up."],
        "",
        "[menu.long]\nprompt = [\"menu_main\", \"menu_fund\", \"menu_rnd\", \"menu_startup\", \"menu_market\", \"menu_people\", \"menu_partner\", \"menu_expert\", \"greeting\", \"closed\", \"busy\", \"goodbye\"]",
    ),
    code(
        "W0506",
        ["너무 작거나 크거나 늦은 녹음", "a recording too quiet, too loud or late"],
        ["건 사람이 알아듣지 못하거나 끊긴 줄 압니다.", "Callers do not understand it, or think the line is dead."],
        "",
        "# greeting.wav: -38.0 dBov",
    ),
    code(
        "W0507",
        ["이 언어로는 없는 안내", "a prompt that lacks a language"],
        [
            "그 언어를 고른 사람도 이 안내는 한국어로 듣습니다. 아무것도 들리지 않는 것보다는 낫습니다.",
            "Who chose that language hears these prompts in Korean, which is better than nothing.",
        ],
        "schema   = 1",
        "schema   = 1\nlanguages = [\"ko\", \"en\"]",
    ),
    code(
        "W0508",
        ["천천히 들린다는 말과 다른 버튼", "a key that does not read slowly, as a prompt says it does"],
        [
            "안내를 믿고 누른 사람이 같은 빠르기로 다시 듣습니다. 표의 \"repeat\" 는 그대로, \"repeat-slowly\" 는 천천히 다시 들려 줍니다.",
            "Who trusts the words hears the same at the same pace. \"repeat\" reads again as before, \"repeat-slowly\" slowly.",
        ],
        "",
        "# again_slowly says \"천천히 다시 듣기는 별표\", and * is \"repeat\"",
    ),
    code(
        "E0601",
        ["입력의 숫자이기도 한 버튼", "a key that is also a digit of the entry"],
        [
            "숫자를 입력하는 곳에서는 0 도 숫자입니다. 상담원은 \"*\" 나 \"#\" 에 두세요: 첫 숫자 앞에서는 그 뜻으로 들립니다.",
            "Where digits are entered, 0 is one of them. Put the counsellor on \"*\" or \"#\", which mean it before the first digit.",
        ],
        "",
        "[menu.fund]\n4 = \"input.number\"\n[input.number]\nprompt = \"menu_fund\"\nkind = \"phone\"\nkeys = { \"0\" = \"center.counsel\" }\nno_input = { then = \"center.counsel\" }\nno_match = { then = \"center.counsel\" }\nthen = \"center.counsel\"",
    ),
    code(
        "W0601",
        ["짧은 번호가 긴 번호를 기다림", "a key waits for a longer one"],
        [
            "1 과 12 가 함께 있으면 1 을 누를 때마다 더 누르는지 기다립니다.",
            "Where 1 and 12 are both offered, every 1 waits whether more will come.",
        ],
        "3 = { say = \"산학연 협력\",         go = \"center.auri\" }",
        "12 = { say = \"산학연 협력\",         go = \"center.auri\" }",
    ),
    code(
        "W0602",
        ["말로 듣는 선택이 열보다 많음", "more than ten spoken choices"],
        ["사람은 그렇게 많은 선택을 기억하지 못합니다.", "Nobody remembers that many choices."],
        "",
        "[menu.partner]\n\"*\" = { say = \"그 밖\", go = \"center.counsel\" }",
    ),
    code(
        "E0603",
        ["digits 와 allow, kind 가 맞지 않음", "`digits`, `allow` and `kind` disagree"],
        [
            "두 자리를 기다리는데 한 자리 값을 받는다고 하면, 그 값은 누를 수 없습니다.",
            "Where two digits are waited for, a value of one digit can never be entered.",
        ],
        "",
        "[menu.fund]\n4 = \"input.region\"\n[input.region]\nprompt = \"menu_fund\"\ndigits = 2\nallow = \"1-17\"\nno_input = { then = \"center.counsel\" }\nno_match = { then = \"center.counsel\" }\nthen = \"center.counsel\"",
    ),
    code(
        "E0604",
        ["녹음에 동의하지 않을 버튼이 없음", "no key that does not agree to be recorded"],
        [
            "물어본다면 아니라고 할 수 있어야 합니다. 그 통화는 녹음 없이 이어집니다.",
            "Who is asked must be able to say no; that call goes on unrecorded.",
        ],
        "",
        "[menu.fund]\n4 = \"menu.consent\"\n[menu.consent]\nprompt = \"menu_fund\"\n1 = { say = \"창업\", record = true, go = \"center.counsel\" }",
    ),
    code(
        "K1001",
        ["0번이 (입력에서는 * 나 # 이) 상담원에게 닿지 않음", "0 (in an input: `*` or `#`) does not lead to a person"],
        [
            "ARS 지침(2009)은 어느 단계에서나 0 이 상담원이기를 권합니다.",
            "The ARS guideline of 2009 wants 0 to be the counsellor at every step.",
        ],
        "0 = \"center.counsel\"",
        "0 = \"repeat\"",
    ),
    code(
        "K1002",
        ["# * 를 다른 데 씀", "`#` or `*` used for something else"],
        ["ARS 지침(2009): # 은 이전, * 은 다시 듣기.", "ARS guideline of 2009: # goes back, * repeats."],
        "\"#\" = \"back\"",
        "\"#\" = \"repeat\"",
    ),
    code(
        "K1003",
        ["세 단계보다 깊은 메뉴", "deeper than three menus"],
        [
            "ARS 지침(2009)은 세 단계를 권하고 다섯 단계까지 허락합니다.",
            "The ARS guideline of 2009 prefers three steps and allows five.",
        ],
        "",
        "[menu.fund]\n4 = { say = \"창업\", go = \"menu.a\" }\n[menu.a]\nprompt = \"menu_fund\"\n1 = { say = \"창업\", go = \"menu.b\" }\n[menu.b]\nprompt = \"menu_fund\"\n1 = \"center.kised\"",
    ),
    code(
        "K1005",
        ["녹음이나 상담사 보호를 알리지 않는 안내", "words that do not tell of the recording, or ask for decency"],
        [
            "녹음한다면 먼저 알리고 (record, recorded, [message]), 상담사가 받기 전에 폭언을 삼가 달라고 말합니다 (protection, 산업안전보건법 41조). 우리가 녹음하는데 (record) 알리지 않으면 오류입니다.",
            "Who records says so first (record, recorded, [message]); before a person answers callers are asked to be decent (protection). Where we record (record), not telling is an error.",
        ],
        "",
        "# recorded = true, and the greeting does not say \"녹음\"",
    ),
    code(
        "K1007",
        ["요금을 알리지 않는 첫 안내", "an opening that does not tell the charge"],
        [
            "ARS 지침(2009)은 요금을 먼저 알리기를 권합니다. answer = \"after-greeting\" 이면 알리는 동안은 요금이 없습니다.",
            "The ARS guideline of 2009 wants the charge told first; with answer = \"after-greeting\" hearing it costs nothing.",
        ],
        "",
        "# fee = \"local\", and the greeting names no charge",
    ),
];
