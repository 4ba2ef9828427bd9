//! Who calls and on whose word, who sent the call on to us, and what the caller's side passes to the called one:
//! P-Asserted-Identity (RFC 3325), Privacy (RFC 3323), Diversion (RFC 5806), History-Info (RFC 7044), User-to-User
//! (RFC 7433).
//!
//! What a network asserts is believed only from within our trust domain (RFC 3325 §2.3): a trunk that the settings call
//! trusted, and, where there are no trunks, everybody, because there the From is no better proven. From everybody else
//! those headers are left unread, and a wish for privacy still counts. P-Preferred-Identity is addressed to a proxy and
//! is never read.

use crate::limits::{HISTORY_ENTRIES_MAX, IDENTITIES_MAX, USER_TO_USER_BYTES_MAX};
use crate::number::Caller;
use crate::sip::header::{NameAddr, before_params, elements, is_token, trim};
use crate::sip::reader::{Message, Name};
use crate::sip::uri::{Scheme, UriView};
use std::fmt;

/// What an INVITE says about its caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Who calls: as the network asserts, else as From says; withheld when privacy is wanted.
    pub caller: Caller,
    /// The network asserts it.
    pub asserted: bool,
    /// Who sent the call on to us.
    pub diverted: Option<Diverted>,
    /// What the caller's side passes to the called one.
    pub user_to_user: Option<UserToUser>,
}

/// A call that was made to another number and sent on to ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diverted {
    /// Who sent it to us.
    pub by: Caller,
    /// Whom the caller dialled.
    pub original: Caller,
    /// Why, in the words of RFC 5806: `unconditional`, `user-busy`, `no-answer` …
    pub reason: Option<Box<str>>,
}

/// A User-to-User value with its parameters, fit to stand in a header again. It may be about a person: it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct UserToUser(Box<str>);

impl UserToUser {
    /// The value, to be handed on and for nothing else.
    pub fn secret(&self) -> &str {
        &self.0
    }

    fn read(message: &Message<'_>) -> Option<Self> {
        let value = message.value(Name::UserToUser)?;
        let fits = value.len() <= USER_TO_USER_BYTES_MAX
            && value.iter().all(|&byte| is_token(byte) || matches!(byte, b';' | b'=' | b'"'))
            && value.first().is_some_and(|&byte| is_token(byte) || byte == b'"');
        fits.then(|| Self(String::from_utf8_lossy(value).into()))
    }
}

impl fmt::Debug for UserToUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserToUser({} bytes)", self.0.len())
    }
}

impl Identity {
    /// From an INVITE and the URI of its From; `believed` when it comes from within our trust domain.
    pub fn read(message: &Message<'_>, from: &[u8], believed: bool) -> Self {
        let asserted = if believed { asserted(message) } else { None };
        Self {
            asserted: asserted.is_some(),
            caller: match wants_privacy(message) {
                true => Caller::new(""),
                false => asserted.unwrap_or_else(|| caller_of(from)),
            },
            diverted: if believed { diverted(message) } else { None },
            user_to_user: UserToUser::read(message),
        }
    }
}

/// A number before a name: a network may assert both `sip:` and `tel:` in one header (RFC 3325 §9.1).
fn asserted(message: &Message<'_>) -> Option<Caller> {
    let mut all = message
        .values(Name::AssertedIdentity)
        .flat_map(elements)
        .take(IDENTITIES_MAX)
        .filter_map(|value| NameAddr::parse(value).map(|address| caller_of(address.uri)))
        .filter(|caller| !caller.is_withheld());
    let first = all.next()?;
    let is_number = |caller: &Caller| caller.secret().bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
    if is_number(&first) {
        return Some(first);
    }
    Some(all.find(is_number).unwrap_or(first))
}

/// `id`, `user` and `header` all mean that nobody is to learn who called (RFC 3323 §4.2, RFC 3325 §9.3).
fn wants_privacy(message: &Message<'_>) -> bool {
    message.values(Name::Privacy).flat_map(|value| value.split(|&byte| matches!(byte, b';' | b','))).any(|word| {
        let word = trim(word);
        [&b"id"[..], b"user", b"header"].iter().any(|known| word.eq_ignore_ascii_case(known))
    })
}

