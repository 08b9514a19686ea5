//! A recording's bytes: docs/formats/recording.md. `Reader` takes files of anybody: whatever they
//! hold ends in records, in an early end, or in `corrupt_data`.

use crate::named::{Kind, Named};
use crate::xxh64::xxh64;
use std::io::{BufReader, ErrorKind, Read};

pub const MAGIC: &[u8; 8] = b"QUERNREC";
pub const VERSION: u32 = 2;
/// Magic and version.
pub const BEGINNING: u64 = 12;
/// Length and checksum of a frame.
pub const FRAME_HEAD: usize = 12;
pub const MOST_IN_FRAME: usize = 1 << 20;
/// A record holds what a guest's memory did, and beside that no more than this.
const MOST_BESIDE_MEMORY: u64 = 64 << 20;
/// Of a component's call: its value takes forty times as much when it is replayed.
pub const MOST_IN_VALUE: usize = (64 << 20) + (64 << 10);

/// Records' kinds.
pub const HEAD: u8 = 1;
pub const NAME: u8 = 2;
pub const CALL: u8 = 3;
pub const PRINT: u8 = 4;
pub const NO_GROWTH: u8 = 5;
pub const HANDLE: u8 = 6;
pub const RESPONSE: u8 = 7;
pub const BODY: u8 = 8;
pub const CUT: u8 = 9;
pub const END: u8 = 10;

/// How a call ended.
pub const RETURNED: u8 = 0;
pub const EXITED: u8 = 1;
pub const TRAPPED: u8 = 2;
pub const UNANSWERED: u8 = 3;

/// What was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Run,
    Invoke,
    Exchange,
}

impl What {
    fn from_code(code: u8) -> Option<What> {
        [What::Run, What::Invoke, What::Exchange].get(code as usize).copied()
    }
}

/// The first record.
pub struct Head {
    pub what: What,
    /// Of the program: "sha256:...", and where it came from, as it was named in that folder.
    pub digest: String,
    pub program: String,
    pub folder: String,
    /// As qb_engine_describe: machine code of another compiler or processor may compute other NaNs.
    pub engine: String,
    pub memory: u64,
    pub table: u32,
    pub wall_ms: u64,
    pub cpu_ms: u64,
    /// Of a run, its arguments; of an invocation, the function and its arguments; of an exchange,
    /// method and target.
    pub words: Vec<String>,
}

impl Head {
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.what as u8);
        for text in [&self.digest, &self.program, &self.folder, &self.engine] {
            put_bytes(out, text.as_bytes());
        }
        out.extend(self.memory.to_le_bytes());
        out.extend(self.table.to_le_bytes());
        out.extend(self.wall_ms.to_le_bytes());
        out.extend(self.cpu_ms.to_le_bytes());
        out.extend((self.words.len() as u32).to_le_bytes());
        self.words.iter().for_each(|word| put_bytes(out, word.as_bytes()));
    }

    pub fn read(payload: &[u8]) -> Result<Head, Named> {
        let mut fields = Fields(payload);
        let what = What::from_code(fields.u8()?).ok_or_else(misshapen)?;
        let (digest, program) = (fields.text()?, fields.text()?);
        let (folder, engine) = (fields.text()?, fields.text()?);
        let (memory, table) = (fields.u64()?, fields.u32()?);
        let (wall_ms, cpu_ms) = (fields.u64()?, fields.u64()?);
        let count = fields.u32()?;
        let words = (0..count).map(|_| fields.text()).collect::<Result<_, _>>()?;
        Ok(Head { what, digest, program, folder, engine, memory, table, wall_ms, cpu_ms, words })
    }
}

pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes()); // of a guest: its memory has 32 bits
    out.extend(bytes);
}

fn corrupt(text: impl Into<String>) -> Named {
    Named::new(Kind::CorruptData, text)
}

pub fn misshapen() -> Named {
    corrupt("the recording is damaged: a record does not have the shape of its kind")
}

pub fn too_long(size: usize, most: u64) -> Named {
    corrupt(format!("the recording is damaged: a record of {size} bytes, where {most} is the most"))
}

/// Fields of a record, each within its bounds.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, size: usize) -> Result<&'a [u8], Named> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or_else(misshapen)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Named> {
        Ok(self.take(N)?.try_into().expect("take gives N bytes"))
    }

    pub fn u8(&mut self) -> Result<u8, Named> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, Named> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Named> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Named> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Named> {
        let size = self.u32()? as usize;
        self.take(size)
    }

    pub fn text(&mut self) -> Result<String, Named> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| misshapen())
    }
}

// ---- payloads ---------------------------------------------------------------------------------

pub struct Call<'a> {
    pub name: u32,
    pub arguments: &'a [u8],
    pub how: u8,
    pub rest: &'a [u8],
}

pub fn read_call(payload: &[u8]) -> Result<Call<'_>, Named> {
    let mut fields = Fields(payload);
    let (name, arguments, how) = (fields.u32()?, fields.bytes()?, fields.u8()?);
    Ok(Call { name, arguments, how, rest: fields.0 })
}

/// The kind of a trap that ended a call, and its text.
pub fn read_trap(told: &[u8]) -> Result<(u32, String), Named> {
    let mut fields = Fields(told);
    Ok((fields.u32()?, fields.text()?))
}

