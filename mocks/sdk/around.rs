//! EFS, ECR, EventBridge, Scheduler and the records of Route 53 as they answer.

use aws_sdk_ecr::operation::describe_images::{DescribeImagesError, DescribeImagesOutput};
use aws_sdk_ecr::operation::describe_pull_through_cache_rules::DescribePullThroughCacheRulesOutput;
use aws_sdk_ecr::operation::describe_repositories::{DescribeRepositoriesError, DescribeRepositoriesOutput};
use aws_sdk_ecr::operation::get_registry_scanning_configuration::GetRegistryScanningConfigurationOutput;
use aws_sdk_ecr::types as ecr;
use aws_sdk_efs::operation::describe_mount_target_security_groups::DescribeMountTargetSecurityGroupsOutput;
use aws_sdk_efs::operation::describe_mount_targets::{DescribeMountTargetsError, DescribeMountTargetsOutput};
use aws_sdk_eventbridge::operation::describe_rule::{DescribeRuleError, DescribeRuleOutput};
use aws_sdk_eventbridge::operation::list_event_buses::ListEventBusesOutput;
use aws_sdk_eventbridge::operation::list_rule_names_by_target::ListRuleNamesByTargetOutput;
use aws_sdk_eventbridge::operation::list_targets_by_rule::ListTargetsByRuleOutput;
use aws_sdk_eventbridge::types as events;
use aws_sdk_route53::operation::list_resource_record_sets::ListResourceRecordSetsOutput;
use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use aws_sdk_scheduler::operation::get_schedule::{GetScheduleError, GetScheduleOutput};
use aws_sdk_scheduler::operation::list_schedules::ListSchedulesOutput;
use aws_sdk_scheduler::types as scheduler;
use aws_sdk_servicequotas::operation::get_service_quota::GetServiceQuotaOutput;
use aws_smithy_types::error::ErrorMetadata;
use ecs_network_audit::snapshot::ids::Arn;
use ecs_network_audit::snapshot::schedule::EcsTarget;
use ecs_network_audit::snapshot::storage::{EfsMountTarget, RegistryScanning};

use super::{Mock, World, answer, answer_or_error};

pub(super) fn rules(mock: &mut Mock) {
    files(mock);
    registry(mock);
    scanning(mock);
    quotas(mock);
    event_rules(mock);
    schedules(mock);
    answer!(
        mock,
        "route53:ListResourceRecordSets",
        aws_sdk_route53::Client::list_resource_record_sets,
        |world, input| {
            let all = world.target.data.hosted_zone_records.items();
            let zone = all.iter().find(|zone| Some(zone.zone_id.as_str()) == input.hosted_zone_id()).unwrap();
            let records: Vec<_> = zone
                .records
                .iter()
                .map(|(name, kind)| {
                    let name = format!("{}.", name.replace('*', "\\052"));
                    ResourceRecordSet::builder().name(name).r#type(RrType::from(kind.as_str())).build().unwrap()
                })
                .collect();
            let (page, next) = world.page(&records, input.start_record_name());
            ListResourceRecordSetsOutput::builder()
                .set_resource_record_sets(Some(page))
                .is_truncated(next.is_some())
                .set_next_record_name(next)
                .max_items(100)
                .build()
                .unwrap()
        }
    );
}

fn code(code: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).build()
}

