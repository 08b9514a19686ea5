//! One socket of a guest, over a non-blocking one of the system: what the guest sees as blocking is
//! its fiber that waits here.

use std::future::poll_fn;
use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{timeout_at, Instant};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Datagram,
    Stream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Read,
    Write,
}

pub struct Socket {
    /// The runtime hears of this socket from its first wait on, and anew after each connect: a
    /// fresh TCP socket counts as hung up, and the runtime would never forget that.
    waits: Option<AsyncFd<Arc<OwnedFd>>>,
    fd: Arc<OwnedFd>,
    /// Of an accepted connection. It is told even when the client is gone already: programs ask
    /// right after they accepted, and would take that for a failure of the listener.
    client: Option<SocketAddr>,
    pub family: Family,
    pub kind: Kind,
    /// What would block is EAGAIN, or EINPROGRESS of a connect.
    pub nonblocking: bool,
    pub receive_patience: Option<Duration>,
    pub send_patience: Option<Duration>,
    /// SO_LINGER as the guest set it: on or off, seconds.
    pub linger: (i32, i32),
}

pub struct Received {
    pub bytes: usize,
    pub truncated: bool,
    pub from: Option<SocketAddr>,
}

pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    match result {
        0.. => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Socket {
    /// Streams send at once: no option of the extension lets a guest ask for that, and an answer in
    /// two parts would wait for the client's delayed acknowledgement, 40 ms.
    fn new(fd: OwnedFd, family: Family, kind: Kind) -> io::Result<Socket> {
        let socket = Socket {
            waits: None,
            fd: Arc::new(fd),
            client: None,
            family,
            kind,
            nonblocking: false,
            receive_patience: None,
            send_patience: None,
            linger: (0, 0),
        };
        if kind == Kind::Stream {
            socket.set_number(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        }
        Ok(socket)
    }

    /// An IPv6 socket takes no IPv4 clients: what "[::]:80" grants is IPv6.
    pub fn open(family: Family, kind: Kind) -> io::Result<Socket> {
        let domain = match family {
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        };
        let ty = match kind {
            Kind::Datagram => libc::SOCK_DGRAM,
            Kind::Stream => libc::SOCK_STREAM,
        };
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let fd = check(unsafe { libc::socket(domain, ty | flags, 0) })?;
        let socket = Socket::new(unsafe { OwnedFd::from_raw_fd(fd) }, family, kind)?;
        if family == Family::V6 {
            socket.set_number(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
        Ok(socket)
    }

    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        let address = SystemAddress::from(address);
        check(unsafe { libc::bind(self.raw(), address.pointer(), address.size) }).map(drop)
    }

    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        check(unsafe { libc::listen(self.raw(), backlog.max(0)) }).map(drop)
    }

    pub async fn accept(&mut self) -> io::Result<Socket> {
        let (family, kind) = (self.family, self.kind);
        self.until_done(Direction::Read, |fd| {
            let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
            let mut from = SystemAddress::room();
            let pointer = (&raw mut from.storage).cast();
            let accepted = check(unsafe { libc::accept4(fd, pointer, &mut from.size, flags) })?;
            let accepted = unsafe { OwnedFd::from_raw_fd(accepted) };
            let mut socket = Socket::new(accepted, family, kind)?;
            socket.client = from.get();
            Ok(socket)
        })
        .await
    }

    pub async fn connect(&mut self, address: SocketAddr) -> io::Result<()> {
        self.waits = None;
        let address = SystemAddress::from(address);
        let begun = check(unsafe { libc::connect(self.raw(), address.pointer(), address.size) });
        match begun {
            Err(error) if in_progress(&error) && !self.nonblocking => {}
            done => return done.map(drop),
        }
        self.until_done(Direction::Write, |fd| match poll_now(fd, libc::POLLOUT)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        })
        .await?;
        match self.number(libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Into the parts of `memory` that `buffers` name. Flags are the system's.
    pub async fn receive(
        &mut self,
        memory: &mut [u8],
        buffers: &[Range<usize>],
        flags: libc::c_int,
    ) -> io::Result<Received> {
        self.until_done(Direction::Read, |fd| {
            let mut from = SystemAddress::empty();
            let mut parts = parts(memory, buffers);
            let mut message = message(&mut from, &mut parts);
            let flags = flags | libc::MSG_DONTWAIT;
            let bytes = size(unsafe { libc::recvmsg(fd, &mut message, flags) })?;
            let (named, truncated) = (message.msg_namelen, message.msg_flags & libc::MSG_TRUNC);
            from.size = named;
            Ok(Received { bytes, truncated: truncated != 0, from: from.get() })
        })
        .await
    }

    pub async fn send(
        &mut self,
        memory: &mut [u8],
        buffers: &[Range<usize>],
        to: Option<SocketAddr>,
    ) -> io::Result<usize> {
        self.until_done(Direction::Write, |fd| {
            let mut to = to.map_or(SystemAddress::empty(), SystemAddress::from);
            let named = to.size;
            let mut parts = parts(memory, buffers);
            let mut message = message(&mut to, &mut parts);
            message.msg_namelen = named;
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            size(unsafe { libc::sendmsg(fd, &message, flags) })
        })
        .await
    }

    pub fn shutdown(&self, how: libc::c_int) -> io::Result<()> {
        check(unsafe { libc::shutdown(self.raw(), how) }).map(drop)
    }

    pub fn local(&self) -> io::Result<SocketAddr> {
        self.address(libc::getsockname)
    }

    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.client.map_or_else(|| self.address(libc::getpeername), Ok)
    }

    fn address(
        &self,
        get: unsafe extern "C" fn(RawFd, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int,
    ) -> io::Result<SocketAddr> {
        let mut found = SystemAddress::room();
        let pointer = (&raw mut found.storage).cast();
        check(unsafe { get(self.raw(), pointer, &mut found.size) })?;
        found.get().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
    }

    /// An option whose value is a number.
    pub fn number(&self, level: libc::c_int, option: libc::c_int) -> io::Result<i32> {
        let mut value = 0;
        let mut size = size_of::<i32>() as libc::socklen_t;
        let pointer = (&raw mut value).cast();
        check(unsafe { libc::getsockopt(self.raw(), level, option, pointer, &mut size) })?;
        Ok(value)
    }

    pub fn set_number(
        &self,
        level: libc::c_int,
        option: libc::c_int,
        value: i32,
    ) -> io::Result<()> {
        self.set_option(level, option, &value.to_ne_bytes())
    }

    /// `value`: as the system wants it for this option.
    pub fn set_option(
        &self,
        level: libc::c_int,
        option: libc::c_int,
        value: &[u8],
    ) -> io::Result<()> {
        let size = value.len() as libc::socklen_t;
        check(unsafe { libc::setsockopt(self.raw(), level, option, value.as_ptr().cast(), size) })
            .map(drop)
    }

    /// Bytes that could be received now.
    pub fn waiting(&self) -> u64 {
        let mut bytes: libc::c_int = 0;
        let told = unsafe { libc::ioctl(self.raw(), libc::FIONREAD, &mut bytes) };
        if told < 0 {
            0
        } else {
            bytes as u64
        }
    }

    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    // ---- waiting ----------------------------------------------------------------------------

    /// Ready when something happened in this direction since the last look; true when nothing ever
    /// will again. Whether the socket is ready, only the system can say.
    pub fn poll_changed(
        &mut self,
        direction: Direction,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        let waits = match self.waits.take() {
            Some(waits) => waits,
            // Safety: the number stays this socket's as long as its owner is shared with it.
            None => unsafe { AsyncFd::register(self.fd.clone())? },
        };
        let waits = self.waits.insert(waits);
        let mut guard = match direction {
            Direction::Read => ready!(waits.poll_read_ready(context))?,
            Direction::Write => ready!(waits.poll_write_ready(context))?,
        };
        let over = match direction {
            Direction::Read => guard.ready().is_read_closed(),
            Direction::Write => guard.ready().is_write_closed(),
        };
        guard.clear_ready();
        Poll::Ready(Ok(over))
    }

    /// Tries until it does not block any more, unless the guest wants to hear of that.
    async fn until_done<T>(
        &mut self,
        direction: Direction,
        mut operation: impl FnMut(RawFd) -> io::Result<T>,
    ) -> io::Result<T> {
        let patience = match direction {
            Direction::Read => self.receive_patience,
            Direction::Write => self.send_patience,
        };
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut over = false;
        loop {
            match operation(self.raw()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.nonblocking || over {
                        return Err(error);
                    }
                }
                done => return done,
            }
            let changed = poll_fn(|context| self.poll_changed(direction, context));
            over = match deadline {
                None => changed.await?,
                Some(deadline) => match timeout_at(deadline, changed).await {
                    Ok(changed) => changed?,
                    Err(_) => return Err(io::ErrorKind::WouldBlock.into()),
                },
            };
        }
    }
}

fn in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// What holds of `events` at this moment.
fn poll_now(fd: RawFd, events: libc::c_short) -> io::Result<libc::c_short> {
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    check(unsafe { libc::poll(&mut asked, 1, 0) })?;
    Ok(asked.revents)
}

fn size(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// `buffers` lie within `memory`; they may overlap, the system does not mind.
fn parts(memory: &mut [u8], buffers: &[Range<usize>]) -> Vec<libc::iovec> {
    let base = memory.as_mut_ptr();
    let part = |buffer: &Range<usize>| libc::iovec {
        iov_base: base.wrapping_add(buffer.start).cast(),
        iov_len: buffer.len(),
    };
    buffers.iter().map(part).collect()
}

fn message(address: &mut SystemAddress, parts: &mut [libc::iovec]) -> libc::msghdr {
    // All of it is numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = (&raw mut address.storage).cast();
    message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    message
}

/// An address as the system's calls take it.
struct SystemAddress {
    storage: libc::sockaddr_storage,
    size: libc::socklen_t,
}

impl SystemAddress {
    fn empty() -> SystemAddress {
        SystemAddress { storage: unsafe { std::mem::zeroed() }, size: 0 }
    }

    /// For the system to write to.
    fn room() -> SystemAddress {
        let size = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        SystemAddress { size, ..SystemAddress::empty() }
    }

    fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    fn get(&self) -> Option<SocketAddr> {
        if self.size == 0 {
            return None;
        }
        let pointer = &raw const self.storage;
        match libc::c_int::from(self.storage.ss_family) {
            libc::AF_INET => {
                let four = unsafe { &*pointer.cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(four.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::from((ip, u16::from_be(four.sin_port))))
            }
            libc::AF_INET6 => {
                let six = unsafe { &*pointer.cast::<libc::sockaddr_in6>() };
                let ip = Ipv6Addr::from(six.sin6_addr.s6_addr);
                Some(SocketAddr::from((ip, u16::from_be(six.sin6_port))))
            }
            _ => None,
        }
    }

    fn put<T>(value: T) -> SystemAddress {
        let mut made = SystemAddress::empty();
        made.size = size_of::<T>() as libc::socklen_t;
        // The storage is made for every kind of address: large enough and aligned.
        unsafe { (&raw mut made.storage).cast::<T>().write(value) };
        made
    }
}

impl From<SocketAddr> for SystemAddress {
    fn from(address: SocketAddr) -> SystemAddress {
        match address {
            SocketAddr::V4(four) => SystemAddress::put(libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: four.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(four.ip().octets()) },
                sin_zero: [0; 8],
            }),
            SocketAddr::V6(six) => SystemAddress::from_six(six),
        }
    }
}

impl SystemAddress {
    fn from_six(six: SocketAddrV6) -> SystemAddress {
        SystemAddress::put(libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: six.port().to_be(),
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: six.ip().octets() },
            sin6_scope_id: 0,
        })
    }
}
