//! Host functions: the interfaces that components import, and the raw functions of modules.

use crate::abi::{self, entry_or, slice, Callbacks, Foreign, RawCall, TextOut};
use crate::bulk;
use crate::core_calls::{bits, CoreCall};
use crate::error::{Kind, Named};
use crate::output::Printer;
use crate::program::without_version;
use crate::quick;
use crate::record_core::put_answer;
use crate::replay_link::drop_name;
use crate::state::State;
use crate::tape::{Arguments, Calling};
use crate::values::{encode, Decoder};
use crate::wake::Waitable;
use std::ffi::c_void;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::oneshot;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ResourceType, Val as ComponentVal};
use wasmtime::{Caller, Extern, FuncType, Result, StoreContextMut, Val, ValType};

/// Resource types of one host; their number is their item's index.
pub const MAX_RESOURCES: u32 = 256;

/// What C++ gave to qb_link. Lives as long as a program that is linked to it.
pub struct Host {
    pub object: Foreign,
    pub callbacks: Callbacks,
    pub items: Vec<Item>,
    pub raw: Vec<RawItem>,
    /// The beginning of an import, and what to say when nobody provides it.
    pub advice: Vec<(String, String)>,
}

pub struct Item {
    pub interface: String,
    pub name: String,
    pub resource: bool,
    /// In recordings.
    full: String,
}

pub struct RawItem {
    pub module: String,
    pub name: String,
    pub parameters: Vec<ValType>,
    pub results: Vec<ValType>,
    /// Is it ever asked again?
    pub waits: bool,
}

impl Drop for Host {
    fn drop(&mut self) {
        unsafe { (self.callbacks.host_drop)(self.object.0) }
    }
}

impl Host {
    /// Takes `host.host` in every case. Safety: `host` is as bridge.h says.
    pub unsafe fn new(
        host: &abi::Host,
        callbacks: &Callbacks,
    ) -> std::result::Result<Arc<Host>, Named> {
        let object = Foreign(host.host);
        let mut made =
            Host { object, callbacks: *callbacks, items: vec![], raw: vec![], advice: vec![] };
        for item in slice(host.items, host.item_count) {
            let interface = item.interface_name.text("an interface's name")?.to_string();
            let name = item.name.text("a function's name")?.to_string();
            let full = match item.resource {
                true => drop_name(&interface, &name),
                false => format!("{}#{name}", without_version(&interface)),
            };
            made.items.push(Item { interface, name, resource: item.resource, full });
        }
        for item in slice(host.raw, host.raw_count) {
            made.raw.push(RawItem {
                module: item.module.text("a module's name")?.to_string(),
                name: item.name.text("a function's name")?.to_string(),
                parameters: item.parameters.get().iter().map(raw_type).collect(),
                results: item.results.get().iter().map(raw_type).collect(),
                waits: item.waits,
            });
        }
        for pair in slice(host.advice, host.advice_count) {
            let beginning = pair.first.text("an import's beginning")?.to_string();
            made.advice.push((beginning, pair.second.text("advice")?.to_string()));
        }
        if made.items.len() > MAX_RESOURCES as usize {
            return Err(Named::new(Kind::InvalidArgument, "too many host functions"));
        }
        Ok(Arc::new(made))
    }
}

fn raw_type(code: &u8) -> ValType {
    match code {
        0 => ValType::I32,
        1 => ValType::I64,
        2 => ValType::F32,
        _ => ValType::F64,
    }
}

// ---- components -----------------------------------------------------------------------------

enum Answer {
    Results { bytes: Vec<u8>, waitables: Vec<Arc<Waitable>>, printer: Printer },
    Trap(String),
}

/// A call on its way to C++ and back.
pub struct Call {
    arguments: Vec<u8>,
    printer: Printer,
    answer: oneshot::Sender<Answer>,
}

pub fn define_interfaces(
    linker: &mut wasmtime::component::Linker<State>,
    host: &Arc<Host>,
) -> Result<()> {
    for (index, item) in host.items.iter().enumerate() {
        let index = index as u32;
        let host = host.clone();
        let mut instance = linker.instance(&item.interface)?;
        if item.resource {
            let ty = ResourceType::host_dynamic(index);
            instance.resource(&item.name, ty, move |store, rep| {
                drop_resource(&host, index, store, rep);
                Ok(())
            })?;
        } else if !bulk::define(&mut instance, &host, index)? {
            instance.func_new_async(&item.name, move |store, ty, arguments, results| {
                let host = host.clone();
                Box::new(async move { call(&host, index, store, ty, arguments, results).await })
            })?;
        }
    }
    Ok(())
}

fn drop_resource(host: &Host, index: u32, mut store: StoreContextMut<'_, State>, rep: u32) {
    let state = store.data_mut();
    state.handles -= 1;
    let instance = state.instance.object.0;
    unsafe { (host.callbacks.host_resource_drop)(host.object.0, index, instance, rep) }
    if let Some(tape) = &state.tape {
        let mut arguments = Arguments::default();
        arguments.add(&rep.to_le_bytes());
        tape.call(&host.items[index as usize].full, arguments).returned(|_| {});
    }
}

