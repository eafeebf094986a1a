//! The text form of Prometheus for the textfile collector of node_exporter: gauges without timestamps. No label holds a
//! task, an interface or a finding, so that there are no more series than rules, clusters and subnets.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape::label;
use super::shown::{self, VERSION};
use crate::capacity::{Capacity, SubnetCapacity, TypeCapacity};
use crate::finding::{NotEvaluatedKind, Report, Severity, TargetStatus};

/// Renders what was found, what was read, and what clusters and subnets still hold.
pub(super) fn render(report: &Report, capacity: Option<&Capacity>, least: Severity) -> String {
    let mut page = Page(String::new());
    page.scan(report);
    page.findings(report, least);
    page.judgements(report);
    if let Some(capacity) = capacity {
        page.clusters(capacity);
        page.subnets(capacity);
    }
    page.0
}

struct Page(String);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Page {
    /// One family; nothing of it is written when it has no series.
    fn gauge<'a>(&mut self, name: &str, help: &str, series: impl IntoIterator<Item = (Labels<'a>, i128)>) {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return;
        }
        let _ = writeln!(self.0, "# HELP ecs_network_audit_{name} {help}");
        let _ = writeln!(self.0, "# TYPE ecs_network_audit_{name} gauge");
        for (labels, value) in series {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "ecs_network_audit_{name}{labels} {value}");
        }
    }

    fn scan(&mut self, report: &Report) {
        let (scan, counts) = (&report.scan, report.counts);
        self.gauge("info", "The version that made these numbers.", [(vec![("version", VERSION)], 1)]);
        let finished = i128::from(scan.finished_at.as_second());
        self.gauge("scan_timestamp_seconds", "When the last answer of AWS came.", [(vec![], finished)]);
        self.gauge(
            "scan_complete",
            "1 when everything that the rules asked for was read and no rule crashed.",
            [(vec![], i128::from(scan.complete))],
        );
        // Two logins may have failed alike, and a series may come only once.
        let mut complete: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for target in &scan.targets {
            let account = match &target.status {
                TargetStatus::NotScanned { login, .. } if target.account.is_empty() => login,
                _ => &target.account,
            };
            *complete.entry((account, &target.region)).or_insert(true) &= target.is_complete();
        }
        let targets = complete
            .into_iter()
            .map(|((account, region), all)| (vec![("account", account), ("region", region)], i128::from(all)));
        self.gauge("target_complete", "1 when everything that was asked of it was read.", targets);
        self.gauge("api_calls", "Requests to AWS.", [(vec![], i128::from(counts.api_calls))]);
        let sizes = [
            ("cluster", counts.clusters),
            ("service", counts.services),
            ("task", counts.tasks),
            ("container_instance", counts.container_instances),
        ];
        let sizes = sizes.map(|(kind, count)| (vec![("kind", kind)], whole(count)));
        self.gauge("scanned", "How many of each there are.", sizes);
    }

    fn findings(&mut self, report: &Report, least: Severity) {
        let mut counts: BTreeMap<(&str, &str, &str, &str, &str), usize> = BTreeMap::new();
        for finding in shown::findings(report, least) {
            let key =
                (&*finding.account, &*finding.region, finding.rule, finding.severity.name(), finding.status.name());
            *counts.entry(key).or_default() += 1;
        }
        let series = counts.into_iter().map(|((account, region, rule, severity, status), count)| {
            let labels = vec![
                ("account", account),
                ("region", region),
                ("rule", rule),
                ("severity", severity),
                ("status", status),
            ];
            (labels, whole(count))
        });
        self.gauge("findings", "Proved failures.", series);
        let totals = Severity::ALL.into_iter().filter(|severity| *severity >= least);
        let totals = totals.map(|severity| (vec![("severity", severity.name())], whole(report.open(severity))));
        self.gauge("open_findings", "Findings that count, by severity; zero is there as well.", totals);
    }

    fn judgements(&mut self, report: &Report) {
        let series = report.rules.iter().flat_map(|tally| {
            [("holds", tally.holds), ("fails", tally.fails), ("unknown", tally.unknown)]
                .map(|(outcome, count)| (vec![("rule", tally.rule), ("outcome", outcome)], whole(count)))
        });
        self.gauge("judgements", "How the subjects of each rule came out.", series);
        let series = [NotEvaluatedKind::Unread, NotEvaluatedKind::Undecidable].map(|kind| {
            let count = report.not_evaluated.iter().filter(|entry| entry.kind == kind).count();
            (vec![("kind", shown::kind(kind))], whole(count))
        });
        self.gauge("not_evaluated", "Judgements that could not be made.", series);
    }

    fn clusters(&mut self, capacity: &Capacity) {
        let types = capacity.clusters.iter().flat_map(|cluster| cluster.types.iter().map(move |of| (cluster, of)));
        let labelled = types.map(|(cluster, of)| {
            let labels: Labels<'_> = vec![
                ("account", &cluster.account),
                ("region", &cluster.region),
                ("cluster", &cluster.name),
                ("instance_type", &of.instance_type),
            ];
            (labels, of)
        });
        self.gauges(&labelled.collect::<Vec<_>>(), OF_TYPES);
    }

    fn subnets(&mut self, capacity: &Capacity) {
        let labelled = capacity.subnets.iter().map(|of| {
            let labels: Labels<'_> = vec![
                ("account", &of.account),
                ("region", &of.region),
                ("subnet", &of.subnet),
                ("availability_zone", &of.availability_zone),
            ];
            (labels, of)
        });
        self.gauges(&labelled.collect::<Vec<_>>(), OF_SUBNETS);
    }

    /// Several families of the same things.
    fn gauges<T>(&mut self, labelled: &[(Labels<'_>, &T)], families: &[Family<T>]) {
        for (name, help, value) in families {
            let series = labelled.iter().filter_map(|(labels, of)| Some((labels.clone(), value(of)?)));
            self.gauge(name, help, series);
        }
    }
}

type Family<T> = (&'static str, &'static str, fn(&T) -> Option<i128>);

const OF_TYPES: &[Family<TypeCapacity>] = &[
    ("container_instances", "ACTIVE container instances.", |of| Some(whole(of.instances))),
    ("task_eni_slots", "Tasks in awsvpc mode that the instances hold.", |of| Some(of.slots.into())),
    ("task_eni_slots_used", "Tasks in awsvpc mode on them.", |of| of.slots_used.map(Into::into)),
    ("cpu_units", "CPU units that the instances registered.", |of| Some(of.cpu_units.total.into())),
    ("cpu_units_used", "CPU units in use.", |of| Some(of.cpu_units.used.into())),
    ("memory_mebibytes", "Memory that the instances registered, in MiB.", |of| Some(of.memory_mib.total.into())),
    ("memory_mebibytes_used", "Memory in use, in MiB.", |of| Some(of.memory_mib.used.into())),
    ("tasks_that_fit", "Further tasks like those that run there.", |of| of.now.map(|fit| fit.tasks.into())),
];

const OF_SUBNETS: &[Family<SubnetCapacity>] = &[
    ("subnet_free_addresses", "Free addresses, as AWS counts them.", |of| Some(of.free.into())),
    ("subnet_usable_addresses", "Addresses that interfaces can have.", |of| of.usable.map(Into::into)),
    ("subnet_largest_deployment", "Tasks that the largest next deployment starts there.", |of| {
        Some(of.largest_deployment.into())
    }),
    ("subnet_all_deployments", "Tasks that all next deployments at once start there.", |of| {
        Some(of.all_deployments.into())
    }),
];

/// No count of this machine's is too large.
fn whole(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}
