//! WasmEdge's extension of wasi_snapshot_preview1 by sockets, as modules import it that were made
//! with the crate wasmedge_wasi_socket and what builds on it. Only for such modules the functions
//! below stand before those of the same name that everybody has; what is no socket goes on to them.
//!
//! Some functions exist in two forms under one name; the import's number of parameters tells which
//! one a module was made for.

use crate::error::{Kind as ErrorKind, Named};
use crate::guest_bytes::GuestBytes;
use crate::socket_calls::Calls;
use crate::socket_names::Question;
use crate::socket_poll::poll_oneoff;
use crate::socket_table::is_socket;
use crate::state::State;
use wasmtime::{AsContextMut, Caller, Extern, FuncType, Linker, Module, Result, Val, ValType};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as plain;
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::GuestMemory;

const MODULE: &str = "wasi_snapshot_preview1";
const MOST_PARAMETERS: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Function {
    Open,
    Bind,
    Connect,
    Listen,
    Accept,
    AcceptWithFlags,
    Receive,
    ReceiveFrom,
    ReceiveFromWithPort,
    Send,
    SendTo,
    Shutdown,
    GetOption,
    SetOption,
    LocalAddress,
    LocalAddressWithFamily,
    PeerAddress,
    PeerAddressWithFamily,
    LookUp,
    Close,
    Read,
    Write,
    GetStatus,
    SetFlags,
    GetFileStatus,
    Poll,
}

use Function::*;

/// Names, numbers of parameters; all are i32, and so is the result: an errno.
const FUNCTIONS: [(&str, usize, Function); 26] = [
    ("sock_open", 3, Open),
    ("sock_bind", 3, Bind),
    ("sock_connect", 3, Connect),
    ("sock_listen", 2, Listen),
    ("sock_accept", 2, Accept),
    ("sock_accept", 3, AcceptWithFlags),
    ("sock_recv", 6, Receive),
    ("sock_recv_from", 7, ReceiveFrom),
    ("sock_recv_from", 8, ReceiveFromWithPort),
    ("sock_send", 5, Send),
    ("sock_send_to", 7, SendTo),
    ("sock_shutdown", 2, Shutdown),
    ("sock_getsockopt", 5, GetOption),
    ("sock_setsockopt", 5, SetOption),
    ("sock_getlocaladdr", 3, LocalAddress),
    ("sock_getlocaladdr", 4, LocalAddressWithFamily),
    ("sock_getpeeraddr", 3, PeerAddress),
    ("sock_getpeeraddr", 4, PeerAddressWithFamily),
    ("sock_getaddrinfo", 8, LookUp),
    ("fd_close", 1, Close),
    ("fd_read", 4, Read),
    ("fd_write", 4, Write),
    ("fd_fdstat_get", 2, GetStatus),
    ("fd_fdstat_set_flags", 2, SetFlags),
    ("fd_filestat_get", 2, GetFileStatus),
    ("poll_oneoff", 4, Poll),
];

/// Whether a module imports what only the extension has.
pub fn wants_sockets(module: &Module) -> bool {
    module.imports().filter(|import| import.module() == MODULE).any(|import| {
        let parameters = import.ty().func().map_or(0, |ty| ty.params().len());
        match import.name() {
            "sock_accept" => parameters == 2,
            "sock_recv" | "sock_send" | "sock_shutdown" => false, // WASI's own
            name => name.starts_with("sock_"),
        }
    })
}

/// Puts the functions that the module imports before everybody's, in the form that it was made for.
pub fn define_sockets(linker: &mut Linker<State>, module: &Module) -> Result<()> {
    if !wants_sockets(module) {
        return Ok(());
    }
    linker.allow_shadowing(true);
    for import in module.imports().filter(|import| import.module() == MODULE) {
        let parameters = import.ty().func().map_or(0, |ty| ty.params().len());
        let named = || FUNCTIONS.iter().filter(|(name, ..)| *name == import.name());
        // One of another form is defined all the same: the linker then tells how they differ.
        let fitting = named().find(|(_, count, _)| *count == parameters).or_else(|| named().next());
        if let Some((name, count, function)) = fitting {
            define(linker, name, *count, *function)?;
        }
    }
    linker.allow_shadowing(false);
    Ok(())
}

