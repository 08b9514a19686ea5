//! The functions of WASI 0.1 and of what came before it, as a recorder sees them: the names of
//! their parameters, the memory that they read, and the memory that they write. The last is what a
//! replay puts there.
//! https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

use crate::guest_bytes::GuestBytes;
use crate::tape::Arguments;
use wasmtime::Val;

/// Memory that a function reads or writes. Numbers are those of parameters.
#[derive(Clone, Copy)]
pub enum Place {
    /// Read: bytes {pointer, length}.
    Text(usize, usize),
    /// Read: records {pointer, count} of so many bytes each.
    Array(usize, usize, u32),
    /// Read: the bytes of buffers {pointer, count}.
    Gather(usize, usize),
    /// Written: so many bytes.
    Out(usize, u32),
    /// Written: bytes {pointer, length}, all of them.
    Buffer(usize, usize),
    /// Written: bytes at the first, as many as stand at the second, of so many bytes each.
    Filled(usize, usize, u32),
    /// Written: buffers {pointer, count}, as many bytes as stand at the third.
    Scatter(usize, usize, usize),
    /// Written: pointers at the first, strings at the second; of arguments (0) or environment (1).
    Strings(usize, usize, usize),
}

use Place::*;

pub struct CoreFunction {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    pub places: &'static [Place],
}

const fn function(
    name: &'static str,
    parameters: &'static [&'static str],
    places: &'static [Place],
) -> CoreFunction {
    CoreFunction { name, parameters, places }
}

/// WASI 0.1. All that differs before it: `places` below.
pub const FUNCTIONS: [CoreFunction; 46] = [
    function("args_get", &["argv", "argv_buf"], &[Strings(0, 1, 0)]),
    function("args_sizes_get", &["argc", "argv_buf_size"], &[Out(0, 4), Out(1, 4)]),
    function("environ_get", &["environ", "environ_buf"], &[Strings(0, 1, 1)]),
    function("environ_sizes_get", &["count", "environ_buf_size"], &[Out(0, 4), Out(1, 4)]),
    function("clock_res_get", &["id", "resolution"], &[Out(1, 8)]),
    function("clock_time_get", &["id", "precision", "time"], &[Out(2, 8)]),
    function("fd_advise", &["fd", "offset", "len", "advice"], &[]),
    function("fd_allocate", &["fd", "offset", "len"], &[]),
    function("fd_close", &["fd"], &[]),
    function("fd_datasync", &["fd"], &[]),
    function("fd_fdstat_get", &["fd", "stat"], &[Out(1, 24)]),
    function("fd_fdstat_set_flags", &["fd", "flags"], &[]),
    function("fd_fdstat_set_rights", &["fd", "rights_base", "rights_inheriting"], &[]),
    function("fd_filestat_get", &["fd", "stat"], &[Out(1, 64)]),
    function("fd_filestat_set_size", &["fd", "size"], &[]),
    function("fd_filestat_set_times", &["fd", "atim", "mtim", "fst_flags"], &[]),
    function(
        "fd_pread",
        &["fd", "iovs", "iovs_len", "offset", "nread"],
        &[Array(1, 2, 8), Scatter(1, 2, 4), Out(4, 4)],
    ),
    function("fd_prestat_get", &["fd", "prestat"], &[Out(1, 8)]),
    function("fd_prestat_dir_name", &["fd", "path", "path_len"], &[Buffer(1, 2)]),
    function(
        "fd_pwrite",
        &["fd", "iovs", "iovs_len", "offset", "nwritten"],
        &[Gather(1, 2), Out(4, 4)],
    ),
    function(
        "fd_read",
        &["fd", "iovs", "iovs_len", "nread"],
        &[Array(1, 2, 8), Scatter(1, 2, 3), Out(3, 4)],
    ),
    function(
        "fd_readdir",
        &["fd", "buf", "buf_len", "cookie", "bufused"],
        &[Filled(1, 4, 1), Out(4, 4)],
    ),
    function("fd_renumber", &["fd", "to"], &[]),
    function("fd_seek", &["fd", "offset", "whence", "newoffset"], &[Out(3, 8)]),
    function("fd_sync", &["fd"], &[]),
    function("fd_tell", &["fd", "offset"], &[Out(1, 8)]),
    function("fd_write", &["fd", "iovs", "iovs_len", "nwritten"], &[Gather(1, 2), Out(3, 4)]),
    function("path_create_directory", &["fd", "path", "path_len"], &[Text(1, 2)]),
    function(
        "path_filestat_get",
        &["fd", "flags", "path", "path_len", "stat"],
        &[Text(2, 3), Out(4, 64)],
    ),
    function(
        "path_filestat_set_times",
        &["fd", "flags", "path", "path_len", "atim", "mtim", "fst_flags"],
        &[Text(2, 3)],
    ),
    function(
        "path_link",
        &["old_fd", "old_flags", "old_path", "old_path_len", "new_fd", "new_path", "new_path_len"],
        &[Text(2, 3), Text(5, 6)],
    ),
    function(
        "path_open",
        &[
            "fd",
            "dirflags",
            "path",
            "path_len",
            "oflags",
            "rights_base",
            "rights_inheriting",
            "fdflags",
            "opened_fd",
        ],
        &[Text(2, 3), Out(8, 4)],
    ),
    function(
        "path_readlink",
        &["fd", "path", "path_len", "buf", "buf_len", "bufused"],
        &[Text(1, 2), Filled(3, 5, 1), Out(5, 4)],
    ),
    function("path_remove_directory", &["fd", "path", "path_len"], &[Text(1, 2)]),
    function(
        "path_rename",
        &["fd", "old_path", "old_path_len", "new_fd", "new_path", "new_path_len"],
        &[Text(1, 2), Text(4, 5)],
    ),
    function(
        "path_symlink",
        &["old_path", "old_path_len", "fd", "new_path", "new_path_len"],
        &[Text(0, 1), Text(3, 4)],
    ),
    function("path_unlink_file", &["fd", "path", "path_len"], &[Text(1, 2)]),
    function(
        "poll_oneoff",
        &["in", "out", "nsubscriptions", "nevents"],
        &[Array(0, 2, 48), Filled(1, 3, 32), Out(3, 4)],
    ),
    function("proc_exit", &["code"], &[]),
    function("proc_raise", &["signal"], &[]),
    function("random_get", &["buf", "buf_len"], &[Buffer(0, 1)]),
    function("sched_yield", &[], &[]),
    function("sock_accept", &["fd", "flags", "connection"], &[Out(2, 4)]),
    function(
        "sock_recv",
        &["fd", "iovs", "iovs_len", "ri_flags", "ro_datalen", "ro_flags"],
        &[Array(1, 2, 8), Scatter(1, 2, 4), Out(4, 4), Out(5, 2)],
    ),
    function(
        "sock_send",
        &["fd", "iovs", "iovs_len", "si_flags", "so_datalen"],
        &[Gather(1, 2), Out(4, 4)],
    ),
    function("sock_shutdown", &["fd", "how"], &[]),
];

