//! Markdown as GitHub renders it: one row for one repair, nothing that a name could start, and never too large.

use std::collections::BTreeSet;

use ecs_network_audit::report::Format;
use insta::assert_snapshot;

use super::Material;

fn rows(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("| ")).collect()
}

#[test]
fn one_cause_with_many_workloads_is_one_row() {
    let material = Material::demo();
    let text = material.render(Format::Markdown);
    let causes = rows(&text).into_iter().filter(|row| row.contains("`rtb-040f1a9c5a5ea023c` is the cause"));
    assert_eq!(causes.clone().count(), 1);
    let workloads: BTreeSet<&str> = material
        .report
        .findings
        .iter()
        .filter(|f| f.cause.as_ref().is_some_and(|cause| cause.resource == "rtb-040f1a9c5a5ea023c"))
        .map(|finding| finding.resource.name.as_str())
        .collect();
    assert!(workloads.len() > 3);
    for row in causes {
        assert!(workloads.iter().all(|name| row.contains(name)), "{row}");
    }
}

/// Cells of a row as GitHub splits them.
fn cells(row: &str) -> usize {
    row.matches('|').count() - row.matches("\\|").count() - 1
}

#[test]
fn hostile_names_break_no_table_no_fence_and_no_picture() {
    let text = Material::hostile().render(Format::Markdown);
    let (mut fence, mut width) = (None::<String>, 0);
    let mut outside = String::new();
    for line in text.lines() {
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.chars().take_while(|c| *c == '`').collect()),
            None => {
                if line.starts_with('|') {
                    width = if width == 0 { cells(line) } else { width };
                    assert_eq!(cells(line), width, "{line}");
                } else {
                    width = 0;
                }
                outside.push_str(line);
                outside.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "every fence is closed");
    // What is in code or is an entity starts nothing.
    let bare: String = outside.split('`').step_by(2).collect();
    for bad in ["<script", "](", "@octocat", "javascript:", ":tada:", "$x$", "~~", "\n# "] {
        assert!(!bare.contains(bad), "{bad}");
    }
    let tags: BTreeSet<&str> = bare.split('<').skip(1).filter_map(|tag| tag.split('>').next()).collect();
    let known = BTreeSet::from(["code", "/code", "details", "/details", "summary", "/summary", "sub", "/sub"]);
    assert!(tags.is_subset(&known), "{tags:?}");
}

#[test]
fn pictures_are_few_and_mark_what_is_blocked() {
    for material in [Material::demo(), Material::hostile()] {
        let text = material.render(Format::Markdown);
        let pictures: Vec<&str> =
            text.split("```mermaid\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!((3..=5).contains(&pictures.len()), "{}", pictures.len());
        for picture in &pictures {
            assert!(picture.contains(":::blocked") && picture.contains("--x"), "{picture}");
            for line in picture.lines().filter(|line| line.contains('"')) {
                assert_eq!(line.matches('"').count(), 2, "{line}");
            }
        }
        assert!(!text.contains("click n0 \"") || !pictures.iter().any(|picture| picture.contains("click n0 \"")));
    }
    let text = Material::demo().render(Format::Markdown);
    let login = text.split("```mermaid\n").find(|picture| picture.contains("load balancer login")).unwrap();
    assert_snapshot!(login.split("```").next().unwrap());
}

#[test]
fn a_large_report_says_how_much_of_it_is_missing() {
    let mut material = Material::demo().multiplied(40_000);
    for (number, finding) in material.report.findings.iter_mut().enumerate() {
        let mut cause = ecs_network_audit::finding::Cause { kind: "ec2:subnet", resource: String::new() };
        cause.resource = format!("subnet-{number:017x}");
        finding.cause = Some(cause);
    }
    let text = material.render(Format::Markdown);
    assert!(text.len() <= 900 * 1024, "{}", text.len());
    assert!(text.len() > 600 * 1024, "{}", text.len());
    let shown = rows(&text).iter().filter(|row| row.contains("subnet-") || row.contains("-")).count();
    let note = text.lines().find(|line| line.contains("more findings do not fit here")).unwrap();
    let missing: usize = note.trim_start_matches("**").split(' ').next().unwrap().parse().unwrap();
    assert!(missing > 30_000 && missing + shown >= 40_000 && missing < 40_000, "{missing} {shown}");
    assert!(text.find("| critical |").unwrap() < 1_000, "the numbers come first");
}

#[test]
fn an_account_without_findings_says_so() {
    let (mut material, ..) = Material::demo().closed();
    material.report.findings.truncate(2);
    let text = material.render(Format::Markdown);
    assert!(text.contains("No findings, but not everything could be judged."));
    assert!(text.contains("2 findings that do not count") && text.contains("accepted &#124; &#60;b&#62;"));
    material.report.findings.clear();
    material.report.not_evaluated.clear();
    assert_snapshot!(material.render(Format::Markdown).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}
