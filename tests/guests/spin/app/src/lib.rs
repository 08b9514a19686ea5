//! A Spin app as its Rust template makes one, that uses what Spin's host offers: each path is one
//! call, its answer is the result as text.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;
use spin_sdk::llm::{self, EmbeddingModel, InferencingModel, InferencingParams};
use spin_sdk::variables;
// The SDK has no words of its own for these yet; its bindings do.
use spin_sdk::wit::wasi::config::store as config;
use spin_sdk::wit::wasi::keyvalue::{atomics, batch, store};

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let body = String::from_utf8(request.body().to_vec())?;
    let (status, text) = match answer(request.path(), request.query(), &body) {
        Some(Ok(text)) => (200, text),
        Some(Err(error)) => (502, error.to_string()),
        None => (404, "no such path".to_string()),
    };
    Ok(Response::builder().status(status).header("content-type", "text/plain").body(text).build())
}

/// `query` is the name of what the path works on: a model, a key, a variable.
fn answer(path: &str, query: &str, body: &str) -> Option<anyhow::Result<String>> {
    Some(match path {
        "/infer" => infer(query, body),
        "/infer-with-options" => infer_with_options(query, body),
        "/embed" => embed(query, body),
        "/open" => Store::open(query).map(|_| "open".into()).map_err(Into::into),
        "/get" => get(query),
        "/set" => set(query, body),
        "/delete" => delete(query),
        "/keys" => keys(),
        "/increment" => increment(query, body),
        "/swap" => swap(query, body),
        "/set-many" => set_many(body),
        "/pages" => pages(),
        "/variable" => variables::get(query).map_err(Into::into),
        "/config" => config_value(query),
        _ => return None,
    })
}

fn told(result: llm::InferencingResult) -> String {
    let usage = result.usage;
    format!("{} {}\n{}", usage.prompt_token_count, usage.generated_token_count, result.text)
}

fn infer(model: &str, prompt: &str) -> anyhow::Result<String> {
    Ok(told(llm::infer(InferencingModel::Other(model), prompt)?))
}

/// At most eight tokens, and always the most probable one.
fn infer_with_options(model: &str, prompt: &str) -> anyhow::Result<String> {
    let options = InferencingParams {
        max_tokens: 8,
        repeat_penalty: 1.0,
        repeat_penalty_last_n_token_count: 0,
        temperature: 0.0,
        top_k: 1,
        top_p: 1.0,
    };
    Ok(told(llm::infer_with_options(InferencingModel::Other(model), prompt, options)?))
}

/// Each line of the body as a vector: tokens of all, then one vector a line.
fn embed(model: &str, body: &str) -> anyhow::Result<String> {
    let texts: Vec<String> = body.lines().map(String::from).collect();
    let result = llm::generate_embeddings(EmbeddingModel::Other(model), &texts)?;
    let vectors = result.embeddings.iter().map(|vector| {
        vector.iter().map(f32::to_string).collect::<Vec<_>>().join(" ")
    });
    let lines: Vec<String> = vectors.collect();
    Ok(format!("{}\n{}", result.usage.prompt_token_count, lines.join("\n")))
}

fn get(key: &str) -> anyhow::Result<String> {
    let store = Store::open_default()?;
    let value = store.get(key)?;
    anyhow::ensure!(value.is_some() == store.exists(key)?, "get and exists disagree");
    Ok(value.map_or("nothing".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn set(key: &str, value: &str) -> anyhow::Result<String> {
    Store::open_default()?.set(key, value.as_bytes())?;
    Ok("set".into())
}

fn delete(key: &str) -> anyhow::Result<String> {
    Store::open_default()?.delete(key)?;
    Ok("deleted".into())
}

fn keys() -> anyhow::Result<String> {
    Ok(Store::open_default()?.get_keys()?.join("\n"))
}

fn bucket() -> anyhow::Result<store::Bucket> {
    store::open("default").map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn increment(key: &str, delta: &str) -> anyhow::Result<String> {
    let sum = atomics::increment(&bucket()?, key, delta.parse()?);
    sum.map(|number| number.to_string()).map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Appends to the value, again and again until nobody was in between.
fn swap(key: &str, more: &str) -> anyhow::Result<String> {
    let other = |error: store::Error| anyhow::anyhow!("{error:?}");
    let mut cas = atomics::Cas::new(&bucket()?, key).map_err(other)?;
    loop {
        let mut value = cas.current().map_err(other)?.unwrap_or_default();
        value.extend(more.as_bytes());
        match atomics::swap(cas, &value) {
            Ok(()) => return Ok(String::from_utf8_lossy(&value).into_owned()),
            Err(atomics::CasError::CasFailed(fresh)) => cas = fresh,
            Err(atomics::CasError::StoreError(error)) => return Err(other(error)),
        }
    }
}

/// Each line is a key and, after a blank, its value. They are read back.
fn set_many(body: &str) -> anyhow::Result<String> {
    let other = |error: store::Error| anyhow::anyhow!("{error:?}");
    let bucket = bucket()?;
    let pairs = body.lines().filter_map(|line| line.split_once(' '));
    let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_string(), value.as_bytes().to_vec())).collect();
    batch::set_many(&bucket, &pairs).map_err(other)?;
    let keys: Vec<_> = pairs.iter().map(|(key, _)| key.clone()).collect();
    let back = batch::get_many(&bucket, &keys).map_err(other)?;
    anyhow::ensure!(back.iter().all(|(_, value)| value.is_some()), "something is missing");
    batch::delete_many(&bucket, &keys[..1]).map_err(other)?;
    Ok(back.len().to_string())
}

/// How many pages a listing has, and how many keys.
fn pages() -> anyhow::Result<String> {
    let bucket = bucket()?;
    let (mut pages, mut keys, mut cursor) = (0, 0, None);
    loop {
        let page = bucket.list_keys(cursor.as_deref()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        pages += 1;
        keys += page.keys.len();
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(format!("{pages} {keys}"));
        }
    }
}

fn config_value(name: &str) -> anyhow::Result<String> {
    let value = config::get(name).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(value.unwrap_or("nothing".into()))
}
