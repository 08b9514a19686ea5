//! nn-basic MODEL PROMPT: the whole answer at once, then on standard error what the host says of it.

use std::env;
use std::error::Error;

use wasmedge_wasi_nn::{
    BackendError, Error as NnError, ExecutionTarget, GraphBuilder, GraphEncoding, TensorType,
};

const LARGEST_ANSWER: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let [_, model, prompt] = &env::args().collect::<Vec<_>>()[..] else {
        return Err("nn-basic MODEL PROMPT".into());
    };
    let graph = GraphBuilder::new(GraphEncoding::Ggml, ExecutionTarget::AUTO).build_from_cache(model)?;
    let mut context = graph.init_execution_context()?;
    context.set_input(0, TensorType::U8, &[1], prompt)?;
    match context.compute() {
        Ok(()) => {}
        // What was said until then is an answer all the same.
        Err(NnError::BackendError(BackendError::ContextFull)) => eprintln!("context full"),
        Err(other) => return Err(other.into()),
    }
    let mut answer = vec![0u8; LARGEST_ANSWER];
    let length = context.get_output(0, &mut answer)?;
    println!("{}", String::from_utf8_lossy(&answer[..length]));
    let length = context.get_output(1, &mut answer)?;
    eprintln!("{}", String::from_utf8_lossy(&answer[..length]));
    graph.unload()?;
    Ok(())
}
