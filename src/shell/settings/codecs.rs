//! `media.codecs`: what calls may agree on.

use crate::sdp::{Codec, Codecs};

#[cfg(feature = "opus")]
const HELP: &str = "codecs in your order, each once, of PCMA, PCMU, G722 and opus, as in [\"PCMA\", \"PCMU\"]";
#[cfg(not(feature = "opus"))]
const HELP: &str = "codecs in your order, each once, of PCMA, PCMU and G722, as in [\"PCMA\", \"PCMU\"]";
/// Named by programs that were built without it alone.
const WITHOUT_OPUS: &str = "이 프로그램은 opus 없이 만들어졌습니다: `cargo build --release --features opus` 로 다시 만드세요 \
    / this program was built without opus: build it with `cargo build --release --features opus`";

/// Reads the list; else what would be right.
pub(super) fn read(names: &[String]) -> Result<Codecs, &'static str> {
    let codec = |name: &String| {
        let is = |codec: &Codec| codec.name().eq_ignore_ascii_case(name);
        let opus = Some(Codec::Opus).filter(is).map(|_| WITHOUT_OPUS);
        Codec::ALL.into_iter().find(is).ok_or(opus.unwrap_or(HELP))
    };
    let named: Vec<Codec> = names.iter().map(codec).collect::<Result<_, _>>()?;
    let codecs = Codecs::new(named.iter().copied());
    if named.is_empty() || !codecs.iter().eq(named) { Err(HELP) } else { Ok(codecs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codecs(names: &[&str]) -> Result<Codecs, &'static str> {
        read(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn codecs_are_named_in_any_letters_and_each_once() {
        assert_eq!(codecs(&["g722", "PCMA"]), Ok(Codecs::new([Codec::G722, Codec::Pcma])));
        assert_eq!(codecs(&["PCMU"]), Ok(Codecs::new([Codec::Pcmu])));
        for wrong in [&[] as &[&str], &["gsm"], &["PCMA", "PCMA"], &["PCMA", "PCMU", "G722", "opus", "opus"]] {
            let help = codecs(wrong).expect_err("a mistake");
            assert!(help == HELP || help == WITHOUT_OPUS, "{help}");
        }
    }

    #[test]
    fn opus_is_a_codec_of_programs_that_were_built_with_it() {
        let expected = if cfg!(feature = "opus") { Ok(Codecs::new([Codec::Opus])) } else { Err(WITHOUT_OPUS) };
        assert_eq!(codecs(&["Opus"]), expected);
    }
}
