//! A module's memory as the functions on sockets read and write it: whatever a guest's pointer
//! names lies within, or is EFAULT.

use crate::errno::Errno;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

/// Buffers of one call, as WasmEdge bounds them.
const MOST_BUFFERS: u32 = 1024;
/// Numbers of address families: WasmEdge's own.
const INET4: u16 = 1;
const INET6: u16 = 2;
/// The long form of an address: the family in two bytes, then the address.
const LONG_ADDRESS: usize = 128;

pub struct GuestBytes<'a>(pub &'a mut [u8]);

impl GuestBytes<'_> {
    pub fn range(&self, at: u32, size: u32) -> Result<Range<usize>, Errno> {
        let (at, size) = (at as usize, size as usize);
        match at.checked_add(size) {
            Some(end) if end <= self.0.len() => Ok(at..end),
            _ => Err(Errno::FAULT),
        }
    }

    pub fn get(&self, at: u32, size: u32) -> Result<&[u8], Errno> {
        Ok(&self.0[self.range(at, size)?])
    }

    pub fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let range = self.range(at, u32::try_from(bytes.len()).map_err(|_| Errno::FAULT)?)?;
        self.0[range].copy_from_slice(bytes);
        Ok(())
    }

    pub fn u32(&self, at: u32) -> Result<u32, Errno> {
        let bytes = self.get(at, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub fn put_u16(&mut self, at: u32, value: u16) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    /// The places of `count` buffers, each {pointer, size}.
    pub fn buffers(&self, at: u32, count: u32) -> Result<Vec<Range<usize>>, Errno> {
        if count > MOST_BUFFERS {
            return Err(Errno::INVAL);
        }
        let records = self.get(at, count * 8)?.chunks_exact(8);
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        records.map(|record| self.range(word(record), word(&record[4..]))).collect()
    }

    // ---- addresses: a record {pointer, size} of 4, 16 or 128 bytes ------------------------------

    pub fn address_room(&self, record: u32) -> Result<Range<usize>, Errno> {
        let room = self.range(self.u32(record)?, self.u32(record.wrapping_add(4))?)?;
        match room.len() {
            4 | 16 | LONG_ADDRESS => Ok(room),
            _ => Err(Errno::INVAL),
        }
    }

    pub fn address(&self, record: u32, port: u32) -> Result<SocketAddr, Errno> {
        let port = u16::try_from(port).map_err(|_| Errno::INVAL)?;
        let bytes = &self.0[self.address_room(record)?];
        let long = bytes.len() == LONG_ADDRESS;
        let family = u16::from_le_bytes([bytes[0], bytes[1]]);
        let bytes = match (long, family) {
            (false, _) => bytes,
            (true, INET4) => &bytes[2..6],
            (true, INET6) => &bytes[2..18],
            (true, _) => return Err(Errno::AFNOSUPPORT),
        };
        let ip = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(four), _) => IpAddr::from(four),
            (_, Ok(six)) => IpAddr::from(six),
            _ => return Err(Errno::INVAL),
        };
        Ok(SocketAddr::new(ip, port))
    }

    /// Into room that `address_room` found.
    pub fn put_address(&mut self, room: Range<usize>, ip: IpAddr) -> Result<(), Errno> {
        let mut target = &mut self.0[room];
        if target.len() == LONG_ADDRESS {
            target[..2].copy_from_slice(&family_of(ip).to_le_bytes());
            target = &mut target[2..];
        }
        let mut copy = |bytes: &[u8]| match target.get_mut(..bytes.len()) {
            Some(target) => Ok(target.copy_from_slice(bytes)),
            None => Err(Errno::NOMEM),
        };
        match ip {
            IpAddr::V4(four) => copy(&four.octets()),
            IpAddr::V6(six) => copy(&six.octets()),
        }
    }
}

pub fn family_of(ip: IpAddr) -> u16 {
    if ip.is_ipv4() {
        INET4
    } else {
        INET6
    }
}
