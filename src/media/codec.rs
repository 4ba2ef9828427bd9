//! G.711 A-law and µ-law, as the reference code of ITU-T G.191 computes them.
//!
//! Prompts are encoded once at load, so the plain computation serves; nothing here runs per packet.

use crate::sdp::Codec;

/// The sample that means silence on the wire (linear 0).
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
    }
}

/// 16-bit linear to A-law (ITU-T G.711, table 1).
pub fn encode_alaw(sample: i16) -> u8 {
    // One's complement for negative samples, as in G.191: zero and minus one mirror each other.
    let mut magnitude = (if sample < 0 { !sample } else { sample }) >> 4;
    if magnitude > 15 {
        let mut exponent = 1;
        while magnitude > 31 {
            magnitude >>= 1;
            exponent += 1;
        }
        magnitude = magnitude - 16 + (exponent << 4);
    }
    let sign = if sample < 0 { 0 } else { 0x80 };
    // Even bits are inverted on the line (G.711 §3.1).
    (magnitude as u8 | sign) ^ 0x55
}

/// 16-bit linear to µ-law (ITU-T G.711, table 2).
pub fn encode_ulaw(sample: i16) -> u8 {
    let magnitude = ((if sample < 0 { !sample } else { sample }) >> 2) + 33;
    let magnitude = magnitude.min(0x1fff);
    // 33..=0x1fff has its highest bit at 5..=12: segments 0..=7.
    let segment = 10 - magnitude.leading_zeros() as i16;
    let mantissa = (magnitude >> (segment + 1)) & 0xf;
    let sign = if sample < 0 { 0 } else { 0x80 };
    // All bits but the sign are inverted (G.711 §3.2).
    (((7 - segment) << 4) | (15 - mantissa)) as u8 | sign
}

/// A-law to 16-bit linear: the middle of the interval.
pub fn decode_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = i16::from((code >> 4) & 7);
    let mantissa = i16::from(code & 0xf);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => (((mantissa + 16) << 4) + 8) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// µ-law to 16-bit linear: the middle of the interval.
pub fn decode_ulaw(code: u8) -> i16 {
    let inverted = !code;
    let exponent = i32::from((inverted >> 4) & 7);
    let mantissa = i32::from(inverted & 0xf);
    let magnitude = ((((mantissa << 3) + 0x84) << exponent) - 0x84) as i16;
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of G.711 tables 1 and 2, with the bits as they stand on the line.
    #[test]
    fn known_values_are_encoded_as_the_standard_has_them() {
        for (sample, alaw, ulaw) in [
            (0, 0xd5, 0xff),
            (-1, 0x55, 0x7f),
            (32767, 0xaa, 0x80),
            (-32768, 0x2a, 0x00),
            // Inside the first segment, at the edge of a middle one, at the edge of the last.
            (16, 0xd4, 0xfd),
            (1024, 0xe5, 0xcd),
            (16384, 0xa5, 0x8f),
            (-16384, 0x3a, 0x0f),
        ] {
            assert_eq!((encode_alaw(sample), encode_ulaw(sample)), (alaw, ulaw), "{sample}");
        }
        assert_eq!((silence(Codec::Pcma), silence(Codec::Pcmu)), (encode_alaw(0), encode_ulaw(0)));
    }

    #[test]
    fn every_code_survives_the_way_there_and_back() {
        for code in 0..=255u8 {
            assert_eq!(encode_alaw(decode_alaw(code)), code, "A-law {code:#x}");
            // µ-law has two zeros; the negative one comes back as the positive.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode_ulaw(decode_ulaw(code)), expected, "µ-law {code:#x}");
        }
    }

    #[test]
    fn no_sample_is_off_by_more_than_half_its_interval() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let error = |decoded: i16| (i32::from(decoded) - i32::from(sample)).abs();
            // An interval is a sixteenth of its segment; beyond the last segment µ-law clips.
            assert!(error(decode_alaw(encode_alaw(sample))) <= (magnitude / 32).max(8) + 1, "A-law {sample}");
            assert!(error(decode_ulaw(encode_ulaw(sample))) <= (magnitude + 132) / 32 + 4, "µ-law {sample}");
        }
    }

    #[test]
    fn louder_never_decodes_as_softer() {
        let decoded = |law: fn(i16) -> i16| (i16::MIN..=i16::MAX).map(law).is_sorted();
        assert!(decoded(|sample| decode_alaw(encode_alaw(sample))));
        assert!(decoded(|sample| decode_ulaw(encode_ulaw(sample))));
    }
}
