"""The vocabulary of workloads: services with their task definitions, target groups and running tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from network import REGION, Vpc

ACCOUNT = "123456789012"
PORT = 8080
VARIABLE = {"name": "SESSION_COLOUR", "value": "never-in-a-snapshot"}
"""Every container has it."""


@dataclass(frozen=True)
class Balancer:
    """A load balancer that target groups can be put behind."""

    listener: str
    vpc: str


@dataclass(frozen=True)
class Clients:
    """The AWS services that an account is built with."""

    ec2: Any
    ecs: Any
    elbv2: Any
    ecr: Any
    s3: Any


@dataclass(frozen=True)
class Service:
    """A service as it is to be created; what is left out is the usual."""

    name: str
    tasks: int
    launch_type: str = "FARGATE"
    network_mode: str = "awsvpc"
    subnets: Sequence[str] = ()
    public_address: bool = False
    target_type: str | None = None
    scheduling: str = "REPLICA"
    memory_mib: int = 256
    secrets: dict[str, str] = field(default_factory=dict)
    image: str | None = None
    logs: bool = True
    host_port: int | None = None


@dataclass
class Builder:
    """Creates clusters and what runs on them."""

    clients: Clients
    _rules: int = 0

    def cluster(self, name: str) -> None:
        """A cluster without anything on it."""
        self.clients.ecs.create_cluster(clusterName=name, settings=[{"name": "containerInsights", "value": "enhanced"}])

    def balancer(self, name: str, vpc: Vpc, subnets: Sequence[str], scheme: str = "internet-facing") -> Balancer:
        """An Application Load Balancer with one listener."""
        created = self.clients.elbv2.create_load_balancer(
            Name=name, Subnets=list(subnets), SecurityGroups=[vpc.balancer_group], Scheme=scheme, Type="application"
        )
        reply = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        listener = self.clients.elbv2.create_listener(
            LoadBalancerArn=created["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[reply],
        )
        return Balancer(listener=listener["Listeners"][0]["ListenerArn"], vpc=vpc.id)

    def container_instances(self, cluster: str, instance_type: str, subnets: Sequence[str], group: str) -> None:
        """One container instance for each subnet named."""
        images = self.clients.ec2.describe_images()["Images"]
        image = next(image["ImageId"] for image in images if image.get("Platform") != "windows")
        for subnet in subnets:
            started = self.clients.ec2.run_instances(
                ImageId=image,
                InstanceType=instance_type,
                SubnetId=subnet,
                SecurityGroupIds=[group],
                MinCount=1,
                MaxCount=1,
                MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            )
            document = json.dumps({"instanceId": started["Instances"][0]["InstanceId"]})
            self.clients.ecs.register_container_instance(cluster=cluster, instanceIdentityDocument=document)

    def service(self, cluster: str, service: Service, group: str, balancer: Balancer | None = None) -> None:
        """A service with its tasks running: moto starts none by itself."""
        definition = self._task_definition(cluster, service)
        arguments: dict[str, Any] = {
            "cluster": cluster,
            "taskDefinition": definition,
            "launchType": service.launch_type,
        }
        if service.network_mode == "awsvpc":
            arguments["networkConfiguration"] = _network(service, group)
        created = self.clients.ecs.create_service(
            **arguments,
            serviceName=service.name,
            schedulingStrategy=service.scheduling,
            **({} if service.scheduling == "DAEMON" else {"desiredCount": service.tasks}),
            loadBalancers=self._registrations(cluster, service, balancer),
        )
        deployment = created["service"]["deployments"][0]["id"]
        self._run(arguments, service, group=f"service:{service.name}", started_by=deployment)

    def standalone_tasks(self, cluster: str, service: Service, group: str) -> None:
        """Tasks that somebody ran by hand."""
        definition = self._task_definition(cluster, service)
        arguments = {
            "cluster": cluster,
            "taskDefinition": definition,
            "launchType": service.launch_type,
            "networkConfiguration": _network(service, group),
        }
        self._run(arguments, service, group=f"family:{cluster}-{service.name}", started_by="release")

    def _run(self, arguments: dict[str, Any], service: Service, group: str, started_by: str) -> None:
        if service.tasks == 0:
            return
        answer = self.clients.ecs.run_task(**arguments, count=service.tasks, group=group, startedBy=started_by)
        started = len(answer["tasks"])
        if started != service.tasks:
            raise RuntimeError(f"{service.name}: {started} of {service.tasks} tasks found a place")

    def _task_definition(self, cluster: str, service: Service) -> str:
        container: dict[str, Any] = {
            "name": service.name,
            "image": service.image or self._image(f"{cluster}/{service.name}"),
            "essential": True,
            "user": "1000",
            "readonlyRootFilesystem": True,
            "cpu": 64,
            "memory": service.memory_mib,
            "portMappings": [_port_mapping(service)],
            "environment": [VARIABLE],
            "secrets": [{"name": name, "valueFrom": source} for name, source in service.secrets.items()],
        }
        if service.logs:
            options = {"awslogs-group": f"/ecs/{cluster}", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
            container["logConfiguration"] = {"logDriver": "awslogs", "options": options}
        registered = self.clients.ecs.register_task_definition(
            family=f"{cluster}-{service.name}",
            networkMode=service.network_mode,
            requiresCompatibilities=[service.launch_type],
            cpu="256",
            memory="512",
            executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/execution",
            taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{cluster}-{service.name}",
            containerDefinitions=[container],
        )
        return str(registered["taskDefinition"]["taskDefinitionArn"])

    def _image(self, repository: str) -> str:
        scanning = {"scanOnPush": True}
        created = self.clients.ecr.create_repository(repositoryName=repository, imageScanningConfiguration=scanning)
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{created['repository']['repositoryName']}:1.4.2"

    def _registrations(self, cluster: str, service: Service, balancer: Balancer | None) -> list[dict[str, Any]]:
        if service.target_type is None:
            return []
        if balancer is None:
            raise ValueError(f"{service.name} has a target type and no load balancer")
        target_group = self._target_group(f"{cluster}-{service.name}", service.target_type, balancer)
        return [{"targetGroupArn": target_group, "containerName": service.name, "containerPort": PORT}]

    def _target_group(self, name: str, target_type: str, balancer: Balancer) -> str:
        created = self.clients.elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=PORT, VpcId=balancer.vpc, TargetType=target_type
        )
        arn = str(created["TargetGroups"][0]["TargetGroupArn"])
        self._rules += 1
        self.clients.elbv2.create_rule(
            ListenerArn=balancer.listener,
            Priority=self._rules,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{name}/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return arn


def _network(service: Service, group: str) -> dict[str, Any]:
    address = "ENABLED" if service.public_address else "DISABLED"
    configuration = {"subnets": list(service.subnets), "securityGroups": [group], "assignPublicIp": address}
    return {"awsvpcConfiguration": configuration}


def _port_mapping(service: Service) -> dict[str, Any]:
    if service.host_port is not None:
        return {"containerPort": service.host_port, "hostPort": service.host_port, "protocol": "tcp"}
    # Under bridge this leaves the host port to the agent.
    return {"containerPort": PORT, "protocol": "tcp"}
