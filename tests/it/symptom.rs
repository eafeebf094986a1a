//! What messages of ECS say, in the wordings that users and AWS's guides show.

use ecs_network_audit::symptom::Nature::{Absent, Network, Permission, RateLimit, Refused, Unsaid};
use ecs_network_audit::symptom::Trouble::{
    Addresses, Agent, ApplicationExit, Architecture, Attribute, Capacity, Command, Constraint, ContainerHealth,
    ContainerStart, Cpu, DeploymentLimits, DiskSpace, EnvironmentFile, FileSystem, Gpu, Host, Instances,
    LoadBalancerHealth, Logs, Memory, NetworkInterface, OutOfMemory, Parameter, Placement, Ports, Pull, Quota,
    RegistryAuth, Role, SecretsManager, SecretsOrAuth, SecurityGroup, Slots, Start, Subnet, TargetGroup, TargetType,
    Zone,
};
use ecs_network_audit::symptom::{self, Dialled, Nature, Trouble};
use proptest::prelude::*;

/// Service events.
const EVENTS: &[(&str, Trouble, Nature)] = &[
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        Placement,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster. For more information, see the Troubleshooting section.",
        Instances,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your capacity provider.",
        Instances,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0d2c4ab8-1111-4c3d-9f8a-aaaaaaaaaaaa) is already using a port required by your task.",
        Ports,
        Unsaid,
    ),
    (
        "service web was unable to place a task because no container instance met all of its requirements. The closest matching container-instance 0d2c4ab8 is already using a port required by your task.",
        Ports,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 8f12) encountered error \"RESOURCE:ENI\".",
        Slots,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 8f12) encountered error \"AGENT\".",
        Agent,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 8f12) has insufficient CPU units available.",
        Cpu,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 8f12) has insufficient memory available.",
        Memory,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 8f12) is missing an attribute required by your task.",
        Attribute,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching container-instance 8f12 encountered error \"LOCATION\".",
        Zone,
        Unsaid,
    ),
    (
        "(service web) (task 1f2e) (instance i-0abc) (port 32768) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1) due to (reason Request timed out)",
        LoadBalancerHealth,
        Network,
    ),
    (
        "(service web) (task 1f2e) (instance 10.0.1.23) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1) due to (reason Health checks failed with these codes: [404])",
        LoadBalancerHealth,
        Unsaid,
    ),
    (
        "(service web) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1) due to (reason Health checks failed)",
        LoadBalancerHealth,
        Unsaid,
    ),
    (
        "(service web) (instance i-0abc) (port 80) is unhealthy in (target-group web) due to (reason Target is in an Availability Zone that is not enabled for the load balancer)",
        LoadBalancerHealth,
        Unsaid,
    ),
    (
        "(service web) (instance i-0abc) is unhealthy in (elb web-elb) due to (reason Instance has failed at least the UnhealthyThreshold number of health checks consecutively.)",
        LoadBalancerHealth,
        Unsaid,
    ),
    (
        "(service web) task set (ecs-svc/1) (task 1f2e) is not healthy in target-group (arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1) due to TARGET GROUP IS NOT FOUND",
        TargetGroup,
        Absent,
    ),
    (
        "service web task set ecs-svc/1 task 1f2e is not healthy in target-group web due to TARGET IS NOT FOUND",
        TargetGroup,
        Absent,
    ),
    (
        "(service web) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
        Start,
        Unsaid,
    ),
    (
        "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
        DeploymentLimits,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
        Capacity,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.",
        Quota,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently.",
        Quota,
        Unsaid,
    ),
    (
        "(service web) was unable to place a task. Reason: The requested CPU configuration is above your limit.",
        Quota,
        Unsaid,
    ),
    ("(service web) was unable to place a task. Reason: Internal error.", Placement, Unsaid),
    (
        "(service web) was unable to place a task. Reason: Tasks provisioning capacity limit was exceeded.",
        Quota,
        Unsaid,
    ),
    ("(service web) (deployment ecs-svc/123) deployment failed: tasks failed to start.", Start, Unsaid),
    ("(service web) could not launch 2 tasks for deployment ecs-svc/123.", Start, Unsaid),
    (
        "(service web) failed to register targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1) with (error The target group has target type instance, which is incompatible with the awsvpc network mode)",
        TargetType,
        Unsaid,
    ),
    (
        "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/app' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions.",
        Role,
        Permission,
    ),
];

