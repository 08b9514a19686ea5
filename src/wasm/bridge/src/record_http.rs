//! wasi:http, recorded: who is to answer is Wasmtime's implementation.

use crate::recorded::{recorded, records, told, variants, Errors, Logged, Recorded};
use crate::state::State;
use crate::values::put_u32;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    self, DnsErrorPayload, ErrorCode, FieldSizePayload, FutureIncomingResponse, FutureTrailers,
    IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, RequestOptions, ResponseOutparam, Scheme, TlsAlertReceivedPayload,
};
use wasmtime_wasi_http::p2::{HeaderError, HeaderResult, HttpError, HttpResult};
use wasmtime_wasi_http::{FieldMap, WasiHttpCtxView, WasiHttpView};

type Http<'a> = WasiHttpCtxView<'a>;

struct HasHttp;

impl HasData for HasHttp {
    type Data<'a> = Recorded<Http<'a>>;
}

fn http(state: &mut State) -> Recorded<Http<'_>> {
    let tape = state.tape.clone();
    Recorded { inner: WasiHttpView::http(state), tape }
}

pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let options = types::LinkOptions::default();
    outgoing_handler::add_to_linker::<State, HasHttp>(linker, http)?;
    types::add_to_linker::<State, HasHttp>(linker, &options, http)
}

impl Errors<HttpError> for Recorded<Http<'_>> {
    type Code = ErrorCode;

    fn code(&mut self, error: HttpError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn again(code: ErrorCode) -> HttpError {
        code.into()
    }

    fn trap(error: wasmtime::Error) -> HttpError {
        HttpError::trap(error)
    }
}

impl Errors<HeaderError> for Recorded<Http<'_>> {
    type Code = types::HeaderError;

    fn code(&mut self, error: HeaderError) -> wasmtime::Result<types::HeaderError> {
        error.downcast()
    }

    fn again(code: types::HeaderError) -> HeaderError {
        code.into()
    }

    fn trap(error: wasmtime::Error) -> HeaderError {
        HeaderError::trap(error)
    }
}

mod codes {
    pub use super::types::HeaderError;
}
use codes::HeaderError as HeaderErrorCode;

records! {
    DnsErrorPayload { rcode info_code }
    TlsAlertReceivedPayload { alert_id alert_message }
    FieldSizePayload { field_name field_size }
}
variants! {
    Method { 0 Get 1 Head 2 Post 3 Put 4 Delete 5 Connect 6 Options 7 Trace 8 Patch 9 Other(name) }
    Scheme { 0 Http 1 Https 2 Other(name) }
    HeaderErrorCode { 0 InvalidSyntax 1 Forbidden 2 Immutable }
    ErrorCode {
        0 DnsTimeout 1 DnsError(why) 2 DestinationNotFound 3 DestinationUnavailable
        4 DestinationIpProhibited 5 DestinationIpUnroutable 6 ConnectionRefused
        7 ConnectionTerminated 8 ConnectionTimeout 9 ConnectionReadTimeout
        10 ConnectionWriteTimeout 11 ConnectionLimitReached 12 TlsProtocolError
        13 TlsCertificateError 14 TlsAlertReceived(why) 15 HttpRequestDenied
        16 HttpRequestLengthRequired 17 HttpRequestBodySize(why) 18 HttpRequestMethodInvalid
        19 HttpRequestUriInvalid 20 HttpRequestUriTooLong 21 HttpRequestHeaderSectionSize(why)
        22 HttpRequestHeaderSize(why) 23 HttpRequestTrailerSectionSize(why)
        24 HttpRequestTrailerSize(why) 25 HttpResponseIncomplete
        26 HttpResponseHeaderSectionSize(why) 27 HttpResponseHeaderSize(why)
        28 HttpResponseBodySize(why) 29 HttpResponseTrailerSectionSize(why)
        30 HttpResponseTrailerSize(why) 31 HttpResponseTransferCoding(why)
        32 HttpResponseContentCoding(why) 33 HttpResponseTimeout 34 HttpUpgradeFailed
        35 HttpProtocolError 36 LoopDetected 37 ConfigurationError 38 InternalError(why)
    }
}

type Fields = Resource<FieldMap>;
type Done = Result<(), ()>;

recorded! { impl outgoing_handler::Host, Http<'_>, "wasi:http/outgoing-handler" {
    tries handle = "handle"
        (request: Resource<OutgoingRequest>, options: Option<Resource<RequestOptions>>)
        -> HttpResult<Resource<FutureIncomingResponse>>;
} }

