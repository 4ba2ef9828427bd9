//! Why a description does not do, for whoever reads the trace (RFC 3261 §20.43).

/// The header line. 399 is for people: no machine may act on it. The agent that warns has a name here instead of its address.
pub fn warning(why: &str) -> Vec<u8> {
    let mut line = b"Warning: 399 ivr1357 \"".to_vec();
    for byte in why.bytes() {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', byte]),
            b' '..=b'~' => line.push(byte),
            _ => line.push(b'?'),
        }
    }
    line.extend_from_slice(b"\"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_within_its_quotes_and_its_line() {
        assert_eq!(warning("no codec that we speak"), b"Warning: 399 ivr1357 \"no codec that we speak\"\r\n");
        assert_eq!(warning("a \"b\" \\ c\r\nX: y"), b"Warning: 399 ivr1357 \"a \\\"b\\\" \\\\ c??X: y\"\r\n");
    }
}
