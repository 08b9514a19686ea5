//! One HTTP request through a fresh instance of a wasi:http/incoming-handler. The guest and the
//! pump that carries its response to the sink take turns in one task.

use crate::abi::{self, entry_or, slice, Bytes as CBytes, Callbacks, Foreign, Pair};
use crate::body::{Feed, RequestBody};
use crate::error::{Kind, Named};
use crate::link::{Linked, Ready};
use crate::recording::What;
use crate::run::{poll_cancel, wall_error, Cancel, Guest, Metered, Running};
use crate::sandbox::{prepare, Prepared, Taping};
use crate::state::State;
use crate::tape::Tape;
use crate::wake::Waitable;
use http_body::Body;
use std::ffi::c_void;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::oneshot;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, HyperOutgoingBody, StreamContext};
use wasmtime_wasi_http::WasiHttpView;

type Response = http::Response<HyperOutgoingBody>;
type Answer = Result<Response, ErrorCode>;
type Request = (Scheme, http::Request<RequestBody>);

/// The C++ side of the response. Ends with end or fail, whatever happens.
struct Sink {
    object: Foreign,
    callbacks: Callbacks,
    ended: AtomicBool,
    tape: Option<Arc<Tape>>,
}

impl Sink {
    fn head(&self, response: &http::response::Parts) {
        self.tape.iter().for_each(|tape| tape.response(response));
        let headers = response.headers.iter();
        let pairs: Vec<Pair> = headers
            .map(|(name, value)| Pair {
                first: CBytes::of(name.as_str().as_bytes()),
                second: CBytes::of(value.as_bytes()),
            })
            .collect();
        let status = response.status.as_u16();
        unsafe { (self.callbacks.sink_head)(self.object.0, status, pairs.as_ptr(), pairs.len()) }
    }

    /// `taken` becomes ready when there is room for the next chunk.
    fn body(&self, chunk: &[u8], taken: &Arc<Waitable>) {
        self.tape.iter().for_each(|tape| tape.body(chunk));
        taken.set(false);
        let token = Arc::into_raw(taken.clone());
        unsafe { (self.callbacks.sink_body)(self.object.0, CBytes::of(chunk), token) }
    }

    fn end(&self) {
        if !self.ended.swap(true, Relaxed) {
            unsafe { (self.callbacks.sink_end)(self.object.0) }
        }
    }

    fn fail(&self, error: &Named) {
        if !self.ended.swap(true, Relaxed) {
            let message = CBytes::of(error.message.as_bytes());
            unsafe { (self.callbacks.sink_fail)(self.object.0, error.kind.code(), message) }
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.fail(&Named::new(Kind::Cancelled, "the engine was shut down"));
        unsafe { (self.callbacks.sink_drop)(self.object.0) }
    }
}

/// Makes the instance and calls its handler. The store is gone when this answers.
async fn call_handler(
    linked: &Linked,
    state: State,
    request: Request,
    answer: oneshot::Sender<Answer>,
) -> Result<(), Named> {
    let Ready::Component { proxy: Some(pre), .. } = &linked.ready else {
        let text = "the program serves no HTTP: it does not export wasi:http/incoming-handler";
        return Err(Named::new(Kind::Unsupported, text));
    };
    let mut guest = Guest::new(&linked.shared, state).await?;
    let store = &mut guest.store;
    let call = async {
        let (scheme, request) = request;
        let request = store.data_mut().http().new_incoming_request(scheme, request)?;
        let out = store.data_mut().http().new_response_outparam(answer)?;
        store.data().tape.iter().for_each(|tape| tape.handle(request.rep(), out.rep()));
        let proxy = pre.instantiate_async(&mut *store).await?;
        proxy.wasi_http_incoming_handler().call_handle(&mut *store, request, out).await
    };
    let called = call.await;
    break_off_unfinished(&mut guest.store);
    called.map_err(|error| guest.ended_by(error))
}

/// What a guest leaves unfinished is broken off: to drop its store with the body in it would look
/// like the body's end, and its client would take a part for the whole.
fn break_off_unfinished(store: &mut wasmtime::Store<State>) {
    for entry in store.data_mut().http().table.iter_mut() {
        if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
            let (other, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
            std::mem::replace(body, other).abort();
        }
    }
}

/// Carries the response to the sink.
async fn pump(sink: &Sink, answer: oneshot::Receiver<Answer>) -> Result<(), Named> {
    let response = match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            return Err(Named::new(Kind::GuestTrap, format!("the guest answered with {code:?}")));
        }
        Err(_) => return Err(Named::new(Kind::GuestTrap, "the guest returned without a response")),
    };
    let (head, mut body) = response.into_parts();
    sink.head(&head);
    let taken = Arc::new(Waitable::default());
    let mut chunk = next_chunk(&mut body).await?;
    while let Some(bytes) = chunk {
        sink.body(&bytes, &taken);
        // Fetched ahead, because an end needs no room: a short answer goes out in one go.
        chunk = next_chunk(&mut body).await?;
        if chunk.is_some() {
            taken.ready().await;
        }
    }
    sink.end();
    Ok(())
}

