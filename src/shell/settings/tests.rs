use super::*;
use crate::sip::Transport;
use crate::sip::trunk::{Credentials, Proof, Srtp, Strangers, TrunkId};

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Settings::from_sources(Some(("settings.toml", file)), environment).map_err(|error| error.to_string())
}

#[test]
fn nothing_set_is_the_defaults() {
    let settings = load("", &[]).expect("loads");
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.sip_listen, ["0.0.0.0:5060".parse().expect("an address")]);
}

#[test]
fn the_example_shows_the_defaults_and_every_key() {
    let example = include_str!("../../../settings.example.toml");
    assert_eq!(load(example, &[]).expect("loads"), Settings::default());
    let all: String = example.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let is_key = |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let lines: Vec<&str> = all.lines().filter(|line| line.starts_with('[') || is_key(line)).collect();
    let settings = load(&lines.join("\n"), &[]).expect("every commented line is right, too");
    assert!(settings.hash_key.is_some() && settings.clock_start.is_some());
    assert_eq!(settings.peers.trunks.len(), 3);
    let mut table = "";
    let mut shown = std::collections::BTreeSet::new();
    for line in &lines {
        match line.strip_prefix('[') {
            Some(name) => table = name.split([']', '.']).next().unwrap_or_default(),
            None => drop(shown.insert(format!("{table}.{}", line.split(" = ").next().unwrap_or_default()))),
        }
    }
    for key in KEYS.iter().filter(|key| !key.starts_with("trunk.") && !key.starts_with("speech.")) {
        assert!(shown.contains(*key), "{key} is not in the example");
    }
    for field in trunk::KEYS.iter().filter(|field| !field.ends_with("password_file")) {
        assert!(shown.contains(&format!("trunk.{field}")), "{field} of a trunk is not in the example");
    }
    for field in speech::KEYS {
        assert!(shown.contains(&format!("speech.{field}")), "{field} of a voice is not in the example");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let file = "[sip]\nlisten = \"0.0.0.0:5080\"\n[media]\nports = \"20000-20999\"\nworkers = 3\n";
    let settings =
        load(file, &[("IVR1357__SIP__LISTEN", "127.0.0.1:5070, [::1]:5070"), ("OTHER", "x")]).expect("loads");
    let listen: Vec<_> = settings.sip_listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:5070", "[::1]:5070"]);
    assert_eq!((settings.media_ports, settings.media_workers), (20000..=20999, 3));
}

#[test]
fn a_language_has_a_voice_of_its_own() {
    let file =
        "[speech.ko]\ncommand = [\"piper\", \"--model\", \"ko.onnx\", \"-f\", \"{out}\"]\n[speech.vi]\nspeed = 140\n";
    let settings = load(file, &[("IVR1357__SPEECH__EN__SPEED_OF_PARTS", "170")]).expect("loads");
    assert_eq!(settings.voice("ko").command[0], "piper");
    assert_eq!(settings.voice("ko").speed, Voice::of_language("ko").speed);
    assert_eq!((settings.voice("vi").speed, settings.voice("en").speed_of_parts), (140, 170));
    assert_eq!(settings.voice("zh"), Voice::of_language("zh"));
    for (file, told) in [
        ("speech = 1", "a voice is a table"),
        ("[speech]\nko = \"x\"", "a voice is a table"),
        ("[speech.English]\nspeed = 140", "is no language"),
        ("[speech.ko]\ncommand = []", "standard input"),
        ("[speech.ko]\nspeed = 0", "words a minute"),
        ("[speech.ko]\nsped = 100", "did you mean `speed`?"),
    ] {
        let error = load(file, &[]).expect_err(file);
        assert!(error.contains(told), "{file}: {error}");
    }
}

#[test]
fn the_clock_starts_at_a_time_with_and_without_seconds() {
    for text in ["2026-11-24T10:00+09:00", "2026-11-24T10:00:00+09:00", "2026-11-24T01:00:00Z"] {
        let settings = load("", &[("IVR1357__CLOCK__START", text)]).expect(text);
        assert_eq!(settings.clock_start, Some(Wall::from_micros(1_795_482_000_000_000)), "{text}");
    }
}

#[test]
fn every_key_of_a_trunk_reaches_it() {
    let file = "[trunk.kt]\naddresses = [\"192.0.2.10\", \"198.51.100.0/24\"]\ntransport = \"TCP\"\nproxy = \"sip:sbc.kt.example\"\n\
        user = \"1357\"\nrealm = \"kt.example\"\nregistrar = \"sip:kt.example\"\naddress_of_record = \"sip:1357@kt.example\"\n\
        expires = \"10m\"\nkeepalive = \"25s\"\ncalls = 120\ncalls_per_second = 10\nearly_media = true\ntrusted = true\nsrtp = \"optional\"\nsrtp_over_plain = true\ndigest.user = \"kt\"\n\
        digest.password = \"theirs\"\n[sip]\nstrangers = 403\n";
    let settings = load(file, &[("IVR1357__TRUNK__KT__PASSWORD", "secret")]).expect("loads");
    assert_eq!(settings.peers.strangers, Strangers::Forbidden);
    let [kt] = &settings.peers.trunks[..] else { panic!("one trunk") };
    let networks: Vec<_> = kt.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["192.0.2.10/32", "198.51.100.0/24"]);
    assert_eq!(kt.transport, Some(Transport::Tcp));
    assert_eq!((kt.srtp, kt.srtp_over_plain), (Some(Srtp::Optional), Some(true)));
    assert_eq!(kt.proxy.as_ref().map(|proxy| proxy.host()), Some("sbc.kt.example"));
    let ours =
        Credentials { realm: Some("kt.example".to_owned()), user: "1357".to_owned(), password: "secret".to_owned() };
    assert_eq!(kt.credentials, Some(ours));
    let theirs = Credentials { realm: None, user: "kt".to_owned(), password: "theirs".to_owned() };
    assert_eq!(kt.proof, Proof::Digest(theirs));
    let registration = kt.registration.as_ref().expect("a registration");
    assert_eq!((registration.address.user().as_str(), registration.expires), ("1357", Duration::from_secs(600)));
    assert_eq!(registration.keepalive, Some(Duration::from_secs(25)));
    assert_eq!((kt.calls, kt.calls_per_second, kt.early_media, kt.trusted), (Some(120), Some(10), true, true));
}

