//! nn-tensors GRAPH [TYPE DIMENSIONS BYTES]...: computes a graph of WASI-NN once, as a core module.
//! GRAPH is a granted name, or @FILE, whose bytes are loaded as what its name says, else as ONNX;
//! @FILE.xml,WEIGHTS has two parts. Inputs come in the graph's own order; TYPE is WASI-NN's number, DIMENSIONS as in 2x3, BYTES in hexadecimal. Each output becomes a line of bytes.

use std::env;
use std::error::Error;

use wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

const LARGEST_OUTPUT: usize = 8 << 20;
const TYPES: [TensorType; 6] =
    [TensorType::F16, TensorType::F32, TensorType::F64, TensorType::U8, TensorType::I32, TensorType::I64];

fn unhex(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    (0..text.len() / 2).map(|at| Ok(u8::from_str_radix(&text[2 * at..2 * at + 2], 16)?)).collect()
}

fn encoding_of(file: &str) -> GraphEncoding {
    match file.rsplit('.').next() {
        Some("xml") => GraphEncoding::Openvino,
        Some("pb") => GraphEncoding::Tensorflow,
        Some("pt") => GraphEncoding::Pytorch,
        Some("tflite") => GraphEncoding::TensorflowLite,
        _ => GraphEncoding::Onnx,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = env::args().collect::<Vec<_>>();
    let [_, graph, inputs @ ..] = &args[..] else {
        return Err("nn-tensors GRAPH [TYPE DIMENSIONS BYTES]...".into());
    };
    let graph = match graph.strip_prefix('@') {
        Some(files) => {
            let files = files.split(',').collect::<Vec<_>>();
            GraphBuilder::new(encoding_of(files[0]), ExecutionTarget::CPU).build_from_files(files)?
        }
        None => GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU).build_from_cache(graph)?,
    };
    let mut context = graph.init_execution_context()?;
    for (index, input) in inputs.chunks(3).enumerate() {
        let dimensions = input[1].split('x').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        context.set_input(index, TYPES[input[0].parse::<usize>()?], &dimensions, &unhex(&input[2])?)?;
    }
    context.compute()?;
    let mut output = vec![0u8; LARGEST_OUTPUT];
    for index in 0.. {
        let Ok(length) = context.get_output(index, &mut output) else { break };
        println!("{}", output[..length].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    Ok(())
}
