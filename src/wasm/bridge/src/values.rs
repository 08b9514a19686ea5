//! Component values as flat bytes: docs/formats/bridge-values.md. `encode` writes a call's
//! arguments, `Decoder` reads its results by their type.

use crate::error::{Kind, Named};
use crate::state::State;
use crate::wake::Waitable;
use std::sync::Arc;
use wasmtime::component::types::{Enum, Flags, Variant};
use wasmtime::component::{ResourceAny, ResourceDynamic, ResourceType, Type, Val};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::{subscribe, DynPollable, Pollable};
use wasmtime_wasi::WasiView;

/// Appends `value`, which is of type `ty`. Handles of host resources leave the store here.
pub fn encode(
    store: &mut StoreContextMut<'_, State>,
    ty: &Type,
    value: &Val,
    out: &mut Vec<u8>,
) -> Result<()> {
    match (ty, value) {
        (_, Val::Bool(v)) => out.push(u8::from(*v)),
        (_, Val::U8(v)) => out.push(*v),
        (_, Val::S8(v)) => out.extend(v.to_le_bytes()),
        (_, Val::U16(v)) => out.extend(v.to_le_bytes()),
        (_, Val::S16(v)) => out.extend(v.to_le_bytes()),
        (_, Val::U32(v)) => out.extend(v.to_le_bytes()),
        (_, Val::S32(v)) => out.extend(v.to_le_bytes()),
        (_, Val::U64(v)) => out.extend(v.to_le_bytes()),
        (_, Val::S64(v)) => out.extend(v.to_le_bytes()),
        (_, Val::Float32(v)) => out.extend(v.to_le_bytes()),
        (_, Val::Float64(v)) => out.extend(v.to_le_bytes()),
        (_, Val::Char(v)) => put_u32(out, *v as usize),
        (_, Val::String(v)) => {
            put_u32(out, v.len());
            out.extend(v.as_bytes());
        }
        (Type::List(list), Val::List(items)) => {
            put_u32(out, items.len());
            let ty = list.ty();
            for item in items {
                encode(store, &ty, item, out)?;
            }
        }
        (Type::Record(record), Val::Record(fields)) => {
            for (field, (_, value)) in record.fields().zip(fields) {
                encode(store, &field.ty, value, out)?;
            }
        }
        (Type::Tuple(tuple), Val::Tuple(items)) => {
            for (ty, value) in tuple.types().zip(items) {
                encode(store, &ty, value, out)?;
            }
        }
        (Type::Variant(variant), Val::Variant(name, payload)) => {
            let index = position(variant.cases().map(|case| case.name), name)?;
            put_u32(out, index);
            encode_payload(store, variant.cases().nth(index).and_then(|c| c.ty), payload, out)?;
        }
        (Type::Enum(names), Val::Enum(name)) => put_u32(out, position(names.names(), name)?),
        (Type::Option(option), Val::Option(payload)) => {
            out.push(u8::from(payload.is_some()));
            encode_payload(store, Some(option.ty()), payload, out)?;
        }
        (Type::Result(result), Val::Result(value)) => {
            out.push(u8::from(value.is_ok()));
            match value {
                Ok(payload) => encode_payload(store, result.ok(), payload, out)?,
                Err(payload) => encode_payload(store, result.err(), payload, out)?,
            }
        }
        (Type::Flags(flags), Val::Flags(set)) => encode_flags(flags, set, out)?,
        (_, Val::Resource(resource)) => {
            put_u32(out, take_rep(store, *resource)? as usize);
        }
        _ => return Err(unsupported("an argument")),
    }
    Ok(())
}

fn encode_payload(
    store: &mut StoreContextMut<'_, State>,
    ty: Option<Type>,
    payload: &Option<Box<Val>>,
    out: &mut Vec<u8>,
) -> Result<()> {
    match (ty, payload) {
        (Some(ty), Some(value)) => encode(store, &ty, value, out),
        _ => Ok(()),
    }
}

