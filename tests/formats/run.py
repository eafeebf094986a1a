#!/usr/bin/env python3
"""Writes every format of the demo and of a hostile account, and checks each with a parser or schema that is not ours.

Usage: run.py [PATH of the binary]

The official schemas of SARIF and OCSF are not part of this repository: AUDIT_SCHEMAS names a folder that has them, by
default `../shared/schemas`; schemas.py makes one. Without it the checks are skipped (77).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from common import virtual_environment  # noqa: E402

SKIP = 77
SCHEMAS = ["sarif-2.1.0.json", "ocsf-compliance-finding-1.5.0.json", "ocsf-detection-finding-1.5.0.json"]
FILES = {
    "json": "report.json",
    "ndjson": "report.ndjson",
    "sarif": "report.sarif",
    "ocsf": "report.ocsf.json",
    "ocsf-detection": "report.ocsf-detection.json",
    "asff": "report.asff.json",
    "csv": "report.csv",
    "junit": "report.xml",
    "markdown": "report.md",
    "prometheus": "report.prom",
}
"""A file of each format that others read, its ending the one that says the format."""

WAIVERS = """
[[waivers]]
rule = 'root-user'
resource = '*'
reason = "=accepted() | <b> \\u202e"
owner = 'platform'
expires = 2027-01-31
"""
"""Accepts findings of the demo account, for a reason that is no kinder than the hostile names."""


def main() -> int:
    """Writes all files and hands them to the validators."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "audit", type=Path, nargs="?", default=ROOT / "target" / "debug" / "audit", help="the binary to check"
    )
    audit = arguments.parse_args().audit.resolve()
    if not audit.is_file():
        sys.exit(f"{audit} is not there: build it first, cargo test does")
    schemas = Path(os.environ.get("AUDIT_SCHEMAS", ROOT.parent / "shared" / "schemas"))
    missing = [name for name in SCHEMAS if not (schemas / name).is_file()]
    if missing:
        print(f"{schemas} has no {', '.join(missing)}: tests/formats/schemas.py gets them, AUDIT_SCHEMAS names them")
        return SKIP
    python = virtual_environment(HERE / "requirements.txt", ROOT / "target" / "formats-venv")
    with tempfile.TemporaryDirectory() as scratch:
        hostile = Path(scratch) / "hostile.json"
        hostile.write_text(hostile_snapshot())
        waivers = Path(scratch) / "waivers.toml"
        waivers.write_text(WAIVERS)
        sources = {
            "demo": ["--demo"],
            "hostile": ["--snapshot", str(hostile)],
            "waived": ["--demo", "--waivers", str(waivers)],
        }
        for name, source in sources.items():
            write_reports(audit, source, Path(scratch) / name)
        command = [str(python), str(HERE / "validate.py"), str(schemas), scratch, *sources]
        return subprocess.run(command).returncode


def hostile_snapshot() -> str:
    """The demo account with names that somebody chose to do harm."""
    snapshot = (ROOT / "mocks" / "demo.json").read_text()
    for word, replacement in json.loads((ROOT / "mocks" / "hostile.json").read_text()).items():
        snapshot = snapshot.replace(word, json.dumps(replacement)[1:-1])
    return snapshot


def write_reports(audit: Path, source: list[str], place: Path) -> None:
    """Every format at once; both accounts have findings, so the end is 1."""
    place.mkdir()
    outputs = [word for name in FILES.values() for word in ("--output", str(place / name))]
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    ended = subprocess.run(
        [str(audit), "--no-config", *source, *outputs], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
    )
    if ended.returncode != 1 or ended.stderr:
        sys.exit(f"audit {' '.join(source)} ended with {ended.returncode}: {ended.stderr.decode(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
