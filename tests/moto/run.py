#!/usr/bin/env python3
"""Runs the audit binary against a moto server with an account whose mistakes are known, and checks what it says.

Usage: run.py [PATH of the binary]

Installs what it needs into a virtual environment under `target/`, talks to loopback only and ends what it started.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import proxy  # noqa: E402
import several  # noqa: E402
from answers import NOT_IN_MOTO  # noqa: E402
from binary import Run, clean_environment, findings, run  # noqa: E402
from common import Checks, virtual_environment  # noqa: E402
from proxy import Answer  # noqa: E402

TARGET = HERE.parent.parent / "target"
REGION = "eu-west-1"
REQUESTS_AT_MOST = 145

UNREAD_IN_MOTO = {
    "block-public-access",
    "cached-images",
    "profile-associations",
    "pull-through-cache-rules",
    "security-group-vpc-associations",
}
"""Datasets that are lost without those answers; which images a pull-through cache serves follows from its rules."""

RULES_WITHOUT_DATA = ("deployment-circuit-breaker-off",)
"""Rules that moto gives nothing to judge by: its services have no deployment configuration."""

DENIED_ACTION = "ec2:DescribeVpcEndpoints"
DENIED = Answer(
    403,
    "text/xml",
    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this "
    "operation.</Message></Error></Errors><RequestID>0</RequestID></Response>",
)


def main() -> int:
    """Runs all checks; 1 if one failed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "audit", type=Path, nargs="?", default=TARGET / "debug" / "audit", help="the binary to check"
    )
    audit = arguments.parse_args().audit.resolve()
    if not audit.is_file():
        sys.exit(f"{audit} is not there: build it first, cargo test does")
    checks = Checks()
    python = virtual_environment(HERE / "requirements.txt", TARGET / "moto-venv")
    with tempfile.TemporaryDirectory() as scratch, moto_server(python, Path(scratch)) as moto:
        account = build_account(python, moto)
        check_whole_account(checks, audit, moto, account, Path(scratch))
        check_unknown_operations(checks, audit, moto, account, Path(scratch))
        check_denied_call(checks, audit, moto, account)
        several.check(checks, audit, moto, build(python, "build_organization.py", moto), Path(scratch))
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def check_whole_account(checks: Checks, audit: Path, moto: str, account: dict[str, Any], scratch: Path) -> None:
    """Everything answers: exactly the planted findings, within the limits, and the same again from the snapshot."""
    snapshot = scratch / "snapshot.json.zst"
    with proxy.running(moto, NOT_IN_MOTO) as server:
        live = run_audit(audit, server.url, "--save-snapshot", str(snapshot))
    report = live.report()
    summary = report.get("summary", {})
    checks.equal("findings of severity high: exit code", live.exit_code, 1)
    checks.equal("report version", report.get("schema_version"), 1)
    checks.equal("findings", findings(report), expected(account))
    checks.equal("the scan is complete", report.get("scan", {}).get("complete"), True)
    checks.equal("nothing was left unjudged", report.get("not_evaluated"), [])
    for key, number in account["counts"].items():
        checks.equal(f"number of {key}", summary.get(key), number)
    requests = server.requests.total()
    checks.equal("requests counted by the report and by the server", summary.get("api_calls"), requests)
    checks.holds(f"{requests} requests, at most {REQUESTS_AT_MOST}", requests <= REQUESTS_AT_MOST)
    check_replay(checks, audit, snapshot, live.stdout)


def check_replay(checks: Checks, audit: Path, snapshot: Path, live: bytes) -> None:
    """The saved snapshot gives the live report, every time."""
    for time_ in ("first", "second"):
        replay = run_audit(audit, None, "--snapshot", str(snapshot))
        checks.equal(f"{time_} replay: exit code", replay.exit_code, 1)
        checks.holds(f"{time_} replay: the bytes of the live report", replay.stdout == live)


