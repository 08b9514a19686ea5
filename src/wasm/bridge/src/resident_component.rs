//! Components whose instance stays: their exported functions are called many times, on the caller's
//! thread. Arguments and results are the flat bytes of values.rs. A call runs as a fiber, which that
//! thread polls: what the guest asks of the host may take its time.

use crate::abi::{entry, entry_or, Buffer, Bytes, Error};
use crate::error::{Kind, Named};
use crate::link::{Linked, Ready};
use crate::log_filter::{is_process, Process};
use crate::resident::{ended_by, finish, Watch};
use crate::run::Guest;
use crate::sandbox::{prepare, Taping};
use crate::state::State;
use crate::values::{encode, Decoder};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{Func, Instance, Val};
use wasmtime::{AsContextMut, Store};

enum Function {
    /// Its types are known here.
    Process(Process),
    Other { func: Func, name: String },
}

/// Fields drop in order: the place is free when the store is gone.
pub struct ResidentComponent {
    store: Store<State>,
    instance: Instance,
    functions: Vec<Function>,
    calls: Arc<AtomicU64>,
    wall: Duration,
    linked: Arc<Linked>,
    _place: OwnedSemaphorePermit,
}

impl ResidentComponent {
    /// Safety: `sandbox` is as bridge.h says.
    unsafe fn new(
        linked: Arc<Linked>,
        sandbox: &crate::abi::Sandbox,
    ) -> Result<ResidentComponent, Named> {
        let prepared = prepare(sandbox, &linked.shared, Taping::Must)?;
        let Ready::Component { bare, .. } = &linked.ready else {
            return Err(Named::new(Kind::Unsupported, "a module is no component"));
        };
        let (mut store, place) = {
            let made = Guest::new(&linked.shared, prepared.state);
            linked.shared.handle.block_on(made)?.into_parts()
        };
        let calls = Arc::new(AtomicU64::new(0));
        store.data_mut().watch = Some(Watch::new(calls.clone(), prepared.wall));
        let _live = linked.shared.ticker.enter();
        let made = finish(&linked, prepared.wall, bare.instantiate_async(&mut store));
        let instance = made.map_err(|error| ended_by(&store, error))?;
        let limit = Duration::from_millis(sandbox.cpu_ms);
        store.data_mut().watch = Some(Watch::new(calls.clone(), limit));
        Ok(ResidentComponent {
            store,
            instance,
            functions: vec![],
            calls,
            wall: prepared.wall,
            linked: linked.clone(),
            _place: place,
        })
    }

    fn find(&mut self, holder: &str, name: &str) -> Result<u32, Named> {
        let instance = self.instance;
        let outer = instance.get_export_index(&mut self.store, None, holder);
        let inner = outer.and_then(|outer| {
            instance.get_export_index(&mut self.store, Some(&outer), name)
        });
        let func = inner.and_then(|inner| instance.get_func(&mut self.store, inner));
        let func = func.ok_or_else(|| {
            let text = format!("the component exports no function {holder}#{name}");
            Named::new(Kind::NotFound, text)
        })?;
        self.functions.push(match is_process(holder, name) {
            true => Function::Process(Process::new(func, &self.store).map_err(|error| {
                let text = format!("{holder}#{name} is of another type: {error:#}");
                Named::new(Kind::InvalidArgument, text)
            })?),
            false => Function::Other { func, name: name.to_string() },
        });
        Ok(self.functions.len() as u32 - 1)
    }

    fn call(&mut self, index: u32, arguments: &[u8]) -> Result<Vec<u8>, Named> {
        let Some(function) = self.functions.get(index as usize) else {
            return Err(Named::new(Kind::Internal, "no such function was found before"));
        };
        let call = self.calls.load(Ordering::Relaxed).wrapping_add(1);
        self.calls.store(call, Ordering::Relaxed);
        let _live = self.linked.shared.ticker.enter();
        let store = &mut self.store;
        let called = match function {
            Function::Process(process) => {
                finish(&self.linked, self.wall, process.call(store, arguments))
            }
            Function::Other { func, name } => {
                finish(&self.linked, self.wall, call_other(store, *func, name, arguments))
            }
        };
        called.map_err(|error| ended_by(&self.store, error))
    }
}

async fn call_other(
    store: &mut Store<State>,
    func: Func,
    name: &str,
    arguments: &[u8],
) -> wasmtime::Result<Vec<u8>> {
    let ty = func.ty(&*store);
    let mut decoder = Decoder::new(arguments, &[], name);
    let mut parameters = Vec::new();
    for (_, ty) in ty.params() {
        parameters.push(decoder.value(&mut store.as_context_mut(), &ty)?);
    }
    decoder.end()?;
    let mut results = vec![Val::Bool(false); ty.results().len()];
    func.call_async(&mut *store, &parameters, &mut results).await?;
    let mut out = Vec::new();
    for (ty, value) in ty.results().zip(&results) {
        encode(&mut store.as_context_mut(), &ty, value, &mut out)?;
    }
    Ok(out)
}

#[no_mangle]
unsafe extern "C" fn qb_component_new(
    linked: *const Linked,
    sandbox: *const crate::abi::Sandbox,
    out: *mut *mut ResidentComponent,
) -> Error {
    entry(|| {
        Arc::increment_strong_count(linked);
        let made = ResidentComponent::new(Arc::from_raw(linked), &*sandbox)?;
        *out = Box::into_raw(Box::new(made));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_component_find(
    component: *mut ResidentComponent,
    instance: Bytes,
    name: Bytes,
    out: *mut u32,
) -> Error {
    entry(|| {
        let instance = instance.text("the instance's name")?;
        *out = (*component).find(instance, name.text("the function's name")?)?;
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_component_call(
    component: *mut ResidentComponent,
    function: u32,
    arguments: Bytes,
    out: *mut Buffer,
) -> Error {
    entry(|| {
        *out = (*component).call(function, arguments.get())?.into();
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_component_free(component: *mut ResidentComponent) {
    entry_or((), || drop(Box::from_raw(component)))
}