#[test]
fn a_password_may_stand_in_a_file_of_its_own() {
    let file = std::env::temp_dir().join(format!("ivr1357-password-{}", std::process::id()));
    std::fs::write(&file, "from the file\n").expect("writes");
    let text = format!(
        "[trunk.kt]\naddresses = \"192.0.2.10\"\nuser = \"1357\"\npassword_file = {:?}\n",
        file.display().to_string()
    );
    let settings = load(&text, &[]);
    std::fs::remove_file(&file).expect("removes");
    let settings = settings.expect("loads");
    assert_eq!(settings.peers.trunks[0].credentials.as_ref().map(|ours| ours.password.as_str()), Some("from the file"));
    let error = load(&text, &[]).expect_err("the file is gone");
    assert!(error.contains("`trunk.kt.password_file`: cannot read"), "{error}");
}

#[test]
fn a_registrar_is_proof_enough() {
    let file = "[trunk.kt]\nregistrar = \"sip:kt.example\"\naddress_of_record = \"sip:1357@kt.example\"\n";
    let settings = load(file, &[]).expect("loads");
    assert!(settings.peers.trunks[0].networks.is_empty());
}

#[test]
fn a_trunk_is_encrypted_as_it_says_or_as_everybody_is_and_keys_go_by_tls_unless_the_settings_say_otherwise() {
    let file = "[media]\nsrtp = \"optional\"\n[sip]\ntls = \"127.0.0.1:5061\"\n[tls]\ncertificate = \"a\"\nkey = \"b\"\n\
        [trunk.a]\naddresses = \"192.0.2.1\"\n[trunk.b]\naddresses = \"192.0.2.2\"\nsrtp = \"required\"\ntransport = \"tls\"\n\
        [trunk.c]\naddresses = \"192.0.2.3\"\nsrtp = \"off\"\nsrtp_over_plain = true\n";
    let peers = load(file, &[]).expect("loads").peers;
    for (trunk, transport, means) in [
        (None, Transport::Udp, (Srtp::Optional, false)),
        (None, Transport::Tls, (Srtp::Optional, true)),
        (Some(0), Transport::Tcp, (Srtp::Optional, false)),
        (Some(0), Transport::Tls, (Srtp::Optional, true)),
        (Some(1), Transport::Tls, (Srtp::Required, true)),
        (Some(2), Transport::Udp, (Srtp::Off, true)),
    ] {
        assert_eq!(peers.srtp(trunk.map(TrunkId), transport), means, "{trunk:?} {transport:?}");
    }
    let everybody = |more: &str| load(&format!("[media]\nsrtp = \"required\"\n{more}"), &[]);
    assert!(everybody("").expect_err("no TLS").to_string().contains("no call can bring its keys"));
    assert!(everybody("srtp_over_plain = true\n").is_ok());
}

