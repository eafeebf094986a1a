//! The binary as a user runs it: arguments, streams, exit codes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ecs_network_audit::rules;
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{audit, ran, run, run_in};

#[test]
fn help_fits_a_screen_and_begins_with_examples_that_work() {
    let help = run(&["-h"]);
    assert_eq!(help.code, 0);
    assert_snapshot!(help.stdout);
}

#[test]
fn the_version_is_one_line() {
    assert_eq!(run(&["--version"]).stdout, format!("audit {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_demo_says_that_it_is_one_and_ends_with_1() {
    let demo = run(&["--demo"]);
    assert_eq!((demo.code, demo.stderr.as_str()), (1, ""));
    assert!(demo.stdout.starts_with("DEMO "));
    assert!(!demo.stdout.contains('\u{1b}'), "no colour in a pipe");
    assert_snapshot!(demo.stdout);
}

#[test]
fn the_demo_at_80_columns() {
    let home = TempDir::new().unwrap();
    let demo =
        ran(audit(home.path()).env("COLUMNS", "80").args(["--demo", "--min-severity", "high"]).output().unwrap());
    let table = demo.stdout.lines().filter(|line| !line.starts_with("aws ") && !line.contains("=$("));
    let widest = table.map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 80, "{widest}");
    assert_snapshot!(demo.stdout);
}

#[test]
fn colours_come_when_asked_for() {
    assert!(run(&["--demo", "--color", "always"]).stdout.contains("\u{1b}["));
    assert!(!run(&["--demo", "--color", "never"]).stdout.contains('\u{1b}'));
}

#[test]
fn capacity_of_the_demo_in_a_terminal_and_for_programs() {
    for columns in [80, 160] {
        let home = TempDir::new().unwrap();
        let mut command = audit(home.path());
        command.env("COLUMNS", columns.to_string()).args(["capacity", "--demo", "--cluster", "fleet"]);
        let text = ran(command.output().unwrap()).stdout;
        assert!(text.lines().all(|line| line.chars().count() <= columns), "{text}");
        insta::assert_snapshot!(format!("capacity_at_{columns}"), text);
    }
    let capacity: Value = serde_json::from_str(&run(&["capacity", "--demo", "--format", "json"]).stdout).unwrap();
    let batch = capacity["clusters"].as_array().unwrap().iter().find(|cluster| cluster["name"] == "batch").unwrap();
    let c5 = &batch["types"][0];
    assert_eq!((&c5["instance_type"], &c5["slots_used"], &c5["slots"]), (&"c5.large".into(), &5.into(), &5.into()));
    assert_eq!((&c5["now"]["tasks"], &c5["now"]["binds"]), (&0.into(), &"task-ENI slots".into()));
    assert!(c5["with_trunking"]["tasks"].as_i64() > c5["next_size"]["fit"]["tasks"].as_i64());
}

#[test]
fn the_json_report_is_valid_under_its_published_schema() {
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let mut report: Value = serde_json::from_str(&run(&["--demo", "--format", "json"]).stdout).unwrap();
    assert_eq!(validator.iter_errors(&report).map(|error| error.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["tool"]["name"], "ecs-network-audit");
    report["findings"][0]["severity"] = 9.into();
    assert!(!validator.is_valid(&report), "a wrong type is noticed");
}

#[test]
fn a_saved_snapshot_gives_the_same_bytes_again() {
    for name in ["x.json", "x.json.gz", "x.json.zst"] {
        let home = TempDir::new().unwrap();
        let demo = run_in(&home, &["--demo", "--save-snapshot", name, "--format", "json"]);
        let first = run_in(&home, &["--snapshot", name, "--format", "json"]);
        let second = run_in(&home, &["--snapshot", name, "--format", "json"]);
        assert_eq!((first.code, &first.stdout), (1, &second.stdout));
        assert_eq!(first.stdout, demo.stdout);
    }
}

#[test]
fn files_are_written_beside_standard_output() {
    let home = TempDir::new().unwrap();
    let ran = run_in(&home, &["--demo", "--output", "r.json", "--output", "r.txt"]);
    assert!(ran.stdout.starts_with("DEMO "));
    let json = fs::read_to_string(home.path().join("r.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["schema_version"], 1);
    assert!(fs::read_to_string(home.path().join("r.txt")).unwrap().starts_with("DEMO "));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_report_that_cannot_be_written_ends_with_4_before_anything_is_scanned() {
    for arguments in [["--output", "no/such/place.json"], ["--save-snapshot", "no/such/place.json"]] {
        let ran = run(&["--demo", arguments[0], arguments[1]]);
        assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
}

#[test]
fn thresholds_decide_the_exit_code_and_nothing_else() {
    assert_eq!(run(&["--demo", "--fail-on", "never"]).code, 0);
    assert_eq!(run(&["--demo", "--exit-zero"]).code, 0);
    assert_eq!(run(&["--demo", "--fail-on", "critical"]).code, 1);
    assert_eq!(run(&["--demo", "--rule", "eni-limit-pressure", "--fail-on", "critical"]).code, 0);
    let hidden = run(&["--demo", "--min-severity", "critical"]);
    assert_eq!(hidden.code, 1);
    assert!(hidden.stdout.contains(" findings below critical hidden"), "{}", hidden.stdout);
}

#[test]
fn rules_and_scope_are_selected_by_name() {
    let report: Value = serde_json::from_str(
        &run(&["--demo", "--format", "json", "--skip-rule", "vpc-endpoint-missing", "--cluster", "sh*"]).stdout,
    )
    .unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "target-type-mismatch"));
    assert!(findings.iter().all(|finding| finding["rule"] != "vpc-endpoint-missing"));
    assert!(findings.iter().all(|finding| finding["resource"]["name"].as_str().unwrap().starts_with("shop")));
    assert_eq!(report["scan"]["scope"]["clusters"][0], "sh*");
    let wrong = run(&["--demo", "--rule", "vpc-endpoint-mising"]);
    assert_eq!(wrong.code, 2);
    assert_snapshot!(wrong.stderr, @"error: there is no rule 'vpc-endpoint-mising'; did you mean 'vpc-endpoint-missing'?");
}

#[test]
fn shells_and_man_know_the_command_line() {
    for (shell, word) in
        [("bash", "_audit()"), ("zsh", "#compdef audit"), ("fish", "complete -c audit"), ("powershell", "audit")]
    {
        let ran = run(&["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains(word) && ran.stdout.contains("save-snapshot"), "{shell}");
    }
    let man = run(&["man"]);
    assert!(man.code == 0 && man.stdout.contains(".TH audit 1") && man.stdout.contains("waivers"));
    assert_eq!(run(&["completions", "cmd"]).code, 2);
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in
        [&["--nonsense"][..], &["--demo", "--snapshot", "x"], &["--demo", "--profile", "x"], &["--timeout", "1d"]]
    {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn snapshots_that_are_none_end_with_2_and_one_clear_line() {
    let home = TempDir::new().unwrap();
    run_in(&home, &["--demo", "--save-snapshot", "whole.json.zst"]);
    run_in(&home, &["--demo", "--save-snapshot", "whole.json", "--output", "report.json"]);
    let report = fs::read(home.path().join("report.json")).unwrap();
    let whole = fs::read(home.path().join("whole.json")).unwrap();
    let compressed = fs::read(home.path().join("whole.json.zst")).unwrap();
    let newer =
        String::from_utf8(whole.clone()).unwrap().replacen("\"schema_version\": 1", "\"schema_version\": 99", 1);
    let files: [(&str, &[u8], &str); 8] = [
        ("empty.json", b"", "not a snapshot, or cut short"),
        ("cut.json", &whole[..whole.len() / 2], "not a snapshot, or cut short"),
        ("cut.json.zst", &compressed[..compressed.len() / 2], "damaged or cut short"),
        ("cut.json.gz", &[0x1f, 0x8b, 8, 0], "damaged or cut short"),
        ("newer.json", newer.as_bytes(), "schema version 99"),
        ("other.json", b"{}", "no schema_version"),
        ("text.json", b"hello", "not a snapshot"),
        ("report.json", &report, "it is a report; a snapshot is what --save-snapshot writes"),
    ];
    for (name, content, said) in files {
        fs::write(home.path().join(name), content).unwrap();
        let ran = run_in(&home, &["--snapshot", name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}");
        assert!(ran.stderr.contains(said) && ran.stderr.lines().count() == 1, "{name}: {}", ran.stderr);
    }
    assert!(run_in(&home, &["--snapshot", "none.json"]).stderr.contains("none.json"));
}

/// Datasets come with versions: what an older program did not read is unknown, not absent.
#[test]
fn a_snapshot_of_an_older_version_lacks_what_came_later() {
    let home = TempDir::new().unwrap();
    run_in(&home, &["--demo", "--save-snapshot", "new.json"]);
    let mut snapshot: Value = serde_json::from_slice(&fs::read(home.path().join("new.json")).unwrap()).unwrap();
    snapshot["targets"][0].as_object_mut().unwrap().remove("flow_logs").unwrap();
    fs::write(home.path().join("old.json"), snapshot.to_string()).unwrap();
    let ran = run_in(&home, &["--snapshot", "old.json", "--rule", "flow-logs-off", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    assert_eq!(report["not_evaluated"][0]["dataset"], "flow-logs");
}

#[test]
fn an_unknown_profile_is_named_with_the_files_looked_in() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("config"), "[profile prod]\nregion = eu-west-1\n[profile staging]\n").unwrap();
    let ran = ran(audit(home.path()).env("AWS_PROFILE", "nope").output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let (config, credentials) = (home.path().join("config"), home.path().join("credentials"));
    assert_eq!(
        ran.stderr,
        format!(
            "error: profile 'nope' not found in {} and {}; known profiles: prod, staging\n",
            config.display(),
            credentials.display()
        )
    );
}

#[test]
fn missing_or_odd_configuration_is_said_in_seconds() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("config"), "[profile mfa]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = mfa\nmfa_serial = arn:aws:iam::1:mfa/me\n").unwrap();
    let started = Instant::now();
    let cases: [(&[&str], &str); 4] = [
        (&[], "no Region given"),
        (&["--region", "eu_west_1"], "'eu_west_1' does not look like a Region"),
        (&["--region", "eu-west-1"], "no AWS credentials found"),
        (&["--profile", "mfa"], "mfa_serial"),
    ];
    for (arguments, said) in cases {
        let ran = run_in(&home, arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("help: "), "{arguments:?}: {}", ran.stderr);
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// The binary with keys and an endpoint on this machine.
fn against(home: &TempDir, port: u16) -> Command {
    let mut command = audit(home.path());
    command
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "key")
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .args(["--region", "eu-west-1"]);
    command
}

#[test]
fn an_endpoint_that_nobody_listens_at_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = TempDir::new().unwrap();
    let ran = ran(against(&home, port).output().unwrap());
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains(&format!("reaching http://127.0.0.1:{port} in eu-west-1")), "{}", ran.stderr);
    assert!(ran.stderr.contains("AWS_ENDPOINT_URL"), "{}", ran.stderr);
}

#[test]
fn an_endpoint_that_never_answers_does_not_hang_the_scan() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = TempDir::new().unwrap();
    let started = Instant::now();
    let ran = ran(against(&home, listener.local_addr().unwrap().port()).output().unwrap());
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no answer in time"), "{}", ran.stderr);
    assert!(started.elapsed() < Duration::from_secs(15));
}

/// An endpoint that gives each connection the next answer, and then never answers again.
fn endpoint(answers: Vec<(u16, &'static str)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for (connection, number) in listener.incoming().zip(0..) {
            let mut connection = connection.unwrap();
            if let Some((status, body)) = answers.get(number) {
                let mut request = [0; 8192];
                assert!(connection.read(&mut request).unwrap() > 0, "a request came");
                let length = body.len();
                write!(connection, "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
            } else {
                held.push(connection);
            }
        }
    });
    port
}

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/me</Arn>\
    <UserId>A</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

#[test]
fn expired_credentials_say_how_to_get_new_ones() {
    let expired = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included \
        in the request is expired</Message></Error></ErrorResponse>";
    let home = TempDir::new().unwrap();
    let keys = "aws_access_key_id = id\naws_secret_access_key = key\naws_session_token = old\n";
    fs::write(home.path().join("config"), format!("[profile prod]\nregion = eu-west-1\n{keys}")).unwrap();
    let port = endpoint(vec![(403, expired)]);
    let ran = ran(against(&home, port).args(["--profile", "prod"]).env_remove("AWS_PROFILE").output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.contains("ExpiredToken") && ran.stderr.contains("aws sso login --profile prod"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_profile_asked_for_by_name_wins_over_keys_in_the_environment() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("config"), "[profile prod]\nregion = eu-west-1\n").unwrap();
    let port = endpoint(vec![(200, IDENTITY)]);
    let ran = ran(against(&home, port).args(["--profile", "prod"]).output().unwrap());
    assert_eq!(ran.code, 2, "the profile has no credentials: {}", ran.stderr);
    assert!(ran.stderr.contains("'prod'"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn an_interrupted_scan_still_writes_what_it_knows() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let home = TempDir::new().unwrap();
        let port = endpoint(vec![(200, IDENTITY)]);
        let mut command = against(&home, port);
        let child = command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, code, "{}", ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["scan"]["complete"], false);
        assert_eq!(report["coverage"][0]["failures"][0]["class"], "interrupted");
    }
}

#[test]
fn settings_that_other_aws_tools_accept_do_not_crash() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("config"), "[default]\nretry_mode = legacy\n").unwrap();
    for (name, value) in [("AWS_MAX_ATTEMPTS", "0"), ("AWS_MAX_ATTEMPTS", "many"), ("AWS_RETRY_MODE", "legacy")] {
        let ran = ran(against(&home, port).env(name, value).output().unwrap());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked") && ran.stderr.contains("warning: "), "{}", ran.stderr);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let home = TempDir::new().unwrap();
    let mut child = audit(home.path())
        .args(["--demo", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(1), ""));
}

#[test]
fn the_catalogue_and_the_policy_print_themselves() {
    let list = run(&["rules"]);
    assert_eq!((list.code, list.stdout.lines().count()), (0, rules::ALL.len()));
    assert!(run(&["rules", "eni-limit-pressure"]).stdout.starts_with("# eni-limit-pressure\n"));
    let json: Value = serde_json::from_str(&run(&["rules", "--format", "json"]).stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), rules::ALL.len());
    assert_eq!(run(&["rules", "nothing"]).code, 2);
    let policy: Value = serde_json::from_str(&run(&["policy", "--rule", "target-type-mismatch"]).stdout).unwrap();
    let actions: Vec<&str> =
        policy["Statement"][0]["Action"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    assert!(actions.contains(&"elasticloadbalancing:DescribeTargetGroups"));
    assert!(!actions.contains(&"ec2:DescribeSubnets"));
}

#[test]
fn explain_shows_the_wiring_of_one_workload() {
    for name in ["shop/payments", "edge/login", "healthy/search"] {
        let ran = run(&["explain", "--demo", name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert_snapshot!(format!("explain_{}", name.replace('/', "_")), ran.stdout);
    }
}

#[test]
fn explain_takes_a_service_a_pattern_or_the_id_of_a_finding() {
    assert!(run(&["explain", "--demo", "payments"]).stdout.starts_with("shop/payments "));
    assert_eq!(
        run(&["explain", "--demo", "edge/lo*"]).stdout.lines().next().unwrap().split(' ').next(),
        Some("edge/login")
    );
    let report: Value = serde_json::from_str(&run(&["--demo", "--format", "json"]).stdout).unwrap();
    let finding =
        report["findings"].as_array().unwrap().iter().find(|f| f["resource"]["type"] == "ecs:service").unwrap();
    let shown = run(&["explain", "--demo", finding["id"].as_str().unwrap()]).stdout;
    assert!(shown.starts_with(finding["resource"]["name"].as_str().unwrap()), "{shown}");
    let unknown = run(&["explain", "--demo", "nobody"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.starts_with("error: there is no workload nobody; known: "), "{}", unknown.stderr);
    assert_eq!(run(&["explain", "--demo"]).code, 2);
}

#[test]
fn explain_gives_every_cell_to_programs() {
    let all: Value = serde_json::from_str(&run(&["explain", "--demo", "--all", "--format", "json"]).stdout).unwrap();
    assert_eq!(all["schema_version"], 1);
    let workloads = all["workloads"].as_array().unwrap();
    let needs: Vec<&Value> = workloads.iter().flat_map(|workload| workload["needs"].as_array().unwrap()).collect();
    let paths: Vec<&Value> =
        workloads.iter().flat_map(|workload| workload["load_balancers"].as_array().unwrap()).collect();
    assert!(needs.len() > 100 && paths.len() > 30, "{} {}", needs.len(), paths.len());
    for cell in needs.iter().chain(&paths) {
        let (blockers, gaps) = (cell["blockers"].as_array().unwrap(), cell["gaps"].as_array().unwrap());
        match cell["verdict"].as_str().unwrap() {
            "holds" => assert!(blockers.is_empty() && gaps.is_empty(), "{cell}"),
            "fails" => assert!(!blockers.is_empty(), "{cell}"),
            "unknown" => assert!(!gaps.is_empty(), "{cell}"),
            other => panic!("{other}"),
        }
    }
    let subnets = |need: &Value| need["origin"]["subnet"].as_str().unwrap().starts_with("subnet-");
    assert!(
        needs.iter().all(|need| subnets(need) && need["port"] == 443 && !need["causes"].as_array().unwrap().is_empty())
    );
}
