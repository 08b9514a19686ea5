//! Asks the model that its host lends.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::Deserialize;

const USAGE: &str = "usage: @NAME@ QUESTION                  the answer, as it is written
       @NAME@ --brief QUESTION          its first sentence
       @NAME@ --clock QUESTION          the model may look at the clock
       @NAME@ --closest TEXT OTHER...   which of the others is nearest in meaning";

fn ask(question: &str) -> quern::Result<()> {
    for piece in quern::open("default")?
        .chat(question)
        .temperature(0.0)
        .max_tokens(200)
        .stream()?
    {
        print!("{}", piece?);
        stdout().flush().expect("stdout is there");
    }
    println!();
    Ok(())
}

fn brief(question: &str) -> quern::Result<()> {
    let llm = quern::open("default")?;
    let mut stream = llm.chat(question).temperature(0.0).stream()?;
    let mut text = String::new();
    while !text.contains('.') {
        text += &stream.next().unwrap_or(Ok(".".into()))?;
    }
    stream.cancel();
    println!("{}", text.split_inclusive('.').next().unwrap_or_default());
    eprintln!("{} tokens", stream.whole()?.usage.completion_tokens);
    Ok(())
}

#[derive(Deserialize, JsonSchema)]
struct Zone {
    /// The name of a time zone, as in UTC.
    zone: String,
}

fn clock(arguments: Zone) -> String {
    if arguments.zone != "UTC" {
        return format!("nobody here knows the time in {}", arguments.zone);
    }
    let minutes = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() / 60);
    format!("{:02}:{:02} in UTC", minutes / 60 % 24, minutes % 60)
}

fn ask_with_clock(question: &str) -> quern::Result<()> {
    let llm = quern::open("default")?;
    let chat = llm.chat(question).tool("clock", "Says what time it is.", clock);
    println!("{}", chat.temperature(0.0).max_tokens(200).reply()?.text);
    Ok(())
}

fn closest(texts: &[&str]) -> quern::Result<()> {
    let vectors = quern::open("default")?.embed(texts)?.vectors;
    let likeness = |at: usize| -> f32 { vectors[0].iter().zip(&vectors[at]).map(|(a, b)| a * b).sum() };
    let best = (1..texts.len())
        .max_by(|&a, &b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or(0);
    println!("{}", texts[best]);
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["--brief", question] => brief(question),
        ["--clock", question] => ask_with_clock(question),
        ["--closest", ref texts @ ..] if texts.len() > 1 => closest(texts),
        [question] if !question.starts_with('-') => ask(question),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("@NAME@: {problem}");
            ExitCode::FAILURE
        }
    }
}
