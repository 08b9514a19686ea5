//! A Spin app as its Rust template makes one, that uses what Spin's host offers: each path is one
//! call, its answer is the result as text.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::llm::{self, EmbeddingModel, InferencingModel, InferencingParams};

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

/// `query` is the name of what the path works on: a model, a key.
fn answer(path: &str, query: &str, body: &str) -> Option<anyhow::Result<String>> {
    Some(match path {
        "/infer" => infer(query, body),
        "/infer-with-options" => infer_with_options(query, body),
        "/embed" => embed(query, body),
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
