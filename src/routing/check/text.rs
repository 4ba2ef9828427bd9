//! Is the file text at all? Editors save Korean in other encodings and put marks in front.

use crate::limits::TABLE_BYTES_MAX;
use crate::routing::bundle;
use crate::routing::diagnostic::Diagnostic;

/// The file's text, or why it has none. (`String::from_utf8_lossy` gives the text that the finding points into.)
pub fn decode(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    let wrong = |at: usize, what: [&str; 2]| {
        // Everything before `at` is right UTF-8, so it has the same length in the lossy text,
        // where U+FFFD stands for the wrong bytes.
        Box::new(
            Diagnostic::error("E0105", at..at + char::REPLACEMENT_CHARACTER.len_utf8(), what[0], what[1])
                .help("메모장에서 '다른 이름으로 저장', 인코딩을 UTF-8 로 고르세요", "save the file again as UTF-8"),
        )
    };
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        // 0xFF begins no character of CP949 either.
        if matches!(bytes.get(at..at + 2), Some([0xff, 0xfe] | [0xfe, 0xff])) {
            return wrong(at, ["파일이 UTF-16 으로 저장되어 있습니다", "the file is saved as UTF-16"]);
        }
        // Korean Windows editors write CP949: two bytes, the first 0x81–0xFE.
        let pair = bytes.get(at..at + 2);
        let korean = pair.is_some_and(|pair| (0x81..=0xfe).contains(&pair[0]) && pair[1] >= 0x41);
        if korean {
            wrong(
                at,
                [
                    "파일이 CP949(EUC-KR)로 저장된 것 같습니다. UTF-8 이 아닙니다",
                    "the file is not UTF-8; it looks like CP949 (EUC-KR)",
                ],
            )
        } else {
            wrong(at, ["파일이 UTF-8 이 아닙니다", "the file is not UTF-8"])
        }
    })
}

/// Too large to be a table.
pub(super) fn refuse(text: &str) -> Option<Diagnostic> {
    (text.len() > TABLE_BYTES_MAX).then(|| {
        let limit = TABLE_BYTES_MAX / 1024 / 1024;
        Diagnostic::error(
            "E0101",
            0..0,
            format!("파일이 {limit} MiB 보다 큽니다"),
            format!("the file is larger than {limit} MiB"),
        )
        .help("다른 파일이 아닌지 보세요", "is it the right file?")
    })
}

/// E0105: the mark some editors put before UTF-8, for each file that has it.
pub(super) fn byte_order_marks(text: &str) -> impl Iterator<Item = Diagnostic> {
    bundle::parts(text).into_iter().filter(|part| part.text.starts_with('\u{feff}')).map(|part| {
        Diagnostic::error(
            "E0105",
            // The mark has no width: the first letter shows where it is.
            part.start..part.start + part.text.chars().take(2).map(char::len_utf8).sum::<usize>(),
            "파일 맨 앞에 보이지 않는 표시(BOM)가 있습니다",
            "the file begins with an invisible mark (BOM)",
        )
        .help(
            "메모장에서 '다른 이름으로 저장', 인코딩을 'UTF-8'로 고르세요 ('UTF-8(BOM)' 말고)",
            "save it as UTF-8 without BOM",
        )
    })
}
