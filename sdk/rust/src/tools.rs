//! Functions of this program as a model's tools.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Result;
use crate::bindings::quern::llm::types::Tool;
use crate::schema::{JsonSchema, schema_of};

pub(crate) struct Function<'a> {
    pub tool: Tool,
    run: Box<dyn Fn(&str) -> Result<String> + 'a>,
}

impl<'a> Function<'a> {
    pub fn new<Arguments, Returned>(
        name: &str,
        description: &str,
        call: impl Fn(Arguments) -> Returned + 'a,
    ) -> Self
    where
        Arguments: JsonSchema + DeserializeOwned,
        Returned: Serialize,
    {
        let parameters = schema_of::<Arguments>().to_string();
        let tool = Tool {
            name: name.into(),
            description: description.into(),
            parameters,
        };
        let run = move |arguments: &str| {
            // The model is told texts as they are, everything else as JSON.
            Ok(
                match serde_json::to_value(call(serde_json::from_str(arguments)?))? {
                    Value::String(text) => text,
                    other => other.to_string(),
                },
            )
        };
        Function {
            tool,
            run: Box::new(run),
        }
    }

    pub fn call(&self, arguments: &str) -> Result<String> {
        (self.run)(arguments)
    }
}
