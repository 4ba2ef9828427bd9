//! Offers and answers of encrypted sound (RFC 4568, RFC 8643).

use super::*;

const PHONE: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn secure(security: Security) -> Local {
    Local { security, ..LOCAL }
}

/// What is answered: the taken protocol, and the line of `a=crypto` without its key; or why not.
fn met(security: Security, offer: &[u8]) -> String {
    match answer(offer, secure(security)) {
        Err(Refusal(why)) => format!("488 {why}"),
        Ok(answer) => {
            let media = lines(&answer.sdp, "m=").into_iter().find(|line| line.contains(" 16384 ")).expect("taken");
            let crypto = lines(&answer.sdp, "a=crypto:");
            assert!(crypto.len() <= 1 && crypto.is_empty() == answer.chosen.secured.is_none());
            let protocol = media.split(' ').nth(2).expect("a protocol").to_owned();
            crypto.iter().fold(protocol, |told, line| {
                let (shown, key) = line.split_once(" inline:").expect("a key");
                let secured = answer.chosen.secured.as_ref().expect("checked");
                assert!(key != PHONE && line.ends_with(&Crypto::new(secured.tag, secured.ours).line()), "our own key");
                assert_eq!(secured.ours, KEYS.of(secured.theirs.suite()));
                format!("{told} {}", shown.trim_start_matches("a=crypto:"))
            })
        }
    }
}

#[test]
fn encrypted_sound_is_agreed_on_as_the_trunk_wants_it() {
    use Security::{Either, Exposed, Never, Plain, Secure};
    let line = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{PHONE}");
    let (avp, savp) = (audio("RTP/AVP 8"), audio(&format!("RTP/SAVP 8\n{line}")));
    let savpf = audio(&format!("RTP/SAVPF 8\n{line}"));
    let tried = audio(&format!("RTP/AVP 8\n{line}"));
    let bare = audio("RTP/SAVP 8");
    let unusable =
        audio(&format!("RTP/SAVP 8\n{line} UNENCRYPTED_SRTP\na=crypto:2 F8_128_HMAC_SHA1_80 inline:{PHONE}"));
    let tried_in_vain = audio(&format!("RTP/AVP 8\n{line} KDR=1"));
    let second = audio(&format!(
        "RTP/SAVP 8\na=crypto:7 AES_256_CM_HMAC_SHA1_80 inline:{PHONE}AAAA\n{}",
        line.replace(":1 ", ":9 ")
    ));
    // RFC 4568 §4 and §9: with a lifetime, an MKI, parameters, and as many lines as one likes.
    let rfc = audio(&format!(
        "RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80\n inline:\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{PHONE}|2^20|1:32\n\
         a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{PHONE}|2^20|1:4 FEC_ORDER=FEC_SRTP"
    ));
    let gcm = audio("RTP/SAVP 8\na=crypto:4 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0OD1F1aWQgcHJvIHF1bw==");
    let both = audio(&format!("RTP/AVP 8\nm=audio 4002 RTP/SAVP 8\n{line}"));
    let in_session = sdp(&format!("v=0\nc=IN IP4 10.0.0.7\n{line}\nm=audio 4000 RTP/SAVP 8"));
    let shown = "488 the signalling would show the keys of SRTP: it is not TLS";
    let none = "488 no crypto line that we can use";
    let sha80 = "RTP/SAVP 1 AES_CM_128_HMAC_SHA1_80";
    for (name, offer, security, expected) in [
        ("plain", &avp, Plain, "RTP/AVP"),
        ("plain", &avp, Exposed, "RTP/AVP"),
        ("plain", &avp, Either, "RTP/AVP"),
        ("plain", &avp, Secure, "488 not SRTP, which this trunk requires"),
        ("plain", &avp, Never, shown),
        ("secure", &savp, Plain, "488 SRTP, which is off"),
        ("secure", &savp, Exposed, shown),
        ("secure", &savp, Either, sha80),
        ("secure", &savp, Secure, sha80),
        ("secure", &savp, Never, shown),
        ("secure with feedback", &savpf, Either, "RTP/SAVPF 1 AES_CM_128_HMAC_SHA1_80"),
        ("keys under plain RTP", &tried, Plain, "RTP/AVP"),
        ("keys under plain RTP", &tried, Exposed, "RTP/AVP"),
        ("keys under plain RTP", &tried, Either, "RTP/AVP 1 AES_CM_128_HMAC_SHA1_80"),
        ("keys under plain RTP", &tried, Secure, "488 not SRTP, which this trunk requires"),
        ("keys under plain RTP that we cannot use", &tried_in_vain, Either, "RTP/AVP"),
        ("secure without a key", &bare, Either, none),
        ("secure with keys that we cannot use", &unusable, Either, none),
        ("secure with keys that we cannot use", &unusable, Secure, none),
        ("a key before the media line", &in_session, Secure, none),
        ("a suite that is not ours first", &second, Secure, "RTP/SAVP 9 AES_CM_128_HMAC_SHA1_80"),
        ("the RFC's own", &rfc, Secure, "RTP/SAVP 2 AES_CM_128_HMAC_SHA1_32"),
        ("AES-GCM", &gcm, Secure, "RTP/SAVP 4 AEAD_AES_128_GCM"),
        ("plain, then secure", &both, Plain, "RTP/AVP"),
        ("plain, then secure", &both, Either, sha80),
        ("plain, then secure", &both, Secure, sha80),
    ] {
        assert_eq!(met(security, offer), expected, "{name}, {security:?}");
    }
    let chosen = answer(&rfc, secure(Secure)).expect("answered").chosen.secured.expect("secured");
    assert_eq!(chosen.mki, Some(crate::sdp::crypto::Mki { value: 1, length: 32 }));
    // Of several that would do the first is taken, however long the list: it is the one that its writer prefers (RFC 4568 §5.1.2).
    let several = audio(&format!(
        "RTP/SAVP 8\na=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{PHONE}\n{}",
        line.replace(":1 ", ":2 ")
    ));
    assert_eq!(met(Secure, &several), "RTP/SAVP 3 AES_CM_128_HMAC_SHA1_32");
    let many = format!("RTP/SAVP 8\n{}{line}", format!("{line} KDR=1\n").repeat(100));
    assert_eq!(met(Secure, &audio(&many)), sha80, "those that cannot be used take no room");
}

