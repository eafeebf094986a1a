"""The networks of the account: one behind NAT, one behind endpoints, one cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REGION = "eu-west-1"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Vpc:
    """A VPC with what the workloads in it are given."""

    id: str
    cidr: str
    task_group: str
    endpoint_group: str
    balancer_group: str


@dataclass(frozen=True)
class Networks:
    """Where workloads can be put. Every subnet list spans two zones unless its name says otherwise."""

    main: Vpc
    vault: Vpc
    island: Vpc
    public: list[str]
    """`main`: internet gateway."""
    private: list[str]
    """`main`: a NAT gateway in each zone; the second subnet gets it from the main route table only."""
    sealed: list[str]
    """`vault`: no way out, and an endpoint for everything that a workload here needs."""
    cut_off: str
    """`island`: no way out, a table of its own, some of the endpoints."""
    cut_off_by_main_table: str
    """`island`: the same by the main route table, which the S3 endpoint is not on."""


def build(ec2: Any) -> Networks:
    """Builds all three."""
    main = _vpc(ec2, "main", "10.0.0.0/16")
    vault = _vpc(ec2, "vault", "10.1.0.0/16")
    island = _vpc(ec2, "island", "10.2.0.0/16")
    public, private = _public_and_private(ec2, main)
    cut_off, cut_off_by_main_table = _island(ec2, island)
    return Networks(
        main=main,
        vault=vault,
        island=island,
        public=public,
        private=private,
        sealed=_sealed(ec2, vault),
        cut_off=cut_off,
        cut_off_by_main_table=cut_off_by_main_table,
    )


def record(ec2: Any, s3: Any, networks: Networks) -> None:
    """A flow log for each VPC."""
    s3.create_bucket(Bucket="flow-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    ec2.create_flow_logs(
        ResourceIds=[networks.main.id, networks.vault.id, networks.island.id],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flow-logs",
    )


def _vpc(ec2: Any, name: str, cidr: str) -> Vpc:
    vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=_name("vpc", name))["Vpc"]["VpcId"]
    # One attribute a call, as EC2 wants it. Private DNS and RunTask both ask for them.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    return Vpc(
        id=vpc,
        cidr=cidr,
        # Container instances have it too: behind a load balancer their tasks listen on ports that the agent chose.
        task_group=_group(ec2, vpc, f"{name}-tasks", cidr, (8080, 8080), (32768, 65535)),
        endpoint_group=_group(ec2, vpc, f"{name}-endpoints", cidr, (443, 443)),
        balancer_group=_group(ec2, vpc, f"{name}-balancers", EVERYWHERE, (80, 80)),
    )


def _group(ec2: Any, vpc: str, name: str, cidr: str, *ports: tuple[int, int]) -> str:
    group = str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])
    admit = [
        {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": cidr}]}
        for first, last in ports
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=admit)
    return group


def _public_and_private(ec2: Any, vpc: Vpc) -> tuple[list[str], list[str]]:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc.id)
    public = [_subnet(ec2, vpc, "public-a", "10.0.0.0/24", "a"), _subnet(ec2, vpc, "public-b", "10.0.1.0/24", "b")]
    public_table = _table(ec2, vpc, public)
    ec2.create_route(RouteTableId=public_table, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway)

    private = [_subnet(ec2, vpc, "private-a", "10.0.16.0/20", "a"), _subnet(ec2, vpc, "private-b", "10.0.32.0/20", "b")]
    tables = [_table(ec2, vpc, private[:1]), _main_table(ec2, vpc)]
    for table, subnet in zip(tables, public, strict=True):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=_nat_gateway(ec2, subnet))
    _gateway_endpoint(ec2, vpc, "s3", tables)
    return public, private


def _nat_gateway(ec2: Any, subnet: str) -> str:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return str(ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"])


def _sealed(ec2: Any, vpc: Vpc) -> list[str]:
    subnets = [_subnet(ec2, vpc, "sealed-a", "10.1.0.0/24", "a"), _subnet(ec2, vpc, "sealed-b", "10.1.1.0/24", "b")]
    _gateway_endpoint(ec2, vpc, "s3", [_table(ec2, vpc, subnets)])
    for service in ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm"):
        _interface_endpoint(ec2, vpc, service, subnets)
    return subnets


def _island(ec2: Any, vpc: Vpc) -> tuple[str, str]:
    """Lacks `ecr.dkr` and `logs`; the container agents have what they need, or they would not be connected."""
    own_table = _subnet(ec2, vpc, "island-a", "10.2.0.0/24", "a")
    main_table = _subnet(ec2, vpc, "island-b", "10.2.1.0/24", "b")
    _gateway_endpoint(ec2, vpc, "s3", [_table(ec2, vpc, [own_table])])
    for service in ("ecr.api", "ecs", "ecs-agent", "ecs-telemetry"):
        _interface_endpoint(ec2, vpc, service, [own_table, main_table])
    return own_table, main_table


def _subnet(ec2: Any, vpc: Vpc, name: str, cidr: str, zone: str) -> str:
    subnet = ec2.create_subnet(
        VpcId=vpc.id, CidrBlock=cidr, AvailabilityZone=REGION + zone, TagSpecifications=_name("subnet", name)
    )
    return str(subnet["Subnet"]["SubnetId"])


def _table(ec2: Any, vpc: Vpc, subnets: list[str]) -> str:
    table = str(ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"])
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return table


def _main_table(ec2: Any, vpc: Vpc) -> str:
    filters = [{"Name": "vpc-id", "Values": [vpc.id]}, {"Name": "association.main", "Values": ["true"]}]
    return str(ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"])


def _gateway_endpoint(ec2: Any, vpc: Vpc, service: str, tables: list[str]) -> None:
    ec2.create_vpc_endpoint(
        VpcId=vpc.id,
        VpcEndpointType="Gateway",
        ServiceName=f"com.amazonaws.{REGION}.{service}",
        RouteTableIds=tables,
    )


def _interface_endpoint(ec2: Any, vpc: Vpc, service: str, subnets: list[str]) -> None:
    ec2.create_vpc_endpoint(
        VpcId=vpc.id,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.{service}",
        SubnetIds=subnets,
        SecurityGroupIds=[vpc.endpoint_group],
        PrivateDnsEnabled=True,
    )


def _name(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]
