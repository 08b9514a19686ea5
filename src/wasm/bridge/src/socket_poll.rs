//! poll_oneoff over sockets. They are looked at by level, as poll(2) does; clocks and all other
//! files of the same call are left to the implementation for everybody, side by side.

use crate::errno::Errno;
use crate::guest_bytes::GuestBytes;
use crate::socket::Direction;
use crate::socket_table::{is_socket, SocketTable};
use crate::state::State;
use std::future::{pending, poll_fn, Future};
use std::io;
use std::task::{Context, Poll};
use wasmtime_wasi::p1::wasi_snapshot_preview1 as plain;
use wiggle::GuestMemory;

const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;
const HANGUP: u16 = 1;
/// Subscriptions of one call: each socket of the largest table in both directions, and some.
const MOST: u32 = 65_536;
/// The system takes no more at once than a process may have files open, 1024 as a rule.
const MOST_AT_ONCE: usize = 256;

/// A socket that the guest asked for.
struct Watch {
    userdata: [u8; 8],
    direction: Direction,
    fd: u32,
}

pub async fn poll_oneoff(
    state: &mut State,
    memory: &mut [u8],
    [subscriptions, events, count, written]: [u32; 4],
) -> wasmtime::Result<Result<(), Errno>> {
    let mut guest = GuestBytes(memory);
    let (watches, others) = match split(&guest, subscriptions, count) {
        Ok((watches, _)) if watches.is_empty() => {
            let memory = &mut GuestMemory::Unshared(guest.0);
            let [a, b, c, d] = [subscriptions, events, count, written].map(|word| word as i32);
            let errno = plain::poll_oneoff(&mut state.wasi, memory, a, b, c, d).await?;
            return Ok(done_or(errno));
        }
        Ok(split) => split,
        Err(errno) => return Ok(Err(errno)),
    };
    let happened = match wait(state, watches, &others).await? {
        Ok(happened) => happened,
        Err(errno) => return Ok(Err(errno)),
    };
    let number = (happened.len() / EVENT) as u32;
    Ok(guest.put(events, &happened).and_then(|()| guest.put_u32(written, number)))
}

fn done_or(errno: i32) -> Result<(), Errno> {
    if errno == 0 {
        Ok(())
    } else {
        Err(Errno(errno as u16))
    }
}

/// The sockets of a call, and the records of everything else.
fn split(guest: &GuestBytes<'_>, at: u32, count: u32) -> Result<(Vec<Watch>, Vec<u8>), Errno> {
    if count > MOST {
        return Err(Errno::NOMEM);
    }
    let mut watches = Vec::new();
    let mut others = Vec::new();
    for record in guest.get(at, count * SUBSCRIPTION as u32)?.chunks_exact(SUBSCRIPTION) {
        let fd = u32::from_le_bytes([record[16], record[17], record[18], record[19]]);
        let direction = match record[8] {
            FD_READ => Direction::Read,
            _ => Direction::Write,
        };
        if matches!(record[8], FD_READ | FD_WRITE) && is_socket(fd) {
            let mut userdata = [0; 8];
            userdata.copy_from_slice(&record[..8]);
            watches.push(Watch { userdata, direction, fd });
        } else {
            others.extend_from_slice(record);
        }
    }
    Ok((watches, others))
}

