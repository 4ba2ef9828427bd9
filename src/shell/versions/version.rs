//! What is kept of a publication beside the table: number, who, when, why.

use serde::{Deserialize, Serialize};

/// A published version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Of this description; 1.
    pub schema: u8,
    /// Its number; the next is higher.
    pub number: u64,
    /// SHA-256 of the table, as `sha256sum routing.toml` shows it. Records name its first twelve digits.
    pub hash: String,
    /// SHA-256 of the list of its sounds.
    pub sounds: String,
    /// How long the table is.
    pub bytes: usize,
    /// The file it came from, as its publisher named it.
    pub file: String,
    /// Who published it.
    pub who: Who,
    /// When, with the offset of the table's zone.
    pub when: String,
    /// Why, in the publisher's words.
    pub why: String,
    /// The version that it took over from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaced: Option<u64>,
    /// The version whose text and sound it repeats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repeats: Option<u64>,
    /// It was proved and tested: before it went live, or, as the table of a first start, while it answered calls already.
    pub proved: bool,
}

/// Who published.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Who {
    /// The user of the machine, as its kernel says, or what of the engine it was.
    pub user: String,
    /// Their number on the machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uid: Option<u32>,
    /// The name they gave themselves (`--by`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
}

impl Version {
    /// The first twelve digits, as in records.
    pub fn short_hash(&self) -> &str {
        self.hash.get(..12).unwrap_or(&self.hash)
    }

    /// As `version.json` holds it.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers");
        text.push('\n');
        text
    }

    /// From `version.json`.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let version: Self = serde_json::from_str(text).map_err(|error| format!("version.json: {error}"))?;
        match version.schema {
            1 => Ok(version),
            other => Err(format!("version.json: schema {other} is of a later ivr1357")),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.by {
            Some(by) => write!(f, "{by} ({})", self.user),
            None => f.write_str(&self.user),
        }
    }
}
