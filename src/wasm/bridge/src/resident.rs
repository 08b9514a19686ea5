//! Instances that stay: a module's functions are called many times, on the caller's thread. A call
//! of a module that only computes is a plain call (no fiber, no allocation); one of a module that
//! imports what may wait, as WASI's functions may, runs as a fiber which that thread polls.

use crate::abi::{entry, entry_or, slice, Bytes, Error};
use crate::error::{Kind, Named};
use crate::link::{Linked, Ready};
use crate::run::{wall_error, Guest};
use crate::sandbox::{prepare, Taping};
use crate::state::{thread_clock, State};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Func, Instance, Memory, Store, UpdateDeadline, Val, ValRaw, ValType};
use wasmtime_wasi::I32Exit;

/// Of a function that may be called here.
const MOST_PARAMETERS: usize = 8;

/// Where the guest's memory lies, until it runs or grows again.
#[repr(C)]
pub struct View {
    memory: *mut u8,
    size: usize,
}

struct Function {
    func: Func,
    parameters: usize,
    result: bool,
}

/// Fields drop in order: the place is free when the store is gone.
pub struct Resident {
    store: Store<State>,
    instance: Instance,
    memory: Memory,
    functions: Vec<Function>,
    waits: bool,
    calls: Arc<AtomicU64>,
    call_limit: Duration,
    linked: Arc<Linked>,
    _place: OwnedSemaphorePermit,
}

/// Ends a call that computes for too long. Nothing is counted in a call but the call itself: what an
/// epoch sees of the same call as the one before it is one that lasts.
pub struct Watch {
    calls: Arc<AtomicU64>,
    seen: u64,
    began: u64,
    limit: Duration,
}

impl Watch {
    pub fn new(calls: Arc<AtomicU64>, limit: Duration) -> Watch {
        Watch { calls, seen: u64::MAX, began: 0, limit }
    }

    pub fn look(&mut self) -> Result<UpdateDeadline, Named> {
        let (call, now) = (self.calls.load(Ordering::Relaxed), thread_clock());
        if call != self.seen {
            (self.seen, self.began) = (call, now);
        } else if now.saturating_sub(self.began) as u128 > self.limit.as_nanos() {
            let text = format!("CPU time: a call took more than {} ms", self.limit.as_millis());
            return Err(Named::new(Kind::DeadlineExceeded, text));
        }
        Ok(UpdateDeadline::Continue(1))
    }
}

fn is_wasi(module: &str) -> bool {
    module.starts_with("wasi")
}

/// Runs a future of a guest to its end on this thread.
pub fn finish<T>(
    linked: &Linked,
    limit: Duration,
    body: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let _entered = linked.shared.handle.enter();
    let mut body = std::pin::pin!(body);
    if let Poll::Ready(done) = body.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return done;
    }
    let waited = async { tokio::time::timeout(limit, body).await };
    match linked.shared.handle.block_on(waited) {
        Ok(done) => done,
        Err(_) => Err(wall_error(limit).into()),
    }
}

impl Resident {
    /// Safety: `sandbox` is as bridge.h says.
    unsafe fn new(linked: Arc<Linked>, sandbox: &crate::abi::Sandbox) -> Result<Resident, Named> {
        let prepared = prepare(sandbox, &linked.shared, Taping::Must)?;
        let Ready::Module(module) = &linked.ready else {
            return Err(Named::new(Kind::Unsupported, "a component is no module"));
        };
        let pre = module.pre(&prepared.state).map_err(|e| named(&e, Kind::Unsupported))?;
        let waits = pre.module().imports().any(|import| is_wasi(import.module()));
        let (store, place) = {
            let made = Guest::new(&linked.shared, prepared.state);
            linked.shared.handle.block_on(made)?.into_parts()
        };
        let mut store = store;
        let calls = Arc::new(AtomicU64::new(0));
        store.data_mut().watch = Some(Watch::new(calls.clone(), prepared.wall));
        let _live = linked.shared.ticker.enter();
        let instantiated = match waits {
            true => finish(&linked, prepared.wall, pre.instantiate_async(&mut store)),
            false => pre.instantiate(&mut store),
        };
        let instance = instantiated.map_err(|e| ended_by(&store, e))?;
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.filter(|memory| !memory.ty(&store).is_64()).ok_or_else(|| {
            Named::new(Kind::Unsupported, "the module exports no memory of 32 bits as \"memory\"")
        })?;
        let call_limit = Duration::from_millis(sandbox.cpu_ms);
        let mut made = Resident {
            store,
            instance,
            memory,
            functions: vec![],
            waits,
            calls: calls.clone(),
            call_limit: prepared.wall,
            linked: linked.clone(),
            _place: place,
        };
        // As a library is started: never through _start, which is for programs that end.
        let begin = if waits { "_initialize" } else { "__wasm_call_ctors" };
        if let Ok(index) = made.find(begin, 0, false) {
            made.call(index, &[])?;
        }
        made.call_limit = call_limit;
        made.store.data_mut().watch = Some(Watch::new(calls, call_limit));
        Ok(made)
    }

