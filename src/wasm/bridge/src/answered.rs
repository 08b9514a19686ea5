//! What a replayed guest answers to its exchange, put together from what it writes: the body that was
//! sent when it was recorded must be these bytes.

use std::collections::HashMap;

/// More zeros at once than any stream lets a guest write.
const MOST_ZEROS: usize = 1 << 20;

#[derive(Default)]
pub struct Answered {
    /// Of responses, their bodies; of bodies, their streams; of streams, what was written.
    bodies: HashMap<u32, u32>,
    streams: HashMap<u32, u32>,
    written: HashMap<u32, Vec<u8>>,
    response: Option<u32>,
    /// It moved bytes that it never had in its hands.
    spliced: bool,
}

/// Is this a call that matters here?
pub fn matters(name: &str) -> bool {
    name.starts_with("wasi:http/types#") || name.starts_with("wasi:io/streams#[method]output")
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// What an ok of a `result<T, E>` holds, and an own<> in it.
fn success(results: &[u8]) -> Option<&[u8]> {
    results.split_first().filter(|(ok, _)| **ok == 1).map(|(_, value)| value)
}

impl Answered {
    /// A call was answered. Both in the flat encoding.
    pub fn hear(&mut self, name: &str, arguments: &[u8], results: &[u8]) {
        self.note(name, arguments, results);
    }

    fn note(&mut self, name: &str, arguments: &[u8], results: &[u8]) -> Option<()> {
        let this = number(arguments)?;
        let rest = &arguments[4..];
        match name.split_once('#')?.1 {
            "[method]outgoing-response.body" => {
                self.bodies.insert(this, number(success(results)?)?);
            }
            "[method]outgoing-body.write" => {
                let stream = number(success(results)?)?;
                self.streams.insert(this, stream);
                self.written.insert(stream, vec![]); // numbers are used again
            }
            "[static]response-outparam.set" => self.response = Some(number(success(rest)?)?),
            "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
                success(results)?;
                self.written.get_mut(&this)?.extend(rest.get(4..)?);
            }
            "[method]output-stream.write-zeroes"
            | "[method]output-stream.blocking-write-zeroes-and-flush" => {
                success(results)?;
                let count = number(rest)? as usize;
                let written = self.written.get_mut(&this)?;
                written.resize(written.len() + count.min(MOST_ZEROS), 0);
            }
            "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
                self.spliced |= self.written.contains_key(&this);
            }
            _ => {}
        }
        Some(())
    }

    /// The body; None when that cannot be told.
    pub fn body(&self) -> Option<&[u8]> {
        let body = self.bodies.get(&self.response?);
        let stream = body.and_then(|body| self.streams.get(body));
        let written = stream.and_then(|stream| self.written.get(stream));
        (!self.spliced).then(|| written.map_or(&[][..], Vec::as_slice))
    }
}