recorded! { impl types::Host, Http<'_>, "wasi:http/types" {
    turns convert_error_code (HttpError) -> ErrorCode;
    turns convert_header_error (HeaderError) -> HeaderErrorCode;
    plain http_error_code = "http-error-code"
        (err: Resource<wasmtime::Error>) -> Option<ErrorCode>;
} }

recorded! { impl types::HostFields, Http<'_>, "wasi:http/types" {
    plain new = "[constructor]fields" () -> Fields;
    tries from_list = "[static]fields.from-list"
        (entries: Vec<(String, Vec<u8>)>) -> HeaderResult<Fields>;
    plain get = "[method]fields.get" (this: Fields, name: String) -> Vec<Vec<u8>>;
    plain has = "[method]fields.has" (this: Fields, name: String) -> bool;
    tries set = "[method]fields.set"
        (this: Fields, name: String, value: Vec<Vec<u8>>) -> HeaderResult<()>;
    tries delete = "[method]fields.delete" (this: Fields, name: String) -> HeaderResult<()>;
    tries append = "[method]fields.append"
        (this: Fields, name: String, value: Vec<u8>) -> HeaderResult<()>;
    plain entries = "[method]fields.entries" (this: Fields) -> Vec<(String, Vec<u8>)>;
    plain clone = "[method]fields.clone" (this: Fields) -> Fields;
    plain drop = "[resource-drop]fields" (this: Fields) -> ();
} }

recorded! { impl types::HostIncomingRequest, Http<'_>, "wasi:http/types" {
    plain method = "[method]incoming-request.method" (this: Resource<IncomingRequest>) -> Method;
    plain path_with_query = "[method]incoming-request.path-with-query"
        (this: Resource<IncomingRequest>) -> Option<String>;
    plain scheme = "[method]incoming-request.scheme"
        (this: Resource<IncomingRequest>) -> Option<Scheme>;
    plain authority = "[method]incoming-request.authority"
        (this: Resource<IncomingRequest>) -> Option<String>;
    plain headers = "[method]incoming-request.headers" (this: Resource<IncomingRequest>) -> Fields;
    plain consume = "[method]incoming-request.consume"
        (this: Resource<IncomingRequest>) -> Result<Resource<IncomingBody>, ()>;
    plain drop = "[resource-drop]incoming-request" (this: Resource<IncomingRequest>) -> ();
} }

type Outgoing = Resource<OutgoingRequest>;

recorded! { impl types::HostOutgoingRequest, Http<'_>, "wasi:http/types" {
    plain new = "[constructor]outgoing-request" (headers: Fields) -> Outgoing;
    plain body = "[method]outgoing-request.body"
        (this: Outgoing) -> Result<Resource<OutgoingBody>, ()>;
    plain method = "[method]outgoing-request.method" (this: Outgoing) -> Method;
    plain set_method = "[method]outgoing-request.set-method"
        (this: Outgoing, method: Method) -> Done;
    plain path_with_query = "[method]outgoing-request.path-with-query"
        (this: Outgoing) -> Option<String>;
    plain set_path_with_query = "[method]outgoing-request.set-path-with-query"
        (this: Outgoing, path: Option<String>) -> Done;
    plain scheme = "[method]outgoing-request.scheme" (this: Outgoing) -> Option<Scheme>;
    plain set_scheme = "[method]outgoing-request.set-scheme"
        (this: Outgoing, scheme: Option<Scheme>) -> Done;
    plain authority = "[method]outgoing-request.authority" (this: Outgoing) -> Option<String>;
    plain set_authority = "[method]outgoing-request.set-authority"
        (this: Outgoing, authority: Option<String>) -> Done;
    plain headers = "[method]outgoing-request.headers" (this: Outgoing) -> Fields;
    plain drop = "[resource-drop]outgoing-request" (this: Outgoing) -> ();
} }

recorded! { impl types::HostRequestOptions, Http<'_>, "wasi:http/types" {
    plain new = "[constructor]request-options" () -> Resource<RequestOptions>;
    plain connect_timeout = "[method]request-options.connect-timeout"
        (this: Resource<RequestOptions>) -> Option<u64>;
    plain set_connect_timeout = "[method]request-options.set-connect-timeout"
        (this: Resource<RequestOptions>, duration: Option<u64>) -> Done;
    plain first_byte_timeout = "[method]request-options.first-byte-timeout"
        (this: Resource<RequestOptions>) -> Option<u64>;
    plain set_first_byte_timeout = "[method]request-options.set-first-byte-timeout"
        (this: Resource<RequestOptions>, duration: Option<u64>) -> Done;
    plain between_bytes_timeout = "[method]request-options.between-bytes-timeout"
        (this: Resource<RequestOptions>) -> Option<u64>;
    plain set_between_bytes_timeout = "[method]request-options.set-between-bytes-timeout"
        (this: Resource<RequestOptions>, duration: Option<u64>) -> Done;
    plain drop = "[resource-drop]request-options" (this: Resource<RequestOptions>) -> ();
} }

