//! Raw functions of the host that answer at once: called without a fiber, a waker and an allocation.

use crate::abi::{entry, Error, RawCall, TextOut};
use crate::error::{Kind, Named};
use crate::host::{memory_of, set_text, Host};
use crate::state::State;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;
use wasmtime::{Caller, Extern, FuncType, Result, ValRaw, ValType};

/// Arguments and results of one.
const MOST_QUICK: usize = 16;

pub fn define(
    linker: &mut wasmtime::Linker<State>,
    host: Arc<Host>,
    index: u32,
    ty: FuncType,
) -> Result<()> {
    let item = &host.raw[index as usize];
    let (module, name, arguments) = (item.module.clone(), item.name.clone(), ty.params().len());
    let function = move |mut caller: Caller<'_, State>, values: &mut [MaybeUninit<ValRaw>]| {
        let mut words = [0u64; MOST_QUICK];
        for (at, parameter) in host.raw[index as usize].parameters.iter().enumerate() {
            // Safety: Wasmtime has written the arguments.
            let value = unsafe { values[at].assume_init_ref() };
            words[at] = match parameter {
                ValType::I32 | ValType::F32 => u64::from(value.get_u32()),
                _ => value.get_u64(),
            };
        }
        ask_quick(&host, index, &mut caller, &mut words, arguments)?;
        let results = host.raw[index as usize].results.len();
        for (value, word) in values.iter_mut().zip(&words[arguments..arguments + results]) {
            value.write(ValRaw::u64(*word));
        }
        Ok(())
    };
    // Safety: what is read and written is of the function's type, whose numbers all are bits here.
    unsafe { linker.func_new_unchecked(&module, &name, ty, function)? };
    Ok(())
}

fn ask_quick(
    host: &Host,
    index: u32,
    caller: &mut Caller<'_, State>,
    words: &mut [u64; MOST_QUICK],
    arguments: usize,
) -> Result<()> {
    caller.data_mut().at_host_call()?;
    let (memory, memory_size) = memory_of(caller);
    let instance = caller.data().instance.object.0;
    let mut call = RawCall {
        memory,
        memory_size,
        values: words.as_mut_ptr(),
        arguments,
        instance,
        waker_source: std::ptr::null_mut(),
        printer: std::ptr::null_mut(),
        written: std::ptr::null_mut(),
        grower: caller as *mut Caller<'_, State> as *mut c_void,
    };
    let mut trap = String::new();
    let out = TextOut { target: &raw mut trap as *mut c_void, set: set_text };
    match unsafe { (host.callbacks.host_raw_call)(host.object.0, index, &mut call, out) } {
        0 => Ok(()),
        _ => Err(Named::new(Kind::GuestTrap, trap).into()),
    }
}

/// Safety: `call` is that of a raw function that answers at once, while it lasts.
#[no_mangle]
unsafe extern "C" fn qb_raw_grow(call: *mut RawCall, pages: u32, out: *mut u32) -> Error {
    entry(|| {
        let call = &mut *call;
        let caller = &mut *(call.grower as *mut Caller<'_, State>);
        let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
            return Err(Named::new(Kind::Unsupported, "the guest exports no memory"));
        };
        let grown = memory.grow(&mut *caller, u64::from(pages));
        let before = grown
            .map_err(|error| Named::new(Kind::ResourceExhausted, format!("memory: {error:#}")))?;
        (call.memory, call.memory_size) = memory_of(caller);
        *out = (before << 16) as u32;
        Ok(())
    })
}
