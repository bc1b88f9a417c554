//! A stand-in for Aliyun's sign-in service: a real HTTPS server on the loopback interface that computes every sign
//! again.

pub(crate) mod registry;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::broker::Admin;
use registry::{Form, Registry};

/// What the service does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Every answer is this HTTP status, without a body.
    Broken(u16),
    /// The next answer is right and comes so much later.
    SlowOnce(Duration),
    /// It issues users and passwords that it tells the broker nothing of.
    Forgetful,
}

/// The service; dropped, it stops.
pub(crate) struct AuthService {
    address: SocketAddr,
    office: Arc<Office>,
    task: JoinHandle<()>,
}

/// What all connections share.
struct Office {
    host: String,
    registry: Mutex<Registry>,
    mood: Mutex<Mood>,
    requests: Mutex<Vec<String>>,
    /// Who makes what is issued known to the broker.
    admin: Option<Arc<Admin>>,
}

impl AuthService {
    /// Serves on a free port of the loopback interface, for one host name.
    pub(crate) async fn start(
        host: &str,
        tls: TlsAcceptor,
        registry: Registry,
        admin: Option<Arc<Admin>>,
    ) -> AuthService {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let (registry, mood, requests) = (Mutex::new(registry), Mutex::new(Mood::Well), Mutex::default());
        let office = Arc::new(Office { host: host.to_string(), registry, mood, requests, admin });
        let task = tokio::spawn(serve(listener, tls, Arc::clone(&office)));
        AuthService { address, office, task }
    }

    /// Changes what it does with requests.
    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.office.mood.lock().expect("no one panics while holding it") = mood;
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns who is known, to be looked at or changed.
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.office.registry.lock().expect("no one panics while holding it")
    }

    /// Returns the requests so far, as `path body`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.office.requests.lock().expect("no one panics while holding it").clone()
    }
}

impl Drop for AuthService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, office: Arc<Office>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (tls, office) = (tls.clone(), Arc::clone(&office));
        tokio::spawn(async move {
            // A client that does not like the certificate is its own affair.
            let Ok(stream) = tls.accept(tcp).await else { return };
            let service = service_fn(move |request| answer(request, Arc::clone(&office)));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, office: Arc<Office>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mood = *office.mood.lock().expect("no one panics while holding it");
    match mood {
        Mood::Well => {}
        Mood::Broken(status) => return Ok(empty(StatusCode::from_u16(status).expect("tests give good ones"))),
        Mood::SlowOnce(delay) => {
            *office.mood.lock().expect("no one panics while holding it") = Mood::Well;
            tokio::time::sleep(delay).await;
        }
        Mood::Forgetful => {}
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_string();
    let is_here = header(HOST) == office.host && request.method() == Method::POST;
    let is_form = header(CONTENT_TYPE).to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let path = request.uri().path().to_string();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    office.requests.lock().expect("no one panics while holding it").push(format!("{path} {text}"));

    let form = is_form.then(|| decode(&text)).flatten();
    let registry = || office.registry.lock().expect("no one panics while holding it");
    let value = match path.as_str() {
        "/auth/register/device" if is_here => registry().handle_registration(form.as_ref()),
        "/auth/devicename" if is_here => {
            let (value, issued) = registry().handle_sign_in(form.as_ref());
            if let (Some(issued), Some(admin)) = (issued, &office.admin)
                && mood != Mood::Forgetful
            {
                admin.admit_token(&issued).await;
            }
            value
        }
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    };
    Ok(Response::new(Full::from(value.to_string())))
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// Returns the fields; nothing for what is no form.
fn decode(text: &str) -> Option<Form> {
    let plain =
        |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8().ok().map(|text| text.into_owned());
    text.split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((plain(name)?, plain(value)?))
        })
        .collect()
}
