//! Counts the instances that live, and advances the engine's epoch while there are any.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

const EPOCH: Duration = Duration::from_millis(10);
/// After so many epochs without an instance the ticker parks: waking it costs a system call,
/// which requests that follow each other closely should not pay.
const IDLE_EPOCHS: u32 = 100;

pub struct Ticker {
    thread: Thread,
    state: Arc<TickerState>,
}

#[derive(Default)]
struct TickerState {
    live: AtomicU32,
    parked: AtomicBool,
    stopped: AtomicBool,
    epochs: AtomicU64,
}

impl Ticker {
    pub fn start(engine: wasmtime::Engine) -> Ticker {
        let state = Arc::new(TickerState::default());
        let shared = state.clone();
        let builder = std::thread::Builder::new().name("quern-epoch".into());
        let thread = builder
            .spawn(move || tick(&engine, &shared))
            .expect("a process that starts can start one thread");
        Ticker { thread: thread.thread().clone(), state }
    }

    pub fn live(&self) -> u32 {
        self.state.live.load(SeqCst)
    }

    pub fn epochs(&self) -> Epochs {
        Epochs { state: self.state.clone(), seen: 0 }
    }

    /// An instance begins to live; it ends when the answer is dropped.
    pub fn enter(&self) -> Live {
        self.state.live.fetch_add(1, SeqCst);
        if self.state.parked.load(SeqCst) {
            self.thread.unpark();
        }
        Live(self.state.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// The epochs as one store sees them.
pub struct Epochs {
    state: Arc<TickerState>,
    seen: u64,
}

impl Epochs {
    /// Has one ended since this was asked last?
    pub fn ended(&mut self) -> bool {
        let now = self.state.epochs.load(Relaxed);
        std::mem::replace(&mut self.seen, now) != now
    }
}

pub struct Live(Arc<TickerState>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, SeqCst);
    }
}

fn tick(engine: &wasmtime::Engine, state: &TickerState) {
    let mut idle = 0;
    while !state.stopped.load(SeqCst) {
        if idle > IDLE_EPOCHS {
            // The flag first, then the look: an instance that comes between sees the flag.
            state.parked.store(true, SeqCst);
            while state.live.load(SeqCst) == 0 && !state.stopped.load(SeqCst) {
                std::thread::park();
            }
            state.parked.store(false, SeqCst);
        }
        std::thread::sleep(EPOCH);
        engine.increment_epoch();
        state.epochs.fetch_add(1, Relaxed);
        idle = if state.live.load(SeqCst) > 0 { 0 } else { idle + 1 };
    }
}
