//! From a qb_sandbox to the state of a store.

use crate::abi::{self, slice, Foreign};
use crate::engine::{compiler, Shared};
use crate::error::{Kind, Named};
use crate::link::Linked;
use crate::network::{allow_sockets, Hooks};
use crate::output::{Budget, Gate, Output, Target};
use crate::recording::{Head, What};
use crate::socket_table::SocketTable;
use crate::state::{Instance, Limiter, Meter, State};
use crate::tape::Tape;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;

/// A state and the limit that is enforced outside of the store.
pub struct Prepared {
    pub state: State,
    pub wall: Duration,
}

/// What a recording that cannot be begun means: a run that was to be recorded is none without, a
/// service goes on.
pub enum Taping {
    Must,
    May,
}

/// Takes the sandbox's instance in every case.
///
/// Safety: `sandbox` is as bridge.h says.
pub unsafe fn prepare(
    sandbox: &abi::Sandbox,
    shared: &Shared,
    taping: Taping,
) -> Result<Prepared, Named> {
    let object = Foreign(sandbox.instance);
    let instance = Arc::new(Instance { object, callbacks: shared.callbacks });
    let meter = Arc::new(Meter::new(sandbox.cpu_ms));
    let tape = match begin_tape(sandbox, shared, &instance, &meter) {
        Err(error) if matches!(taping, Taping::May) => {
            instance.warn(&format!("{}; the guest goes on", error.message));
            None
        }
        begun => begun?,
    };
    let mut builder = WasiCtxBuilder::new();
    for arg in slice(sandbox.args, sandbox.arg_count) {
        builder.arg(arg.text("an argument")?);
    }
    for pair in slice(sandbox.env, sandbox.env_count) {
        builder.env(pair.first.text("a variable's name")?, pair.second.text("a variable")?);
    }
    for directory in slice(sandbox.directories, sandbox.directory_count) {
        open_directory(&mut builder, directory)?;
    }
    if sandbox.inherit_in {
        builder.inherit_stdin();
    }
    let limit = sandbox.output_bytes;
    let budget = Arc::new(Budget { left: AtomicU64::new(limit), limit });
    let output = |stream, code| Output {
        target: Target::from_code(code),
        stream,
        gate: Arc::new(Gate::new(match Target::from_code(code) {
            Target::Pipe => sandbox.out_pipe,
            _ => stream as i32,
        })),
        budget: budget.clone(),
        instance: instance.clone(),
        tape: tape.clone(),
    };
    let outputs = [output(1, sandbox.out), output(2, sandbox.err)];
    builder.stdout(outputs[0].clone()).stderr(outputs[1].clone());
    let mut hooks = Hooks(None);
    if sandbox.network {
        allow_sockets(&mut builder, instance.clone());
        hooks.0 = Some(instance.clone());
    }
    let mut wasi = builder.build_p1();
    wasi.ctx().table.set_max_capacity(sandbox.handles as usize);
    let state = State {
        wasi,
        http: WasiHttpCtx::new(),
        hooks,
        lookups: HashMap::new(),
        sockets: SocketTable::new(sandbox.handles),
        limits: Limiter::new(sandbox.memory_bytes, sandbox.table_elements),
        meter,
        watch: None,
        epochs: shared.ticker.epochs(),
        handles: 0,
        max_handles: sandbox.handles,
        outputs,
        instance,
        tape,
        replay: None,
    };
    Ok(Prepared { state, wall: Duration::from_millis(sandbox.wall_ms) })
}

unsafe fn begin_tape(
    sandbox: &abi::Sandbox,
    shared: &Shared,
    instance: &Arc<Instance>,
    meter: &Arc<Meter>,
) -> Result<Option<Arc<Tape>>, Named> {
    use std::os::unix::ffi::OsStrExt;
    let path = sandbox.record_file.get();
    if path.is_empty() {
        return Ok(None);
    }
    let args = slice(sandbox.args, sandbox.arg_count).iter().map(|arg| arg.size + 1);
    let env = slice(sandbox.env, sandbox.env_count).iter();
    let env = env.map(|pair| pair.first.size + pair.second.size + 2); // "=" and zero
    let strings = [
        (sandbox.arg_count as u32, args.sum::<usize>() as u32),
        (sandbox.env_count as u32, env.sum::<usize>() as u32),
    ];
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    let place = (path, sandbox.record_bytes);
    let (instance, meter) = (instance.clone(), meter.clone());
    Tape::begin(&shared.scribe, instance, meter, place, strings, sandbox.handles)
}

impl Prepared {
    /// The first record, when there are any.
    pub unsafe fn tell_head(
        &self,
        linked: &Linked,
        sandbox: &abi::Sandbox,
        what: What,
        words: Vec<String>,
    ) {
        let Some(tape) = &self.state.tape else { return };
        let folder = std::env::current_dir().unwrap_or_default();
        tape.head(&Head {
            what,
            digest: linked.digest.clone(),
            program: String::from_utf8_lossy(sandbox.record_program.get()).into_owned(),
            folder: folder.to_string_lossy().into_owned(),
            engine: compiler(),
            memory: sandbox.memory_bytes,
            table: sandbox.table_elements,
            wall_ms: sandbox.wall_ms,
            cpu_ms: sandbox.cpu_ms,
            words,
        });
    }
}

unsafe fn open_directory(
    builder: &mut WasiCtxBuilder,
    directory: &abi::Directory,
) -> Result<(), Named> {
    use std::os::unix::ffi::OsStrExt;
    let host = std::path::Path::new(std::ffi::OsStr::from_bytes(directory.host.get()));
    let guest = directory.guest.text("a directory's name")?;
    let access = if directory.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
    match builder.preopened_dir(host, guest, access) {
        Ok(_) => Ok(()),
        Err(error) => {
            let kind = match error.downcast_ref::<std::io::Error>().map(|e| e.kind()) {
                Some(std::io::ErrorKind::NotFound) => Kind::NotFound,
                Some(std::io::ErrorKind::PermissionDenied) => Kind::PermissionDenied,
                _ => Kind::InvalidArgument,
            };
            Err(Named::new(kind, format!("directory {}: {error}", host.display())))
        }
    }
}
