//! The reader of recordings under libFuzzer (src/wasm/recording_fuzz.cpp): the files of the bridge that
//! need nothing of Wasmtime, with counters for the fuzzer and every check of arithmetic.
#![allow(dead_code)]

#[path = "../src/named.rs"]
mod named;
#[path = "../src/recording.rs"]
mod recording;
#[path = "../src/xxh64.rs"]
mod xxh64;

use named::{Kind, Named};
use recording::{
    read_call, read_end, read_print, read_response, read_trap, Fields, Head, Reader, Record,
};
use recording::{CALL, END, HANDLE, HEAD, MAGIC, MOST_IN_FRAME, PRINT, RESPONSE, TRAPPED, VERSION};

/// Safety: `data` has `size` bytes.
#[no_mangle]
unsafe extern "C" fn quern_fuzz_recording(data: *const u8, size: usize) {
    let bytes = match size {
        0 => &[][..],
        size => unsafe { std::slice::from_raw_parts(data, size) },
    };
    // As a file that somebody wrote, and as the contents of frames whose checksums are right.
    let _ = read_whole(bytes);
    for in_frame in [7, MOST_IN_FRAME] {
        let file = framed(bytes, in_frame);
        let Ok((head, records, end)) = read_whole(&file) else { continue };
        let mut again = Vec::new();
        put(&mut again, HEAD, |out| head.write(out));
        records
            .iter()
            .for_each(|record| put(&mut again, record.kind, |out| out.extend(&record.payload)));
        let (_, same, _) =
            read_whole(&framed(&again, MOST_IN_FRAME)).expect("what was read can be read");
        let facts = |records: &[Record]| -> Vec<_> {
            records.iter().map(|record| (record.kind, record.payload.clone())).collect()
        };
        assert!(facts(&same) == facts(&records), "the same records");
        assert!(
            end.is_none_or(|error| error.kind == Kind::CorruptData),
            "damage is what it is called"
        );
    }
}

/// The records up to the end or the damage; that of records which do not have the shape of their kind
/// is what a replay finds.
fn read_whole(file: &[u8]) -> Result<(Head, Vec<Record>, Option<Named>), Named> {
    let (mut reader, head) = Reader::begin(file)?;
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Ok((head, shaped(records), None)),
            Err(error) => return Ok((head, shaped(records), Some(error))),
        }
    }
}

fn shaped(records: Vec<Record>) -> Vec<Record> {
    for record in &records {
        let _ = read(record);
    }
    records
}

fn read(record: &Record) -> Result<(), Named> {
    let payload = &record.payload[..];
    let mut fields = Fields(payload);
    match record.kind {
        HEAD => drop(Head::read(payload)?),
        CALL => {
            let call = read_call(payload)?;
            if call.how == TRAPPED {
                read_trap(call.rest)?;
            }
        }
        PRINT => drop(read_print(payload)?),
        HANDLE => drop((fields.u32()?, fields.u32()?)),
        RESPONSE => drop(read_response(payload)?),
        END => drop(read_end(payload)?),
        _ => {}
    }
    Ok(())
}

fn framed(contents: &[u8], in_frame: usize) -> Vec<u8> {
    let mut file = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
    for frame in contents.chunks(in_frame) {
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend(xxh64::xxh64(frame).to_le_bytes());
        file.extend(frame);
    }
    file
}

fn put(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut payload = Vec::new();
    write(&mut payload);
    out.push(kind);
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(payload);
}
