//! sock_getaddrinfo: from a name and a service to addresses, in a list that the guest has laid out
//! in its memory beforehand.

use crate::errno::Errno;
use crate::guest_bytes::{family_of, GuestBytes};
use crate::network::{allow_socket, tell_resolved, Use};
use crate::state::Instance;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a name and of a service.
const LONGEST_NAME: u32 = 1024;
/// Services by name; whatever else is given as a number. The machine's own list is not asked: it
/// may be missing, and it is none of a guest's business.
const SERVICES: [(&str, u16); 7] = [
    ("http", 80),
    ("https", 443),
    ("domain", 53),
    ("ftp", 21),
    ("ssh", 22),
    ("smtp", 25),
    ("ntp", 123),
];

const PASSIVE: u16 = 1;
const NUMERIC_HOST: u16 = 4;
const NUMERIC_SERVICE: u16 = 8;
const DATAGRAM: u8 = 1;
const STREAM: u8 = 2;

/// The guest's parameters in their order.
pub struct Question {
    pub node: (u32, u32),
    pub service: (u32, u32),
    pub hints: u32,
    pub result: u32,
    pub most: u32,
    pub count: u32,
}

struct Hints {
    flags: u16,
    family: u8,
    kind: u8,
}

pub async fn look_up(
    memory: &mut GuestBytes<'_>,
    instance: Option<&Instance>,
    question: &Question,
) -> Result<(), Errno> {
    memory.put_u32(question.count, 0)?;
    let hints = hints_of(memory, question.hints)?;
    let node = text_of(memory, question.node)?;
    let service = text_of(memory, question.service)?;
    if node.is_empty() && service.is_empty() {
        return Err(Errno::AI_NONAME);
    }
    let port = port_of(&service, hints.flags)?;
    let found = addresses(instance, &node, &hints).await?;
    let wanted = |ip: &IpAddr| hints.family == 0 || u16::from(hints.family) == family_of(*ip);
    let found: Vec<IpAddr> = found.into_iter().filter(wanted).collect();
    let kinds: &[u8] = match hints.kind {
        0 => &[STREAM, DATAGRAM],
        _ => std::slice::from_ref(&hints.kind),
    };
    let each = found.iter().flat_map(|ip| kinds.iter().map(move |kind| (*ip, *kind)));
    let written = write_list(memory, question, port, each)?;
    match written {
        0 => Err(Errno::AI_NODATA),
        _ => memory.put_u32(question.count, written),
    }
}

fn hints_of(memory: &GuestBytes<'_>, at: u32) -> Result<Hints, Errno> {
    let bytes = memory.get(at, 28)?;
    let hints =
        Hints { flags: u16::from_le_bytes([bytes[0], bytes[1]]), family: bytes[2], kind: bytes[3] };
    match (hints.family, hints.kind) {
        (0..=2, 0..=2) => Ok(hints),
        (0..=2, _) => Err(Errno::INVAL),
        _ => Err(Errno::AI_FAMILY),
    }
}

/// Some guests count the zero at the end, some do not.
fn text_of(memory: &GuestBytes<'_>, (at, size): (u32, u32)) -> Result<String, Errno> {
    if size > LONGEST_NAME {
        return Err(Errno::AI_NONAME);
    }
    let text = std::str::from_utf8(memory.get(at, size)?).map_err(|_| Errno::AI_NONAME)?;
    Ok(text.trim_end_matches('\0').to_string())
}

fn port_of(service: &str, flags: u16) -> Result<u16, Errno> {
    if service.is_empty() {
        return Ok(0);
    }
    if let Ok(port) = service.parse() {
        return Ok(port);
    }
    let known = SERVICES.iter().find(|(name, _)| *name == service);
    match known {
        _ if flags & NUMERIC_SERVICE != 0 => Err(Errno::AI_NONAME),
        Some((_, port)) => Ok(*port),
        None => Err(Errno::AI_SERVICE),
    }
}

/// Addresses that are written as numbers, and this machine's own, reach nobody and need no grant.
async fn addresses(
    instance: Option<&Instance>,
    node: &str,
    hints: &Hints,
) -> Result<Vec<IpAddr>, Errno> {
    if node.is_empty() {
        let own: [IpAddr; 2] = match hints.flags & PASSIVE {
            0 => [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            _ => [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        };
        return Ok(own.to_vec());
    }
    if let Ok(ip) = node.parse() {
        return Ok(vec![ip]);
    }
    if hints.flags & NUMERIC_HOST != 0 {
        return Err(Errno::AI_NONAME);
    }
    let instance = instance.ok_or(Errno::ACCES)?;
    if !allow_socket(instance, Use::Resolve, node) {
        return Err(Errno::ACCES);
    }
    let found = tokio::net::lookup_host((node, 0)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => Errno::AI_AGAIN,
        _ => Errno::AI_NONAME,
    })?;
    let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    found.iter().for_each(|ip| tell_resolved(instance, node, *ip));
    Ok(found)
}

/// Follows the guest's list and fills one record after the other; how many. An address that does
/// not fit its record's room is left out, its record is used for the next.
fn write_list(
    memory: &mut GuestBytes<'_>,
    question: &Question,
    port: u16,
    found: impl Iterator<Item = (IpAddr, u8)>,
) -> Result<u32, Errno> {
    let mut record = memory.u32(question.result)?;
    let mut written = 0;
    for (ip, kind) in found {
        if written == question.most {
            break;
        }
        let address = memory.u32(record.wrapping_add(12))?;
        let room = memory.u32(address.wrapping_add(4))?;
        let data = data_of(ip, port);
        let size = data.len() as u32;
        if size > room {
            continue;
        }
        let family = family_of(ip) as u8;
        let target = memory.u32(address.wrapping_add(8))?;
        memory.put(target, &data)?;
        memory.put(address, &[family])?;
        memory.put_u32(address.wrapping_add(4), size)?;
        let protocol = if kind == STREAM { 1 } else { 2 };
        memory.put(record, &[0, 0, family, kind, protocol])?;
        memory.put_u32(record.wrapping_add(8), size + 2)?;
        memory.put_u32(record.wrapping_add(20), 0)?; // no canonical name
        written += 1;
        if written < question.most {
            record = memory.u32(record.wrapping_add(24))?;
        }
    }
    Ok(written)
}

/// What follows the family in a sockaddr: the port in network order, then the address.
fn data_of(ip: IpAddr, port: u16) -> Vec<u8> {
    let port = port.to_be_bytes();
    match ip {
        IpAddr::V4(four) => [&port[..], &four.octets(), &[0; 8]].concat(),
        IpAddr::V6(six) => [&port[..], &[0; 4], &six.octets(), &[0; 4]].concat(),
    }
}
