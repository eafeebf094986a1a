//! Reports in files: endings, and names in front.

use std::fs;

use ecs_network_audit::report::Format;
use tempfile::TempDir;

use crate::binary::{run, run_in};

#[test]
fn every_format_is_written_by_each_of_its_endings_and_by_its_name() {
    for format in Format::ALL {
        let home = TempDir::new().unwrap();
        let named = format!("{}=named", format.name());
        let files: Vec<String> = format.endings().iter().map(|ending| format!("report.{ending}")).collect();
        let outputs = files.iter().chain([&named]).flat_map(|file| ["--output", file]);
        let arguments: Vec<&str> = ["--demo", "--format", format.name()].into_iter().chain(outputs).collect();
        let ran = run_in(&home, &arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", format.name());
        for file in files.iter().map(String::as_str).chain(["named"]) {
            assert!(fs::read_to_string(home.path().join(file)).unwrap() == ran.stdout, "{file}");
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), files.len() + 1, "no temporary file is left");
    }
}

#[test]
fn an_ending_that_is_no_format_is_refused_with_those_that_are() {
    let ran = run(&["--demo", "--output", "report.docx"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    for ending in Format::ALL.iter().flat_map(|format| format.endings()) {
        assert!(ran.stderr.contains(&format!(".{ending}")), "{ending}: {}", ran.stderr);
    }
}

#[test]
fn two_reports_of_one_name_are_refused_before_anything_is_read() {
    let ran = run(&["--demo", "--output", "x.json", "--output", "ndjson=x.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("x.json: two reports"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_and_not_replaced() {
    let ran = run(&["--demo", "--output", "csv=/dev/null", "--output", "json=/dev/stdout", "--format", "csv"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(ran.stdout.starts_with("{\n") && ran.stdout.contains("\nid,rule,"));
}

#[test]
fn help_names_the_formats_and_the_endings() {
    let help = run(&["--help"]).stdout;
    for format in Format::ALL {
        assert!(help.contains(format.name()) && help.contains(format.about()), "{}", format.name());
        assert!(format.endings().iter().any(|ending| help.contains(&format!(".{ending}"))), "{}", format.name());
    }
}
