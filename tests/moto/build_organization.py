"""Builds two accounts in a moto server, each with two Regions, and says what an audit must find in them.

Usage: build_organization.py ENDPOINT

The first has a Fargate service without a way out in one Region and an empty cluster in the other, the second the same
service and a Region without clusters.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3

HOME, OTHER = "eu-west-1", "us-east-1"
ACCOUNTS = ("111111111111", "222222222222")
REFUSING = "333333333333"


def role(account: str) -> str:
    """The role that is assumed there."""
    return f"arn:aws:iam::{account}:role/auditor"


def main(endpoint: str) -> None:
    """Builds both and prints what they are."""
    for account in ACCOUNTS:
        isolated_service(clients(endpoint, account, HOME))
    clients(endpoint, ACCOUNTS[0], OTHER)("ecs").create_cluster(clusterName="empty")
    description = {
        "regions": [HOME, OTHER],
        "accounts": list(ACCOUNTS),
        "refusing": REFUSING,
        "roles": {account: role(account) for account in (*ACCOUNTS, REFUSING)},
        "expected": [[account, HOME, "vpc-endpoint-missing", "prod/web"] for account in ACCOUNTS],
    }
    print(json.dumps(description, indent=2))


def clients(endpoint: str, account: str, region: str) -> Any:
    """Makes clients of an account, by its role."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    sts = boto3.client("sts", endpoint_url=endpoint, region_name=region, **keys)
    got = sts.assume_role(RoleArn=role(account), RoleSessionName="build")["Credentials"]
    session = boto3.Session(
        aws_access_key_id=got["AccessKeyId"],
        aws_secret_access_key=got["SecretAccessKey"],
        aws_session_token=got["SessionToken"],
        region_name=region,
    )
    return lambda service: session.client(service, endpoint_url=endpoint)


def isolated_service(client: Any) -> None:
    """A service on Fargate in a subnet without endpoints and without a route to the internet."""
    ec2, ecs = client("ec2"), client("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="web", Description="tasks", VpcId=vpc)["GroupId"]
    container = {
        "name": "app",
        "image": "public.ecr.aws/nginx/nginx:1.27",
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/web", "awslogs-region": ec2.meta.region_name, "awslogs-stream-prefix": "web"},
        },
    }
    ecs.create_cluster(clusterName="prod")
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=role("111111111111"),
        containerDefinitions=[container],
    )
    ecs.create_service(
        cluster="prod",
        serviceName="web",
        taskDefinition="web",
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
