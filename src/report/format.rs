//! The table of formats: what each is called, which files have it, and what it is made from.

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: version 1 of the JSON contract.
    Json,
    /// The same contract, one object a line.
    Ndjson,
    /// For code scanning.
    Sarif,
    /// For a SIEM: OCSF Compliance Finding.
    Ocsf,
    /// For a SIEM: OCSF Detection Finding.
    OcsfDetection,
    /// For AWS Security Hub.
    Asff,
    /// For spreadsheets.
    Csv,
    /// For the test pages of CI servers.
    Junit,
    /// For pull requests and job summaries.
    Markdown,
    /// For browsers: one page that needs nothing else.
    Html,
    /// For the textfile collector of Prometheus.
    Prometheus,
}

struct Entry {
    name: &'static str,
    about: &'static str,
    endings: &'static [&'static str],
    wiring: bool,
    capacity: bool,
}

impl Format {
    /// In the order in which help shows them.
    pub const ALL: &[Self] = &[
        Self::Table,
        Self::Json,
        Self::Ndjson,
        Self::Sarif,
        Self::Ocsf,
        Self::OcsfDetection,
        Self::Asff,
        Self::Csv,
        Self::Junit,
        Self::Markdown,
        Self::Html,
        Self::Prometheus,
    ];

    fn entry(self) -> Entry {
        let entry = |name, about, endings| Entry { name, about, endings, wiring: false, capacity: false };
        match self {
            Self::Table => entry("table", "For people", &["txt"]),
            Self::Json => entry("json", "For programs: one versioned object", &["json"]),
            Self::Ndjson => entry("ndjson", "The same, one object a line, each with its type", &["ndjson", "jsonl"]),
            Self::Sarif => entry("sarif", "SARIF 2.1.0, for GitHub code scanning", &["sarif", "sarif.json"]),
            Self::Ocsf => entry("ocsf", "OCSF 1.5.0 Compliance Finding, a line each", &["ocsf", "ocsf.json"]),
            Self::OcsfDetection => entry(
                "ocsf-detection",
                "OCSF 1.5.0 Detection Finding, a line each",
                &["ocsf-detection", "ocsf-detection.json"],
            ),
            Self::Asff => {
                entry("asff", "AWS Security Hub: a line for each batch-import-findings", &["asff", "asff.json"])
            }
            Self::Csv => entry("csv", "For spreadsheets: a row each", &["csv"]),
            Self::Junit => entry("junit", "JUnit XML, for the test pages of CI servers", &["xml"]),
            Self::Markdown => Entry {
                wiring: true,
                ..entry("markdown", "For pull requests and GitHub job summaries, with pictures", &["md", "markdown"])
            },
            Self::Html => Entry {
                wiring: true,
                capacity: true,
                ..entry("html", "One page for a browser, with pictures; it needs nothing else", &["html", "htm"])
            },
            Self::Prometheus => {
                Entry { capacity: true, ..entry("prometheus", "For the textfile collector of Prometheus", &["prom"]) }
            }
        }
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it is for.
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// How names of its files end, without the first dot.
    pub fn endings(self) -> &'static [&'static str] {
        self.entry().endings
    }

    /// Whether it draws the wiring of workloads.
    pub fn needs_wiring(self) -> bool {
        self.entry().wiring
    }

    /// Whether it shows what clusters and subnets still hold.
    pub fn needs_capacity(self) -> bool {
        self.entry().capacity
    }

    /// The format of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The format that a file of that name has; the longest ending decides.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let endings = Self::ALL.iter().flat_map(|format| format.endings().iter().map(move |ending| (ending, *format)));
        let matching = endings.filter(|(ending, _)| {
            let stem = name.strip_suffix(**ending).and_then(|rest| rest.strip_suffix('.'));
            stem.is_some_and(|stem| !stem.is_empty())
        });
        matching.max_by_key(|(ending, _)| ending.len()).map(|(_, format)| format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ending_decides() {
        for (name, format) in [
            ("report.json", Some(Format::Json)),
            ("report.OCSF.json", Some(Format::Ocsf)),
            ("report.ocsf-detection.json", Some(Format::OcsfDetection)),
            ("report.asff.json", Some(Format::Asff)),
            ("sarif.json", Some(Format::Json)),
            ("x.sarif.json", Some(Format::Sarif)),
            ("TEST-audit.junit.xml", Some(Format::Junit)),
            ("a.b.md", Some(Format::Markdown)),
            ("report.docx", None),
            ("json", None),
            (".json", None),
            ("", None),
        ] {
            assert_eq!(Format::of_file_name(name), format, "{name}");
        }
    }

    #[test]
    fn no_two_formats_share_a_name_or_an_ending() {
        let mut seen = std::collections::BTreeSet::new();
        for format in Format::ALL {
            assert!(seen.insert(format!("name {}", format.name())));
            assert_eq!(Format::by_name(format.name()), Some(*format));
            for ending in format.endings() {
                assert!(seen.insert((*ending).to_owned()), "{ending}");
            }
        }
    }
}
