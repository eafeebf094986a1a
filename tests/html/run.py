#!/usr/bin/env python3
"""Opens the HTML report in a headless browser: what is on the page, what runs, and what is asked of the network.

Usage: run.py [PATH of the binary]

Ends with 77 where there is no Chromium or Chrome. Leaves screenshots in `target/html/`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import Checks  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "target"
PAGES = TARGET / "html"
SKIP = 77
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (400, 1000, 1600)

MARK = "document.documentElement.dataset.pwned=1"
HOSTILE = {
    "payments": f"<script>{MARK}</script>",
    "login": f'" onmouseover="{MARK}" onfocus="{MARK}" autofocus x="',
    "checkout": f"</style></title></textarea><img src=http://evil.invalid/x onerror={MARK}>",
    "backoffice": f"'><svg onload={MARK}>&lt;b&gt;`${{{MARK}}}`",
    "importer": "a\u202egnp.exe\u2066\u200b\nsecond line\ttab",
    "forum": f"javascript:{MARK}",
    "webhooks": "name-" * 50,
}
"""Words of the demo account, and what somebody may have called them instead."""

MEASURE = """
<script>
addEventListener("load", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    wrong.push("page " + root.scrollWidth + " wide");
    for (const element of document.querySelectorAll("main *")) {
      const box = element.getBoundingClientRect();
      const wide = box.right > innerWidth + 1 && !element.closest(".scroll");
      if (wide) wrong.push(element.tagName + "." + element.className);
    }
  }
  let texts = 0;
  for (const node of document.querySelectorAll("svg.wiring .n")) {
    const box = node.querySelector("rect").getBBox();
    for (const text of node.querySelectorAll("text")) {
      const inner = text.getBBox();
      texts += 1;
      const inside = inner.x >= box.x && inner.x + inner.width <= box.x + box.width
        && inner.y >= box.y && inner.y + inner.height <= box.y + box.height + 1;
      if (!inside) wrong.push("text " + text.textContent);
    }
  }
  parent.postMessage({ texts, wrong: wrong.slice(0, 5).join(" | ") }, "*");
});
</script>
"""
"""Appended to a page: does it scroll sideways, and does any text leave its box?"""

FRAME = """<!doctype html><script>
addEventListener("message", (event) => Object.assign(document.documentElement.dataset, event.data));
</script><iframe src="{page}" width="{width}" height="900" style="border: 0"></iframe>
"""
"""A browser without a window is never narrower than 500 pixels, a frame may be."""


@dataclass
class Element:
    """One element as the browser has it."""

    tag: str
    attributes: dict[str, str]
    hidden: bool
    """It, or something around it, has the attribute `hidden`."""


VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Dom(HTMLParser):
    """All elements of a page, and the text of those that a check asks for."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)
    shown: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the element."""
        attributes = {name: value or "" for name, value in attrs}
        around = self.open[-1].hidden if self.open else False
        element = Element(tag, attributes, around or "hidden" in attributes)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Leaves it; the browser closes everything that it opens."""
        if self.open and self.open[-1].tag == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Notes how many findings the page says it shows."""
        if self.open and self.open[-1].attributes.get("id") == "shown":
            self.shown += data

    def findings(self, *, visible: bool = False) -> set[str]:
        """Ids of the findings on the page."""
        found = (element for element in self.elements if "finding" in element.attributes.get("class", "").split())
        return {element.attributes["id"] for element in found if not (visible and element.hidden)}


@dataclass(frozen=True)
class Browser:
    """A browser without a window."""

    program: str
    scratch: Path
    scripts: bool = True

    def run(self, page: str, *options: str) -> tuple[str, str]:
        """What it writes to standard output and to standard error."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as profile:
            settings = Path(profile) / "Default" / "Preferences"
            settings.parent.mkdir()
            blocked = {} if self.scripts else {"javascript": 2}
            settings.write_text(json.dumps({"profile": {"default_content_setting_values": blocked}}))
            command = [
                self.program,
                "--headless",
                # A container has no unprivileged namespaces, and the page is our own.
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--enable-logging=stderr",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--virtual-time-budget=5000",
                f"--user-data-dir={profile}",
                *options,
                page,
            ]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return ended.stdout, ended.stderr

    def dom(self, page: str, *options: str) -> tuple[Dom, str]:
        """The page after its scripts, and what the browser complained about."""
        text, errors = self.run(page, "--dump-dom", *options)
        dom = Dom()
        dom.feed(text)
        return dom, errors

    def hosts(self, page: str) -> set[str]:
        """The hosts that were asked for anything, the browser's own included."""
        log = self.scratch / "net-log.json"
        self.run(page, "--dump-dom", f"--log-net-log={log}")
        urls = (event.get("params", {}).get("url", "") for event in json.loads(log.read_text())["events"])
        return {urlsplit(url).netloc for url in urls if url.startswith(("http:", "https:", "ws:", "wss:"))}


