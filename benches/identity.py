#!/usr/bin/env python3
"""Times a promotion of an ordinary release to QA whose repository holds many hotfix tags.

    cargo build --release --locked
    python3 benches/identity.py

Needs Debian's docker-registry. By environment:
    BINARY      ours, if it is not target/release/drone-hotfix
    RUNS        timed runs of each row, 10 if not said
    TAGS        tags of the repository, 20000 if not said
    HOTFIXES    hotfix tags among them, 1000 if not said
    TMPDIR      where the storage of the registry lies: about 200 MB, many small files

Every hotfix is an image of its own, of one platform or an index of two. The other tags are written into the storage of the
registry, because nobody reads more of them than their names. Each run must end with exit code 0 and name the number of
hotfix tags, or the script ends.
"""
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no litter in the repository

from registries import Proxy, Registry, digest_of, with_digest

RUNS = int(os.environ.get("RUNS", "10"))
TAGS = int(os.environ.get("TAGS", "20000"))
HOTFIXES = int(os.environ.get("HOTFIXES", "1000"))
BINARY = os.environ.get("BINARY", "target/release/drone-hotfix")
REPO = "example/app"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def blob(registry, data):
    location = registry.send("POST", f"{REPO}/blobs/uploads/", b"").headers["Location"]
    registry.send("PUT", with_digest(location, digest_of(data)), data, Content_Type="application/octet-stream")
    return {"digest": digest_of(data), "size": len(data)}


def image(registry, seed, layer, reference=None):
    """One platform; its configuration is its own, its layer everybody's."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "seed": seed, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}})
    config = blob(registry, config.encode())
    data = json.dumps({"schemaVersion": 2, "mediaType": IMAGE,
                       "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                       "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}]}).encode()
    registry.send("PUT", f"{REPO}/manifests/{reference or digest_of(data)}", data, Content_Type=IMAGE)
    return {"mediaType": IMAGE, "digest": digest_of(data), "size": len(data)}


def index(registry, seed, layer, reference):
    parts = [{**image(registry, f"{seed} {name}", layer), "platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64")]
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": parts}).encode()
    registry.send("PUT", f"{REPO}/manifests/{reference}", data, Content_Type=INDEX)


def other_tags(registry, digest):
    """Links in the storage, as docker-registry makes them."""
    tags = os.path.join(registry.directory, "data/docker/registry/v2/repositories", REPO, "_manifests/tags")
    for number in range(TAGS - HOTFIXES - 1):
        place = os.path.join(tags, f"build_{number}", "current")
        os.makedirs(place)
        with open(os.path.join(place, "link"), "w", encoding="utf-8") as link:
            link.write(digest)


def promote(address):
    environment = {
        "CI": "true", "DRONE_REPO": "example/app", "DRONE_BUILD_EVENT": "promote", "DRONE_BUILD_NUMBER": "419",
        "DRONE_BUILD_PARENT": "418", "DRONE_BRANCH": "main", "DRONE_COMMIT_REF": "refs/heads/main",
        "DRONE_COMMIT_SHA": "0123456789abcdef0123456789abcdef01234567", "DRONE_DEPLOY_TO": "cs-qa", "VERSION": "1.0.0",
        "DRONE_WORKSPACE": "/nowhere", "PLUGIN_LOG_LEVEL": "debug",
        "PLUGIN_POLICY": json.dumps({"repo": f"{address}/{REPO}", "tls": {"insecure": [address]}}),
    }
    start = time.monotonic()
    run = subprocess.run([BINARY], env=environment, capture_output=True, text=True, check=False)
    wall = time.monotonic() - start
    if run.returncode != 0 or f"none of {HOTFIXES} hotfix tags" not in run.stdout:
        sys.exit(run.stdout + run.stderr)
    return wall


def row(name, make):
    with tempfile.TemporaryDirectory() as directory, Registry(os.path.join(directory, "registry")) as registry:
        layer = blob(registry, hashlib.sha256(b"layer").digest())
        release = image(registry, "release", layer, "1.0.0")
        for number in range(HOTFIXES):
            make(registry, f"hotfix {number}", layer, f"branch-hotfix_HOCS-{number}")
        other_tags(registry, release["digest"])
        with Proxy(registry.address) as proxy:
            promote(proxy.address)
            requests = sum(len(connection.requests) for connection in proxy.connections)
        walls = sorted(promote(registry.address) for _ in range(RUNS))
        print(f"| {name} | {statistics.median(walls):.2f} | {walls[0]:.2f} | {walls[-1]:.2f} | {requests} |", flush=True)


print(f"{HOTFIXES} hotfix tags among {TAGS}, {RUNS} runs\n")
print("| hotfix images | wall median s | min s | max s | requests |\n|---|---|---|---|---|")
row("one platform", image)
row("an index of two platforms", index)