recorded! { impl types::HostResponseOutparam, Http<'_>, "wasi:http/types" {
    plain set = "[static]response-outparam.set"
        (this: Resource<ResponseOutparam>, response: Result<Resource<OutgoingResponse>, ErrorCode>)
        -> ();
    tries send_informational = "[method]response-outparam.send-informational"
        (this: Resource<ResponseOutparam>, status: u16, headers: Fields) -> HttpResult<()>;
    plain drop = "[resource-drop]response-outparam" (this: Resource<ResponseOutparam>) -> ();
} }

recorded! { impl types::HostIncomingResponse, Http<'_>, "wasi:http/types" {
    plain status = "[method]incoming-response.status" (this: Resource<IncomingResponse>) -> u16;
    plain headers = "[method]incoming-response.headers"
        (this: Resource<IncomingResponse>) -> Fields;
    plain consume = "[method]incoming-response.consume"
        (this: Resource<IncomingResponse>) -> Result<Resource<IncomingBody>, ()>;
    plain drop = "[resource-drop]incoming-response" (this: Resource<IncomingResponse>) -> ();
} }

recorded! { impl types::HostIncomingBody, Http<'_>, "wasi:http/types" {
    plain stream = "[method]incoming-body.stream"
        (this: Resource<IncomingBody>) -> Result<Resource<DynInputStream>, ()>;
    plain finish = "[static]incoming-body.finish"
        (this: Resource<IncomingBody>) -> Resource<FutureTrailers>;
    plain drop = "[resource-drop]incoming-body" (this: Resource<IncomingBody>) -> ();
} }

recorded! { impl types::HostFutureTrailers, Http<'_>, "wasi:http/types" {
    plain subscribe = "[method]future-trailers.subscribe"
        (this: Resource<FutureTrailers>) -> Resource<DynPollable>;
    plain get = "[method]future-trailers.get"
        (this: Resource<FutureTrailers>)
        -> Option<Result<Result<Option<Fields>, ErrorCode>, ()>>;
    plain drop = "[resource-drop]future-trailers" (this: Resource<FutureTrailers>) -> ();
} }

recorded! { impl types::HostOutgoingResponse, Http<'_>, "wasi:http/types" {
    plain new = "[constructor]outgoing-response" (headers: Fields) -> Resource<OutgoingResponse>;
    plain status_code = "[method]outgoing-response.status-code"
        (this: Resource<OutgoingResponse>) -> u16;
    plain set_status_code = "[method]outgoing-response.set-status-code"
        (this: Resource<OutgoingResponse>, status: u16) -> Done;
    plain headers = "[method]outgoing-response.headers"
        (this: Resource<OutgoingResponse>) -> Fields;
    plain body = "[method]outgoing-response.body"
        (this: Resource<OutgoingResponse>) -> Result<Resource<OutgoingBody>, ()>;
    plain drop = "[resource-drop]outgoing-response" (this: Resource<OutgoingResponse>) -> ();
} }

recorded! { impl types::HostOutgoingBody, Http<'_>, "wasi:http/types" {
    plain write = "[method]outgoing-body.write"
        (this: Resource<OutgoingBody>) -> Result<Resource<DynOutputStream>, ()>;
    tries finish = "[static]outgoing-body.finish"
        (this: Resource<OutgoingBody>, trailers: Option<Fields>) -> HttpResult<()>;
    plain drop = "[resource-drop]outgoing-body" (this: Resource<OutgoingBody>) -> ();
} }

recorded! { impl types::HostFutureIncomingResponse, Http<'_>, "wasi:http/types" {
    plain subscribe = "[method]future-incoming-response.subscribe"
        (this: Resource<FutureIncomingResponse>) -> Resource<DynPollable>;
    plain get = "[method]future-incoming-response.get"
        (this: Resource<FutureIncomingResponse>)
        -> Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>;
    plain drop = "[resource-drop]future-incoming-response"
        (this: Resource<FutureIncomingResponse>) -> ();
} }
