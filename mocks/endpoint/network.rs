//! What filters and watches traffic, and what joins VPCs, as Amazon EC2 says it.

use ecs_network_audit::snapshot::ids::VpcId;
use ecs_network_audit::snapshot::vpc::{
    FlowLog, IpPermission, NetworkAcl, NetworkAclEntry, NetworkInterface, SecurityGroup, SecurityGroupVpcAssociation,
    VpcPeeringConnection,
};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;
use super::ec2::{ByIds, whole};

pub(super) fn security_groups(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "GroupId", not_found: "InvalidGroup.NotFound" };
    let items = call.world.data().security_groups.items();
    whole(call, "securityGroupInfo", by, items, |group| group.id.as_str(), security_group)
}

pub(super) fn network_acls(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "NetworkAclId", not_found: "InvalidNetworkAclID.NotFound" };
    let items = call.world.data().network_acls.items();
    whole(call, "networkAclSet", by, items, |acl| acl.id.as_str(), network_acl)
}

pub(super) fn network_interfaces(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "NetworkInterfaceId", not_found: "InvalidNetworkInterfaceID.NotFound" };
    let items = call.world.data().network_interfaces.items();
    whole(call, "networkInterfaceSet", by, items, |interface| interface.id.as_str(), network_interface)
}

pub(super) fn flow_logs(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "FlowLogId", not_found: "InvalidFlowLogId.NotFound" };
    whole(call, "flowLogSet", by, call.world.data().flow_logs.items(), |log| log.id.as_str(), flow_log)
}

pub(super) fn security_group_vpc_associations(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "GroupId", not_found: "InvalidGroup.NotFound" };
    let items = call.world.data().security_group_vpc_associations.items();
    let shape = |own: &SecurityGroupVpcAssociation| json!({"groupId": own.group_id.as_str(), "vpcId": own.vpc_id.as_str(), "state": own.state});
    whole(call, "securityGroupVpcAssociationSet", by, items, |association| association.group_id.as_str(), shape)
}

pub(super) fn vpc_peering_connections(call: &Call<'_>) -> Result<Value, Refusal> {
    let by = ByIds { ids: "VpcPeeringConnectionId", not_found: "InvalidVpcPeeringConnectionID.NotFound" };
    let side = |vpc: &Option<VpcId>| json!({"vpcId": vpc.as_ref().map(|id| id.as_str())});
    let shape = |own: &VpcPeeringConnection| {
        json!({
            "vpcPeeringConnectionId": own.id,
            "requesterVpcInfo": side(&own.requester_vpc_id),
            "accepterVpcInfo": side(&own.accepter_vpc_id),
            "status": {"code": own.status, "message": own.status},
        })
    };
    let items = call.world.data().vpc_peering_connections.items();
    whole(call, "vpcPeeringConnectionSet", by, items, |connection| connection.id.as_str(), shape)
}

pub(super) fn block_public_access(call: &Call<'_>) -> Result<Value, Refusal> {
    let access = call.world.data().block_public_access.items().first();
    let mode = access.map_or("off", |access| access.internet_gateway_block_mode.as_str());
    Ok(json!({"vpcBlockPublicAccessOptions": {"internetGatewayBlockMode": mode, "state": "default-state"}}))
}

pub(super) fn block_public_access_exclusions(call: &Call<'_>) -> Result<Value, Refusal> {
    let target = call.world.target();
    let exclusions: Vec<_> =
        target.data.block_public_access.items().iter().flat_map(|access| &access.exclusions).collect();
    let page = call.page(&exclusions)?;
    let shape = |(resource, mode): (&String, &String)| {
        let kind = if resource.starts_with("subnet") { "subnet" } else { "vpc" };
        let arn = format!("arn:{}:ec2:{}:{}:{kind}/{resource}", target.partition, target.region, target.account);
        json!({"resourceArn": arn, "internetGatewayExclusionMode": mode, "state": "create-complete"})
    };
    let exclusions: Vec<Value> = page.items.into_iter().map(shape).collect();
    Ok(json!({"vpcBlockPublicAccessExclusionSet": exclusions, "nextToken": page.next}))
}

