"""Validates the files of run.py, then breaks each of them on purpose and checks that the validators notice.

Runs in the virtual environment of run.py. Usage: validate.py SCHEMAS FOLDER ACCOUNT...
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jsonschema
from botocore.validate import ParamValidator
from markdown_it import MarkdownIt
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from prometheus_client.parser import text_string_to_metric_families

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import Checks  # noqa: E402

OTHER_OCSF = ["1.3.0", "1.4.0", "1.6.0", "1.7.0", "1.8.0"]
"""Versions that take the same events, besides the declared one."""

Errors = list[str]
Validator = Callable[[str], Errors]


def main() -> int:
    """Every file of every account, then every broken one."""
    schemas, folder, *accounts = sys.argv[1:]
    checks = Checks()
    validators = all_validators(Path(schemas))
    for account in accounts:
        for name, validate in validators.items():
            text = (Path(folder) / account / name).read_bytes().decode()
            errors = validate(text)
            checks.holds(f"{account}: {name} is valid ({len(text.encode())} bytes){shown(errors)}", not errors)
        same_findings(checks, Path(folder) / account, account)
    for name, broken in BROKEN.items():
        text = (Path(folder) / "demo" / name).read_bytes().decode()
        for what, damage in broken.items():
            damaged = damage(text)
            errors = validators[name](damaged) if damaged != text else []
            checks.holds(f"{name} with {what} is refused", bool(errors))
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def shown(errors: Errors) -> str:
    """The first few of them."""
    return "".join(f"\n       {error[:300]}" for error in errors[:5])


def all_validators(schemas: Path) -> dict[str, Validator]:
    """By the name of the file."""
    report = json.loads((HERE.parent.parent / "docs" / "report.schema.json").read_text())
    sarif = json.loads((schemas / "sarif-2.1.0.json").read_text())
    ocsf = {
        name: [json.loads((schemas / f"ocsf-{name}-finding-1.5.0.json").read_text()), *other_ocsf(name)]
        for name in ("compliance", "detection")
    }
    return {
        "report.json": lambda text: by_schema(report, json.loads(text)),
        "report.ndjson": lambda text: ndjson(report, text),
        "report.sarif": lambda text: by_schema(sarif, json.loads(text)) + github(json.loads(text)),
        "report.ocsf.json": lambda text: events(ocsf["compliance"], 2003, text),
        "report.ocsf-detection.json": lambda text: events(ocsf["detection"], 2004, text),
        "report.asff.json": asff(),
        "report.csv": rows,
        "report.xml": junit,
        "report.md": markdown,
        "report.prom": prometheus,
    }


def other_ocsf(name: str) -> Iterator[Any]:
    """The class in the other versions."""
    for version in OTHER_OCSF:
        embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        yield embedded.get_class_schema(class_name=f"{name}_finding", profiles=["cloud"])


def same_findings(checks: Checks, folder: Path, account: str) -> None:
    """No format loses one; SARIF has those that count."""
    findings = json.loads((folder / "report.json").read_text())["findings"]
    every = {finding["id"] for finding in findings}
    count = {finding["id"] for finding in findings if finding["status"] == "open"}
    if account == "waived":
        checks.holds(f"{account}: {len(every - count)} findings do not count", every > count)
    for name in ["ndjson", "sarif", "ocsf.json", "ocsf-detection.json", "asff.json", "csv", "xml"]:
        text = (folder / f"report.{name}").read_text()
        expected = count if name == "sarif" else every
        checks.equal(f"{account}: findings in report.{name}", sum(one in text for one in every), len(expected))


def by_schema(schema: Any, value: Any) -> Errors:
    """Errors of a value under a schema of any draft."""
    validator = jsonschema.validators.validator_for(schema)
    checker = validator(schema, format_checker=validator.FORMAT_CHECKER)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in checker.iter_errors(value)]


def ndjson(schema: Any, text: str) -> Errors:
    """Each line under the part of the JSON contract that its type names."""
    parts = {
        "finding": "Finding",
        "not_evaluated": "NotEvaluated",
        "rule": "RuleTally",
        "coverage": "Coverage",
        "waiver": "Waiver",
    }
    errors = []
    for number, line in enumerate(text.splitlines()):
        value = json.loads(line)
        kind = value.pop("type", None)
        if kind == "scan" and number == 0:
            wanted = {"schema_version", "tool", "scan", "summary"}
            errors += [] if set(value) == wanted else [f"the scan has {sorted(value)}"]
        elif kind in parts:
            errors += by_schema({**schema, "$ref": f"#/$defs/{parts[kind]}", "properties": {}, "required": []}, value)
        else:
            errors.append(f"line {number} is of type {kind}")
    return errors


def github(log: Any) -> Errors:
    """What GitHub code scanning asks for beyond the schema."""
    errors = []
    if not 1 <= len(log["runs"]) <= 20:
        errors.append(f"{len(log['runs'])} runs")
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for rule in rules:
            severity = rule["properties"].get("security-severity", "5.0")
            if not isinstance(severity, str) or not 0 < float(severity) <= 10:
                errors.append(f"security-severity {severity!r}")
            if not all(rule[key].get("text") for key in ("shortDescription", "fullDescription", "help")):
                errors.append(f"{rule['id']} lacks words")
        hashes = [result.get("partialFingerprints", {}).get("primaryLocationLineHash") for result in run["results"]]
        if None in hashes or len(set(hashes)) != len(hashes):
            errors.append("results share a fingerprint or have none")
        if len(hashes) > 25_000 or len(rules) > 25_000:
            errors.append("too many")
        for result in run["results"]:
            physical = (result.get("locations") or [{}])[0].get("physicalLocation", {})
            uri = physical.get("artifactLocation", {}).get("uri", "")
            if not re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+(?:/(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)*", uri):
                errors.append(f"{result['ruleId']} is at {uri!r}")
            if not result.get("message", {}).get("text"):
                errors.append(f"{result['ruleId']} says nothing")
    return errors


def events(schemas: list[Any], class_uid: int, text: str) -> Errors:
    """Each line under the schema of every version, and what none of them says."""
    errors = []
    checkers = [jsonschema.validators.validator_for(schema)(schema) for schema in schemas]
    for event in map(json.loads, text.splitlines()):
        for checker in checkers:
            errors += [error.message for error in checker.iter_errors(event)]
        if event.get("class_uid") != class_uid or event["type_uid"] != class_uid * 100 + event["activity_id"]:
            errors.append(f"type {event['type_uid']} of class {event.get('class_uid')}")
        if not isinstance(event["time"], int) or event["time"] < 10**12:
            errors.append(f"{event['time']} is not in milliseconds")
    return errors


def asff() -> Validator:
    """The model of BatchImportFindings, and its limits that botocore does not check."""
    model = botocore.session.Session().get_service_model("securityhub")
    shape = model.operation_model("BatchImportFindings").input_shape
    one = shape.members["Findings"].member
    labels = one.members["Severity"].members["Label"].enum
    states = one.members["Compliance"].members["Status"].enum

    def validate(text: str) -> Errors:
        errors = []
        for line in text.splitlines():
            request = json.loads(line)
            report = ParamValidator().validate(request, shape)
            errors += report.generate_report().splitlines() if report.has_errors() else []
            findings = request.get("Findings", [])
            if not 1 <= len(findings) <= 100 or len(line.encode()) > 6_000_000:
                errors.append(f"{len(findings)} findings in {len(line.encode())} bytes")
            errors += [error for finding in findings for error in limits(finding, labels, states)]
        return errors

    return validate


def limits(finding: Any, labels: list[str], states: list[str]) -> Iterator[str]:
    """Of one finding."""
    if len(json.dumps(finding)) > 240_000:
        yield "larger than 240 KB"
    for key, most in [("Id", 512), ("Title", 256), ("Description", 1024)]:
        if not 1 <= len(str(finding.get(key, "")).strip()) <= most:
            yield f"{key} is empty or longer than {most}"
    if finding["Severity"]["Label"] not in labels or finding["Compliance"]["Status"] not in states:
        yield f"{finding['Severity']}, {finding['Compliance']}"
    if not 1 <= len(finding["Resources"]) <= 32:
        yield f"{len(finding['Resources'])} resources"
    account = finding["AwsAccountId"]
    if not re.fullmatch(rf"arn:aws[a-z-]*:securityhub:[a-z0-9-]+:{account}:product/{account}/default", finding["ProductArn"]):
        yield finding["ProductArn"]


def rows(text: str) -> Errors:
    """RFC 4180 with a header, rows of one length, and no formulas."""
    if not text.endswith("\r\n"):
        return ["the last line has no end"]
    header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    errors = [] if header[:3] == ["id", "rule", "severity"] else [f"header {header}"]
    for row in lines:
        if len(row) != len(header):
            errors.append(f"{len(row)} cells in a row of {len(header)}")
        errors += [f"a formula: {cell}" for cell in row if re.match(r"\s*[=+\-@\t\r]", cell)]
    return errors


def junit(text: str) -> Errors:
    """Well-formed, and its numbers are those of its cases."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [str(error)]
    errors = [] if root.tag == "testsuites" else [root.tag]
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for place in [root, *root.findall("testsuite")]:
        cases = place.findall(".//testcase")
        counted = {"tests": len(cases)} | {key: sum(case.find(tag) is not None for case in cases) for key, tag in kinds.items()}
        errors += [f"{key} is {place.get(key)}, not {n}" for key, n in counted.items() if place.get(key) != str(n)]
        errors += [f"a case without {key}" for case in cases for key in ("name", "classname") if not case.get(key)]
    return errors


