//! The bridge from Quern's C++ to Wasmtime: the C ABI of ../bridge.h and nothing else.
//!
//!   abi       C structs, panics
//!   error     kinds of errors;  named  one of them
//!   engine    configuration, threads;  ticker  epochs;  cache  compiled code on disk
//!   program   compile, load, describe;  link  imports
//!   state     what a store holds, limits;  sandbox  how it is made
//!   output    what it prints;  network  what it may reach;  outbound  its HTTP requests
//!   host      functions of the host;  quick  those that answer at once;  values  their encoding;  wake  how C++ wakes a guest
//!   wasmedge  sockets of modules made for WasmEdge:  socket_calls  socket_poll  socket_names
//!             socket_options  socket_table  socket;  guest_bytes  their memory;  errno  their errors
//!   run       one run;  invoke  a function by its name;  http  one request;  body  its body
//!   resident  an instance that stays, called on the caller's thread;  resident_component  the same
//!             of a component;  log_filter  its calls with many records
//!   tape      what a guest hears, written down:  recorded  record_core  record_wasi  record_http
//!             record_sockets
//!   recording the file;  record_file  its writing;  xxh64  its checksums;  core_calls  what WASI 0.1 reads and writes
//!   replay    a recording that answers a guest:  replay_link  replay_run  answered
//!
//! The functions of bridge.h are `unsafe extern "C"`; what makes a call safe is written there.
#![allow(clippy::missing_safety_doc)]

mod abi;
mod answered;
mod body;
mod bulk;
mod cache;
mod core_calls;
mod engine;
mod errno;
mod error;
mod guest_bytes;
mod host;
mod http;
mod invoke;
mod link;
mod log_filter;
mod named;
mod network;
mod outbound;
mod output;
mod program;
mod quick;
mod record_core;
mod record_file;
mod record_http;
mod record_sockets;
mod record_wasi;
mod recorded;
mod recording;
mod replay;
mod replay_link;
mod replay_run;
mod resident;
mod resident_component;
mod run;
mod sandbox;
mod socket;
mod socket_calls;
mod socket_names;
mod socket_options;
mod socket_poll;
mod socket_table;
mod state;
mod tape;
mod ticker;
mod values;
mod wake;
mod wasmedge;
mod xxh64;
