"""What the tests in Python share: counting what holds, and virtual environments under `target/`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Checks:
    """Counts what held and what did not, and says so as it goes."""

    passed: int = 0
    failed: int = 0

    def equal(self, what: str, got: object, expected: object) -> None:
        """One check."""
        detail = "" if got == expected else f": got {got!r}, expected {expected!r}"
        self.holds(what + detail, got == expected)

    def holds(self, what: str, condition: bool) -> None:
        """One check of anything else."""
        self.passed += condition
        self.failed += not condition
        print(f"{'ok  ' if condition else 'FAIL'} {what}", flush=True)


def virtual_environment(requirements: Path, place: Path) -> Path:
    """Python of an environment with the requirements, made anew only when they or this Python changed."""
    stamp, python = place / "installed", place / "bin" / "python"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and python.is_file():
        return python
    print(f"installing {requirements.parent.name}/{requirements.name} into {place}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    stamp.write_text(wanted)
    return python