pub fn read_print(payload: &[u8]) -> Result<(u32, Vec<u8>), Named> {
    let (stream, bytes) = payload.split_first().ok_or_else(misshapen)?;
    Ok((u32::from(*stream), bytes.to_vec()))
}

/// Status, and headers.
pub type Response = (u16, Vec<(Vec<u8>, Vec<u8>)>);

pub fn read_response(payload: &[u8]) -> Result<Response, Named> {
    let mut fields = Fields(payload);
    let status = fields.u16()?;
    let mut headers = Vec::new();
    for _ in 0..fields.u32()? {
        headers.push((fields.bytes()?.to_vec(), fields.bytes()?.to_vec()));
    }
    Ok((status, headers))
}

/// Exit code and results, or why there are none.
pub type End = Result<(i32, Vec<u8>), Named>;

/// The end that was recorded, and for how many nanoseconds the guest had computed since its last
/// call.
pub fn read_end(payload: &[u8]) -> Result<(End, u64), Named> {
    let mut fields = Fields(payload);
    let (kind, code, text) = (fields.u32()?, fields.u32()? as i32, fields.bytes()?);
    let since = fields.u64()?;
    let end = match kind {
        0 => Ok((code, text.to_vec())),
        kind => Err(Named::new(Kind::from_code(kind), String::from_utf8_lossy(text))),
    };
    Ok((end, since))
}

// ---- the reader -------------------------------------------------------------------------------

#[derive(Clone)]
pub struct Record {
    pub kind: u8,
    pub payload: Vec<u8>,
}

/// Record after record. Keeps no more than one record and one frame.
pub struct Reader<Source> {
    file: BufReader<Source>,
    /// The last, which was verified, and up to where it is read.
    frame: Vec<u8>,
    at: usize,
    /// In a record.
    most: u64,
    /// In the file, for what is said of damage.
    position: u64,
}

impl<Source: Read> Reader<Source> {
    pub fn begin(source: Source) -> Result<(Reader<Source>, Head), Named> {
        let file = BufReader::new(source);
        let mut reader =
            Reader { file, frame: vec![], at: 0, most: MOST_BESIDE_MEMORY, position: 0 };
        let mut start = [0; BEGINNING as usize];
        let whole = reader.fill(&mut start)? == start.len();
        if !whole || start[..8] != *MAGIC {
            return Err(corrupt("the file is no recording of quern"));
        }
        let version = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        if version != VERSION {
            let text = format!("the recording has version {version}; this quern reads {VERSION}");
            return Err(Named::new(Kind::Unsupported, text));
        }
        match reader.next()? {
            Some(Record { kind: HEAD, payload }) => {
                let head = Head::read(&payload)?;
                reader.most = MOST_BESIDE_MEMORY.saturating_add(head.memory);
                Ok((reader, head))
            }
            Some(Record { kind: CUT, payload }) => {
                let why = String::from_utf8_lossy(&payload);
                Err(Named::new(Kind::Unsupported, format!("nothing was recorded: {why}")))
            }
            Some(_) => Err(misshapen()),
            None => Err(corrupt("the recording breaks off before it says of what it is")),
        }
    }

    /// None at the end, and where a recorder that was killed left half a frame.
    pub fn next(&mut self) -> Result<Option<Record>, Named> {
        let Some(head) = self.take(5)? else { return Ok(None) };
        let size = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if size as u64 > self.most {
            return Err(too_long(size, self.most));
        }
        Ok(self.take(size)?.map(|payload| Record { kind: head[0], payload }))
    }

    /// Out of as many frames as hold it. None where the file ends before.
    fn take(&mut self, count: usize) -> Result<Option<Vec<u8>>, Named> {
        let mut taken = Vec::with_capacity(count.min(MOST_IN_FRAME)); // the file may not have so much
        while taken.len() < count {
            if self.at == self.frame.len() && !self.read_frame()? {
                return Ok(None);
            }
            let more = (count - taken.len()).min(self.frame.len() - self.at);
            taken.extend(&self.frame[self.at..self.at + more]);
            self.at += more;
        }
        Ok(Some(taken))
    }

    fn read_frame(&mut self) -> Result<bool, Named> {
        let began = self.position;
        let mut head = [0; FRAME_HEAD];
        if self.fill(&mut head)? < FRAME_HEAD {
            return Ok(false);
        }
        let (size, sum) = head.split_at(4);
        let size = u32::from_le_bytes(size.try_into().expect("four bytes")) as usize;
        let sum = u64::from_le_bytes(sum.try_into().expect("eight bytes"));
        let damaged = || corrupt(format!("the recording is damaged at byte {began}"));
        if size == 0 || size > MOST_IN_FRAME {
            return Err(damaged());
        }
        let mut frame = std::mem::take(&mut self.frame);
        self.at = 0;
        frame.resize(size, 0);
        if self.fill(&mut frame)? < size {
            return Ok(false);
        }
        if xxh64(&frame) != sum {
            return Err(damaged());
        }
        self.frame = frame;
        Ok(true)
    }

    /// As many bytes as there are, up to the buffer's size.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Named> {
        let mut count = 0;
        while count < buffer.len() {
            match self.file.read(&mut buffer[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let text = format!("the recording cannot be read: {error}");
                    return Err(Named::new(Kind::Unavailable, text));
                }
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}