async fn next_chunk(body: &mut HyperOutgoingBody) -> Result<Option<bytes::Bytes>, Named> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let frame = frame.map_err(|error| {
            Named::new(Kind::GuestTrap, format!("the guest broke its response off: {error}"))
        })?;
        if let Some(chunk) = frame.into_data().ok().filter(|chunk| !chunk.is_empty()) {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

/// Guest and pump, until both are over. After the response's end the guest may go on within its
/// limits; nobody can withdraw it then, and nobody hears how it ends.
async fn exchange(
    linked: Arc<Linked>,
    prepared: Prepared,
    request: Request,
    sink: &Sink,
    mut cancel: Cancel,
) -> Result<(), Named> {
    let Prepared { state, wall } = prepared;
    let (sender, answer) = oneshot::channel();
    let meter = state.meter.clone();
    let mut guest =
        std::pin::pin!(Metered::new(meter, call_handler(&linked, state, request, sender)));
    let mut pump = std::pin::pin!(pump(sink, answer));
    let mut timer = std::pin::pin!(tokio::time::sleep(wall));
    let (mut guest_over, mut pump_over) = (false, false);
    poll_fn(|context| {
        if !pump_over {
            if let Poll::Ready(reason) = poll_cancel(&mut cancel, context) {
                return Poll::Ready(Err(reason));
            }
        }
        if !guest_over {
            match guest.as_mut().poll(context) {
                Poll::Ready(Ok(())) => guest_over = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        if !pump_over {
            match pump.as_mut().poll(context) {
                Poll::Ready(Ok(())) => pump_over = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        match guest_over && pump_over {
            true => Poll::Ready(Ok(())),
            false => timer.as_mut().poll(context).map(|()| Err(wall_error(wall))),
        }
    })
    .await
}

unsafe fn parse(
    request: &abi::Request,
    callbacks: &Callbacks,
) -> Result<(Request, Option<Arc<Feed>>), Named> {
    let invalid = |e: http::Error| Named::new(Kind::InvalidArgument, format!("request: {e}"));
    let scheme = match request.scheme.get() {
        b"https" => Scheme::Https,
        _ => Scheme::Http,
    };
    let mut builder =
        http::Request::builder().method(request.method.get()).uri(request.target.get());
    for pair in slice(request.headers, request.header_count) {
        builder = builder.header(pair.first.get(), pair.second.get());
    }
    let host = http::header::HOST;
    if !builder.headers_ref().is_some_and(|headers| headers.contains_key(&host)) {
        builder = builder.header(host, request.authority.get());
    }
    let (body, feed) = RequestBody::new(request.has_body, callbacks);
    Ok(((scheme, builder.body(body).map_err(invalid)?), feed))
}

/// The C++ side's handle on an exchange.
pub struct Exchange {
    running: Running,
    feed: Option<Arc<Feed>>,
    callbacks: Callbacks,
}

#[no_mangle]
unsafe extern "C" fn qb_handle(
    linked: *const Linked,
    sandbox: *const abi::Sandbox,
    request: *const abi::Request,
    sink: *mut c_void,
) -> *mut Exchange {
    let object = Foreign(sink);
    entry_or(std::ptr::null_mut(), || {
        Arc::increment_strong_count(linked);
        let linked = Arc::from_raw(linked);
        let callbacks = linked.shared.callbacks;
        let prepared = prepare(&*sandbox, &linked.shared, Taping::May);
        let tape = prepared.as_ref().ok().and_then(|prepared| prepared.state.tape.clone());
        if let Ok(prepared) = &prepared {
            let (method, target) = ((*request).method.get(), (*request).target.get());
            let words = [method, target].map(|word| String::from_utf8_lossy(word).into_owned());
            prepared.tell_head(&linked, &*sandbox, What::Exchange, words.to_vec());
        }
        let sink = Sink { object, callbacks, ended: AtomicBool::new(false), tape: tape.clone() };
        let (parsed, feed) = match parse(&*request, &callbacks) {
            Ok((parsed, feed)) => (Ok(parsed), feed),
            Err(named) => (Err(named), None),
        };
        let (sender, cancel) = oneshot::channel();
        linked.shared.handle.clone().spawn(async move {
            let result = match (prepared, parsed) {
                (Ok(prepared), Ok(request)) => {
                    exchange(linked, prepared, request, &sink, cancel).await
                }
                (Err(named), _) | (_, Err(named)) => Err(named),
            };
            let result = result.map(|()| (0, Vec::new()));
            tape.iter().for_each(|tape| tape.end(&result));
            if let Err(named) = result {
                sink.fail(&named);
            }
        });
        let running = Running { cancel: Mutex::new(Some(sender)) };
        Box::into_raw(Box::new(Exchange { running, feed, callbacks }))
    })
}

#[no_mangle]
unsafe extern "C" fn qb_exchange_push(
    exchange: *const Exchange,
    chunk: CBytes,
    taken: *mut c_void,
) {
    entry_or((), || match &(*exchange).feed {
        Some(feed) => feed.push(bytes::Bytes::copy_from_slice(chunk.get()), Foreign(taken)),
        None => ((*exchange).callbacks.body_taken)(taken),
    })
}

#[no_mangle]
unsafe extern "C" fn qb_exchange_end_body(exchange: *const Exchange) {
    entry_or((), || (*exchange).feed.iter().for_each(|feed| feed.end()))
}

#[no_mangle]
unsafe extern "C" fn qb_exchange_abort_body(exchange: *const Exchange) {
    entry_or((), || (*exchange).feed.iter().for_each(|feed| feed.abort()))
}

#[no_mangle]
unsafe extern "C" fn qb_exchange_cancel(exchange: *const Exchange, kind: u32, message: CBytes) {
    entry_or((), || {
        let message = String::from_utf8_lossy(message.get()).into_owned();
        (*exchange).running.cancel(Named::new(Kind::from_code(kind), message));
    })
}

#[no_mangle]
unsafe extern "C" fn qb_exchange_free(exchange: *mut Exchange) {
    entry_or((), || {
        if !exchange.is_null() {
            drop(Box::from_raw(exchange))
        }
    })
}