fn files(mock: &mut Mock) {
    answer_or_error!(
        mock,
        "elasticfilesystem:DescribeMountTargets",
        aws_sdk_efs::Client::describe_mount_targets,
        |world, input| {
            let all = world.target.data.file_systems.items();
            let own = all.iter().find(|fs| Some(fs.file_system_id.as_str()) == input.file_system_id()).unwrap();
            let targets: Vec<_> = own.mount_targets.iter().map(|t| mount_target(t, &own.file_system_id)).collect();
            let (page, next) = world.page(&targets, input.marker());
            let output = DescribeMountTargetsOutput::builder().set_mount_targets(Some(page)).set_next_marker(next);
            if own.exists {
                Ok(output.build())
            } else {
                let error = aws_sdk_efs::types::error::FileSystemNotFound::builder().error_code("FileSystemNotFound");
                let error = error.meta(code("FileSystemNotFound")).build().unwrap();
                Err(DescribeMountTargetsError::FileSystemNotFound(error))
            }
        }
    );
    answer!(
        mock,
        "elasticfilesystem:DescribeMountTargetSecurityGroups",
        aws_sdk_efs::Client::describe_mount_target_security_groups,
        |world, input| {
            let mut all = world.target.data.file_systems.items().iter().flat_map(|fs| &fs.mount_targets);
            let own = all.find(|target| Some(target.id.as_str()) == input.mount_target_id()).unwrap();
            let groups = own.security_groups.iter().map(|id| id.as_str().to_owned()).collect();
            DescribeMountTargetSecurityGroupsOutput::builder().set_security_groups(Some(groups)).build().unwrap()
        }
    );
}

fn mount_target(target: &EfsMountTarget, file_system: &str) -> aws_sdk_efs::types::MountTargetDescription {
    aws_sdk_efs::types::MountTargetDescription::builder()
        .mount_target_id(&target.id)
        .file_system_id(file_system)
        .subnet_id(target.subnet_id.as_str())
        .life_cycle_state(target.life_cycle_state.as_str().into())
        .availability_zone_name(&target.availability_zone)
        .set_vpc_id(target.vpc_id.as_ref().map(|id| id.as_str().to_owned()))
        .set_ip_address(target.ip_address.clone())
        .set_network_interface_id(target.network_interface_id.as_ref().map(|id| id.as_str().to_owned()))
        .build()
        .unwrap()
}

fn quotas(mock: &mut Mock) {
    answer!(mock, "servicequotas:GetServiceQuota", aws_sdk_servicequotas::Client::get_service_quota, |world, input| {
        assert_eq!((input.service_code(), input.quota_code()), (Some("vpc"), Some("L-DF5E4CA3")));
        let quota = world.target.data.network_interface_quota.items().first();
        let value = quota.map(|quota| f64::from(quota.interfaces_per_zone));
        let quota = aws_sdk_servicequotas::types::ServiceQuota::builder().set_value(value).build();
        GetServiceQuotaOutput::builder().quota(quota).build()
    });
}

fn registry(mock: &mut Mock) {
    answer!(
        mock,
        "ecr:DescribePullThroughCacheRules",
        aws_sdk_ecr::Client::describe_pull_through_cache_rules,
        |world, input| {
            let all = world.target.data.pull_through_cache_rules.items().iter();
            let rules: Vec<_> = all
                .map(|rule| {
                    aws_sdk_ecr::types::PullThroughCacheRule::builder()
                        .ecr_repository_prefix(&rule.ecr_repository_prefix)
                        .upstream_registry_url(&rule.upstream_registry_url)
                        .build()
                })
                .collect();
            let (page, next) = world.page(&rules, input.next_token());
            DescribePullThroughCacheRulesOutput::builder()
                .set_pull_through_cache_rules(Some(page))
                .set_next_token(next)
                .build()
        }
    );
    let api = "ecr:DescribeImages";
    let rule = match mock.fault(api) {
        Some(fault) => aws_smithy_mocks::mock!(aws_sdk_ecr::Client::describe_images)
            .then_http_response(move || fault.response(api)),
        None => {
            let world = mock.world(api);
            let known: Vec<String> = world
                .target
                .data
                .cached_images
                .items()
                .iter()
                .filter(|image| image.present)
                .map(|image| format!("{}:{}", image.repository, image.reference))
                .collect();
            // An image that isn't there is an error, so the rule has to choose between output and error.
            let there = known.clone();
            let name = |input: &aws_sdk_ecr::operation::describe_images::DescribeImagesInput| {
                let wanted = &input.image_ids()[0];
                let reference = wanted.image_digest().or(wanted.image_tag()).unwrap_or_default();
                format!("{}:{reference}", input.repository_name().unwrap_or_default())
            };
            let found = aws_smithy_mocks::mock!(aws_sdk_ecr::Client::describe_images)
                .match_requests(move |input| there.contains(&name(input)))
                .then_output(|| {
                    let detail = aws_sdk_ecr::types::ImageDetail::builder().build();
                    DescribeImagesOutput::builder().image_details(detail).build()
                });
            mock.add(api, found);
            aws_smithy_mocks::mock!(aws_sdk_ecr::Client::describe_images)
                .match_requests(move |input| !known.contains(&name(input)))
                .then_error(|| {
                    let error = aws_sdk_ecr::types::error::ImageNotFoundException::builder();
                    let error = error.meta(code("ImageNotFoundException")).build();
                    DescribeImagesError::ImageNotFoundException(error)
                })
        }
    };
    mock.add(api, rule);
}