/// Stopped reasons and reasons of containers.
const REASONS: &[(&str, Trouble, Nature)] = &[
    (
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1)",
        LoadBalancerHealth,
        Unsaid,
    ),
    ("Task failed container health checks", ContainerHealth, Unsaid),
    ("TaskFailedToStart: RESOURCE:ENI", Slots, Unsaid),
    ("TaskFailedToStart: RESOURCE:CPU", Cpu, Unsaid),
    ("TaskFailedToStart: RESOURCE:MEMORY", Memory, Unsaid),
    ("TaskFailedToStart: RESOURCE:GPU", Gpu, Unsaid),
    ("TaskFailedToStart: RESOURCE:PORTS", Ports, Unsaid),
    ("TaskFailedToStart: AGENT", Agent, Unsaid),
    ("TaskFailedToStart: ATTRIBUTE", Attribute, Unsaid),
    ("TaskFailedToStart: LOCATION", Zone, Unsaid),
    ("TaskFailedToStart: MemberOf placement constraint unsatisfied.", Constraint, Unsaid),
    ("TaskFailedToStart: NO ACTIVE INSTANCES", Instances, Unsaid),
    ("TaskFailedToStart: EMPTY CAPACITY PROVIDER", Instances, Unsaid),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: Post \"https://api.ecr.eu-west-1.amazonaws.com/\": dial tcp 52.94.1.1:443: i/o timeout",
        RegistryAuth,
        Network,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret arn:aws:secretsmanager:eu-west-1:111122223333:secret:db from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded",
        SecretsManager,
        Network,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded",
        Parameter,
        Network,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/exec/1 is not authorized to perform: ssm:GetParameters",
        Parameter,
        Permission,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed",
        SecretsOrAuth,
        Network,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to get ecr registry auth: signal: killed",
        RegistryAuth,
        Network,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry auth: AccessDeniedException: not authorized to perform: ecr:GetAuthorizationToken",
        RegistryAuth,
        Permission,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry authentication from Amazon ECR. There is a connection issue between the task and Amazon ECR. Check your task network configuration.",
        RegistryAuth,
        Network,
    ),
    (
        "ResourceInitializationError: The task can't download the environment variable files from Amazon S3. There is a connection issue between the task and Amazon S3. Check your network configuration.",
        EnvironmentFile,
        Network,
    ),
    (
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream: service call has been retried: environment file not found",
        EnvironmentFile,
        Absent,
    ),
    (
        "ResourceInitializationError: failed to download env files: file download command: non-empty error stream: RequestCanceled: request context canceled caused by: context deadline exceeded",
        EnvironmentFile,
        Network,
    ),
    (
        "ResourceInitializationError: failed to download env files: service call has been retried 1 time(s): operation error S3: HeadObject, https response error StatusCode: 403, api error Forbidden: Forbidden",
        EnvironmentFile,
        Permission,
    ),
    (
        "ResourceInitializationError: failed to download env files: file download command: non empty error stream: Forbidden: Forbidden\n\tstatus code: 403, request id: 0A1B",
        EnvironmentFile,
        Permission,
    ),
    (
        "ResourceInitializationError: The task cannot pull secrets from AWS Systems Manager Parameter Store. Check your network connection between the task and AWS Systems Manager.",
        Parameter,
        Network,
    ),
    (
        "ResourceInitializationError: The task can't pull secrets from AWS Secrets Manager. There is a connection issue between the task and Secrets Manager.",
        SecretsManager,
        Network,
    ),
    (
        "ResourceInitializationError: pull command failed: unable to pull secrets or registry auth Check your task network configuration.",
        SecretsOrAuth,
        Network,
    ),
    (
        "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon CloudWatch log group defined in the task definition. There is a connection issue between the task and Amazon CloudWatch. Check your network configuration.: signal: killed",
        Logs,
        Network,
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
        Logs,
        Absent,
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: AccessDeniedException: not authorized to perform: logs:CreateLogStream",
        Logs,
        Permission,
    ),
    ("ResourceInitializationError: failed to validate logger args: awslogs-region is required", Logs, Unsaid),
    (
        "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: RequestError: send request failed caused by: Post \"https://logs.eu-west-1.amazonaws.com/\": dial tcp 10.0.3.9:443: i/o timeout",
        Logs,
        Network,
    ),
    (
        "ResourceInitializationError: ASM secret resource: unable to find execution role credentials",
        SecretsManager,
        Permission,
    ),
    (
        "ResourceInitializationError: environment file resource: unable to find execution role credentials",
        EnvironmentFile,
        Permission,
    ),
    (
        "CannotPullContainerError: Error response from daemon: Head \"https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1\": no basic auth credentials",
        Pull,
        Permission,
    ),
    (
        "CannotPullContainerError: API error (500): Get https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/: net/http: request canceled while waiting for connection",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1: failed to do request: Head \"https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/app/manifests/1\": dial tcp 34.240.1.2:443: i/o timeout",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/app:9: docker.io/library/app:9: not found",
        Pull,
        Absent,
    ),
    (
        "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: failed to do request: Get https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/x: dial tcp 52.218.1.1:443: i/o timeout",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil pointer dereference",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: Error response from daemon: Get \"https://registry-1.docker.io/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: inspect image has been retried 1 time(s): httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/nginx/manifests/1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
        Pull,
        RateLimit,
    ),
    (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: unexpected status code https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/x: 403 Forbidden",
        Pull,
        Permission,
    ),
    (
        "CannotPullContainerError: Error response from daemon: pull access denied for app, repository does not exist or may require 'docker login'",
        Pull,
        Permission,
    ),
    (
        "CannotPullContainerError: Error response from daemon: manifest for app:9 not found: manifest unknown",
        Pull,
        Absent,
    ),
    (
        "CannotPullContainerError: The task cannot pull 'app:1' from the Amazon ECR repository '111122223333.dkr.ecr.eu-west-1.amazonaws.com/app'. There is a connection issue between the task and Amazon ECR. Check your task network configuration.",
        Pull,
        Network,
    ),
    ("CannotPullContainerError: The task can't pull the image. Check your network configuration", Pull, Network),
    (
        "CannotPullECRContainerError: AccessDeniedException: not authorized to perform: ecr:GetAuthorizationToken",
        Pull,
        Permission,
    ),
    (
        "CannotPullContainerError: failed to resolve ref public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1: dial tcp: lookup public.ecr.aws on 10.0.0.2:53: read udp 10.0.1.5:41000->10.0.0.2:53: i/o timeout",
        Pull,
        Network,
    ),
    (
        "CannotPullContainerError: failed to resolve ref registry.internal/app:1: dial tcp 10.0.9.9:443: connect: connection refused",
        Pull,
        Refused,
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a': InsufficientFreeAddressesInSubnet",
        Addresses,
        Unsaid,
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 'subnet-0a': InsufficientFreeAddressesInSubnet",
        Addresses,
        Unsaid,
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a': AuthFailure",
        NetworkInterface,
        Permission,
    ),
    (
        "Rate limit exceeded while attempting to Create Network Interface in subnet 'subnet-0a'.",
        NetworkInterface,
        RateLimit,
    ),
    ("Unable to attach network interface to unused device index", Slots, Unsaid),
    ("Timeout waiting for network interface provisioning to complete.", NetworkInterface, Unsaid),
    ("ContainerNetworkingError: failed to setup the container network namespace", NetworkInterface, Unsaid),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: Connection reset by peer : unsuccessful EFS utils command execution; code: 32",
        FileSystem,
        Network,
    ),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to resolve \"fs-0a.efs.eu-west-1.amazonaws.com\" - check that your file system ID is correct",
        FileSystem,
        Unsaid,
    ),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'",
        FileSystem,
        Permission,
    ),
    (
        "ResourceInitializationError: resource cannot be initialized for task arn:aws:ecs:eu-west-1:111122223333:task/web/1",
        Start,
        Unsaid,
    ),
    (
        "CannotStartContainerError: Error response from daemon: driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is already allocated",
        Ports,
        Unsaid,
    ),
    (
        "CannotStartContainerError: failed to start userland proxy: listen tcp 0.0.0.0:443: bind: address already in use",
        Ports,
        Unsaid,
    ),
    (
        "CannotStartContainerError: failed to create shim: exec: \"run.sh\": stat run.sh: no such file or directory",
        Command,
        Absent,
    ),
    (
        "CannotStartContainerError: Error response from daemon: failed to create task for container: exec: \"serve\": executable file not found in $PATH: unknown",
        Command,
        Absent,
    ),
    ("CannotStartContainerError: Error response from daemon: exec /app/serve: exec format error", Architecture, Unsaid),
    (
        "CannotStartContainerError: error while creating mount source path '/data': mkdir /data: no such file or directory",
        ContainerStart,
        Absent,
    ),
    (
        "CannotPullContainerError: error getting credentials - err: exec: \"docker-credential-ecr-login\": executable file not found in $PATH",
        Pull,
        Absent,
    ),
    (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to extract layer sha256:0a: write /var/lib/containerd/x: no space left on device: unknown",
        DiskSpace,
        Unsaid,
    ),
    (
        "CannotCreateContainerError: Error response from daemon: devmapper: mkdir /var/lib/docker/x: no space left on device",
        DiskSpace,
        Unsaid,
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet 'subnet-0a': InvalidSecurityGroupID.NotFound",
        SecurityGroup,
        Absent,
    ),
    (
        "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-0a': InvalidSubnetID.NotFound",
        Subnet,
        Absent,
    ),
    ("DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", ContainerStart, Unsaid),
    ("OutOfMemoryError: Container killed due to memory usage", OutOfMemory, Unsaid),
    ("Essential container in task exited", ApplicationExit, Unsaid),
    ("Host EC2 (instance i-0abc) terminated.", Host, Unsaid),
];

