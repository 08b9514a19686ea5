//! One run of a program in a fresh instance, within its limits, with its end told once.

use crate::abi::{self, entry, entry_or, slice, Bytes, Callbacks, Error, Foreign};
use crate::engine::Shared;
use crate::error::{from_guest, Kind, Named};
use crate::invoke::{invoke, Invocation};
use crate::link::{Linked, Ready};
use crate::recording::What;
use crate::sandbox::{prepare, Prepared, Taping};
use crate::state::{Meter, State};
use crate::ticker::Live;
use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, OwnedSemaphorePermit, TryAcquireError};
use wasmtime::Store;
use wasmtime_wasi::I32Exit;

/// A store with its place in the pool. Fields drop in order: the place is free when the store is
/// gone.
pub struct Guest {
    pub store: Store<State>,
    _live: Live,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// Waits for a place, but not for long: guests that go on after their answer hold theirs, and
    /// whoever asks next should hear that there is none.
    pub async fn new(shared: &Shared, state: State) -> Result<Guest, Named> {
        let place = match shared.places.clone().try_acquire_owned() {
            Err(TryAcquireError::NoPermits) => wait_for_place(shared).await,
            taken => taken.ok(),
        };
        let place = place.ok_or_else(|| {
            let text = "the engine has no place for another instance: too many are alive";
            Named::new(Kind::Unavailable, text)
        })?;
        let live = shared.ticker.enter();
        let mut store = Store::new(&shared.engine, state);
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(State::at_epoch);
        Ok(Guest { store, _live: live, _place: place })
    }

    /// For whoever counts it among those that live by himself.
    pub fn into_parts(self) -> (Store<State>, OwnedSemaphorePermit) {
        (self.store, self._place)
    }

    pub fn ended_by(&self, error: wasmtime::Error) -> Named {
        let state = self.store.data();
        from_guest(error, state.limits.refused.as_deref(), state.max_handles)
    }
}

async fn wait_for_place(shared: &Shared) -> Option<OwnedSemaphorePermit> {
    let place = shared.places.clone().acquire_owned();
    tokio::time::timeout(shared.place_wait, place).await.ok()?.ok()
}

/// Polls a guest: its processor time is metered, and a panic of the host is its error.
pub struct Metered<F> {
    meter: Arc<Meter>,
    body: F,
}

impl<F> Metered<F> {
    pub fn new(meter: Arc<Meter>, body: F) -> Metered<F> {
        Metered { meter, body }
    }
}

impl<T, F: Future<Output = Result<T, Named>>> Future for Metered<F> {
    type Output = Result<T, Named>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Safety: `body` is pinned with self and never moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        let body = unsafe { Pin::new_unchecked(&mut this.body) };
        this.meter.begin_slice();
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll(context)));
        this.meter.end_slice();
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Named::from_panic(panic.as_ref()))))
    }
}

/// The other end of a qb_running or qb_exchange: a reason to end early. Dropped means the same.
pub type Cancel = oneshot::Receiver<Named>;

pub fn poll_cancel(cancel: &mut Cancel, context: &mut Context<'_>) -> Poll<Named> {
    let gone = |_| Named::new(Kind::Cancelled, "the run was withdrawn");
    Pin::new(cancel).poll(context).map(|reason| reason.unwrap_or_else(gone))
}

pub fn wall_error(wall: Duration) -> Named {
    let text = format!("wall clock: the limit of {} ms is over", wall.as_millis());
    Named::new(Kind::DeadlineExceeded, text)
}

/// `body`, unless it is withdrawn or its time is over first. When this answers, body is gone.
pub async fn supervise<T>(
    body: impl Future<Output = Result<T, Named>>,
    wall: Duration,
    mut cancel: Cancel,
) -> Result<T, Named> {
    let mut body = std::pin::pin!(body);
    let mut timer = std::pin::pin!(tokio::time::sleep(wall));
    poll_fn(|context| {
        if let Poll::Ready(reason) = poll_cancel(&mut cancel, context) {
            return Poll::Ready(Err(reason));
        }
        if let Poll::Ready(result) = body.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        timer.as_mut().poll(context).map(|()| Err(wall_error(wall)))
    })
    .await
}