fn scanning(mock: &mut Mock) {
    answer_or_error!(mock, "ecr:DescribeRepositories", aws_sdk_ecr::Client::describe_repositories, |world, input| {
        assert!(input.repository_names().len() <= 100, "at most 100 names a call");
        assert!(input.max_results().is_none() && input.next_token().is_none(), "names are not paged");
        let all = world.target.data.repositories.items();
        let known = |name: &String| all.iter().find(|repository| repository.name == *name && repository.exists);
        let found: Option<Vec<_>> = input.repository_names().iter().map(known).collect();
        match found {
            Some(found) => {
                let repositories = found.into_iter().map(|repository| {
                    let scanning =
                        ecr::ImageScanningConfiguration::builder().scan_on_push(repository.scan_on_push).build();
                    ecr::Repository::builder()
                        .repository_name(&repository.name)
                        .image_scanning_configuration(scanning)
                        .build()
                });
                Ok(DescribeRepositoriesOutput::builder().set_repositories(Some(repositories.collect())).build())
            }
            None => {
                let error = ecr::error::RepositoryNotFoundException::builder();
                let error = error.meta(code("RepositoryNotFoundException")).build();
                Err(DescribeRepositoriesError::RepositoryNotFoundException(error))
            }
        }
    });
    answer!(
        mock,
        "ecr:GetRegistryScanningConfiguration",
        aws_sdk_ecr::Client::get_registry_scanning_configuration,
        |world, _input| {
            let configuration = world.target.data.registry_scanning.items().first().map(registry_scanning);
            GetRegistryScanningConfigurationOutput::builder().set_scanning_configuration(configuration).build()
        }
    );
}

fn registry_scanning(scanning: &RegistryScanning) -> ecr::RegistryScanningConfiguration {
    let rules = scanning.rules.iter().map(|rule| {
        let filters = rule.filters.iter().map(|filter| {
            let filter = ecr::ScanningRepositoryFilter::builder().filter(filter);
            filter.filter_type(ecr::ScanningRepositoryFilterType::Wildcard).build().unwrap()
        });
        ecr::RegistryScanningRule::builder()
            .scan_frequency(rule.scan_frequency.as_str().into())
            .set_repository_filters(Some(filters.collect()))
            .build()
            .unwrap()
    });
    ecr::RegistryScanningConfiguration::builder()
        .scan_type(scanning.scan_type.as_str().into())
        .set_rules(Some(rules.collect()))
        .build()
}

fn is_gone(world: &World, arn: &Option<Arn>) -> bool {
    arn.as_ref().is_some_and(|arn| world.vanished.contains(arn.as_str()))
}

