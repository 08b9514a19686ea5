//! Models that the host lends.

use crate::bindings::quern::llm::inference;
use crate::chat::{Chat, Conversation};
use crate::{Embeddings, ModelInfo, Result, Sampling, Stream};

/// A model by the name it was granted under; "default" is the first.
pub fn open(name: &str) -> Result<Model> {
    Ok(Model {
        handle: inference::Model::open(name)?,
    })
}

/// Those that this guest may use and that are here.
pub fn granted_models() -> Vec<ModelInfo> {
    inference::granted_models()
}

pub struct Model {
    pub(crate) handle: inference::Model,
}

impl Model {
    pub fn info(&self) -> ModelInfo {
        self.handle.info()
    }

    /// Begins a question: a text, or a conversation. Nothing is asked before `stream()`, `reply()` or `value()`.
    pub fn chat(&self, prompt: impl Into<Conversation>) -> Chat<'_> {
        Chat::new(self, prompt.into())
    }

    /// Goes on with raw text, without a chat template.
    pub fn complete(&self, prompt: &str, sampling: &Sampling) -> Result<Stream> {
        let format = crate::bindings::quern::llm::types::ResponseFormat::Text;
        Ok(Stream::new(
            self.handle.complete(prompt, sampling, &format)?,
            Vec::new(),
        ))
    }

    /// One vector of length 1 per text: the dot product of two is their cosine.
    pub fn embed(&self, texts: &[&str]) -> Result<Embeddings> {
        let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
        Ok(self.handle.embed(&texts)?)
    }

    /// `special`: control words in the text are control tokens.
    pub fn tokenize(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        Ok(self.handle.tokenize(text, special)?)
    }

    /// Their bytes; a token may be a part of a character.
    pub fn detokenize(&self, tokens: &[u32]) -> Result<Vec<u8>> {
        Ok(self.handle.detokenize(tokens)?)
    }
}
