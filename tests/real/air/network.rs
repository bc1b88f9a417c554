//! Names and connections: the only way the module reaches anything.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// A connection, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// Why there is no connection, or none any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The name is not in the table.
    UnknownName,
    /// TCP: nobody listens, or the connection broke.
    Unreachable(String),
    /// The server's certificate is not to be trusted, or it speaks no TLS.
    NoTls(String),
    /// The server has ended TLS with an alert.
    Alert(String),
}

/// The names that can be found and the certificates that are trusted; clones share the names.
#[derive(Clone)]
pub(crate) struct Network {
    names: Arc<Mutex<HashMap<String, SocketAddr>>>,
    tls: TlsConnector,
}

impl Network {
    /// Returns a network without any name, in which servers must show a certificate that one of the authorities in
    /// these PEM texts has signed.
    ///
    /// # Errors
    ///
    /// One of them is none.
    pub(crate) fn new(authorities: &[String]) -> io::Result<Network> {
        let mut roots = RootCertStore::empty();
        for pem in authorities {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|why| io::Error::other(format!("no PEM: {why}")))?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Network { names: Arc::default(), tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Lets `host:port` be found at an address from now on.
    pub(crate) fn add_name(&self, host: &str, port: u16, address: SocketAddr) {
        self.names().insert(format!("{host}:{port}"), address);
    }

    /// Lets `host:port` be found no longer.
    pub(crate) fn remove_name(&self, host: &str, port: u16) {
        self.names().remove(&format!("{host}:{port}"));
    }

    /// Returns the same network without a data connection: nothing can be found.
    pub(crate) fn cut_off(&self) -> Network {
        Network { names: Arc::default(), tls: self.tls.clone() }
    }

    /// Connects, and for TLS checks the certificate for the name.
    ///
    /// # Errors
    ///
    /// What went wrong first.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        transport: Transport,
    ) -> Result<Box<dyn Stream>, Trouble> {
        let address = self.names().get(&format!("{host}:{port}")).copied().ok_or(Trouble::UnknownName)?;
        let tcp = TcpStream::connect(address).await.map_err(|why| Trouble::Unreachable(why.to_string()))?;
        tcp.set_nodelay(true).map_err(|why| Trouble::Unreachable(why.to_string()))?;
        match transport {
            Transport::Plain => Ok(Box::new(tcp)),
            Transport::Tls => {
                let name = ServerName::try_from(host.to_string()).map_err(|why| Trouble::NoTls(why.to_string()))?;
                match self.tls.connect(name, tcp).await {
                    Ok(tls) => Ok(Box::new(tls)),
                    Err(why) => Err(alert(&why).unwrap_or_else(|| Trouble::NoTls(why.to_string()))),
                }
            }
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashMap<String, SocketAddr>> {
        self.names.lock().expect("no one panics while holding it")
    }
}

/// Returns the trouble that an error is at bottom, if that is an alert of the server.
pub(crate) fn alert(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(rustls::Error::AlertReceived(which)) = error.downcast_ref() {
        return Some(Trouble::Alert(format!("{which:?}")));
    }
    // An I/O error shows the source of what it holds, not what it holds.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => alert(inner),
        None => error.source().and_then(alert),
    }
}
