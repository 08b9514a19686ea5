//! Linking: WASI for everybody, the host's functions for those who import them, and a clear word
//! about what nobody provides.

use crate::abi::{self, entry, entry_or, Error};
use crate::engine::{Engine, Shared};
use crate::error::{from_host, Kind, Named};
use crate::host::{define_interfaces, define_raw, Host};
use crate::program::{is_handler, without_version, Code, Program};
use crate::record_core;
use crate::state::State;
use crate::wasmedge::{define_sockets, wants_sockets};
use crate::{record_http, record_sockets, record_wasi};
use std::sync::{Arc, OnceLock};
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ResourceType};
use wasmtime::{Module, UnknownImportError};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{p0, p1, I32Exit};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

const WASI_MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// proc_exit for every code: Wasmtime's own makes a trap of 126 and more, and `return -1` from a C
/// program's main is 4294967295. As of a process, its last byte counts.
fn exit_with(code: i32) -> wasmtime::Result<()> {
    Err(I32Exit(code & 0xff).into())
}

/// The linkers with WASI in them, cloned for each program.
pub struct Linkers {
    module: wasmtime::Linker<State>,
    component: wasmtime::component::Linker<State>,
}

impl Linkers {
    pub fn new(engine: &wasmtime::Engine) -> wasmtime::Result<Linkers> {
        let mut module = wasmtime::Linker::new(engine);
        p1::add_to_linker_async(&mut module, |state: &mut State| &mut state.wasi)?;
        p0::add_to_linker_async(&mut module, |state: &mut State| &mut state.wasi)?;
        module.allow_shadowing(true);
        for wasi in WASI_MODULES {
            module.func_wrap(wasi, "proc_exit", exit_with)?;
        }
        module.allow_shadowing(false);
        let mut component = wasmtime::component::Linker::new(engine);
        record_wasi::add_to_linker(&mut component)?;
        record_sockets::add_to_linker(&mut component)?;
        record_http::add_to_linker(&mut component)?;
        Ok(Linkers { module, component })
    }
}

/// A program that can be instantiated, in each way that it can be used.
pub enum Ready {
    Module(ReadyModule),
    Component {
        bare: wasmtime::component::InstancePre<State>,
        command: Option<CommandPre<State>>,
        proxy: Option<ProxyPre<State>>,
    },
}

/// A module, and the same with functions that record, once somebody records it.
pub struct ReadyModule {
    pub plain: wasmtime::InstancePre<State>,
    recorded: OnceLock<Result<wasmtime::InstancePre<State>, Named>>,
    /// None of a replay.
    made_of: Option<(wasmtime::Linker<State>, Module)>,
}

impl ReadyModule {
    pub fn pre(&self, state: &State) -> wasmtime::Result<wasmtime::InstancePre<State>> {
        let Some((linker, module)) = self.made_of.as_ref().filter(|_| state.tape.is_some()) else {
            return Ok(self.plain.clone());
        };
        let made = self.recorded.get_or_init(|| {
            if wants_sockets(module) {
                let text = "what WasmEdge's sockets answer is not recorded";
                return Err(Named::new(Kind::Unsupported, text));
            }
            let mut linker = linker.clone();
            let defined = record_core::define(&mut linker, module);
            let pre = defined.and_then(|()| linker.instantiate_pre(module));
            pre.map_err(|error| from_host(error, Kind::Internal))
        });
        Ok(made.clone()?)
    }
}

impl Ready {
    /// Of a replay.
    pub fn module(plain: wasmtime::InstancePre<State>) -> Ready {
        Ready::Module(ReadyModule { plain, recorded: OnceLock::new(), made_of: None })
    }
}

pub struct Linked {
    pub ready: Ready,
    pub shared: Arc<Shared>,
    /// Of the program: its digest, and its handler's name when it has one.
    pub digest: String,
    pub handler: Option<String>,
}

impl Linked {
    pub fn new(ready: Ready, shared: &Arc<Shared>, program: &Program) -> Linked {
        let handler = program.exports.iter().find(|name| is_handler(name)).cloned();
        Linked { ready, shared: shared.clone(), digest: program.digest.clone(), handler }
    }
}

fn link(shared: &Arc<Shared>, program: &Program, host: &Arc<Host>) -> Result<Linked, Named> {
    let ready = match &program.code {
        Code::Module(module) => link_module(shared, module, host)?,
        Code::Component(component) => link_component(shared, component, host)?,
    };
    Ok(Linked::new(ready, shared, program))
}

fn link_module(shared: &Shared, module: &Module, host: &Arc<Host>) -> Result<Ready, Named> {
    let mut linker = shared.linkers.module.clone();
    define_raw(&mut linker, host).map_err(|e| from_host(e, Kind::InvalidArgument))?;
    define_sockets(&mut linker, module).map_err(|e| from_host(e, Kind::Internal))?;
    let provided = |import: &wasmtime::ImportType| {
        let raw = |item: &crate::host::RawItem| {
            item.module == import.module() && item.name == import.name()
        };
        WASI_MODULES.contains(&import.module()) || host.raw.iter().any(raw)
    };
    let missing = module.imports().filter(|import| !provided(import));
    let missing = missing.map(|import| format!("{}.{}", import.module(), import.name())).collect();
    refuse(missing, host)?;
    let plain = linker.instantiate_pre(module).map_err(|error| {
        match error.downcast_ref::<UnknownImportError>() {
            // A name in WASI's own module that WASI does not have.
            Some(name) => unprovided(&[format!("{}.{}", name.module(), name.name())], host),
            None => from_host(error, Kind::Unsupported),
        }
    })?;
    let made_of = Some((linker, module.clone()));
    Ok(Ready::Module(ReadyModule { plain, recorded: OnceLock::new(), made_of }))
}