def check_unknown_operations(checks: Checks, audit: Path, moto: str, account: dict[str, Any], scratch: Path) -> None:
    """Moto as it is: what it does not know is reported as unread, without minutes of retries."""
    snapshot = scratch / "plain.json"
    with proxy.running(moto, {}) as server:
        run = run_audit(audit, server.url, "--save-snapshot", str(snapshot))
    report = run.report()
    checks.equal("unknown operations: exit code", run.exit_code, 1)
    checks.equal("unknown operations: findings", findings(report), expected(account))
    checks.equal("unknown operations: the scan is complete", report.get("scan", {}).get("complete"), False)
    checks.equal(
        "unknown operations: unread datasets",
        {gap.get("dataset") for gap in report.get("not_evaluated", []) if gap.get("kind") == "unread"},
        UNREAD_IN_MOTO,
    )
    asked = {operation: server.requests[operation] for operation in NOT_IN_MOTO}
    checks.equal("unknown operations: each is asked for once", asked, dict.fromkeys(NOT_IN_MOTO, 1))
    saved = snapshot.read_text()
    checks.holds("the snapshot has the names of environment variables", account["variable"]["name"] in saved)
    checks.holds("the snapshot has no value of one", account["variable"]["value"] not in saved)


def check_denied_call(checks: Checks, audit: Path, moto: str, account: dict[str, Any]) -> None:
    """Without one permission its rule is silent and says what to add; the others go on."""
    with proxy.running(moto, {**NOT_IN_MOTO, DENIED_ACTION: DENIED}) as server:
        run = run_audit(audit, server.url)
        strict = run_audit(audit, server.url, "--fail-on-incomplete")
        alone = run_audit(audit, server.url, "--rule", "vpc-endpoint-missing")
    report = run.report()
    needed = set(account["endpoints_needed"])
    others = [finding for finding in expected(account) if finding[0] not in needed]
    checks.equal("denied call: exit code, with other findings", run.exit_code, 1)
    checks.equal("denied call: exit code with --fail-on-incomplete", strict.exit_code, 3)
    checks.equal("denied call: exit code, with nothing else to find", alone.exit_code, 3)
    checks.equal("denied call: findings", findings(report), others)
    checks.equal("denied call: the scan is complete", report.get("scan", {}).get("complete"), False)
    unread = [gap for gap in report.get("not_evaluated", []) if gap.get("kind") == "unread"]
    checks.equal("denied call: what is missing", {gap.get("iam_action") for gap in unread}, {DENIED_ACTION})
    checks.holds("denied call: each rule that needs it says so", needed <= {gap.get("rule") for gap in unread})


def expected(account: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(rule, resource name) of all planted mistakes, sorted."""
    return sorted((rule, name) for rule, name in account["expected"])


def run_audit(audit: Path, endpoint: str | None, *arguments: str) -> Run:
    """Runs the binary on the account, without the rules that moto gives nothing to judge by."""
    alone = "--rule" in arguments
    skipped = [] if alone else [word for rule in RULES_WITHOUT_DATA for word in ("--skip-rule", rule)]
    region = [] if endpoint is None else ["--region", REGION]
    return run(audit, endpoint, [*arguments, *skipped, *region])


def build(python: Path, script: str, moto: str) -> dict[str, Any]:
    """Builds what a script builds, which describes itself."""
    command = [str(python), str(HERE / script), moto]
    built = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, check=True, timeout=300)
    description: dict[str, Any] = json.loads(built.stdout)
    return description


def build_account(python: Path, moto: str) -> dict[str, Any]:
    """Builds the account."""
    account = build(python, "build_account.py", moto)
    print("account:", ", ".join(f"{number} {key}" for key, number in account["counts"].items()))
    return account


@contextmanager
def moto_server(python: Path, scratch: Path) -> Iterator[str]:
    """A moto server on a free port of loopback."""
    port = free_port()
    log = scratch / "moto.log"
    command = [str(python.parent / "moto_server"), "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(server, f"{url}/moto-api/data.json", log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Waits up to a minute: the first start compiles all of moto."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"moto_server did not start:\n{log.read_text(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
