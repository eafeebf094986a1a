//! Generated accounts: healthy ones are silent, and of planted mistakes each is found and nothing else.

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::Report;
use ecs_network_audit::settings::Settings;

use crate::mocks::generate::{Health, PLANTED_RULES, Size, generate};

fn said(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    findings.map(|f| format!("{} {} {}: {}", f.severity.name(), f.rule, f.resource.name, f.message)).collect()
}

#[test]
fn a_healthy_account_is_silent() {
    for seed in 0..3 {
        let generated = generate(seed, Size::S, Health::Healthy);
        assert!(generated.expected.is_empty());
        let report = evaluate(&generated.snapshot, &Settings::all_rules());
        let open: Vec<String> = report.not_evaluated.iter().map(|n| format!("{} {}", n.rule, n.reason)).collect();
        assert_eq!(open, Vec::<String>::new(), "seed {seed}");
        assert_eq!(said(&report), Vec::<String>::new(), "seed {seed}");
    }
}

/// Its deployments are under way and the quota of its ENIs is not shown, so that some is left open.
#[test]
fn a_large_healthy_account_is_silent_too() {
    let report = evaluate(&generate(0, Size::M, Health::Healthy).snapshot, &Settings::all_rules());
    assert_eq!(said(&report), Vec::<String>::new());
    assert_eq!(report.counts.tasks, Size::M.tasks);
}

#[test]
fn planted_mistakes_are_found_and_nothing_else() {
    for seed in 0..3 {
        let generated = generate(seed, Size::S, Health::Planted);
        let settings = Settings { rules: PLANTED_RULES.to_vec(), ..Settings::all_rules() };
        let report = evaluate(&generated.snapshot, &settings);
        let mut found: Vec<(&str, String)> =
            report.findings.iter().map(|f| (f.rule, f.resource.name.clone())).collect();
        found.sort();
        assert_eq!(found, generated.expected, "seed {seed}: {:#?}", said(&report));
        assert_eq!(generated.expected.len(), 2 * PLANTED_RULES.len());
    }
}

#[test]
fn the_same_seed_makes_the_same_account() {
    let [one, same, other] = [1, 1, 2].map(|seed| generate(seed, Size::S, Health::Planted).snapshot);
    assert_eq!(one, same);
    assert_ne!(one, other);
}

#[test]
fn a_size_says_how_much_there_is() {
    for size in [Size::S, Size::M] {
        let generated = generate(7, size, Health::Healthy);
        let data = &generated.snapshot.targets[0].data;
        let counts = Size {
            clusters: data.clusters.items().len(),
            services: data.services.items().len(),
            tasks: data.tasks.items().len(),
            revisions: data.task_definitions.items().len(),
            vpcs: data.vpcs.items().len(),
            instances: data.container_instances.items().len(),
        };
        assert_eq!(counts, size);
    }
}