def main() -> int:
    """Runs all checks; 1 if one failed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "audit", type=Path, nargs="?", default=TARGET / "debug" / "audit", help="the binary to check"
    )
    audit = arguments.parse_args().audit.resolve()
    if not audit.is_file():
        sys.exit(f"{audit} is not there: build it first, cargo test does")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print(f"none of {', '.join(BROWSERS)} is installed")
        return SKIP
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir(parents=True)
    checks = Checks()
    with tempfile.TemporaryDirectory() as scratch:
        browser = Browser(program, Path(scratch))
        demo, report = report_of(audit, "demo", "--demo")
        check_page(checks, browser, "demo", demo, report)
        check_filters(checks, browser, demo, report)
        check_links(checks, browser, demo, report)
        hostile, hostile_report = report_of(audit, "hostile", "--snapshot", str(hostile_snapshot(Path(scratch))))
        check_page(checks, browser, "hostile", hostile, hostile_report)
        check_that_requests_are_seen(checks, browser)
        screenshots(browser, demo)
    check_contrast(checks)
    print(f"\n{checks.passed} passed, {checks.failed} failed; screenshots are in {PAGES.relative_to(ROOT)}")
    return 1 if checks.failed else 0


def report_of(audit: Path, name: str, *source: str) -> tuple[Path, dict[str, Any]]:
    """The page, and the same report for programs."""
    page, data = PAGES / f"{name}.html", PAGES / f"{name}.json"
    command = [audit, *source, "--exit-zero", "--format", "json", "--output", page, "--output", data]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    report: dict[str, Any] = json.loads(data.read_text())
    return page, report


def hostile_snapshot(scratch: Path) -> Path:
    """The demo account with names that no page should take for anything but text."""
    text = (ROOT / "mocks" / "demo.json").read_text()
    for word, instead in HOSTILE.items():
        text = re.sub(rf"\b{word}\b", lambda _: json.dumps(instead)[1:-1], text)
    path = scratch / "hostile.json"
    path.write_text(text)
    return path


def check_page(checks: Checks, browser: Browser, name: str, page: Path, report: dict[str, Any]) -> None:
    """Everything is there with and without scripts, nothing runs from a name, and nothing is asked of the network."""
    expected = {finding["id"] for finding in report["findings"]}
    without = Browser(browser.program, browser.scratch, scripts=False)
    for which, with_scripts in ((browser, True), (without, False)):
        dom, errors = which.dom(page.as_uri())
        label = f"{name}, scripts {'on' if with_scripts else 'off'}"
        root = dom.elements[0].attributes
        checks.equal(f"{label}: all findings", dom.findings(), expected)
        checks.equal(f"{label}: none hidden", dom.findings(visible=True), expected)
        checks.equal(f"{label}: the script of the page", root.get("data-script"), "on" if with_scripts else None)
        checks.holds(f"{label}: no name ran", "data-pwned" not in root)
        checks.holds(f"{label}: nothing violates the policy", "Content Security Policy" not in errors)
        handlers = {name for element in dom.elements for name in element.attributes if name.startswith("on")}
        checks.equal(f"{label}: handlers", handlers, set())
        loads = {element.tag for element in dom.elements if element.tag in LOADING or "src" in element.attributes}
        checks.equal(f"{label}: elements that load something", loads, set())
        targets = {urlsplit(element.attributes.get("href", "")).netloc for element in dom.elements}
        checks.holds(f"{label}: links to AWS only", targets <= {"", "docs.aws.amazon.com", "repost.aws"})
        svg = sum(element.tag == "svg" and "wiring" in element.attributes.get("class", "") for element in dom.elements)
        checks.holds(f"{label}: {svg} pictures", svg > 20)
    empty = browser.scratch / "empty.html"
    empty.write_text("<!doctype html><title>nothing</title>")
    checks.equal(f"{name}: requests", browser.hosts(page.as_uri()) - browser.hosts(empty.as_uri()), set())
    for width in (*WIDTHS, 1800):
        measured = PAGES / f"{name}-measured.html"
        text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text())
        measured.write_text(text.replace("</body>", MEASURE + "</body>"))
        frame = browser.scratch / "frame.html"
        frame.write_text(FRAME.format(page=measured.as_uri(), width=width))
        dom, _ = browser.dom(frame.as_uri(), "--window-size=1900,1000")
        root = dom.elements[0].attributes
        checks.equal(f"{name}, {width} px: all {root.get('data-texts')} texts fit", root.get("data-wrong"), "")
        measured.unlink()


LOADING = {"img", "link", "iframe", "object", "embed", "video", "audio", "source", "base", "image", "foreignobject"}


def check_filters(checks: Checks, browser: Browser, page: Path, report: dict[str, Any]) -> None:
    """An address with a filter shows what fits, and says how many."""
    findings = report["findings"]

    def in_cluster(finding: dict[str, Any], cluster: str) -> bool:
        return bool(finding["resource"]["name"].split("/")[0] == cluster)

    cases = {
        "severity=high": lambda finding: finding["severity"] == "high",
        "severity=critical,medium": lambda finding: finding["severity"] in ("critical", "medium"),
        "rule=nat-cross-zone": lambda finding: finding["rule"] == "nat-cross-zone",
        "cluster=shop": lambda finding: in_cluster(finding, "shop"),
        "cluster=shop&severity=low": lambda finding: in_cluster(finding, "shop") and finding["severity"] == "low",
        "text=no+such+words": lambda _: False,
    }
    for query, fits in cases.items():
        dom, _ = browser.dom(f"{page.as_uri()}#{query}")
        expected = {finding["id"] for finding in findings if fits(finding)}
        checks.equal(f"#{query}: {len(expected)} findings", dom.findings(visible=True), expected)
        checks.equal(f"#{query}: said", dom.shown, f"{len(expected)} of {len(findings)} findings")
    words = urlencode({"text": findings[0]["id"].upper()})
    dom, _ = browser.dom(f"{page.as_uri()}#{words}")
    checks.equal("#text= with an id", dom.findings(visible=True), {findings[0]["id"]})


def check_links(checks: Checks, browser: Browser, page: Path, report: dict[str, Any]) -> None:
    """Every link within the page leads somewhere, ids are unique, and the address of a finding opens it."""
    dom, _ = browser.dom(page.as_uri())
    ids = [element.attributes["id"] for element in dom.elements if "id" in element.attributes]
    checks.equal("ids are unique", len(ids), len(set(ids)))
    anchors = (element.attributes.get("href", "") for element in dom.elements)
    inner = {anchor[1:] for anchor in anchors if anchor.startswith("#") and "=" not in anchor}
    checks.equal(f"{len(inner)} links within the page", inner - set(ids), set())
    levels = [int(element.tag[1]) for element in dom.elements if re.fullmatch("h[1-6]", element.tag)]
    steps = [(before, after) for before, after in zip(levels, levels[1:]) if after > before + 1]
    checks.equal("no level of headings is left out", steps, [])
    wanted = report["findings"][-1]["id"]
    dom, _ = browser.dom(f"{page.as_uri()}#{wanted}")
    opened = [element for element in dom.elements if element.attributes.get("id") == wanted]
    checks.holds("the address of a finding opens it", "open" in opened[0].attributes)


def check_that_requests_are_seen(checks: Checks, browser: Browser) -> None:
    """Without this, a page that asks for something could pass unnoticed."""
    page = browser.scratch / "asking.html"
    page.write_text(f"<!doctype html><img src=http://evil.invalid/x onerror='{MARK}'>")
    checks.holds("a request would be noticed", "evil.invalid" in browser.hosts(page.as_uri()))
    dom, _ = browser.dom(page.as_uri())
    checks.holds("a script in a name would be noticed", "data-pwned" in dom.elements[0].attributes)


def screenshots(browser: Browser, page: Path) -> None:
    """For people to look at."""
    for width in WIDTHS:
        for scheme, dark in (("light", ()), ("dark", ("--blink-settings=preferredColorScheme=0",))):
            path = PAGES / f"demo-{width}-{scheme}.png"
            browser.run(page.as_uri(), f"--screenshot={path}", f"--window-size={width},2000", *dark)


def check_contrast(checks: Checks) -> None:
    """Text in every scheme has the contrast that WCAG asks for at level AA."""
    style = (ROOT / "src" / "report" / "html" / "style.css").read_text()
    schemes = re.findall(r":root\s*{(.*?)}", style, re.DOTALL)
    checks.equal("schemes: light, dark, print", len(schemes), 3)
    for name, scheme in zip(("light", "dark", "print"), schemes):
        colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})", scheme))
        for text, ground in pairs():
            ratio = contrast(colours[text], colours[ground])
            checks.holds(f"{name}: {text} on {ground} {ratio:.1f}", ratio >= 4.5)


def pairs() -> Iterator[tuple[str, str]]:
    """What is written in which colour on which."""
    for ground in ("page", "card", "sunk"):
        yield from ((text, ground) for text in ("text", "quiet", "accent", "bad", "good"))
    for severity in ("high", "medium", "low", "info"):
        yield severity, f"{severity}-tint"
    yield from (("on-critical", "critical"), ("good", "good-tint"), ("bad", "bad-tint"), ("text", "low-tint"))
    yield from (("quiet", "bad-tint"), ("medium", "medium-tint"), ("unsure", "card"), ("unsure", "sunk"))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = (int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


if __name__ == "__main__":
    sys.exit(main())