#[test]
fn our_offer_is_encrypted_where_it_must_be_and_stays_as_it_was_agreed() {
    let first = crate::sdp::offer_answer::offer(secure(Security::Secure), None).expect("an offer");
    assert_eq!(lines(&first.sdp, "m="), ["m=audio 16384 RTP/SAVP 8 0 101"]);
    let offered = lines(&first.sdp, "a=crypto:");
    let names: Vec<_> = offered.iter().map(|line| line.split(" inline:").next().expect("a name")).collect();
    let ours = ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_32"];
    let expected: Vec<_> = (1..).zip(ours).map(|(tag, name)| format!("a=crypto:{tag} {name}")).collect();
    assert_eq!(names, expected);

    let reply = |rest: &str| crate::sdp::offer_answer::accept(&audio(rest), LOCAL, &first.asked);
    let gcm = "AAECAwQFBgcICQoLDA0OD1F1aWQgcHJvIHF1bw==";
    let chosen = reply(&format!("RTP/SAVP 8\na=crypto:3 AEAD_AES_128_GCM inline:{gcm}")).expect("accepted");
    let secured = chosen.secured.clone().expect("secured");
    assert_eq!((secured.tag, secured.ours), (3, KEYS.of(Suite::AesGcm128)));
    for (rest, why) in [
        ("RTP/SAVP 8".to_owned(), "no crypto line that we can use"),
        ("RTP/AVP 8".to_owned(), "no crypto line that we can use"),
        (format!("RTP/SAVP 8\na=crypto:2 AEAD_AES_128_GCM inline:{gcm}"), "a crypto line that was not offered"),
        (format!("RTP/SAVP 8\na=crypto:5 AEAD_AES_128_GCM inline:{gcm}"), "a crypto line that was not offered"),
        (format!("UDP/TLS/RTP/SAVPF 8\na=crypto:3 AEAD_AES_128_GCM inline:{gcm}"), "neither RTP nor SRTP"),
    ] {
        assert_eq!(reply(&rest), Err(Refusal(why)), "{rest}");
    }
    // Offered again, it has the one key that is in use.
    let again = crate::sdp::offer_answer::offer(secure(Security::Secure), Some(&chosen)).expect("an offer");
    assert_eq!(again.asked.crypto, [Crypto::new(1, KEYS.of(Suite::AesGcm128))]);
    assert_eq!(lines(&again.sdp, "a=crypto:"), [format!("a=crypto:{}", again.asked.crypto[0].line())]);
    let plain = Chosen { secured: None, ..chosen.clone() };
    let tried = Chosen { secured: Some(Box::new(Secured { profile: false, ..*secured })), ..chosen };
    for (security, now, protocol) in [
        (Security::Plain, None, "RTP/AVP"),
        (Security::Exposed, None, "RTP/AVP"),
        (Security::Either, Some(&plain), "RTP/AVP"),
        (Security::Either, Some(&tried), "RTP/AVP"),
    ] {
        let offer = crate::sdp::offer_answer::offer(secure(security), now).expect("an offer");
        assert_eq!(lines(&offer.sdp, "m="), [format!("m=audio 16384 {protocol} 8 0 101")], "{security:?}");
        let keyed = now.is_some_and(|now| now.secured.is_some());
        assert_eq!((offer.asked.crypto.len(), lines(&offer.sdp, "a=crypto:").len()), (keyed.into(), keyed.into()));
    }
    assert_eq!(crate::sdp::offer_answer::offer(secure(Security::Never), None).map(|_| ()), Err(EXPOSED));
    // What was not offered is not accepted.
    let stranger = format!("RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{PHONE}");
    assert_eq!(accept(&audio(&stranger), Codecs::USUAL), Err(Refusal("SRTP, which was not offered")));
}

