//! Variables of the environment that were meant for us and set nothing: `IVR1357_SIP__LISTEN` lacks an underscore.

use super::keys::KEYS;
use super::value::distance;
use super::{PREFIX, speech, trunk};

/// A variable that begins as ours do and is no setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stray {
    /// As it is called.
    pub variable: String,
    /// What was meant, where that can be told.
    pub meant: Option<String>,
}

/// Those among the variables of an environment.
pub fn strays(variables: impl IntoIterator<Item = String>) -> Vec<Stray> {
    let (ours, setting) = (format!("{PREFIX}_"), format!("{PREFIX}__"));
    let is_stray = |variable: &String| {
        let upper = variable.to_ascii_uppercase();
        upper.starts_with(&ours) && !upper.starts_with(&setting) && !is_of_others(&upper[ours.len()..])
    };
    let mut found: Vec<String> = variables.into_iter().filter(is_stray).collect();
    found.sort_unstable();
    found.into_iter().map(|variable| Stray { meant: meant(&variable[ours.len()..]), variable }).collect()
}

/// What others set: Kubernetes, in every container beside a service whose name begins with ours (`IVR1357_SERVICE_HOST`,
/// `IVR1357_SIP_PORT_5060_UDP`), and our own tests.
fn is_of_others(rest: &str) -> bool {
    let ports = rest.match_indices("PORT_").map(|(at, word)| &rest[at + word.len()..]);
    let of_service = ["SERVICE_HOST", "PORT"].iter().any(|end| rest.ends_with(end)) || rest.contains("SERVICE_PORT");
    of_service || ports.into_iter().any(|after| after.starts_with(|c: char| c.is_ascii_digit())) || rest == "TORTURE"
}

/// The variable of the setting that reads alike, however many underscores stand between its words; else of one a few letters away.
fn meant(rest: &str) -> Option<String> {
    let squeezed = squeeze(rest);
    let spelt = |key: &str| format!("{PREFIX}__{}", key.to_ascii_uppercase().replace('.', "__"));
    let named = |table: &str, fields: &[&str]| {
        let rest = squeezed.strip_prefix(&format!("{table}_"))?;
        let names =
            fields.iter().filter_map(|field| Some((rest.strip_suffix(&format!("_{}", squeeze(field)))?, field)));
        // `digest.password` ends as `password` does: the shortest name is the whole field.
        let (name, field) = names.min_by_key(|(name, _)| name.len())?;
        (!name.is_empty()).then(|| spelt(&format!("{table}.{name}.{field}")))
    };
    let near = || {
        let whole = KEYS.iter().filter(|key| !key.ends_with("NAME") && !key.ends_with("LANGUAGE"));
        let key = whole.min_by_key(|key| distance(&squeeze(key), &squeezed))?;
        (distance(&squeeze(key), &squeezed) <= 3).then(|| spelt(key))
    };
    named("TRUNK", &trunk::KEYS).or_else(|| named("SPEECH", &speech::KEYS)).or_else(near)
}

/// `sip.session_least`, `SIP__SESSION_LEAST` -> `SIP_SESSION_LEAST`.
fn squeeze(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.split(['.', '_']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_lacks_an_underscore_is_told_with_the_right_name() {
        for (variable, meant) in [
            ("IVR1357_SIP__LISTEN", Some("IVR1357__SIP__LISTEN")),
            ("IVR1357_SIP_LISTEN", Some("IVR1357__SIP__LISTEN")),
            ("ivr1357_sip_listen", Some("IVR1357__SIP__LISTEN")),
            ("IVR1357_SIP_SESSION_LEAST", Some("IVR1357__SIP__SESSION_LEAST")),
            ("IVR1357_RECORD_FILE", Some("IVR1357__RECORDS__FILE")),
            ("IVR1357_TRUNK_KT_PASSWORD", Some("IVR1357__TRUNK__KT__PASSWORD")),
            ("IVR1357_TRUNK__KT__DIGEST__PASSWORD", Some("IVR1357__TRUNK__KT__DIGEST__PASSWORD")),
            ("IVR1357_SPEECH_EN_SPEED_OF_PARTS", Some("IVR1357__SPEECH__EN__SPEED_OF_PARTS")),
            ("IVR1357_WHATEVER", None),
        ] {
            let stray = Stray { variable: variable.to_owned(), meant: meant.map(str::to_owned) };
            assert_eq!(strays([variable.to_owned()]), [stray]);
        }
    }

    #[test]
    fn settings_and_variables_of_others_are_no_strays() {
        for variable in [
            "IVR1357__SIP__LISTEN",
            "IVR1357__NO__SETTING",
            "IVR1357_SERVICE_HOST",
            "IVR1357_SERVICE_PORT_SIP",
            "IVR1357_PORT",
            "IVR1357_SIP_PORT_5060_UDP_ADDR",
            "IVR1357_TORTURE",
            "IVR13570_LISTEN",
            "IVR1357",
            "PATH",
        ] {
            assert_eq!(strays([variable.to_owned()]), [], "{variable}");
        }
    }
}
