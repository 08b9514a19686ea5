//! Quern's closed list of kinds of errors, and an error of one of them.

use std::fmt;

/// quern::ErrorKind, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // the list is C++'s; not every kind is born here
pub enum Kind {
    InvalidArgument,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    DeadlineExceeded,
    Cancelled,
    Unavailable,
    Unsupported,
    CorruptData,
    GuestTrap,
    Internal,
}

impl Kind {
    /// As in qb_error: 0 is success.
    pub fn code(self) -> u32 {
        self as u32 + 1
    }

    pub fn from_code(code: u32) -> Kind {
        use Kind::*;
        const ALL: [Kind; 12] = [
            InvalidArgument,
            NotFound,
            AlreadyExists,
            PermissionDenied,
            ResourceExhausted,
            DeadlineExceeded,
            Cancelled,
            Unavailable,
            Unsupported,
            CorruptData,
            GuestTrap,
            Internal,
        ];
        ALL.get((code as usize).wrapping_sub(1)).copied().unwrap_or(Internal)
    }
}

/// An error with its kind. Travels inside wasmtime::Error from a host function or a limit to the
/// end of the run.
#[derive(Clone, Debug)]
pub struct Named {
    pub kind: Kind,
    pub message: String,
}

impl Named {
    pub fn new(kind: Kind, message: impl Into<String>) -> Named {
        Named { kind, message: message.into() }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Named {}
