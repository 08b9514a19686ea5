// Cargo wants a source file; see Cargo.toml.
