//! quern:log/filter's `process` (wit/quern-log), which carries every record of a pipeline: with its
//! types known here, a record costs a copy of its text and not a tree of values. For C++ nothing
//! differs.

use crate::error::{Kind, Named};
use crate::state::State;
use crate::values::put_u32;
use wasmtime::component::{ComponentType, Func, Lift, Lower, TypedFunc};
use wasmtime::{Result, Store};

const FILTER: &str = "quern:log/filter@0.1.0";

pub fn is_process(instance: &str, name: &str) -> bool {
    instance == FILTER && name == "process"
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Event<'a> {
    seconds: u64,
    nanoseconds: u32,
    body: &'a str,
    metadata: Option<&'a str>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct NewEvent {
    tag: Option<String>,
    seconds: u64,
    nanoseconds: u32,
    body: String,
    metadata: Option<String>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Outcome {
    #[component(name = "keep")]
    Keep,
    #[component(name = "drop")]
    Drop,
    #[component(name = "change")]
    Change(String),
    #[component(name = "replace")]
    Replace(Vec<NewEvent>),
    #[component(name = "dead")]
    Dead(String),
}

type Arguments<'a> = (&'a str, &'a [Event<'a>]);
type Results = (Vec<Outcome>,);

pub struct Process {
    func: Func,
}

impl Process {
    /// An error when it is of another type.
    pub fn new(func: Func, store: &Store<State>) -> Result<Process> {
        func.typed::<Arguments<'static>, Results>(store)?;
        Ok(Process { func })
    }

    pub async fn call(&self, store: &mut Store<State>, arguments: &[u8]) -> Result<Vec<u8>> {
        let mut reader = Reader { rest: arguments };
        let tag = reader.text()?;
        let count = reader.u32()? as usize;
        let mut events = Vec::with_capacity(count.min(arguments.len()));
        for _ in 0..count {
            events.push(reader.event()?);
        }
        // Safety: new() has compared the types; a lifetime is none of them.
        let function = unsafe { TypedFunc::<Arguments<'_>, Results>::new_unchecked(self.func) };
        let (outcomes,) = function.call_async(store, (tag, &events)).await?;
        let mut out = Vec::with_capacity(4 + 4 * outcomes.len());
        put_u32(&mut out, outcomes.len());
        outcomes.iter().for_each(|outcome| put_outcome(&mut out, outcome));
        Ok(out)
    }
}

/// Of the bytes that C++ wrote: what does not fit is a fault of ours.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        let malformed = || Named::new(Kind::Internal, "events that do not fit their type");
        let (taken, rest) = self.rest.split_at_checked(size).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("take gives 4 bytes")))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().expect("take gives 8 bytes")))
    }

    fn text(&mut self) -> Result<&'a str> {
        let size = self.u32()? as usize;
        let no_text = |_| Named::new(Kind::Internal, "an event's text is not UTF-8");
        Ok(std::str::from_utf8(self.take(size)?).map_err(no_text)?)
    }

    fn event(&mut self) -> Result<Event<'a>> {
        Ok(Event {
            seconds: self.u64()?,
            nanoseconds: self.u32()?,
            body: self.text()?,
            metadata: match self.take(1)?[0] {
                0 => None,
                _ => Some(self.text()?),
            },
        })
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len());
    out.extend(text.as_bytes());
}

fn put_optional(out: &mut Vec<u8>, text: &Option<String>) {
    out.push(u8::from(text.is_some()));
    text.iter().for_each(|text| put_text(out, text));
}

fn put_outcome(out: &mut Vec<u8>, outcome: &Outcome) {
    match outcome {
        Outcome::Keep => put_u32(out, 0),
        Outcome::Drop => put_u32(out, 1),
        Outcome::Change(body) => {
            put_u32(out, 2);
            put_text(out, body);
        }
        Outcome::Replace(events) => {
            put_u32(out, 3);
            put_u32(out, events.len());
            for event in events {
                put_optional(out, &event.tag);
                out.extend(event.seconds.to_le_bytes());
                out.extend(event.nanoseconds.to_le_bytes());
                put_text(out, &event.body);
                put_optional(out, &event.metadata);
            }
        }
        Outcome::Dead(reason) => {
            put_u32(out, 4);
            put_text(out, reason);
        }
    }
}
