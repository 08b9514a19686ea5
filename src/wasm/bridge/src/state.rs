//! What a store holds: the WASI contexts of one instance, its limits and how much of them is used.

use crate::abi::{Bytes as CBytes, Callbacks, Foreign};
use crate::error::{too_many_handles, Kind, Named};
use crate::network::Hooks;
use crate::output::Output;
use crate::replay::Replay;
use crate::resident::Watch;
use crate::socket_table::SocketTable;
use crate::tape::Tape;
use crate::ticker::Epochs;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The C++ side of one instance; dropped after the store and all that still names it.
pub struct Instance {
    pub object: Foreign,
    pub callbacks: Callbacks,
}

impl Instance {
    pub fn warn(&self, text: &str) {
        unsafe { (self.callbacks.instance_warn)(self.object.0, CBytes::of(text.as_bytes())) }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (self.callbacks.instance_drop)(self.object.0) }
    }
}

pub struct State {
    /// Serves modules (WASI 0.1) and, through its table and context, components.
    pub wasi: WasiP1Ctx,
    pub http: WasiHttpCtx,
    pub hooks: Hooks,
    /// Names that are being looked up, by the number of their stream.
    pub lookups: HashMap<u32, String>,
    /// Of WasmEdge's extension, beside what WASI's own table holds.
    pub sockets: SocketTable,
    pub limits: Limiter,
    pub meter: Arc<Meter>,
    /// Of a resident, in the meter's place.
    pub watch: Option<Watch>,
    pub epochs: Epochs,
    /// Host resources that the guest owns, and how many it may.
    pub handles: u32,
    pub max_handles: u32,
    /// stdout and stderr, for host functions that print on the guest's behalf.
    pub outputs: [Output; 2],
    pub instance: Arc<Instance>,
    /// What is heard is written down here, or comes from there.
    pub tape: Option<Arc<Tape>>,
    pub replay: Option<Box<Replay>>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: self.wasi.ctx().table,
            ctx: &mut self.http,
        }
    }
}

impl State {
    pub fn replay(&mut self) -> Result<&mut Replay, Named> {
        let text = "nothing is replayed here";
        self.replay.as_deref_mut().ok_or_else(|| Named::new(Kind::Internal, text))
    }

    /// Has the guest used up its processor time?
    fn look(&mut self) -> Result<UpdateDeadline, Named> {
        match &mut self.watch {
            Some(watch) => watch.look(),
            None => self.meter.look(),
        }
    }

    /// Called at an epoch's end, on the guest's fiber or its thread.
    pub fn at_epoch(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
        Ok(store.data_mut().look()?)
    }

    /// Called before a function of the host: no epoch interrupts one, nor the code of a guest that
    /// does nothing but call them.
    pub fn at_host_call(&mut self) -> Result<(), Named> {
        if self.epochs.ended() {
            self.look()?;
        }
        Ok(())
    }

    /// Counts a host resource that the guest is about to own.
    pub fn take_handle(&mut self) -> Result<(), Named> {
        if self.handles == self.max_handles {
            return Err(too_many_handles(self.max_handles));
        }
        self.handles += 1;
        Ok(())
    }
}

/// Memory and table growth.
pub struct Limiter {
    pub memory: usize,
    pub table: usize,
    pub memory_used: usize,
    pub table_used: usize,
    /// What the last permitted growth added, to be given back when it failed all the same.
    granted: usize,
    /// Growths until now, permitted or not.
    growths: u64,
    /// The last refusal, for the message of a trap that follows from it.
    pub refused: Option<String>,
}

impl Limiter {
    pub fn new(memory: u64, table: u32) -> Limiter {
        Limiter {
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            table: table as usize,
            memory_used: 0,
            table_used: 0,
            granted: 0,
            growths: 0,
            refused: None,
        }
    }

    /// What an instance begins with is an error when refused; what it grows by is a -1.
    fn refuse(&mut self, begins: bool, what: String) -> wasmtime::Result<bool> {
        if begins {
            return Err(Named::new(Kind::ResourceExhausted, what).into());
        }
        self.refused = Some(what);
        Ok(false)
    }
}

/// Growth as the limits have it; and as the system had it, which no limit foretells.
impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        now: usize,
        wanted: usize,
        most: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let ask = |limits: &mut Limiter| limits.memory_growing(now, wanted);
        self.growing(wanted, most, ask, Limiter::memory_grow_failed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error);
        self.tell_refusal();
        Ok(())
    }

    fn table_growing(
        &mut self,
        now: usize,
        wanted: usize,
        most: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let ask = |limits: &mut Limiter| limits.table_growing(now, wanted);
        self.growing(wanted, most, ask, Limiter::table_grow_failed)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error);
        self.tell_refusal();
        Ok(())
    }
}

