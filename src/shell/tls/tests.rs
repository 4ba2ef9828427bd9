use super::*;
use crate::shell::certificates::{self, Authority, Life};
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ivr1357-tls-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

#[test]
fn a_certificate_is_for_its_sip_domains_else_for_its_dns_names() {
    let authority = Authority::new("test");
    for (written, found) in [
        (&["sbc.kt.example", "KT.example"][..], &["sbc.kt.example", "kt.example"][..]),
        (&["sbc.kt.example", "sip:kt.example"], &["kt.example"]),
        (&["sip:KT.example", "sip:alice@kt.example", "sips:lg.example"], &["kt.example"]),
        (&["sip:alice@kt.example", "kt.example"], &["kt.example"]),
        (&["192.0.2.1", "::1", "kt.example"], &["kt.example", "192.0.2.1", "::1"]),
        (&[], &[]),
    ] {
        let issued = authority.issue(written, Life::Long);
        assert_eq!(names(&der(&issued.certificate)), found, "{written:?}");
    }
    assert_eq!(names(b"no certificate"), Vec::<String>::new());
}

#[test]
fn a_server_is_believed_for_the_domain_that_was_wanted_and_no_other() {
    let (authority, stranger) = (Authority::new("test"), Authority::new("stranger"));
    let mut roots = RootCertStore::empty();
    roots.add(der(&authority.pem())).expect("an issuer");
    let verifier = DomainVerifier { roots, algorithms: provider().signature_verification_algorithms };
    let check = |issued: &certificates::Issued, wanted: &str| {
        let name = ServerName::try_from(wanted.to_owned()).expect("a name");
        verifier.verify_server_cert(&der(&issued.certificate), &[], &name, &[], UnixTime::now())
    };
    for (names, wanted, believed) in [
        (&["kt.example"][..], "kt.example", true),
        (&["kt.example"], "KT.EXAMPLE", true),
        (&["kt.example"], "lg.example", false),
        (&["kt.example"], "sbc.kt.example", false),
        (&["*.kt.example"], "sbc.kt.example", false),
        (&["sip:kt.example", "sbc.kt.example"], "kt.example", true),
        (&["sip:kt.example", "sbc.kt.example"], "sbc.kt.example", false),
        (&["192.0.2.1"], "192.0.2.1", true),
        (&["192.0.2.1"], "192.0.2.2", false),
        (&[], "subject.example", false),
    ] {
        let found = check(&authority.issue(names, Life::Long), wanted);
        assert_eq!(found.is_ok(), believed, "{names:?} for {wanted}: {found:?}");
    }
    assert!(check(&stranger.issue(&["kt.example"], Life::Long), "kt.example").is_err(), "an unknown issuer");
    assert!(check(&authority.issue(&["kt.example"], Life::Over), "kt.example").is_err(), "a certificate that ended");
}

#[test]
fn broken_files_are_named_and_a_reload_keeps_what_works() {
    let folder = folder("reload");
    let authority = Authority::new("test");
    let (certificate, key) = authority.issue(&["a.example"], Life::Long).write(&folder, "server");
    let files = TlsFiles { certificate: Some(certificate.clone()), key: Some(key.clone()), ..TlsFiles::default() };
    let tls = Tls::load(files.clone()).expect("loads");
    let served = || tls.current().server.clone().expect("a certificate");
    let first = served();
    std::fs::write(&certificate, "not PEM").expect("writes");
    let error = tls.reload().expect_err("no certificate in it");
    assert!(error.to_string().contains("tls.certificate") && error.to_string().contains("server.pem"), "{error}");
    authority.issue(&["b.example"], Life::Long).write(&folder, "other");
    std::fs::copy(folder.join("other.pem"), &certificate).expect("copies");
    let error = tls.reload().expect_err("the key is another's");
    assert!(error.to_string().contains("tls.key"), "{error}");
    authority.issue(&["c.example"], Life::Over).write(&folder, "server");
    let error = tls.reload().expect_err("it has ended");
    assert!(error.to_string().contains("days ago"), "{error}");
    assert!(Arc::ptr_eq(&served(), &first), "what works stays");
    authority.issue(&["d.example"], Life::Long).write(&folder, "server");
    tls.reload().expect("loads");
    assert!(!Arc::ptr_eq(&served(), &first));
    std::fs::remove_file(&key).expect("removes");
    let error = Tls::load(files).map(|_| ()).expect_err("no key");
    assert!(error.message[1].contains("cannot read tls.key"), "{error}");
    std::fs::remove_dir_all(folder).expect("removes");
}
