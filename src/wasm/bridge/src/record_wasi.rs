//! WASI 0.2 without sockets and HTTP, recorded: who is to answer is Wasmtime's implementation.

use crate::recorded::recorded;
use crate::recorded::{enums, flags, records, told, variants, Errors, Logged, Recorded};
use crate::state::State;
use crate::values::put_u32;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{WasiCliCtxView, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types as files};
use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, FsError, FsResult};
use wasmtime_wasi::p2::{StreamError, StreamResult};
use wasmtime_wasi::random::WasiRandomCtx;
use wasmtime_wasi::WasiView;

type Clocks<'a> = WasiClocksCtxView<'a>;
type Files<'a> = WasiFilesystemCtxView<'a>;
type Console<'a> = WasiCliCtxView<'a>;
type Table<'a> = &'a mut ResourceTable;
type Random<'a> = &'a mut WasiRandomCtx;

macro_rules! roads {
    ($($marker:ident: $inner:ident, $get:ident = $from:expr;)*) => {
        $(struct $marker;

        impl HasData for $marker {
            type Data<'a> = Recorded<$inner<'a>>;
        }

        fn $get(state: &mut State) -> Recorded<$inner<'_>> {
            let tape = state.tape.clone();
            let from: fn(&mut State) -> $inner<'_> = $from;
            Recorded { inner: from(state), tape }
        })*
    };
}
roads! {
    HasClocks: Clocks, clocks = |state| state.clocks();
    HasFiles: Files, filesystem = |state| state.filesystem();
    HasConsole: Console, console = |state| state.cli();
    HasTable: Table, table = |state| state.ctx().table;
    HasRandom: Random, dice = |state| state.wasi.ctx().ctx.random();
}

pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let l = linker;
    error::add_to_linker::<State, HasTable>(l, table)?;
    poll::add_to_linker::<State, HasTable>(l, table)?;
    streams::add_to_linker::<State, HasTable>(l, table)?;
    wall_clock::add_to_linker::<State, HasClocks>(l, clocks)?;
    monotonic_clock::add_to_linker::<State, HasClocks>(l, clocks)?;
    random::add_to_linker::<State, HasRandom>(l, dice)?;
    insecure::add_to_linker::<State, HasRandom>(l, dice)?;
    insecure_seed::add_to_linker::<State, HasRandom>(l, dice)?;
    preopens::add_to_linker::<State, HasFiles>(l, filesystem)?;
    files::add_to_linker::<State, HasFiles>(l, filesystem)?;
    exit::add_to_linker::<State, HasConsole>(l, console)?;
    environment::add_to_linker::<State, HasConsole>(l, console)?;
    stdin::add_to_linker::<State, HasConsole>(l, console)?;
    stdout::add_to_linker::<State, HasConsole>(l, console)?;
    stderr::add_to_linker::<State, HasConsole>(l, console)?;
    terminal_input::add_to_linker::<State, HasConsole>(l, console)?;
    terminal_output::add_to_linker::<State, HasConsole>(l, console)?;
    terminal_stdin::add_to_linker::<State, HasConsole>(l, console)?;
    terminal_stdout::add_to_linker::<State, HasConsole>(l, console)?;
    terminal_stderr::add_to_linker::<State, HasConsole>(l, console)
}

// ---- io -----------------------------------------------------------------------------------------

recorded! { impl error::Host, Table<'_>, "wasi:io/error" {} }
recorded! { impl error::HostError, Table<'_>, "wasi:io/error" {
    plain to_debug_string = "[method]error.to-debug-string" (this: Resource<error::Error>) -> String;
    plain drop = "[resource-drop]error" (this: Resource<error::Error>) -> ();
} }

recorded! { impl poll::Host, Table<'_>, "wasi:io/poll" {
    waits poll = "poll" (pollables: Vec<Resource<DynPollable>>) -> Vec<u32>;
} }
recorded! { impl poll::HostPollable, Table<'_>, "wasi:io/poll" {
    waits ready = "[method]pollable.ready" (this: Resource<DynPollable>) -> bool;
    waits block = "[method]pollable.block" (this: Resource<DynPollable>) -> ();
    plain drop = "[resource-drop]pollable" (this: Resource<DynPollable>) -> ();
} }

/// An error that is in the table already.
#[derive(Debug)]
struct InTable(u32);

impl std::fmt::Display for InTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the error of number {}", self.0)
    }
}

impl std::error::Error for InTable {}

