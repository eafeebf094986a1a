# A static binary and CA certificates, without a shell, for linux/amd64 and linux/arm64.
#
#   docker build --tag ecs-network-audit .
#   docker run --rm ecs-network-audit --demo
#   docker run --rm --user "$(id -u):$(id -g)" -v ~/.aws:/home/audit/.aws:ro -e AWS_PROFILE ecs-network-audit
#
# The last line audits the Region of the profile that AWS_PROFILE names. HOME is /home/audit: the configuration, the
# credentials and the tokens of IAM Identity Center (sso/cache) are read from /home/audit/.aws. Only their owner may read
# those files, so the container runs as the user who calls it. That user may not enter the home of the base image's own
# user, /home/nonroot, so HOME is another place. A token that is due is renewed and written back, which fails on a
# read-only mount: log in before, or leave `:ro` out. A `credential_process` finds no program to run here: pass
# AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN instead. The working directory is /work: mount one there
# to write reports or to bring an audit.toml.
#
#   docker run --rm --user "$(id -u):$(id -g)" -v ~/.aws:/home/audit/.aws:ro -v "$PWD":/work -e AWS_PROFILE \
#     ecs-network-audit --output report.html
#
# Compiling aws-sdk-ec2 takes 8 GB of memory. `--target prebuilt` compiles nothing: it takes dist/amd64/audit and
# dist/arm64/audit, as .github/workflows/release.yml does.

FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
ARG TARGETARCH
RUN case "$TARGETARCH" in \
        amd64) echo x86_64-unknown-linux-musl > /target ;; \
        arm64) echo aarch64-unknown-linux-musl > /target ;; \
        *) echo "there is no build for $TARGETARCH" >&2; exit 1 ;; \
    esac \
    && rustup target add "$(cat /target)"
WORKDIR /src
# Cargo.toml names the benchmarks and the mocks, so Cargo wants to see them. The demo account is part of the binary.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY mocks mocks
COPY src src
ENV CC_x86_64_unknown_linux_musl=musl-gcc CC_aarch64_unknown_linux_musl=musl-gcc
RUN target=$(cat /target) \
    && cargo build --locked --release --package ecs-network-audit --target "$target" \
    && mv "target/$target/release/audit" /audit \
    && rm -rf target

FROM gcr.io/distroless/static-debian12:nonroot AS runtime
LABEL org.opencontainers.image.title="audit" \
      org.opencontainers.image.description="Proves from a live AWS account which Amazon ECS workloads cannot start, cannot be reached or cannot be deployed, and why" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/static-debian12:nonroot"
COPY LICENSE /usr/share/doc/ecs-network-audit/LICENSE
ENV HOME=/home/audit
WORKDIR /work
# The user nonroot, by its number: Kubernetes cannot tell from a name that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/audit"]

FROM runtime AS prebuilt
ARG TARGETARCH
COPY --chmod=0755 dist/${TARGETARCH}/audit /usr/local/bin/audit

FROM runtime
COPY --from=build /audit /usr/local/bin/audit
