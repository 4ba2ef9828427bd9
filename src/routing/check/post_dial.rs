//! `post_dial` of a centre: what is pressed once it has answered, and that some rung of its ladder calls it.

use super::Findings;
use super::fields::Fields;
use crate::limits::POST_DIAL_MAX;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{full_width, wide};
use crate::routing::plan::{NoPostDial, PostDial, Rung};
use std::ops::Range;

/// Reads it; E0308 says what cannot be pressed.
pub(super) fn read(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<(PostDial, Range<usize>)> {
    let row = fields.row().to_owned();
    let (text, span) = fields.text("post_dial", findings)?;
    let why = match PostDial::read(text) {
        Ok(post_dial) => return Some((post_dial, span)),
        Err(why) => why,
    };
    if let (NoPostDial::Character(_), Some(plain)) = (why, full_width(text)) {
        findings.push(wide(span, text, &plain));
        return None;
    }
    let label = match why {
        NoPostDial::Character(character) => {
            [format!("'{character}' 은(는) 누를 수 없습니다"), format!("'{character}' cannot be pressed")]
        }
        NoPostDial::NoKey => ["누를 버튼이 없습니다".to_owned(), "there is no key in it".to_owned()],
        NoPostDial::Long => [
            format!("쉼표까지 세어 {POST_DIAL_MAX}자를 넘습니다"),
            format!("longer than {POST_DIAL_MAX} characters, commas counted"),
        ],
    };
    let [korean, english] = label;
    findings.push(
        Diagnostic::error(
            "E0308",
            span,
            format!("{row}: 답한 뒤에 누를 수 없는 post_dial 입니다"),
            format!("{row}: post_dial cannot be pressed"),
        )
        .label(korean, english)
        .help(
            "0-9, *, #, A-D 와 쉼표(1초 쉼)로 쓰세요: post_dial = \",,1234#\"",
            "write 0-9, *, #, A-D and commas (a second each): post_dial = \",,1234#\"",
        ),
    );
    None
}

/// E0309: none of these rungs is a call of ours.
pub(super) fn is_called(row: &str, span: &Range<usize>, ladder: &[Rung], findings: &mut Findings) {
    if ladder.contains(&Rung::Bridge) {
        return;
    }
    findings.push(
        Diagnostic::error(
            "E0309",
            span.clone(),
            format!("{row}: post_dial 을 누를 단계가 ladder 에 없습니다"),
            format!("{row}: no rung of the ladder can press post_dial"),
        )
        .label("REFER 는 답한 뒤의 버튼을 전하지 못합니다", "REFER carries no keys for after the answer")
        .help(
            "이 기관에 ladder = [\"bridge\", \"notice.busy\"] 처럼 우리가 거는 단계를 쓰세요",
            "give this centre a rung on which we call: ladder = [\"bridge\", \"notice.busy\"]",
        ),
    );
}
