//! The module's HTTP service: what HTTPPARA and HTTPDATA gather, and the request that HTTPACTION makes of it.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::network::{Network, Transport, Trouble, alert};

/// What came of an HTTPACTION.
#[derive(Debug)]
pub(super) struct Done {
    /// The session that asked for it.
    pub session: u64,
    /// The number in `HTTPACTION=…`.
    pub action: u64,
    /// HTTP's status, or 600 and more from the module itself.
    pub status: u16,
    pub body: Vec<u8>,
}

/// An HTTP session between HTTPINIT and HTTPTERM.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub id: u64,
    pub url: String,
    /// The bearer it goes over, 1 to 3.
    pub bearer: usize,
    /// Lines of `Name: value`.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
    pub patience: Duration,
    pub is_running: bool,
    pub answer: Option<Vec<u8>>,
}

impl Session {
    /// Begins a session.
    pub(super) fn new(id: u64) -> Session {
        let patience = Duration::from_secs(120);
        let (url, headers, body) = (String::new(), Vec::new(), Vec::new());
        Session { id, url, bearer: 1, headers, body, patience, is_running: false, answer: None }
    }
}

/// Makes the request; never takes longer than the session's patience.
pub(super) async fn fetch(session: Session, action: u64, network: Network) -> Done {
    let ended = timeout(session.patience, request(&session, action, &network)).await;
    let (status, body) = match ended {
        Ok(Ok(answer)) => answer,
        Ok(Err(status)) => (status, Vec::new()),
        Err(_) => (NETWORK_ERROR, Vec::new()),
    };
    Done { session: session.id, action, status, body }
}

/// The manual's numbers for what is no status of HTTP's.
const NO_HTTP: u16 = 600;
pub(super) const NETWORK_ERROR: u16 = 601;
const NO_NAME: u16 = 603;
const NO_TLS: u16 = 605;
const ALERT: u16 = 606;

async fn request(session: &Session, action: u64, network: &Network) -> Result<(u16, Vec<u8>), u16> {
    let uri: Uri = session.url.parse().map_err(|_| NO_NAME)?;
    let host = uri.host().ok_or(NO_NAME)?;
    let (transport, usual_port) = match uri.scheme_str() {
        Some("https") => (Transport::Tls, 443),
        _ => (Transport::Plain, 80),
    };
    let stream = network.connect(host, uri.port_u16().unwrap_or(usual_port), transport).await.map_err(number)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(reason)?;
    let connection = tokio::spawn(connection);

    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().ok_or(NO_NAME)?;
    let mut request = Request::builder().uri(path).header("Host", authority.as_str()).header("User-Agent", "AM_MODULE");
    for line in &session.headers {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        request = request.header(name.trim(), value.trim());
    }
    let (method, body) = match action {
        0 => (Method::GET, Bytes::new()),
        1 => (Method::POST, Bytes::copy_from_slice(&session.body)),
        _ => (Method::HEAD, Bytes::new()),
    };
    let request = request.method(method).body(Full::new(body)).map_err(|_| NETWORK_ERROR)?;
    let answer = sender.send_request(request).await.map_err(reason)?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(reason)?.to_bytes().to_vec();
    connection.abort();
    Ok((status, body))
}

fn number(trouble: Trouble) -> u16 {
    match trouble {
        Trouble::UnknownName => NO_NAME,
        Trouble::Unreachable(_) => NETWORK_ERROR,
        Trouble::NoTls(_) => NO_TLS,
        Trouble::Alert(_) => ALERT,
    }
}

fn reason(error: hyper::Error) -> u16 {
    match alert(&error) {
        Some(trouble) => number(trouble),
        None if error.is_parse() => NO_HTTP,
        None => NETWORK_ERROR,
    }
}
