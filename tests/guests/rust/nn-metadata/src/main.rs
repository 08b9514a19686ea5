//! nn-metadata MODEL CONFIG OPTIONS PROMPT: the graph is loaded with CONFIG, the answer is made with
//! OPTIONS (both JSON, as in `{"n-predict": 8, "grammar": "..."}`; empty: none).

use std::env;
use std::error::Error;

use wasmedge_wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

const OPTIONS_INDEX: usize = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let [_, model, config, options, prompt] = &env::args().collect::<Vec<_>>()[..] else {
        return Err("nn-metadata MODEL CONFIG OPTIONS PROMPT".into());
    };
    let mut builder = GraphBuilder::new(GraphEncoding::Ggml, ExecutionTarget::AUTO);
    if !config.is_empty() {
        builder = builder.config(config.clone());
    }
    let mut context = builder.build_from_cache(model)?.init_execution_context()?;
    let mut output = vec![0u8; 64 * 1024];
    // A server asks for the host's build before there is any prompt.
    let length = context.get_output(1, &mut output)?;
    eprintln!("{}", String::from_utf8_lossy(&output[..length]));
    if !options.is_empty() {
        context.set_input(OPTIONS_INDEX, TensorType::U8, &[1], options)?;
    }
    context.set_input(0, TensorType::U8, &[1], prompt)?;
    context.compute()?;
    let length = context.get_output(0, &mut output)?;
    println!("{}", String::from_utf8_lossy(&output[..length]));
    let length = context.get_output(1, &mut output)?;
    eprintln!("{}", String::from_utf8_lossy(&output[..length]));
    Ok(())
}