#[test]
fn what_makes_no_trunk_is_told_and_no_secret_is_repeated() {
    for (lines, part) in [
        ("", "nothing proves that a peer is `trunk.kt`"),
        ("proxy = \"sip:kt.example\"", "nothing proves that a peer is `trunk.kt`"),
        ("transport = \"sctp\"", "`trunk.kt.transport = \"sctp\"` cannot be used"),
        ("digest.user = \"kt\"", "`trunk.kt.digest.password` is missing"),
        ("digest.password = \"hidden\"", "`trunk.kt.digest.user` is missing"),
        ("addresses = \"192.0.2.1\"\npassword = \"hidden\"", "`trunk.kt.user` is missing"),
        ("addresses = \"192.0.2.1\"\nuser = \"a\"\npassword = \"hidden\"\npassword_file = \"x\"", "are both given"),
        ("addresses = \"192.0.2.1/33\"", "`trunk.kt.addresses = \"192.0.2.1/33\"` cannot be used"),
        ("addresses = \"192.0.2.1\"\nregistrar = \"sip:kt.example\"", "has half a registration"),
        ("addresses = \"192.0.2.1\"\nkeepalive = \"25s\"", "has half a registration"),
        ("addresses = \"192.0.2.1\"\nkeepalive = \"1s\"", "`trunk.kt.keepalive = \"1s\"` cannot be used"),
        ("addresses = \"192.0.2.1\"\nsrtp = \"on\"", "`trunk.kt.srtp = \"on\"` cannot be used"),
        ("addresses = \"192.0.2.1\"\nsrtp_over_plain = 3", "`trunk.kt.srtp_over_plain = \"3\"` cannot be used"),
        (
            "addresses = \"192.0.2.1\"\ntransport = \"udp\"\nsrtp = \"required\"",
            "`trunk.kt` requires SRTP, and its signalling would show the keys",
        ),
        ("addresses = \"192.0.2.1\"\nadresses = \"192.0.2.1\"", "did you mean `addresses`?"),
        ("addresses = \"192.0.2.1\"\nproxy = \"tel:1357\"", "`trunk.kt.proxy = \"tel:1357\"` cannot be used"),
        ("addresses = \"192.0.2.1\"\ntransport = \"tls\"", "`trunk.kt` uses TLS, and there is none"),
        ("certificate = \"sbc.kt.example\"", "`trunk.kt` cannot show its certificate"),
        ("certificate = \"*.kt.example\"", "no wildcard"),
        ("certificate = \"kt.example\"\ntransport = \"udp\"", "`trunk.kt.certificate` can never be seen"),
        ("certificate = \"kt.example\"\ndigest.user = \"a\"\ndigest.password = \"hidden\"", "has two proofs"),
    ] {
        let error = load(&format!("[trunk.kt]\n{lines}\n"), &[]).expect_err(lines);
        assert!(error.contains(part), "{part:?} is missing for {lines}\n{error}");
        assert!(error.contains("--> settings.toml") && !error.contains("hidden"), "{error}");
    }
}

