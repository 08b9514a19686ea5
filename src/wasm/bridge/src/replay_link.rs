//! Every import of a program as a function that a recording answers. Nothing of the world is linked.

use crate::answered::matters;
use crate::core_calls::{bits, find, CoreCall};
use crate::engine::Shared;
use crate::error::{from_host, Kind, Named};
use crate::guest_bytes::GuestBytes;
use crate::host::from_bits;
use crate::link::{Linked, Ready};
use crate::output::Printer;
use crate::program::{without_version, Code, Program};
use crate::recording::{misshapen, too_long, Fields, MOST_IN_VALUE};
use crate::replay::Answer;
use crate::state::State;
use crate::tape::Arguments;
use crate::values::{encode, Decoder};
use std::sync::Arc;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{
    Component, Linker as ComponentLinker, ResourceType, Val as ComponentVal,
};
use wasmtime::{Caller, Extern, Linker, Module, Result, StoreContextMut, Val, ValType};
use wasmtime_wasi::p2::bindings::CommandPre;

pub fn link(shared: &Arc<Shared>, program: &Program) -> std::result::Result<Arc<Linked>, Named> {
    let ready = match &program.code {
        Code::Module(module) => link_module(shared, module),
        Code::Component(component) => link_component(shared, component),
    };
    let ready = ready.map_err(|error| from_host(error, Kind::Unsupported))?;
    Ok(Arc::new(Linked::new(ready, shared, program)))
}

// ---- modules ----------------------------------------------------------------------------------

fn link_module(shared: &Shared, module: &Module) -> Result<Ready> {
    let mut linker = Linker::new(&shared.engine);
    for import in module.imports() {
        let name: Arc<str> = format!("{}.{}", import.module(), import.name()).into();
        let Some(ty) = import.ty().func().cloned() else {
            let text = format!("{name} is no function, and what is none cannot be replayed");
            return Err(Named::new(Kind::Unsupported, text).into());
        };
        let known = find(import.module(), import.name());
        let types: Arc<[ValType]> = ty.results().collect();
        linker.func_new_async(
            import.module(),
            import.name(),
            ty,
            move |caller, words, results| {
                let (name, types) = (name.clone(), types.clone());
                Box::new(async move {
                    let words: Vec<u64> = words.iter().map(bits).collect();
                    let call = CoreCall { function: known, words: &words };
                    answer_core(&name, call, caller, results, &types).await
                })
            },
        )?;
    }
    Ok(Ready::module(linker.instantiate_pre(module)?))
}

async fn answer_core(
    name: &str,
    call: CoreCall<'_>,
    mut caller: Caller<'_, State>,
    results: &mut [Val],
    types: &[ValType],
) -> Result<()> {
    let memory = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Some(memory),
        _ => None,
    };
    let (bytes, state) = match memory {
        Some(memory) => memory.data_and_store_mut(&mut caller),
        None => (&mut [][..], caller.data_mut()),
    };
    let arguments = call.arguments(bytes);
    let parameter = |index| call.parameter(index);
    let Answer { printed, results: answer } = state.replay()?.call(name, &arguments, parameter);
    if let Ok(answer) = &answer {
        put(answer, bytes, results, types)?;
    }
    print(state, printed).await?;
    answer.map(drop)
}

/// The recorded results and memory.
fn put(answer: &[u8], memory: &mut [u8], results: &mut [Val], types: &[ValType]) -> Result<()> {
    let mut fields = Fields(answer);
    if fields.u32()? as usize != results.len() {
        return Err(misshapen().into());
    }
    for (result, ty) in results.iter_mut().zip(types) {
        *result = from_bits(ty, fields.u64()?);
    }
    for _ in 0..fields.u32()? {
        let at = fields.u32()?;
        let put = GuestBytes(memory).put(at, fields.bytes()?);
        put.map_err(|_| misshapen())?;
    }
    Ok(())
}

async fn print(state: &mut State, printed: Vec<(u32, Vec<u8>)>) -> Result<()> {
    if printed.is_empty() {
        return Ok(());
    }
    let outputs = state.outputs.clone();
    let mut printer = Printer::new(&outputs);
    printed.iter().for_each(|(stream, bytes)| printer.print(*stream, bytes));
    printer.flush(outputs).await
}

