//! Outbound HTTP/1.1 requests of guests. The name is resolved here, the policy hears what it
//! stands for and is asked about each address, and only an address that it allowed is connected
//! to: a name that changes its meaning between the question and the connection (DNS rebinding)
//! leads nowhere.

use crate::network::{allow_socket, tell_resolved, Sent, Use};
use crate::state::Instance;
use bytes::Bytes;
use http::uri::Scheme;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout, Instant, Sleep};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// Where the guest sets none; the run's wall clock is over sooner as a rule.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn port_of(uri: &http::Uri) -> u16 {
    let https = uri.scheme() == Some(&Scheme::HTTPS);
    uri.port_u16().unwrap_or(if https { 443 } else { 80 })
}

pub async fn send(
    instance: Arc<Instance>,
    request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Sent {
    let patience = options.connect_timeout.unwrap_or(PATIENCE);
    let connected = timeout(patience, connect(&instance, request.uri())).await;
    let stream = connected.map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with its handle, which travels with the response.
    let connection = wasmtime_wasi::runtime::spawn(connection);
    let patience = options.first_byte_timeout.unwrap_or(PATIENCE);
    let answered = timeout(patience, sender.send_request(to_origin_form(request)?)).await;
    let response = answered.map_err(|_| Error::HttpResponseTimeout)??;
    let every = options.between_bytes_timeout.unwrap_or(PATIENCE);
    let timed = |incoming| TimedBody { incoming, every, timer: Box::pin(sleep(every)) };
    let response = response.map(|incoming| timed(incoming).boxed_unsync());
    Ok((response, Box::new(async move { connection.await.map_err(Error::from) })))
}

/// The scheme and authority are for proxies; a server gets the path alone.
fn to_origin_form(mut request: http::Request<WasiBody>) -> Result<http::Request<WasiBody>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(request)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(instance: &Instance, uri: &http::Uri) -> Result<Box<dyn Stream>, Error> {
    let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
    let host = host.trim_start_matches('[').trim_end_matches(']'); // an IPv6 address
    let stream = connect_to_one(&addresses(instance, host, port_of(uri)).await?).await?;
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(host.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let connector = TlsConnector::from(TLS.clone());
    Ok(Box::new(connector.connect(name, stream).await.map_err(Error::Tls)?))
}

/// The addresses of `host` that the policy allows.
async fn addresses(instance: &Instance, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let unknown =
        |_| Error::DnsError { rcode: Some("the name is not known".into()), info_code: None };
    let found: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(unknown)?.collect();
    found.iter().for_each(|address| tell_resolved(instance, host, address.ip()));
    let allowed =
        |address: &SocketAddr| allow_socket(instance, Use::TcpConnect, &address.to_string());
    let found: Vec<SocketAddr> = found.into_iter().filter(allowed).collect();
    match found.is_empty() {
        true => Err(Error::DestinationIpProhibited),
        false => Ok(found),
    }
}

async fn connect_to_one(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(Error::Connect(failed))
}

/// The roots that browsers trust; made once, shared by every request.
static TLS: LazyLock<Arc<rustls::ClientConfig>> = LazyLock::new(|| {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks the default versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
});

/// A response's body that fails when nothing came for so long.
struct TimedBody {
    incoming: Incoming,
    every: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.every;
                self.timer.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => {
                let late = self.timer.as_mut().poll(context);
                late.map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }
}
