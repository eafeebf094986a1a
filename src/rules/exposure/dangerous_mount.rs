//! Paths of the instance that give control over it.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::definitions::{self, Setting};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::TaskDefinition;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "dangerous-mount",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "a container mounts a path that gives control over its instance",
    page: include_str!("dangerous_mount.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "host-path",
        on_fargate: false,
        headline: "mount paths that give control over their instance",
        fix: text!["Take the mount away, or mount only the files that are needed."],
        query: "taskDefinition.volumes[?host.sourcePath]",
    };
    definitions::judge(workload, analyses, setting, mounts)
}

fn mounts(definition: &TaskDefinition) -> Vec<Text> {
    let mut mounts = Vec::new();
    for container in &definition.containers {
        for mount in &container.mount_points {
            let volume = definition.volumes.iter().find(|volume| Some(&volume.name) == mount.source_volume.as_ref());
            let Some(path) = volume.and_then(|volume| volume.host_source_path.as_ref()) else { continue };
            if is_dangerous(path) {
                let how = if mount.read_only { " read-only" } else { "" };
                mounts.push(text!["container ", &container.name, " mounts ", path, how]);
            }
        }
    }
    mounts
}

/// The whole file system, its configuration and processes, the sockets of the container runtimes with the folders that
/// hold them, and what the ECS agent keeps, with everything below.
fn is_dangerous(path: &str) -> bool {
    const EXACT: [&str; 15] = [
        "",
        "etc",
        "proc",
        "run",
        "var",
        "var/lib",
        "var/run",
        "var/run/docker",
        "run/docker.sock",
        "var/run/docker.sock",
        "run/containerd",
        "var/run/containerd",
        "run/containerd/containerd.sock",
        "var/run/containerd/containerd.sock",
        "var/lib/ecs",
    ];
    let windows = path.to_ascii_lowercase().replace('\\', "/");
    let is_pipe = windows.starts_with("//") && windows.ends_with("/pipe/docker_engine");
    if windows.trim_end_matches('/') == "c:" || is_pipe {
        return true;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    // The root of a process is that of the instance, except in containers.
    while let ["proc", _, "root", rest @ ..] = parts.as_slice() {
        parts = rest.to_vec();
    }
    EXACT.contains(&parts.join("/").as_str())
        || parts.starts_with(&["var", "lib", "ecs"])
        || matches!(parts.as_slice(), ["proc", pid] if pid.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_dangerous;

    #[test]
    fn paths_however_they_are_written() {
        for path in [
            "/",
            "//",
            "/etc/",
            "/proc",
            "/run/docker.sock",
            "/var/run/docker.sock",
            "/var//run/./docker.sock",
            "/opt/../etc",
            "/run/containerd/containerd.sock",
            "/var/lib/ecs/data",
            "/var",
            "/var/lib/",
            "/proc/1",
            "/proc/1/root",
            "/proc/1/root/",
            "/proc/1/root/etc",
            "/proc/4711/root/var/lib/ecs/data",
            r"\\.\pipe\docker_engine",
            "//./pipe/docker_engine",
            r"C:\",
            "c:/",
            "C:",
        ] {
            assert!(is_dangerous(path), "{path}");
        }
        for path in [
            "/etc/ssl/certs",
            "/etc/localtime",
            "/data",
            "/var/log",
            "/process",
            "/var/lib/ecs-data",
            r"C:\data",
            "/proc/1/root/data",
            "/proc/cpuinfo",
            "/var/lib/mysql",
            "/pipe/docker_engine",
        ] {
            assert!(!is_dangerous(path), "{path}");
        }
    }
}
