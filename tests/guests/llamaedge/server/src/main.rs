//! server ADDRESS CHAT [EMBEDDER]: an API server in OpenAI's form on LlamaEdge's own crates, for the
//! models that were preloaded as CHAT and EMBEDDER. LLAMA_LOG is the level of its log (default: warn).

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use chat_prompts::PromptTemplateType;
use either::Either;
use endpoints::chat::ChatCompletionRequest;
use endpoints::completions::CompletionRequest;
use endpoints::embeddings::EmbeddingRequest;
use futures::{StreamExt, TryStreamExt};
use hyper::body::to_bytes;
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Method, Request, Response, StatusCode};
use llama_core::chat::chat_completions;
use llama_core::metadata::ggml::GgmlMetadataBuilder;
use no_threads as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who may use the models now: llama-core keeps one prompt for each, so one request is answered at a
/// time, a stream to its end.
type Turns = Arc<Semaphore>;

type Answer = Result<Response<Body>, Refusal>;

struct Refusal(StatusCode, String);

fn bad(error: impl ToString) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, error.to_string())
}

fn broken(error: impl ToString) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

impl From<Refusal> for Response<Body> {
    fn from(Refusal(status, message): Refusal) -> Self {
        log::error!(target: "stderr", "{message}");
        let mut response = Response::new(Body::from(serde_json::json!({"error": {"message": message}}).to_string()));
        *response.status_mut() = status;
        response
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(bad)
}

fn with_type(kind: &str, body: Body) -> Answer {
    Response::builder().header("content-type", kind).body(body).map_err(broken)
}

fn json(value: &impl Serialize) -> Answer {
    with_type("application/json", serde_json::to_string(value).map_err(broken)?.into())
}

async fn answer(turns: Turns, request: Request<Body>) -> Answer {
    let (head, body) = request.into_parts();
    let body = to_bytes(body).await.map_err(bad)?;
    let turn = turns.acquire_owned().await.map_err(broken)?;
    match (head.method, head.uri.path()) {
        (Method::GET, "/v1/models") => json(&llama_core::models::models().await.map_err(broken)?),
        (Method::POST, "/v1/chat/completions") => chat(turn, parsed(&body)?).await,
        (Method::POST, "/v1/completions") => {
            let request: CompletionRequest = parsed(&body)?;
            json(&llama_core::completions::completions(&request).await.map_err(broken)?)
        }
        (Method::POST, "/v1/embeddings") => {
            let request: EmbeddingRequest = parsed(&body)?;
            json(&llama_core::embeddings::embeddings(&request).await.map_err(broken)?)
        }
        _ => Err(Refusal(StatusCode::NOT_FOUND, "no such path".into())),
    }
}

async fn chat(turn: OwnedSemaphorePermit, mut request: ChatCompletionRequest) -> Answer {
    let stream = match chat_completions::chat(&mut request).await.map_err(broken)?.0 {
        Either::Right(whole) => return json(&whole),
        Either::Left(stream) => stream,
    };
    let (mut client, body) = Body::channel();
    tokio::task::spawn_local(async move {
        let _turn = turn;
        let mut pieces = pin!(stream.into_stream());
        while let Some(piece) = pieces.next().await {
            let Ok(text) = piece else { return client.abort() };
            if client.send_data(text.into()).await.is_err() {
                return; // The client is gone.
            }
            tokio::task::yield_now().await; // So that what was said so far is sent.
        }
    });
    with_type("text/event-stream", body)
}

fn load(chat: &str, embedder: Option<&str>) -> Result<(), Box<dyn Error>> {
    let metadata = GgmlMetadataBuilder::new(chat, chat, PromptTemplateType::ChatML);
    llama_core::init_ggml_chat_context(&[metadata.with_ctx_size(1024).enable_plugin_log(true).build()])?;
    if let Some(name) = embedder {
        let metadata = GgmlMetadataBuilder::new(name, name, PromptTemplateType::Embedding);
        llama_core::init_ggml_embeddings_context(&[metadata.with_ctx_size(512).build()])?;
    }
    let engine = llama_core::get_plugin_info()?;
    log::info!(target: "stdout", "engine: build {} of {}", engine.build_number, engine.commit_id);
    Ok(())
}

#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move { drop(future.await) });
    }
}

async fn serve(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let turns = Turns::new(Semaphore::new(1));
    loop {
        let (stream, _) = listener.accept().await?;
        let turns = turns.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let turns = turns.clone();
                async move { Ok::<_, Infallible>(answer(turns, request).await.unwrap_or_else(Response::from)) }
            });
            // A client that goes away half-way is no error of the server.
            let _ = Http::new().with_executor(Local).serve_connection(stream, service).await;
        });
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    wasi_logger::Logger::install()?;
    log::set_max_level(std::env::var("LLAMA_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(log::LevelFilter::Warn));
    let args = std::env::args().collect::<Vec<_>>();
    let [_, address, chat, embedder @ ..] = &args[..] else {
        return Err("server ADDRESS CHAT [EMBEDDER]".into());
    };
    load(chat, embedder.first().map(String::as_str))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, serve(address.parse()?))?)
}
