//! A question to a model, with everything that shapes its answer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::quern::llm::types::{ChatOptions, ResponseFormat, ToolChoice};
use crate::schema::{JsonSchema, schema_of};
use crate::tools::Function;
use crate::{Error, Message, Model, Part, Reply, Result, Role, Sampling, Stream};

/// Messages, oldest first.
pub struct Conversation(pub Vec<Message>);

impl From<&str> for Conversation {
    fn from(text: &str) -> Self {
        Conversation(vec![user(text)])
    }
}
impl From<String> for Conversation {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}
impl From<Vec<Message>> for Conversation {
    fn from(messages: Vec<Message>) -> Self {
        Conversation(messages)
    }
}

pub fn user(text: &str) -> Message {
    message(Role::User, text)
}
pub fn system(text: &str) -> Message {
    message(Role::System, text)
}
pub fn assistant(text: &str) -> Message {
    message(Role::Assistant, text)
}

pub(crate) fn message(role: Role, text: &str) -> Message {
    Message {
        role,
        content: vec![Part::Text(text.into())],
        name: None,
        reasoning: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
    }
}

pub struct Chat<'a> {
    model: &'a Model,
    messages: Vec<Message>,
    options: ChatOptions,
    functions: Vec<Function<'a>>,
    max_rounds: u32,
}

impl<'a> Chat<'a> {
    pub(crate) fn new(model: &'a Model, conversation: Conversation) -> Self {
        let options = ChatOptions {
            sampling: default_sampling(),
            format: ResponseFormat::Text,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tool_calls: true,
            enable_thinking: None,
        };
        Chat {
            model,
            messages: conversation.0,
            options,
            functions: Vec::new(),
            max_rounds: 8,
        }
    }

    /// Puts this before the conversation.
    pub fn system(mut self, text: &str) -> Self {
        self.messages.insert(0, system(text));
        self
    }
    pub fn temperature(self, value: f32) -> Self {
        self.sampling(|sampling| sampling.temperature = Some(value))
    }
    pub fn max_tokens(self, count: u32) -> Self {
        self.sampling(|sampling| sampling.max_tokens = Some(count))
    }
    pub fn seed(self, seed: u32) -> Self {
        self.sampling(|sampling| sampling.seed = Some(seed))
    }
    /// Every other way to sample: `.sampling(|s| s.top_k = Some(40))`.
    pub fn sampling(mut self, change: impl FnOnce(&mut Sampling)) -> Self {
        change(&mut self.options.sampling);
        self
    }

    /// The answer is forced into JSON of this type; `Stream::value()` reads it.
    pub fn returns<T: JsonSchema>(mut self) -> Self {
        self.options.format = ResponseFormat::JsonSchema(schema_of::<T>().to_string());
        self
    }

    /// A function that the model may call. Its arguments are one struct; the model is told its fields.
    pub fn tool<Arguments, Returned>(
        mut self,
        name: &str,
        description: &str,
        call: impl Fn(Arguments) -> Returned + 'a,
    ) -> Self
    where
        Arguments: JsonSchema + DeserializeOwned,
        Returned: Serialize,
    {
        let function = Function::new(name, description, call);
        self.options.tools.push(function.tool.clone());
        self.functions.push(function);
        self
    }

    /// Answers that may call tools; after them the model has to answer with what it knows. 8 unless said.
    pub fn max_rounds(mut self, rounds: u32) -> Self {
        self.max_rounds = rounds;
        self
    }

    /// The answer piece by piece. Calls of tools are not made: they stand in the stream's reply.
    pub fn stream(&self) -> Result<Stream> {
        let generation = self.model.handle.chat(&self.messages, &self.options)?;
        Ok(Stream::new(generation, self.messages.clone()))
    }

    /// Waits for the whole answer, and calls the tools that the model asks for.
    pub fn reply(mut self) -> Result<Reply> {
        for left in (0..=self.max_rounds).rev() {
            if left == 0 {
                self.options.tool_choice = ToolChoice::None;
            }
            let reply = self.stream()?.whole()?;
            if reply.tool_calls.is_empty() || self.functions.is_empty() {
                return Ok(reply);
            }
            self.messages = reply.messages.clone();
            for call in &reply.tool_calls {
                let function = self
                    .functions
                    .iter()
                    .find(|function| function.tool.name == call.name);
                let function = function.ok_or_else(|| Error::Incomplete(call.name.clone()))?;
                let mut answer = message(Role::Tool, &function.call(&call.arguments)?);
                answer.tool_call_id = Some(call.id.clone());
                self.messages.push(answer);
            }
        }
        Err(Error::Host(crate::bindings::quern::llm::types::Error::Internal(
            "the model called a tool when it might not".into(),
        )))
    }

    /// Waits for the answer as a value of this type.
    pub fn value<T: JsonSchema + DeserializeOwned>(self) -> Result<T> {
        self.returns::<T>().stream()?.value()
    }
}

fn default_sampling() -> Sampling {
    Sampling {
        max_tokens: None,
        temperature: None,
        top_k: None,
        top_p: None,
        min_p: None,
        repeat_penalty: None,
        repeat_last_n: None,
        presence_penalty: None,
        frequency_penalty: None,
        seed: None,
        logit_bias: Vec::new(),
        stop: Vec::new(),
        logprobs: None,
        timeout_ms: None,
    }
}

impl Default for Sampling {
    fn default() -> Self {
        default_sampling()
    }
}
