//! TLS (RFC 3261 §26.2, RFC 5922): our certificates out of their files, and the names in those of peers.
//!
//! A peer that we connect to must show a certificate for the very domain that led us to it; one that connects to us is whoever
//! its certificate names, when `tls.client_ca` says who may issue one. TLS 1.2 and 1.3. Connections belong to `tcp`.

#[cfg(test)]
mod tests;

use crate::limits::CERTIFICATE_NAMES_MAX;
use crate::routing::Language;
use crate::shell::reason;
use crate::shell::settings::TlsFiles;
use crate::sip::uri::{Scheme, SipUri};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{info, warn};
use x509_parser::extensions::GeneralName;

/// What TLS needs, as it is now.
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<Current>>,
}

struct Current {
    /// `None` without a certificate of ours: then nobody connects to us.
    server: Option<Arc<ServerConfig>>,
    /// Made when it is first needed, unless the settings name whom we believe: the system's list is long.
    client: OnceLock<Arc<ClientConfig>>,
}

/// A file that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsError {
    /// What is wrong, with the key and the file: in Korean and in English.
    pub message: [String; 2],
    /// What would be right.
    pub help: [&'static str; 2],
}

impl TlsError {
    /// For whoever started us.
    pub fn told(&self, language: Language) -> String {
        let [word, message, help] = match language {
            Language::Korean => ["고치는 법", &self.message[0], self.help[0]],
            Language::English => ["help", &self.message[1], self.help[1]],
        };
        format!("{message}\n  {word}: {help}")
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Language::English))
    }
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Current::read(&files)?;
        Ok(Self { files, current: RwLock::new(Arc::new(current)) })
    }

    /// Reads the files again. Connections go on as they are; what cannot be used changes nothing.
    pub fn reload(&self) -> Result<(), TlsError> {
        let current = Current::read(&self.files)?;
        if let Some(certificate) = &self.files.certificate
            && let Some(days) = days_left(certificate).filter(|days| *days < 0)
        {
            return Err(TlsError {
                message: [
                    format!("tls.certificate {} 은(는) {}일 전에 끝났습니다", certificate.display(), -days),
                    format!("tls.certificate {} ended {} days ago", certificate.display(), -days),
                ],
                help: [
                    "앞의 것을 그대로 씁니다. 유효한 것을 두고 SIGHUP 을 다시 보내세요",
                    "the one from before stays in use; put a valid one there and send SIGHUP again",
                ],
            });
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
        Ok(())
    }

    /// Takes connections, if we have a certificate.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.current().server.clone().map(TlsAcceptor::from)
    }

    /// Opens connections.
    pub fn connector(&self) -> Result<TlsConnector, TlsError> {
        let current = self.current();
        if let Some(client) = current.client.get() {
            return Ok(Arc::clone(client).into());
        }
        let client = client_config(&self.files)?;
        Ok(Arc::clone(current.client.get_or_init(|| client)).into())
    }

    /// A line about our certificate, for whoever starts us; a warning when it ends soon.
    pub fn tell(&self) {
        let Some(certificate) = &self.files.certificate else { return };
        match days_left(certificate) {
            Some(days) if days < 0 => {
                warn!(file = %certificate.display(), days = -days, "our certificate has ended: peers will refuse it");
            }
            Some(days) if days < 14 => warn!(file = %certificate.display(), days, "our certificate ends soon"),
            days => info!(file = %certificate.display(), days, "certificate in use"),
        }
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Current {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let client = OnceLock::new();
        if files.ca.is_some() {
            let config = client_config(files)?;
            client.get_or_init(|| config);
        }
        Ok(Self { server: server_config(files)?, client })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Our certificate with its issuers', and its key.
fn own(files: &TlsFiles) -> Result<Option<Own>, TlsError> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else { return Ok(None) };
    let chain = certificates("tls.certificate", certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError {
        message: unread("tls.key", key, &pem_reason(error)),
        help: [
            "tls.certificate 의 열쇠가 든, 암호를 걸지 않은 PEM 파일 (PKCS #8, PKCS #1, SEC 1)",
            "a PEM file with the key of tls.certificate (PKCS #8, PKCS #1 or SEC 1), not encrypted",
        ],
    })?;
    Ok(Some((chain, key)))
}

fn server_config(files: &TlsFiles) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let Some((chain, key)) = own(files)? else { return Ok(None) };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3");
    let builder = match &files.client_ca {
        Some(file) => {
            let roots = Arc::new(roots("tls.client_ca", file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = if files.require_client { verifier } else { verifier.allow_unauthenticated() };
            let verifier = verifier.build().map_err(|error| TlsError {
                message: unusable("tls.client_ca", file, &error.to_string()),
                help: [
                    "상대의 인증서를 내준 기관의 인증서가 든 PEM 파일",
                    "a PEM file with the certificates of those who issue your peers' certificates",
                ],
            })?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).map_err(|error| mismatch(files, &error))?;
    Ok(Some(Arc::new(config)))
}

fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &files.ca {
        Some(file) => roots("tls.ca", file)?,
        None => {
            let mut roots = RootCertStore::empty();
            // What the system cannot read of its own list, nobody here can mend; who is not in it is not believed.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let verifier = Arc::new(DomainVerifier { roots, algorithms: provider().signature_verification_algorithms });
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match own(files)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| mismatch(files, &error))?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn mismatch(files: &TlsFiles, error: &rustls::Error) -> TlsError {
    let name =
        |file: &Option<std::path::PathBuf>| file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let (certificate, key) = (name(&files.certificate), name(&files.key));
    TlsError {
        message: [
            format!("tls.certificate {certificate} 을(를) tls.key {key} 와(과) 함께 쓸 수 없습니다: {error}"),
            format!("cannot use tls.certificate {certificate} with tls.key {key}: {error}"),
        ],
        help: [
            "열쇠는 파일에 있는 첫 인증서의 것이어야 합니다",
            "the key must be that of the first certificate of the file",
        ],
    }
}

fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: [String; 2]| TlsError {
        message: unread(key, file, &why),
        help: [
            "PEM 파일: -----BEGIN CERTIFICATE----- 와 그 뒤, 차례로 여럿",
            "a PEM file: -----BEGIN CERTIFICATE----- and what follows, one after another",
        ],
    };
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).map_err(|error| failed(pem_reason(error)))?.collect();
    let found = found.map_err(|error| failed(pem_reason(error)))?;
    let none = || failed(["인증서가 들어 있지 않습니다", "it holds no certificate"].map(str::to_owned));
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// Why a PEM file is none: the system's reason, or the reader's, which is English.
fn pem_reason(error: pem::Error) -> [String; 2] {
    match error {
        pem::Error::Io(error) => reason::both(&error),
        error => [error.to_string(), error.to_string()],
    }
}

fn unread(key: &str, file: &Path, [korean, english]: &[String; 2]) -> [String; 2] {
    let file = file.display();
    [format!("{key} {file} 을(를) 읽을 수 없습니다: {korean}"), format!("cannot read {key} {file}: {english}")]
}

fn unusable(key: &str, file: &Path, error: &str) -> [String; 2] {
    let file = file.display();
    [format!("{key} {file} 을(를) 쓸 수 없습니다: {error}"), format!("cannot use {key} {file}: {error}")]
}

fn roots(key: &str, file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, file)? {
        roots.add(certificate).map_err(|error| TlsError {
            message: unusable(key, file, &error.to_string()),
            help: ["인증서를 내준 기관의 인증서가 든 PEM 파일", "a PEM file with the certificates of issuers"],
        })?;
    }
    Ok(roots)
}

/// Days until the first certificate of a file ends; below zero when it has.
fn days_left(file: &Path) -> Option<i64> {
    let certificate = CertificateDer::pem_file_iter(file).ok()?.next()?.ok()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).ok()?;
    let end = parsed.validity().not_after.timestamp();
    let now = i64::try_from(UnixTime::now().as_secs()).ok()?;
    Some((end - now).div_euclid(24 * 3600))
}

/// Believes a server whose certificate an issuer of ours signed and whose names hold the domain we wanted.
#[derive(Debug)]
struct DomainVerifier {
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for DomainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, self.algorithms.all)?;
        if names(end_entity).iter().any(|name| is_same(name, &server_name.to_str())) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whom a certificate is for (RFC 5922 §7.1): the domains of its `sip:` URIs; where there are none, its DNS names. Its addresses
/// count, too, for peers that the settings name by address. What stands in its subject does not, and a wildcard is only its letters.
pub fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else { return Vec::new() };
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return Vec::new() };
    let (mut domains, mut hosts, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for name in alternative.value.general_names.iter().take(CERTIFICATE_NAMES_MAX) {
        match name {
            // With a user part it is a person's, not a domain's.
            GeneralName::URI(text) => {
                let uri: Option<SipUri> = text.parse().ok();
                let domain = uri.filter(|uri| uri.scheme() == Scheme::Sip && !text.contains('@'));
                domains.extend(domain.map(|uri| uri.host().to_owned()));
            }
            GeneralName::DNSName(name) => hosts.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => {
                let address = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let address = address.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                addresses.extend(address.map(|address| address.to_string()));
            }
            _ => {}
        }
    }
    let mut names = if domains.is_empty() { hosts } else { domains };
    names.append(&mut addresses);
    names
}

/// RFC 5922 §7.2: domains are compared whole, in any case.
fn is_same(name: &str, wanted: &str) -> bool {
    name.trim_end_matches('.').eq_ignore_ascii_case(wanted.trim_end_matches('.').trim_matches(['[', ']']))
}