impl State {
    fn growing(
        &mut self,
        wanted: usize,
        most: Option<usize>,
        ask: impl FnOnce(&mut Limiter) -> wasmtime::Result<bool>,
        failed: fn(&mut Limiter, wasmtime::Error),
    ) -> wasmtime::Result<bool> {
        // The program's own limit: it is the same whenever it runs.
        if most.is_some_and(|most| wanted > most) {
            return Ok(false);
        }
        let allowed = ask(&mut self.limits)?;
        if self.system_refused() && allowed {
            let text = "the system refused it when this was recorded";
            failed(&mut self.limits, Named::new(Kind::ResourceExhausted, text).into());
            return Ok(false);
        }
        Ok(allowed)
    }

    fn system_refused(&mut self) -> bool {
        self.replay.as_mut().is_some_and(|replay| replay.growth_refused())
    }

    fn tell_refusal(&self) {
        self.tape.iter().for_each(|tape| tape.no_growth(self.limits.growths - 1));
    }
}

impl Limiter {
    fn memory_growing(&mut self, now: usize, wanted: usize) -> wasmtime::Result<bool> {
        self.growths += 1;
        let total = self.memory_used.saturating_add(wanted - now);
        if total > self.memory {
            return self
                .refuse(now == 0, format!("memory: {total} bytes asked, {} allowed", self.memory));
        }
        self.granted = wanted - now;
        self.memory_used = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) {
        self.memory_used -= std::mem::take(&mut self.granted);
        self.refused = Some(format!("memory: {error}"));
    }

    fn table_growing(&mut self, now: usize, wanted: usize) -> wasmtime::Result<bool> {
        self.growths += 1;
        let total = self.table_used.saturating_add(wanted - now);
        if total > self.table {
            return self.refuse(
                now == 0,
                format!("table: {total} elements asked, {} allowed", self.table),
            );
        }
        self.granted = wanted - now;
        self.table_used = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) {
        self.table_used -= std::mem::take(&mut self.granted);
        self.refused = Some(format!("table: {error}"));
    }
}

/// Processor time of one guest. Epochs only say when to look: a guest that wakes often and works
/// little would otherwise be charged a whole epoch each time.
pub struct Meter {
    /// Nanoseconds of slices that are over, and the thread clock's value when this one began.
    used: AtomicU64,
    slice_began: AtomicU64,
    limit: AtomicU64,
}

/// A guest that ran at least this long in one go lets others run at the next epoch.
const YIELD_AFTER: Duration = Duration::from_millis(5);

impl Meter {
    pub fn new(limit_ms: u64) -> Meter {
        let limit = AtomicU64::new(limit_ms.saturating_mul(1_000_000));
        Meter { used: AtomicU64::new(0), slice_began: AtomicU64::new(0), limit }
    }

    /// Nanoseconds of slices that are over: two epochs behind at most, and read at no cost.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// From now on the limit is so much more than was used.
    pub fn allow(&self, more: Duration) {
        let more = u64::try_from(more.as_nanos()).unwrap_or(u64::MAX);
        self.limit.store(self.used().saturating_add(more), Ordering::Relaxed);
    }

    pub fn begin_slice(&self) {
        self.slice_began.store(thread_clock(), Ordering::Relaxed);
    }

    pub fn end_slice(&self) {
        self.used.fetch_add(self.slice(), Ordering::Relaxed);
    }

    fn slice(&self) -> u64 {
        thread_clock().saturating_sub(self.slice_began.load(Ordering::Relaxed))
    }

    fn look(&self) -> Result<UpdateDeadline, Named> {
        let slice = self.slice();
        let limit = self.limit.load(Ordering::Relaxed);
        if self.used() + slice > limit {
            let text = format!("CPU time: the limit of {} ms is used up", limit / 1_000_000);
            return Err(Named::new(Kind::DeadlineExceeded, text));
        }
        Ok(match u128::from(slice) >= YIELD_AFTER.as_nanos() {
            true => UpdateDeadline::Yield(1),
            false => UpdateDeadline::Continue(1),
        })
    }
}

/// This thread's processor time in nanoseconds.
pub fn thread_clock() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Cannot fail: the clock exists since Linux 2.6.12.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
