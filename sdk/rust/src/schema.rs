//! Types as JSON Schema, in the words that the host enforces.

pub use schemars::JsonSchema;
use serde_json::Value;

pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    without_widths(&mut schema);
    schema
}

/// "format": "uint8" and the like tell of the width of a number, which no grammar enforces.
fn without_widths(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("type").is_some_and(|kind| kind != "string") {
                members.remove("format");
            }
            members.values_mut().for_each(without_widths);
        }
        Value::Array(items) => items.iter_mut().for_each(without_widths),
        _ => {}
    }
}