def markdown(text: str) -> Errors:
    """As GitHub parses it: no links, no tags but ours, whole tables, whole fences, pictures of one grammar."""
    errors = [] if len(text.encode()) <= 900 * 1024 else [f"{len(text.encode())} bytes"]
    fences = 0
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    # A link that a browser would not follow is one as well.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    for token in flat(parser.parse(text)):
        if token.type == "heading_open" and token.level > 0:
            errors.append("a heading inside of something")
        if token.type in ("link_open", "image"):
            errors.append(f"{token.type}: {token.attrs}")
        if token.type in ("html_inline", "html_block"):
            tags = set(re.findall(r"<\s*/?\s*([^\s>]*)", token.content))
            unknown = tags - {"code", "details", "summary", "sub"}
            errors += [f"the tag {tag!r} in {token.content!r}" for tag in unknown]
        if token.type == "fence":
            fences += 1
            if token.info not in ("sh", "mermaid"):
                errors.append(f"a fence of {token.info!r}")
            errors += picture(token.content) if token.info == "mermaid" else []
    marks = len(re.findall(r"^`{3,}", text, re.MULTILINE))
    if marks != 2 * fences:
        errors.append(f"{fences} fences of {marks} marks")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        errors += [] if len(widths) == 1 else [f"rows of {widths} cells: {table[:200]}"]
    return errors


