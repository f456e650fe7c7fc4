"""Images to publish, the same bytes every time: OCI layouts, and archives of the two usual forms."""
import hashlib
import json
import os
import random
import tarfile
import zlib

from registries import blob_path, digest_of

OCI = "application/vnd.oci.image."
REVISION = "0123456789abcdef0123456789abcdef01234567"
BUILD = "418"
TAG = "build_" + BUILD
MIB = 1 << 20
# The half of a layer that compresses, where it matters.
TEXT = b"".join(b"export LIBRARY_PATH_%04d=/usr/lib/application/module-%04d.so\n" % (n, n) for n in range(64))[:2048]


def layer(seed, size, compressible=False):
    """The chunks of a plain tar with one file of random bytes, or with half of it text."""
    entry = tarfile.TarInfo(f"data-{seed}")
    entry.size = size
    yield entry.tobuf(tarfile.USTAR_FORMAT)
    numbers = random.Random(seed)
    for start in range(0, size, MIB):
        length = min(MIB, size - start)
        if compressible:
            noise = numbers.randbytes(length // 2)
            yield b"".join(noise[at:at + 2048] + TEXT for at in range(0, len(noise), 2048))
        else:
            yield numbers.randbytes(length)
    yield bytes(1024)


def put(layout, data):
    descriptor = {"digest": digest_of(data), "size": len(data)}
    path = blob_path(layout, descriptor)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)
    return descriptor


def put_layer(layout, seed, size):
    """A layer as gzip that stores: what the programs move is random anyway, and this is made quickly."""
    directory = os.path.join(layout, "blobs", "sha256")
    os.makedirs(directory, exist_ok=True)
    plain, packed, length = hashlib.sha256(), hashlib.sha256(), 0
    gzip = zlib.compressobj(0, zlib.DEFLATED, 31)
    unfinished = os.path.join(directory, "unfinished")
    with open(unfinished, "wb") as out:
        def write(data):
            nonlocal length
            packed.update(data)
            length += out.write(data)
        for chunk in layer(seed, size):
            plain.update(chunk)
            write(gzip.compress(chunk))
        write(gzip.flush())
    os.rename(unfinished, os.path.join(directory, packed.hexdigest()))
    descriptor = {"mediaType": OCI + "layer.v1.tar+gzip", "digest": "sha256:" + packed.hexdigest(), "size": length}
    return descriptor, "sha256:" + plain.hexdigest()


def config(architecture, diff_ids):
    return json.dumps({
        "architecture": architecture, "os": "linux",
        "config": {"Entrypoint": ["/app"], "Labels": {"org.opencontainers.image.revision": REVISION}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(diff_ids)]}).encode()


def put_image(layout, layers, architecture="amd64"):
    """Layers are pairs of a seed and a size."""
    descriptors, diff_ids = zip(*(put_layer(layout, *pair) for pair in layers))
    settings = {"mediaType": OCI + "config.v1+json", **put(layout, config(architecture, list(diff_ids)))}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": settings,
                           "layers": descriptors}).encode()
    return {"mediaType": OCI + "manifest.v1+json", **put(layout, manifest)}


def finish(layout, descriptor):
    """Makes the folder a layout; answers with the digest."""
    with open(os.path.join(layout, "oci-layout"), "w", encoding="utf-8") as out:
        out.write('{"imageLayoutVersion": "1.0.0"}')
    named = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": TAG}}
    with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as out:
        json.dump({"schemaVersion": 2, "manifests": [named]}, out)
    return descriptor["digest"]


def single(layout, layers):
    return finish(layout, put_image(layout, layers))


def index(layout):
    """Three platforms and an attestation as BuildKit makes it; the index has a field nobody knows."""
    children = []
    for number, architecture in enumerate(("amd64", "arm64", "ppc64le")):
        child = put_image(layout, [(100 + number, MIB), (110 + number, 65536)], architecture)
        children.append({**child, "platform": {"os": "linux", "architecture": architecture}})
    children.append({
        **put_image(layout, [(130, 2048)], "unknown"),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": children[0]["digest"]}})
    value = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": children, "x-unknown": {"b": 1, "a": 2}}
    return finish(layout, {"mediaType": OCI + "index.v1+json", **put(layout, json.dumps(value, indent=3).encode())})


def oci_archive(layout, file):
    with tarfile.open(file, "w") as archive:
        for name in ("oci-layout", "index.json", "blobs"):
            archive.add(os.path.join(layout, name), name)


def docker_archive(file, layers):
    """What `docker save` writes before version 25: plain layers, then manifest.json.

    Half of each layer compresses, as programs compress these on their way. Answers with the digest of the config.
    """
    names = []
    with tarfile.open(file, "w") as archive:
        def add(name, data):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry)
            archive.fileobj.write(data + bytes(-len(data) % 512))
            archive.offset = archive.fileobj.tell()

        for seed, size in layers:
            digest, length = hashlib.sha256(), 0
            for chunk in layer(seed, size, compressible=True):
                digest.update(chunk)
                length += len(chunk)
            names.append(digest.hexdigest())
            entry = tarfile.TarInfo(f"{digest.hexdigest()}/layer.tar")
            entry.size = length
            archive.addfile(entry)
            for chunk in layer(seed, size, compressible=True):
                archive.fileobj.write(chunk)
            archive.offset = archive.fileobj.tell()
        settings = config("amd64", ["sha256:" + name for name in names])
        digest = digest_of(settings)
        add(digest[7:] + ".json", settings)
        add("manifest.json", json.dumps([{
            "Config": digest[7:] + ".json", "RepoTags": [f"example/app:{TAG}"],
            "Layers": [f"{name}/layer.tar" for name in names]}]).encode())
    return digest