fn encode_flags(flags: &Flags, set: &[String], out: &mut Vec<u8>) -> Result<()> {
    let mut words = vec![0u32; flags.names().len().div_ceil(32)];
    for name in set {
        let bit = position(flags.names(), name)?;
        words[bit / 32] |= 1 << (bit % 32);
    }
    words.iter().for_each(|word| out.extend(word.to_le_bytes()));
    Ok(())
}

/// The host's number for a resource. An own<> that is passed leaves the guest.
pub fn take_rep(store: &mut StoreContextMut<'_, State>, resource: ResourceAny) -> Result<u32> {
    let owned = resource.owned();
    let host = resource.try_into_resource_dynamic(&mut *store)?;
    if owned {
        store.data_mut().handles -= 1;
    }
    Ok(host.rep())
}

fn position<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Result<usize> {
    names.position(|known| known == name).ok_or_else(|| unsupported("a case"))
}

pub fn put_u32(out: &mut Vec<u8>, value: usize) {
    out.extend((value as u32).to_le_bytes()); // a guest's lengths fit: its memory has 32 bits
}

fn unsupported(what: &str) -> wasmtime::Error {
    Named::new(Kind::Unsupported, format!("{what} has a type that the bridge does not carry"))
        .into()
}

/// Reads results. The bytes come from our own host functions: bytes that do not fit the type are
/// a fault of ours and end the instance as `internal`.
pub struct Decoder<'a> {
    pub rest: &'a [u8],
    pub waitables: &'a [Arc<Waitable>],
    /// What dynamic resource type has which number, see host.rs.
    pub function: &'a str,
    /// Where a pollable's index was read, counted from the end, and its number in the table.
    pub pollables: Vec<(usize, u32)>,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8], waitables: &'a [Arc<Waitable>], function: &'a str) -> Decoder<'a> {
        Decoder { rest: bytes, waitables, function, pollables: vec![] }
    }
}

