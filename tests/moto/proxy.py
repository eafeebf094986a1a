"""A reverse proxy on loopback that counts the requests of AWS operations and can answer some of them itself."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


@dataclass(frozen=True)
class Answer:
    """What the proxy says instead of asking the server behind it."""

    status: int
    content_type: str
    body: str
    when: str = ""
    """What has to stand in the request; others go through."""


@dataclass
class Proxy:
    """A running proxy."""

    url: str
    upstream: str
    answers: Mapping[str, Answer]
    requests: Counter[str] = field(default_factory=Counter)
    regions: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str, region: str) -> None:
        """Notes one request."""
        with self._lock:
            self.requests[operation] += 1
            self.regions[region] += 1


@contextmanager
def running(upstream: str, answers: Mapping[str, Answer]) -> Iterator[Proxy]:
    """A proxy in front of `upstream`, with `answers` by operation such as `ec2:DescribeVpcs`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}", upstream, answers)
    server.proxy = proxy  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def operation_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """`service:Operation`; for REST services, which name none, `service:METHOD /path`. Header names are lower case."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
    service = scope.group(1) if scope else "unsigned"
    target = headers.get("x-amz-target")
    if target:
        return f"{service}:{target.rsplit('.', 1)[-1]}"
    action = parse_qs(body.decode("utf-8", "replace")).get("Action")
    if action:
        return f"{service}:{action[0]}"
    return f"{service}:{method} {urlsplit(path).path}"


def region_of(headers: Mapping[str, str]) -> str:
    """The Region that a request was signed for."""
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", headers.get("authorization", ""))
    return scope.group(1) if scope else ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet: otherwise each answer waits 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        operation = operation_of(self.command, self.path, headers, body)
        proxy.count(operation, region_of(headers))
        answer = proxy.answers.get(operation)
        if answer is None or answer.when.encode() not in body:
            self._forward(proxy.upstream, body)
        else:
            self._reply(answer.status, {"Content-Type": answer.content_type}, answer.body.encode())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def _forward(self, upstream: str, body: bytes) -> None:
        connection = HTTPConnection(urlsplit(upstream).netloc, timeout=60)
        try:
            connection.request(self.command, self.path, body=body, headers=dict(self.headers.items()))
            response = connection.getresponse()
            headers = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
            self._reply(response.status, headers, response.read())
        finally:
            connection.close()

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent: the checks say what matters."""
