//! Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
//! the others where the pipeline's file says ask = "true".

use quern::filter::{Answer, Body, Event, Filter, Options, Outcome, Value, count, text};

quern::filter!(Sieve);

struct Sieve {
    llm: Option<quern::Model>,
}

impl Filter for Sieve {
    fn configure(options: &Options) -> Result<Self, String> {
        if let Some(unknown) = options.keys().find(|name| *name != "ask") {
            return Err(format!("there is no option {unknown}; there is ask"));
        }
        let asks = options.get("ask").is_some_and(|ask| ask == "true");
        let llm = asks.then(|| quern::open("default")).transpose();
        Ok(Sieve { llm: llm.map_err(|error| error.to_string())? })
    }

    fn process(&mut self, mut event: Event) -> Answer {
        if event.body.get("level").is_some_and(|level| level == "debug") {
            count("debug_lines", 1);
            return Ok(Outcome::Drop);
        }
        if let Some(Value::Array(items)) = event.body.get("items") {
            return Ok(Outcome::Replace(items.iter().map(|item| part(&event, item)).collect()));
        }
        if let Some(llm) = &self.llm {
            let word = ask(llm, &event.body)?;
            event.body.insert("word".into(), word.into());
        }
        event.body.insert("by".into(), "@NAME@".into());
        Ok(Outcome::Change(event.body))
    }
}

fn part(whole: &Event, item: &Value) -> Event {
    let mut part = whole.clone();
    part.body.remove("items");
    part.body.insert("item".into(), item.clone());
    part.body.insert("by".into(), "@NAME@".into());
    part
}

fn ask(llm: &quern::Model, record: &Body) -> quern::Result<String> {
    let chat = llm.chat(text(record)).system("Say in one word what this log record is about.");
    Ok(chat.temperature(0.0).max_tokens(8).reply()?.text.trim().to_string())
}
