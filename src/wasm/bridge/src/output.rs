//! A guest's stdout and stderr: to the host's sink, to the process's own, or nowhere; all within
//! one budget of bytes.

use crate::abi::{entry_or, Bytes as CBytes};
use crate::error::{Kind, Named};
use crate::state::Instance;
use crate::tape::Tape;
use bytes::Bytes;
use std::ffi::c_void;
use std::io::Write;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncWrite, Interest};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Nowhere,
    Process,
    Sink,
    /// A pipe of C++'s.
    Pipe,
}

impl Target {
    /// qb_output.
    pub fn from_code(code: u32) -> Target {
        match code {
            1 => Target::Process,
            2 => Target::Sink,
            3 => Target::Pipe,
            _ => Target::Nowhere,
        }
    }
}

/// How many bytes a guest may still print, of how many.
pub struct Budget {
    pub left: AtomicU64,
    pub limit: u64,
}

/// Whether the process's own stdout or stderr takes bytes now. A guest waits for that as it waits for
/// everything: a reader that does not read must not hold a worker, or no timeout and no signal could
/// end the guest.
pub struct Gate {
    fd: RawFd,
    /// A file takes bytes always; a pipe, a socket and a terminal wait for their reader.
    may_close: bool,
    /// Seen open by `opens`, and not yet told to who writes next.
    seen_open: AtomicBool,
    /// None where the system cannot tell of a change: then it is asked again and again.
    watch: OnceLock<Option<AsyncFd<RawFd>>>,
}

impl Gate {
    /// What a pipe that takes anything takes whole (PIPE_BUF): such a write does not block.
    const ROOM: usize = 4096;
    const ASK_AGAIN: Duration = Duration::from_millis(10);

    pub fn new(fd: RawFd) -> Gate {
        let mut facts: libc::stat = unsafe { std::mem::zeroed() };
        let known = unsafe { libc::fstat(fd, &mut facts) } == 0;
        let may_close = match facts.st_mode & libc::S_IFMT {
            libc::S_IFCHR => unsafe { libc::isatty(fd) != 0 },
            kind => known && kind != libc::S_IFREG,
        };
        Gate { fd, may_close, seen_open: AtomicBool::new(false), watch: OnceLock::new() }
    }

    /// How many bytes it takes now.
    fn room(&self) -> usize {
        match self.may_close {
            true if self.seen_open.swap(false, Ordering::Relaxed) || self.is_open() => Gate::ROOM,
            true => 0,
            false => 1 << 20,
        }
    }

    /// An error counts as open: the write then says what it is.
    fn is_open(&self) -> bool {
        let mut asked = libc::pollfd { fd: self.fd, events: libc::POLLOUT, revents: 0 };
        unsafe { libc::poll(&mut asked, 1, 0) != 0 }
    }

    async fn opens(&self) {
        if self.may_close {
            self.wait_until_open().await;
            self.seen_open.store(true, Ordering::Relaxed);
        }
    }

    async fn wait_until_open(&self) {
        if self.is_open() {
            return;
        }
        let watch = || AsyncFd::with_interest(self.fd, Interest::WRITABLE).ok();
        let Some(watch) = self.watch.get_or_init(watch) else {
            while !self.is_open() {
                tokio::time::sleep(Gate::ASK_AGAIN).await;
            }
            return;
        };
        while let Ok(mut ready) = watch.writable().await {
            if self.is_open() {
                return;
            }
            ready.clear_ready();
        }
    }
}

#[derive(Clone)]
pub struct Output {
    pub target: Target,
    /// 1 or 2.
    pub stream: u32,
    pub gate: Arc<Gate>,
    pub budget: Arc<Budget>,
    pub instance: Arc<Instance>,
    pub tape: Option<Arc<Tape>>,
}

impl Budget {
    fn take(&self, count: usize) -> wasmtime::Result<()> {
        let count = count as u64;
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count))
            .map(drop)
            .map_err(|_| {
                let text = format!("output: more than the limit of {} bytes", self.limit);
                Named::new(Kind::ResourceExhausted, text).into()
            })
    }
}

