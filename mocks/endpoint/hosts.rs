//! EC2 instances, their types, and the Auto Scaling groups that start them.

use ecs_network_audit::snapshot::elb::AutoScalingGroup;
use ecs_network_audit::snapshot::vpc::{Instance, InstanceNetworkInterface, InstanceType};
use serde_json::{Value, json};

use super::answer::Refusal;
use super::call::Call;

/// By filter: what isn't there is left out, and so is what is gone.
pub(super) fn instances(call: &Call<'_>) -> Result<Value, Refusal> {
    let wanted = call.params.filter("instance-id");
    let is_wanted = |instance: &&Instance| {
        let id = instance.id.as_str();
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&id)) && !call.is_gone(id)
    };
    let found: Vec<&Instance> = call.world.data().instances.items().iter().filter(is_wanted).collect();
    let page = call.page(&found)?;
    let reservation = |own: &Instance| json!({"reservationId": "r-simulated", "instancesSet": [instance(own)]});
    let reservations: Vec<Value> = page.items.into_iter().map(reservation).collect();
    Ok(json!({"reservationSet": reservations, "nextToken": page.next}))
}

pub(super) fn instance_types(call: &Call<'_>) -> Result<Value, Refusal> {
    let wanted = call.params.filter("instance-type");
    let is_wanted = |kind: &&InstanceType| {
        let name = kind.name.as_str();
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&name)) && !call.is_gone(name)
    };
    let found: Vec<&InstanceType> = call.world.data().instance_types.items().iter().filter(is_wanted).collect();
    let page = call.page(&found)?;
    let types: Vec<Value> = page.items.into_iter().map(instance_type).collect();
    Ok(json!({"instanceTypeSet": types, "nextToken": page.next}))
}

pub(super) fn auto_scaling_groups(call: &Call<'_>) -> Result<Value, Refusal> {
    let names = call.named();
    let is_wanted = |group: &&AutoScalingGroup| {
        (names.is_empty() || names.contains(&group.name.as_str())) && !call.is_gone(&group.name)
    };
    let found: Vec<&AutoScalingGroup> =
        call.world.data().auto_scaling_groups.items().iter().filter(is_wanted).collect();
    let page = call.page(&found)?;
    let groups: Vec<Value> = page.items.into_iter().map(auto_scaling_group).collect();
    Ok(json!({"AutoScalingGroups": groups, "NextToken": page.next}))
}

fn instance(instance: &Instance) -> Value {
    let dns = instance.enable_resource_name_dns_a_record;
    let metadata = instance.metadata_options.as_ref().map(|options| {
        json!({
            "httpTokens": options.http_tokens,
            "httpPutResponseHopLimit": options.http_put_response_hop_limit,
            "httpEndpoint": options.http_endpoint,
        })
    });
    let profile = instance.iam_instance_profile_arn.as_ref();
    json!({
        "instanceId": instance.id.as_str(),
        "instanceType": instance.instance_type,
        "instanceState": {"code": 16, "name": instance.state},
        "vpcId": instance.vpc_id.as_ref().map(|id| id.as_str()),
        "subnetId": instance.subnet_id.as_ref().map(|id| id.as_str()),
        "placement": {"availabilityZone": instance.availability_zone},
        "privateIpAddress": instance.private_ip_address,
        "launchTime": instance.launch_time.map(|time| time.to_string()),
        "platformDetails": instance.platform_details,
        "privateDnsNameOptions": dns.map(|on| json!({"enableResourceNameDnsARecord": on})),
        "metadataOptions": metadata,
        "iamInstanceProfile": profile.map(|arn| json!({"arn": arn.as_str()})),
        "networkInterfaceSet": instance.network_interfaces.iter().map(interface).collect::<Vec<_>>(),
    })
}

fn interface(interface: &InstanceNetworkInterface) -> Value {
    let groups: Vec<Value> = interface.security_group_ids.iter().map(|id| json!({"groupId": id.as_str()})).collect();
    let addresses: Vec<Value> = interface.private_ips.iter().map(|ip| json!({"privateIpAddress": ip})).collect();
    let v6: Vec<Value> = interface.ipv6_addresses.iter().map(|ip| json!({"ipv6Address": ip})).collect();
    json!({
        "networkInterfaceId": interface.id.as_str(),
        "interfaceType": interface.interface_type,
        "description": interface.description,
        "attachment": {"deviceIndex": interface.device_index, "networkCardIndex": interface.network_card_index},
        "subnetId": interface.subnet_id.as_ref().map(|id| id.as_str()),
        "groupSet": groups,
        "privateIpAddressesSet": addresses,
        "ipv6AddressesSet": v6,
        "association": interface.public_ip.as_ref().map(|ip| json!({"publicIp": ip})),
    })
}

fn instance_type(kind: &InstanceType) -> Value {
    json!({
        "instanceType": kind.name,
        "networkInfo": {
            "maximumNetworkInterfaces": kind.maximum_network_interfaces,
            "maximumNetworkCards": kind.maximum_network_cards,
            "ipv4AddressesPerInterface": kind.ipv4_addresses_per_interface,
        },
        "vCpuInfo": {"defaultVCpus": kind.default_vcpus},
        "memoryInfo": {"sizeInMiB": kind.memory_mib},
    })
}

fn auto_scaling_group(group: &AutoScalingGroup) -> Value {
    let subnets: Vec<&str> = group.subnets.iter().map(|subnet| subnet.as_str()).collect();
    let instances: Vec<Value> = group.instances.iter().map(|id| json!({"InstanceId": id.as_str()})).collect();
    let suspended = group.suspended_processes.iter();
    let suspended: Vec<Value> = suspended.map(|name| json!({"ProcessName": name})).collect();
    let overrides: Vec<Value> = group.instance_types.iter().map(|name| json!({"InstanceType": name})).collect();
    let policy = (!overrides.is_empty()).then(|| json!({"LaunchTemplate": {"Overrides": overrides}}));
    json!({
        "AutoScalingGroupARN": group.arn.as_str(),
        "AutoScalingGroupName": group.name,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "AvailabilityZones": group.availability_zones,
        "VPCZoneIdentifier": subnets.join(","),
        "Instances": instances,
        "SuspendedProcesses": suspended,
        "MixedInstancesPolicy": policy,
    })
}
