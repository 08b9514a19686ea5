//! A recording's file while it is written.

use crate::recording::{BEGINNING, CUT, FRAME_HEAD, MAGIC, MOST_IN_FRAME, VERSION};
use crate::xxh64::xxh64;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Kind and size.
const RECORD_HEAD: usize = 5;
/// Of a disk that is full, to say so.
const FOR_WHY: u64 = 256;

/// Its writer's end.
pub struct Writing {
    file: File,
    /// Up to where whole records were written.
    size: u64,
    /// The disk took no more.
    over: bool,
    /// What was written last, for what comes next: new memory would cost a fault each page.
    pub spare: Vec<u8>,
    /// The file that had this name before: to let go of a large one takes a while.
    pub replaced: Option<File>,
}

impl Writing {
    /// A new file that its owner alone may read: it holds whatever the guest saw. It takes the place
    /// of a plain file of that name, and of nothing else: no link is followed, no device opened.
    pub fn create(path: &Path) -> std::io::Result<Writing> {
        let mut replaced = None;
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.is_file() => {
                let mut options = std::fs::OpenOptions::new();
                options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
                replaced = options.open(path).ok(); // where it may be read
                std::fs::remove_file(path)?;
            }
            Ok(_) => {
                return Err(std::io::Error::other("something that is no plain file has this name"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path)?;
        (&file).write_all(MAGIC)?;
        (&file).write_all(&VERSION.to_le_bytes())?;
        Ok(Writing { file, size: BEGINNING, over: false, spare: vec![], replaced })
    }

    pub fn put(&mut self, records: &[u8], parts: &[&[u8]]) -> std::io::Result<()> {
        if self.over {
            return Ok(());
        }
        let mut all = std::iter::once(records).chain(parts.iter().copied());
        let written = all.try_fold(self.size, |size, bytes| {
            Ok::<u64, std::io::Error>(size + write_frames(&self.file, bytes)?)
        });
        match written {
            Ok(size) => self.size = size,
            Err(error) => {
                self.give_up(records, &error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Keeps of what was written in part the records that are whole, and says why nothing follows. On
    /// a disk that does not even take that, the recording breaks off.
    fn give_up(&mut self, records: &[u8], error: &std::io::Error) {
        self.over = true;
        let reached = self.file.metadata().map_or(0, |facts| facts.len());
        let room = reached.saturating_sub(self.size).saturating_sub(FOR_WHY) as usize;
        let mut last = records[..whole_records(records, room)].to_vec();
        put_record(&mut last, CUT, |out| {
            out.extend(format!("the disk took no more: {error}").as_bytes());
        });
        let start = SeekFrom::Start(self.size);
        if self.file.set_len(self.size).is_ok() && self.file.seek(start).is_ok() {
            let _ = write_frames(&self.file, &last);
        }
    }
}

/// How many bytes of these records, the last of which may not be whole, are whole ones and have room.
fn whole_records(records: &[u8], room: usize) -> usize {
    let mut end = 0;
    while let Some((size, _)) = records.get(end + 1..).and_then(|rest| rest.split_first_chunk()) {
        let next = end + RECORD_HEAD + u32::from_le_bytes(*size) as usize;
        if next > records.len().min(room) {
            break;
        }
        end = next;
    }
    end
}

/// Answers how long they are in the file.
fn write_frames(mut file: &File, records: &[u8]) -> std::io::Result<u64> {
    let parts = records.chunks(MOST_IN_FRAME);
    let size = parts.len() * FRAME_HEAD + records.len();
    for part in parts {
        let mut head = [0; FRAME_HEAD];
        head[..4].copy_from_slice(&(part.len() as u32).to_le_bytes());
        head[4..].copy_from_slice(&xxh64(part).to_le_bytes());
        file.write_all(&head)?;
        file.write_all(part)?;
    }
    Ok(size as u64)
}

pub fn put_record(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let size_at = out.len();
    out.extend([0; 4]);
    write(out);
    let size = (out.len() - size_at - 4) as u32;
    out[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
}
