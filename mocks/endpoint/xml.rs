//! Answers in XML, from the same values that answers in JSON are made of.

use serde_json::Value;

/// How a protocol writes the items of a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lists {
    /// Each in an element of this name: `item` of EC2, `member` of the other query APIs.
    Named(&'static str),
    /// Each as its own element of the list's name.
    Flat,
}

/// A document with one root element.
pub(super) fn document(root: &str, lists: Lists, value: &Value) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    element(&mut text, root, lists, value);
    text
}

fn element(text: &mut String, name: &str, lists: Lists, value: &Value) {
    match (value, lists) {
        (Value::Null, _) => {}
        (Value::Array(items), Lists::Flat) => items.iter().for_each(|item| element(text, name, lists, item)),
        (Value::Array(items), Lists::Named(item_name)) => {
            open(text, name);
            items.iter().for_each(|item| element(text, item_name, lists, item));
            close(text, name);
        }
        (Value::Object(fields), _) => {
            open(text, name);
            fields.iter().for_each(|(field, value)| element(text, field, lists, value));
            close(text, name);
        }
        (Value::String(content), _) => scalar(text, name, content),
        (other, _) => scalar(text, name, &other.to_string()),
    }
}

fn open(text: &mut String, name: &str) {
    text.push('<');
    text.push_str(name);
    text.push('>');
}

fn close(text: &mut String, name: &str) {
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

fn scalar(text: &mut String, name: &str, content: &str) {
    open(text, name);
    for c in content.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // A parser turns a bare carriage return into a line feed.
            '\r' => text.push_str("&#13;"),
            other => text.push(other),
        }
    }
    close(text, name);
}
