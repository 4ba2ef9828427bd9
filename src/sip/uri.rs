//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). (First cut: the reader replaces the inside.)

use std::fmt;
use std::str::FromStr;

/// A `sip:`, `sips:` or `tel:` URI.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipUri(String);

/// Why a text is not a URI we can use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UriError(pub &'static str);

impl FromStr for SipUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.starts_with("sip:") { Ok(Self(text.to_owned())) } else { Err(UriError("no sip: scheme")) }
    }
}

impl SipUri {
    /// The user part, unescaped; empty when there is none. For `tel:` the number.
    pub fn user(&self) -> String {
        self.0[4..].split('@').next().unwrap_or("").to_owned()
    }

    /// The host: a name, an IPv4 address or an IPv6 address in brackets; empty for `tel:`.
    pub fn host(&self) -> &str {
        self.0.split('@').nth(1).unwrap_or("").split([':', ';']).next().unwrap_or("")
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        None
    }

    /// The same URI with another host (its port and parameters stay).
    pub fn with_host(&self, _host: &str) -> Self {
        self.clone()
    }

    /// The same URI with one more header (`?name=value`), escaped (RFC 3261 §19.1.2).
    pub fn with_header(&self, _name: &str, _value: &str) -> Self {
        self.clone()
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
