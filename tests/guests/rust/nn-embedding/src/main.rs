//! nn-embedding MODEL TEXT...: each text's vector becomes a line: its length, then its numbers.

use std::env;
use std::error::Error;

use serde_json::Value;
use wasmedge_wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

const LARGEST_ANSWER: usize = 1 << 20; // 8192 numbers of at most 20 characters, and room

fn main() -> Result<(), Box<dyn Error>> {
    let args = env::args().collect::<Vec<_>>();
    let [_, model, texts @ ..] = &args[..] else {
        return Err("nn-embedding MODEL TEXT...".into());
    };
    let graph = GraphBuilder::new(GraphEncoding::Ggml, ExecutionTarget::AUTO)
        .config(r#"{"embedding": true}"#.into())
        .build_from_cache(model)?;
    let mut context = graph.init_execution_context()?;
    let mut output = vec![0u8; LARGEST_ANSWER];
    for text in texts {
        context.set_input(0, TensorType::U8, &[1], text)?;
        context.compute()?;
        let length = context.get_output(0, &mut output)?;
        let answer: Value = serde_json::from_slice(&output[..length])?;
        let numbers = answer["embedding"].as_array().ok_or("the answer has no array \"embedding\"")?;
        let numbers = numbers.iter().map(Value::to_string).collect::<Vec<_>>();
        println!("{} {}", answer["n_embedding"], numbers.join(" "));
    }
    Ok(())
}
