//! The C side of bridge.h: its structs, and how they become Rust values.

use crate::error::{Kind, Named};
use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const u8,
    pub size: usize,
}

impl Bytes {
    pub fn of(bytes: &[u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), size: bytes.len() }
    }

    /// Safety: the bytes must live as long as 'a, which bridge.h promises for the call.
    pub unsafe fn get<'a>(self) -> &'a [u8] {
        slice(self.data, self.size)
    }

    /// As text; bytes that are not UTF-8 are an error that names `what`.
    pub unsafe fn text<'a>(self, what: &str) -> Result<&'a str, Named> {
        std::str::from_utf8(self.get())
            .map_err(|_| Named::new(Kind::InvalidArgument, format!("{what} is not UTF-8")))
    }
}

/// Safety: as `std::slice::from_raw_parts`, but null is allowed when `count` is 0.
pub unsafe fn slice<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data, count)
    }
}

#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    size: usize,
    capacity: usize,
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Buffer { data: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() }
    }
}

#[no_mangle]
unsafe extern "C" fn qb_buffer_free(buffer: Buffer) {
    drop(Vec::from_raw_parts(buffer.data, buffer.size, buffer.capacity));
}

#[repr(C)]
pub struct Error {
    kind: u32,
    message: Buffer,
}

/// Runs an entry point: its error, or its panic, becomes a qb_error.
pub fn entry(body: impl FnOnce() -> Result<(), Named>) -> Error {
    let named = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Error { kind: 0, message: Vec::new().into() },
        Ok(Err(named)) => named,
        Err(panic) => Named::from_panic(panic.as_ref()),
    };
    Error { kind: named.kind.code(), message: named.message.into_bytes().into() }
}

/// Runs an entry point that cannot fail; after a panic it answers `otherwise`.
pub fn entry_or<R>(otherwise: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Pair {
    pub first: Bytes,
    pub second: Bytes,
}

#[repr(C)]
pub struct RawCall {
    pub memory: *mut u8,
    pub memory_size: usize,
    pub values: *mut u64,
    pub arguments: usize,
    pub instance: *mut c_void,
    pub waker_source: *mut c_void,
    pub printer: *mut c_void,
    pub written: *mut c_void,
    pub grower: *mut c_void,
}

#[repr(C)]
pub struct TextOut {
    pub target: *mut c_void,
    pub set: unsafe extern "C" fn(*mut c_void, Bytes),
}

type Object = *mut c_void;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Callbacks {
    pub instance_drop: unsafe extern "C" fn(Object),
    pub instance_write: unsafe extern "C" fn(Object, u32, Bytes),
    pub instance_warn: unsafe extern "C" fn(Object, Bytes),
    pub instance_allow_request: unsafe extern "C" fn(Object, Bytes, Bytes, Bytes, Bytes) -> bool,
    pub instance_allow_socket: unsafe extern "C" fn(Object, u32, Bytes) -> bool,
    pub instance_resolved: unsafe extern "C" fn(Object, Bytes, Bytes),
    pub host_drop: unsafe extern "C" fn(Object),
    pub host_call: unsafe extern "C" fn(Object, u32, Object, *mut crate::host::Call),
    pub host_resource_drop: unsafe extern "C" fn(Object, u32, Object, u32),
    pub host_raw_call: unsafe extern "C" fn(Object, u32, *mut RawCall, TextOut) -> u32,
    pub run_done: unsafe extern "C" fn(Object, u32, Bytes, i32, Bytes),
    pub replay_done: unsafe extern "C" fn(Object, u32, Bytes, *const Replayed),
    pub sink_head: unsafe extern "C" fn(Object, u16, *const Pair, usize),
    pub sink_body: unsafe extern "C" fn(Object, Bytes, *const crate::wake::Waitable),
    pub sink_end: unsafe extern "C" fn(Object),
    pub sink_fail: unsafe extern "C" fn(Object, u32, Bytes),
    pub sink_drop: unsafe extern "C" fn(Object),
    pub body_taken: unsafe extern "C" fn(Object),
}

#[repr(C)]
pub struct EngineOptions {
    pub cache_dir: Bytes,
    pub worker_threads: u32,
    pub max_instances: u32,
    pub max_memory: u64,
    pub stack: u64,
    pub place_wait_ms: u64,
    pub callbacks: Callbacks,
}

#[repr(C)]
pub struct ProgramFacts {
    pub component: bool,
    pub command: bool,
    pub http_handler: bool,
}

#[repr(C)]
pub struct InterfaceItem {
    pub interface_name: Bytes,
    pub name: Bytes,
    pub resource: bool,
}

#[repr(C)]
pub struct RawItem {
    pub module: Bytes,
    pub name: Bytes,
    pub parameters: Bytes,
    pub results: Bytes,
    pub waits: bool,
}

#[repr(C)]
pub struct Host {
    pub host: Object,
    pub items: *const InterfaceItem,
    pub item_count: usize,
    pub raw: *const RawItem,
    pub raw_count: usize,
    pub advice: *const Pair,
    pub advice_count: usize,
}

#[repr(C)]
pub struct Directory {
    pub host: Bytes,
    pub guest: Bytes,
    pub writable: bool,
}

#[repr(C)]
pub struct Sandbox {
    pub instance: Object,
    pub args: *const Bytes,
    pub arg_count: usize,
    pub env: *const Pair,
    pub env_count: usize,
    pub directories: *const Directory,
    pub directory_count: usize,
    pub network: bool,
    pub inherit_in: bool,
    pub out: u32,
    pub err: u32,
    pub out_pipe: i32,
    pub memory_bytes: u64,
    pub table_elements: u32,
    pub wall_ms: u64,
    pub cpu_ms: u64,
    pub handles: u32,
    pub output_bytes: u64,
    pub record_file: Bytes,
    pub record_program: Bytes,
    pub record_bytes: u64,
}

#[repr(C)]
pub struct Replayed {
    pub verdict: u32,
    pub calls: u64,
    pub end_kind: u32,
    pub exit_code: i32,
    pub end: Bytes,
    pub response: Bytes,
}

#[repr(C)]
pub struct Request {
    pub method: Bytes,
    pub scheme: Bytes,
    pub authority: Bytes,
    pub target: Bytes,
    pub headers: *const Pair,
    pub header_count: usize,
    pub has_body: bool,
}

/// A C++ object that callbacks name. Its room promises that it may be named from any thread.
#[derive(Clone, Copy)]
pub struct Foreign(pub Object);
unsafe impl Send for Foreign {}
unsafe impl Sync for Foreign {}
