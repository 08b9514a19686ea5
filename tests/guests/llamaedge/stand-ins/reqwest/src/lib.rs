//! Nothing: the name that llama-core asks for.
