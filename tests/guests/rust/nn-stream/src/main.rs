//! nn-stream MODEL PROMPT [TOKENS]: one line a token, as it comes; then why it ended.

use std::env;
use std::error::Error;

use wasmedge_wasi_nn::{
    BackendError, Error as NnError, ExecutionTarget, GraphBuilder, GraphEncoding, TensorType,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args = env::args().collect::<Vec<_>>();
    let [_, model, prompt, limit @ ..] = &args[..] else {
        return Err("nn-stream MODEL PROMPT [TOKENS]".into());
    };
    let limit = limit.first().map_or(Ok(usize::MAX), |tokens| tokens.parse())?;
    let graph = GraphBuilder::new(GraphEncoding::Ggml, ExecutionTarget::AUTO).build_from_cache(model)?;
    let mut context = graph.init_execution_context()?;
    context.set_input(0, TensorType::U8, &[1], prompt)?;
    let mut token = [0u8; 512];
    let mut end = "limit";
    for _ in 0..limit {
        match context.compute_single() {
            Ok(()) => {}
            Err(NnError::BackendError(BackendError::EndOfSequence)) => {
                end = "end of sequence";
                break;
            }
            Err(NnError::BackendError(BackendError::ContextFull)) => {
                end = "context full";
                break;
            }
            Err(other) => return Err(other.into()),
        }
        let length = context.get_output_single(0, &mut token)?;
        println!("{:?}", String::from_utf8_lossy(&token[..length]));
    }
    let length = context.get_output_single(1, &mut token)?;
    eprintln!("{}", String::from_utf8_lossy(&token[..length]));
    context.fini_single()?;
    eprintln!("ended: {end}");
    Ok(())
}
