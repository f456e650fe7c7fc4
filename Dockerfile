# The plugin's image: one static binary and nothing else.

# The builder's base. Give another one to build where this one cannot be pulled; it needs cargo, a C compiler
# (libgit2 and ring are partly C) and the Rust standard library for the machine it runs on.
ARG BUILDER=docker.io/library/rust:1-bookworm

FROM ${BUILDER} AS builder
# BuildKit and buildah set it. Builders that do not are asked for their own machine below.
ARG TARGETARCH
WORKDIR /src
# .dockerignore lets only the crate itself in.
COPY . .
# crt-static links the C library into the binary, because the image has none. The target is named although it is the
# machine's own: cargo then keeps RUSTFLAGS away from build scripts and procedural macros, which cannot be static.
# LIBZ_SYS_STATIC takes zlib's source from its crate, so that the base's zlib does not end up in the binary.
# aarch64 is untested: the project has no such machine. It is built on aarch64 (or emulated), not cross-compiled.
RUN set -eu; \
    case "${TARGETARCH:-$(uname -m)}" in \
      amd64|x86_64) target=x86_64-unknown-linux-gnu ;; \
      arm64|aarch64) target=aarch64-unknown-linux-gnu ;; \
      *) echo "drone-hotfix is built for amd64 and arm64, not for ${TARGETARCH:-$(uname -m)}" >&2; exit 1 ;; \
    esac; \
    LIBZ_SYS_STATIC=1 RUSTFLAGS='-C target-feature=+crt-static' \
      cargo build --release --locked --bin drone-hotfix --target "$target"; \
    install -D -m 0755 "target/$target/release/drone-hotfix" /image/bin/drone-hotfix

# No certificates, shell or users: the binary carries the public CAs, starts no program and looks nobody up.
FROM scratch
# Version and commit belong to one build: give them with --label (org.opencontainers.image.version, .revision).
LABEL org.opencontainers.image.title="drone-hotfix" \
      org.opencontainers.image.description="A Drone and Woodpecker plugin that judges hotfix branches, publishes their image tag and keeps them out of QA" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# No USER, as in plugins/docker: the workspace that Drone mounts belongs to root, and a fixed user could not write the
# tags file there. Where a runner sets another user or a read-only root, the binary works as well: it writes only to
# the workspace.
COPY --from=builder /image/bin/drone-hotfix /bin/drone-hotfix
# The exec form, because there is no shell to run another.
ENTRYPOINT ["/bin/drone-hotfix"]
