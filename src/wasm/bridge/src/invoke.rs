//! Calls of exported functions by name: of modules with numbers as text, of components with the flat
//! bytes of values.rs. What a component's functions take is told in WIT's words; the texts of
//! values are C++'s matter.

use crate::abi::{entry, Buffer, Error};
use crate::error::{Kind, Named};
use crate::link::{Linked, Ready, ReadyModule};
use crate::run::{Ended, Guest};
use crate::state::State;
use crate::values::{encode, Decoder};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{self, InstancePre, Type};
use wasmtime::{AsContextMut, Val, ValType};
use wasmtime_wasi::I32Exit;

pub enum Invocation {
    Module {
        name: String,
        arguments: Vec<String>,
    },
    /// `instance`: the export that holds the function; empty: the component itself.
    Component {
        instance: String,
        name: String,
        arguments: Vec<u8>,
    },
}

pub async fn invoke(
    linked: &Linked,
    state: State,
    invocation: &Invocation,
) -> Result<Ended, Named> {
    let mut guest = Guest::new(&linked.shared, state).await?;
    invoke_in(linked, &mut guest, invocation).await
}

pub async fn invoke_in(
    linked: &Linked,
    guest: &mut Guest,
    invocation: &Invocation,
) -> Result<Ended, Named> {
    let called = match (&linked.ready, invocation) {
        (Ready::Module(module), Invocation::Module { name, arguments }) => {
            call_module(guest, module, name, arguments).await
        }
        (Ready::Component { bare, .. }, Invocation::Component { instance, name, arguments }) => {
            call_component(guest, bare, instance, name, arguments).await
        }
        _ => Err(Named::new(Kind::Internal, "a call of the other kind of program").into()),
    };
    match called {
        Ok(results) => Ok((0, results)),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok((exit.0, Vec::new())),
            None => Err(guest.ended_by(error)),
        },
    }
}

async fn call_module(
    guest: &mut Guest,
    module: &ReadyModule,
    name: &str,
    arguments: &[String],
) -> wasmtime::Result<Vec<u8>> {
    let pre = module.pre(guest.store.data())?;
    let instance = pre.instantiate_async(&mut guest.store).await?;
    if let Some(initialize) = instance.get_func(&mut guest.store, "_initialize") {
        initialize.call_async(&mut guest.store, &[], &mut []).await?;
    }
    let function = instance.get_func(&mut guest.store, name).ok_or_else(|| {
        Named::new(Kind::NotFound, format!("the module exports no function {name}"))
    })?;
    let ty = function.ty(&guest.store);
    if ty.params().len() != arguments.len() {
        let text =
            format!("{name} takes {} arguments, {} given", ty.params().len(), arguments.len());
        return Err(Named::new(Kind::InvalidArgument, text).into());
    }
    let parsed: Result<Vec<Val>, Named> =
        ty.params().zip(arguments).map(|(ty, text)| parse_value(&ty, text)).collect();
    let mut results = vec![Val::I32(0); ty.results().len()];
    function.call_async(&mut guest.store, &parsed?, &mut results).await?;
    Ok(results.iter().map(show_value).collect::<Vec<_>>().join("\n").into_bytes())
}

fn parse_value(ty: &ValType, text: &str) -> Result<Val, Named> {
    let parsed = match ty {
        // Unsigned spellings are taken too: wasm's integers have no sign.
        ValType::I32 => {
            text.parse().or_else(|_| text.parse::<u32>().map(|v| v as i32)).map(Val::I32).ok()
        }
        ValType::I64 => {
            text.parse().or_else(|_| text.parse::<u64>().map(|v| v as i64)).map(Val::I64).ok()
        }
        ValType::F32 => text.parse::<f32>().map(Val::from).ok(),
        ValType::F64 => text.parse::<f64>().map(Val::from).ok(),
        _ => None,
    };
    parsed.ok_or_else(|| Named::new(Kind::InvalidArgument, format!("'{text}' is not of type {ty}")))
}

fn show_value(value: &Val) -> String {
    match value {
        Val::I32(v) => v.to_string(),
        Val::I64(v) => v.to_string(),
        Val::F32(v) => f32::from_bits(*v).to_string(),
        Val::F64(v) => f64::from_bits(*v).to_string(),
        other => format!("{other:?}"),
    }
}

