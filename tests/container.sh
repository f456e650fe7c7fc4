#!/usr/bin/env bash
# Builds the image with the project's own Dockerfile and runs it against a real registry:
#   bash tests/container.sh
# No base image is pulled. The builder is an almost empty image into which this machine's compiler and cargo's
# downloaded crates are mounted read-only; so the Dockerfile's own lines run, without a network.
# Everything lies in a temporary folder, but for cargo's output, which target/container keeps: a second run is fast.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Debian keeps runc in a folder that is on root's path only.
PATH="$PATH:/usr/sbin"

name="drone-hotfix"
limit=$((8 * 1024 * 1024))

skip() {
  echo "SKIPPED tests/container.sh: $*"
  exit 0
}
fail() {
  echo "FAILED tests/container.sh: $*" >&2
  exit 1
}
ok() { echo "ok: $*"; }

for program in buildah podman runc skopeo docker-registry; do
  command -v "$program" >/dev/null || skip "$program is not installed"
done

# --- A world of our own, taken away at the end ------------------------------------------------------------------

work=$(mktemp -d)
registry=
clean() {
  if [ -n "$registry" ]; then
    kill "$registry" 2>/dev/null || true
    wait "$registry" 2>/dev/null || true
  fi
  # A container that still runs would keep its files busy.
  in_podman rm --all --force --time 0 >/dev/null 2>&1 || true
  # Without root, podman leaves a process behind that holds the user namespace; this ends it.
  [ "$(id -u)" -eq 0 ] || in_podman system migrate >/dev/null 2>&1 || true
  # The root folder of an image is read-only, also for a user other than root, whose storage this may be.
  find "$work" -xdev -type d ! -perm -u+w -exec chmod u+w {} + || true
  rm -rf --one-file-system "$work" || true
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$work/tmp" "$work/builder" "$work/workspace"
mkdir -m 700 "$work/xdg"
export TMPDIR="$work/tmp"
# No configuration and no credentials of whoever runs this are read, and nothing is left in their home.
export XDG_RUNTIME_DIR="$work/xdg" XDG_CONFIG_HOME="$work/xdg" XDG_DATA_HOME="$work/xdg"
export REGISTRY_AUTH_FILE="$work/auth.json"
echo '{}' >"$REGISTRY_AUTH_FILE"

# vfs needs no kernel module and no mount; it is slow only for large images, and ours is not.
storage=(--storage-driver vfs --root "$work/storage" --runroot "$work/run")
in_buildah() { buildah "${storage[@]}" "$@"; }
in_podman() {
  podman "${storage[@]}" --tmpdir "$work/libpod" --runtime runc --cgroup-manager cgroupfs --events-backend none "$@"
}

# --- The builder: this machine's compiler, mounted --------------------------------------------------------------

echo "Fetching the crates"
cargo fetch --quiet --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
sysroot=$(rustc --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
cache=${CARGO_TARGET_DIR:-$PWD/target}/container
mkdir -p "$cache"

(
  cd "$work/builder"
  mkdir -p usr etc/alternatives toolchain cargo/registry src/target tmp
  chmod 1777 tmp
  touch cargo/config.toml
)
mounts=(
  --volume /usr:/usr:ro
  --volume "$sysroot:/toolchain:ro"
  --volume "$cargo_home/registry:/cargo/registry:ro"
)
build_mounts=(--volume "$cache:/src/target:rw")
# Debian's cc is a link into this folder.
if [ -d /etc/alternatives ]; then
  mounts+=(--volume /etc/alternatives:/etc/alternatives:ro)
fi
# It may say that the crates come from a mirror, and then they are stored under the mirror's name.
if [ -f "$cargo_home/config.toml" ]; then
  mounts+=(--volume "$cargo_home/config.toml:/cargo/config.toml:ro")
fi
# On most systems these are links into /usr.
for folder in bin lib lib64; do
  if [ -L "/$folder" ]; then
    ln -s "$(readlink "/$folder")" "$work/builder/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$work/builder/$folder"
    mounts+=(--volume "/$folder:/$folder:ro")
  fi
done
cat >"$work/builder.Dockerfile" <<'END'
FROM scratch
COPY . /
ENV PATH=/toolchain/bin:/usr/bin:/bin CARGO_HOME=/cargo CARGO_NET_OFFLINE=true
END

# --- May this machine run containers at all? --------------------------------------------------------------------

# may COMMAND…: the only place where a failure is not the project's: a sandbox or a user without the rights.
may() {
  "$@" >"$work/log" 2>&1 && return
  local refusal
  refusal=$(grep -iE 'operation not permitted|permission denied|no subuid ranges|newuidmap|user namespace' "$work/log" |
    tail -n 1 || true)
  [ -z "$refusal" ] || skip "this environment refuses containers; \`${1#in_} $2\` said: $refusal"
  cat "$work/log" >&2
  fail "$*"
}

build=(bud --isolation chroot --pull=never)
may in_buildah "${build[@]}" --file "$work/builder.Dockerfile" --tag localhost/builder "$work/builder"
printf 'FROM localhost/builder\nRUN cargo --version\n' >"$work/probe.Dockerfile"
may in_buildah "${build[@]}" "${mounts[@]}" --file "$work/probe.Dockerfile" --tag localhost/probe "$work/builder"

# Small limits: podman's own default is higher than what a sandbox lets it set.
run=(run --rm --pull=never --network host --http-proxy=false --timeout 120
  --ulimit nofile=1000:1000 --ulimit nproc=1000:1000)
may in_podman "${run[@]}" "${mounts[@]}" localhost/builder /usr/bin/true

# --- The image ---------------------------------------------------------------------------------------------------

# cargo tells by their times whether files have changed, and inside every checkout is /src: another checkout or an
# older file put back would pass for what was built before. So we tell by their content.
sources=$(find Cargo.toml Cargo.lock Dockerfile src -type f -exec sha256sum {} + | sort | sha256sum)
if [ "$(cat "$cache/sources" 2>/dev/null || true)" != "$sources" ]; then
  rm -rf "$cache/sources" "$cache"/*/release/.fingerprint/"$name"-*
fi

SECONDS=0
in_buildah "${build[@]}" "${mounts[@]}" "${build_mounts[@]}" \
  --build-arg BUILDER=localhost/builder --tag "localhost/$name" . >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  fail "the Dockerfile does not build"
}
echo "$sources" >"$cache/sources"
ok "the Dockerfile builds, in $SECONDS s"

inspect() { in_podman image inspect --format "$1" "localhost/$name"; }
in_buildah push --quiet "localhost/$name" "oci:$work/image" >/dev/null
layers=$(skopeo inspect --format '{{range .Layers}}{{println .}}{{end}}' "oci:$work/image" | grep .)
[ "$(wc -l <<<"$layers")" -eq 1 ] || fail "the image has more than one layer: $layers"
layer=$work/image/blobs/sha256/${layers#sha256:}
files=$(tar -tf "$layer" | grep -v '/$')
[ "$files" = "bin/$name" ] || fail "the image holds more than the binary: $files"
ok "one layer, and in it only $files"

tar -xf "$layer" -C "$work" "bin/$name"
binary=$work/bin/$name
bytes=$(stat -c %s "$binary")
image=$(inspect '{{.Size}}')
[ "$image" -lt "$limit" ] || fail "the image is too large: $image bytes, limit $limit"
ok "binary $bytes bytes, image $image bytes, $(stat -c %s "$layer") bytes to pull; the limit is $limit"

elf=$(readelf --program-headers --dynamic --wide "$binary")
! grep -qE 'INTERP|NEEDED' <<<"$elf" || fail "the binary is not static: $(grep -E 'INTERP|NEEDED' <<<"$elf")"
ok "static: no loader, no shared library"

title=$(inspect '{{index .Labels "org.opencontainers.image.title"}}')
settings=$(inspect '{{json .Config.Entrypoint}} user={{.Config.User}}')
[ "$title" = "$name" ] || fail "the label title is: $title"
[ "$settings" = "[\"/bin/$name\"] user=" ] || fail "entry point and user are: $settings"
ok "entry point, labels and no user"

# --- A registry with two builds' images -------------------------------------------------------------------------

cat >"$work/registry.yml" <<END
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:0"}
END
# It takes REGISTRY_* variables as settings, and the file of credentials above is not one of its own.
env -i "$(command -v docker-registry)" serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
registry=$!
# It takes a free port itself and says which.
port=
for _ in $(seq 100); do
  port=$(sed -nE 's/.*listening on 127\.0\.0\.1:([0-9]+).*/\1/p' "$work/registry.log" | head -n 1)
  [ -z "$port" ] || break
  kill -0 "$registry" 2>/dev/null || break
  sleep 0.1
done
[ -n "$port" ] || { cat "$work/registry.log" >&2; fail "docker-registry did not start"; }
repo=127.0.0.1:$port/example/app
commit=0123456789abcdef0123456789abcdef01234567

# blob FILE TYPE: puts the file into the layout and prints its descriptor.
blob() {
  local digest
  digest=$(sha256sum "$1" | cut -d ' ' -f 1)
  cp "$1" "$work/layout/blobs/sha256/$digest"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$2" "$digest" "$(stat -c %s "$1")"
}

# push_build NUMBER: what the pipeline's build step would have pushed: a one-file image under the tag build_NUMBER.
push_build() {
  local oci=application/vnd.oci.image layer config manifest
  rm -rf "$work/layout"
  mkdir -p "$work/layout/blobs/sha256"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$work/layout/oci-layout"
  echo "build $1" >"$work/app"
  tar -C "$work" --owner 0 --group 0 --numeric-owner --mtime @0 -cf "$work/layer.tar" app
  layer=$(blob "$work/layer.tar" $oci.layer.v1.tar)
  cat >"$work/config.json" <<END
{"architecture":"amd64","os":"linux","config":{"Labels":{"org.opencontainers.image.revision":"$commit"}},
"rootfs":{"type":"layers","diff_ids":["sha256:$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)"]}}
END
  config=$(blob "$work/config.json" $oci.config.v1+json)
  printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' \
    $oci.manifest.v1+json "$config" "$layer" >"$work/manifest.json"
  manifest=$(blob "$work/manifest.json" $oci.manifest.v1+json)
  printf '{"schemaVersion":2,"manifests":[%s]}' "$manifest" >"$work/layout/index.json"
  skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$work/layout" "docker://$repo:build_$1"
}
push_build 418
push_build 419

# digest TAG: what the registry holds under the tag, or a sentence saying that it holds nothing.
digest() {
  skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$repo:$1" 2>/dev/null || echo "no tag $1"
}

# --- The plugin in its container ---------------------------------------------------------------------------------

# plugin OPTION…: runs the image as a step would be; leaves what it said in $said and its exit code in $code.
plugin() {
  local step=("${run[@]}" --volume "$work/workspace:/drone/src" --workdir /drone/src)
  code=0
  said=$(in_podman "${step[@]}" "$@" "localhost/$name" 2>&1) || code=$?
}

# expect CODE TEXT WHAT: judges the last run.
expect() {
  [ "$code" -eq "$1" ] || fail "$3: exit code $code instead of $1. It said:"$'\n'"$said"
  grep -qiF -- "$2" <<<"$said" || fail "$3: it does not speak of \`$2\`. It said:"$'\n'"$said"
}

# build_of NUMBER BRANCH: Drone's variables for a push to the branch, and the policy.
build_of() {
  local policy="{\"repo\":\"$repo\",\"source\":\"build_{build}\",\"tls\":{\"insecure\":[\"127.0.0.1:$port\"]}}"
  drone=(--env CI=true --env DRONE=true --env DRONE_REPO=example/app --env DRONE_REPO_BRANCH=main
    --env DRONE_BUILD_EVENT=push --env "DRONE_BUILD_NUMBER=$1" --env DRONE_BUILD_PARENT=0
    --env DRONE_BUILD_TRIGGER=@hook --env "DRONE_BUILD_LINK=https://drone.example/example/app/$1"
    --env "DRONE_COMMIT_SHA=$commit" --env "DRONE_COMMIT_REF=refs/heads/$2" --env "DRONE_COMMIT_BRANCH=$2"
    --env "DRONE_BRANCH=$2" --env "DRONE_SOURCE_BRANCH=$2" --env "DRONE_TARGET_BRANCH=$2"
    --env "DRONE_COMMIT_MESSAGE=${2#hotfix/}: mend the search"
    --env "PLUGIN_POLICY=$policy")
}

# published NUMBER TAG WHAT: the tag names the very manifest of that build.
published() {
  expect 0 "$2" "$3"
  [ "$(digest "$2")" = "$(digest "build_$1")" ] || fail "$3: $2 is $(digest "$2"), build_$1 is $(digest "build_$1")"
  ok "$3: exit code 0, $2 is build_$1, $(digest "$2")"
}

plugin
expect 3 policy "without settings"
ok "without settings: exit code 3, and it speaks of the policy"

build_of 418 hotfix/HOCS-1234
plugin "${drone[@]}"
published 418 branch-hotfix_HOCS-1234 "push"

build_of 419 hotfix/HOCS-1235
plugin --user 65534:65534 --read-only "${drone[@]}"
published 419 branch-hotfix_HOCS-1235 "push as another user on a read-only root"

# A promotion takes over the variables of the build that is promoted.
build_of 420 hotfix/HOCS-1234
plugin "${drone[@]}" --env DRONE_BUILD_EVENT=promote --env DRONE_BUILD_PARENT=418 --env DRONE_BUILD_TRIGGER=example \
  --env DRONE_DEPLOY_TO=cs-qa --env DRONE_DEPLOY_ID=0 --env VERSION=branch-hotfix_HOCS-1234
expect 1 cs-qa "promotion to cs-qa"
ok "promotion of a hotfix to cs-qa: exit code 1"
