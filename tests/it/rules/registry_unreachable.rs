//! Registries that only the internet leads to.

use insta::assert_snapshot;

use ecs_network_audit::finding::Severity;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::enums::NetworkMode;
use ecs_network_audit::snapshot::storage::{CachedImage, PullThroughCacheRule};

use crate::mocks::account::push;
use crate::mocks::accounts::{Fixture, fargate_isolated_with_endpoints, fargate_private_with_nat};
use crate::mocks::compute::container;
use crate::support::{assert_silent, assert_unknown, audit_rule, only, shown};

const RULE: &str = "registry-unreachable";

fn with_image(mut fixture: Fixture, image: &str) -> Fixture {
    let containers = vec![container("app", image).awslogs()];
    let definition = fixture.account.definition("other", Some(NetworkMode::Awsvpc), containers);
    fixture.account.edit_service(&fixture.service, |s| s.deployments[0].task_definition = Some(definition));
    fixture
}

#[test]
fn docker_hub_from_a_subnet_with_endpoints_only() {
    let fixture = with_image(fargate_isolated_with_endpoints(), "nginx:1.27");
    assert_snapshot!(shown(only(&audit_rule(&fixture.account, RULE))), @r##"
    high registry-unreachable prod/web (ecs:service)
    Fargate tasks in subnet-0896d9a98e4df01a6 cannot reach docker.io: the main route table rtb-0e2cf09ced8df5cbb has no route to the internet; needed by app (image)
    blocker route/no-route subnet-0896d9a98e4df01a6 -> rtb-0e2cf09ced8df5cbb: rtb-0e2cf09ced8df5cbb of subnet-0896d9a98e4df01a6 has no route to the internet
    fix Give the subnets a default route to a NAT gateway, or mirror the images to Amazon ECR in eu-west-1 (a pull-through cache rule does it for public registries) and name them there.
    "##);
}

#[test]
fn known_public_registries_and_other_regions() {
    for (image, unreached) in [
        ("public.ecr.aws/nginx/nginx:1", serde_json::json!(["public.ecr.aws"])),
        ("quay.io/prometheus/prometheus", serde_json::json!(["quay.io"])),
        ("ghcr.io/owner/app:2", serde_json::json!(["ghcr.io"])),
        (
            "111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1",
            serde_json::json!(["ecr.api (us-east-1)", "ecr.dkr (us-east-1)", "s3 (us-east-1)"]),
        ),
    ] {
        let report = audit_rule(&with_image(fargate_isolated_with_endpoints(), image).account, RULE);
        assert_eq!(only(&report).facts["unreached"], unreached);
    }
}

#[test]
fn an_endpoint_for_the_other_region_counts() {
    let mut fixture =
        with_image(fargate_isolated_with_endpoints(), "111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1");
    for endpoint in fixture.account.data.vpc_endpoints.items_mut().unwrap() {
        if endpoint.service_name.contains(".ecr.") {
            endpoint.service_region = Some("us-east-1".to_owned());
        }
    }
    let report = audit_rule(&fixture.account, RULE);
    assert_eq!(only(&report).facts["unreached"], serde_json::json!(["s3 (us-east-1)"]));
}

#[test]
fn any_other_host_may_be_inside() {
    let fixture = with_image(fargate_isolated_with_endpoints(), "registry.example.com/web:1");
    assert_unknown(&audit_rule(&fixture.account, RULE), "registry.example.com may be inside the network");
}

#[test]
fn a_way_out_serves_them_all_and_unread_is_unknown() {
    for image in ["nginx", "registry.example.com/web:1"] {
        assert_silent(&audit_rule(&with_image(fargate_private_with_nat(), image).account, RULE));
    }
    let mut fixture = with_image(fargate_isolated_with_endpoints(), "nginx");
    fixture.account.deny(Dataset::RouteTables, "ec2:DescribeRouteTables");
    assert_unknown(&audit_rule(&fixture.account, RULE), "route-tables could not be read");
}

#[test]
fn a_pull_through_cache_needs_a_way_out_once() {
    let image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/library/nginx:1.27";
    let mut fixture = with_image(fargate_isolated_with_endpoints(), image);
    let rule = |prefix: &str| PullThroughCacheRule {
        ecr_repository_prefix: prefix.to_owned(),
        upstream_registry_url: "registry-1.docker.io".to_owned(),
    };
    push(&mut fixture.account.data.pull_through_cache_rules, rule("quay"));
    assert_silent(&audit_rule(&fixture.account, RULE));
    push(&mut fixture.account.data.pull_through_cache_rules, rule("docker-hub"));
    assert_unknown(&audit_rule(&fixture.account, RULE), "is in the pull-through cache is not known");
    let cached = |present| CachedImage {
        repository: "docker-hub/library/nginx".to_owned(),
        reference: "1.27".to_owned(),
        present,
    };
    push(&mut fixture.account.data.cached_images, cached(false));
    assert_eq!(only(&audit_rule(&fixture.account, RULE)).severity, Severity::Medium);
    fixture.account.data.cached_images.items_mut().unwrap()[0] = cached(true);
    assert_silent(&audit_rule(&fixture.account, RULE));
}

#[test]
fn a_registry_on_a_port_of_its_own_is_not_followed() {
    let fixture = with_image(fargate_private_with_nat(), "harbor.corp.example.com:5000/app:1");
    assert_unknown(&audit_rule(&fixture.account, RULE), "may be inside the network");
    assert_silent(&audit_rule(&with_image(fargate_private_with_nat(), "harbor.corp.example.com/app:1").account, RULE));
}