/// The exit code, and what a function that was invoked gave.
pub type Ended = (i32, Vec<u8>);

/// Tells the end of a run, once; also when it is dropped half-way.
struct Done {
    run: Option<Foreign>,
    callbacks: Callbacks,
}

impl Done {
    fn tell(&mut self, result: Result<Ended, Named>) {
        let Some(run) = self.run.take() else { return };
        let (kind, message, code, text) = match result {
            Ok((code, results)) => (0, String::new(), code, results),
            Err(named) => (named.kind.code(), named.message, 0, Vec::new()),
        };
        let (message, text) = (Bytes::of(message.as_bytes()), Bytes::of(&text));
        unsafe { (self.callbacks.run_done)(run.0, kind, message, code, text) }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.tell(Err(Named::new(Kind::Cancelled, "the engine was shut down")));
    }
}

async fn run_command(linked: &Linked, state: State) -> Result<Ended, Named> {
    let mut guest = Guest::new(&linked.shared, state).await?;
    run_command_in(linked, &mut guest).await
}

pub async fn run_command_in(linked: &Linked, guest: &mut Guest) -> Result<Ended, Named> {
    match command(linked, &mut guest.store).await {
        Ok(code) => Ok((code, Vec::new())),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok((exit.0, Vec::new())),
            None => Err(guest.ended_by(error)),
        },
    }
}

async fn command(linked: &Linked, store: &mut Store<State>) -> wasmtime::Result<i32> {
    match &linked.ready {
        Ready::Module(module) => {
            let instance = module.pre(store.data())?.instantiate_async(&mut *store).await?;
            let Some(start) = instance.get_func(&mut *store, "_start") else {
                return Err(not_a_command());
            };
            start.call_async(store, &[], &mut []).await?;
            Ok(0)
        }
        Ready::Component { command: Some(pre), .. } => {
            let command = pre.instantiate_async(&mut *store).await?;
            let ended = command.wasi_cli_run().call_run(store).await?;
            Ok(if ended.is_ok() { 0 } else { 1 })
        }
        Ready::Component { .. } => Err(not_a_command()),
    }
}

fn not_a_command() -> wasmtime::Error {
    let text = "the program is no command: it exports neither _start nor wasi:cli/run";
    Named::new(Kind::Unsupported, text).into()
}

pub struct Running {
    pub cancel: Mutex<Option<oneshot::Sender<Named>>>,
}

impl Running {
    pub fn cancel(&self, reason: Named) {
        let sender = self.cancel.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(sender) = sender {
            let _ = sender.send(reason); // it may have ended
        }
    }
}

/// What a run does once it has its state.
enum Work {
    Command,
    Invoke(Invocation),
}

unsafe fn start(
    linked: *const Linked,
    sandbox: &abi::Sandbox,
    run: Foreign,
    work: Result<Work, Named>,
) -> *mut Running {
    Arc::increment_strong_count(linked);
    let linked = Arc::from_raw(linked);
    let callbacks = linked.shared.callbacks;
    let prepared = prepare(sandbox, &linked.shared, Taping::Must);
    if let (Ok(prepared), Ok(work)) = (&prepared, &work) {
        tell_head(&linked, prepared, sandbox, work);
    }
    let mut done = Done { run: Some(run), callbacks };
    let (sender, cancel) = oneshot::channel();
    linked.shared.handle.clone().spawn(async move {
        let result = match (prepared, work) {
            (Ok(prepared), Ok(work)) => run_work(linked, prepared, work, cancel).await,
            (Err(named), _) | (_, Err(named)) => Err(named),
        };
        done.tell(result);
    });
    Box::into_raw(Box::new(Running { cancel: Mutex::new(Some(sender)) }))
}

async fn run_work(
    linked: Arc<Linked>,
    prepared: Prepared,
    work: Work,
    cancel: Cancel,
) -> Result<Ended, Named> {
    let Prepared { state, wall } = prepared;
    let (meter, tape) = (state.meter.clone(), state.tape.clone());
    let body = async {
        match &work {
            Work::Command => run_command(&linked, state).await,
            Work::Invoke(invocation) => invoke(&linked, state, invocation).await,
        }
    };
    let result = supervise(Metered::new(meter, body), wall, cancel).await;
    tape.iter().for_each(|tape| tape.end(&result));
    result
}

