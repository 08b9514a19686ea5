//! An answer on its way, and as a whole.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;

use crate::bindings::quern::llm::inference::Generation;
use crate::bindings::quern::llm::types::{self, Event, Summary};
use crate::chat::assistant;
use crate::{Error, FinishReason, Message, Result, Timings, ToolCall, Usage};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
    pub finish_reason: FinishReason,
    pub usage: Usage,
    pub timings: Timings,
    /// The conversation with this answer, to go on from.
    pub messages: Vec<Message>,
}

/// Iterates over the pieces of the text. Dropping it cancels what is left.
pub struct Stream {
    generation: Generation,
    messages: Vec<Message>,
    events: VecDeque<Event>,
    text: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    summary: Option<Summary>,
    failed: bool,
}

impl Stream {
    pub(crate) fn new(generation: Generation, messages: Vec<Message>) -> Self {
        Stream {
            generation,
            messages,
            events: VecDeque::new(),
            text: String::new(),
            reasoning: String::new(),
            calls: Vec::new(),
            summary: None,
            failed: false,
        }
    }

    /// Ends the answer early: what was made can still be read, and then the stream is at its end.
    pub fn cancel(&self) {
        self.generation.cancel();
    }

    /// The whole answer; waits for it.
    pub fn whole(&mut self) -> Result<Reply> {
        for piece in &mut *self {
            piece?;
        }
        let Some(summary) = self.summary else {
            return Err(types::Error::Cancelled.into());
        };
        let mut said = assistant(&self.text);
        said.tool_calls = self.calls.clone();
        Ok(Reply {
            text: self.text.clone(),
            reasoning: self.reasoning.clone(),
            tool_calls: self.calls.clone(),
            finish_reason: summary.reason,
            usage: summary.usage,
            timings: summary.timings,
            messages: self.messages.iter().cloned().chain([said]).collect(),
        })
    }

    /// The answer as what `returns::<T>()` asked for; waits for it. `Incomplete` when max_tokens cut it.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T> {
        let reply = self.whole()?;
        if reply.finish_reason == FinishReason::Length {
            return Err(Error::Incomplete(reply.text));
        }
        Ok(serde_json::from_str(&reply.text)?)
    }

    fn take_call(&mut self, delta: types::ToolCallDelta) {
        let index = delta.index as usize;
        while self.calls.len() <= index {
            self.calls.push(ToolCall {
                id: String::new(),
                name: String::new(),
                arguments: String::new(),
            });
        }
        let call = &mut self.calls[index];
        call.id += delta.id.as_deref().unwrap_or("");
        call.name += delta.name.as_deref().unwrap_or("");
        call.arguments += &delta.arguments;
    }
}

impl Iterator for Stream {
    type Item = Result<String>;

    /// Waits for the next piece.
    fn next(&mut self) -> Option<Self::Item> {
        while self.summary.is_none() && !self.failed {
            match self.events.pop_front() {
                Some(Event::Content(text)) => {
                    self.text += &text;
                    return Some(Ok(text));
                }
                Some(Event::Reasoning(text)) => self.reasoning += &text,
                Some(Event::ToolCall(delta)) => self.take_call(delta),
                Some(Event::Logprobs(_)) => {}
                Some(Event::Finished(summary)) => self.summary = Some(summary),
                None => match self.generation.blocking_read() {
                    Ok(events) => self.events.extend(events),
                    Err(error) => {
                        self.failed = true;
                        return Some(Err(error.into()));
                    }
                },
            }
        }
        None
    }
}
