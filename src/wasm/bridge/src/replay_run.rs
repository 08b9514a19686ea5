//! One replay: the program of a recording, answered by it, to the recorded end.

use crate::abi::{self, entry, Bytes, Callbacks, Error, Foreign};
use crate::engine::Engine;
use crate::error::{Kind, Named};
use crate::invoke::{invoke_in, Invocation};
use crate::link::{Linked, Ready};
use crate::program::Program;
use crate::recording::{misshapen, End, Head, What};
use crate::replay::{open, Replay, Verdict};
use crate::replay_link::link;
use crate::run::{run_command_in, supervise, Guest, Metered, Running};
use crate::sandbox::{prepare, Taping};
use crate::state::{Limiter, State};
use crate::values::number_of;
use std::ffi::{c_void, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use wasmtime::component::{ResourceDynamic, Type, Val};

/// Nothing is waited for in a replay; processor time is what it has a limit of.
const NO_WALL: Duration = Duration::from_secs(u64::MAX / 1000);

/// What a recording says of itself, told as qb_recorded_fact.
#[no_mangle]
unsafe extern "C" fn qb_recording_describe(
    path: Bytes,
    target: *mut c_void,
    tell: unsafe extern "C" fn(*mut c_void, u32, Bytes),
) -> Error {
    entry(|| {
        let (_, head) = open(Path::new(OsStr::from_bytes(path.get())))?;
        let what = match head.what {
            What::Run => "run",
            What::Invoke => "invocation",
            What::Exchange => "exchange",
        };
        let texts = [what, &head.digest, &head.program, &head.engine, &head.folder];
        for (fact, text) in texts.iter().enumerate() {
            tell(target, fact as u32, Bytes::of(text.as_bytes()));
        }
        head.words.iter().for_each(|word| tell(target, 5, Bytes::of(word.as_bytes())));
        Ok(())
    })
}

/// Tells the end of a replay, once.
struct Done {
    object: Foreign,
    callbacks: Callbacks,
}

impl Done {
    fn tell(self, ended: Result<Ended, Named>) {
        let Done { object: Foreign(object), callbacks } = self;
        let (error, ended) = match ended {
            Ok(ended) => (None, ended),
            Err(named) => (Some(named), Ended::default()),
        };
        let message = error.as_ref().map_or(ended.text.as_str(), |named| &named.message);
        let kind = error.as_ref().map_or(0, |named| named.kind.code());
        let told = abi::Replayed {
            verdict: ended.verdict as u32,
            calls: ended.calls,
            end_kind: ended.end_kind,
            exit_code: ended.exit_code,
            end: Bytes::of(&ended.end),
            response: Bytes::of(&ended.response),
        };
        unsafe { (callbacks.replay_done)(object, kind, Bytes::of(message.as_bytes()), &told) }
    }
}

struct Ended {
    verdict: Verdict,
    text: String,
    calls: u64,
    /// How the guest ended: as in qb_error, then code and text.
    end_kind: u32,
    exit_code: i32,
    end: Vec<u8>,
    response: Vec<u8>,
}

impl Default for Ended {
    fn default() -> Ended {
        let (text, end, response) = (String::new(), Vec::new(), Vec::new());
        let verdict = Verdict::BrokenOff;
        Ended { verdict, text, calls: 0, end_kind: 0, exit_code: 0, end, response }
    }
}

/// The end that was reached, and whether it is the recorded one.
fn judge(mut replay: Box<Replay>, end: End) -> Result<Ended, Named> {
    let (verdict, text) = replay.judge(&end)?;
    let end = replay.end(end);
    let (end_kind, exit_code, end) = match end {
        Ok((code, text)) => (0, code, text),
        Err(named) => (named.kind.code(), 0, named.message.into_bytes()),
    };
    let response = replay.response_bytes();
    Ok(Ended { verdict, text, calls: replay.calls, end_kind, exit_code, end, response })
}

async fn replay(linked: Arc<Linked>, mut state: State, head: Head) -> Result<Ended, Named> {
    state.limits = Limiter::new(head.memory, head.table);
    state.max_handles = u32::MAX; // a guest that had too many was ended in a call
    let mut guest = Guest::new(&linked.shared, state).await?;
    guest.store.set_hostcall_fuel(usize::MAX); // nor does a value that was taken then fail now
    let end = match head.what {
        What::Run => run_command_in(&linked, &mut guest).await,
        What::Invoke => {
            let (name, arguments) = head.words.split_first().ok_or_else(misshapen)?;
            let (name, arguments) = (name.clone(), arguments.to_vec());
            invoke_in(&linked, &mut guest, &Invocation::Module { name, arguments }).await
        }
        What::Exchange => handle(&linked, &mut guest).await,
    };
    let replay = guest.store.data_mut().replay.take().expect("it was put there");
    judge(replay, end)
}

/// Calls the handler with the resources of the recorded exchange.
async fn handle(linked: &Linked, guest: &mut Guest) -> End {
    let called = async {
        let store = &mut guest.store;
        let (request, outparam) = store.data_mut().replay()?.handle()?;
        let (Ready::Component { bare, .. }, Some(name)) = (&linked.ready, &linked.handler) else {
            return Err(not_a_handler().into());
        };
        let instance = bare.instantiate_async(&mut *store).await?;
        let handler = instance.get_export_index(&mut *store, None, name);
        let handle = handler
            .and_then(|handler| instance.get_export_index(&mut *store, Some(&handler), "handle"))
            .and_then(|handle| instance.get_func(&mut *store, handle));
        let function = handle.ok_or_else(not_a_handler)?;
        let types: Vec<Type> = function.ty(&*store).params().map(|(_, ty)| ty).collect();
        let mut values = Vec::new();
        for (ty, rep) in types.iter().zip([request, outparam]) {
            let Type::Own(ty) = ty else { return Err(not_a_handler().into()) };
            store.data_mut().handles += 1;
            let number = number_of(*ty)?;
            let resource = ResourceDynamic::new_own(rep, number);
            values.push(Val::Resource(resource.try_into_resource_any(&mut *store)?));
        }
        function.call_async(&mut *store, &values, &mut []).await
    };
    let called = called.await;
    called.map(|()| (0, Vec::new())).map_err(|error| guest.ended_by(error))
}

fn not_a_handler() -> Named {
    let text = "the program serves no HTTP: it does not export wasi:http/incoming-handler";
    Named::new(Kind::Unsupported, text)
}

#[no_mangle]
unsafe extern "C" fn qb_replay(
    engine: *const Engine,
    program: *const Program,
    path: Bytes,
    sandbox: *const abi::Sandbox,
    done: *mut c_void,
    out: *mut *mut Running,
) -> Error {
    entry(|| {
        let shared = &(*engine).shared;
        let done = Done { object: Foreign(done), callbacks: shared.callbacks };
        let prepared = prepare(&*sandbox, shared, Taping::Must);
        let ready = || {
            let mut prepared = prepared?;
            let linked = link(shared, &*program)?;
            let (replay, head) = Replay::open(Path::new(OsStr::from_bytes(path.get())))?;
            prepared.state.meter = replay.meter.clone();
            prepared.state.replay = Some(Box::new(replay));
            Ok((linked, prepared.state, head))
        };
        let ready: Result<_, Named> = ready();
        let (sender, cancel) = oneshot::channel();
        shared.handle.spawn(async move {
            let ended = match ready {
                Ok((linked, state, head)) => {
                    let body = Metered::new(state.meter.clone(), replay(linked, state, head));
                    supervise(body, NO_WALL, cancel).await
                }
                Err(named) => Err(named),
            };
            done.tell(ended);
        });
        *out = Box::into_raw(Box::new(Running { cancel: Mutex::new(Some(sender)) }));
        Ok(())
    })
}