async fn call_component(
    guest: &mut Guest,
    pre: &InstancePre<State>,
    instance: &str,
    name: &str,
    arguments: &[u8],
) -> wasmtime::Result<Vec<u8>> {
    let made = pre.instantiate_async(&mut guest.store).await?;
    let missing =
        || Named::new(Kind::NotFound, format!("the component exports no function {name}"));
    let holder = match instance {
        "" => None,
        instance => {
            let found = made.get_export_index(&mut guest.store, None, instance);
            Some(found.ok_or_else(missing)?)
        }
    };
    let index = made.get_export_index(&mut guest.store, holder.as_ref(), name);
    let function = made.get_func(&mut guest.store, index.ok_or_else(missing)?);
    let function = function.ok_or_else(missing)?;
    let ty = function.ty(&guest.store);
    let mut decoder = Decoder::new(arguments, &[], name);
    let mut parameters = Vec::new();
    for (_, ty) in ty.params() {
        parameters.push(decoder.value(&mut guest.store.as_context_mut(), &ty)?);
    }
    decoder.end()?;
    let mut results = vec![component::Val::Bool(false); ty.results().len()];
    function.call_async(&mut guest.store, &parameters, &mut results).await?;
    let mut out = Vec::new();
    for (ty, value) in ty.results().zip(&results) {
        encode(&mut guest.store.as_context_mut(), &ty, value, &mut out)?;
    }
    Ok(out)
}

/// More of one function is not told, nor of all: types that share parts grow with every level.
const LONGEST_TYPE: usize = 64 << 10;
const LONGEST_LIST: usize = 4 << 20;

/// A line for each exported function: its instance, its name, its type; tabs between.
fn functions(pre: &InstancePre<State>) -> String {
    let engine = pre.engine();
    let mut lines = String::new();
    for (name, item) in pre.component().component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => add_line("", name, &ty, &mut lines),
            ComponentItem::ComponentInstance(instance) => {
                for (function, item) in instance.exports(engine) {
                    if let ComponentItem::ComponentFunc(ty) = item.ty {
                        add_line(name, function, &ty, &mut lines);
                    }
                }
            }
            _ => {}
        }
    }
    lines
}

fn add_line(instance: &str, name: &str, ty: &ComponentFunc, lines: &mut String) {
    if lines.len() > LONGEST_LIST {
        return;
    }
    let mut text = String::from("(");
    for (index, (name, ty)) in ty.params().enumerate() {
        text += if index == 0 { "" } else { ", " };
        text += name;
        text += ": ";
        describe(&ty, &mut text);
    }
    text += ")";
    if let Some(ty) = ty.results().next() {
        text += " -> ";
        describe(&ty, &mut text);
    }
    if text.len() > LONGEST_TYPE {
        text = String::from("types that are too large");
    }
    *lines += &format!("{instance}\t{name}\t{text}\n");
}

fn describe(ty: &Type, out: &mut String) {
    if out.len() > LONGEST_TYPE {
        return;
    }
    match ty {
        Type::Bool => *out += "bool",
        Type::U8 => *out += "u8",
        Type::S8 => *out += "s8",
        Type::U16 => *out += "u16",
        Type::S16 => *out += "s16",
        Type::U32 => *out += "u32",
        Type::S32 => *out += "s32",
        Type::U64 => *out += "u64",
        Type::S64 => *out += "s64",
        Type::Float32 => *out += "f32",
        Type::Float64 => *out += "f64",
        Type::Char => *out += "char",
        Type::String => *out += "string",
        Type::List(list) => many(out, "list<", [list.ty()].iter(), ">", part),
        Type::Option(option) => many(out, "option<", [option.ty()].iter(), ">", part),
        Type::Tuple(tuple) => many(out, "tuple<", tuple.types(), ">", |ty, out| describe(&ty, out)),
        Type::Record(record) => many(out, "record { ", record.fields(), " }", |field, out| {
            *out += field.name;
            *out += ": ";
            describe(&field.ty, out);
        }),
        Type::Variant(variant) => many(out, "variant { ", variant.cases(), " }", |case, out| {
            *out += case.name;
            if let Some(ty) = case.ty {
                many(out, "(", [ty].iter(), ")", part);
            }
        }),
        Type::Enum(names) => many(out, "enum { ", names.names(), " }", word),
        Type::Flags(flags) => many(out, "flags { ", flags.names(), " }", word),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => *out += "result",
            (None, Some(err)) => many(out, "result<_, ", [err].iter(), ">", part),
            (ok, err) => many(out, "result<", ok.iter().chain(&err), ">", part),
        },
        Type::Own(_) | Type::Borrow(_) => *out += "a resource",
        _ => *out += "a type of WASI 0.3",
    }
}

fn part(ty: &Type, out: &mut String) {
    describe(ty, out);
}

fn word(name: &str, out: &mut String) {
    *out += name;
}

fn many<T>(
    out: &mut String,
    begin: &str,
    items: impl Iterator<Item = T>,
    end: &str,
    mut add: impl FnMut(T, &mut String),
) {
    *out += begin;
    for (index, item) in items.enumerate() {
        *out += if index == 0 { "" } else { ", " };
        add(item, out);
    }
    *out += end;
}

#[no_mangle]
unsafe extern "C" fn qb_linked_functions(linked: *const Linked, out: *mut Buffer) -> Error {
    entry(|| {
        let lines = match &(*linked).ready {
            Ready::Module(_) => String::new(),
            Ready::Component { bare, .. } => functions(bare),
        };
        *out = lines.into_bytes().into();
        Ok(())
    })
}
