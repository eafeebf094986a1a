//! How long it takes to judge a large account that was already read.
//!
//! `cargo bench` prints the times; the README quotes them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark has no readers of its API")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ecs_network_audit::analysis::Analyses;
use ecs_network_audit::engine::evaluate;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::topology::Topology;
use mimalloc::MiMalloc;

/// The one that the binary has.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn paths(criterion: &mut Criterion) {
    let snapshot = mocks::large::ten_thousand_services().snapshot();
    let settings = Settings::all_rules();
    let mut group = criterion.benchmark_group("10,000 services in 200 subnets");
    group.sample_size(10);
    group.bench_function("topology", |bencher| {
        bencher.iter(|| black_box(Topology::build(&snapshot, &snapshot.targets[0]).workloads().len()));
    });
    group.bench_function("egress and ingress", |bencher| {
        let topology = Topology::build(&snapshot, &snapshot.targets[0]);
        bencher.iter(|| {
            let analyses = Analyses::new(&topology, &settings);
            for workload in topology.workloads() {
                black_box(analyses.egress(workload));
                black_box(analyses.ingress(workload));
            }
        });
    });
    group.bench_function("all rules", |bencher| {
        bencher.iter(|| black_box(evaluate(&snapshot, &settings).findings.len()));
    });
    group.finish();
}

fn capacity(criterion: &mut Criterion) {
    let snapshot = mocks::large::five_thousand_instances().snapshot();
    let rules = ecs_network_audit::rules::ALL.iter();
    let of_group = rules.filter(|rule| rule.group == ecs_network_audit::rules::Group::Capacity);
    let settings = Settings { rules: of_group.map(|rule| rule.id).collect(), ..Settings::all_rules() };
    let mut group = criterion.benchmark_group("5,000 instances with 50,000 tasks");
    group.sample_size(10);
    group.bench_function("capacity rules", |bencher| {
        bencher.iter(|| black_box(evaluate(&snapshot, &settings).findings.len()));
    });
    group.finish();
}

fn tasks(criterion: &mut Criterion) {
    let snapshot = mocks::large::hundred_thousand_tasks().snapshot();
    let settings = Settings::all_rules();
    let mut group = criterion.benchmark_group("10,000 services with 100,000 tasks");
    group.sample_size(10);
    group.bench_function("topology", |bencher| {
        bencher.iter(|| black_box(Topology::build(&snapshot, &snapshot.targets[0]).workloads().len()));
    });
    group.bench_function("all rules", |bencher| {
        bencher.iter(|| black_box(evaluate(&snapshot, &settings).findings.len()));
    });
    group.finish();
}

criterion_group!(benches, paths, tasks, capacity);
criterion_main!(benches);
