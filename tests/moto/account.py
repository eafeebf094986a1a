"""An account in a moto server: 5 clusters, 30 services, 50 tasks, with mistakes planted for three rules.

moto accepts what AWS refuses (a target group of the wrong type) and starts no tasks for services, so that both are made
here by hand; see `expected()` for what an audit has to find, and nothing else.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ZONES = ("a", "b")


def expected() -> set[tuple[str, str]]:
    """The planted mistakes: rule and resource name."""
    return {
        ("target-type-mismatch", "web/web-02"),
        ("target-type-mismatch", "legacy/legacy-01"),
        ("vpc-endpoint-missing", "isolated/isolated-03"),
        ("vpc-endpoint-missing", "isolated/isolated-04"),
        ("vpc-endpoint-missing", "isolated/isolated-05"),
        ("eni-limit-pressure", "dense"),
    }


class Account:
    """Builds the account through boto3."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(retries={"max_attempts": 1}),
        }
        self.ec2 = boto3.client("ec2", **options)
        self.ecs = boto3.client("ecs", **options)
        self.elb = boto3.client("elbv2", **options)

    def build(self) -> None:
        """Makes everything."""
        self.pin_tasks()
        self.network()
        self.definitions()
        self.web()
        self.isolated()
        self.legacy()
        self.dense()
        self.batch()

    def pin_tasks(self) -> None:
        """Without this each DescribeTasks would move every task one state on."""
        body = json.dumps({"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1_000_000}})
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/state-manager/set-transition",
            data=body.encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def network(self) -> None:
        """A VPC with NAT, and one that is isolated and has most endpoints."""
        self.vpc = self.make_vpc("10.0.0.0/16")
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.private = []
        for index, zone in enumerate(ZONES):
            public = self.subnet(self.vpc, f"10.0.{index}.0/24", zone)
            self.table(self.vpc, public, GatewayId=gateway)
            address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
            nat = self.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
            private = self.subnet(self.vpc, f"10.0.{index + 16}.0/24", zone)
            self.table(self.vpc, private, NatGatewayId=nat)
            self.private.append(private)
        self.group = self.security_group(self.vpc)

        self.lone_vpc = self.make_vpc("10.1.0.0/16")
        self.lone = [self.subnet(self.lone_vpc, f"10.1.{i}.0/24", zone) for i, zone in enumerate(ZONES)]
        self.lone_group = self.security_group(self.lone_vpc)
        main = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.lone_vpc]}])["RouteTables"][0]
        self.ec2.create_vpc_endpoint(
            VpcId=self.lone_vpc,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[main["RouteTableId"]],
        )
        for service in ("ecr.api", "ecr.dkr"):
            self.ec2.create_vpc_endpoint(
                VpcId=self.lone_vpc,
                ServiceName=f"com.amazonaws.{REGION}.{service}",
                VpcEndpointType="Interface",
                SubnetIds=self.lone,
                SecurityGroupIds=[self.lone_group],
                PrivateDnsEnabled=True,
            )

    def make_vpc(self, cidr: str) -> str:
        vpc = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    def subnet(self, vpc: str, cidr: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
        return made["Subnet"]["SubnetId"]

    def table(self, vpc: str, subnet: str, **target: str) -> None:
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    def security_group(self, vpc: str) -> str:
        made = self.ec2.create_security_group(GroupName=f"app-{vpc}", Description="app", VpcId=vpc)
        return made["GroupId"]

    def definitions(self) -> None:
        """Task definitions: logging, silent, secretive, and one in bridge mode."""
        logs = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs", "awslogs-region": REGION}}
        secret = {"name": "DB", "valueFrom": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf"}
        app: dict[str, Any] = {
            "name": "app",
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:1",
            "memory": 128,
            "cpu": 128,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "PASSWORD", "value": "hunter2-never-in-a-snapshot"}],
        }
        variants = {
            "logging": ({**app, "logConfiguration": logs}, "awsvpc"),
            "silent": (app, "awsvpc"),
            "secretive": ({**app, "secrets": [secret]}, "awsvpc"),
            "bridged": ({**app, "logConfiguration": logs}, "bridge"),
        }
        for family, (container, mode) in variants.items():
            compatible = ["EC2", "FARGATE"] if mode == "awsvpc" else ["EC2"]
            self.ecs.register_task_definition(
                family=family,
                networkMode=mode,
                requiresCompatibilities=compatible,
                cpu="256",
                memory="512",
                containerDefinitions=[container],
            )

    def service(self, cluster: str, name: str, definition: str, **more: Any) -> None:
        self.ecs.create_service(cluster=cluster, serviceName=name, taskDefinition=definition, **more)

    def awsvpc(self, subnets: list[str], group: str) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}}

    def run(self, cluster: str, service: str, definition: str, launch_type: str, count: int, **more: Any) -> None:
        self.ecs.run_task(
            cluster=cluster,
            taskDefinition=definition,
            launchType=launch_type,
            count=count,
            group=f"service:{service}",
            startedBy="ecs-svc/1",
            **more,
        )

    def target_group(self, name: str, target_type: str) -> dict[str, Any]:
        made = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=self.vpc, TargetType=target_type
        )["TargetGroups"][0]
        return {"targetGroupArn": made["TargetGroupArn"], "containerName": "app", "containerPort": 8080}

    def web(self) -> None:
        """Ten Fargate services behind NAT; the second registers with a target group of the wrong type."""
        self.ecs.create_cluster(clusterName="web")
        network = self.awsvpc(self.private, self.group)
        for number in range(1, 11):
            name = f"web-{number:02}"
            more: dict[str, Any] = {"desiredCount": 2, "launchType": "FARGATE", "networkConfiguration": network}
            if number <= 4:
                more["loadBalancers"] = [self.target_group(name, "instance" if number == 2 else "ip")]
            self.service("web", name, "logging", **more)
            self.run("web", name, "logging", "FARGATE", 2, networkConfiguration=network)

    def isolated(self) -> None:
        """Five Fargate services without a way out: two need nothing but images, three need what has no endpoint."""
        self.ecs.create_cluster(clusterName="isolated")
        network = self.awsvpc(self.lone, self.lone_group)
        definitions = ("silent", "silent", "logging", "logging", "secretive")
        for number, definition in enumerate(definitions, start=1):
            name = f"isolated-{number:02}"
            more = {"desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": network}
            self.service("isolated", name, definition, **more)
            if definition == "silent":
                self.run("isolated", name, definition, "FARGATE", 2, networkConfiguration=network)

    def legacy(self) -> None:
        """Five bridge services on instances behind NAT; the first registers with addresses."""
        self.ecs.create_cluster(clusterName="legacy")
        self.instances("legacy", "m5.large", 2)
        for number in range(1, 6):
            name = f"legacy-{number:02}"
            group = self.target_group(name, "ip" if number == 1 else "instance")
            self.service("legacy", name, "bridged", desiredCount=1, launchType="EC2", loadBalancers=[group])
            self.run("legacy", name, "bridged", "EC2", 2)

    def dense(self) -> None:
        """One c5.large with both of its awsvpc slots taken. moto packs all tasks on the first instance."""
        self.ecs.create_cluster(clusterName="dense")
        self.instances("dense", "c5.large", 1)
        network = self.awsvpc(self.private[:1], self.group)
        more = {"desiredCount": 2, "launchType": "EC2", "networkConfiguration": network}
        self.service("dense", "dense-01", "logging", **more)
        self.run("dense", "dense-01", "logging", "EC2", 2, networkConfiguration=network)

    def batch(self) -> None:
        """Nine services: half Fargate, half bridge, all as they should be."""
        self.ecs.create_cluster(clusterName="batch")
        self.instances("batch", "m5.xlarge", 2)
        network = self.awsvpc(self.private, self.group)
        for number in range(1, 10):
            name = f"batch-{number:02}"
            if number % 2:
                more: dict[str, Any] = {"launchType": "FARGATE", "networkConfiguration": network}
                self.service("batch", name, "logging", desiredCount=1, **more)
            else:
                self.service("batch", name, "bridged", desiredCount=1, launchType="EC2")
        for number in range(1, 9):
            name = f"batch-{number:02}"
            if number % 2:
                self.run("batch", name, "logging", "FARGATE", 2, networkConfiguration=network)
            else:
                self.run("batch", name, "bridged", "EC2", 1)
        self.run("batch", "batch-02", "bridged", "EC2", 2)

    def instances(self, cluster: str, instance_type: str, count: int) -> None:
        image = self.ec2.describe_images()["Images"][0]["ImageId"]
        made = self.ec2.run_instances(
            ImageId=image,
            InstanceType=instance_type,
            MinCount=count,
            MaxCount=count,
            SubnetId=self.private[0],
            SecurityGroupIds=[self.group],
        )["Instances"]
        for instance in made:
            document = json.dumps({"instanceId": instance["InstanceId"]})
            self.ecs.register_container_instance(cluster=cluster, instanceIdentityDocument=document)

    def sizes(self) -> tuple[int, int, int]:
        """Clusters, services and tasks that are there."""
        clusters = self.ecs.list_clusters()["clusterArns"]
        services = sum(len(self.ecs.list_services(cluster=c)["serviceArns"]) for c in clusters)
        tasks = sum(len(self.ecs.list_tasks(cluster=c)["taskArns"]) for c in clusters)
        return len(clusters), services, tasks