/// Until something happens; the records of all that did.
async fn wait(
    state: &mut State,
    watches: Vec<Watch>,
    others: &[u8],
) -> wasmtime::Result<Result<Vec<u8>, Errno>> {
    let State { wasi, sockets, .. } = state;
    // The others' call finds its records in a memory of its own: subscriptions, events, count. It
    // is made of words, for the records must be aligned.
    let count = others.len() / SUBSCRIPTION;
    let events = others.len();
    let end = events + count * EVENT;
    let mut words = vec![0_u64; end / 8 + 1];
    // Safety: every byte of an integer is a byte.
    let scratch = unsafe { words.align_to_mut::<u8>().1 };
    scratch[..events].copy_from_slice(others);
    let other_events = {
        let memory = &mut GuestMemory::Unshared(scratch);
        let mut rest = std::pin::pin!(async move {
            match count {
                0 => pending().await,
                _ => {
                    let (at, count, end) = (events as i32, count as i32, end as i32);
                    plain::poll_oneoff(wasi, memory, 0, at, count, end).await
                }
            }
        });
        poll_fn(|context| {
            // Both are looked at each time, so that neither starves the other.
            let others = rest.as_mut().poll(context);
            let sockets = poll_sockets(sockets, &watches, context);
            match (others, sockets) {
                (Poll::Pending, Poll::Pending) => Poll::Pending,
                (others, sockets) => Poll::Ready((others, sockets)),
            }
        })
        .await
    };
    let (others, sockets) = other_events;
    let mut happened = Vec::new();
    if let Poll::Ready(errno) = others {
        if let Err(errno) = done_or(errno?) {
            return Ok(Err(errno));
        }
        let bytes = unsafe { words.align_to::<u8>().1 };
        let count =
            u32::from_le_bytes([bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]);
        happened.extend_from_slice(&bytes[events..events + count as usize * EVENT]);
    }
    if let Poll::Ready(sockets) = sockets {
        match sockets {
            Ok(sockets) => happened.extend(sockets),
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(Ok(happened))
}

fn poll_sockets(
    sockets: &mut SocketTable,
    watches: &[Watch],
    context: &mut Context<'_>,
) -> Poll<io::Result<Vec<u8>>> {
    loop {
        let happened = look(sockets, watches)?;
        if !happened.is_empty() {
            return Poll::Ready(Ok(happened));
        }
        let mut changed = false;
        for watch in watches {
            let Ok(socket) = sockets.get(watch.fd) else { continue };
            match socket.poll_changed(watch.direction, context)? {
                // It counts as ready, whatever poll(2) thinks: nothing would wake the guest.
                Poll::Ready(true) => return Poll::Ready(Ok(event(watch, 0, 0, HANGUP).to_vec())),
                Poll::Ready(false) => changed = true,
                Poll::Pending => {}
            }
        }
        if !changed {
            return Poll::Pending;
        }
    }
}

/// The events of what is ready at this moment.
fn look(sockets: &mut SocketTable, watches: &[Watch]) -> io::Result<Vec<u8>> {
    let asked = |watch: &Watch| libc::pollfd {
        fd: sockets.get(watch.fd).map_or(-1, |socket| socket.raw()), // -1 is passed over
        events: match watch.direction {
            Direction::Read => libc::POLLIN | libc::POLLRDHUP,
            Direction::Write => libc::POLLOUT,
        },
        revents: 0,
    };
    let mut polled: Vec<libc::pollfd> = watches.iter().map(asked).collect();
    for some in polled.chunks_mut(MOST_AT_ONCE) {
        let count = some.len() as libc::nfds_t;
        crate::socket::check(unsafe { libc::poll(some.as_mut_ptr(), count, 0) })?;
    }
    let mut happened = Vec::new();
    for (watch, polled) in watches.iter().zip(polled) {
        let Ok(socket) = sockets.get(watch.fd) else {
            happened.extend(event(watch, Errno::BADF.0, 0, 0));
            continue;
        };
        if polled.revents == 0 {
            continue;
        }
        let (waiting, over) = match watch.direction {
            Direction::Read => (socket.waiting(), libc::POLLHUP | libc::POLLRDHUP),
            Direction::Write => (0, libc::POLLHUP | libc::POLLERR),
        };
        let hangup = if polled.revents & over != 0 { HANGUP } else { 0 };
        happened.extend(event(watch, 0, waiting, hangup));
    }
    Ok(happened)
}

fn event(watch: &Watch, errno: u16, bytes: u64, flags: u16) -> [u8; EVENT] {
    let mut record = [0; EVENT];
    record[..8].copy_from_slice(&watch.userdata);
    record[8..10].copy_from_slice(&errno.to_le_bytes());
    record[10] = match watch.direction {
        Direction::Read => FD_READ,
        Direction::Write => FD_WRITE,
    };
    record[16..24].copy_from_slice(&bytes.to_le_bytes());
    record[24..26].copy_from_slice(&flags.to_le_bytes());
    record
}
