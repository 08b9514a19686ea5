//! From Wasmtime's errors to Quern's closed list of kinds.

pub use crate::named::{Kind, Named};
use std::any::Any;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::ResourceTableError;

impl Named {
    pub fn from_panic(panic: &(dyn Any + Send)) -> Named {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| s.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Named::new(Kind::Internal, format!("the wasm bridge panicked: {text}"))
    }
}

/// What ended a guest. `refused` says which growth was refused before, if any: a guest that traps
/// because it got no memory should be told apart from one with a bug. `handles` is how many it may
/// hold.
pub fn from_guest(error: wasmtime::Error, refused: Option<&str>, handles: u32) -> Named {
    if let Some(named) = error.downcast_ref::<Named>() {
        return named.clone();
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return too_many_handles(handles);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Named::new(
            Kind::ResourceExhausted,
            format!("the instance pool is full: {error:#}"),
        );
    }
    let mut message = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "call stack exhausted".to_string(),
        Some(trap) => trap.to_string(),
        None => root_text(&error),
    };
    if let Some(refused) = refused {
        message += &format!(" (after the host refused {refused})");
    }
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        message += &frames(backtrace);
    }
    Named::new(Kind::GuestTrap, message)
}

/// WASI's own table of handles and ours of host resources end a guest with the same words.
pub fn too_many_handles(limit: u32) -> Named {
    Named::new(Kind::ResourceExhausted, format!("handles: the guest holds its limit of {limit}"))
}

/// An error in preparing a program, with `kind` unless the error names its own.
pub fn from_host(error: wasmtime::Error, kind: Kind) -> Named {
    match error.downcast_ref::<Named>() {
        Some(named) => named.clone(),
        None => Named::new(kind, format!("{error:#}")),
    }
}

/// The error's chain as one line, without the backtrace that Wasmtime adds as a context.
pub fn root_text(error: &wasmtime::Error) -> String {
    let texts: Vec<String> = error
        .chain()
        .map(|cause| cause.to_string())
        .filter(|text| !text.starts_with("error while executing at wasm backtrace"))
        .collect();
    texts.join(": ")
}

/// "\n  at module!function" per frame, innermost first.
fn frames(backtrace: &WasmBacktrace) -> String {
    let mut text = String::new();
    for frame in backtrace.frames() {
        let module = frame.module().name().unwrap_or("<module>");
        text += &format!("\n  at {module}!");
        // The linker's name is for people; the one in what -g leaves is the compiler's.
        match frame.func_name().or(frame.symbols().first().and_then(|s| s.name())) {
            Some(name) => text += name,
            None => text += &format!("<function {}>", frame.func_index()),
        }
        if let Some(symbol) = frame.symbols().first() {
            if let (Some(file), Some(line)) = (symbol.file(), symbol.line()) {
                text += &format!(" ({file}:{line})");
            }
        }
    }
    text
}
