//! The demo account with names that somebody chose to do harm: markup, formulas, line feeds, direction marks.

use std::collections::BTreeMap;

use ecs_network_audit::snapshot::Snapshot;

/// What replaces which word of the demo; tests/formats/run.py reads it as well.
static WORDS: &str = include_str!("hostile.json");

/// The account.
pub fn snapshot() -> Snapshot {
    let words: BTreeMap<String, String> = serde_json::from_str(WORDS).expect("the words are an object of strings");
    let demo = include_str!("demo.json").to_owned();
    let hostile = words.iter().fold(demo, |text, (word, replacement)| {
        let quoted = serde_json::to_string(replacement).expect("text is JSON");
        text.replace(word, &quoted[1..quoted.len() - 1])
    });
    serde_json::from_str(&hostile).expect("a name more or less changes nothing of the form")
}
