//! Containers that run as root.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::reach::verdict::Gap;
use crate::rules::definitions::{self, Setting, Shown};
use crate::rules::revisions::{self, Os};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::{ContainerDefinition, TaskDefinition};
use crate::text;
use crate::text::Text;
use crate::topology::workload::{Variant, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "root-user",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "a container runs as root, or leaves the user to its image",
    page: include_str!("root_user.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.20", "ECS.21"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
        "https://docs.aws.amazon.com/config/latest/developerguide/ecs-task-definition-linux-user-non-root.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "root",
        on_fargate: true,
        headline: "run as root, or as whoever their image says",
        fix: text![
            "Set user to a number other than 0 that may read what the application needs, and register a revision with it."
        ],
        query: "taskDefinition.containerDefinitions[].{name: name, user: user}",
    };
    let show = |variant: &Variant<'s>, definition: &'s TaskDefinition| {
        let os = revisions::os_of(analyses, workload, variant, definition);
        let mut shown = Shown::default();
        for container in &definition.containers {
            match user_of(container, os) {
                User::Harmless => {}
                User::Root(wrong) => shown.wrong.push(wrong),
                User::Unseen(gap) => shown.gaps.push(gap),
            }
        }
        shown
    };
    definitions::judge_where(workload, analyses, setting, show)
}

enum User {
    Harmless,
    Root(Text),
    Unseen(Gap),
}

fn user_of(container: &ContainerDefinition, os: Os) -> User {
    let user = container.user.as_deref().map(str::trim).filter(|user| !user.is_empty());
    match (os, user) {
        // The first part names the user, by name or number; the rest names groups.
        (_, Some(user)) if matches!(user.split(':').next(), Some("root" | "0")) => {
            User::Root(text!["container ", &container.name, " has user ", user.to_owned()])
        }
        (_, Some(user)) if user.eq_ignore_ascii_case("ContainerAdministrator") => {
            User::Root(text!["container ", &container.name, " has user ", user.to_owned()])
        }
        (_, Some(_)) => User::Harmless,
        (Os::Linux, None) => User::Root(text!["container ", &container.name, " names no user"]),
        // Some Windows images bring a user without rights, others the administrator.
        (Os::Windows, None) => unseen(container, " is that of its image, which can't be seen"),
        (Os::Unknown, None) => {
            unseen(container, " hangs on the operating system, which neither the revision nor the instances say")
        }
    }
}

fn unseen(container: &ContainerDefinition, why: &'static str) -> User {
    let reason = text!["the user of container ", &container.name, why];
    User::Unseen(Gap::Undecidable { kind: "image-user", reason })
}
