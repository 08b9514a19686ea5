//! How does a text sound? POST it, and read the verdict as JSON while the model writes it.

use quern::http::{Problem, Request, Response};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

#[derive(Deserialize, JsonSchema)]
struct Verdict {
    sentiment: Sentiment,
    /// Percent.
    #[schemars(range(min = 0, max = 100))]
    confidence: u8,
    #[allow(dead_code)]
    #[schemars(length(max = 120))]
    reason: String,
}

quern::http!(answer);

fn answer(request: &Request, response: &mut Response) -> Result<(), Problem> {
    if request.method() != "POST" {
        return Err(Problem::Refused(405, "POST a text to this address".into()));
    }
    let text = request.text(64 * 1024)?;
    if text.trim().is_empty() {
        return Err(Problem::Refused(400, "the text is empty".into()));
    }
    let llm = quern::open("default")?;
    let mut stream = llm
        .chat(text)
        .system("Judge how the user's text sounds, and say in one sentence why.")
        .returns::<Verdict>()
        .temperature(0.0)
        .max_tokens(300)
        .stream()?;
    // A client that leaves ends this instance, and the model stops.
    for piece in &mut stream {
        let piece = piece?;
        if !response.started() {
            response.start(200, "application/json")?;
        }
        response.write(&piece)?;
    }
    let verdict: Verdict = stream.value()?;
    println!(
        "{:?}, {} %, {} tokens",
        verdict.sentiment,
        verdict.confidence,
        stream.whole()?.usage.completion_tokens
    );
    Ok(())
}
