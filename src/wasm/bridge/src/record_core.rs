//! Modules that are recorded: WASI 0.1 and what came before it, each function with its record.

use crate::core_calls::{bits, find, CoreCall, CoreFunction, Dialect, SNAPSHOT, UNSTABLE};
use crate::error::{Kind, Named};
use crate::state::State;
use crate::tape::Calling;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use wasmtime::{AsContextMut, Caller, Extern, Linker, Memory, Module, Result, Val};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{p0, p1, I32Exit};
use wiggle::GuestMemory;

type Words = [u64; 9];
type Answer<'a> = Pin<Box<dyn Future<Output = Result<i32>> + Send + 'a>>;
type Function = for<'a, 'm> fn(&'a mut WasiP1Ctx, &'a mut GuestMemory<'m>, Words) -> Answer<'a>;

/// Wasmtime's functions under their names.
macro_rules! functions {
    ($home:path: $($name:ident($($word:literal)*) $($wait:ident)?;)*) => {{
        use $home as home;
        [$((stringify!($name), (|wasi, memory, words| {
            let _ = words;
            Box::pin(async move {
                home::$name(wasi, memory, $(words[$word] as _),*)$(.$wait)?
            })
        }) as Function)),*]
    }};
}

macro_rules! of_wasi {
    ($home:path) => {
        functions! { $home:
            args_get(0 1); args_sizes_get(0 1); environ_get(0 1); environ_sizes_get(0 1);
            clock_res_get(0 1); clock_time_get(0 1 2);
            fd_advise(0 1 2 3) await; fd_allocate(0 1 2); fd_close(0) await; fd_datasync(0) await;
            fd_fdstat_get(0 1) await; fd_fdstat_set_flags(0 1); fd_fdstat_set_rights(0 1 2);
            fd_filestat_get(0 1) await; fd_filestat_set_size(0 1) await;
            fd_filestat_set_times(0 1 2 3) await; fd_pread(0 1 2 3 4) await; fd_prestat_get(0 1);
            fd_prestat_dir_name(0 1 2); fd_pwrite(0 1 2 3 4) await; fd_read(0 1 2 3) await;
            fd_readdir(0 1 2 3 4) await; fd_renumber(0 1) await; fd_seek(0 1 2 3) await;
            fd_sync(0) await; fd_tell(0 1); fd_write(0 1 2 3) await;
            path_create_directory(0 1 2) await; path_filestat_get(0 1 2 3 4) await;
            path_filestat_set_times(0 1 2 3 4 5 6) await; path_link(0 1 2 3 4 5 6) await;
            path_open(0 1 2 3 4 5 6 7 8) await; path_readlink(0 1 2 3 4 5) await;
            path_remove_directory(0 1 2) await; path_rename(0 1 2 3 4 5) await;
            path_symlink(0 1 2 3 4) await; path_unlink_file(0 1 2) await;
            poll_oneoff(0 1 2 3) await; proc_raise(0); random_get(0 1); sched_yield();
            sock_recv(0 1 2 3 4 5); sock_send(0 1 2 3 4); sock_shutdown(0 1);
        }
    };
}

fn implementation(name: &str, dialect: Dialect) -> Option<Function> {
    let find = |list: &[(&str, Function)]| {
        list.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    };
    match dialect {
        Dialect::Unstable => find(&of_wasi!(p0::wasi_unstable)),
        Dialect::Snapshot => find(&of_wasi!(p1::wasi_snapshot_preview1))
            .or_else(|| find(&functions! { p1::wasi_snapshot_preview1: sock_accept(0 1 2); })),
    }
}

/// Puts functions that record before those of the same name.
pub fn define(linker: &mut Linker<State>, module: &Module) -> Result<()> {
    linker.allow_shadowing(true);
    for import in module.imports().filter(|i| [SNAPSHOT, UNSTABLE].contains(&i.module())) {
        let Some((known, dialect)) = find(import.module(), import.name()) else { continue };
        let Some(ty) = import.ty().func().cloned() else { continue };
        let name: Arc<str> = format!("{}.{}", import.module(), import.name()).into();
        if known.name == "proc_exit" {
            linker.func_wrap(
                import.module(),
                import.name(),
                move |caller: Caller<'_, State>, code: i32| {
                    exit(&name, (known, dialect), &caller, code)
                },
            )?;
        } else if let Some(function) = implementation(known.name, dialect) {
            linker.func_new_async(
                import.module(),
                import.name(),
                ty,
                move |mut caller, words, results| {
                    let name = name.clone();
                    Box::new(async move {
                        let known = (known, dialect);
                        let answer = call(&name, known, function, &mut caller, words).await?;
                        results[0] = Val::I32(answer);
                        Ok(())
                    })
                },
            )?;
        }
    }
    linker.allow_shadowing(false);
    Ok(())
}

fn exit(
    name: &str,
    function: (&'static CoreFunction, Dialect),
    caller: &Caller<'_, State>,
    code: i32,
) -> Result<()> {
    let exit = wasmtime::Error::from(I32Exit(code & 0xff));
    if let Some(tape) = &caller.data().tape {
        let words = [u64::from(code as u32)];
        let call = CoreCall { function: Some(function), words: &words };
        tape.call(name, call.arguments(&mut [])).failed(&exit);
    }
    Err(exit)
}

async fn call(
    name: &str,
    known: (&'static CoreFunction, Dialect),
    function: Function,
    caller: &mut Caller<'_, State>,
    values: &[Val],
) -> Result<i32> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let memory = memory_of(caller)?;
    let (memory, state) = memory.data_and_store_mut(&mut *caller);
    state.wasi.set_hostcall_fuel(fuel);
    let mut words = Words::default();
    for (word, value) in words.iter_mut().zip(values) {
        *word = bits(value);
    }
    let call = CoreCall { function: Some(known), words: &words[..values.len()] };
    let recorded = state.tape.clone().map(|tape| {
        let scattered = call.scattered(memory);
        (tape.call(name, call.arguments(memory)), scattered, tape.strings)
    });
    let answer = function(&mut state.wasi, &mut GuestMemory::Unshared(memory), words).await;
    if let Some((calling, scattered, strings)) = recorded {
        match &answer {
            Ok(0) => {
                let regions = call.written(memory, scattered, strings);
                put_answer(calling, &[0], memory, &regions);
            }
            Ok(errno) => put_answer(calling, &[*errno as u32 as u64], memory, &[]),
            Err(error) => calling.failed(error),
        }
    }
    answer
}

/// The results' bits, then each region of the memory with its bytes.
pub fn put_answer(calling: Calling, results: &[u64], memory: &[u8], regions: &[(u32, u32)]) {
    let mut head = Vec::with_capacity(8 * (1 + results.len()));
    head.extend((results.len() as u32).to_le_bytes());
    results.iter().for_each(|bits| head.extend(bits.to_le_bytes()));
    head.extend((regions.len() as u32).to_le_bytes());
    let heads: Vec<[u8; 8]> = regions.iter().map(region_head).collect();
    let mut parts = vec![&head[..]];
    for (head, (at, size)) in heads.iter().zip(regions) {
        parts.extend([&head[..], &memory[*at as usize..][..*size as usize]]);
    }
    calling.returned_parts(&parts);
}

fn region_head((at, size): &(u32, u32)) -> [u8; 8] {
    (u64::from(*size) << 32 | u64::from(*at)).to_le_bytes()
}

fn memory_of(caller: &mut Caller<'_, State>) -> Result<Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => {
            let text = "a module that is recorded must export its memory, unshared";
            Err(Named::new(Kind::GuestTrap, text).into())
        }
    }
}
