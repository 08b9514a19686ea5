//! The engine: Wasmtime's configuration, the worker threads, the epoch ticker, the places for
//! instances.

use crate::abi::{entry, entry_or, Buffer, Callbacks, EngineOptions, Error};
use crate::cache::Cache;
use crate::error::{from_host, Kind, Named};
use crate::link::Linkers;
use crate::tape::Scribe;
use crate::ticker::Ticker;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// Host frames under a guest's: WASI's implementation runs on the guest's stack.
const HOST_STACK: usize = 512 << 10;
/// Of each memory and table slot that is free.
const KEEP_RESIDENT: usize = 128 << 10;
/// Threads for blocking file operations of guests that serve requests.
const MAX_HELPER_THREADS: usize = 16;
/// A pool for fewer instances than these is not worth its address space.
const FEWEST_POOLED: u32 = 32;

/// What programs, linked programs and runs share.
pub struct Shared {
    pub engine: wasmtime::Engine,
    pub linkers: Linkers,
    pub cache: Option<Cache>,
    pub callbacks: Callbacks,
    pub handle: Handle,
    /// One permit per instance.
    pub places: Arc<Semaphore>,
    /// How long an instance waits for one of them.
    pub place_wait: Duration,
    pub ticker: Ticker,
    pub scribe: Scribe,
}

pub struct Engine {
    pub shared: Arc<Shared>,
    room: Room,
    /// None only while it is being dropped.
    runtime: Option<Runtime>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
        self.shared.scribe.stop();
    }
}

/// Where instances live.
#[derive(Clone, Copy)]
enum Room {
    /// A pool for as many as were asked for.
    Whole,
    /// A pool for fewer: the process may not reserve more address space.
    Part(u32),
    /// No pool: each memory is mapped when its instance begins and moves when it outgrows its
    /// place, and the guest's code checks the bounds of each access itself.
    OnDemand,
}

impl Room {
    fn instances(self, asked: u32) -> u32 {
        match self {
            Room::Part(instances) => instances,
            Room::Whole | Room::OnDemand => asked,
        }
    }
}

/// The engine with the most room that this process may have. A pool reserves terabytes of address
/// space, which RLIMIT_AS, a container or a CPU with 39 bits of it may refuse.
fn with_room(options: &EngineOptions) -> Result<(wasmtime::Engine, Room), Named> {
    let pooled = |instances| {
        let strategy = InstanceAllocationStrategy::Pooling(pool(options, instances));
        wasmtime::Engine::new(config(options).allocation_strategy(strategy))
    };
    if let Ok(engine) = pooled(options.max_instances) {
        return Ok((engine, Room::Whole));
    }
    let mut fits = options.max_instances / 2;
    while fits >= 2 * FEWEST_POOLED && pooled(fits).is_err() {
        fits /= 2;
    }
    // Half of what fits: mapped weights and the stacks of threads need address space too.
    let instances = fits / 2;
    if instances >= FEWEST_POOLED {
        if let Ok(engine) = pooled(instances) {
            return Ok((engine, Room::Part(instances)));
        }
    }
    let mut config = config(options);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config.memory_reservation(0).memory_guard_size(64 << 10).memory_reservation_for_growth(4 << 20);
    let engine = wasmtime::Engine::new(&config).map_err(|e| from_host(e, Kind::Internal))?;
    Ok((engine, Room::OnDemand))
}

fn config(options: &EngineOptions) -> Config {
    let stack = options.stack as usize;
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::Speed);
    config.epoch_interruption(true);
    config.max_wasm_stack(stack);
    config.async_stack_size(stack + HOST_STACK);
    config.memory_init_cow(true);
    config.wasm_component_model(true);
    config
}

/// Only address space is reserved; pages come when a guest touches them. A component of the usual
/// shape is three or four core modules with one memory and a few tables.
fn pool(options: &EngineOptions, instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_core_instances(instances.saturating_mul(8));
    pool.total_memories(instances.saturating_mul(2));
    pool.total_tables(instances.saturating_mul(8));
    pool.total_stacks(instances);
    pool.total_gc_heaps(instances);
    pool.max_core_instances_per_component(64);
    pool.max_memories_per_component(16);
    pool.max_tables_per_component(64);
    pool.max_tables_per_module(16);
    pool.max_memories_per_module(4);
    pool.max_memory_size(options.max_memory as usize);
    pool.table_elements(100_000);
    // Pages that the next instance will touch anyway stay; where the kernel can tell which are
    // dirty, only those are reset. Cold start of a component 44 -> 36 us.
    pool.linear_memory_keep_resident(KEEP_RESIDENT);
    pool.table_keep_resident(KEEP_RESIDENT);
    pool.pagemap_scan(Enabled::Auto);
    pool
}

/// Safety: `options` is as bridge.h says.
unsafe fn create(options: &EngineOptions) -> Result<Engine, Named> {
    let (engine, room) = with_room(options)?;
    let directory = options.cache_dir.text("the cache directory")?;
    let cache = match directory {
        "" => None,
        directory => Some(Cache::open(Path::new(directory), &engine)?),
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("quern-wasm").max_blocking_threads(MAX_HELPER_THREADS);
    if options.worker_threads > 0 {
        builder.worker_threads(options.worker_threads as usize);
    }
    let runtime = builder
        .build()
        .map_err(|e| Named::new(Kind::ResourceExhausted, format!("worker threads: {e}")))?;
    let linkers = Linkers::new(&engine).map_err(|e| from_host(e, Kind::Internal))?;
    let shared = Arc::new(Shared {
        ticker: Ticker::start(engine.clone()),
        engine,
        linkers,
        cache,
        callbacks: options.callbacks,
        handle: runtime.handle().clone(),
        places: Arc::new(Semaphore::new(room.instances(options.max_instances) as usize)),
        place_wait: Duration::from_millis(options.place_wait_ms),
        scribe: Scribe::default(),
    });
    Ok(Engine { shared, room, runtime: Some(runtime) })
}

#[no_mangle]
unsafe extern "C" fn qb_engine_new(options: *const EngineOptions, out: *mut *mut Engine) -> Error {
    entry(|| {
        *out = Box::into_raw(Box::new(create(&*options)?));
        Ok(())
    })
}

#[no_mangle]
unsafe extern "C" fn qb_engine_free(engine: *mut Engine) {
    entry_or((), || drop(Box::from_raw(engine)))
}

#[no_mangle]
unsafe extern "C" fn qb_engine_live(engine: *const Engine) -> u32 {
    let engine = &*engine;
    engine.shared.ticker.live()
}

#[no_mangle]
unsafe extern "C" fn qb_engine_describe(engine: *const Engine) -> Buffer {
    let room = match (*engine).room {
        Room::Whole => String::new(),
        Room::Part(instances) => {
            format!("; {instances} guests at once, for want of address space (ulimit -v)")
        }
        Room::OnDemand => {
            "; slower, for want of address space (ulimit -v): memory is mapped guest by guest"
                .into()
        }
    };
    format!("{}{room}", compiler()).into_bytes().into()
}

/// What decides which machine code a program becomes.
pub fn compiler() -> String {
    format!("wasmtime {WASMTIME_VERSION}, {}{}", std::env::consts::ARCH, cpu_features())
}

/// As pinned in Cargo.toml.
const WASMTIME_VERSION: &str = "48.0.8";

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> String {
    let found = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    let names: Vec<&str> = found.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" with {}", names.join(" ")),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> String {
    String::new()
}
