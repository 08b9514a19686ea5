//! A recording that answers a guest in the world's place. Each call must be the next recorded one,
//! with the same arguments; the first that is not ends the replay and is named.

use crate::answered::Answered;
use crate::error::{Kind, Named};
use crate::recording::{
    misshapen, read_call, read_end, read_print, read_response, read_trap, Call, End, Fields, Head,
    Reader, Record, Response, BODY, CALL, CUT, END, EXITED, HANDLE, NAME, NO_GROWTH, PRINT,
    RESPONSE, RETURNED, TRAPPED, UNANSWERED,
};
use crate::state::Meter;
use crate::tape::{Arguments, BEGINNING, WHOLE};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi::I32Exit;

/// A guest that was ended from outside after its last call computes at least so long again: less
/// than this no epoch tells.
const LEAST_AFTER_LAST: Duration = Duration::from_millis(100);

/// What became of a replay, as qb_verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Same,
    Diverged,
    BrokenOff,
}

pub struct Replay {
    reader: Reader<File>,
    next: Option<Record>,
    names: Vec<String>,
    pub calls: u64,
    growths: u64,
    /// The answer to an exchange, as it went out: head, and body.
    pub response: Option<Response>,
    pub body: Vec<u8>,
    pub answered: Answered,
    /// Set when the guest is ended here, or the recording is at its end.
    verdict: Option<(Verdict, String)>,
    end: Option<End>,
    /// Of a guest that a limit or a signal ended, seen ahead: after which call, and for how long it
    /// had computed since.
    ended_outside: Option<(u64, Duration)>,
    /// The replayed guest's processor time.
    pub meter: Arc<Meter>,
}

/// What was printed in a recorded call, and the call's end.
pub struct Answer {
    pub printed: Vec<(u32, Vec<u8>)>,
    pub results: wasmtime::Result<Vec<u8>>,
}

/// The recording in a file, and its first record. It is read twice: no pipe can be one.
pub fn open(path: &Path) -> Result<(Reader<File>, Head), Named> {
    let mut options = File::options();
    let opened = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = opened.map_err(|error| {
        let kind = match error.kind() {
            ErrorKind::NotFound => Kind::NotFound,
            ErrorKind::PermissionDenied => Kind::PermissionDenied,
            _ => Kind::Unavailable,
        };
        Named::new(kind, format!("{}: {error}", path.display()))
    })?;
    if !file.metadata().is_ok_and(|facts| facts.is_file()) {
        let text = format!("{} is no regular file", path.display());
        return Err(Named::new(Kind::InvalidArgument, text));
    }
    Reader::begin(file)
}

impl Replay {
    /// Reads it to its end first: damage is told before a guest runs.
    pub fn open(path: &Path) -> Result<(Replay, Head), Named> {
        let (mut ahead, _) = open(path)?;
        let (mut calls, mut ended_outside) = (0, None);
        while let Some(record) = ahead.next()? {
            match record.kind {
                CALL => calls += 1,
                END => {
                    let (end, since) = read_end(&record.payload)?;
                    let outside = end.is_err_and(|named| outside(named.kind));
                    ended_outside = outside.then(|| (calls, Duration::from_nanos(since)));
                }
                _ => {}
            }
        }
        let (reader, head) = open(path)?;
        let mut replay = Replay {
            reader,
            next: None,
            names: vec![],
            calls: 0,
            growths: 0,
            response: None,
            body: vec![],
            answered: Answered::default(),
            verdict: None,
            end: None,
            ended_outside,
            meter: Arc::new(Meter::new(u64::MAX)),
        };
        replay.limit_at_last();
        Ok((replay, head))
    }

    /// A guest that was ended while it computed would compute for ever, perhaps. It is held to what it
    /// did: for as long as then, it makes no further call.
    fn limit_at_last(&mut self) {
        if let Some((_, time)) = self.ended_outside.take_if(|(calls, _)| *calls == self.calls) {
            self.meter.allow(time.max(LEAST_AFTER_LAST));
        }
    }

