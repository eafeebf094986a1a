"""Several accounts and Regions in one run: by roles, by profiles, in all Regions, and with one that refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import proxy
from answers import NOT_IN_MOTO
from binary import run
from common import Checks
from proxy import Answer

RULES = ("--rule", "vpc-endpoint-missing", "--rule", "bridge-mode-in-use")
HOLDS = ("--rule", "bridge-mode-in-use")
"""A rule that finds nothing here, so that nothing but what is missing decides the exit code."""


def check(checks: Checks, audit: Path, moto: str, organization: Mapping[str, Any], scratch: Path) -> None:
    """All checks."""
    with proxy.running(moto, NOT_IN_MOTO) as server:
        check_roles(checks, audit, server.url, organization, scratch)
        check_profiles(checks, audit, server.url, organization, scratch)
    check_refused_role(checks, audit, moto, organization)
    check_all_regions(checks, audit, moto, organization)


def check_roles(checks: Checks, audit: Path, moto: str, organization: Mapping[str, Any], scratch: Path) -> None:
    """Two accounts in two Regions each: one report, and the same again from the snapshot."""
    snapshot = scratch / "organization.json.zst"
    arguments = [*RULES, *roles(organization, organization["accounts"]), *regions(organization)]
    live = run(audit, moto, [*arguments, "--external-id", "x-1", "--save-snapshot", str(snapshot)])
    report = live.report()
    checks.equal("two accounts: exit code", live.exit_code, 1)
    checks.equal("two accounts: the scan is complete", report.get("scan", {}).get("complete"), True)
    checks.equal("two accounts: findings", places(report), organization["expected"])
    everywhere = [(account, region) for account in organization["accounts"] for region in organization["regions"]]
    checks.equal("two accounts: targets", statuses(report), {place: "complete" for place in everywhere})
    replay = run(audit, None, [*RULES, "--snapshot", str(snapshot)])
    checks.holds("two accounts: the replay has the bytes of the live report", replay.stdout == live.stdout)


def check_refused_role(checks: Checks, audit: Path, moto: str, organization: Mapping[str, Any]) -> None:
    """One account refuses: the others are read, and nobody is told that all is well."""
    refusing = organization["refusing"]
    message = f"User: arn:aws:iam::1:user/me is not authorized to perform: sts:AssumeRole on resource: {refusing}"
    refused = Answer(
        403,
        "text/xml",
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>AccessDenied</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>",
        when=refusing,
    )
    everyone = [*roles(organization, [*organization["accounts"], refusing]), *regions(organization)]
    with proxy.running(moto, {**NOT_IN_MOTO, "sts:AssumeRole": refused}) as server:
        run_ = run(audit, server.url, [*RULES, *everyone])
        silent = run(audit, server.url, [*HOLDS, *everyone])
        strict = run(audit, server.url, [*RULES, *everyone, "--fail-on-incomplete"])
        alone = run(audit, server.url, [*RULES, *roles(organization, [refusing]), *regions(organization)])
    report = run_.report()
    checks.equal("a refused role: exit code, with findings elsewhere", run_.exit_code, 1)
    checks.equal("a refused role: exit code, with nothing else to find", silent.exit_code, 3)
    checks.equal("a refused role: exit code with --fail-on-incomplete", strict.exit_code, 3)
    checks.equal("a refused role: findings elsewhere", places(report), organization["expected"])
    checks.equal("a refused role: the scan is complete", report.get("scan", {}).get("complete"), False)
    expected = {
        (account, region): "not-scanned" if account == refusing else "complete"
        for account in (*organization["accounts"], refusing)
        for region in organization["regions"]
    }
    checks.equal("a refused role: targets", statuses(report), expected)
    unread = {(gap["account"], gap["region"]) for gap in report.get("not_evaluated", []) if gap["kind"] == "unread"}
    checks.equal("a refused role: unread", unread, {(refusing, region) for region in organization["regions"]})
    checks.holds(
        "a refused role: the error says what to do",
        f"error: assuming {organization['roles'][refusing]}" in run_.stderr and "sts:AssumeRole" in run_.stderr,
    )
    checks.equal("nothing but a refused role: exit code", alone.exit_code, 2)
    checks.equal("nothing but a refused role: no report", alone.stdout, b"")


def check_profiles(checks: Checks, audit: Path, moto: str, organization: Mapping[str, Any], scratch: Path) -> None:
    """Profiles with roles and Regions of their own; one that leads to the same place again is read once."""
    first, second = organization["accounts"]
    home, other = organization["regions"]
    config = scratch / "config"
    sections = [
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n",
        *(
            f"[profile {name}]\nrole_arn = {organization['roles'][account]}\nsource_profile = base\nregion = {region}\n"
            for name, account, region in (("one", first, home), ("two", second, other), ("again", first, home))
        ),
    ]
    config.write_text("\n".join(sections))
    profiles = [word for name in ("one", "two", "again") for word in ("--profile", name)]
    live = run(audit, moto, [*RULES, *profiles], {"AWS_CONFIG_FILE": str(config)})
    report = live.report()
    checks.equal("profiles: targets", statuses(report), {(first, home): "complete", (second, other): "complete"})
    checks.equal("profiles: findings", places(report), [p for p in organization["expected"] if p[0] == first])
    checks.holds("profiles: one is told to be the same", "profile again is account" in live.stderr)
    unknown = run(audit, moto, [*HOLDS, *profiles, "--profile", "nobody"], {"AWS_CONFIG_FILE": str(config)})
    checks.equal("an unknown profile beside others: exit code", unknown.exit_code, 3)
    checks.equal("an unknown profile beside others: targets", statuses(unknown.report()).get(("", "")), "not-scanned")


def check_all_regions(checks: Checks, audit: Path, moto: str, organization: Mapping[str, Any]) -> None:
    """Every enabled Region; one without clusters costs one request."""
    account = organization["accounts"][0]
    with proxy.running(moto, {}) as server:
        run_ = run(audit, server.url, [*RULES, *roles(organization, [account]), "--all-regions"])
    with proxy.running(moto, {}) as skipping:
        skipped = run(audit, skipping.url, [*RULES, *roles(organization, [account]), "--skip-region", "eu-*"])
    report = run_.report()
    found = statuses(report)
    checks.holds(f"all Regions: {len(found)} of them", len(found) > 10)
    checks.equal("all Regions: findings", places(report), [p for p in organization["expected"] if p[0] == account])
    asked = {region: server.regions[region] for _, region in found if region not in organization["regions"]}
    checks.equal("all Regions: requests to one without clusters", set(asked.values()), {1})
    checks.equal("all Regions: requests for the list of them", server.requests["ec2:DescribeRegions"], 1)
    checks.equal("all Regions: requests for the identity", server.requests["sts:GetCallerIdentity"], 1)
    left = {region for _, region in statuses(skipped.report())}
    checks.equal("all Regions but some: those of eu are left out", {region for region in left if region[:3] == "eu-"}, set())


def roles(organization: Mapping[str, Any], accounts: Sequence[str]) -> list[str]:
    """`--role-arn` for each account."""
    return [word for account in accounts for word in ("--role-arn", organization["roles"][account])]


def regions(organization: Mapping[str, Any]) -> list[str]:
    """`--region` for each Region."""
    return [word for region in organization["regions"] for word in ("--region", region)]


def places(report: Mapping[str, Any]) -> list[list[str]]:
    """Account, Region, rule and resource of all findings, sorted."""
    found = report.get("findings", [])
    return sorted([f["account"], f["region"], f["rule"], f["resource"]["name"]] for f in found)


def statuses(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """How each target came out."""
    targets = report.get("scan", {}).get("targets", [])
    return {(target["account"], target["region"]): target["status"] for target in targets}
