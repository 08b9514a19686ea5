//! What a guest's calls on sockets do: parameters read from its memory, the policy asked, results
//! written back. Parameters have the order and meaning of the imports in wasmedge.rs.

use crate::errno::Errno;
use crate::guest_bytes::GuestBytes;
use crate::network::{allow_address, allow_socket, Use};
use crate::socket::{Family, Kind, Received, Socket};
use crate::socket_names::{look_up, Question};
use crate::socket_options;
use crate::socket_table::SocketTable;
use crate::state::Instance;
use std::net::SocketAddr;
use std::ops::Range;
use tokio::task::yield_now;
use wasmtime_wasi::sockets::SocketAddrUse;

pub struct Calls<'a> {
    pub memory: GuestBytes<'a>,
    pub sockets: &'a mut SocketTable,
    /// None: no network.
    pub instance: Option<&'a Instance>,
}

type Answer = Result<(), Errno>;
/// Pointer and number of buffers.
type Buffers = (u32, u32);

const NONBLOCK: u32 = 4;
const PEEK: u32 = 1;
const WAIT_FOR_ALL: u32 = 2;
const TRUNCATED: u16 = 1;

impl Calls<'_> {
    fn ask(&self, purpose: SocketAddrUse, address: SocketAddr) -> Answer {
        let allowed = |instance| allow_address(instance, purpose, address);
        if self.instance.is_some_and(allowed) {
            Ok(())
        } else {
            Err(Errno::ACCES)
        }
    }

    // ---- making and naming ----------------------------------------------------------------------

    pub fn open(&mut self, family: u32, kind: u32, out: u32) -> Answer {
        let family = match family {
            1 => Family::V4,
            2 => Family::V6,
            3 => return Err(Errno::AFNOSUPPORT), // Unix sockets: there is no grant for them
            _ => return Err(Errno::INVAL),
        };
        let kind = match kind {
            1 => Kind::Datagram,
            2 => Kind::Stream,
            _ => return Err(Errno::INVAL),
        };
        self.memory.range(out, 4)?;
        if !self.instance.is_some_and(|instance| allow_socket(instance, Use::Open, "")) {
            return Err(Errno::ACCES);
        }
        self.sockets.check_room()?;
        let fd = self.sockets.add(Socket::open(family, kind)?);
        self.memory.put_u32(out, fd)
    }

    pub fn bind(&mut self, fd: u32, address: u32, port: u32) -> Answer {
        let address = self.memory.address(address, port)?;
        let purpose = match self.sockets.get(fd)?.kind {
            Kind::Stream => SocketAddrUse::TcpBind,
            Kind::Datagram => SocketAddrUse::UdpBind,
        };
        self.ask(purpose, address)?;
        Ok(self.sockets.get(fd)?.bind(address)?)
    }

    pub async fn connect(&mut self, fd: u32, address: u32, port: u32) -> Answer {
        let address = self.memory.address(address, port)?;
        let purpose = match self.sockets.get(fd)?.kind {
            Kind::Stream => SocketAddrUse::TcpConnect,
            Kind::Datagram => SocketAddrUse::UdpSend,
        };
        self.ask(purpose, address)?;
        Ok(self.sockets.get(fd)?.connect(address).await?)
    }

    /// Asks again: whoever bound to no port in particular was not asked.
    pub fn listen(&mut self, fd: u32, backlog: u32) -> Answer {
        let address = self.sockets.get(fd)?.local()?;
        self.ask(SocketAddrUse::TcpListen, address)?;
        Ok(self.sockets.get(fd)?.listen(backlog as i32)?)
    }

    pub async fn accept(&mut self, fd: u32, flags: u32, out: u32) -> Answer {
        self.memory.range(out, 4)?;
        if flags & !NONBLOCK != 0 {
            return Err(Errno::INVAL);
        }
        self.sockets.check_room()?;
        let mut socket = self.sockets.get(fd)?.accept().await?;
        socket.nonblocking = flags & NONBLOCK != 0;
        let accepted = self.sockets.add(socket);
        self.memory.put_u32(out, accepted)
    }

    pub fn local_address(&mut self, fd: u32, at: u32, family: Option<u32>, port: u32) -> Answer {
        let address = self.sockets.get(fd)?.local()?;
        self.put_address(address, at, family, port)
    }

    pub fn peer_address(&mut self, fd: u32, at: u32, family: Option<u32>, port: u32) -> Answer {
        let address = self.sockets.get(fd)?.peer()?;
        self.put_address(address, at, family, port)
    }

    /// The family is written as 4 or 6, which is not its number elsewhere; guests know it so.
    fn put_address(
        &mut self,
        address: SocketAddr,
        record: u32,
        family: Option<u32>,
        port: u32,
    ) -> Answer {
        let room = self.memory.address_room(record)?;
        self.memory.put_address(room, address.ip())?;
        if let Some(family) = family {
            self.memory.put_u32(family, if address.is_ipv4() { 4 } else { 6 })?;
        }
        self.memory.put_u32(port, u32::from(address.port()))
    }

    pub async fn look_up(&mut self, question: Question) -> Answer {
        look_up(&mut self.memory, self.instance, &question).await
    }

    // ---- data -----------------------------------------------------------------------------------

    /// `flags_out`: fd_read has none.
    pub async fn receive(
        &mut self,
        fd: u32,
        buffers: Buffers,
        flags: u32,
        length_out: u32,
        flags_out: Option<u32>,
    ) -> Answer {
        let received = self.receive_into(fd, buffers, flags).await?;
        self.tell_received(&received, length_out, flags_out)
    }

    #[allow(clippy::too_many_arguments)] // they are WasmEdge's
    pub async fn receive_from(
        &mut self,
        fd: u32,
        buffers: Buffers,
        address: u32,
        flags: u32,
        port_out: Option<u32>,
        length_out: u32,
        flags_out: u32,
    ) -> Answer {
        let room = self.memory.address_room(address)?;
        // Before anything is taken that could not be told of.
        if self.sockets.get(fd)?.family == Family::V6 && room.len() == 4 {
            return Err(Errno::NOMEM);
        }
        port_out.map_or(Ok(0..0), |at| self.memory.range(at, 2))?;
        let received = self.receive_into(fd, buffers, flags).await?;
        if let Some(from) = received.from {
            self.memory.put_address(room, from.ip())?;
            if let Some(at) = port_out {
                self.memory.put_u16(at, from.port())?; // two bytes, of the guest's four
            }
        }
        self.tell_received(&received, length_out, Some(flags_out))
    }

    fn tell_received(&mut self, received: &Received, length: u32, flags: Option<u32>) -> Answer {
        if let Some(at) = flags {
            self.memory.put_u16(at, if received.truncated { TRUNCATED } else { 0 })?;
        }
        self.memory.put_u32(length, received.bytes as u32)
    }

    async fn receive_into(
        &mut self,
        fd: u32,
        buffers: Buffers,
        flags: u32,
    ) -> Result<Received, Errno> {
        if flags & !(PEEK | WAIT_FOR_ALL) != 0 {
            return Err(Errno::INVAL);
        }
        let mut buffers = self.memory.buffers(buffers.0, buffers.1)?;
        let socket = self.sockets.get(fd)?;
        let peek = if flags & PEEK != 0 { libc::MSG_PEEK } else { 0 };
        let mut received = socket.receive(self.memory.0, &buffers, peek).await?;
        let all = flags & WAIT_FOR_ALL != 0 && peek == 0 && socket.kind == Kind::Stream;
        let mut last = received.bytes;
        while all && !socket.nonblocking && last > 0 {
            skip(&mut buffers, last);
            if buffers.is_empty() {
                break;
            }
            // A peer that is always ready does not keep the thread for itself. What came before an
            // error is told; the next call meets the error again.
            yield_now().await;
            let Ok(more) = socket.receive(self.memory.0, &buffers, 0).await else { break };
            last = more.bytes;
            received.bytes += last;
        }
        Ok(received)
    }

    pub async fn send(&mut self, fd: u32, buffers: Buffers, flags: u32, out: u32) -> Answer {
        self.send_somewhere(fd, buffers, flags, None, out).await
    }

    pub async fn send_to(
        &mut self,
        fd: u32,
        buffers: Buffers,
        address: u32,
        port: u32,
        flags: u32,
        out: u32,
    ) -> Answer {
        let address = self.memory.address(address, port)?;
        // A stream goes where it is connected to, whatever address stands here.
        let to = match self.sockets.get(fd)?.kind {
            Kind::Datagram => Some(address),
            Kind::Stream => None,
        };
        if to.is_some() {
            self.ask(SocketAddrUse::UdpSend, address)?;
        }
        self.send_somewhere(fd, buffers, flags, to, out).await
    }

    async fn send_somewhere(
        &mut self,
        fd: u32,
        buffers: Buffers,
        flags: u32,
        to: Option<SocketAddr>,
        out: u32,
    ) -> Answer {
        if flags != 0 {
            return Err(Errno::INVAL); // WASI has none
        }
        self.memory.range(out, 4)?;
        let mut buffers = self.memory.buffers(buffers.0, buffers.1)?;
        let socket = self.sockets.get(fd)?;
        let mut sent = socket.send(self.memory.0, &buffers, to).await?;
        // Who waits expects all of it to go.
        let all = socket.kind == Kind::Stream && !socket.nonblocking;
        let mut last = sent;
        while all && last > 0 {
            skip(&mut buffers, last);
            if buffers.is_empty() {
                break;
            }
            yield_now().await; // as above
            let Ok(more) = socket.send(self.memory.0, &buffers, None).await else { break };
            last = more;
            sent += last;
        }
        self.memory.put_u32(out, sent as u32)
    }

    pub fn shutdown(&mut self, fd: u32, flags: u32) -> Answer {
        let how = match flags {
            1 => libc::SHUT_RD,
            2 => libc::SHUT_WR,
            3 => libc::SHUT_RDWR,
            _ => return Err(Errno::INVAL),
        };
        Ok(self.sockets.get(fd)?.shutdown(how)?)
    }

    // ---- state ----------------------------------------------------------------------------------

    pub fn get_option(&mut self, fd: u32, level: u32, name: u32, at: u32, size_at: u32) -> Answer {
        let room = self.memory.u32(size_at)?;
        let value = socket_options::get(self.sockets.get(fd)?, level, name)?;
        if value.len() > room as usize {
            return Err(Errno::INVAL);
        }
        self.memory.put(at, &value)?;
        self.memory.put_u32(size_at, value.len() as u32)
    }

    pub fn set_option(&mut self, fd: u32, level: u32, name: u32, at: u32, size: u32) -> Answer {
        let value = self.memory.get(at, size)?;
        socket_options::set(self.sockets.get(fd)?, level, name, value)
    }

    /// fdstat: type, flags, rights. wasi-libc reads from the rights that it may read and write.
    pub fn status(&mut self, fd: u32, out: u32) -> Answer {
        const READ: u64 = 1 << 1;
        const SET_FLAGS: u64 = 1 << 3;
        const WRITE: u64 = 1 << 6;
        const FILE_STATUS: u64 = 1 << 21;
        const POLL: u64 = 1 << 27;
        const SHUTDOWN: u64 = 1 << 28;
        const ACCEPT: u64 = 1 << 29;
        let socket = self.sockets.get(fd)?;
        let mut record = [0; 24];
        record[0] = file_type(socket);
        record[2] = if socket.nonblocking { NONBLOCK as u8 } else { 0 };
        let rights = READ | SET_FLAGS | WRITE | FILE_STATUS | POLL | SHUTDOWN | ACCEPT;
        record[8..16].copy_from_slice(&rights.to_le_bytes());
        self.memory.put(out, &record)
    }

    pub fn set_flags(&mut self, fd: u32, flags: u32) -> Answer {
        if flags & !NONBLOCK != 0 {
            return Err(Errno::INVAL);
        }
        self.sockets.get(fd)?.nonblocking = flags & NONBLOCK != 0;
        Ok(())
    }

    /// filestat: a socket has a type, and no size, time or place.
    pub fn file_status(&mut self, fd: u32, out: u32) -> Answer {
        let mut record = [0; 64];
        record[16] = file_type(self.sockets.get(fd)?);
        self.memory.put(out, &record)
    }
}

fn file_type(socket: &Socket) -> u8 {
    match socket.kind {
        Kind::Datagram => 5,
        Kind::Stream => 6,
    }
}

/// Leaves out the first `bytes` of the buffers.
fn skip(buffers: &mut Vec<Range<usize>>, mut bytes: usize) {
    buffers.retain_mut(|buffer| {
        let filled = bytes.min(buffer.len());
        bytes -= filled;
        buffer.start += filled;
        buffer.start < buffer.end
    });
}