/// Diversion where it is sent, because it says what it means; else what History-Info lets conclude.
fn diverted(message: &Message<'_>) -> Option<Diverted> {
    by_diversion(message).or_else(|| by_history(message))
}

/// The topmost value is the latest diversion, the last one the first (RFC 5806 §3.1).
fn by_diversion(message: &Message<'_>) -> Option<Diverted> {
    let mut values =
        message.values(Name::Diversion).flat_map(elements).take(HISTORY_ENTRIES_MAX).filter_map(NameAddr::parse);
    let shown = |address: &NameAddr<'_>| match address.params.get("privacy").map(unquoted) {
        Some(wish) if !wish.eq_ignore_ascii_case(b"off") => Caller::new(""),
        _ => caller_of(address.uri),
    };
    let latest = values.next()?;
    let by = shown(&latest);
    let original = values.last().map_or_else(|| by.clone(), |first| shown(&first));
    Some(Diverted { by, original, reason: latest.params.get("reason").and_then(word) })
}

/// Entries stand in the order of their index, the last one is the target that reached us. A proxy that only routes the
/// call on leaves its number as it was: such entries divert nothing.
fn by_history(message: &Message<'_>) -> Option<Diverted> {
    let entries: Vec<NameAddr<'_>> = message
        .values(Name::HistoryInfo)
        .flat_map(elements)
        .take(HISTORY_ENTRIES_MAX)
        .filter_map(NameAddr::parse)
        .collect();
    let (last, before) = entries.split_last()?;
    let reached = caller_of(last.uri);
    let mut others = before.iter().filter(|entry| caller_of(entry.uri) != reached);
    let original = others.next()?;
    let by = others.next_back().unwrap_or(original);
    let shown = |entry: &NameAddr<'_>| {
        let hidden = UriView::parse(entry.uri).is_ok_and(|view| {
            let wish = view
                .headers
                .split(|&byte| byte == b'&')
                .find(|header| header.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"Privacy=")));
            wish.is_some_and(|wish| !wish[8..].eq_ignore_ascii_case(b"none"))
        });
        if hidden { Caller::new("") } else { caller_of(entry.uri) }
    };
    let cause = UriView::parse(last.uri).ok().and_then(|view| view.param("cause"));
    Some(Diverted { by: shown(by), original: shown(original), reason: cause.and_then(reason_of) })
}

/// The redirecting reason of a `cause` in a URI (RFC 4458 §2.1, RFC 7544 §4).
fn reason_of(cause: &[u8]) -> Option<Box<str>> {
    let reason = match cause {
        b"302" => "unconditional",
        b"486" => "user-busy",
        b"408" => "no-answer",
        b"480" | b"487" => "deflection",
        b"503" => "unavailable",
        b"404" => "unknown",
        _ => return None,
    };
    Some(reason.into())
}

/// A token of a length that words have.
fn word(value: &[u8]) -> Option<Box<str>> {
    let value = unquoted(value);
    let fits = !value.is_empty() && value.len() <= 32 && value.iter().all(|&byte| is_token(byte));
    fits.then(|| String::from_utf8_lossy(value).to_ascii_lowercase().into())
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|inside| inside.strip_suffix(b"\"")).unwrap_or(value)
}

/// The number or name in a URI.
fn caller_of(uri: &[u8]) -> Caller {
    match UriView::parse(uri) {
        // `tel:` numbers are local ones to their context, which we are part of (RFC 3966 §5.1.5).
        Ok(view) if view.scheme == Scheme::Tel => Caller::new(&view.user_unescaped()),
        // `sip:+8210…;phone-context=…@host` carries a telephone number with its parameters (RFC 3261 §19.1.6).
        Ok(view) => Caller::new(view.user_unescaped().split(';').next().unwrap_or("")),
        Err(_) => Caller::new(""),
    }
}

/// `P-Early-Media: supported` (RFC 5009 §8): the peer lets sound before the answer through.
pub fn supports_early_media(message: &Message<'_>) -> bool {
    message
        .values(Name::EarlyMedia)
        .flat_map(elements)
        .any(|value| before_params(value).eq_ignore_ascii_case(b"supported"))
}

/// Whether a list header (Supported, Require, Allow …) holds a token, in any case.
pub fn lists(message: &Message<'_>, name: Name, token: &str) -> bool {
    message.values(name).flat_map(elements).any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
