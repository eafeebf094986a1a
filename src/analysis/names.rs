//! Names of AWS services by partition: endpoint service names and the host names that clients resolve.

/// The domain that host names of a partition end in.
///
/// Source: partitions of the AWS General Reference; the isolated partitions as botocore's endpoint data lists them.
pub fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// What a service name starts with, before the Region. Partners' services are `com.amazonaws.vpce.…` and not in it.
const SERVICE_PREFIXES: [&str; 8] = [
    "com.amazonaws.",
    "cn.com.amazonaws.",
    "gov.ic.c2s.",
    "gov.sgov.sc2s.",
    "gov.ic.hci.csp.",
    "uk.adc-e.cloud.",
    "eu.amazonaws.",
    "aws.api.",
];

/// Services whose names start with `cn.com.amazonaws` in China; all others keep `com.amazonaws` there.
const CHINA_OWN_NAMES: [&str; 9] = [
    "appmesh-envoy-management",
    "ecr.api",
    "ecr.dkr",
    "elasticfilesystem",
    "kinesis-streams",
    "monitoring",
    "sqs",
    "sts",
    "xray",
];

/// The name to create an endpoint with.
pub fn service_name(partition: &str, region: &str, service: &str) -> String {
    let prefix = match partition {
        "aws-cn" if CHINA_OWN_NAMES.contains(&service) => "cn.com.amazonaws",
        "aws-iso" if service.starts_with("ecr.") => "gov.ic.c2s",
        "aws-iso-b" if service.starts_with("ecr.") => "gov.sgov.sc2s",
        "aws-iso-f" if service.starts_with("ecr.") => "gov.ic.hci.csp",
        "aws-iso-e" if service.starts_with("ecr.") => "uk.adc-e.cloud",
        "aws-eusc" if service.starts_with("ecr.") => "eu.amazonaws",
        _ => "com.amazonaws",
    };
    format!("{prefix}.{region}.{service}")
}

/// Splits an endpoint's service name into Region and service: `("eu-west-1", "ecr.api")`.
///
/// `None` for partners' services and those without a Region.
pub fn parse_service_name(name: &str) -> Option<(&str, &str)> {
    // `cn.com.amazonaws.` ends like `com.amazonaws.`, so the whole start has to match.
    let rest = SERVICE_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let (region, service) = rest.split_once('.')?;
    let looks_like_a_region = region.contains('-') && region.ends_with(|c: char| c.is_ascii_digit());
    (looks_like_a_region && !service.is_empty()).then_some((region, service))
}

/// The host that clients of a service resolve. For the ECR registry, a repository host of any account; for S3, the
/// bucket that ECR keeps layers in ("Amazon ECR interface VPC endpoints" in the ECR User Guide).
pub fn host(partition: &str, region: &str, service: &str) -> String {
    let suffix = dns_suffix(partition);
    match service {
        "ecr.api" => format!("api.ecr.{region}.{suffix}"),
        "ecr.dkr" => format!("000000000000.dkr.ecr.{region}.{suffix}"),
        "s3" => format!("prod-{region}-starport-layer-bucket.s3.{region}.{suffix}"),
        "ecs-agent" => format!("ecs-a.{region}.{suffix}"),
        "ecs-telemetry" => format!("ecs-t.{region}.{suffix}"),
        "kinesis-firehose" => format!("firehose.{region}.{suffix}"),
        "kinesis-streams" => format!("kinesis.{region}.{suffix}"),
        other => format!("{other}.{region}.{suffix}"),
    }
}

/// The private zone that an interface endpoint of the service brings for a host.
pub fn endpoint_zone<'h>(service: &str, host: &'h str) -> &'h str {
    match service {
        // `*.dkr.ecr.…` and `*.s3.…`
        "ecr.dkr" | "s3" => host.split_once('.').map_or(host, |(_, rest)| rest),
        _ => host,
    }
}

/// Whether a zone or rule for `domain` answers for `host`.
pub fn covers(domain: &str, host: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    domain.is_empty() || host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_names_are_parsed_whole() {
        assert_eq!(parse_service_name("com.amazonaws.eu-west-1.ecr.api"), Some(("eu-west-1", "ecr.api")));
        assert_eq!(parse_service_name("cn.com.amazonaws.cn-north-1.ecr.dkr"), Some(("cn-north-1", "ecr.dkr")));
        assert_eq!(parse_service_name("com.amazonaws.us-gov-west-1.logs"), Some(("us-gov-west-1", "logs")));
        assert_eq!(parse_service_name("com.amazonaws.eu-west-1.ec2messages"), Some(("eu-west-1", "ec2messages")));
        assert_eq!(parse_service_name("com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"), None);
        assert_eq!(parse_service_name("com.amazonaws.s3-global.accesspoint"), None);
        assert_eq!(parse_service_name("logs"), None);
        assert_eq!(parse_service_name(""), None);
    }

    #[test]
    fn a_service_name_reads_back() {
        for (partition, region) in [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-iso", "us-iso-east-1")] {
            for service in ["ecr.api", "ecr.dkr", "s3", "logs"] {
                let name = service_name(partition, region, service);
                assert_eq!(parse_service_name(&name), Some((region, service)), "{name}");
            }
        }
    }

    #[test]
    fn a_zone_covers_its_own_name_and_what_is_below_it() {
        assert!(covers("logs.eu-west-1.amazonaws.com.", "logs.eu-west-1.amazonaws.com"));
        assert!(covers("eu-west-1.amazonaws.com", "logs.eu-west-1.amazonaws.com"));
        assert!(covers(".", "logs.eu-west-1.amazonaws.com"));
        assert!(!covers("s.eu-west-1.amazonaws.com", "logs.eu-west-1.amazonaws.com"));
        assert!(!covers("internal", "logs.eu-west-1.amazonaws.com"));
    }
}
