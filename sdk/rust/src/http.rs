//! wasi:http for a service that answers with text: one request, one answer, in pieces.
//!
//!     quern::http!(answer);
//!
//!     fn answer(request: &Request, response: &mut Response) -> Result<(), Problem> {
//!         response.start(200, "text/plain")?;
//!         response.write("hello")
//!     }

use std::fmt;

use crate::bindings::quern::llm::types::Error as HostError;
use crate::bindings::wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::bindings::wasi::io::streams::{OutputStream, StreamError};

/// Bytes that one blocking write may carry, as wasi:io says.
const CHUNK: usize = 4096;

/// Why a request has no answer, or no whole one.
#[derive(Debug)]
pub enum Problem {
    /// An HTTP status, and a text for people.
    Refused(u16, String),
    Model(crate::Error),
    /// Nobody reads any more.
    ClientGone,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Refused(_, text) => write!(out, "{text}"),
            Problem::Model(error) => write!(out, "{error}"),
            Problem::ClientGone => write!(out, "the client is gone"),
        }
    }
}

impl From<crate::Error> for Problem {
    fn from(error: crate::Error) -> Self {
        Problem::Model(error)
    }
}

impl Problem {
    fn status(&self) -> u16 {
        let Problem::Model(crate::Error::Host(error)) = self else {
            return if let Problem::Refused(status, _) = self {
                *status
            } else {
                500
            };
        };
        match error {
            HostError::InvalidArgument(_) => 400,
            HostError::PermissionDenied(_) => 403,
            HostError::ModelNotFound(_) => 404,
            HostError::ContextFull(_) => 413,
            HostError::Overloaded(_) | HostError::BudgetExhausted(_) => 503,
            HostError::DeadlineExceeded => 504,
            _ => 500,
        }
    }
}

pub struct Request {
    raw: IncomingRequest,
}

impl Request {
    pub fn method(&self) -> String {
        match self.raw.method() {
            Method::Other(name) => name,
            named => format!("{named:?}").trim_start_matches("Method::").to_uppercase(),
        }
    }

    pub fn path(&self) -> String {
        let target = self.raw.path_with_query().unwrap_or_default();
        target.split('?').next().unwrap_or_default().into()
    }

    /// The whole body. Refused when it has more than `limit` bytes, breaks off, or is no UTF-8.
    pub fn text(&self, limit: usize) -> Result<String, Problem> {
        let broken = || Problem::Refused(400, "the request's body broke off".into());
        let body = self.raw.consume().map_err(|()| broken())?;
        let stream = body.stream().map_err(|()| broken())?;
        let mut bytes = Vec::new();
        loop {
            match stream.blocking_read(CHUNK as u64) {
                Ok(more) => bytes.extend(more),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(_)) => return Err(broken()),
            }
            if bytes.len() > limit {
                return Err(Problem::Refused(
                    413,
                    format!("the request's body is larger than {limit} bytes"),
                ));
            }
        }
        String::from_utf8(bytes).map_err(|_| Problem::Refused(400, "the request's body is not UTF-8".into()))
    }
}

pub struct Response {
    out: Option<ResponseOutparam>,
    body: Option<OutgoingBody>,
    stream: Option<OutputStream>,
}

impl Response {
    pub fn started(&self) -> bool {
        self.body.is_some()
    }

    pub fn start(&mut self, status: u16, content_type: &str) -> Result<(), Problem> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let fields = [("content-type".into(), content_type.as_bytes().to_vec())];
        let wrong = || Problem::Refused(500, "the response's head is not HTTP".into());
        let response = OutgoingResponse::new(Fields::from_list(&fields).map_err(|_| wrong())?);
        response.set_status_code(status).map_err(|()| wrong())?;
        let body = response.body().map_err(|()| wrong())?;
        ResponseOutparam::set(out, Ok(response));
        self.stream = Some(body.write().map_err(|()| wrong())?);
        self.body = Some(body);
        Ok(())
    }

    /// Sends it now.
    pub fn write(&mut self, text: &str) -> Result<(), Problem> {
        let stream = self
            .stream
            .as_ref()
            .ok_or(Problem::Refused(500, "write() before start()".into()))?;
        for chunk in text.as_bytes().chunks(CHUNK) {
            stream
                .blocking_write_and_flush(chunk)
                .map_err(|_| Problem::ClientGone)?;
        }
        Ok(())
    }

    fn finish(mut self) {
        drop(self.stream.take());
        if let Some(body) = self.body.take() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

/// What `http!` hands a request to. A problem before the response has started is told the client.
pub fn serve(
    request: IncomingRequest,
    out: ResponseOutparam,
    answer: impl FnOnce(&Request, &mut Response) -> Result<(), Problem>,
) {
    let mut response = Response {
        out: Some(out),
        body: None,
        stream: None,
    };
    match answer(&Request { raw: request }, &mut response) {
        Ok(()) => response.finish(),
        Err(Problem::ClientGone) => {}
        // Too late to say it: the client sees that the answer broke off, the host's log says why.
        Err(problem) if response.started() => eprintln!("{problem}"),
        Err(problem) => {
            let text = serde_json::json!({ "error": problem.to_string() }).to_string();
            let sent = response
                .start(problem.status(), "application/json")
                .and_then(|()| response.write(&text));
            if sent.is_ok() {
                response.finish();
            }
        }
    }
}

/// Makes this program the service whose requests a function answers.
#[macro_export]
macro_rules! http {
    ($answer:path) => {
        struct QuernService;
        impl $crate::bindings::exports::wasi::http::incoming_handler::Guest for QuernService {
            fn handle(
                request: $crate::bindings::wasi::http::types::IncomingRequest,
                out: $crate::bindings::wasi::http::types::ResponseOutparam,
            ) {
                $crate::http::serve(request, out, $answer);
            }
        }
        $crate::bindings::export!(QuernService with_types_in $crate::bindings);
    };
}