/// Messages that tell of no failure.
const WELL: &[&str] = &[
    "",
    "(service web) has reached a steady state.",
    "(service web) has started 2 tasks: (task 1f2e) (task 3a4b).",
    "(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1)",
    "(service web) deregistered 1 targets in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1)",
    "(service web) has begun draining connections on 1 tasks.",
    "(service web) has stopped 1 running tasks: (task 1f2e).",
    "(service web) (deployment ecs-svc/123) deployment completed.",
    "Scaling activity initiated by (deployment ecs-svc/123)",
    "Task stopped by user",
    "Your Spot Task was interrupted.",
];

#[test]
fn wordings_old_and_new() {
    assert!(EVENTS.len() + REASONS.len() >= 60);
    for (message, trouble, nature) in EVENTS.iter().chain(REASONS) {
        let read = symptom::read(message).map(|symptom| (symptom.trouble, symptom.nature));
        assert_eq!(read, Some((*trouble, *nature)), "{message}");
    }
}

#[test]
fn parentheses_do_not_matter() {
    for (message, trouble, nature) in EVENTS {
        let bare = message.replace(['(', ')'], "");
        let read = symptom::read(&bare).map(|symptom| (symptom.trouble, symptom.nature));
        assert_eq!(read, Some((*trouble, *nature)), "{bare}");
    }
}

