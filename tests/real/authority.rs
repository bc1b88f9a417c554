//! Certificates that live as long as the test, and TLS servers that show them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// Signs the certificates of servers.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a server shows, and the key to it, as PEM texts.
pub(crate) struct Certificate {
    pub pem: String,
    pub key: String,
}

/// What a TLS server wants of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// A certificate, which the module does not have: it gets an alert.
    Certificate,
}

impl Authority {
    /// Makes an authority that nobody knows yet.
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names, none wrong");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("there is randomness");
        let pem = params.self_signed(&key).expect("the parameters are complete").pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// Signs a certificate for a server with these names.
    pub(crate) fn sign(&self, hosts: &[String]) -> Certificate {
        let mut params = CertificateParams::new(hosts).expect("host names are ASCII");
        params.distinguished_name.push(DnType::CommonName, hosts[0].as_str());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are complete");
        Certificate { pem: certificate.pem(), key: key.serialize_pem() }
    }

    /// Returns what a client must have to trust the servers.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns what makes TLS of a server's connections.
    pub(crate) fn acceptor(&self, certificate: &Certificate, wants: Wants) -> TlsAcceptor {
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring does both versions");
        let config = match wants {
            Wants::Nothing => config.with_no_client_auth(),
            Wants::Certificate => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("it is PEM"))
                    .expect("it is whole");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                config.with_client_cert_verifier(verifier.expect("there is a root"))
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.pem.as_bytes()).expect("it is PEM")];
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).expect("it is PEM");
        TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).expect("the key is the certificate's")))
    }
}