def flat(tokens: Iterable[Any]) -> Iterator[Any]:
    """Tokens with those inside of them."""
    for token in tokens:
        yield token
        yield from flat(token.children or [])


PICTURE = re.compile(
    r"flowchart LR"
    r"|  n\d+(?:\[\"L\"\]|\[\[\"L\"\]\]|\(\[\"L\"\]\)|\{\{\"L\"\}\}:::blocked)"
    r"|  n\d+ (?:-->|--x|-\.->)(?:\|\"L\"\|)? n\d+"
    r"|  classDef blocked [a-z0-9#:,-]+".replace("L", r"[^\"\[\]`<>{}|]+")
)


def picture(text: str) -> Errors:
    """Every line is one of the few that there are."""
    return [f"in a picture: {line}" for line in text.splitlines() if not PICTURE.fullmatch(line)]


def prometheus(text: str) -> Errors:
    """What the parser of Prometheus' own client reads; gauges only, each series once, no timestamps."""
    errors, seen = [], set()
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError as error:
        return [str(error)]
    for family in families:
        if family.type != "gauge" or not family.documentation or not family.name.startswith("ecs_network_audit_"):
            errors.append(f"{family.type} {family.name}")
        for sample in family.samples:
            series = (sample.name, *sorted(sample.labels.items()))
            errors += [f"{series} twice"] if series in seen else []
            errors += [f"{series} has a time"] if sample.timestamp is not None else []
            seen.add(series)
    return errors if seen else ["no series"]


def edited(edit: Callable[[Any], None]) -> Callable[[str], str]:
    """A change of one JSON document."""

    def damage(text: str) -> str:
        value = json.loads(text)
        edit(value)
        return json.dumps(value)

    return damage


def first_line(edit: Callable[[Any], None]) -> Callable[[str], str]:
    """A change of the first of many."""

    def damage(text: str) -> str:
        line, rest = text.split("\n", 1)
        return edited(edit)(line) + "\n" + rest

    return damage


def in_result(edit: Callable[[Any], None]) -> Callable[[str], str]:
    """A change of the first result."""
    return edited(lambda log: edit(log["runs"][0]["results"][0]))


def in_finding(edit: Callable[[Any], None]) -> Callable[[str], str]:
    """A change of the first finding of a request."""
    return first_line(lambda request: edit(request["Findings"][0]))


def replaced(old: str, new: str) -> Callable[[str], str]:
    """A change of the first place that has these words."""
    return lambda text: text.replace(old, new, 1)


