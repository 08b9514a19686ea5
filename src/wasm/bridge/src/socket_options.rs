//! The options of sockets: WasmEdge's numbers, the system's meaning. Those that would let a guest
//! hold up a thread of the host (lingering, timeouts) are kept here and not told to the system.

use crate::errno::Errno;
use crate::socket::{Kind, Socket};
use std::time::Duration;

enum Opt {
    Number(libc::c_int),
    Type,
    Error,
    Linger,
    ReceiveTimeout,
    SendTimeout,
    Listening,
    Device,
}

fn option_of(level: u32, name: u32) -> Result<Opt, Errno> {
    const OPTIONS: [Opt; 15] = [
        Opt::Number(libc::SO_REUSEADDR),
        Opt::Type,
        Opt::Error,
        Opt::Number(libc::SO_DONTROUTE),
        Opt::Number(libc::SO_BROADCAST),
        Opt::Number(libc::SO_SNDBUF),
        Opt::Number(libc::SO_RCVBUF),
        Opt::Number(libc::SO_KEEPALIVE),
        Opt::Number(libc::SO_OOBINLINE),
        Opt::Linger,
        Opt::Number(libc::SO_RCVLOWAT),
        Opt::ReceiveTimeout,
        Opt::SendTimeout,
        Opt::Listening,
        Opt::Device,
    ];
    let known = OPTIONS.into_iter().nth(name as usize);
    known.filter(|_| level == 0).ok_or(Errno::INVAL)
}

pub fn get(socket: &Socket, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
    let number = |value: i32| Ok(value.to_le_bytes().to_vec());
    let of_system = |option| Ok::<i32, Errno>(socket.number(libc::SOL_SOCKET, option)?);
    match option_of(level, name)? {
        Opt::Number(option) => number(of_system(option)?),
        Opt::Type => number(match socket.kind {
            Kind::Datagram => 1,
            Kind::Stream => 2,
        }),
        Opt::Error => number(i32::from(Errno::of(of_system(libc::SO_ERROR)?).0)),
        Opt::Linger => {
            let (on, seconds) = socket.linger;
            Ok([on.to_le_bytes(), seconds.to_le_bytes()].concat())
        }
        Opt::ReceiveTimeout => Ok(bytes_of_time(socket.receive_patience)),
        Opt::SendTimeout => Ok(bytes_of_time(socket.send_patience)),
        Opt::Listening => number(of_system(libc::SO_ACCEPTCONN)?),
        Opt::Device => Ok(Vec::new()), // bound to none
    }
}

pub fn set(socket: &mut Socket, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
    match option_of(level, name)? {
        Opt::Number(option) => {
            Ok(socket.set_number(libc::SOL_SOCKET, option, number(value, 0)?)?)
        }
        Opt::Linger => set_linger(socket, (number(value, 0)?, number(value, 4)?)),
        Opt::ReceiveTimeout => {
            socket.receive_patience = time_of_bytes(value)?;
            Ok(())
        }
        Opt::SendTimeout => {
            socket.send_patience = time_of_bytes(value)?;
            Ok(())
        }
        Opt::Device => Err(Errno::ACCES), // which network a guest uses is for the host to say
        Opt::Type | Opt::Error | Opt::Listening => Err(Errno::of(libc::ENOPROTOOPT)),
    }
}

/// Closing a socket that lingers holds up the thread that closes it. Only "not at all" is handed
/// on, which ends the connection by a reset.
fn set_linger(socket: &mut Socket, linger: (i32, i32)) -> Result<(), Errno> {
    let reset = linger.0 != 0 && linger.1 == 0;
    let value = [i32::from(reset).to_ne_bytes(), [0; 4]].concat();
    socket.set_option(libc::SOL_SOCKET, libc::SO_LINGER, &value)?;
    socket.linger = linger;
    Ok(())
}

fn number(value: &[u8], at: usize) -> Result<i32, Errno> {
    let bytes = value.get(at..at + 4).ok_or(Errno::INVAL)?;
    Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// A timeval of wasi-libc: seconds and microseconds in 8 bytes each; zero is no timeout.
fn time_of_bytes(value: &[u8]) -> Result<Option<Duration>, Errno> {
    let word = |at: usize| {
        let bytes: [u8; 8] = value.get(at..at + 8)?.try_into().ok()?;
        u64::try_from(i64::from_le_bytes(bytes)).ok()
    };
    let (seconds, micros) = (word(0).ok_or(Errno::INVAL)?, word(8).ok_or(Errno::INVAL)?);
    if micros >= 1_000_000 {
        return Err(Errno::of(libc::EDOM));
    }
    let time = Duration::from_secs(seconds) + Duration::from_micros(micros);
    Ok(Some(time).filter(|time| !time.is_zero()))
}

fn bytes_of_time(time: Option<Duration>) -> Vec<u8> {
    let time = time.unwrap_or_default();
    let micros = u64::from(time.subsec_micros());
    [time.as_secs().to_le_bytes(), micros.to_le_bytes()].concat()
}
