//! Keys and packets of the RFCs.

use super::*;
use crate::media::srtp::tests::{bytes, known};

fn array<const LENGTH: usize>(hex: &str) -> [u8; LENGTH] {
    bytes(hex).try_into().expect("as long as it should be")
}

#[test]
fn the_keystream_is_that_of_rfc_3711_b2() {
    let aes = Aes128::new(&array::<16>("2B7E151628AED2A6ABF7158809CF4F3C").into());
    let salt = array("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    let mut stream = vec![0; 0xff02 * 16];
    counter(&aes, &salt, Place { ssrc: 0, number: 0 }, &mut stream);
    for (block, expected) in [
        (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(stream[block * 16..][..16], bytes(expected), "block {block:#x}");
    }
}

#[test]
fn session_keys_are_those_of_rfc_3711_b3() {
    let master = known(Suite::AesCm128Sha1Tag80);
    assert_eq!(derived::<16>(&master, 0).to_vec(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived::<14>(&master, 2).to_vec(), bytes("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(
        derived::<94>(&master, 1).to_vec(),
        bytes(
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE
             E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25
             6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2"
        )
    );
}

#[test]
fn aes_gcm_packets_are_those_of_rfc_7714() {
    let salt = array("517569642070726f2071756f");
    let all = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let gcm128 = Cipher::Gcm128 { aead: Aes128Gcm::new(&array::<16>(&all[..32]).into()), salt };
    let gcm256 = Cipher::Gcm256 { aead: Box::new(Aes256Gcm::new(&array::<32>(all).into())), salt };
    let sound = bytes(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573",
    );
    let report = bytes(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    for (cipher, sealed_sound, sealed_report) in [
        // §16.1.1 and §17.1
        (
            gcm128,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833
             899d7f27 beb16a91 52cf765e e4390cce",
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
             0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        ),
        // §16.2.1 and §17.3
        (
            gcm256,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b
             7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047
             6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        ),
    ] {
        let place = Place { ssrc: 0x5501_a0b2, number: 0xf17b };
        let mut buffer = [&sound[..], &[0; 16]].concat();
        assert_eq!(cipher.seal_sound(&mut buffer, 12, sound.len(), place), Some(buffer.len()));
        assert_eq!(buffer, bytes(sealed_sound));
        assert_eq!(cipher.open_sound(&mut buffer, 12, place, None), Ok(sound.len()));
        assert_eq!(buffer[..sound.len()], sound);

        let place = Place { ssrc: 0x4d61_7273, number: 0x5d4 };
        let mut buffer = [&report[..], &[0; 20]].concat();
        assert_eq!(cipher.seal_report(&mut buffer, report.len(), place), Some(buffer.len()));
        assert_eq!(buffer, bytes(sealed_report));
        assert_eq!(cipher.number_of_report(&buffer, None), Some(0x5d4));
        assert_eq!(cipher.open_report(&mut buffer, place, None), Ok(report.len()));
        assert_eq!(buffer[..report.len()], report);
    }
}