fn define(
    linker: &mut Linker<State>,
    name: &str,
    parameters: usize,
    function: Function,
) -> Result<()> {
    let types = std::iter::repeat_n(ValType::I32, parameters);
    let ty = FuncType::new(linker.engine(), types, [ValType::I32]);
    linker.func_new_async(MODULE, name, ty, move |mut caller, arguments, results| {
        let mut words = [0; MOST_PARAMETERS];
        for (word, argument) in words.iter_mut().zip(arguments) {
            *word = argument.i32().unwrap_or(0) as u32;
        }
        Box::new(async move {
            results[0] = Val::I32(call(function, &mut caller, words).await?);
            Ok(())
        })
    })?;
    Ok(())
}

async fn call(
    function: Function,
    caller: &mut Caller<'_, State>,
    words: [u32; MOST_PARAMETERS],
) -> Result<i32> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        let text = "a module that uses sockets must export its memory, unshared";
        return Err(Named::new(ErrorKind::GuestTrap, text).into());
    };
    let (memory, state) = memory.data_and_store_mut(&mut *caller);
    state.wasi.set_hostcall_fuel(fuel);
    let answer = match function {
        Poll => poll_oneoff(state, memory, [words[0], words[1], words[2], words[3]]).await?,
        Open | LookUp => call_socket(function, state, memory, words).await,
        _ if is_socket(words[0]) => call_socket(function, state, memory, words).await,
        _ => return pass_on(function, state, memory, words.map(|word| word as i32)).await,
    };
    Ok(answer.map_or_else(|errno| i32::from(errno.0), |()| 0))
}

async fn call_socket(
    function: Function,
    state: &mut State,
    memory: &mut [u8],
    [a, b, c, d, e, f, g, h]: [u32; MOST_PARAMETERS],
) -> std::result::Result<(), crate::errno::Errno> {
    let memory = GuestBytes(memory);
    let (sockets, instance) = (&mut state.sockets, state.hooks.0.as_deref());
    let mut calls = Calls { memory, sockets, instance };
    match function {
        Open => calls.open(a, b, c),
        Bind => calls.bind(a, b, c),
        Connect => calls.connect(a, b, c).await,
        Listen => calls.listen(a, b),
        Accept => calls.accept(a, 0, b).await,
        AcceptWithFlags => calls.accept(a, b, c).await,
        Receive => calls.receive(a, (b, c), d, e, Some(f)).await,
        ReceiveFrom => calls.receive_from(a, (b, c), d, e, None, f, g).await,
        ReceiveFromWithPort => calls.receive_from(a, (b, c), d, e, Some(f), g, h).await,
        Send => calls.send(a, (b, c), d, e).await,
        SendTo => calls.send_to(a, (b, c), d, e, f, g).await,
        Shutdown => calls.shutdown(a, b),
        GetOption => calls.get_option(a, b, c, d, e),
        SetOption => calls.set_option(a, b, c, d, e),
        LocalAddress => calls.local_address(a, b, None, c),
        LocalAddressWithFamily => calls.local_address(a, b, Some(c), d),
        PeerAddress => calls.peer_address(a, b, None, c),
        PeerAddressWithFamily => calls.peer_address(a, b, Some(c), d),
        LookUp => {
            let (node, service) = ((a, b), (c, d));
            calls.look_up(Question { node, service, hints: e, result: f, most: g, count: h }).await
        }
        Close => calls.sockets.close(a),
        Read => calls.receive(a, (b, c), 0, d, None).await,
        Write => calls.send(a, (b, c), 0, d).await,
        GetStatus => calls.status(a, b),
        SetFlags => calls.set_flags(a, b),
        GetFileStatus => calls.file_status(a, b),
        Poll => unreachable!("polls have their own road"),
    }
}

/// What is no socket is everybody's own: files, standard streams, numbers of nothing.
async fn pass_on(
    function: Function,
    state: &mut State,
    memory: &mut [u8],
    [a, b, c, d, ..]: [i32; MOST_PARAMETERS],
) -> Result<i32> {
    let (wasi, memory) = (&mut state.wasi, &mut GuestMemory::Unshared(memory));
    match function {
        Close => plain::fd_close(wasi, memory, a).await,
        Read => plain::fd_read(wasi, memory, a, b, c, d).await,
        Write => plain::fd_write(wasi, memory, a, b, c, d).await,
        GetStatus => plain::fd_fdstat_get(wasi, memory, a, b).await,
        SetFlags => plain::fd_fdstat_set_flags(wasi, memory, a, b),
        GetFileStatus => plain::fd_filestat_get(wasi, memory, a, b).await,
        // Tells a file, which is no socket, from a number of nothing.
        _ => plain::sock_shutdown(wasi, memory, a, 1),
    }
}
