//! SIP status codes (RFC 3261 §21).
//!
//! The registry of reason phrases is the `rsip` crate's; it names codes in CamelCase (`NotFound`), so the phrases
//! are spaced once at first use, and the few that read differently in the RFC are named here.

use std::fmt;
use std::sync::LazyLock;

/// A status code, 100 to 699.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StatusCode(u16);

impl StatusCode {
    /// 100 Trying.
    pub const TRYING: Self = Self(100);
    /// 183 Session Progress.
    pub const SESSION_PROGRESS: Self = Self(183);
    /// 200 OK.
    pub const OK: Self = Self(200);
    /// 202 Accepted (RFC 3515 §2.4.2).
    pub const ACCEPTED: Self = Self(202);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 401 Unauthorized.
    pub const UNAUTHORIZED: Self = Self(401);
    /// 403 Forbidden.
    pub const FORBIDDEN: Self = Self(403);
    /// 404 Not Found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 406 Not Acceptable.
    pub const ACCEPT_NOT_MET: Self = Self(406);
    /// 407 Proxy Authentication Required.
    pub const PROXY_AUTHENTICATION: Self = Self(407);
    /// 408 Request Timeout.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 415 Unsupported Media Type.
    pub const UNSUPPORTED_MEDIA: Self = Self(415);
    /// 416 Unsupported URI Scheme.
    pub const UNSUPPORTED_SCHEME: Self = Self(416);
    /// 420 Bad Extension.
    pub const BAD_EXTENSION: Self = Self(420);
    /// 422 Session Interval Too Small (RFC 4028 §6).
    pub const INTERVAL_TOO_SMALL: Self = Self(422);
    /// 423 Interval Too Brief.
    pub const INTERVAL_TOO_BRIEF: Self = Self(423);
    /// 480 Temporarily Unavailable.
    pub const TEMPORARILY_UNAVAILABLE: Self = Self(480);
    /// 481 Call/Transaction Does Not Exist.
    pub const NO_DIALOG: Self = Self(481);
    /// 482 Loop Detected; also the answer to a merged request (RFC 3261 §8.2.2.2).
    pub const LOOP_DETECTED: Self = Self(482);
    /// 486 Busy Here.
    pub const BUSY: Self = Self(486);
    /// 487 Request Terminated.
    pub const TERMINATED: Self = Self(487);
    /// 488 Not Acceptable Here.
    pub const NOT_ACCEPTABLE: Self = Self(488);
    /// 489 Bad Event.
    pub const BAD_EVENT: Self = Self(489);
    /// 491 Request Pending.
    pub const REQUEST_PENDING: Self = Self(491);
    /// 500 Server Internal Error.
    pub const INTERNAL: Self = Self(500);
    /// 501 Not Implemented.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503 Service Unavailable.
    pub const UNAVAILABLE: Self = Self(503);
    /// 504 Server Time-out.
    pub const SERVER_TIMEOUT: Self = Self(504);
    /// 505 Version Not Supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);
    /// 603 Decline.
    pub const DECLINE: Self = Self(603);

    /// A code in 100–699.
    pub fn new(code: u16) -> Option<Self> {
        (100..700).contains(&code).then_some(Self(code))
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx.
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }

    /// The reason phrase of the registry; for a code without one, that of its class.
    pub fn reason(self) -> &'static str {
        REASONS.get(usize::from(self.0) - 100).map_or("", String::as_str)
    }
}

/// The phrases of 100 to 699.
static REASONS: LazyLock<Vec<String>> = LazyLock::new(|| (100..700).map(phrase).collect());

fn phrase(code: u16) -> String {
    // Where the RFC's phrase is not the crate's name with spaces.
    match code {
        202 => return "Accepted".to_owned(),
        414 => return "Request-URI Too Long".to_owned(),
        416 => return "Unsupported URI Scheme".to_owned(),
        481 => return "Call/Transaction Does Not Exist".to_owned(),
        504 => return "Server Time-out".to_owned(),
        606 => return "Not Acceptable".to_owned(),
        _ => {}
    }
    let name = match rsip::StatusCode::from(code) {
        rsip::StatusCode::Other(..) if code.is_multiple_of(100) => return "Unknown".to_owned(),
        rsip::StatusCode::Other(..) => return phrase(code / 100 * 100),
        rsip::StatusCode::OK => return "OK".to_owned(),
        known => known.to_string(),
    };
    let mut spaced = String::new();
    // `404 NotFound`: the number, a space, the name.
    for character in name.chars().skip(4) {
        if character.is_ascii_uppercase() && !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push(character);
    }
    spaced
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_phrases_are_those_of_the_rfc() {
        for (code, phrase) in [
            (100, "Trying"),
            (200, "OK"),
            (202, "Accepted"),
            (400, "Bad Request"),
            (404, "Not Found"),
            (405, "Method Not Allowed"),
            (481, "Call/Transaction Does Not Exist"),
            (487, "Request Terminated"),
            (488, "Not Acceptable Here"),
            (491, "Request Pending"),
            (500, "Server Internal Error"),
            (501, "Not Implemented"),
            (503, "Service Unavailable"),
            (505, "Version Not Supported"),
            (603, "Decline"),
            (499, "Bad Request"),
        ] {
            assert_eq!(StatusCode::new(code).map(StatusCode::reason), Some(phrase), "{code}");
        }
    }

    #[test]
    fn codes_outside_the_six_classes_do_not_exist() {
        for code in [0, 5, 99, 700, u16::MAX] {
            assert_eq!(StatusCode::new(code), None, "{code}");
        }
    }
}
