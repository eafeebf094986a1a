//! Where an image comes from, read off its reference.

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
    },
    /// Any other host; an image without a host comes from `docker.io`.
    Other {
        /// The host, with its port if one is given.
        host: String,
    },
}

/// Reads the registry off an image reference.
///
/// A first component without a dot, a colon or the word `localhost` is a Docker Hub namespace, not a host.
pub fn registry(image: &str) -> Registry {
    let host = match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    };
    ecr(host).unwrap_or_else(|| Registry::Other { host: host.to_ascii_lowercase() })
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
    is_aws.then(|| Registry::Ecr { account: account.to_owned(), region: region.to_owned(), fips })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ecr_of(region: &str, fips: bool) -> Registry {
        Registry::Ecr { account: "111122223333".to_owned(), region: region.to_owned(), fips }
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
