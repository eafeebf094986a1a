//! The head of the table: what was scanned, when, and how much there is.

use anstyle::{AnsiColor, Style};

use super::{Page, escape, minute, style_of};
use crate::finding::Report;
use crate::report::places::{Places, Row};
use crate::report::shown::sizes_and_calls;

/// Regions without clusters that are named.
const MOST_REGIONS: usize = 8;
const COLUMNS: [&str; 5] = ["account", "Region", "services", "tasks", "open findings"];

impl Page<'_> {
    pub(super) fn header(&mut self, report: &Report) {
        let scan = &report.scan;
        if scan.demo {
            let notice = "DEMO  an account that ships with this program; nothing was read from AWS";
            let notice = self.styled(Style::new().fg_color(Some(AnsiColor::Cyan.into())).bold(), notice);
            self.line(&notice);
        }
        let places = Places::of(report);
        let place = match &places {
            Some(places) => places.sizes(),
            None => {
                let named =
                    scan.targets.iter().map(|t| format!("account {} · {}", escape(&t.account), escape(&t.region)));
                named.collect()
            }
        };
        let place = self.styled(Style::new().bold(), &place);
        self.line(&format!("{place} · {}", minute(scan.finished_at)));
        let mut endpoints: Vec<&String> = scan.targets.iter().filter_map(|t| t.endpoint_override.as_ref()).collect();
        endpoints.sort();
        endpoints.dedup();
        for endpoint in endpoints {
            let notice = format!("not AWS itself: the endpoint is {}", escape(endpoint));
            let notice = self.styled(Style::new().fg_color(Some(AnsiColor::Yellow.into())), &notice);
            self.line(&notice);
        }
        self.wrapped("", &sizes_and_calls(report.counts).join(" · "));
        let patterns = [("clusters", &scan.scope.clusters), ("services", &scan.scope.services)];
        for (what, patterns) in patterns.into_iter().filter(|(_, patterns)| !patterns.is_empty()) {
            self.wrapped("", &format!("limited to {what} {}", escape(&patterns.join(", "))));
        }
        if let Some(places) = places {
            self.places(&places);
        }
    }

    fn places(&mut self, places: &Places<'_>) {
        if !places.rows.is_empty() {
            self.line("");
            self.rows(&places.rows);
        }
        if !places.idle.is_empty() {
            self.line("");
            for (account, regions) in &places.idle {
                let named = match regions.len() {
                    few if few <= MOST_REGIONS => escape(&regions.join(", ")),
                    many => format!("{many} Regions"),
                };
                self.wrapped("", &format!("no clusters: {} in {named}", escape(account)));
            }
        }
        for failed in &places.failed {
            self.line("");
            let said = format!("{} was not scanned: {}", escape(&failed.name()), escape(failed.error));
            let mark = self.styled(Style::new().fg_color(Some(AnsiColor::Red.into())).bold(), "✗");
            let first = self.out.len();
            self.wrapped("✗ ", &said);
            self.out.replace_range(first..first + "✗".len(), &mark);
            for help in failed.help {
                self.wrapped("  help: ", &escape(help));
            }
        }
    }

    fn rows(&mut self, rows: &[Row<'_>]) {
        let cells: Vec<[String; 5]> = rows
            .iter()
            .map(|row| {
                let counts = row.target.counts;
                let unread = if row.target.is_complete() { "" } else { " · incomplete" };
                [
                    escape(&row.target.account),
                    escape(&row.target.region),
                    counts.services.to_string(),
                    counts.tasks.to_string(),
                    format!("{}{unread}", row.open()),
                ]
            })
            .collect();
        let width = |column: usize| {
            cells.iter().map(|row| row[column].chars().count()).chain([COLUMNS[column].len()]).max().unwrap_or(0)
        };
        let widths: [usize; 4] = std::array::from_fn(width);
        let line = |cells: &[String; 5]| {
            let [account, region, services, tasks, open] = cells;
            let [a, b, c, d] = widths;
            format!("{account:<a$}  {region:<b$}  {services:>c$}  {tasks:>d$}  {open}")
        };
        let head = self.styled(Style::new().dimmed(), &line(&COLUMNS.map(str::to_owned)));
        self.line(&head);
        for (row, cells) in rows.iter().zip(&cells) {
            let mut cells = cells.clone();
            if let Some(worst) = row.worst() {
                cells[4] = self.styled(style_of(worst), &cells[4]);
            }
            self.line(&line(&cells));
        }
    }
}