impl streams::Host for Recorded<Table<'_>> {
    fn convert_stream_error(
        &mut self,
        error: StreamError,
    ) -> wasmtime::Result<streams::StreamError> {
        match &error {
            StreamError::LastOperationFailed(failed) => match failed.downcast_ref::<InTable>() {
                Some(InTable(number)) => {
                    let number = Resource::new_own(*number);
                    Ok(streams::StreamError::LastOperationFailed(number))
                }
                None => streams::Host::convert_stream_error(self.inner, error),
            },
            _ => streams::Host::convert_stream_error(self.inner, error),
        }
    }
}

impl Errors<StreamError> for Recorded<Table<'_>> {
    type Code = streams::StreamError;

    fn code(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        streams::Host::convert_stream_error(self.inner, error)
    }

    fn again(code: streams::StreamError) -> StreamError {
        match code {
            streams::StreamError::LastOperationFailed(error) => {
                StreamError::LastOperationFailed(InTable(error.rep()).into())
            }
            streams::StreamError::Closed => StreamError::Closed,
        }
    }

    fn trap(error: wasmtime::Error) -> StreamError {
        StreamError::Trap(error)
    }
}

impl Logged for streams::StreamError {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            streams::StreamError::LastOperationFailed(error) => {
                put_u32(out, 0);
                error.put(out);
            }
            streams::StreamError::Closed => put_u32(out, 1),
        }
    }
}

type In = Resource<DynInputStream>;
type Out = Resource<DynOutputStream>;

recorded! { impl streams::HostInputStream, Table<'_>, "wasi:io/streams" {
    tries read = "[method]input-stream.read" (this: In, len: u64) -> StreamResult<Vec<u8>>;
    tries_waiting blocking_read = "[method]input-stream.blocking-read"
        (this: In, len: u64) -> StreamResult<Vec<u8>>;
    tries skip = "[method]input-stream.skip" (this: In, len: u64) -> StreamResult<u64>;
    tries_waiting blocking_skip = "[method]input-stream.blocking-skip"
        (this: In, len: u64) -> StreamResult<u64>;
    plain subscribe = "[method]input-stream.subscribe" (this: In) -> Resource<DynPollable>;
    waits drop = "[resource-drop]input-stream" (this: In) -> ();
} }

recorded! { impl streams::HostOutputStream, Table<'_>, "wasi:io/streams" {
    tries check_write = "[method]output-stream.check-write" (this: Out) -> StreamResult<u64>;
    tries write = "[method]output-stream.write" (this: Out, contents: Vec<u8>) -> StreamResult<()>;
    tries_waiting blocking_write_and_flush = "[method]output-stream.blocking-write-and-flush"
        (this: Out, contents: Vec<u8>) -> StreamResult<()>;
    tries flush = "[method]output-stream.flush" (this: Out) -> StreamResult<()>;
    tries_waiting blocking_flush = "[method]output-stream.blocking-flush"
        (this: Out) -> StreamResult<()>;
    plain subscribe = "[method]output-stream.subscribe" (this: Out) -> Resource<DynPollable>;
    tries write_zeroes = "[method]output-stream.write-zeroes"
        (this: Out, len: u64) -> StreamResult<()>;
    tries_waiting blocking_write_zeroes_and_flush =
        "[method]output-stream.blocking-write-zeroes-and-flush"
        (this: Out, len: u64) -> StreamResult<()>;
    tries splice = "[method]output-stream.splice"
        (this: Out, src: In, len: u64) -> StreamResult<u64>;
    tries_waiting blocking_splice = "[method]output-stream.blocking-splice"
        (this: Out, src: In, len: u64) -> StreamResult<u64>;
    waits drop = "[resource-drop]output-stream" (this: Out) -> ();
} }

// ---- clocks, random, console --------------------------------------------------------------------

records! { wall_clock::Datetime { seconds nanoseconds } }

recorded! { impl wall_clock::Host, Clocks<'_>, "wasi:clocks/wall-clock" {
    plain now = "now" () -> wall_clock::Datetime;
    plain resolution = "resolution" () -> wall_clock::Datetime;
} }
recorded! { impl monotonic_clock::Host, Clocks<'_>, "wasi:clocks/monotonic-clock" {
    plain now = "now" () -> u64;
    plain resolution = "resolution" () -> u64;
    plain subscribe_instant = "subscribe-instant" (when: u64) -> Resource<DynPollable>;
    plain subscribe_duration = "subscribe-duration" (when: u64) -> Resource<DynPollable>;
} }