fn event_rules(mock: &mut Mock) {
    answer!(mock, "events:ListEventBuses", aws_sdk_eventbridge::Client::list_event_buses, |world, input| {
        let mut names: Vec<&String> = world.target.data.event_rules.items().iter().map(|r| &r.event_bus_name).collect();
        let default = "default".to_owned();
        names.push(&default);
        names.sort();
        names.dedup();
        let buses: Vec<_> = names.into_iter().map(|name| events::EventBus::builder().name(name).build()).collect();
        let (page, next) = world.page(&buses, input.next_token());
        ListEventBusesOutput::builder().set_event_buses(Some(page)).set_next_token(next).build()
    });
    answer!(
        mock,
        "events:ListRuleNamesByTarget",
        aws_sdk_eventbridge::Client::list_rule_names_by_target,
        |world, input| {
            let all = world.target.data.event_rules.items().iter();
            let on_bus = all.filter(|rule| Some(rule.event_bus_name.as_str()) == input.event_bus_name());
            let names: Vec<String> = on_bus
                .filter(|rule| rule.targets.iter().any(|t| Some(t.cluster_arn.as_str()) == input.target_arn()))
                .map(|rule| rule.name.clone())
                .collect();
            let (page, next) = world.page(&names, input.next_token());
            ListRuleNamesByTargetOutput::builder().set_rule_names(Some(page)).set_next_token(next).build()
        }
    );
    answer_or_error!(mock, "events:DescribeRule", aws_sdk_eventbridge::Client::describe_rule, |world, input| {
        let mut on_bus = world.target.data.event_rules.items().iter();
        let rule = on_bus.find(|rule| {
            Some(rule.name.as_str()) == input.name() && Some(rule.event_bus_name.as_str()) == input.event_bus_name()
        });
        let rule = rule.unwrap();
        if is_gone(&world, &rule.arn) {
            let error = aws_sdk_eventbridge::types::error::ResourceNotFoundException::builder();
            let error = error.meta(code("ResourceNotFoundException")).build();
            Err(DescribeRuleError::ResourceNotFoundException(error))
        } else {
            let output = DescribeRuleOutput::builder()
                .name(&rule.name)
                .set_arn(rule.arn.as_ref().map(|arn| arn.as_str().to_owned()))
                .state(rule.state.as_str().into())
                .set_schedule_expression(rule.schedule_expression.clone());
            Ok(output.build())
        }
    });
    answer!(mock, "events:ListTargetsByRule", aws_sdk_eventbridge::Client::list_targets_by_rule, |world, input| {
        let mut on_bus = world.target.data.event_rules.items().iter();
        let rule = on_bus.find(|rule| {
            Some(rule.name.as_str()) == input.rule() && Some(rule.event_bus_name.as_str()) == input.event_bus_name()
        });
        let targets: Vec<_> = rule.unwrap().targets.iter().map(event_target).collect();
        let (page, next) = world.page(&targets, input.next_token());
        ListTargetsByRuleOutput::builder().set_targets(Some(page)).set_next_token(next).build()
    });
}

fn event_target(target: &EcsTarget) -> events::Target {
    let strategy = target.capacity_provider_strategy.iter().map(|item| {
        events::CapacityProviderStrategyItem::builder()
            .capacity_provider(&item.capacity_provider)
            .weight(item.weight)
            .base(item.base)
            .build()
            .unwrap()
    });
    let network = target.network_configuration.as_ref().map(|network| {
        let public = if network.assign_public_ip { "ENABLED" } else { "DISABLED" };
        let awsvpc = events::AwsVpcConfiguration::builder()
            .set_subnets(Some(network.subnets.iter().map(|id| id.as_str().to_owned()).collect()))
            .set_security_groups(Some(network.security_groups.iter().map(|id| id.as_str().to_owned()).collect()))
            .assign_public_ip(public.into());
        events::NetworkConfiguration::builder().awsvpc_configuration(awsvpc.build().unwrap()).build()
    });
    let parameters = events::EcsParameters::builder()
        .task_definition_arn(target.task_definition_arn.as_str())
        .task_count(target.task_count)
        .set_launch_type(target.launch_type.as_ref().map(|kind| kind.as_str().into()))
        .set_capacity_provider_strategy(Some(strategy.collect()))
        .set_platform_version(target.platform_version.clone())
        .set_network_configuration(network)
        .set_group(target.group.clone())
        .enable_execute_command(target.enable_execute_command);
    events::Target::builder()
        .id(&target.id)
        .arn(target.cluster_arn.as_str())
        .ecs_parameters(parameters.build().unwrap())
        .build()
        .unwrap()
}

