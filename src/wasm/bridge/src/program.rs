//! Programs: compiled code and what is known about it.

use crate::abi::{entry, entry_or, Buffer, Bytes, Error, ProgramFacts};
use crate::cache::hex;
use crate::engine::{Engine, Shared};
use crate::error::{Kind, Named};
use sha2::{Digest, Sha256};
use std::ffi::c_void;
use std::sync::Arc;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::Component;
use wasmtime::{Module, Precompiled};

#[derive(Clone)]
pub enum Code {
    Module(Module),
    Component(Component),
}

pub struct Program {
    pub code: Code,
    pub digest: String,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    command: bool,
    http_handler: bool,
}

/// The first eight bytes: "\0asm", then the version; a component's has a layer of 1.
fn is_component(wasm: &[u8]) -> bool {
    wasm.len() >= 8 && wasm[6] == 1
}

impl Program {
    pub fn new(code: Code, digest: String) -> Program {
        let (imports, exports) = match &code {
            Code::Module(module) => module_names(module),
            Code::Component(component) => component_names(component),
        };
        let exported = |interface: &str| exports.iter().any(|name| is_of_wasi_02(name, interface));
        let command = match &code {
            Code::Module(_) => exports.iter().any(|name| name == "_start"),
            Code::Component(_) => exported("wasi:cli/run"),
        };
        let http_handler =
            matches!(code, Code::Component(_)) && exports.iter().any(|n| is_handler(n));
        Program { code, digest, imports, exports, command, http_handler }
    }

    fn compile(shared: &Shared, wasm: &[u8], name: &str) -> Result<Program, Named> {
        if !wasm.starts_with(b"\0asm") {
            let text = match wasmtime::Engine::detect_precompiled(wasm) {
                Some(_) => "precompiled code is not taken from outside; give the .wasm",
                None if wasm.trim_ascii_start().starts_with(b"(") => {
                    "it is WebAssembly's text; `wasm-tools parse` makes a program of that"
                }
                None => "it does not begin as WebAssembly does",
            };
            return Err(Named::new(Kind::CorruptData, format!("{name} is not a program: {text}")));
        }
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        let text = format!("sha256:{}", hex(&digest));
        let cached = shared.cache.as_ref().and_then(|cache| cache.get(&digest));
        if let Some(code) =
            cached.and_then(|image| unsafe { load_image(shared, &image, wasm) }.ok())
        {
            return Ok(Program::new(code, text));
        }
        let invalid = |error: wasmtime::Error| {
            Named::new(Kind::CorruptData, format!("{name} is not valid WebAssembly: {error:#}"))
        };
        let code = match is_component(wasm) {
            true => Code::Component(Component::from_binary(&shared.engine, wasm).map_err(invalid)?),
            false => Code::Module(Module::from_binary(&shared.engine, wasm).map_err(invalid)?),
        };
        if let Some(cache) = &shared.cache {
            let image = match &code {
                Code::Component(component) => component.serialize(),
                Code::Module(module) => module.serialize(),
            };
            if let Ok(image) = image {
                cache.put(&digest, &image); // a cache that cannot be written costs time, not answers
            }
        }
        Ok(Program::new(code, text))
    }
}

/// Safety: the image is machine code; it must be our own.
unsafe fn load_image(shared: &Shared, image: &[u8], wasm: &[u8]) -> Result<Code, Named> {
    let unfit = |e: wasmtime::Error| {
        Named::new(
            Kind::Unsupported,
            format!("the precompiled image does not fit this machine: {e:#}"),
        )
    };
    let component = is_component(wasm);
    match (wasmtime::Engine::detect_precompiled(image), component) {
        (Some(Precompiled::Component), true) => {
            Ok(Code::Component(Component::deserialize(&shared.engine, image).map_err(unfit)?))
        }
        (Some(Precompiled::Module), false) => {
            Ok(Code::Module(Module::deserialize(&shared.engine, image).map_err(unfit)?))
        }
        _ => Err(Named::new(Kind::Unsupported, "this is no precompiled image of that program")),
    }
}

fn module_names(module: &Module) -> (Vec<String>, Vec<String>) {
    (
        module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect(),
        module.exports().map(|export| export.name().to_string()).collect(),
    )
}

fn component_names(component: &Component) -> (Vec<String>, Vec<String>) {
    let engine = component.engine();
    let ty = component.component_type();
    // Types and their like are imported too, but nobody provides them.
    let provided =
        ty.imports(engine).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    (
        provided.map(|(name, _)| name.to_string()).collect(),
        ty.exports(engine).map(|(name, _)| name.to_string()).collect(),
    )
}

/// "wasi:cli/run@0.2.3" is of "wasi:cli/run"; what WASI 0.3 calls by that name is something else.
fn is_of_wasi_02(name: &str, interface: &str) -> bool {
    name.strip_prefix(interface).is_some_and(|version| version.starts_with("@0.2."))
}

pub fn is_handler(name: &str) -> bool {
    is_of_wasi_02(name, "wasi:http/incoming-handler")
}

pub fn without_version(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

#[no_mangle]
unsafe extern "C" fn qb_program_load(
    engine: *const Engine,
    wasm: Bytes,
    name: Bytes,
    out: *mut *const Program,
) -> Error {
    entry(|| {
        let program = Program::compile(&(*engine).shared, wasm.get(), name.text("the name")?)?;
        *out = Arc::into_raw(Arc::new(program));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_program_precompile(
    engine: *const Engine,
    wasm: Bytes,
    out: *mut Buffer,
) -> Error {
    entry(|| {
        let engine = &(*engine).shared;
        let engine = &engine.engine;
        let image = match is_component(wasm.get()) {
            true => engine.precompile_component(wasm.get()),
            false => engine.precompile_module(wasm.get()),
        };
        let invalid = |e| Named::new(Kind::CorruptData, format!("not valid WebAssembly: {e:#}"));
        *out = image.map_err(invalid)?.into();
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_program_load_image(
    engine: *const Engine,
    image: Bytes,
    wasm: Bytes,
    out: *mut *const Program,
) -> Error {
    entry(|| {
        let code = load_image(&(*engine).shared, image.get(), wasm.get())?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(wasm.get())));
        *out = Arc::into_raw(Arc::new(Program::new(code, digest)));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_program_free(program: *const Program) {
    entry_or((), || drop(Arc::from_raw(program)))
}

#[no_mangle]
unsafe extern "C" fn qb_program_describe(
    program: *const Program,
    target: *mut c_void,
    tell: unsafe extern "C" fn(*mut c_void, u32, Bytes),
) -> ProgramFacts {
    let program = &*program;
    tell(target, 0, Bytes::of(program.digest.as_bytes()));
    program.imports.iter().for_each(|name| tell(target, 1, Bytes::of(name.as_bytes())));
    program.exports.iter().for_each(|name| tell(target, 2, Bytes::of(name.as_bytes())));
    ProgramFacts {
        component: matches!(program.code, Code::Component(_)),
        command: program.command,
        http_handler: program.http_handler,
    }
}