#[test]
fn where_srtp_is_optional_our_offer_asks_to_try_and_the_answer_says_whether_it_is_done() {
    // RFC 8643 §3.1: the profile of plain RTP, and the lines of SRTP.
    let first = crate::sdp::offer_answer::offer(secure(Security::Either), None).expect("an offer");
    assert_eq!(lines(&first.sdp, "m="), ["m=audio 16384 RTP/AVP 8 0 101"]);
    assert_eq!(lines(&first.sdp, "a=crypto:").len(), Suite::ALL.len());
    let reply = |rest: &str| crate::sdp::offer_answer::accept(&audio(rest), LOCAL, &first.asked);
    for protocol in ["RTP/AVP", "RTP/SAVP"] {
        let chosen = reply(&format!("{protocol} 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{PHONE}"));
        let secured = chosen.expect("accepted").secured.expect("secured");
        assert_eq!(secured.ours, KEYS.of(Suite::AesCm128Sha1Tag80), "{protocol}");
    }
    let plain = reply("RTP/AVP 8").expect("a telephone without SRTP has a call all the same");
    assert_eq!(plain.secured, None);
    let again = crate::sdp::offer_answer::offer(secure(Security::Either), Some(&plain)).expect("an offer");
    assert_eq!(lines(&again.sdp, "a=crypto:").len(), 0, "what is agreed stays");
    // Lines that we did not offer, or cannot use, are no plain answer.
    for rest in ["RTP/SAVP 8".to_owned(), format!("RTP/AVP 8\na=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{PHONE}")] {
        assert!(reply(&rest).is_err(), "{rest}");
    }
}