impl Output {
    fn put(&self, bytes: &[u8]) -> StreamResult<()> {
        self.budget.take(bytes.len()).map_err(StreamError::Trap)?;
        self.put_paid(bytes)
    }

    /// Of bytes that the budget was asked for.
    fn put_paid(&self, bytes: &[u8]) -> StreamResult<()> {
        match self.target {
            Target::Nowhere => {}
            Target::Process => self.put_process(bytes)?,
            Target::Pipe => self.put_pipe(bytes)?,
            Target::Sink => {
                let write = self.instance.callbacks.instance_write;
                unsafe { write(self.instance.object.0, self.stream, CBytes::of(bytes)) };
            }
        }
        self.tape.iter().for_each(|tape| tape.print(self.stream, bytes));
        Ok(())
    }

    /// The gate was open for as much as this, so that it does not block.
    fn put_pipe(&self, mut bytes: &[u8]) -> StreamResult<()> {
        while !bytes.is_empty() {
            let written = unsafe { libc::write(self.gate.fd, bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(written) {
                Ok(written) => bytes = &bytes[written..],
                Err(_) => match std::io::Error::last_os_error() {
                    error if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    _ => return Err(StreamError::Closed),
                },
            }
        }
        Ok(())
    }

    /// Does it wait for its reader?
    fn waits(&self) -> bool {
        matches!(self.target, Target::Process | Target::Pipe)
    }

    fn put_process(&self, bytes: &[u8]) -> StreamResult<()> {
        let written = match self.stream {
            1 => std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()),
            _ => std::io::stderr().write_all(bytes),
        };
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => StreamError::Closed,
            _ => StreamError::LastOperationFailed(error.into()),
        })
    }
}

/// What a host function prints on its guest's behalf, within the guest's budget. It is kept until the
/// function has returned, for to write it may have to wait.
pub struct Printer {
    budget: Arc<Budget>,
    printed: Vec<(usize, Vec<u8>)>,
    /// Why the guest has to end, once something could not be printed.
    refused: Option<wasmtime::Error>,
}

impl Printer {
    pub fn new(outputs: &[Output; 2]) -> Printer {
        Printer { budget: outputs[0].budget.clone(), printed: vec![], refused: None }
    }

    pub fn is_empty(&self) -> bool {
        self.printed.is_empty() && self.refused.is_none()
    }

    /// `stream`: 1 out, 2 err.
    pub fn print(&mut self, stream: u32, bytes: &[u8]) {
        match self.budget.take(bytes.len()) {
            Ok(()) => self.printed.push((usize::from(stream != 1), bytes.to_vec())),
            Err(error) => self.refused = Some(error),
        }
    }

    /// Writes what was printed, as the other side takes it. A reader that is gone is no trap, as it
    /// is none for a guest that prints by itself.
    pub async fn flush(&mut self, outputs: [Output; 2]) -> wasmtime::Result<()> {
        for (stream, bytes) in self.printed.drain(..) {
            let output = &outputs[stream];
            for part in bytes.chunks(Gate::ROOM) {
                if output.waits() && output.gate.may_close {
                    output.gate.wait_until_open().await;
                }
                if let Err(StreamError::Trap(error)) = output.put_paid(part) {
                    return Err(error);
                }
            }
        }
        self.refused.take().map_or(Ok(()), Err)
    }
}

/// Safety: `printer` is a qb_raw_call's printer, while that call lasts.
#[no_mangle]
unsafe extern "C" fn qb_raw_print(printer: *mut c_void, stream: u32, bytes: CBytes) {
    entry_or((), || {
        if !printer.is_null() {
            (*(printer as *mut Printer)).print(stream, bytes.get());
        }
    })
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.target == Target::Process
            && match self.stream {
                1 => IsTerminal::is_terminal(&std::io::stdout()),
                _ => IsTerminal::is_terminal(&std::io::stderr()),
            }
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        if self.waits() {
            self.gate.opens().await
        }
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(if self.waits() { self.gate.room() } else { 1 << 20 })
    }
}

/// Only WASI 0.3 writes this way.
impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let put = self.put(bytes).map(|()| bytes.len());
        Poll::Ready(put.map_err(|error| std::io::Error::other(error.to_string())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
