//! quern:log for a filter in a pipeline: a value that is asked about each event.
//!
//!     quern::filter!(Sieve);
//!
//!     struct Sieve;
//!
//!     impl Filter for Sieve {
//!         fn configure(_: &Options) -> Result<Self, String> {
//!             Ok(Sieve)
//!         }
//!         fn process(&mut self, event: Event) -> Answer {
//!             Ok(if event.body["level"] == "debug" { Outcome::Drop } else { Outcome::Keep })
//!         }
//!     }

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Map;
pub use serde_json::{Value, json};

use crate::bindings::quern::log::{metrics, types};

/// The filter's own options, as the pipeline's file says them under `config`.
pub type Options = BTreeMap<String, String>;

/// What becomes of an event; of one whose processing fails it is a dead letter, with the error as its reason.
pub type Answer = Result<Outcome, Box<dyn std::error::Error>>;

pub type Body = Map<String, Value>;

/// A record on its way. Times are since 1970.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where it goes: of an event that the filter makes it may be another.
    pub tag: Rc<str>,
    pub seconds: u64,
    pub nanoseconds: u32,
    pub body: Body,
    /// A JSON object; most events have none.
    pub metadata: Option<String>,
}

impl Event {
    /// Another body with this one's tag, time and metadata.
    pub fn with(&self, body: Body) -> Event {
        Event { tag: self.tag.clone(), metadata: self.metadata.clone(), body, ..*self }
    }
}

pub enum Outcome {
    Keep,
    Drop,
    /// The same event with this body.
    Change(Body),
    /// These in its place; none is the same as Drop.
    Replace(Vec<Event>),
    /// It goes to the filter's dead letters, with this reason.
    Dead(String),
}

/// One is made when the pipeline starts, and another one after a trap. What it remembers from event to event is its own.
pub trait Filter: Sized {
    /// An error is for whoever wrote the options, and the pipeline does not start.
    fn configure(options: &Options) -> Result<Self, String>;
    fn process(&mut self, event: Event) -> Answer;
}

/// Adds to a counter of the filter's own.
pub fn count(name: &str, by: u64) {
    metrics::count(name, by);
}

/// Says how much there is of something now.
pub fn gauge(name: &str, value: f64) {
    metrics::gauge(name, value);
}

#[doc(hidden)]
pub fn process<F: Filter>(filter: &mut F, tag: String, events: Vec<types::Event>) -> Vec<types::Outcome> {
    let tag: Rc<str> = tag.into();
    let one = |event| process_one(filter, &tag, event).unwrap_or_else(|error| types::Outcome::Dead(error.to_string()));
    events.into_iter().map(one).collect()
}

fn process_one<F: Filter>(
    filter: &mut F,
    tag: &Rc<str>,
    given: types::Event,
) -> Result<types::Outcome, Box<dyn std::error::Error>> {
    let event = Event {
        tag: tag.clone(),
        seconds: given.seconds,
        nanoseconds: given.nanoseconds,
        body: serde_json::from_str(&given.body)?,
        metadata: given.metadata,
    };
    Ok(match filter.process(event)? {
        Outcome::Keep => types::Outcome::Keep,
        Outcome::Drop => types::Outcome::Drop,
        Outcome::Change(body) => types::Outcome::Change(text(&body)),
        Outcome::Replace(events) => types::Outcome::Replace(events.into_iter().map(|made| made_of(made, tag)).collect()),
        Outcome::Dead(reason) => types::Outcome::Dead(reason),
    })
}

fn made_of(event: Event, tag: &Rc<str>) -> types::NewEvent {
    types::NewEvent {
        tag: (event.tag != *tag).then(|| event.tag.to_string()),
        seconds: event.seconds,
        nanoseconds: event.nanoseconds,
        body: text(&event.body),
        metadata: event.metadata,
    }
}

/// A body as its JSON.
pub fn text(body: &Body) -> String {
    serde_json::to_string(body).expect("a map of texts and values is JSON")
}

/// Makes this program the filter whose type is named.
#[macro_export]
macro_rules! filter {
    ($filter:ty) => {
        struct QuernFilter;

        thread_local! {
            static QUERN_FILTER: std::cell::RefCell<Option<$filter>> = const { std::cell::RefCell::new(None) };
        }

        impl $crate::bindings::exports::quern::log::filter::Guest for QuernFilter {
            fn configure(options: Vec<(String, String)>) -> Result<(), String> {
                let made = <$filter as $crate::filter::Filter>::configure(&options.into_iter().collect())?;
                QUERN_FILTER.set(Some(made));
                Ok(())
            }

            fn process(
                tag: String,
                events: Vec<$crate::bindings::quern::log::types::Event>,
            ) -> Vec<$crate::bindings::quern::log::types::Outcome> {
                QUERN_FILTER.with_borrow_mut(|filter| {
                    let filter = filter.as_mut().expect("the host configures before it processes");
                    $crate::filter::process(filter, tag, events)
                })
            }
        }

        $crate::bindings::export!(QuernFilter with_types_in $crate::bindings);
    };
}
