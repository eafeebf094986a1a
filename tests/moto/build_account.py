"""Builds an account of 5 clusters, 30 services and 50 tasks in a moto server and says what an audit must find in it.

Usage: build_account.py ENDPOINT

Everything is as it should be but for what `EXPECTED` names. The mistakes are such that moto's answers are what AWS's
would be, save that AWS refuses a wrong target type when the service is created; the revision that a service moves to
can still bring one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

import network
from network import REGION, Networks
from workloads import ACCOUNT, VARIABLE, Balancer, Builder, Clients, Service

EXPECTED: list[tuple[str, str]] = [
    ("bridge-mode-in-use", "batch/transcoder"),
    ("bridge-mode-in-use", "dense/cron"),
    ("bridge-mode-in-use", "dense/metrics"),
    ("bridge-mode-in-use", "legacy/cms"),
    ("bridge-mode-in-use", "legacy/intranet"),
    ("bridge-mode-in-use", "legacy/portal"),
    ("bridge-mode-in-use", "legacy/wiki"),
    ("eni-limit-pressure", "dense"),
    ("host-mode-isolation", "legacy/collector"),
    ("log-driver-missing", "batch/mirror"),
    ("registry-unreachable", "batch/mirror"),
    ("s3-gateway-not-routed", "batch/exporter"),
    ("s3-gateway-not-routed", "batch/thumbnails"),
    ("service-single-zone", "batch/importer"),
    ("target-type-mismatch", "legacy/cms"),
    ("target-type-mismatch", "shop/reviews"),
    ("task-public-ip", "shop/webhooks"),
    ("trunking-disabled", "dense"),
    ("trunking-disabled", "legacy"),
    ("vpc-endpoint-missing", "batch/exporter"),
    ("vpc-endpoint-missing", "batch/importer"),
    ("vpc-endpoint-missing", "batch/thumbnails"),
    ("vpc-endpoint-missing", "batch/transcoder"),
]
"""(rule, resource name)."""

ENDPOINTS_NEEDED = {"s3-gateway-not-routed", "vpc-endpoint-missing"}
"""Rules of the above that find nothing where endpoints may not be read."""


def main(endpoint: str) -> None:
    """Builds the account and prints its description."""
    pin_task_states(endpoint)
    clients = Clients(**{name: client(name, endpoint) for name in ("ec2", "ecs", "elbv2", "ecr", "s3")})
    builder = Builder(clients)
    networks = network.build(clients.ec2)
    network.record(clients.ec2, clients.s3, networks)
    for cluster in (shop, ledger, batch, legacy, dense):
        cluster(builder, networks)
    counts = count(clients.ecs)
    description = {
        "counts": counts,
        "expected": EXPECTED,
        "endpoints_needed": sorted(ENDPOINTS_NEEDED),
        "variable": VARIABLE,
    }
    print(json.dumps(description, indent=2))


def client(service: str, endpoint: str) -> Any:
    """A client of the moto server; retries would only hide what it does not support."""
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config, **keys)


def pin_task_states(endpoint: str) -> None:
    """Without this each DescribeTasks moves every task one state on, until all are stopped."""
    transition = {"progression": "manual", "times": 1_000_000}
    body = json.dumps({"model_name": "ecs::task", "transition": transition}).encode()
    headers = {"Content-Type": "application/json"}
    request = Request(f"{endpoint}/moto-api/state-manager/set-transition", data=body, headers=headers)
    with urlopen(request, timeout=10):
        pass


def shop(builder: Builder, networks: Networks) -> None:
    """Fargate behind a NAT gateway. `reviews` has a target group for instances."""
    builder.cluster("shop")
    balancer = builder.balancer("shop", networks.main, networks.public)

    def private(name: str, tasks: int, **more: Any) -> Service:
        return Service(name, tasks, subnets=networks.private, **more)

    services = [
        private("storefront", 4, target_type="ip"),
        private("checkout", 3, target_type="ip"),
        private("search", 3, target_type="ip"),
        private("catalog", 3, target_type="ip"),
        private("cart", 2, target_type="ip"),
        private("reviews", 1, target_type="instance"),
        private("recommendations", 1, secrets={"TOKEN": "/shop/recommendations/token"}),
        Service("webhooks", 1, subnets=networks.public, public_address=True),
    ]
    create(builder, "shop", services, networks.main.task_group, balancer)


def ledger(builder: Builder, networks: Networks) -> None:
    """Fargate without any way out, and with an endpoint for all it needs."""
    builder.cluster("ledger")
    balancer = builder.balancer("ledger", networks.vault, networks.sealed, scheme="internal")
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ledger-AbCdEf"

    def sealed(name: str, tasks: int, **more: Any) -> Service:
        return Service(name, tasks, subnets=networks.sealed, **more)

    services = [
        sealed("accounts", 2, target_type="ip"),
        sealed("postings", 2),
        sealed("statements", 1, secrets={"DATABASE_URL": secret}),
        sealed("audit-trail", 1, secrets={"SIGNING_KEY": "/ledger/audit-trail/key"}),
        sealed("fraud", 1),
        sealed("reconciler", 1),
    ]
    create(builder, "ledger", services, networks.vault.task_group, balancer)


def batch(builder: Builder, networks: Networks) -> None:
    """Subnets without a way out that lack the endpoints for image layers' registry and for logs."""
    builder.cluster("batch")
    builder.container_instances("batch", "m5.large", [networks.cut_off], networks.island.task_group)
    both = [networks.cut_off, networks.cut_off_by_main_table]
    cut_off = [
        Service("importer", 2, subnets=[networks.cut_off]),
        Service("exporter", 1, subnets=[networks.cut_off_by_main_table]),
        Service("thumbnails", 1, subnets=both),
        Service("transcoder", 1, launch_type="EC2", network_mode="bridge"),
        # A public registry and no log driver: nothing of AWS is needed, and there is no way to the registry.
        Service("mirror", 1, subnets=[networks.cut_off], image="docker.io/library/nginx:1.27", logs=False),
    ]
    create(builder, "batch", cut_off, networks.island.task_group)
    archiver = Service("archiver", 1, subnets=networks.sealed)
    create(builder, "batch", [archiver], networks.vault.task_group)
    migration = Service("migration", 2, subnets=networks.sealed)
    builder.standalone_tasks("batch", migration, networks.vault.task_group)


