//! One text as a sound, to try it: by the program that speaks, or joined from prompts where there is none.

use super::build::{Tongue, say, spoken_of};
use super::{Catalogue, PromptError, load, synthesis};
use crate::limits::PROMPT_TEXT_CHARS_MAX;
use crate::speech::Kind;
use crate::speech::finding::both;
use std::collections::BTreeMap;

/// A text that was said.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// 8 kHz.
    pub samples: Vec<i16>,
    /// The prompts it was joined from; none when the program said it.
    pub parts: Vec<String>,
}

/// Says a text. Without the program of the voice, a text that is made of the words of prompts is joined from their sounds.
pub fn of_text(tongue: &Tongue<'_>, text: &str) -> Result<Said, PromptError> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.chars().count() > PROMPT_TEXT_CHARS_MAX {
        return Err(PromptError::file(
            "TEXT",
            both(
                format!("1자에서 {PROMPT_TEXT_CHARS_MAX}자까지입니다"),
                format!("it has 1 to {PROMPT_TEXT_CHARS_MAX} characters"),
            ),
            both("짧게 나누어 들어 보세요", "try it in parts"),
        ));
    }
    if synthesis::is_there(tongue.voice) {
        let kind = if text.ends_with(',') { Kind::GoingOn } else { Kind::Sentence };
        let samples = say(tongue.voice, kind, &spoken_of(tongue, &text))?;
        return Ok(Said { samples, parts: Vec::new() });
    }
    let mut catalogue = load(tongue.dir).map_err(|mut errors| errors.swap_remove(0))?;
    catalogue.join(tongue.words);
    let parts = joined(&catalogue, &text).map_err(|rest| {
        let program = tongue.voice.command.first().map_or("", String::as_str);
        PromptError::file(
            program,
            both(
                format!("음성 합성 프로그램이 없고, 안내음을 이어 말할 수도 없습니다: \"{rest}\""),
                format!("the program is not there, and no prompts can be joined for \"{rest}\""),
            ),
            both(
                "설치: sudo apt-get install espeak-ng, 또는 `ivr1357 prompts list`에 있는 말로 쓰세요",
                "install it: sudo apt-get install espeak-ng; or use words that `ivr1357 prompts list` has",
            ),
        )
    })?;
    let samples = parts.iter().filter_map(|id| catalogue.prompts.get(*id)?.samples.as_deref()).flatten().copied();
    Ok(Said { samples: samples.collect(), parts: parts.into_iter().map(str::to_owned).collect() })
}

/// The prompts whose words make up the text, the fewest there are; the error is what no prompt goes on with.
fn joined<'c>(catalogue: &'c Catalogue, text: &str) -> Result<Vec<&'c str>, String> {
    let plain = |text: &str| text.trim_end_matches(['.', ',']).to_owned();
    let sounding = catalogue.prompts.iter().filter(|(_, prompt)| prompt.samples.is_some());
    let words: Vec<(&str, String)> = sounding.map(|(id, prompt)| (id.as_str(), plain(&prompt.text))).collect();
    // From where in the text, by the fewest prompts: place -> (how many, the last one, where it began).
    let mut reached: BTreeMap<usize, (usize, &str, usize)> = BTreeMap::from([(0, (0, "", 0))]);
    let mut farthest = 0;
    let mut at = Some(0);
    while let Some(from) = at {
        let count = reached[&from].0;
        for (id, words) in words.iter().filter(|(_, words)| !words.is_empty()) {
            let Some(rest) = text[from..].strip_prefix(words.as_str()) else { continue };
            let to = text.len() - rest.trim_start_matches([' ', '.', ',']).len();
            farthest = farthest.max(to);
            let better = reached.get(&to).is_none_or(|(known, ..)| count + 1 < *known);
            if better {
                reached.insert(to, (count + 1, id, from));
            }
        }
        at = reached.range(from + 1..).next().map(|(place, _)| *place);
    }
    let mut parts = Vec::new();
    let mut place = text.len();
    while place > 0 {
        let Some((_, id, from)) = reached.get(&place) else { return Err(text[farthest..].to_owned()) };
        parts.push(*id);
        place = *from;
    }
    parts.reverse();
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::Prompt;

    #[test]
    fn a_text_of_known_words_is_joined_from_the_fewest_prompts() {
        let prompt = |text: &str| Prompt { text: text.to_owned(), samples: Some([1i16; 8].as_slice().into()) };
        let mut catalogue = Catalogue::default();
        for (id, text) in
            [("fund", "정책자금은"), ("key_1", "1번"), ("key", "번"), ("one", "1"), ("hi", "안녕하십니까.")]
        {
            catalogue.prompts.insert(id.to_owned(), prompt(text));
        }
        catalogue.prompts.insert("mute".to_owned(), Prompt { text: "조용히".to_owned(), samples: None });
        let told = |text| joined(&catalogue, text);
        assert_eq!(told("안녕하십니까. 정책자금은 1번"), Ok(vec!["hi", "fund", "key_1"]));
        assert_eq!(told("정책자금은, 1번."), Ok(vec!["fund", "key_1"]));
        assert_eq!(told("정책자금은 2번"), Err("2번".to_owned()));
        assert_eq!(told("조용히"), Err("조용히".to_owned()));
        assert_eq!(told("1번입니다"), Err("입니다".to_owned()));
    }
}