OCSF = {
    "a bogus key": first_line(lambda event: event.update(bogus=1)),
    "severity_id 9": first_line(lambda event: event.update(severity_id=9)),
    "no cloud": first_line(lambda event: event.pop("cloud")),
    "a status that does not exist": first_line(lambda event: event.update(status_id=7)),
    "no uid of the finding": first_line(lambda event: event["finding_info"].pop("uid")),
    "a resource without uid and name": first_line(lambda event: event["resources"].append({"type": "x"})),
    "seconds": first_line(lambda event: event.update(time=event["time"] // 1000)),
    "a type of another class": first_line(lambda event: event.update(type_uid=200101)),
}

BROKEN: dict[str, dict[str, Callable[[str], str]]] = {
    "report.json": {
        "a severity that is a number": edited(lambda report: report["findings"][0].update(severity=9)),
        "no findings": edited(lambda report: report.pop("findings")),
    },
    "report.ndjson": {
        "a line without type": first_line(lambda line: line.pop("type")),
        "a finding without id": lambda text: re.sub(r'("type":"finding",)"id":"[^"]*",', r"\1", text, count=1),
    },
    "report.sarif": {
        "a bogus key": in_result(lambda result: result.update(bogus=1)),
        "no location": in_result(lambda result: result.pop("locations")),
        "an empty list of locations": in_result(lambda result: result.update(locations=[])),
        "a logical location only": in_result(lambda result: result["locations"][0].pop("physicalLocation")),
        "no fingerprint": in_result(lambda result: result.pop("partialFingerprints")),
        "a level that does not exist": in_result(lambda result: result.update(level="fatal")),
        "a space in a URI": replaced("aws/111122223333/", "aws/1111 22223333/"),
        "an empty message": in_result(lambda result: result["message"].update(text="")),
        "a severity that is a number": replaced('"security-severity": "8.0"', '"security-severity": 8.0'),
        "a severity of 0.0": replaced('"security-severity": "8.0"', '"security-severity": "0.0"'),
        "another version": edited(lambda log: log.update(version="2.0.0")),
    },
    "report.ocsf.json": {
        **OCSF,
        "no compliance": first_line(lambda event: event.pop("compliance")),
        "a compliance status that does not exist": first_line(lambda event: event["compliance"].update(status_id=9)),
    },
    "report.ocsf-detection.json": {
        **OCSF,
        "compliance": first_line(lambda event: event.update(compliance={"control": "x", "status_id": 3})),
    },
    "report.asff.json": {
        "a bogus key": in_finding(lambda finding: finding.update(Bogus="1")),
        "no title": in_finding(lambda finding: finding.pop("Title")),
        "an empty description": in_finding(lambda finding: finding.update(Description=" ")),
        "a severity that does not exist": in_finding(lambda finding: finding["Severity"].update(Label="AWFUL")),
        "a resource without id": in_finding(lambda finding: finding["Resources"][0].pop("Id")),
        "101 findings": first_line(lambda request: request["Findings"].append(request["Findings"][0])),
        "33 resources": in_finding(lambda finding: finding.update(Resources=finding["Resources"][:1] * 33)),
        "another account's product": in_finding(lambda finding: finding.update(AwsAccountId="444455556666")),
    },
    "report.csv": {
        "a cell too few": replaced(",open,", ","),
        "a formula": replaced(",backoffice,", ",=backoffice(),"),
        "no header": lambda text: text.split("\r\n", 1)[1],
        "an open quote": replaced('"', ""),
    },
    "report.xml": {
        "a name that ends its attribute": replaced('name="', 'name="<'),
        "a number that is wrong": lambda text: re.sub(r'failures="\d+"', 'failures="1"', text, count=1),
        "a case without a name": replaced("<testcase name=", "<testcase title="),
    },
    "report.md": {
        "a script": replaced("### What", "<script>alert(1)</script>\n\n### What"),
        "a link": replaced("| **critical** |", "| [critical](javascript:alert) |"),
        "a cell too many": replaced("| **critical** |", "| **critical** | x |"),
        "an open fence": replaced("\n```sh\n", "\n```sh\n```\n"),
        "a label that ends early": replaced('["', '["x"] --> y["'),
    },
    "report.prom": {
        "a label that ends early": replaced('account="', 'account=""'),
        "a series twice": lambda text: text + text.splitlines()[-1] + "\n",
        "a time": lambda text: text.rstrip("\n") + " 1790000000000\n",
        "a counter": replaced(" gauge\n", " counter\n"),
    },
}
"""What the validators have to notice, by file."""

if __name__ == "__main__":
    sys.exit(main())