#[test]
fn listeners_and_tls_must_fit_together() {
    let tls = "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
    for (file, part) in [
        ("[sip]\nlisten = [\"127.0.0.1:5060\", \"127.0.0.1:5060\"]", "`sip.listen` names 127.0.0.1:5060 twice"),
        ("[sip]\nlisten = [\"0.0.0.0:5060\", \"127.0.0.1:5060\"]", "0.0.0.0:5060 listens there already"),
        (&format!("[sip]\ntls = \"0.0.0.0:5060\"\n{tls}"), "`sip.tls` names 0.0.0.0:5060 twice"),
        ("[sip]\ntls = \"0.0.0.0\"", "`sip.tls` has no certificate to show"),
        ("[tls]\ncertificate = \"a.pem\"", "`tls.key` is missing"),
        ("[tls]\nrequire_client = true", "`tls.require_client` has nobody to believe"),
        (
            "[sip]\nadvertise = \"10.0.0.1:5060=203.0.113.5\"",
            "`sip.advertise` is for 10.0.0.1:5060, and nothing listens there",
        ),
        ("[sip]\nadvertise = \"0.0.0.0\"", "`sip.advertise = \"0.0.0.0\"` cannot be used"),
        ("[sip]\nsession_least = \"1h\"", "refuses what we ask for ourselves"),
    ] {
        let error = load(file, &[]).expect_err(file);
        assert!(error.contains(part), "{part:?} is missing for {file}\n{error}");
    }
    let both = format!("[sip]\nlisten = [\"0.0.0.0:5060\", \"[::]:5060\"]\ntls = [\"0.0.0.0\", \"[::]\"]\n{tls}");
    let settings = load(&both, &[]).expect("two families and TLS on its own port");
    let listen: Vec<_> = settings.sip_tls.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["0.0.0.0:5061", "[::]:5061"]);
}

#[test]
fn every_mistake_is_told_with_its_source_and_a_fix() {
    let file = "[sip]\nlisen = \"x\"\nlisten = \"127.0.0.1\"\n[records]\nhash_key = \"short\"\n";
    let environment = [("IVR1357__MEDIA__PORTS", "20001-20002"), ("IVR1357__CLOCK__START", "10:00")];
    let error = load(file, &environment).expect_err("mistakes");
    for part in [
        "`sip.lisen` is not a setting\n  --> settings.toml\n  help: did you mean `sip.listen`?",
        "`sip.listen = \"127.0.0.1\"` cannot be used\n  --> settings.toml\n  help: the port is missing",
        "`records.hash_key` is too short",
        "  --> environment variable IVR1357__MEDIA__PORTS\n  help: two ports",
        "`clock.start = \"10:00\"` cannot be used\n  --> environment variable IVR1357__CLOCK__START",
    ] {
        assert!(error.contains(part), "{part:?} is missing in\n{error}");
    }
    assert!(!error.contains("short\""), "a secret is not repeated");
}

#[test]
fn a_file_that_is_not_toml_is_an_error_with_its_line() {
    let error = load("[sip\nlisten", &[]).expect_err("a mistake");
    assert!(error.contains("settings.toml") && error.contains("line 1"), "{error}");
}

#[test]
fn the_usual_mistakes_are_told_in_korean() {
    let told = |file: &str| {
        let error = Settings::from_sources(Some(("settings.toml", file)), BTreeMap::new()).expect_err(file);
        error.told(Language::Korean)
    };
    for (file, part) in [
        (
            "[sip]\nlisen = \"x\"\n",
            "`sip.lisen` 라는 설정은 없습니다\n  --> settings.toml\n  고치는 법: 혹시 `sip.listen` 인가요?",
        ),
        (
            "[media]\nworkers = 0\n",
            "`media.workers = \"0\"` 은(는) 쓸 수 없는 값입니다\n  --> settings.toml\n  고치는 법: ",
        ),
        ("[sip\nlisten", "설정을 TOML 로 읽을 수 없습니다: "),
        (
            "[trunk.kt]\npassword_file = \"/nowhere/kt\"\n",
            "/nowhere/kt 을(를) 읽을 수 없습니다: 그런 파일이나 폴더가 없습니다",
        ),
    ] {
        assert!(told(file).contains(part), "{part:?} is missing in\n{}", told(file));
    }
    let missing = Settings::load(Some(Path::new("/nowhere/settings.toml"))).expect_err("no such file");
    let told = missing.told(Language::Korean);
    assert!(told.starts_with("설정을 읽을 수 없습니다: 그런 파일이나 폴더가 없습니다 (os error 2)\n"), "{told}");
}

#[test]
fn one_core_still_has_a_media_worker() {
    assert_eq!([1, 2, 8].map(workers_for), [1, 1, 7]);
}