    fn find(&mut self, name: &str, parameters: usize, result: bool) -> Result<u32, Named> {
        let fits = |func: &Func, store: &Store<State>| {
            let ty = func.ty(store);
            let is_i32 = |ty: ValType| matches!(ty, ValType::I32);
            ty.params().len() == parameters
                && ty.params().all(is_i32)
                && ty.results().len() == usize::from(result)
                && ty.results().all(is_i32)
        };
        if let Some(func) = self.instance.get_func(&mut self.store, name) {
            if parameters <= MOST_PARAMETERS && fits(&func, &self.store) {
                self.functions.push(Function { func, parameters, result });
                return Ok(self.functions.len() as u32 - 1);
            }
            let found = func.ty(&self.store).to_string();
            let text = format!("{name} is of another type: {found}");
            return Err(Named::new(Kind::InvalidArgument, text));
        }
        let exports: Vec<(String, Option<Func>)> = self
            .instance
            .exports(&mut self.store)
            .map(|export| (export.name().to_string(), export.into_func()))
            .collect();
        let like = exports
            .into_iter()
            .filter(|(_, func)| func.as_ref().is_some_and(|func| fits(func, &self.store)));
        let like: Vec<String> = like.map(|(name, _)| name).collect();
        let others = match like.is_empty() {
            true => "it exports none of that type".to_string(),
            false => format!("of that type it exports {}", like.join(", ")),
        };
        let text = format!("the module exports no function {name}; {others}");
        Err(Named::new(Kind::NotFound, text))
    }

    fn call(&mut self, index: u32, arguments: &[u32]) -> Result<u32, Named> {
        let Some(function) = self.functions.get(index as usize) else {
            return Err(Named::new(Kind::Internal, "no such function was found before"));
        };
        if function.parameters != arguments.len() {
            return Err(Named::new(Kind::Internal, "a call with another number of arguments"));
        }
        let call = self.calls.load(Ordering::Relaxed).wrapping_add(1);
        self.calls.store(call, Ordering::Relaxed);
        let _live = self.linked.shared.ticker.enter();
        let called = match self.waits {
            false => call_plainly(&mut self.store, function, arguments),
            true => {
                let body = call_waiting(&mut self.store, function, arguments);
                finish(&self.linked, self.call_limit, body)
            }
        };
        called.map_err(|error| ended_by(&self.store, error))
    }

    fn grow(&mut self, pages: u32) -> Result<u32, Named> {
        let before = self.memory.grow(&mut self.store, u64::from(pages));
        before.map(|pages| (pages << 16) as u32).map_err(|error| {
            let refused = self.store.data().limits.refused.clone();
            let text = refused.unwrap_or_else(|| format!("memory: {error:#}"));
            Named::new(Kind::ResourceExhausted, text)
        })
    }

    fn view(&self) -> View {
        View { memory: self.memory.data_ptr(&self.store), size: self.memory.data_size(&self.store) }
    }
}

fn call_plainly(
    store: &mut Store<State>,
    function: &Function,
    arguments: &[u32],
) -> wasmtime::Result<u32> {
    let mut values = [ValRaw::u32(0); MOST_PARAMETERS];
    for (value, argument) in values.iter_mut().zip(arguments) {
        *value = ValRaw::u32(*argument);
    }
    // Safety: `find` saw to it that the function is of so many i32; there is room for a result.
    unsafe { function.func.call_unchecked(store, &raw mut values[..])? };
    Ok(if function.result { values[0].get_u32() } else { 0 })
}

async fn call_waiting(
    store: &mut Store<State>,
    function: &Function,
    arguments: &[u32],
) -> wasmtime::Result<u32> {
    let mut values = [const { Val::I32(0) }; MOST_PARAMETERS];
    for (value, argument) in values.iter_mut().zip(arguments) {
        *value = Val::I32(*argument as i32);
    }
    let mut results = [Val::I32(0)];
    let given = &values[..arguments.len()];
    function.func.call_async(store, given, &mut results[..usize::from(function.result)]).await?;
    Ok(results[0].unwrap_i32() as u32)
}

fn named(error: &wasmtime::Error, kind: Kind) -> Named {
    let known = error.downcast_ref::<Named>().cloned();
    known.unwrap_or_else(|| Named::new(kind, format!("{error:#}")))
}

pub fn ended_by(store: &Store<State>, error: wasmtime::Error) -> Named {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Named::new(Kind::GuestTrap, format!("it ended itself with code {}", exit.0));
    }
    let state = store.data();
    crate::error::from_guest(error, state.limits.refused.as_deref(), state.max_handles)
}

#[no_mangle]
unsafe extern "C" fn qb_resident_new(
    linked: *const Linked,
    sandbox: *const crate::abi::Sandbox,
    view: *mut View,
    out: *mut *mut Resident,
) -> Error {
    entry(|| {
        Arc::increment_strong_count(linked);
        let made = Resident::new(Arc::from_raw(linked), &*sandbox)?;
        *view = made.view();
        *out = Box::into_raw(Box::new(made));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_resident_find(
    resident: *mut Resident,
    name: Bytes,
    parameters: u32,
    result: bool,
    out: *mut u32,
) -> Error {
    entry(|| {
        let name = name.text("the function's name")?;
        *out = (*resident).find(name, parameters as usize, result)?;
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_resident_call(
    resident: *mut Resident,
    function: u32,
    arguments: *const u32,
    count: usize,
    view: *mut View,
    out: *mut u32,
) -> Error {
    entry(|| {
        let resident = &mut *resident;
        let called = resident.call(function, slice(arguments, count));
        *view = resident.view();
        *out = called?;
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_resident_grow(
    resident: *mut Resident,
    pages: u32,
    view: *mut View,
    out: *mut u32,
) -> Error {
    entry(|| {
        let resident = &mut *resident;
        let grown = resident.grow(pages);
        *view = resident.view();
        *out = grown?;
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_resident_free(resident: *mut Resident) {
    entry_or((), || drop(Box::from_raw(resident)))
}