async fn call(
    host: &Host,
    index: u32,
    mut store: StoreContextMut<'_, State>,
    ty: ComponentFunc,
    arguments: &[ComponentVal],
    results: &mut [ComponentVal],
) -> Result<()> {
    let mut encoded = Encoded { bytes: Vec::with_capacity(64), ends: vec![] };
    for ((_, ty), value) in ty.params().zip(arguments) {
        encode(&mut store, &ty, value, &mut encoded.bytes)?;
        encoded.ends.push(encoded.bytes.len());
    }
    let name = &host.items[index as usize].name;
    let Answered { mut bytes, waitables, calling } = ask(host, index, &mut store, encoded).await?;
    let mut decoder = Decoder::new(&bytes, &waitables, name);
    for (ty, result) in ty.results().zip(results) {
        *result = decoder.value(&mut store, &ty)?;
    }
    decoder.end()?;
    if let Some(calling) = calling {
        let numbered = decoder.pollables;
        for (before_end, number) in numbered {
            let at = bytes.len() - before_end;
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        calling.returned_value(&bytes);
    }
    Ok(())
}

/// A call's arguments, and where each of them ends.
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub ends: Vec<usize>,
}

/// What C++ answered, and the record of it that is to be ended.
pub struct Answered {
    pub bytes: Vec<u8>,
    pub waitables: Vec<Arc<Waitable>>,
    pub calling: Option<Calling>,
}

fn begin_record(host: &Host, index: u32, state: &State, arguments: &Encoded) -> Option<Calling> {
    let tape = state.tape.as_ref()?;
    let mut recorded = Arguments::default();
    let mut began = 0;
    for end in &arguments.ends {
        recorded.add(&arguments.bytes[began..*end]);
        began = *end;
    }
    Some(tape.call(&host.items[index as usize].full, recorded))
}

/// Hands encoded arguments to C++; what it answers, still encoded.
pub async fn ask(
    host: &Host,
    index: u32,
    store: &mut StoreContextMut<'_, State>,
    arguments: Encoded,
) -> Result<Answered> {
    let calling = begin_record(host, index, store.data(), &arguments);
    match ask_unrecorded(host, index, store, arguments.bytes).await {
        Ok((bytes, waitables)) => Ok(Answered { bytes, waitables, calling }),
        Err(error) => {
            calling.into_iter().for_each(|calling| calling.failed(&error));
            Err(error)
        }
    }
}

async fn ask_unrecorded(
    host: &Host,
    index: u32,
    store: &mut StoreContextMut<'_, State>,
    arguments: Vec<u8>,
) -> Result<(Vec<u8>, Vec<Arc<Waitable>>)> {
    store.data_mut().at_host_call()?;
    let (sender, answer) = oneshot::channel();
    let printer = Printer::new(&store.data().outputs);
    let call = Box::into_raw(Box::new(Call { arguments, printer, answer: sender }));
    let instance = store.data().instance.object;
    unsafe { (host.callbacks.host_call)(host.object.0, index, instance.0, call) };
    match answer.await {
        Ok(Answer::Results { bytes, waitables, mut printer }) => {
            if !printer.is_empty() {
                let outputs = store.data().outputs.clone();
                printer.flush(outputs).await?;
            }
            Ok((bytes, waitables))
        }
        Ok(Answer::Trap(message)) => Err(Named::new(Kind::GuestTrap, message).into()),
        Err(_) => {
            let name = &host.items[index as usize].name;
            Err(Named::new(Kind::GuestTrap, format!("the host never answered {name}")).into())
        }
    }
}

#[no_mangle]
unsafe extern "C" fn qb_call_arguments(call: *const Call) -> abi::Bytes {
    abi::Bytes::of(&(*call).arguments)
}

#[no_mangle]
unsafe extern "C" fn qb_call_resolve(
    call: *mut Call,
    results: abi::Bytes,
    waitables: *const *const Waitable,
    count: usize,
) {
    entry_or((), || {
        let Call { printer, answer: waiting, .. } = *Box::from_raw(call);
        let shared = slice(waitables, count).iter().map(|waitable| {
            Arc::increment_strong_count(*waitable);
            Arc::from_raw(*waitable)
        });
        let waitables = shared.collect();
        let answer = Answer::Results { bytes: results.get().to_vec(), waitables, printer };
        let _ = waiting.send(answer); // nobody listens when the instance ended first
    })
}

/// Safety: the call is not answered yet, and nobody else uses it meanwhile.
#[no_mangle]
unsafe extern "C" fn qb_call_print(call: *mut Call, stream: u32, bytes: abi::Bytes) {
    entry_or((), || (*call).printer.print(stream, bytes.get()))
}

#[no_mangle]
unsafe extern "C" fn qb_call_trap(call: *mut Call, message: abi::Bytes) {
    entry_or((), || {
        let message = String::from_utf8_lossy(message.get()).into_owned();
        let _ = Box::from_raw(call).answer.send(Answer::Trap(message));
    })
}

