//! What goes beyond one VPC: peering connections, security groups that are used in other VPCs than their own, and the
//! quota of network interfaces.

use super::convert::{id, maybe_id, text};
use super::plan::{Reader, whole};
use crate::snapshot::coverage::{Dataset, Fetched};
use crate::snapshot::vpc::NetworkInterfaceQuota;
use crate::snapshot::vpc::{SecurityGroupVpcAssociation, VpcPeeringConnection};

const PAGE: i32 = 1000;

pub(super) async fn read(reader: &Reader) {
    tokio::join!(
        reader.read(
            Dataset::SecurityGroupVpcAssociations,
            |data| &mut data.security_group_vpc_associations,
            security_group_vpc_associations(reader)
        ),
        reader.read(
            Dataset::VpcPeeringConnections,
            |data| &mut data.vpc_peering_connections,
            vpc_peering_connections(reader)
        ),
        reader.read(
            Dataset::NetworkInterfaceQuota,
            |data| &mut data.network_interface_quota,
            network_interface_quota(reader)
        ),
    );
}

async fn security_group_vpc_associations(reader: &Reader) -> Fetched<SecurityGroupVpcAssociation> {
    let client = &reader.clients.ec2;
    let request =
        |token| client.describe_security_group_vpc_associations().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ec2::operation::describe_security_group_vpc_associations::DescribeSecurityGroupVpcAssociationsOutput| {
        let found = page.security_group_vpc_associations.unwrap_or_default().into_iter();
        let found = found.map(|association| SecurityGroupVpcAssociation {
            group_id: id(association.group_id),
            vpc_id: id(association.vpc_id),
            state: association.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        });
        (found.collect::<Vec<_>>(), page.next_token)
    };
    whole(reader.caller.pages("ec2:DescribeSecurityGroupVpcAssociations", &[], request, take).await, Ord::cmp)
}

async fn vpc_peering_connections(reader: &Reader) -> Fetched<VpcPeeringConnection> {
    let client = &reader.clients.ec2;
    let request = |token| client.describe_vpc_peering_connections().max_results(PAGE).set_next_token(token).send();
    let take = |page: aws_sdk_ec2::operation::describe_vpc_peering_connections::DescribeVpcPeeringConnectionsOutput| {
        let found = page.vpc_peering_connections.unwrap_or_default().into_iter();
        let found = found.map(|connection| VpcPeeringConnection {
            id: text(connection.vpc_peering_connection_id),
            requester_vpc_id: maybe_id(connection.requester_vpc_info.and_then(|info| info.vpc_id)),
            accepter_vpc_id: maybe_id(connection.accepter_vpc_info.and_then(|info| info.vpc_id)),
            status: connection
                .status
                .and_then(|status| status.code)
                .map(|code| code.as_str().to_owned())
                .unwrap_or_default(),
        });
        (found.collect::<Vec<_>>(), page.next_token)
    };
    whole(reader.caller.pages("ec2:DescribeVpcPeeringConnections", &[], request, take).await, Ord::cmp)
}

/// "Network interfaces per Region" of Amazon VPC.
const NETWORK_INTERFACES: (&str, &str) = ("vpc", "L-DF5E4CA3");

async fn network_interface_quota(reader: &Reader) -> Fetched<NetworkInterfaceQuota> {
    let (service, code) = NETWORK_INTERFACES;
    let request = reader.clients.servicequotas.get_service_quota().service_code(service).quota_code(code);
    let answer = reader.caller.send("servicequotas:GetServiceQuota", &[], || request.clone().send()).await;
    let read = match answer {
        Ok(answer) => {
            let value = answer.quota.and_then(|quota| quota.value);
            (value.map(quota).into_iter().collect(), None)
        }
        Err(failure) => (Vec::new(), Some(failure)),
    };
    whole(read, |a, b| a.interfaces_per_zone.cmp(&b.interfaces_per_zone))
}

/// Quotas are whole numbers that the API gives as floating-point ones.
fn quota(value: f64) -> NetworkInterfaceQuota {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let interfaces_per_zone = value as u32;
    NetworkInterfaceQuota { interfaces_per_zone }
}