    /// The answer to an exchange as bytes of HTTP/1.1.
    pub fn response_bytes(&self) -> Vec<u8> {
        let Some((status, headers)) = &self.response else { return vec![] };
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend([name, &b": "[..], value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// The guest calls `name`. `parameter` names an argument for people.
    pub fn call(
        &mut self,
        name: &str,
        arguments: &Arguments,
        parameter: impl Fn(usize) -> String,
    ) -> Answer {
        let mut printed = Vec::new();
        let results = self.next_call(name, arguments, parameter, &mut printed);
        Answer { printed, results }
    }

    fn next_call(
        &mut self,
        name: &str,
        arguments: &Arguments,
        parameter: impl Fn(usize) -> String,
        printed: &mut Vec<(u32, Vec<u8>)>,
    ) -> wasmtime::Result<Vec<u8>> {
        loop {
            match self.take()? {
                Some(Record { kind: PRINT, payload }) => printed.push(read_print(&payload)?),
                Some(Record { kind: CALL, payload }) => {
                    self.calls += 1;
                    self.limit_at_last();
                    return self.answer(payload, name, arguments, &parameter);
                }
                Some(Record { kind: END, payload }) => {
                    return Err(self.ended_before(&payload, name)?)
                }
                Some(Record { kind: CUT, payload }) => return Err(self.cut(&payload).into()),
                Some(Record { kind: NO_GROWTH, .. }) => {
                    let text =
                        format!("call {}: {name}: memory that was asked for", self.calls + 1);
                    let text = format!("{text} when it was recorded is not asked for");
                    return Err(self.stop(Verdict::Diverged, text));
                }
                Some(_) => return Err(misshapen().into()),
                None => return Err(self.broken_off()),
            }
        }
    }

    fn answer(
        &mut self,
        mut payload: Vec<u8>,
        name: &str,
        arguments: &Arguments,
        parameter: &impl Fn(usize) -> String,
    ) -> wasmtime::Result<Vec<u8>> {
        let Call { name: number, arguments: called_with, how, rest } = read_call(&payload)?;
        let recorded = self.names.get(number as usize).ok_or_else(misshapen)?.clone();
        if recorded != name {
            let text = format!("call {}: {name} is called, {recorded} was recorded", self.calls);
            return Err(self.stop(Verdict::Diverged, text));
        }
        if called_with != arguments.0 {
            let difference = first_difference(called_with, &arguments.0, parameter)?;
            let text = format!("call {}: {name}: {difference}", self.calls);
            return Err(self.stop(Verdict::Diverged, text));
        }
        match how {
            RETURNED => {
                let before = payload.len() - rest.len();
                payload.drain(..before); // what is long has no second copy
                Ok(payload)
            }
            EXITED => Err(I32Exit(Fields(rest).u32()? as i32).into()),
            TRAPPED => Err(trap_of(rest)?),
            UNANSWERED => Err(self.unanswered(name)),
            _ => Err(misshapen().into()),
        }
    }

    /// The guest was ended while it waited for this call; its end says why.
    fn unanswered(&mut self, name: &str) -> wasmtime::Error {
        match self.recorded_end() {
            Ok(Some(Err(named))) => named.into(),
            Ok(_) => {
                let text = format!("the recording breaks off in call {}, {name}", self.calls);
                self.stop(Verdict::BrokenOff, text)
            }
            Err(named) => named.into(),
        }
    }

    /// The guest goes on where the recorded one was at its end. One that a limit or a signal ended
    /// between two calls comes here as well: it cannot be told at which instruction that was.
    fn ended_before(&mut self, end: &[u8], name: &str) -> Result<wasmtime::Error, Named> {
        let (end, _) = read_end(end)?;
        self.end = Some(end.clone());
        match end {
            Err(named) if named.kind != Kind::GuestTrap => Ok(named.into()),
            _ => {
                let text = format!("call {}: {name} is called, none was recorded", self.calls + 1);
                Ok(self.stop(Verdict::Diverged, text))
            }
        }
    }

    fn broken_off(&mut self) -> wasmtime::Error {
        let text = format!("the recording breaks off after call {}", self.calls);
        self.stop(Verdict::BrokenOff, text)
    }

    fn cut(&mut self, why: &[u8]) -> Named {
        let text = format!("the recording ends: {}", String::from_utf8_lossy(why));
        self.verdict = Some((Verdict::BrokenOff, text.clone()));
        Named::new(Kind::Cancelled, text)
    }

    fn stop(&mut self, verdict: Verdict, text: String) -> wasmtime::Error {
        self.verdict = Some((verdict, text.clone()));
        Named::new(Kind::Cancelled, text).into()
    }

    /// Whether the system refused this growth of a memory or table.
    pub fn growth_refused(&mut self) -> bool {
        let number = self.growths;
        self.growths += 1;
        let refused = match self.peek() {
            Ok(Some(Record { kind: NO_GROWTH, payload })) => payload[..] == number.to_le_bytes(),
            _ => false, // what is wrong with the recording is told by the next call
        };
        if refused {
            self.next = None;
        }
        refused
    }

    /// The resources that an exchange begins with.
    pub fn handle(&mut self) -> Result<(u32, u32), Named> {
        match self.take()? {
            Some(Record { kind: HANDLE, payload }) => {
                let mut fields = Fields(&payload);
                Ok((fields.u32()?, fields.u32()?))
            }
            Some(Record { kind: CUT, payload }) => Err(self.cut(&payload)),
            Some(_) => Err(misshapen()),
            None => Err(Named::new(Kind::CorruptData, "the recording breaks off at its beginning")),
        }
    }

    /// The end as it is to be told: of a guest that was ended from outside, as it was then.
    pub fn end(&self, result: End) -> End {
        match &self.end {
            Some(recorded) if same_end(recorded, &result) => recorded.clone(),
            _ => result,
        }
    }

    /// How the replay's end compares with the recorded one.
    pub fn judge(&mut self, result: &End) -> Result<(Verdict, String), Named> {
        if let Some(verdict) = self.verdict.take() {
            return Ok(verdict);
        }
        if let Err(Named { kind: Kind::CorruptData, message }) = result {
            return Err(Named::new(Kind::CorruptData, message.clone()));
        }
        let left = self.calls;
        let Some(recorded) = self.recorded_end()? else {
            let text = match self.calls > left {
                true => return Ok((Verdict::Diverged, self.ended_early(left, result))),
                false => format!("the recording breaks off after call {left}"),
            };
            return Ok((Verdict::BrokenOff, text));
        };
        if self.calls > left {
            return Ok((Verdict::Diverged, self.ended_early(left, result)));
        }
        let difference = match same_end(&recorded, result) {
            true => self.other_body(recorded.is_ok()),
            false => Some(format!("the end: {}, recorded was {}", show(result), show(&recorded))),
        };
        Ok(match difference {
            Some(text) => (Verdict::Diverged, text),
            None => (Verdict::Same, String::new()),
        })
    }

    /// How the body that the guest writes differs from the one that was sent. Of an exchange that was
    /// broken off a part was sent.
    fn other_body(&self, whole: bool) -> Option<String> {
        let written = self.answered.body().filter(|_| self.response.is_some())?;
        let same = match whole {
            true => written == self.body,
            false => written.starts_with(&self.body),
        };
        let (now, then) = (written.len(), self.body.len());
        (!same).then(|| format!("the response: a body of {now} bytes, {then} others were sent"))
    }

    fn ended_early(&self, after: u64, end: &End) -> String {
        let end = show(end);
        format!("the guest ends after call {after} ({end}); {} calls were recorded", self.calls)
    }

    /// Reads on to the end, counting what is left. None when there is none.
    fn recorded_end(&mut self) -> Result<Option<End>, Named> {
        while self.end.is_none() {
            match self.take()? {
                Some(Record { kind: END, payload }) => self.end = Some(read_end(&payload)?.0),
                Some(Record { kind: CALL, .. }) => self.calls += 1,
                Some(Record { kind: CUT, .. }) | None => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(self.end.clone())
    }

    /// The next record that is about the guest.
    fn take(&mut self) -> Result<Option<Record>, Named> {
        self.peek()?;
        Ok(self.next.take())
    }

    fn peek(&mut self) -> Result<Option<&Record>, Named> {
        while self.next.is_none() {
            let Some(record) = self.reader.next()? else { return Ok(None) };
            match record.kind {
                NAME => self.names.push(String::from_utf8_lossy(&record.payload).into_owned()),
                RESPONSE => self.response = Some(read_response(&record.payload)?),
                BODY => self.body.extend(record.payload),
                CALL | PRINT | NO_GROWTH | HANDLE | CUT | END => self.next = Some(record),
                _ => return Err(misshapen()),
            }
        }
        Ok(self.next.as_ref())
    }
}

/// Nobody can tell at which instruction.
fn outside(kind: Kind) -> bool {
    matches!(kind, Kind::DeadlineExceeded | Kind::Cancelled)
}

fn trap_of(told: &[u8]) -> Result<wasmtime::Error, Named> {
    let (kind, text) = read_trap(told)?;
    Ok(match kind {
        0 => wasmtime::Error::msg(text),
        kind => Named::new(Kind::from_code(kind), text).into(),
    })
}

/// The frames of a trap's message name what is in the program, not what happened.
fn same_end(recorded: &End, result: &End) -> bool {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_string();
    match (recorded, result) {
        (Ok(recorded), Ok(result)) => recorded == result,
        (Err(recorded), Err(result)) if outside(recorded.kind) => {
            // The replay's limit, or the recorded end of a call that was never answered.
            [Kind::DeadlineExceeded, recorded.kind].contains(&result.kind)
        }
        (Err(recorded), Err(result)) => {
            recorded.kind == result.kind && first(&recorded.message) == first(&result.message)
        }
        _ => false,
    }
}

fn show(end: &End) -> String {
    match end {
        Ok((code, text)) if text.is_empty() => format!("exit code {code}"),
        Ok((_, results)) => format!("result {}", String::from_utf8_lossy(results)),
        Err(named) => named.message.lines().next().unwrap_or_default().to_string(),
    }
}

fn first_difference(
    recorded: &[u8],
    called: &[u8],
    parameter: &impl Fn(usize) -> String,
) -> Result<String, Named> {
    let (mut before, mut now) = (Fields(recorded), Fields(called));
    let mut index = 0;
    while !before.0.is_empty() && !now.0.is_empty() {
        let (was, is) = (argument(&mut before)?, argument(&mut now)?);
        if was != is {
            return Ok(format!("{} is {is}, {was} was recorded", parameter(index)));
        }
        index += 1;
    }
    Ok("other arguments are given than were recorded".into())
}

/// Of one argument, what can be shown of it.
fn argument(fields: &mut Fields) -> Result<String, Named> {
    let size = fields.u32()? as usize;
    if size > WHOLE {
        let beginning = shown(fields.take(BEGINNING)?);
        return Ok(format!("{size} bytes {beginning}... of digest {:016x}", fields.u64()?));
    }
    Ok(shown(fields.take(size)?))
}

fn shown(bytes: &[u8]) -> String {
    if let Ok(word) = <[u8; 8]>::try_from(bytes) {
        return u64::from_le_bytes(word).to_string();
    }
    if let Ok(word) = <[u8; 4]>::try_from(bytes) {
        return u32::from_le_bytes(word).to_string();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() != 1 => format!("{text:?}"),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    }
}