recorded! { impl random::Host, Random<'_>, "wasi:random/random" {
    plain get_random_bytes = "get-random-bytes" (len: u64) -> Vec<u8>;
    plain get_random_u64 = "get-random-u64" () -> u64;
} }
recorded! { impl insecure::Host, Random<'_>, "wasi:random/insecure" {
    plain get_insecure_random_bytes = "get-insecure-random-bytes" (len: u64) -> Vec<u8>;
    plain get_insecure_random_u64 = "get-insecure-random-u64" () -> u64;
} }
recorded! { impl insecure_seed::Host, Random<'_>, "wasi:random/insecure-seed" {
    plain insecure_seed = "insecure-seed" () -> (u64, u64);
} }

recorded! { impl exit::Host, Console<'_>, "wasi:cli/exit" {
    plain exit = "exit" (status: Result<(), ()>) -> ();
    plain exit_with_code = "exit-with-code" (code: u8) -> ();
} }
recorded! { impl environment::Host, Console<'_>, "wasi:cli/environment" {
    plain get_environment = "get-environment" () -> Vec<(String, String)>;
    plain get_arguments = "get-arguments" () -> Vec<String>;
    plain initial_cwd = "initial-cwd" () -> Option<String>;
} }
recorded! { impl stdin::Host, Console<'_>, "wasi:cli/stdin" {
    plain get_stdin = "get-stdin" () -> In;
} }
recorded! { impl stdout::Host, Console<'_>, "wasi:cli/stdout" {
    plain get_stdout = "get-stdout" () -> Out;
} }
recorded! { impl stderr::Host, Console<'_>, "wasi:cli/stderr" {
    plain get_stderr = "get-stderr" () -> Out;
} }
type TerminalIn = Resource<terminal_input::TerminalInput>;
type TerminalOut = Resource<terminal_output::TerminalOutput>;
recorded! { impl terminal_input::Host, Console<'_>, "wasi:cli/terminal-input" {} }
recorded! { impl terminal_input::HostTerminalInput, Console<'_>, "wasi:cli/terminal-input" {
    plain drop = "[resource-drop]terminal-input" (this: TerminalIn) -> ();
} }
recorded! { impl terminal_output::Host, Console<'_>, "wasi:cli/terminal-output" {} }
recorded! { impl terminal_output::HostTerminalOutput, Console<'_>, "wasi:cli/terminal-output" {
    plain drop = "[resource-drop]terminal-output" (this: TerminalOut) -> ();
} }
recorded! { impl terminal_stdin::Host, Console<'_>, "wasi:cli/terminal-stdin" {
    plain get_terminal_stdin = "get-terminal-stdin" () -> Option<TerminalIn>;
} }
recorded! { impl terminal_stdout::Host, Console<'_>, "wasi:cli/terminal-stdout" {
    plain get_terminal_stdout = "get-terminal-stdout" () -> Option<TerminalOut>;
} }
recorded! { impl terminal_stderr::Host, Console<'_>, "wasi:cli/terminal-stderr" {
    plain get_terminal_stderr = "get-terminal-stderr" () -> Option<TerminalOut>;
} }

// ---- files --------------------------------------------------------------------------------------

use files::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};

enums! { Advice DescriptorType ErrorCode }
flags! { DescriptorFlags OpenFlags PathFlags }
records! {
    DescriptorStat {
        type_ link_count size data_access_timestamp data_modification_timestamp
        status_change_timestamp
    }
    DirectoryEntry { type_ name }
    MetadataHashValue { lower upper }
}
variants! { NewTimestamp { 0 NoChange 1 Now 2 Timestamp(time) } }

impl Errors<FsError> for Recorded<Files<'_>> {
    type Code = ErrorCode;

    fn code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        files::Host::convert_error_code(&mut self.inner, error)
    }

    fn again(code: ErrorCode) -> FsError {
        code.into()
    }

    fn trap(error: wasmtime::Error) -> FsError {
        FsError::trap(error)
    }
}

type File = Resource<Descriptor>;

