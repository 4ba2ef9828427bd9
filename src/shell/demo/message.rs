//! SIP messages as the demo's caller reads and writes them: raw text, no code shared with the engine.

/// A message taken apart just enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    /// Request line or status line.
    pub start: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Message {
    /// Reads a datagram; `None` when it is not SIP.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        if !start.contains("SIP/2.0") {
            return None;
        }
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { start, headers, body: body.to_owned() })
    }

    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All headers of this name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The status of a response; `None` for a request.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    /// The method of a request, or of the request a response answers.
    pub fn method(&self) -> &str {
        match self.status() {
            Some(_) => self.header("cseq").split_whitespace().nth(1).unwrap_or_default(),
            None => self.start.split(' ').next().unwrap_or_default(),
        }
    }

    /// The number in CSeq.
    pub fn sequence(&self) -> u32 {
        self.header("cseq").split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// What a ladder says of it: `REFER`, `200 OK (INVITE)`.
    pub fn label(&self) -> String {
        match self.start.strip_prefix("SIP/2.0 ") {
            Some(status) => format!("{status} ({})", self.method()),
            None => self.method().to_owned(),
        }
    }
}

/// What stands between `<` and `>`, or all of it without parameters.
pub(super) fn address(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// A Refer-To address: the URI to call, and the headers that its `?` part asks for (RFC 3261 §19.1.1).
pub(super) fn refer_target(refer_to: &str) -> (String, Vec<(String, String)>) {
    let uri = address(refer_to);
    let (target, headers) = uri.split_once('?').unwrap_or((uri, ""));
    let headers = headers
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect();
    (target.to_owned(), headers)
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let code = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                bytes.push(code.unwrap_or(b'?'));
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refer_to_gives_the_target_and_the_headers_for_the_centre() {
        let (target, headers) = refer_target("<sip:kosmes@127.0.0.1:5070?User-to-User=6d31%3Bencoding%3Dhex>");
        assert_eq!(target, "sip:kosmes@127.0.0.1:5070");
        assert_eq!(headers, [("User-to-User".to_owned(), "6d31;encoding=hex".to_owned())]);
        assert_eq!(refer_target("sip:a@b"), ("sip:a@b".to_owned(), Vec::new()));
    }

    #[test]
    fn a_response_knows_its_status_and_method() {
        let message =
            Message::read(b"SIP/2.0 200 OK\r\nCSeq: 7 INVITE\r\nVia: a\r\nvia: b\r\n\r\nv=0\r\n").expect("SIP");
        assert_eq!((message.status(), message.method(), message.sequence()), (Some(200), "INVITE", 7));
        assert_eq!(message.all("via").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((message.label().as_str(), message.body.as_str()), ("200 OK (INVITE)", "v=0\r\n"));
        assert_eq!(Message::read(b"\x80\x00 noise"), None);
    }
}