pub const SNAPSHOT: &str = "wasi_snapshot_preview1";
pub const UNSTABLE: &str = "wasi_unstable";

/// A function of one of the two, by the name of its import.
pub fn find(module: &str, name: &str) -> Option<(&'static CoreFunction, Dialect)> {
    let dialect = match module {
        SNAPSHOT => Dialect::Snapshot,
        UNSTABLE => Dialect::Unstable,
        _ => return None,
    };
    FUNCTIONS.iter().find(|function| function.name == name).map(|function| (function, dialect))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Snapshot,
    Unstable,
}

impl Dialect {
    /// Before WASI 0.1 a file's status was shorter and a subscription longer.
    fn fit(self, place: Place) -> Place {
        match (self, place) {
            (Dialect::Unstable, Out(at, 64)) => Out(at, 56),
            (Dialect::Unstable, Array(at, count, 48)) => Array(at, count, 56),
            (_, place) => place,
        }
    }
}

/// Of a list of buffers that a guest hands over; they may overlap, so they may be far more than its
/// memory. What is gathered is compared, not used: its beginning is enough.
const MOST_BUFFERS: usize = 1024;
const MOST_GATHERED: usize = 64 << 10;

/// Bytes of the guest's memory: where they begin and how many.
pub type Region = (u32, u32);

/// One call: its numbers, and what they name.
pub struct CoreCall<'a> {
    pub function: Option<(&'static CoreFunction, Dialect)>,
    pub words: &'a [u64],
}

