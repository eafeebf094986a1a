//! Where an image comes from, read off its reference.

/// An image reference, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it comes from.
    pub registry: Registry,
    /// The path behind the host.
    pub repository: String,
    /// `sha256:…` or a tag; `latest` where none is given.
    pub reference: String,
}

impl Image {
    /// Whether it is in the private registry of this account and Region.
    pub fn is_in(&self, own_account: &str, own_region: &str) -> bool {
        matches!(&self.registry, Registry::Ecr { account, region, .. } if account == own_account && region == own_region)
    }

    /// Whether a pull-through cache rule with this prefix serves its repository; `ROOT` serves all.
    pub fn comes_through(&self, prefix: &str) -> bool {
        let below = |rest: &str| rest.starts_with('/');
        prefix == "ROOT" || self.repository.strip_prefix(prefix).is_some_and(below)
    }
}

/// The registry of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registry {
    /// A private Amazon ECR registry.
    Ecr {
        /// Account of the registry.
        account: String,
        /// Region of the registry.
        region: String,
        /// A FIPS host name.
        fips: bool,
        /// The host.
        host: String,
    },
    /// Any other host; an image without a host comes from `docker.io`.
    Other {
        /// The host, with its port if one is given.
        host: String,
    },
}

/// Registries that are on the public internet and nowhere else.
const PUBLIC_REGISTRIES: [&str; 17] = [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
    "public.ecr.aws",
    "quay.io",
    "ghcr.io",
    "gcr.io",
    "mcr.microsoft.com",
    "registry.k8s.io",
    "registry.gitlab.com",
    "registry.access.redhat.com",
    "registry.redhat.io",
    "docker.elastic.co",
    "nvcr.io",
    "lscr.io",
    "cgr.dev",
];

/// Whether a host is a registry on the public internet.
pub fn is_public_registry(host: &str) -> bool {
    PUBLIC_REGISTRIES.contains(&host) || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev")
}

/// Takes an image reference apart.
///
/// A first component without a dot, a colon or the word `localhost` is a Docker Hub namespace, not a host.
pub fn parse(image: &str) -> Image {
    let (host, path) = match image.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", image),
    };
    let (path, digest) = match path.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => (path, None),
    };
    // A colon after the last slash starts a tag.
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (path, None),
    };
    Image {
        registry: ecr(host).unwrap_or_else(|| Registry::Other { host: host.to_ascii_lowercase() }),
        repository: repository.to_owned(),
        reference: digest.or(tag).unwrap_or("latest").to_owned(),
    }
}

/// `111122223333.dkr.ecr.eu-west-1.amazonaws.com` and its FIPS and dual-stack (`dkr-ecr`, `on.aws`) forms.
fn ecr(host: &str) -> Option<Registry> {
    let (account, rest) = host.split_once('.')?;
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let forms = [("dkr.ecr.", false), ("dkr.ecr-fips.", true), ("dkr-ecr.", false), ("dkr-ecr-fips.", true)];
    let (rest, fips) = forms.iter().find_map(|(form, fips)| rest.strip_prefix(form).map(|rest| (rest, *fips)))?;
    let (region, domain) = rest.split_once('.')?;
    let known = [
        "amazonaws.",
        "on.aws",
        "on.amazonwebservices.com.cn",
        "c2s.ic.gov",
        "sc2s.sgov.gov",
        "cloud.adc-e.uk",
        "csp.hci.ic.gov",
    ];
    let is_aws = known.iter().any(|suffix| domain.starts_with(suffix));
    let (account, region, host) = (account.to_owned(), region.to_owned(), host.to_owned());
    is_aws.then_some(Registry::Ecr { account, region, fips, host })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(image: &str) -> Registry {
        match parse(image).registry {
            Registry::Ecr { account, region, fips, .. } => Registry::Ecr { account, region, fips, host: String::new() },
            other => other,
        }
    }

    fn ecr_of(region: &str, fips: bool) -> Registry {
        Registry::Ecr { account: "111122223333".to_owned(), region: region.to_owned(), fips, host: String::new() }
    }

    #[test]
    fn a_reference_has_a_repository_and_a_tag_or_digest() {
        let parts = |image: &str| {
            let image = parse(image);
            (image.repository, image.reference)
        };
        let pair = |repository: &str, reference: &str| (repository.to_owned(), reference.to_owned());
        assert_eq!(parts("111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/web:1"), pair("team/web", "1"));
        assert_eq!(parts("registry.example.com:5000/web"), pair("web", "latest"));
        assert_eq!(parts("quay.io/a/b:2@sha256:0"), pair("a/b", "sha256:0"));
        assert_eq!(parts("nginx"), pair("nginx", "latest"));
    }

    #[test]
    fn public_registries_are_known_by_their_host() {
        assert!(is_public_registry("docker.io") && is_public_registry("eu.gcr.io"));
        assert!(is_public_registry("europe-west1-docker.pkg.dev") && !is_public_registry("registry.example.com"));
    }

    fn host(host: &str) -> Registry {
        Registry::Other { host: host.to_owned() }
    }

    #[test]
    fn private_ecr_in_all_its_forms() {
        assert_eq!(registry("111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1"), ecr_of("eu-west-1", false));
        assert_eq!(
            registry("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b@sha256:0"),
            ecr_of("cn-north-1", false)
        );
        assert_eq!(registry("111122223333.dkr.ecr-fips.us-east-1.amazonaws.com/web"), ecr_of("us-east-1", true));
        assert_eq!(registry("111122223333.dkr-ecr.eu-west-1.on.aws/web"), ecr_of("eu-west-1", false));
    }

    #[test]
    fn everything_else_is_another_host() {
        assert_eq!(registry("nginx"), host("docker.io"));
        assert_eq!(registry("nginx:1.27"), host("docker.io"));
        assert_eq!(registry("library/nginx"), host("docker.io"));
        assert_eq!(registry("public.ecr.aws/nginx/nginx:1"), host("public.ecr.aws"));
        assert_eq!(registry("registry.example.com:5000/web"), host("registry.example.com:5000"));
        assert_eq!(registry("localhost/web"), host("localhost"));
        assert_eq!(
            registry("111122223333.dkr.ecr.eu-west-1.example.com/web"),
            host("111122223333.dkr.ecr.eu-west-1.example.com")
        );
        assert_eq!(registry("1111.dkr.ecr.eu-west-1.amazonaws.com/web"), host("1111.dkr.ecr.eu-west-1.amazonaws.com"));
        assert_eq!(registry(""), host("docker.io"));
    }
}
