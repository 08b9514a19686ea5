//! What one instance hears from the world, written down while it hears it. A guest's calls append
//! to a buffer; a thread of the engine, `quern-record`, carries buffers to their files every tenth
//! of a second or when they are full, so that a host that is killed leaves all but that. What is long
//! is written by the guest's own thread, from where it lies.

use crate::error::{root_text, too_many_handles, Kind, Named};
use crate::record_file::{put_record, Writing};
use crate::recording::{
    put_bytes, Head, BODY, CALL, CUT, END, EXITED, HANDLE, HEAD, MOST_IN_VALUE, NAME, NO_GROWTH,
    PRINT, RESPONSE, RETURNED, TRAPPED, UNANSWERED,
};
use crate::run::Ended;
use crate::state::{Instance, Meter};
use crate::xxh64::xxh64;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use wasmtime_wasi::{I32Exit, ResourceTableError};

/// The scribe is woken when so much waits (to wake it costs the guest a system call), and the guest
/// writes itself when so much does.
const ENOUGH: usize = 1 << 20;
const MOST_WAITING: usize = 3 << 20;
/// What is longer waits nowhere.
const LONG: usize = 256 << 10;
const AT_LEAST_EVERY: Duration = Duration::from_millis(100);

/// Longer arguments are kept as their beginning and a digest.
pub const WHOLE: usize = 256;
pub const BEGINNING: usize = 64;

/// A call's arguments, in the order in which they are compared: each its length, then its bytes, or
/// beginning and digest.
#[derive(Default)]
pub struct Arguments(pub Vec<u8>);

impl Arguments {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u32).to_le_bytes());
        match bytes.len() > WHOLE {
            false => self.0.extend(bytes),
            true => {
                self.0.extend(&bytes[..BEGINNING]);
                self.0.extend(xxh64(bytes).to_le_bytes());
            }
        }
    }
}

