//! The house rules that a compiler doesn't know.

use std::fs;
use std::path::{Path, PathBuf};

use ecs_network_audit::rules;

fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let mut files = Vec::new();
    let mut open = vec![root];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
    assert!(!files.is_empty(), "src/{room} is there");
    files
}

#[track_caller]
fn assert_none_says(rooms: &[&str], words: &[&str]) {
    for (path, text) in rooms.iter().flat_map(|room| sources(room)) {
        for word in words {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn only_the_collector_knows_the_sdk() {
    let rooms = ["snapshot", "topology", "reach", "analysis", "rules", "report", "cli", "engine", "finding.rs"];
    assert_none_says(&rooms, &["aws_sdk_", "aws_config", "aws_smithy", "aws_types"]);
}

#[test]
fn nothing_behind_the_snapshot_does_io_or_reads_a_clock() {
    let rooms = ["topology", "reach", "analysis", "rules", "report", "engine", "finding.rs", "text.rs"];
    let words =
        ["std::fs", "std::env", "std::net::Tcp", "tokio", "Timestamp::now", "SystemTime", "Instant::now", "println!"];
    let pure = |path: &Path, text: &str, word: &str| {
        // Tests at the end of a file may read and write.
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains(word), "{} says {word}", path.display());
    };
    for (path, text) in rooms.iter().flat_map(|room| sources(room)) {
        words.iter().for_each(|word| pure(&path, &text, word));
    }
}

#[test]
fn rooms_look_only_where_they_may() {
    assert_none_says(
        &["snapshot"],
        &["crate::topology", "crate::analysis", "crate::rules", "crate::collect", "crate::cli"],
    );
    assert_none_says(
        &["reach"],
        &["crate::topology", "crate::analysis", "crate::rules", "crate::collect", "crate::report"],
    );
    assert_none_says(&["topology"], &["crate::analysis", "crate::rules", "crate::collect", "crate::report"]);
    assert_none_says(&["analysis"], &["crate::collect", "crate::report", "crate::cli", "crate::rules"]);
    assert_none_says(&["rules"], &["crate::collect", "crate::report", "crate::cli"]);
    assert_none_says(
        &["report"],
        &["crate::topology", "crate::analysis", "crate::collect", "crate::cli", "crate::rules"],
    );
    assert_none_says(
        &["collect"],
        &["crate::topology", "crate::analysis", "crate::rules", "crate::report", "crate::cli"],
    );
}

#[test]
fn every_rule_has_its_file_its_page_and_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for rule in rules::ALL {
        let (folder, file) = (rule.group.name().replace('-', "_"), rule.id.replace('-', "_"));
        for path in [
            format!("src/rules/{folder}/{file}.rs"),
            format!("src/rules/{folder}/{file}.md"),
            format!("tests/it/rules/{file}.rs"),
        ] {
            assert!(root.join(&path).is_file(), "{path}");
        }
    }
}

#[test]
fn no_file_grows_without_end() {
    // The types of one API, one after the other.
    let lists = ["src/snapshot/ecs.rs", "src/snapshot/vpc.rs"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in sources("") {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let lines = text.lines().count();
        assert!(lines <= 500 || lists.contains(&name.as_str()), "{name} has {lines} lines");
    }
}