unsafe fn tell_head(linked: &Linked, prepared: &Prepared, sandbox: &abi::Sandbox, work: &Work) {
    let args = slice(sandbox.args, sandbox.arg_count).iter();
    let args = args.map(|arg| String::from_utf8_lossy(arg.get()).into_owned());
    let (what, words) = match work {
        Work::Command => (What::Run, args.collect()),
        Work::Invoke(Invocation::Module { name, arguments }) => {
            (What::Invoke, std::iter::once(name).chain(arguments).cloned().collect())
        }
        Work::Invoke(Invocation::Component { .. }) => return, // C++ asks for no such record
    };
    prepared.tell_head(linked, sandbox, what, words);
}

#[no_mangle]
unsafe extern "C" fn qb_run(
    linked: *const Linked,
    sandbox: *const abi::Sandbox,
    run: *mut std::ffi::c_void,
) -> *mut Running {
    let run = Foreign(run);
    entry_or(std::ptr::null_mut(), || start(linked, &*sandbox, run, Ok(Work::Command)))
}

#[no_mangle]
unsafe extern "C" fn qb_invoke(
    linked: *const Linked,
    sandbox: *const abi::Sandbox,
    run: *mut std::ffi::c_void,
    function: Bytes,
    arguments: *const Bytes,
    count: usize,
) -> *mut Running {
    let run = Foreign(run);
    let work = || {
        let name = function.text("the function's name")?.to_string();
        let texts = slice(arguments, count).iter().map(|text| text.text("an argument"));
        let arguments: Result<Vec<String>, Named> = texts.map(|t| t.map(str::to_string)).collect();
        Ok(Work::Invoke(Invocation::Module { name, arguments: arguments? }))
    };
    entry_or(std::ptr::null_mut(), || start(linked, &*sandbox, run, work()))
}

#[no_mangle]
unsafe extern "C" fn qb_call_export(
    linked: *const Linked,
    sandbox: *const abi::Sandbox,
    run: *mut std::ffi::c_void,
    instance: Bytes,
    function: Bytes,
    arguments: Bytes,
) -> *mut Running {
    let run = Foreign(run);
    let work = || {
        let instance = instance.text("the instance's name")?.to_string();
        let name = function.text("the function's name")?.to_string();
        let arguments = arguments.get().to_vec();
        Ok(Work::Invoke(Invocation::Component { instance, name, arguments }))
    };
    entry_or(std::ptr::null_mut(), || start(linked, &*sandbox, run, work()))
}

#[no_mangle]
unsafe extern "C" fn qb_running_cancel(running: *const Running, kind: u32, message: Bytes) {
    entry_or((), || {
        let message = String::from_utf8_lossy(message.get()).into_owned();
        (*running).cancel(Named::new(Kind::from_code(kind), message));
    })
}

#[no_mangle]
unsafe extern "C" fn qb_running_free(running: *mut Running) {
    entry_or((), || {
        if !running.is_null() {
            drop(Box::from_raw(running))
        }
    })
}

#[no_mangle]
unsafe extern "C" fn qb_measure_start(
    linked: *const Linked,
    sandbox: *const abi::Sandbox,
    nanoseconds: *mut u64,
) -> Error {
    entry(|| {
        let linked = &*linked;
        let prepared = prepare(&*sandbox, &linked.shared, Taping::Must)?;
        let before = Instant::now();
        linked.shared.handle.block_on(async {
            let mut guest = Guest::new(&linked.shared, prepared.state).await?;
            let made = match &linked.ready {
                Ready::Module(module) => {
                    module.plain.instantiate_async(&mut guest.store).await.map(drop)
                }
                Ready::Component { bare, .. } => {
                    bare.instantiate_async(&mut guest.store).await.map(drop)
                }
            };
            made.map_err(|error| guest.ended_by(error))
        })?;
        *nanoseconds = before.elapsed().as_nanos() as u64;
        Ok(())
    })
}
