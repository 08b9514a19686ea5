//! Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
//! the others where the pipeline's file says ask = "true".

use quern::filter::{Answer, Event, Filter, Options, Outcome, Value, count};

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

    fn process(&mut self, event: &Event) -> Answer {
        if event.body.get("level").is_some_and(|level| level == "debug") {
            count("debug_lines", 1);
            return Ok(Outcome::Drop);
        }
        let mut body = event.body.clone();
        body.insert("by".into(), "@NAME@".into());
        if let Some(Value::Array(items)) = body.remove("items") {
            let one = |item| {
                let mut part = event.with(body.clone());
                part.body.insert("item".into(), item);
                part
            };
            return Ok(Outcome::Replace(items.into_iter().map(one).collect()));
        }
        if let Some(llm) = &self.llm {
            body.insert("word".into(), ask(llm, &Value::Object(event.body.clone()).to_string())?.into());
        }
        Ok(Outcome::Change(body))
    }
}

fn ask(llm: &quern::Model, record: &str) -> quern::Result<String> {
    let chat = llm.chat(record).system("Say in one word what this log record is about.");
    Ok(chat.temperature(0.0).max_tokens(8).reply()?.text.trim().to_string())
}