def legacy(builder: Builder, networks: Networks) -> None:
    """Container instances behind a NAT gateway. `cms` is in bridge mode with a target group for addresses."""
    builder.cluster("legacy")
    builder.container_instances("legacy", "m5.xlarge", networks.private, networks.main.task_group)
    balancer = builder.balancer("legacy", networks.main, networks.public)

    def bridge(name: str, tasks: int, **more: Any) -> Service:
        return Service(name, tasks, launch_type="EC2", network_mode="bridge", **more)

    services = [
        bridge("portal", 2, target_type="instance"),
        bridge("intranet", 2, target_type="instance"),
        bridge("wiki", 1),
        bridge("cms", 1, target_type="ip"),
        Service("collector", 2, launch_type="EC2", network_mode="host", scheduling="DAEMON", host_port=9100),
        Service("billing", 1, launch_type="EC2", subnets=networks.private, target_type="ip"),
    ]
    create(builder, "legacy", services, networks.main.task_group, balancer)


def dense(builder: Builder, networks: Networks) -> None:
    """Two instances whose four slots for task interfaces are taken."""
    builder.cluster("dense")
    builder.container_instances("dense", "c5.large", networks.private, networks.main.task_group)
    balancer = builder.balancer("dense", networks.main, networks.public)
    # moto fills the first instance first: two of these are all that its memory holds, as its interfaces would in AWS.
    full: dict[str, Any] = {"launch_type": "EC2", "subnets": networks.private, "memory_mib": 3500}
    services = [
        Service("api", 2, target_type="ip", **full),
        Service("worker", 2, **full),
        Service("metrics", 1, launch_type="EC2", network_mode="bridge"),
        Service("cron", 1, launch_type="EC2", network_mode="bridge", memory_mib=128),
    ]
    create(builder, "dense", services, networks.main.task_group, balancer)


def create(
    builder: Builder, cluster: str, services: Sequence[Service], group: str, balancer: Balancer | None = None
) -> None:
    """All services of a cluster."""
    for service in services:
        builder.service(cluster, service, group, balancer)


def count(ecs: Any) -> dict[str, int]:
    """What is there now, as the API lists it."""
    clusters = ecs.list_clusters()["clusterArns"]

    def total(call: Callable[..., dict[str, Any]], key: str) -> int:
        return sum(len(call(cluster=cluster)[key]) for cluster in clusters)

    return {
        "clusters": len(clusters),
        "services": total(ecs.list_services, "serviceArns"),
        "tasks": total(ecs.list_tasks, "taskArns"),
        "container_instances": total(ecs.list_container_instances, "containerInstanceArns"),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
