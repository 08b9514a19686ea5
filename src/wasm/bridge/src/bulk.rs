//! Functions that carry many bytes. In a value whose type is known only at run time each byte of a
//! list has the size of a value, forty times its own: an image would cost gigabytes, and the engine
//! refuses it. These few have their types here, so that their bytes stay bytes. For C++ nothing
//! differs.

use crate::host::{ask, Answered, Encoded, Host};
use crate::state::State;
use crate::values::{put_u32, take_rep, Decoder};
use std::sync::Arc;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, ResourceAny, ResourceDynamic};
use wasmtime::{Result, StoreContextMut};

const TENSOR: &str = "wasi:nn/tensor@0.2.0-rc-2024-10-28";
const GRAPH: &str = "wasi:nn/graph@0.2.0-rc-2024-10-28";
const ERRORS: &str = "wasi:nn/errors@0.2.0-rc-2024-10-28";

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum TensorType {
    #[component(name = "FP16")]
    F16,
    #[component(name = "FP32")]
    F32,
    #[component(name = "FP64")]
    F64,
    #[component(name = "BF16")]
    BF16,
    #[component(name = "U8")]
    U8,
    #[component(name = "I32")]
    I32,
    #[component(name = "I64")]
    I64,
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Encoding {
    #[component(name = "openvino")]
    OpenVino,
    #[component(name = "onnx")]
    Onnx,
    #[component(name = "tensorflow")]
    TensorFlow,
    #[component(name = "pytorch")]
    PyTorch,
    #[component(name = "tensorflowlite")]
    TensorFlowLite,
    #[component(name = "ggml")]
    Ggml,
    #[component(name = "autodetect")]
    Autodetect,
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Target {
    #[component(name = "cpu")]
    Cpu,
    #[component(name = "gpu")]
    Gpu,
    #[component(name = "tpu")]
    Tpu,
}

/// Defines the host's function `index` when it is one of these.
pub fn define(
    linker: &mut LinkerInstance<'_, State>,
    host: &Arc<Host>,
    index: u32,
) -> Result<bool> {
    let item = &host.items[index as usize];
    match (item.interface.as_str(), item.name.as_str()) {
        (TENSOR, "[constructor]tensor") => make_tensor(linker, host.clone(), index)?,
        (TENSOR, "[method]tensor.data") => tensor_data(linker, host.clone(), index)?,
        (GRAPH, "load") => load(linker, host.clone(), index)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn make_tensor(linker: &mut LinkerInstance<'_, State>, host: Arc<Host>, index: u32) -> Result<()> {
    type Arguments = (Vec<u32>, TensorType, Vec<u8>);
    linker.func_wrap_async("[constructor]tensor", move |mut store, arguments: Arguments| {
        let host = host.clone();
        Box::new(async move {
            let (dimensions, ty, data) = arguments;
            let mut bytes = Vec::with_capacity(data.len() + 64);
            put_u32(&mut bytes, dimensions.len());
            dimensions.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            let mut ends = vec![bytes.len()];
            put_u32(&mut bytes, ty as usize);
            ends.push(bytes.len());
            put_bytes(&mut bytes, &data);
            ends.push(bytes.len());
            drop(data);
            let answered = ask(&host, index, &mut store, Encoded { bytes, ends }).await?;
            let bytes = recorded(answered);
            let mut decoder = decoder(&host, index, &bytes);
            let tensor = own(&mut store, &host, TENSOR, "tensor", decoder.u32()?)?;
            decoder.end()?;
            Ok((tensor,))
        })
    })
}

fn tensor_data(linker: &mut LinkerInstance<'_, State>, host: Arc<Host>, index: u32) -> Result<()> {
    linker.func_wrap_async("[method]tensor.data", move |mut store, (tensor,): (ResourceAny,)| {
        let host = host.clone();
        Box::new(async move {
            let bytes = take_rep(&mut store, tensor)?.to_le_bytes().to_vec();
            let answered = ask(&host, index, &mut store, Encoded { bytes, ends: vec![4] }).await?;
            let bytes = recorded(answered);
            let mut decoder = decoder(&host, index, &bytes);
            let size = decoder.u32()? as usize;
            let data = decoder.take(size)?.to_vec();
            decoder.end()?;
            Ok((data,))
        })
    })
}

fn load(linker: &mut LinkerInstance<'_, State>, host: Arc<Host>, index: u32) -> Result<()> {
    type Arguments = (Vec<Vec<u8>>, Encoding, Target);
    type Loaded = std::result::Result<ResourceAny, ResourceAny>;
    linker.func_wrap_async("load", move |mut store, arguments: Arguments| {
        let host = host.clone();
        Box::new(async move {
            let (builders, encoding, target) = arguments;
            let mut bytes = Vec::new();
            put_u32(&mut bytes, builders.len());
            builders.iter().for_each(|builder| put_bytes(&mut bytes, builder));
            drop(builders);
            let mut ends = vec![bytes.len()];
            put_u32(&mut bytes, encoding as usize);
            ends.push(bytes.len());
            put_u32(&mut bytes, target as usize);
            ends.push(bytes.len());
            let answered = ask(&host, index, &mut store, Encoded { bytes, ends }).await?;
            let bytes = recorded(answered);
            let mut decoder = decoder(&host, index, &bytes);
            let loaded: Loaded = match decoder.take(1)?[0] {
                0 => Err(own(&mut store, &host, ERRORS, "error", decoder.u32()?)?),
                _ => Ok(own(&mut store, &host, GRAPH, "graph", decoder.u32()?)?),
            };
            decoder.end()?;
            Ok((loaded,))
        })
    })
}

/// The answer's bytes, which are recorded as they are.
fn recorded(answered: Answered) -> Vec<u8> {
    let Answered { bytes, calling, .. } = answered;
    calling.into_iter().for_each(|calling| calling.returned_value(&bytes));
    bytes
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend(bytes);
}

fn decoder<'a>(host: &'a Host, index: u32, bytes: &'a [u8]) -> Decoder<'a> {
    Decoder::new(bytes, &[], &host.items[index as usize].name)
}

/// A resource of the host under its own number, which is its item's index.
fn own(
    store: &mut StoreContextMut<'_, State>,
    host: &Host,
    interface: &str,
    name: &str,
    rep: u32,
) -> Result<ResourceAny> {
    let number = host
        .items
        .iter()
        .position(|item| item.resource && item.interface == interface && item.name == name)
        .expect("an interface of wasi:nn is defined with its resources");
    store.data_mut().take_handle()?;
    ResourceDynamic::new_own(rep, number as u32).try_into_resource_any(&mut *store)
}