fn schedules(mock: &mut Mock) {
    answer!(mock, "scheduler:ListSchedules", aws_sdk_scheduler::Client::list_schedules, |world, input| {
        let all = world.target.data.schedules.items().iter();
        let schedules: Vec<_> = all
            .map(|schedule| {
                let target = scheduler::TargetSummary::builder().arn(schedule.target.cluster_arn.as_str());
                scheduler::ScheduleSummary::builder()
                    .name(&schedule.name)
                    .group_name(&schedule.group_name)
                    .target(target.build().unwrap())
                    .build()
            })
            .collect();
        let (page, next) = world.page(&schedules, input.next_token());
        ListSchedulesOutput::builder().set_schedules(Some(page)).set_next_token(next).build().unwrap()
    });
    answer_or_error!(mock, "scheduler:GetSchedule", aws_sdk_scheduler::Client::get_schedule, |world, input| {
        let mut in_group = world.target.data.schedules.items().iter();
        let schedule = in_group.find(|schedule| {
            Some(schedule.name.as_str()) == input.name() && Some(schedule.group_name.as_str()) == input.group_name()
        });
        let schedule = schedule.unwrap();
        if is_gone(&world, &schedule.arn) {
            let error = aws_sdk_scheduler::types::error::ResourceNotFoundException::builder().message("it is gone");
            let error = error.meta(code("ResourceNotFoundException")).build().unwrap();
            Err(GetScheduleError::ResourceNotFoundException(error))
        } else {
            let output = GetScheduleOutput::builder()
                .name(&schedule.name)
                .group_name(&schedule.group_name)
                .set_arn(schedule.arn.as_ref().map(|arn| arn.as_str().to_owned()))
                .state(schedule.state.as_str().into())
                .set_schedule_expression(schedule.schedule_expression.clone())
                .target(schedule_target(&schedule.target));
            Ok(output.build())
        }
    });
}

fn schedule_target(target: &EcsTarget) -> scheduler::Target {
    let strategy = target.capacity_provider_strategy.iter().map(|item| {
        scheduler::CapacityProviderStrategyItem::builder()
            .capacity_provider(&item.capacity_provider)
            .weight(item.weight)
            .base(item.base)
            .build()
            .unwrap()
    });
    let network = target.network_configuration.as_ref().map(|network| {
        let public = if network.assign_public_ip { "ENABLED" } else { "DISABLED" };
        let awsvpc = scheduler::AwsVpcConfiguration::builder()
            .set_subnets(Some(network.subnets.iter().map(|id| id.as_str().to_owned()).collect()))
            .set_security_groups(Some(network.security_groups.iter().map(|id| id.as_str().to_owned()).collect()))
            .assign_public_ip(public.into());
        scheduler::NetworkConfiguration::builder().awsvpc_configuration(awsvpc.build().unwrap()).build()
    });
    let parameters = scheduler::EcsParameters::builder()
        .task_definition_arn(target.task_definition_arn.as_str())
        .task_count(target.task_count)
        .set_launch_type(target.launch_type.as_ref().map(|kind| kind.as_str().into()))
        .set_capacity_provider_strategy(Some(strategy.collect()))
        .set_platform_version(target.platform_version.clone())
        .set_network_configuration(network)
        .set_group(target.group.clone())
        .enable_execute_command(target.enable_execute_command);
    scheduler::Target::builder()
        .arn(target.cluster_arn.as_str())
        .role_arn("arn:aws:iam::111122223333:role/scheduler")
        .ecs_parameters(parameters.build().unwrap())
        .build()
        .unwrap()
}
