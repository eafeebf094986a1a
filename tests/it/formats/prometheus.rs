//! The text form of Prometheus as node_exporter's textfile collector takes it.

use std::collections::{BTreeMap, BTreeSet};

use ecs_network_audit::report::Format;

use super::Material;

#[test]
fn series_are_unique_described_and_without_timestamps() {
    for material in [Material::demo(), Material::hostile()] {
        let text = material.render(Format::Prometheus);
        let (mut series, mut described, mut last) = (BTreeSet::new(), BTreeMap::new(), "");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                let [what, name] = [0, 1].map(|index| rest.split(' ').nth(index).unwrap());
                *described.entry(name).or_insert(0) += if what == "HELP" { 1 } else { 10 };
                last = name;
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<i64>().is_ok(), "{line}");
            assert_eq!(name.split('{').next().unwrap(), last, "families are whole");
            assert!(series.insert(name), "{line} twice");
        }
        assert!(described.values().all(|count| *count == 11), "{described:?}");
        assert!(described.keys().all(|name| name.starts_with("ecs_network_audit_")));
    }
}

#[test]
fn no_label_grows_with_tasks() {
    let text = Material::demo().render(Format::Prometheus);
    for growing in ["eni-0", "v1:", "task=", "i-0", "resource="] {
        assert!(!text.contains(growing), "{growing}");
    }
    let labels: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split(['{', ',']).skip(1)).collect();
    assert!(labels.len() < 400, "{}", labels.len());
}

#[test]
fn the_numbers_are_those_of_the_report() {
    let (material, ..) = Material::demo().closed();
    let text = material.render(Format::Prometheus);
    let sum = |wanted: &str| -> usize {
        let lines =
            text.lines().filter(|line| line.starts_with("ecs_network_audit_findings{") && line.contains(wanted));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap()).sum()
    };
    assert_eq!(sum(""), material.report.findings.len());
    assert_eq!((sum("status=\"waived\""), sum("status=\"baseline\"")), (1, 1));
    let subnet = &material.capacity.subnets[0];
    let free =
        format!("subnet=\"{}\",availability_zone=\"{}\"}} {}", subnet.subnet, subnet.availability_zone, subnet.free);
    assert!(text.contains(&free), "{free}");
    assert!(text.contains("ecs_network_audit_scan_complete 1\n"));
}
