//! notes CHAT EMBEDDER FILE QUESTION: answers from a file, on LlamaEdge's crates: the file's parts and the
//! question become vectors of the model that was preloaded as EMBEDDER, and CHAT is asked with the part
//! that is nearest. Prints that part, then the answer.

use std::error::Error;

use chat_prompts::PromptTemplateType;
use either::Either;
use endpoints::chat::{ChatCompletionRequestBuilder, ChatCompletionRequestMessage, ChatCompletionUserMessageContent};
use endpoints::embeddings::{EmbeddingRequest, InputText};
use futures::executor::block_on;
use llama_core::chat::chat_completions;
use llama_core::embeddings::{chunk_text, embeddings};
use llama_core::metadata::ggml::GgmlMetadataBuilder;
use no_threads as _;

const TOKENS_OF_A_PART: usize = 24;

async fn vectors(model: &str, texts: Vec<String>) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let input = InputText::ArrayOfStrings(texts);
    let request = EmbeddingRequest { model: Some(model.into()), input, encoding_format: None, user: None };
    Ok(embeddings(&request).await?.data.into_iter().map(|one| one.embedding).collect())
}

fn alike(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

async fn run(chat: &str, embedder: &str, file: &str, question: &str) -> Result<(), Box<dyn Error>> {
    let parts = chunk_text(std::fs::read_to_string(file)?, "txt", TOKENS_OF_A_PART)?;
    let mut texts = parts.clone();
    texts.push(question.into());
    let mut found = vectors(embedder, texts).await?;
    let asked = found.pop().ok_or("no vectors")?;
    let best = (0..parts.len()).max_by(|&a, &b| alike(&found[a], &asked).total_cmp(&alike(&found[b], &asked)));
    let part = &parts[best.ok_or("the file is empty")?];
    println!("{}", part.replace('\n', " "));

    let text = format!("{part}\n{question}");
    let said = [ChatCompletionRequestMessage::new_user_message(ChatCompletionUserMessageContent::Text(text), None)];
    let mut request = ChatCompletionRequestBuilder::new(&said).with_model(chat).build();
    request.temperature = Some(0.0);
    request.max_completion_tokens = Some(24);
    let Either::Right(whole) = chat_completions::chat(&mut request).await?.0 else {
        return Err("no stream was asked for".into());
    };
    println!("{}", whole.choices[0].message.content.as_deref().unwrap_or_default());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = std::env::args().collect::<Vec<_>>();
    let [_, chat, embedder, file, question] = &args[..] else {
        return Err("notes CHAT EMBEDDER FILE QUESTION".into());
    };
    let metadata = GgmlMetadataBuilder::new(chat, chat, PromptTemplateType::ChatML);
    llama_core::init_ggml_chat_context(&[metadata.with_ctx_size(512).build()])?;
    let metadata = GgmlMetadataBuilder::new(embedder, embedder, PromptTemplateType::Embedding);
    llama_core::init_ggml_embeddings_context(&[metadata.with_ctx_size(512).build()])?;
    block_on(run(chat, embedder, file, question))
}