impl Decoder<'_> {
    pub fn value(&mut self, store: &mut StoreContextMut<'_, State>, ty: &Type) -> Result<Val> {
        Ok(match ty {
            Type::Bool => Val::Bool(self.array::<1>()?[0] != 0),
            Type::U8 => Val::U8(self.array::<1>()?[0]),
            Type::S8 => Val::S8(i8::from_le_bytes(self.array()?)),
            Type::U16 => Val::U16(u16::from_le_bytes(self.array()?)),
            Type::S16 => Val::S16(i16::from_le_bytes(self.array()?)),
            Type::U32 => Val::U32(self.u32()?),
            Type::S32 => Val::S32(i32::from_le_bytes(self.array()?)),
            Type::U64 => Val::U64(u64::from_le_bytes(self.array()?)),
            Type::S64 => Val::S64(i64::from_le_bytes(self.array()?)),
            Type::Float32 => Val::Float32(f32::from_le_bytes(self.array()?)),
            Type::Float64 => Val::Float64(f64::from_le_bytes(self.array()?)),
            Type::Char => Val::Char(char::from_u32(self.u32()?).ok_or_else(|| self.malformed())?),
            Type::String => Val::String(self.text()?),
            Type::List(list) => self.list(store, &list.ty())?,
            Type::Record(record) => {
                let mut fields = Vec::with_capacity(record.fields().len());
                for field in record.fields() {
                    fields.push((field.name.to_string(), self.value(store, &field.ty)?));
                }
                Val::Record(fields)
            }
            Type::Tuple(tuple) => {
                let items: Result<Vec<Val>> =
                    tuple.types().map(|ty| self.value(store, &ty)).collect();
                Val::Tuple(items?)
            }
            Type::Variant(variant) => self.variant(store, variant)?,
            Type::Enum(names) => self.enumerator(names)?,
            Type::Option(option) => match self.array::<1>()?[0] {
                0 => Val::Option(None),
                _ => Val::Option(self.payload(store, Some(option.ty()))?),
            },
            Type::Result(result) => match self.array::<1>()?[0] {
                0 => Val::Result(Err(self.payload(store, result.err())?)),
                _ => Val::Result(Ok(self.payload(store, result.ok())?)),
            },
            Type::Flags(flags) => self.flags(flags)?,
            Type::Own(ty) if *ty == ResourceType::host::<DynPollable>() => self.pollable(store)?,
            Type::Own(ty) => self.own(store, *ty)?,
            _ => return Err(unsupported("a result")),
        })
    }

    fn list(&mut self, store: &mut StoreContextMut<'_, State>, ty: &Type) -> Result<Val> {
        let count = self.u32()? as usize;
        if matches!(ty, Type::U8) {
            return Ok(Val::List(self.take(count)?.iter().map(|byte| Val::U8(*byte)).collect()));
        }
        let mut items = Vec::with_capacity(count.min(self.rest.len()).min(1024));
        for _ in 0..count {
            items.push(self.value(store, ty)?);
        }
        Ok(Val::List(items))
    }

    fn variant(&mut self, store: &mut StoreContextMut<'_, State>, ty: &Variant) -> Result<Val> {
        let index = self.u32()? as usize;
        let case = ty.cases().nth(index).ok_or_else(|| self.malformed())?;
        let name = case.name.to_string();
        Ok(Val::Variant(name, self.payload(store, case.ty)?))
    }

    fn enumerator(&mut self, ty: &Enum) -> Result<Val> {
        let index = self.u32()? as usize;
        let name = ty.names().nth(index).ok_or_else(|| self.malformed())?;
        Ok(Val::Enum(name.to_string()))
    }

    fn flags(&mut self, ty: &Flags) -> Result<Val> {
        let names: Vec<&str> = ty.names().collect();
        let mut set = Vec::new();
        for chunk in names.chunks(32) {
            let word = self.u32()?;
            let here = chunk.iter().enumerate().filter(|(bit, _)| word >> bit & 1 == 1);
            set.extend(here.map(|(_, name)| name.to_string()));
        }
        Ok(Val::Flags(set))
    }

    fn payload(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        ty: Option<Type>,
    ) -> Result<Option<Box<Val>>> {
        ty.map(|ty| self.value(store, &ty).map(Box::new)).transpose()
    }

    fn own(&mut self, store: &mut StoreContextMut<'_, State>, ty: ResourceType) -> Result<Val> {
        let rep = self.u32()?;
        store.data_mut().take_handle()?;
        let number = number_of(ty)?;
        let resource = ResourceDynamic::new_own(rep, number);
        Ok(Val::Resource(resource.try_into_resource_any(&mut *store)?))
    }

    fn pollable(&mut self, store: &mut StoreContextMut<'_, State>) -> Result<Val> {
        let place = self.rest.len();
        let index = self.u32()? as usize;
        let waitable = self.waitables.get(index).ok_or_else(|| self.malformed())?.clone();
        let table = store.data_mut().ctx().table;
        let source = table.push(Wait(waitable))?;
        let pollable = subscribe(table, source)?;
        self.pollables.push((place, pollable.rep()));
        Ok(Val::Resource(ResourceAny::try_from_resource(pollable, &mut *store)?))
    }

    fn text(&mut self) -> Result<String> {
        let size = self.u32()? as usize;
        let bytes = self.take(size)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.malformed())
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take gives N bytes"))
    }

    pub fn take(&mut self, size: usize) -> Result<&[u8]> {
        if size > self.rest.len() {
            return Err(self.malformed());
        }
        let (taken, rest) = self.rest.split_at(size);
        self.rest = rest;
        Ok(taken)
    }

    /// Every byte of the answer was read.
    pub fn end(&self) -> Result<()> {
        match self.rest.is_empty() {
            true => Ok(()),
            false => Err(self.malformed()),
        }
    }

    pub fn malformed(&self) -> wasmtime::Error {
        let text = format!("the host's answer to {} does not fit its type", self.function);
        Named::new(Kind::Internal, text).into()
    }
}

/// A type's number is not to be had from a ResourceType, so the right one is found by comparing; a
/// program has a handful.
pub fn number_of(ty: ResourceType) -> Result<u32> {
    (0..crate::host::MAX_RESOURCES)
        .find(|number| ResourceType::host_dynamic(*number) == ty)
        .ok_or_else(|| unsupported("a result"))
}

/// A waitable of the host as the source of a pollable.
struct Wait(Arc<Waitable>);

#[wasmtime_wasi::async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        self.0.ready().await;
    }
}
