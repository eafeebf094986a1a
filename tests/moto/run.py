"""Runs the binary against a real moto server, over HTTP with the real SDK.

    python3 tests/moto/run.py [path of the binary]

Makes a virtual environment under target/, starts everything on free loopback ports, and stops it again.
"""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MOST_REQUESTS = 120
MOST_SECONDS = 3.0


def main() -> int:
    environment = ROOT / "target" / "moto-venv"
    python = environment / "bin" / "python"
    if Path(sys.prefix) != environment:
        prepare(environment, python)
        return subprocess.run([str(python), __file__, *sys.argv[1:]], check=False).returncode
    binary = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "target" / "debug" / "audit"
    return Layer(binary).run()


def prepare(environment: Path, python: Path) -> None:
    requirements = HERE / "requirements.txt"
    done = environment / "requirements.txt"
    if done.exists() and done.read_text() == requirements.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)
    done.write_text(requirements.read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy(http.server.ThreadingHTTPServer):
    """Passes requests on to moto, counts them, and refuses those whose body names an action it was told to refuse."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.requests: list[str] = []
        self.refused: str | None = None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        self.forward()

    def do_POST(self) -> None:
        self.forward()

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self.headers.get("X-Amz-Target") or body.decode(errors="replace").split("&")[0] or self.path
        self.server.requests.append(operation)
        if self.server.refused and self.server.refused in operation:
            answer = b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>"
            self.answer(403, "text/xml", answer)
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
        method, url = self.command, self.server.upstream + self.path
        request = urllib.request.Request(url, data=body if method == "POST" else None, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                self.answer(response.status, response.headers.get("Content-Type", ""), response.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.headers.get("Content-Type", ""), error.read())

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Layer:
    """The checks."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary
        self.passed = 0
        self.failed = 0

    def check(self, what: str, holds: bool, detail: object = "") -> None:
        self.passed += holds
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {what} {detail if not holds else ''}".rstrip())

    def run(self) -> int:
        port = free_port()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        moto = subprocess.Popen(server, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            upstream = f"http://127.0.0.1:{port}"
            wait_for(upstream)
            self.checks(upstream)
        finally:
            moto.kill()
            moto.wait()
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0

    def checks(self, upstream: str) -> None:
        from account import Account, expected

        account = Account(upstream)
        account.build()
        self.check("5 clusters, 30 services, 50 tasks", account.sizes() == (5, 30, 50), account.sizes())
        proxy = Proxy(upstream)
        with tempfile.TemporaryDirectory() as home:
            started = time.monotonic()
            live = self.audit(home, upstream, "--save-snapshot", "saved.json.zst", "--format", "json")
            seconds = time.monotonic() - started
            report = json.loads(live.stdout)
            found = {(finding["rule"], finding["resource"]["name"]) for finding in report["findings"]}
            self.check("exit code 1", live.returncode == 1, (live.returncode, live.stderr))
            self.check("the planted findings and no other", found == expected(), found ^ expected())
            self.check(f"in {seconds:.2f} s, under {MOST_SECONDS} s", seconds < MOST_SECONDS)

            counted = json.loads(self.audit(home, proxy.url, "--format", "json").stdout)
            requests = len(proxy.requests)
            self.check(f"{requests} requests, at most {MOST_REQUESTS}", requests <= MOST_REQUESTS, proxy.requests)
            self.check("the report counts them all", counted["summary"]["api_calls"] == requests)

            replays = [self.audit(home, "", "--snapshot", "saved.json.zst", "--format", "json") for _ in range(2)]
            self.check("a replay gives the same bytes", all(replay.stdout == live.stdout for replay in replays))
            saved = self.audit(home, upstream, "--save-snapshot", "plain.json")
            text = (Path(home) / "plain.json").read_text()
            self.check("no value of a variable is saved", "hunter2" not in text and saved.returncode == 1)

            proxy.refused = "Action=DescribeVpcEndpoints"
            refused = self.audit(home, proxy.url, "--format", "json")
            partial = json.loads(refused.stdout)
            actions = {entry["iam_action"] for entry in partial["not_evaluated"]}
            kept = {(finding["rule"], finding["resource"]["name"]) for finding in partial["findings"]}
            self.check("a refused call is named", "ec2:DescribeVpcEndpoints" in actions, actions)
            self.check("and the rest is audited", kept == {f for f in expected() if f[0] != "vpc-endpoint-missing"}, kept)
            healthy = ("--cluster", "batch", "--rule", "vpc-endpoint-missing")
            incomplete = self.audit(home, proxy.url, *healthy)
            self.check("alone it ends with 3", incomplete.returncode == 3, incomplete.stderr)

    def audit(self, home: str, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": home,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_ENDPOINT_URL": endpoint,
        }
        source = () if "--snapshot" in arguments else ("--region", "eu-west-1")
        command = [str(self.binary), *source, *arguments]
        return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url + "/moto-api/data.json", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