fn link_component(
    shared: &Shared,
    component: &Component,
    host: &Arc<Host>,
) -> Result<Ready, Named> {
    let mut linker = shared.linkers.component.clone();
    define_interfaces(&mut linker, host).map_err(|e| from_host(e, Kind::InvalidArgument))?;
    refuse(missing_imports(component, host), host)?;
    let unfit = |e| from_host(e, Kind::Unsupported);
    let bare = linker.instantiate_pre(component).map_err(unfit)?;
    Ok(Ready::Component {
        command: CommandPre::new(bare.clone()).ok(),
        proxy: ProxyPre::new(bare.clone()).ok(),
        bare,
    })
}

fn refuse(missing: Vec<String>, host: &Host) -> Result<(), Named> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(unprovided(&missing, host))
}

fn unprovided(missing: &[String], host: &Host) -> Named {
    let told = missing.iter().map(|name| {
        match host.advice.iter().find(|(beginning, _)| name.starts_with(beginning)) {
            Some((_, advice)) => format!("{name} ({advice})"),
            None => name.clone(),
        }
    });
    let told: Vec<String> = told.collect();
    Named::new(Kind::Unsupported, format!("nobody provides these imports: {}", told.join(", ")))
}

fn missing_imports(component: &Component, host: &Host) -> Vec<String> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut missing = Vec::new();
    let mut known_resources = Vec::new();
    for (name, item) in ty.imports(engine) {
        match item.ty {
            ComponentItem::Type(_) => {}
            ComponentItem::ComponentInstance(instance) => {
                let wanted = wanted_of(&instance, engine, &mut known_resources);
                if is_wasi(name) {
                    continue; // checked by Wasmtime, type by type
                }
                let items = host.items.iter().filter(|item| compatible(&item.interface, name));
                let offered: Vec<&str> = items.map(|item| item.name.as_str()).collect();
                let lacking = wanted.iter().filter(|wanted| !offered.contains(&wanted.as_str()));
                match offered.is_empty() {
                    true if wanted.is_empty() => {} // types alone need no provider
                    true => missing.push(name.to_string()),
                    false => missing.extend(lacking.map(|wanted| format!("{name}#{wanted}"))),
                }
            }
            _ => missing.push(name.to_string()),
        }
    }
    missing
}

/// What an imported interface asks of its provider: functions, and the resources that it is the
/// first to name. One that it uses from another interface is provided there.
fn wanted_of(
    instance: &ComponentInstance,
    engine: &wasmtime::Engine,
    known_resources: &mut Vec<ResourceType>,
) -> Vec<String> {
    let mut wanted = Vec::new();
    for (name, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::Type(_) => continue,
            ComponentItem::Resource(ty) if known_resources.contains(&ty) => continue,
            ComponentItem::Resource(ty) => known_resources.push(ty),
            _ => {}
        }
        wanted.push(name.to_string());
    }
    wanted
}

/// The interfaces of WASI 0.2 that Wasmtime's crates implement.
fn is_wasi(name: &str) -> bool {
    const PACKAGES: [&str; 7] = [
        "wasi:io/",
        "wasi:clocks/",
        "wasi:random/",
        "wasi:cli/",
        "wasi:filesystem/",
        "wasi:sockets/",
        "wasi:http/",
    ];
    let version_fits = name.split_once('@').is_some_and(|(_, version)| version.starts_with("0.2."));
    version_fits && PACKAGES.iter().any(|package| name.starts_with(package))
}

/// The same interface in versions that semantic versioning calls compatible: "0.1.0" and "0.1.3".
fn compatible(ours: &str, theirs: &str) -> bool {
    fn track(name: &str) -> (&str, &str) {
        let version = name.split_once('@').map_or("", |(_, version)| version);
        let parts: Vec<&str> = version.splitn(3, '.').collect();
        let kept = match parts[..] {
            ["0", minor, _] => 2 + minor.len(),
            [major, _, _] => major.len(),
            _ => version.len(),
        };
        (without_version(name), &version[..kept])
    }
    track(ours) == track(theirs)
}

#[no_mangle]
unsafe extern "C" fn qb_link(
    engine: *const Engine,
    program: *const Program,
    host: *const abi::Host,
    out: *mut *const Linked,
) -> Error {
    entry(|| {
        let shared = &(*engine).shared;
        let host = Host::new(&*host, &shared.callbacks)?;
        *out = Arc::into_raw(Arc::new(link(shared, &*program, &host)?));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_linked_free(linked: *const Linked) {
    entry_or((), || drop(Arc::from_raw(linked)))
}