fn security_group(group: &SecurityGroup) -> Value {
    json!({
        "groupId": group.id.as_str(),
        "groupName": group.name,
        "groupDescription": "made by the simulated account",
        "vpcId": group.vpc_id.as_str(),
        "ownerId": group.owner_id,
        "ipPermissions": group.ingress.iter().map(permission).collect::<Vec<_>>(),
        "ipPermissionsEgress": group.egress.iter().map(permission).collect::<Vec<_>>(),
    })
}

fn permission(permission: &IpPermission) -> Value {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for block in &permission.cidrs {
        match block {
            IpNet::V4(block) => v4.push(json!({"cidrIp": block.to_string()})),
            IpNet::V6(block) => v6.push(json!({"cidrIpv6": block.to_string()})),
        }
    }
    let lists: Vec<Value> = permission.prefix_lists.iter().map(|id| json!({"prefixListId": id.as_str()})).collect();
    let groups = permission.groups.iter().map(|group| {
        json!({
            "groupId": group.group_id.as_str(),
            "userId": group.user_id,
            "vpcId": group.vpc_id.as_ref().map(|id| id.as_str()),
            "vpcPeeringConnectionId": group.vpc_peering_connection_id,
            "peeringStatus": group.peering_status,
        })
    });
    json!({
        "ipProtocol": permission.ip_protocol,
        "fromPort": permission.from_port,
        "toPort": permission.to_port,
        "ipRanges": v4,
        "ipv6Ranges": v6,
        "prefixListIds": lists,
        "groups": groups.collect::<Vec<_>>(),
    })
}

fn network_acl(acl: &NetworkAcl) -> Value {
    let associations: Vec<Value> = acl.subnets.iter().map(|subnet| json!({"subnetId": subnet.as_str()})).collect();
    json!({
        "networkAclId": acl.id.as_str(),
        "vpcId": acl.vpc_id.as_str(),
        "default": acl.is_default,
        "associationSet": associations,
        "entrySet": acl.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(entry: &NetworkAclEntry) -> Value {
    let (v4, v6) = match entry.cidr {
        IpNet::V4(block) => (Some(block.to_string()), None),
        IpNet::V6(block) => (None, Some(block.to_string())),
    };
    json!({
        "ruleNumber": entry.rule_number,
        "egress": entry.egress,
        "protocol": entry.protocol,
        "ruleAction": if entry.allow { "allow" } else { "deny" },
        "cidrBlock": v4,
        "ipv6CidrBlock": v6,
        "portRange": entry.port_range.map(|(from, to)| json!({"from": from, "to": to})),
        "icmpTypeCode": entry.icmp_type_code.map(|(kind, code)| json!({"type": kind, "code": code})),
    })
}

fn network_interface(interface: &NetworkInterface) -> Value {
    let groups: Vec<Value> = interface.security_group_ids.iter().map(|id| json!({"groupId": id.as_str()})).collect();
    let addresses: Vec<Value> = interface.private_ips.iter().map(|ip| json!({"privateIpAddress": ip})).collect();
    let v6: Vec<Value> = interface.ipv6_addresses.iter().map(|ip| json!({"ipv6Address": ip})).collect();
    json!({
        "networkInterfaceId": interface.id.as_str(),
        "vpcId": interface.vpc_id.as_str(),
        "subnetId": interface.subnet_id.as_str(),
        "availabilityZone": interface.availability_zone,
        "interfaceType": interface.interface_type,
        "status": interface.status,
        "description": interface.description,
        "requesterId": "578734482556",
        "requesterManaged": true,
        "sourceDestCheck": true,
        "groupSet": groups,
        "privateIpAddressesSet": addresses,
        "ipv6AddressesSet": v6,
        "association": interface.public_ip.as_ref().map(|ip| json!({"publicIp": ip})),
        "attachment": {"attachmentId": "eni-attach-0123456789abcdef0", "deviceIndex": 1, "status": "attached"},
    })
}

fn flow_log(log: &FlowLog) -> Value {
    json!({
        "flowLogId": log.id,
        "resourceId": log.resource_id,
        "flowLogStatus": log.status,
        "deliverLogsStatus": log.deliver_logs_status,
        "deliverLogsErrorMessage": log.deliver_logs_error_message,
        "trafficType": log.traffic_type,
    })
}
