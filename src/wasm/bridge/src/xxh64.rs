//! XXH64 with seed 0: the checksum of a recording's frames, and the digest of long arguments. Fast
//! beyond what a guest can move, and no defence against who forges on purpose.
//! https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;
const STRIPE: usize = 32;

pub fn xxh64(bytes: &[u8]) -> u64 {
    let (stripes, mut rest) = bytes.as_chunks::<STRIPE>();
    let mut hash = match bytes.len() < STRIPE {
        true => P5,
        false => merged(stripes),
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        rest = after;
    }
    if let Some((word, after)) = rest.split_first_chunk::<4>() {
        hash ^= u64::from(u32::from_le_bytes(*word)).wrapping_mul(P1);
        hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        rest = after;
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(P5);
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    avalanche(hash)
}

/// The four lanes side by side, and their words at places that the compiler knows: where code is
/// built small, anything else is a call and a check a word, at a third of the speed.
fn merged(stripes: &[[u8; STRIPE]]) -> u64 {
    let (mut a, mut b, mut c, mut d) = (P1.wrapping_add(P2), P2, 0, 0u64.wrapping_sub(P1));
    for stripe in stripes {
        a = round(a, word::<0>(stripe));
        b = round(b, word::<8>(stripe));
        c = round(c, word::<16>(stripe));
        d = round(d, word::<24>(stripe));
    }
    let turned = [a.rotate_left(1), b.rotate_left(7), c.rotate_left(12), d.rotate_left(18)];
    let mixed = turned.into_iter().fold(0u64, u64::wrapping_add);
    [a, b, c, d]
        .into_iter()
        .fold(mixed, |hash, lane| (hash ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4))
}

#[inline(always)]
fn word<const AT: usize>(stripe: &[u8; STRIPE]) -> u64 {
    let at = |byte: usize| stripe[AT + byte];
    u64::from_le_bytes([at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)])
}

#[inline(always)]
fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(P2);
    hash = (hash ^ hash >> 29).wrapping_mul(P3);
    hash ^ hash >> 32
}
