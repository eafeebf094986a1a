"""Runs the audit binary with a clean environment and reads what it says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """How one run of the binary ended."""

    exit_code: int
    stdout: bytes
    stderr: str

    def report(self) -> dict[str, Any]:
        """The JSON report; an empty one, with the reason shown, if there is none."""
        try:
            report: dict[str, Any] = json.loads(self.stdout)
            return report
        except ValueError as error:
            print(f"     no JSON on standard output ({error}); standard error: {self.stderr.strip()}")
            return {}


def run(audit: Path, endpoint: str | None, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> Run:
    """Runs the binary with a clean environment and without any configuration of the machine."""
    environment = {**clean_environment(), "AWS_EC2_METADATA_DISABLED": "true", **(more or {})}
    if endpoint is not None:
        environment["AWS_ENDPOINT_URL"] = endpoint
    command = [str(audit), *arguments, "--quota-share", "100", "--format", "json"]
    ended = subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    return Run(ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace"))


def findings(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(rule, resource name) of all findings, sorted."""
    return sorted((finding["rule"], finding["resource"]["name"]) for finding in report.get("findings", []))


def clean_environment() -> dict[str, str]:
    """Nothing of the caller's AWS settings, and keys that are worth nothing."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
