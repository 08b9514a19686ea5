//! chat MODEL: a conversation on LlamaEdge's crates. Each line of standard input is said to the model that
//! was preloaded as MODEL; its answer is printed piece by piece, then an empty line.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::pin::pin;

use chat_prompts::PromptTemplateType;
use either::Either;
use endpoints::chat::{ChatCompletionRequestBuilder, ChatCompletionRequestMessage, ChatCompletionUserMessageContent};
use futures::TryStreamExt;
use futures::executor::block_on;
use llama_core::chat::chat_completions;
use llama_core::metadata::ggml::GgmlMetadataBuilder;
use no_threads as _;
use serde_json::Value;

const LONGEST_ANSWER: u64 = 24;

/// What a chunk of the stream adds to the answer.
fn words(chunk: &str) -> String {
    let events = chunk.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let parsed = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    parsed.filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(String::from)).collect()
}

async fn answer(model: &str, said: &[ChatCompletionRequestMessage]) -> Result<String, Box<dyn Error>> {
    let mut request = ChatCompletionRequestBuilder::new(said).with_model(model).build();
    request.temperature = Some(0.0);
    request.stream = Some(true);
    let Either::Left(stream) = chat_completions::chat(&mut request).await?.0 else {
        return Err("a stream was asked for".into());
    };
    let (mut stream, mut whole, mut pieces) = (pin!(stream), String::new(), 0);
    while let Some(chunk) = stream.try_next().await? {
        let text = words(&chunk);
        print!("{text}");
        stdout().flush()?;
        whole += &text;
        pieces += 1;
        if pieces == LONGEST_ANSWER {
            break; // Dropping the stream ends the answer.
        }
    }
    println!("\n");
    Ok(whole)
}

fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args().nth(1).ok_or("chat MODEL")?;
    let metadata = GgmlMetadataBuilder::new(&model, &model, PromptTemplateType::ChatML).with_ctx_size(512).build();
    llama_core::init_ggml_chat_context(&[metadata])?;
    let mut said = vec![];
    for line in stdin().lock().lines() {
        said.push(ChatCompletionRequestMessage::new_user_message(ChatCompletionUserMessageContent::Text(line?), None));
        let whole = block_on(answer(&model, &said))?;
        said.push(ChatCompletionRequestMessage::new_assistant_message(Some(whole), None, None));
    }
    Ok(())
}
