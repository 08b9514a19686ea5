//! What can go wrong.

use std::fmt;

use crate::bindings::quern::llm::types;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
pub enum Error {
    /// What the host says; the contract lists the cases.
    Host(types::Error),
    /// The answer ended at its length before it was whole; this is what there is.
    Incomplete(String),
    /// The answer, or a call's arguments, are not what the type says.
    Json(serde_json::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Host(error) => write_host(error, out),
            Error::Incomplete(_) => {
                write!(
                    out,
                    "the answer reached its length before it was whole; give it more max_tokens"
                )
            }
            Error::Json(error) => write!(out, "the answer is not of the type that was asked for: {error}"),
        }
    }
}

fn write_host(error: &types::Error, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    use types::Error::*;
    match error {
        ContextFull(size) => write!(
            out,
            "the prompt has {} tokens, the model's context {}",
            size.prompt_tokens, size.context_tokens
        ),
        Overloaded(retry_ms) => write!(out, "the model is busy; try again in {retry_ms} ms"),
        DeadlineExceeded => write!(out, "the answer took longer than it was given"),
        Cancelled => write!(out, "the answer was cancelled"),
        InvalidArgument(text)
        | ModelNotFound(text)
        | PermissionDenied(text)
        | BudgetExhausted(text)
        | Unsupported(text)
        | Internal(text) => write!(out, "{text}"),
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        Error::Host(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Json(error)
    }
}