pub struct Tape {
    scribe: Arc<Shelf>,
    instance: Arc<Instance>,
    limit: u64,
    pending: Mutex<Pending>,
    file: Mutex<Writing>,
    /// The guest's processor time, and what it was at the last call.
    meter: Arc<Meter>,
    last_call: AtomicU64,
    /// How many strings there are, and their bytes with the zeros: of arguments and of environment.
    pub strings: [(u32, u32); 2],
    /// How many handles the guest may hold.
    handles: u32,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    names: HashMap<String, u32>,
    /// Nothing is written down any more: the end, the limit, or a disk that takes nothing.
    closed: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Tape {
    /// `limit` is of bytes, and of all recordings of the engine together; None once that is reached.
    pub fn begin(
        scribe: &Scribe,
        instance: Arc<Instance>,
        meter: Arc<Meter>,
        (path, limit): (&Path, u64),
        strings: [(u32, u32); 2],
        handles: u32,
    ) -> Result<Option<Arc<Tape>>, Named> {
        let shelf = scribe.start()?;
        let written = shelf.written.load(Relaxed);
        if written > 0 && written >= limit {
            return Ok(None); // the one that reached it has told so
        }
        let file = Writing::create(path).map_err(|error| {
            let text = format!("the recording {} cannot be written: {error}", path.display());
            Named::new(Kind::Unavailable, text)
        })?;
        let tape = Arc::new(Tape {
            scribe: shelf.clone(),
            instance,
            limit,
            pending: Mutex::default(),
            file: Mutex::new(file),
            meter,
            last_call: AtomicU64::new(0),
            strings,
            handles,
        });
        locked(&shelf.state).tapes.push(Arc::downgrade(&tape));
        shelf.changed.notify_one();
        Ok(Some(tape))
    }

    /// Whatever the limit is: without it nothing could be told of the file.
    pub fn head(&self, head: &Head) {
        self.record(HEAD, |out| head.write(out));
    }

    pub fn call(self: &Arc<Self>, name: &str, arguments: Arguments) -> Calling {
        let known = locked(&self.pending).names.get(name).copied();
        let name = known.unwrap_or_else(|| {
            self.record(NAME, |out| out.extend(name.as_bytes()));
            let names = &mut locked(&self.pending).names;
            let number = names.len() as u32;
            names.insert(name.to_string(), number);
            number
        });
        Calling { tape: self.clone(), name, arguments, over: false }
    }

    /// What the guest, or a function on its behalf, has printed: 1 out, 2 err.
    pub fn print(&self, stream: u32, bytes: &[u8]) {
        self.record(PRINT, |out| {
            out.push(stream as u8);
            out.extend(bytes);
        });
    }

    /// The system refused what the limits allowed. Of all growths, counted from 0.
    pub fn no_growth(&self, number: u64) {
        self.record(NO_GROWTH, |out| out.extend(number.to_le_bytes()));
    }

    /// The resources that an exchange begins with.
    pub fn handle(&self, request: u32, outparam: u32) {
        self.record(HANDLE, |out| {
            out.extend(request.to_le_bytes());
            out.extend(outparam.to_le_bytes());
        });
    }

    pub fn response(&self, head: &http::response::Parts) {
        self.record(RESPONSE, |out| {
            out.extend(head.status.as_u16().to_le_bytes());
            out.extend((head.headers.len() as u32).to_le_bytes());
            for (name, value) in &head.headers {
                put_bytes(out, name.as_str().as_bytes());
                put_bytes(out, value.as_bytes());
            }
        });
    }

    pub fn body(&self, chunk: &[u8]) {
        self.record(BODY, |out| out.extend(chunk));
    }

    /// The end of the guest; nothing is taken after it.
    pub fn end(&self, result: &Result<Ended, Named>) {
        let since = self.meter.used().saturating_sub(self.last_call.load(Relaxed));
        self.record(END, |out| {
            let (kind, code, text) = match result {
                Ok((code, results)) => (0, *code, &results[..]),
                Err(named) => (named.kind.code(), 0, named.message.as_bytes()),
            };
            out.extend(kind.to_le_bytes());
            out.extend(code.to_le_bytes());
            put_bytes(out, text);
            out.extend(since.to_le_bytes());
        });
        locked(&self.pending).closed = true;
        self.flush();
    }

    /// Nothing more can be written down, and why.
    pub fn cut(&self, why: &str) {
        let mut pending = locked(&self.pending);
        if !pending.closed {
            cut(&mut pending, why);
            drop(pending);
            self.warn(&format!("the recording ends here, the guest goes on: {why}"));
        }
    }

    fn record(&self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        let mut pending = locked(&self.pending);
        if pending.closed {
            return;
        }
        let before = pending.bytes.len();
        put_record(&mut pending.bytes, kind, write);
        let waiting = pending.bytes.len();
        let size = waiting - before;
        if kind == CALL && size > MOST_IN_VALUE {
            pending.bytes.truncate(before);
            drop(pending);
            return self.cut_at_value(size);
        }
        if !self.may_write(kind, size) {
            pending.bytes.truncate(before);
            drop(pending);
            return self.cut_at_limit();
        }
        drop(pending);
        if waiting >= MOST_WAITING {
            self.flush();
        } else if before < ENOUGH && waiting >= ENOUGH {
            self.scribe.hurry();
        }
    }

    /// A record with bytes that lie elsewhere: when they are many, they are not copied to wait.
    fn record_parts(&self, kind: u8, beginning: &[u8], parts: &[&[u8]]) {
        let size = beginning.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        if size < LONG {
            return self.record(kind, |out| {
                out.extend(beginning);
                parts.iter().for_each(|part| out.extend(*part));
            });
        }
        if locked(&self.pending).closed {
            return;
        }
        if !self.may_write(kind, size) {
            return self.cut_at_limit();
        }
        self.write(|before| {
            before.push(kind);
            put_bytes_ahead(before, beginning, size);
            parts
        });
    }

    fn may_write(&self, kind: u8, size: usize) -> bool {
        let size = size as u64;
        let before = self.scribe.written.fetch_add(size, Relaxed);
        if kind == HEAD || before.saturating_add(size) <= self.limit {
            return true;
        }
        self.scribe.written.fetch_sub(size, Relaxed);
        false
    }

    fn cut_at_limit(&self) {
        self.cut(&format!("--record-limit, {} bytes, is reached", self.limit));
    }

    fn cut_at_value(&self, size: usize) {
        self.cut(&format!("a call answers {size} bytes, {MOST_IN_VALUE} can be replayed"));
    }

    /// Writes what waits.
    fn flush(&self) {
        self.write(|_| &[]);
    }

    /// Writes what waits, then the record whose beginning `append` adds to it, then the parts that it
    /// names. The file's lock first, so that writers keep the order of what they take.
    fn write<'a>(&self, append: impl FnOnce(&mut Vec<u8>) -> &'a [&'a [u8]]) {
        let mut writing = locked(&self.file);
        let mut taken = std::mem::take(&mut writing.spare);
        std::mem::swap(&mut locked(&self.pending).bytes, &mut taken);
        let parts = append(&mut taken);
        let written = writing.put(&taken, parts);
        taken.clear();
        taken.shrink_to(MOST_WAITING + LONG);
        writing.spare = taken;
        let replaced = writing.replaced.take();
        drop(writing);
        drop(replaced);
        if let Err(error) = written {
            locked(&self.pending).closed = true;
            self.warn(&format!("the recording cannot be written, the guest goes on: {error}"));
        }
    }

    fn warn(&self, text: &str) {
        self.instance.warn(text);
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Size and beginning of a record of which the rest comes by itself.
fn put_bytes_ahead(out: &mut Vec<u8>, beginning: &[u8], size: usize) {
    out.extend((size as u32).to_le_bytes());
    out.extend(beginning);
}

fn cut(pending: &mut Pending, why: &str) {
    put_record(&mut pending.bytes, CUT, |out| out.extend(why.as_bytes()));
    pending.closed = true;
}

/// A call that has begun. Dropped before its end, it was never answered.
pub struct Calling {
    tape: Arc<Tape>,
    name: u32,
    arguments: Arguments,
    over: bool,
}

impl Calling {
    /// `write` appends what the guest got: of a module's function the results and the memory, of a
    /// component's the encoded results.
    pub fn returned(self, write: impl FnOnce(&mut Vec<u8>)) {
        self.end(RETURNED, write);
    }

    /// Of a component's function, with results that are encoded already.
    pub fn returned_value(mut self, encoded: &[u8]) {
        if encoded.len() <= MOST_IN_VALUE {
            return self.returned_parts(&[encoded]);
        }
        self.over = true;
        self.tape.cut_at_value(encoded.len());
    }

    /// Of results that lie in several places, one after the other.
    pub fn returned_parts(mut self, parts: &[&[u8]]) {
        let mut beginning = Vec::with_capacity(self.arguments.0.len() + 16);
        self.begin(RETURNED, &mut beginning);
        self.tape.record_parts(CALL, &beginning, parts);
        self.over = true;
    }

    /// The guest ends in this call.
    pub fn failed(self, error: &wasmtime::Error) {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return self.end(EXITED, |out| out.extend(exit.0.to_le_bytes()));
        }
        let named = match error.downcast_ref::<ResourceTableError>() {
            Some(ResourceTableError::Full) => Some(too_many_handles(self.tape.handles)),
            _ => error.downcast_ref::<Named>().cloned(),
        };
        let (kind, text) = match named {
            Some(named) => (named.kind.code(), named.message),
            None => (0, root_text(error)),
        };
        self.end(TRAPPED, |out| {
            out.extend(kind.to_le_bytes());
            put_bytes(out, text.as_bytes());
        });
    }

    fn end(mut self, how: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.put(how, write);
        self.over = true;
    }

    fn put(&self, how: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.tape.record(CALL, |out| {
            self.begin(how, out);
            write(out);
        });
    }

    fn begin(&self, how: u8, out: &mut Vec<u8>) {
        self.tape.last_call.store(self.tape.meter.used(), Relaxed);
        out.extend(self.name.to_le_bytes());
        put_bytes(out, &self.arguments.0);
        out.push(how);
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        if !self.over {
            self.put(UNANSWERED, |_| {});
        }
    }
}

// ---- the thread -------------------------------------------------------------------------------

/// One of an engine, which stops it; its thread begins with the first recording.
#[derive(Default)]
pub struct Scribe(Mutex<Work>);

#[derive(Default)]
enum Work {
    #[default]
    Nothing,
    Begun(Arc<Shelf>, JoinHandle<()>),
    Over,
}

#[derive(Default)]
struct Shelf {
    state: Mutex<ShelfState>,
    changed: Condvar,
    /// Bytes of all recordings.
    written: AtomicU64,
}

#[derive(Default)]
struct ShelfState {
    tapes: Vec<Weak<Tape>>,
    hurry: bool,
    stopped: bool,
}

impl Scribe {
    fn start(&self) -> Result<Arc<Shelf>, Named> {
        let mut work = locked(&self.0);
        match &*work {
            Work::Nothing => {}
            Work::Begun(shelf, _) => return Ok(shelf.clone()),
            Work::Over => return Err(Named::new(Kind::Cancelled, "the engine was shut down")),
        }
        let shelf = Arc::new(Shelf::default());
        let works = shelf.clone();
        let builder = std::thread::Builder::new().name("quern-record".into());
        let thread = builder.spawn(move || works.work()).map_err(|error| {
            Named::new(Kind::ResourceExhausted, format!("a thread for recordings: {error}"))
        })?;
        *work = Work::Begun(shelf.clone(), thread);
        Ok(shelf)
    }

    /// When this returns, the thread is gone.
    pub fn stop(&self) {
        let work = std::mem::replace(&mut *locked(&self.0), Work::Over);
        if let Work::Begun(shelf, thread) = work {
            locked(&shelf.state).stopped = true;
            shelf.changed.notify_one();
            let _ = thread.join(); // it panicked: no recording is worth the process
        }
    }
}

impl Shelf {
    fn hurry(&self) {
        locked(&self.state).hurry = true;
        self.changed.notify_one();
    }

    fn work(&self) {
        while let Some(tapes) = self.next() {
            tapes.iter().filter_map(Weak::upgrade).for_each(|tape| tape.flush());
        }
    }

    /// Those to be written, when it is time; None once there will be no more.
    fn next(&self) -> Option<Vec<Weak<Tape>>> {
        let mut state = locked(&self.state);
        while state.tapes.is_empty() && !state.stopped {
            state = self.changed.wait(state).unwrap_or_else(|p| p.into_inner());
        }
        if !state.hurry && !state.stopped {
            let waited = self.changed.wait_timeout(state, AT_LEAST_EVERY);
            state = waited.unwrap_or_else(|p| p.into_inner()).0;
        }
        state.hurry = false;
        state.tapes.retain(|tape| tape.strong_count() > 0);
        match state.stopped {
            true => None, // a tape that is left writes at its end
            false => Some(state.tapes.clone()),
        }
    }
}
