//! The sockets that a guest holds, by the numbers that it knows them by.

use crate::errno::Errno;
use crate::socket::Socket;
use std::collections::HashMap;

/// The numbers of files are small, for they count up from 0: these never meet them.
const FIRST: u32 = 1 << 30;
const END: u32 = 1 << 31;

pub fn is_socket(fd: u32) -> bool {
    (FIRST..END).contains(&fd)
}

pub struct SocketTable {
    open: HashMap<u32, Socket>,
    next: u32,
    limit: usize,
}

impl SocketTable {
    pub fn new(limit: u32) -> SocketTable {
        SocketTable { open: HashMap::new(), next: FIRST, limit: limit as usize }
    }

    /// To be asked before a socket is made. A guest that holds its limit hears it as a program
    /// does that has too many files open, and may close some.
    pub fn check_room(&self) -> Result<(), Errno> {
        if self.open.len() < self.limit {
            Ok(())
        } else {
            Err(Errno::MFILE)
        }
    }

    /// A number is given again only after a billion others.
    pub fn add(&mut self, socket: Socket) -> u32 {
        while self.open.contains_key(&self.next) {
            self.step();
        }
        let number = self.next;
        self.open.insert(number, socket);
        self.step();
        number
    }

    fn step(&mut self) {
        self.next = if self.next + 1 == END { FIRST } else { self.next + 1 };
    }

    pub fn get(&mut self, fd: u32) -> Result<&mut Socket, Errno> {
        self.open.get_mut(&fd).ok_or(Errno::BADF)
    }

    pub fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.open.remove(&fd).map(drop).ok_or(Errno::BADF)
    }
}