recorded! { impl preopens::Host, Files<'_>, "wasi:filesystem/preopens" {
    plain get_directories = "get-directories" () -> Vec<(File, String)>;
} }
recorded! { impl files::Host, Files<'_>, "wasi:filesystem/types" {
    turns convert_error_code (FsError) -> ErrorCode;
    plain filesystem_error_code = "filesystem-error-code"
        (err: Resource<wasmtime::Error>) -> Option<ErrorCode>;
} }
recorded! { impl files::HostDirectoryEntryStream, Files<'_>, "wasi:filesystem/types" {
    tries_waiting read_directory_entry = "[method]directory-entry-stream.read-directory-entry"
        (this: Resource<DirectoryEntryStream>) -> FsResult<Option<DirectoryEntry>>;
    plain drop = "[resource-drop]directory-entry-stream"
        (this: Resource<DirectoryEntryStream>) -> ();
} }
recorded! { impl files::HostDescriptor, Files<'_>, "wasi:filesystem/types" {
    tries read_via_stream = "[method]descriptor.read-via-stream"
        (this: File, offset: u64) -> FsResult<In>;
    tries write_via_stream = "[method]descriptor.write-via-stream"
        (this: File, offset: u64) -> FsResult<Out>;
    tries append_via_stream = "[method]descriptor.append-via-stream" (this: File) -> FsResult<Out>;
    tries_waiting advise = "[method]descriptor.advise"
        (this: File, offset: u64, length: u64, advice: Advice) -> FsResult<()>;
    tries_waiting sync_data = "[method]descriptor.sync-data" (this: File) -> FsResult<()>;
    tries_waiting get_flags = "[method]descriptor.get-flags"
        (this: File) -> FsResult<DescriptorFlags>;
    tries_waiting get_type = "[method]descriptor.get-type" (this: File) -> FsResult<DescriptorType>;
    tries_waiting set_size = "[method]descriptor.set-size" (this: File, size: u64) -> FsResult<()>;
    tries_waiting set_times = "[method]descriptor.set-times"
        (this: File, access: NewTimestamp, modification: NewTimestamp) -> FsResult<()>;
    tries_waiting read = "[method]descriptor.read"
        (this: File, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)>;
    tries_waiting write = "[method]descriptor.write"
        (this: File, buffer: Vec<u8>, offset: u64) -> FsResult<u64>;
    tries_waiting read_directory = "[method]descriptor.read-directory"
        (this: File) -> FsResult<Resource<DirectoryEntryStream>>;
    tries_waiting sync = "[method]descriptor.sync" (this: File) -> FsResult<()>;
    tries_waiting create_directory_at = "[method]descriptor.create-directory-at"
        (this: File, path: String) -> FsResult<()>;
    tries_waiting stat = "[method]descriptor.stat" (this: File) -> FsResult<DescriptorStat>;
    tries_waiting stat_at = "[method]descriptor.stat-at"
        (this: File, flags: PathFlags, path: String) -> FsResult<DescriptorStat>;
    tries_waiting set_times_at = "[method]descriptor.set-times-at"
        (this: File, flags: PathFlags, path: String, access: NewTimestamp,
         modification: NewTimestamp) -> FsResult<()>;
    tries_waiting link_at = "[method]descriptor.link-at"
        (this: File, flags: PathFlags, path: String, new: File, new_path: String) -> FsResult<()>;
    tries_waiting open_at = "[method]descriptor.open-at"
        (this: File, path_flags: PathFlags, path: String, open_flags: OpenFlags,
         flags: DescriptorFlags) -> FsResult<File>;
    tries_waiting readlink_at = "[method]descriptor.readlink-at"
        (this: File, path: String) -> FsResult<String>;
    tries_waiting remove_directory_at = "[method]descriptor.remove-directory-at"
        (this: File, path: String) -> FsResult<()>;
    tries_waiting rename_at = "[method]descriptor.rename-at"
        (this: File, path: String, new: File, new_path: String) -> FsResult<()>;
    tries_waiting symlink_at = "[method]descriptor.symlink-at"
        (this: File, path: String, new_path: String) -> FsResult<()>;
    tries_waiting unlink_file_at = "[method]descriptor.unlink-file-at"
        (this: File, path: String) -> FsResult<()>;
    waits is_same_object = "[method]descriptor.is-same-object" (this: File, other: File) -> bool;
    tries_waiting metadata_hash = "[method]descriptor.metadata-hash"
        (this: File) -> FsResult<MetadataHashValue>;
    tries_waiting metadata_hash_at = "[method]descriptor.metadata-hash-at"
        (this: File, flags: PathFlags, path: String) -> FsResult<MetadataHashValue>;
    plain drop = "[resource-drop]descriptor" (this: File) -> ();
} }