#[test]
fn what_is_well_is_no_symptom() {
    for message in WELL {
        assert_eq!(symptom::read(message), None, "{message}");
    }
    assert!(symptom::heals(WELL[1]));
}

#[test]
fn the_dialled_address_tells_an_endpoint_from_a_missing_way_out() {
    let dialled = |place: &str| {
        symptom::read(&format!("CannotPullContainerError: dial tcp {place}: i/o timeout")).unwrap().dialled
    };
    let private = |text: &str| Some(Dialled::Private(text.parse().unwrap()));
    assert_eq!(dialled("10.0.3.9:443"), private("10.0.3.9"));
    assert_eq!(dialled("100.64.1.1:443"), private("100.64.1.1"));
    assert_eq!(dialled("[fd00::1]:443"), private("fd00::1"));
    assert_eq!(dialled("34.240.1.2:443"), Some(Dialled::Public("34.240.1.2".parse().unwrap())));
    assert_eq!(dialled(": lookup api.ecr.eu-west-1.amazonaws.com on 10.0.0.2:53"), Some(Dialled::Name));
    // A VPC has global IPv6 addresses too, and these two are not of the network.
    for place in ["[2600:1f13::1]:443", "169.254.170.2:80", "127.0.0.1:443", "nowhere", ""] {
        assert_eq!(dialled(place), None, "{place}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in ".*", words in prop::sample::subsequence(vec!["dial tcp", "dial udp ", ":", "[", "]", "lookup ", "10.0.0.1:", "cannotpull", "É"], 0..9)) {
        let _ = symptom::read(&text);
        let _ = symptom::read(&format!("{}{text}{}", words.concat(), words.join(" ")));
    }
}