impl CoreCall<'_> {
    /// The numbers, then what is read at the pointers among them, in the order of `places`.
    pub fn arguments(&self, memory: &mut [u8]) -> Arguments {
        let mut arguments = Arguments::default();
        self.words.iter().for_each(|word| arguments.add(&word.to_le_bytes()));
        let memory = GuestBytes(memory);
        for place in self.places() {
            let size = |count: usize, each| self.word(count).saturating_mul(each);
            match place {
                Text(at, length) => add(&mut arguments, &memory, self.word(at), self.word(length)),
                Array(at, count, each) => {
                    add(&mut arguments, &memory, self.word(at), size(count, each))
                }
                Gather(at, count) => self.gather(&mut arguments, &memory, at, count),
                _ => {}
            }
        }
        arguments
    }

    fn gather(&self, arguments: &mut Arguments, memory: &GuestBytes, at: usize, count: usize) {
        match &self.buffers(memory, at, count)[..] {
            [(at, size)] => add(arguments, memory, *at, *size),
            buffers => {
                let parts = buffers.iter().filter_map(|(at, size)| memory.get(*at, *size).ok());
                let mut gathered = Vec::new();
                for part in parts {
                    let room = MOST_GATHERED - gathered.len();
                    gathered.extend(&part[..part.len().min(room)]);
                }
                arguments.add(&gathered);
            }
        }
    }

    /// Buffers that a call will fill: its list of them may lie in one of them.
    pub fn scattered(&self, memory: &mut [u8]) -> Vec<Region> {
        let memory = GuestBytes(memory);
        let scatter = self.places().find_map(|place| match place {
            Scatter(at, count, _) => Some((at, count)),
            _ => None,
        });
        scatter.map_or_else(Vec::new, |(at, count)| self.buffers(&memory, at, count))
    }

    /// What was written, once the function has answered without an error.
    pub fn written(
        &self,
        memory: &mut [u8],
        scattered: Vec<Region>,
        strings: [(u32, u32); 2],
    ) -> Vec<Region> {
        let memory = GuestBytes(memory);
        let mut regions = Vec::new();
        let number = |at: usize| memory.u32(self.word(at)).unwrap_or(0);
        for place in self.places() {
            match place {
                Out(at, size) => regions.push((self.word(at), size)),
                Buffer(at, length) => regions.push((self.word(at), self.word(length))),
                Filled(at, filled, each) => {
                    regions.push((self.word(at), number(filled).saturating_mul(each)));
                }
                Scatter(_, _, filled) => {
                    let mut left = number(filled);
                    for (at, size) in &scattered {
                        let here = left.min(*size);
                        regions.push((*at, here));
                        left -= here;
                    }
                }
                Strings(list, bytes, which) => {
                    let (count, size) = strings[which];
                    regions.push((self.word(list), count.saturating_mul(4)));
                    regions.push((self.word(bytes), size));
                }
                Text(..) | Array(..) | Gather(..) => {}
            }
        }
        regions.retain(|(at, size)| *size > 0 && memory.range(*at, *size).is_ok());
        regions
    }

    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let known = self.function.iter();
        known
            .flat_map(|(function, dialect)| function.places.iter().map(|place| dialect.fit(*place)))
    }

    fn word(&self, index: usize) -> u32 {
        self.words.get(index).map_or(0, |word| *word as u32)
    }

    fn buffers(&self, memory: &GuestBytes, at: usize, count: usize) -> Vec<Region> {
        let list = memory.get(self.word(at), self.word(count).saturating_mul(8));
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let records = list.unwrap_or(&[]).chunks_exact(8);
        let buffers = records.map(|record| (word(record), word(&record[4..])));
        buffers.filter(|(_, size)| *size > 0).take(MOST_BUFFERS).collect()
    }

    /// The name of an argument, for people.
    pub fn parameter(&self, index: usize) -> String {
        let Some((function, _)) = self.function else { return format!("number {}", index + 1) };
        if let Some(name) = function.parameters.get(index) {
            return name.to_string();
        }
        let reads = function.places.iter().filter_map(|place| match place {
            Text(at, _) | Array(at, ..) | Gather(at, _) => function.parameters.get(*at),
            _ => None,
        });
        let name = reads.skip(index - function.parameters.len()).next();
        format!("what {} points to", name.unwrap_or(&"a pointer"))
    }
}

fn add(arguments: &mut Arguments, memory: &GuestBytes, at: u32, size: u32) {
    // What does not lie in the memory has no bytes; the function says so itself.
    arguments.add(memory.get(at, size).unwrap_or(&[]));
}

pub fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(v) => u64::from(*v as u32),
        Val::I64(v) => *v as u64,
        Val::F32(v) => u64::from(*v),
        Val::F64(v) => *v,
        _ => 0, // no other type is ever declared
    }
}
