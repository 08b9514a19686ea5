//! Language models for a guest: a program that runs inside Quern.
//!
//!     let llm = quern::open("default")?;
//!     for piece in llm.chat("What is a quern?").stream()? {
//!         print!("{}", piece?);
//!     }
//!
//! The bindings are made from `wit/` beside this crate whenever it is built; `bindings` is all of them.

/// Everything that `wit/world.wit` names, as wit-bindgen says it.
#[allow(clippy::all)]
pub mod bindings {
    #[cfg(feature = "http")]
    wit_bindgen::generate!({
        path: "../wit",
        world: "http",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "quern::bindings",
    });
    #[cfg(feature = "filter")]
    wit_bindgen::generate!({
        path: "../wit",
        world: "filter",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "quern::bindings",
    });
    #[cfg(not(any(feature = "http", feature = "filter")))]
    wit_bindgen::generate!({ path: "../wit", world: "program", generate_all });
}

mod chat;
mod error;
#[cfg(feature = "filter")]
pub mod filter;
#[cfg(feature = "http")]
pub mod http;
mod model;
mod schema;
mod stream;
mod tools;

pub use bindings::quern::llm::types::{
    Embeddings, FinishReason, Message, ModelInfo, Part, Role, Sampling, Timings, ToolCall, Usage,
};
pub use chat::{Chat, Conversation, assistant, system, user};
pub use error::{Error, Result};
pub use model::{Model, granted_models, open};
pub use stream::{Reply, Stream};