// ---- components -------------------------------------------------------------------------------

fn link_component(shared: &Shared, component: &Component) -> Result<Ready> {
    let mut linker = ComponentLinker::new(&shared.engine);
    let engine = component.engine();
    let mut resources = Vec::new();
    for (name, item) in component.component_type().imports(engine) {
        match item.ty {
            ComponentItem::Type(_) => {}
            ComponentItem::ComponentInstance(instance) => {
                for (item_name, item) in instance.exports(engine) {
                    match item.ty {
                        ComponentItem::ComponentFunc(_) => {
                            define_function(&mut linker, name, item_name)?
                        }
                        ComponentItem::Resource(ty) => {
                            define_resource(&mut linker, name, item_name, ty, &mut resources)?
                        }
                        _ => {}
                    }
                }
            }
            _ => {
                let text = format!("{name} is no interface, and what is none cannot be replayed");
                return Err(Named::new(Kind::Unsupported, text).into());
            }
        }
    }
    let bare = linker.instantiate_pre(component)?;
    let command = CommandPre::new(bare.clone()).ok();
    Ok(Ready::Component { command, proxy: None, bare })
}

fn define_function(linker: &mut ComponentLinker<State>, interface: &str, name: &str) -> Result<()> {
    let full: Arc<str> = format!("{}#{name}", without_version(interface)).into();
    linker.instance(interface)?.func_new_async(name, move |store, ty, arguments, results| {
        let full = full.clone();
        Box::new(async move { answer_component(&full, store, ty, arguments, results).await })
    })
}

/// Interfaces name the resources of others too; each has one number, and one name for its drop: of
/// where it comes first, which is where it is made.
fn define_resource(
    linker: &mut ComponentLinker<State>,
    interface: &str,
    name: &str,
    ty: ResourceType,
    known: &mut Vec<(ResourceType, Arc<str>)>,
) -> Result<()> {
    let number = known.iter().position(|(other, _)| *other == ty).unwrap_or_else(|| {
        known.push((ty, drop_name(interface, name).into()));
        known.len() - 1
    });
    let full = known[number].1.clone();
    let ty = ResourceType::host_dynamic(number as u32);
    linker.instance(interface)?.resource(name, ty, move |mut store, rep| {
        let mut arguments = Arguments::default();
        arguments.add(&rep.to_le_bytes());
        let parameter = |_| "the resource".to_string();
        store.data_mut().replay()?.call(&full, &arguments, parameter).results.map(drop)
    })
}

pub fn drop_name(interface: &str, resource: &str) -> String {
    format!("{}#[resource-drop]{resource}", without_version(interface))
}

async fn answer_component(
    name: &str,
    mut store: StoreContextMut<'_, State>,
    ty: ComponentFunc,
    values: &[ComponentVal],
    results: &mut [ComponentVal],
) -> Result<()> {
    let mut arguments = Arguments::default();
    let mut encoded = Vec::new();
    for ((_, ty), value) in ty.params().zip(values) {
        let began = encoded.len();
        encode(&mut store, &ty, value, &mut encoded)?;
        arguments.add(&encoded[began..]);
    }
    let parameter =
        |index| ty.params().nth(index).map_or_else(String::new, |(name, _)| name.to_string());
    let state = store.data_mut();
    let replay = state.replay()?;
    let Answer { printed, results: answer } = replay.call(name, &arguments, parameter);
    if let Some(answer) = answer.as_ref().ok().filter(|_| matters(name)) {
        replay.answered.hear(name, &encoded, answer);
    }
    print(state, printed).await?;
    let answer = answer?;
    if answer.len() > MOST_IN_VALUE {
        return Err(too_long(answer.len(), MOST_IN_VALUE as u64).into());
    }
    let mut decoder = Decoder::new(&answer, &[], name);
    for (ty, result) in ty.results().zip(results) {
        *result = decoder.value(&mut store, &ty).map_err(|_| misshapen())?;
    }
    decoder.end().map_err(|_| misshapen().into())
}
