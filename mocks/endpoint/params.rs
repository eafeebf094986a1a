//! The parameters of a request, whichever protocol brought them.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Parameters by name. Those of query APIs, `Filter.1.Name`, are nested like those of JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Value);

impl Params {
    /// Of a JSON body; an empty one has none.
    pub(super) fn from_json(body: &[u8]) -> Option<Self> {
        if body.is_empty() { Some(Self::default()) } else { serde_json::from_slice(body).ok().map(Self) }
    }

    /// Of a query string or a form.
    pub(super) fn from_form(form: &str) -> Self {
        let mut root = Map::new();
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            insert(&mut root, &decoded(name), decoded(value));
        }
        Self(Value::Object(root))
    }

    /// Adds one that came in the path.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let value = Value::String(decoded(value));
        match &mut self.0 {
            Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
            other => *other = Value::Object([(name.to_owned(), value)].into_iter().collect()),
        }
        self
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        match self.0.get(name)? {
            Value::String(text) => text.parse().ok(),
            other => usize::try_from(other.as_u64()?).ok(),
        }
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// The items of a list; a single text is a list of one.
    pub(super) fn strings(&self, name: &str) -> Vec<&str> {
        self.0.get(name).map(strings).unwrap_or_default()
    }

    /// The identifier of an image, which is a structure.
    pub(super) fn of_items(&self, name: &str, fields: &[&str]) -> Vec<&str> {
        let items = self.0.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| fields.iter().find_map(|field| item.get(field)?.as_str())).collect()
    }

    /// The values of an EC2 filter.
    pub(super) fn filter(&self, name: &str) -> Option<Vec<&str>> {
        let filters = self.0.get("Filter")?.as_object()?;
        let named = filters.values().find(|filter| filter.get("Name").and_then(Value::as_str) == Some(name))?;
        named.get("Value").map(strings)
    }

    /// Whether there is any EC2 filter.
    pub(super) fn is_filtered(&self) -> bool {
        self.0.get("Filter").is_some()
    }
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(fields) => match fields.get("member") {
            Some(members) => strings(members),
            None => {
                let mut numbered: Vec<(usize, &str)> =
                    fields.iter().filter_map(|(at, value)| Some((at.parse().ok()?, value.as_str()?))).collect();
                numbered.sort_unstable();
                numbered.into_iter().map(|(_, text)| text).collect()
            }
        },
        _ => Vec::new(),
    }
}

fn insert(fields: &mut Map<String, Value>, name: &str, value: String) {
    match name.split_once('.') {
        None => drop(fields.insert(name.to_owned(), Value::String(value))),
        Some((first, rest)) => {
            let inner = fields.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
