//! Errors of the system in the numbers of WASI 0.1.

use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub u16);

impl Errno {
    pub const ACCES: Errno = Errno(2);
    pub const AFNOSUPPORT: Errno = Errno(5);
    pub const BADF: Errno = Errno(8);
    pub const FAULT: Errno = Errno(21);
    pub const INVAL: Errno = Errno(28);
    pub const IO: Errno = Errno(29);
    pub const MFILE: Errno = Errno(33);
    pub const NOMEM: Errno = Errno(48);
    // Of WasmEdge's resolver.
    pub const AI_AGAIN: Errno = Errno(78);
    pub const AI_FAMILY: Errno = Errno(81);
    pub const AI_NODATA: Errno = Errno(83);
    pub const AI_NONAME: Errno = Errno(84);
    pub const AI_SERVICE: Errno = Errno(85);

    /// Of a number of the system.
    pub fn of(number: i32) -> Errno {
        let known = KNOWN.iter().find(|(system, _)| *system == number);
        known.map_or(Errno::IO, |(_, wasi)| Errno(*wasi))
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        match error.raw_os_error() {
            Some(number) => Errno::of(number),
            None if error.kind() == io::ErrorKind::WouldBlock => Errno::of(libc::EAGAIN),
            None => Errno::IO,
        }
    }
}

/// What calls on sockets can end with.
const KNOWN: [(i32, u16); 42] = [
    (0, 0),
    (libc::EACCES, 2),
    (libc::EADDRINUSE, 3),
    (libc::EADDRNOTAVAIL, 4),
    (libc::EAFNOSUPPORT, 5),
    (libc::EAGAIN, 6),
    (libc::EALREADY, 7),
    (libc::EBADF, 8),
    (libc::ECONNABORTED, 13),
    (libc::ECONNREFUSED, 14),
    (libc::ECONNRESET, 15),
    (libc::EDESTADDRREQ, 17),
    (libc::EDOM, 18),
    (libc::EFAULT, 21),
    (libc::EHOSTUNREACH, 23),
    (libc::EINPROGRESS, 26),
    (libc::EINTR, 27),
    (libc::EINVAL, 28),
    (libc::EIO, 29),
    (libc::EISCONN, 30),
    (libc::EMFILE, 33),
    (libc::EMSGSIZE, 35),
    (libc::ENETDOWN, 38),
    (libc::ENETRESET, 39),
    (libc::ENETUNREACH, 40),
    (libc::ENFILE, 41),
    (libc::ENOBUFS, 42),
    (libc::ENODEV, 43),
    (libc::ENOMEM, 48),
    (libc::ENOPROTOOPT, 50),
    (libc::ENOSYS, 52),
    (libc::ENOTCONN, 53),
    (libc::ENOTSOCK, 57),
    (libc::EOPNOTSUPP, 58),
    (libc::EOVERFLOW, 61),
    (libc::EPERM, 63),
    (libc::EPIPE, 64),
    (libc::EPROTO, 65),
    (libc::EPROTONOSUPPORT, 66),
    (libc::EPROTOTYPE, 67),
    (libc::ERANGE, 68),
    (libc::ETIMEDOUT, 73),
];