#[no_mangle]
unsafe extern "C" fn qb_call_drop(call: *mut Call) {
    entry_or((), || drop(Box::from_raw(call)))
}

// ---- core modules ---------------------------------------------------------------------------

pub fn define_raw(linker: &mut wasmtime::Linker<State>, host: &Arc<Host>) -> Result<()> {
    for (index, item) in host.raw.iter().enumerate() {
        let ty = FuncType::new(linker.engine(), item.parameters.clone(), item.results.clone());
        let host = host.clone();
        if !item.waits {
            quick::define(linker, host, index as u32, ty)?;
            continue;
        }
        linker.func_new_async(
            &item.module,
            &item.name,
            ty,
            move |caller, arguments, results| {
                let host = host.clone();
                Box::new(
                    async move { call_raw(&host, index as u32, caller, arguments, results).await },
                )
            },
        )?;
    }
    Ok(())
}

/// How a raw function answered: it is done, or it only printed until now and has to be asked again.
enum Asked {
    Done,
    Printed,
}

/// Asks C++ until it is done. The memory is looked up each time: it may have moved meanwhile.
async fn call_raw(
    host: &Host,
    index: u32,
    mut caller: Caller<'_, State>,
    arguments: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let mut values: Vec<u64> = arguments.iter().map(bits).collect();
    let calling = caller.data().tape.as_ref().map(|tape| {
        let item = &host.raw[index as usize];
        let call = CoreCall { function: None, words: &values };
        tape.call(&format!("{}.{}", item.module, item.name), call.arguments(&mut []))
    });
    values.resize(arguments.len() + results.len(), 0);
    let asked = ask_raw(host, index, &mut caller, &mut values, arguments.len()).await;
    match (calling, &asked) {
        (Some(calling), Ok(regions)) => {
            let (memory, size) = memory_of(&mut caller);
            let memory = unsafe { slice(memory, size) };
            put_answer(calling, &values[arguments.len()..], memory, regions);
        }
        (Some(calling), Err(error)) => calling.failed(error),
        (None, _) => {}
    }
    asked?;
    let types = &host.raw[index as usize].results;
    for ((result, ty), value) in results.iter_mut().zip(types).zip(&values[arguments.len()..]) {
        *result = from_bits(ty, *value);
    }
    Ok(())
}

/// Of the memory that C++ had in its hands to write: where it begins and its size.
type Regions = Vec<(u32, u32)>;

async fn ask_raw(
    host: &Host,
    index: u32,
    caller: &mut Caller<'_, State>,
    values: &mut [u64],
    arguments: usize,
) -> Result<Regions> {
    caller.data_mut().at_host_call()?;
    let recorded = caller.data().tape.is_some();
    let mut written = Regions::new();
    let mut printer = Printer::new(&caller.data().outputs);
    loop {
        let asked = poll_fn(|context| {
            let (memory, memory_size) = memory_of(caller);
            let mut call = RawCall {
                memory,
                memory_size,
                values: values.as_mut_ptr(),
                arguments,
                instance: caller.data().instance.object.0,
                waker_source: context.waker() as *const std::task::Waker as *mut c_void,
                written: match recorded {
                    true => &raw mut written as *mut c_void,
                    false => std::ptr::null_mut(),
                },
                printer: &raw mut printer as *mut c_void,
                grower: std::ptr::null_mut(),
            };
            let mut trap = String::new();
            let out = TextOut { target: &raw mut trap as *mut c_void, set: set_text };
            let ask = host.callbacks.host_raw_call;
            match unsafe { ask(host.object.0, index, &mut call, out) } {
                0 => Poll::Ready(Ok(Asked::Done)),
                1 if printer.is_empty() => Poll::Pending,
                1 => Poll::Ready(Ok(Asked::Printed)),
                _ => Poll::Ready(Err(wasmtime::Error::from(Named::new(Kind::GuestTrap, trap)))),
            }
        })
        .await?;
        if !printer.is_empty() {
            let outputs = caller.data().outputs.clone();
            printer.flush(outputs).await?;
        }
        if let Asked::Done = asked {
            return Ok(written);
        }
    }
}

/// Safety: `written` is a qb_raw_call's, while that call lasts, and not null.
#[no_mangle]
unsafe extern "C" fn qb_raw_wrote(written: *mut c_void, at: u32, size: u32) {
    entry_or((), || (*(written as *mut Regions)).push((at, size)))
}

pub fn memory_of(caller: &mut Caller<'_, State>) -> (*mut u8, usize) {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => (memory.data_ptr(&*caller), memory.data_size(&*caller)),
        _ => (std::ptr::null_mut(), 0),
    }
}

pub unsafe extern "C" fn set_text(target: *mut c_void, text: abi::Bytes) {
    *(target as *mut String) = String::from_utf8_lossy(text.get()).into_owned();
}

pub fn from_bits(ty: &ValType, bits: u64) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        _ => Val::F64(bits),
    }
}
