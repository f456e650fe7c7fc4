#!/usr/bin/env python3
"""Times the built binary beside peers in the same run, and counts requests.

    cargo build --release --locked
    python3 benches/run.py                          # all rows
    RUNS=30 python3 benches/run.py cold retag-index

Needs Debian's docker-registry, skopeo and time. By environment:
    CRANE, REGCTL   binaries of those peers; without them they are left out
    BINARY          ours, if it is not target/release/drone-hotfix
    RUNS            timed runs of each program, 10 if not said
    COPY_MB, PUSH_MB  size of each of the two big layers, 200 and 250
    SHOW=1          prints the requests that were counted
    SKIP_OURS=1     leaves our binary out of rows that it cannot do; else that ends the script
    TMPDIR          where images and the registry's storage lie: about 2 GB at a time

Everything listens on 127.0.0.1 and stops with the script. Runs of the programs alternate, because
the speed of a machine drifts: compare the ratios of one run, never numbers of two.
"""
import collections
import contextlib
import dataclasses
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no litter in the repository

import images
import peers
from peers import BINARY, OURS, Source, Target
from registries import Proxy, Registry, digest_of

RUNS = int(os.environ.get("RUNS", "10"))
COPY, PUSH = (int(os.environ.get(name, default)) * images.MIB for name, default in (("COPY_MB", "200"), ("PUSH_MB", "250")))
FAR = 0.05  # seconds of a round trip, in the rows of a registry far away
LONGEST = 600  # seconds of a program
APP, OTHER = "example/app", "example/other"
HEADER = ("| program | wall median ms | min ms | CPU ms | peak MiB | requests | connections | bytes sent | received "
          "| wall, ours is 1 |\n|---|---|---|---|---|---|---|---|---|---|")
Sample = collections.namedtuple("Sample", "wall cpu memory")
Counts = collections.namedtuple("Counts", "requests connections sent received")
troubles = []


class Failed(Exception):
    """A program did not do its job."""


def once(program, source, target, directory, expected=0):
    """One process: wall and CPU seconds, and peak memory in MiB.

    The memory comes from /usr/bin/time (Debian's package time): a child of this script would be
    charged with the memory of the Python that started it.
    """
    # skopeo remembers where it saw a blob. A step of a pipeline starts without.
    environment = program.environment(source, target) if program.environment else None
    with tempfile.TemporaryDirectory(dir=directory) as home, tempfile.NamedTemporaryFile("r", dir=directory) as figures:
        environment = environment or peers.peer_environment(home)
        command = ["/usr/bin/time", "-q", "-o", figures.name, "-f", "%M", *program.command(source, target)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise Failed(f"{program.name} took longer than {LONGEST} s") from None
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak = figures.read().split()
    if done.returncode != expected:
        raise Failed(f"{program.name} ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if program.prints_time:
        return Sample(float(done.stdout), None, None)
    return Sample(wall, cpu, int(peak[-1]) / 1024)


def middle(values, scale=1.0, digits=1):
    known = [value for value in values if value is not None]
    return f"{statistics.median(known) * scale:.{digits}f}" if known else "–"


def table(title, samples, counts):
    """Ours comes first in `samples`, or is not there."""
    first = next(iter(samples), "")
    base = statistics.median(s.wall for s in samples[first]) if first.startswith(OURS) else None
    print(f"\n### {title}\n\n{HEADER}")
    for name, values in samples.items():
        walls, cpus, memories = zip(*values)
        count = [f"{number:,}" for number in counts[name]] if name in counts else ["–"] * 4
        ratio = f"{statistics.median(walls) / base:.2f}" if base else "–"
        row = [name, middle(walls, 1e3), f"{min(walls) * 1e3:.1f}", middle(cpus, 1e3), middle(memories), *count, ratio]
        print("| " + " | ".join(row) + " |", flush=True)


def turned(programs, turn):
    """The same programs, beginning with another one: nobody is always the neighbour of the heaviest."""
    at = turn % len(programs)
    return programs[at:] + programs[:at]


def leave_out(program, error):
    """Ours ends the script, if nobody said otherwise; a peer of another version may lack something."""
    if program.name.startswith(OURS) and not os.environ.get("SKIP_OURS"):
        sys.exit(f"{error}\nSKIP_OURS=1 leaves it out")
    print(f"\nSKIPPED {program.name}: {' '.join(str(error).split())[:400]}", flush=True)
    if not program.name.startswith(OURS):
        troubles.append(program.name)


class Row:
    """One job for all programs: counted through proxies first, then timed in turns, each checked in the registry."""

    def __init__(self, title, job, source, registries, digest, delay=0.0):
        self.title, self.job, self.source, self.digest, self.delay = title, job, source, digest, delay
        self.target_registry, self.source_registry = registries[-1], registries[0]
        self.directory = os.path.dirname(registries[0].directory)

    def place(self, program, turn, target_address):
        """Where a run writes to: a tag, or a repository, that no run before had."""
        name = f"{program.slug}-{turn}"
        return Target(target_address, APP if self.job == "retag" else f"{name}/app", name)

    def run(self, program, source, target):
        sample = once(program, source, target, self.directory)
        data = self.target_registry.manifest(target.repo, target.tag)
        if data is None:
            raise Failed(f"{program.name} did not write {target.repo}:{target.tag}")
        # The archive of `docker save` has no manifest to compare with, but a config.
        found = json.loads(data)["config"]["digest"] if self.source.form == "docker-archive" else digest_of(data)
        if found != self.digest:
            raise Failed(f"{program.name} wrote {found} instead of {self.digest}")
        return sample

    def measure(self):
        able, first, second = [], {}, {}
        for program in peers.programs(self.job, self.source):
            try:
                first[program.name], *more = self.count(program)
                second.update({program.name: counts for counts in more})
                able.append(program)
            except (Failed, OSError) as error:
                leave_out(program, error)
        samples = {program.name: [] for program in able}
        repeated = {name: [] for name in second}
        with contextlib.ExitStack() as stack:
            _, source, target_address = self.addresses(stack, self.delay > 0)
            for turn in range(RUNS):
                for program in turned(able, turn):
                    target = self.place(program, turn, target_address)
                    samples[program.name].append(self.run(program, source, target))
                    if program.name in repeated:
                        repeated[program.name].append(self.run(program, source, target))
        table(f"{self.title}, {RUNS} runs", samples, first)
        table(f"{self.title}: again, when everything is there, {RUNS} runs", repeated, second)

    def addresses(self, stack, proxied):
        """What a program is told: the source, and the registry to write to. Both may be one registry, and one proxy."""
        registries = list(dict.fromkeys((self.source_registry, self.target_registry)))
        proxies = [stack.enter_context(Proxy(r.address, self.delay)) for r in registries] if proxied else []
        first, *_, last = [side.address for side in proxies or registries] * 2
        source = self.source if self.source.form != "registry" else dataclasses.replace(self.source, address=first)
        return proxies, source, last

    def count(self, program):
        """What a program sends and receives, the first time and again. Nothing is timed here."""
        with contextlib.ExitStack() as stack:
            proxies, source, address = self.addresses(stack, True)
            target, found = self.place(program, "count", address), []
            # The floor is one for the first time only.
            for _ in range(1 if program.prints_time else 2):
                for proxy in proxies:
                    proxy.reset()
                self.run(program, source, target)
                connections = [c for proxy in proxies for c in proxy.connections]
                found.append(Counts(
                    sum(len(c.requests) for c in connections), len(connections),
                    sum(c.sent for c in connections), sum(c.received for c in connections)))
                if os.environ.get("SHOW"):
                    print(f"\n{program.name}: {self.title}: tried TLS {sum(p.tls for p in proxies)} times")
                    print(*(line for proxy in proxies for line in proxy.lines()), sep="\n", flush=True)
            return found


def cold():
    """A promotion to QA is refused: no network, so this is the start of a process and little more."""
    programs = [
        peers.Program(OURS, lambda *_: [BINARY], lambda *_: peers.promotion({})),
        peers.Program("skopeo --version", lambda *_: ["skopeo", "--version"]),
        peers.Program("python3 -c pass", lambda *_: [sys.executable, "-c", "pass"])]
    if peers.CRANE:
        programs.append(peers.Program("crane version", lambda *_: [peers.CRANE, "version"]))
    if peers.REGCTL:
        programs.append(peers.Program("regctl version", lambda *_: [peers.REGCTL, "version"]))
    with tempfile.TemporaryDirectory() as directory:
        able, samples = [], {}
        for program in programs:  # a run that counts for nothing warms the page cache
            try:
                once(program, None, None, directory, int(program.name == OURS))
                able.append(program)
                samples[program.name] = []
            except (Failed, OSError) as error:
                leave_out(program, error)
        for turn in range(RUNS):
            for program in turned(able, turn):
                samples[program.name].append(once(program, None, None, directory, int(program.name == OURS)))
    table(f"Cold start: a refused promotion, without network, {RUNS} runs", samples, {})


def retag(title, make, index, delay=0.0):
    with tempfile.TemporaryDirectory() as directory, Registry(os.path.join(directory, "registry")) as registry:
        layout = os.path.join(directory, "image")
        digest = make(layout)
        registry.push(layout, APP, images.TAG)
        Row(title, "retag", Source("registry", APP, registry.address, index), [registry], digest, delay).measure()


def copy(title, job):
    with tempfile.TemporaryDirectory() as directory:
        registries = []
        try:
            for name in ("source", "target")[:1 if job == "mount" else 2]:
                registries.append(Registry(os.path.join(directory, name)))
            layout = os.path.join(directory, "image")
            digest = images.single(layout, [(1, COPY), (2, COPY)])
            registries[0].push(layout, OTHER, images.TAG)
            Row(title, job, Source("registry", OTHER, registries[0].address), registries, digest).measure()
        finally:
            for registry in registries:
                registry.stop()


def push(title, form, delay=0.0):
    layers = [(3, PUSH), (4, PUSH), *((10 + number, 65536) for number in range(8))]
    with tempfile.TemporaryDirectory() as directory, Registry(os.path.join(directory, "registry")) as registry:
        place = os.path.join(directory, "image")
        if form == "docker-archive":
            place += ".tar"
            digest = images.docker_archive(place, layers)
        else:
            digest = images.single(place, layers)
        if form == "oci-archive":
            images.oci_archive(place, place + ".tar")
            place += ".tar"
        Row(title, "push", Source(form, place), [registry], digest, delay).measure()


def one_image(layout):
    return images.single(layout, [(1, images.MIB), (2, 65536)])


LATE = f", {FAR * 1e3:.0f} ms added to every round trip"
BIG_COPY, BIG_PUSH = f"2 × {COPY // images.MIB} MB", f"2 × {PUSH // images.MIB} MB and 8 small layers"
ROWS = {
    "cold": cold,
    "retag-image": lambda: retag("Retag of an image in its repository", one_image, False),
    "retag-index": lambda: retag("Retag of an index of 3 platforms and an attestation", images.index, True),
    "retag-image-far": lambda: retag("Retag of an image in its repository" + LATE, one_image, False, FAR),
    "retag-index-far": lambda: retag("Retag of an index of 3 platforms and an attestation" + LATE, images.index, True, FAR),
    "copy-repo": lambda: copy(f"Copy to another repository of the registry, {BIG_COPY}", "mount"),
    "copy-registry": lambda: copy(f"Copy to another registry, {BIG_COPY}", "copy"),
    "push-oci": lambda: push(f"Push of an OCI layout, {BIG_PUSH}", "oci"),
    "push-oci-far": lambda: push(f"Push of an OCI layout, {BIG_PUSH}{LATE}", "oci", FAR),
    "push-oci-archive": lambda: push(f"Push of an OCI archive, {BIG_PUSH}", "oci-archive"),
    "push-docker-archive": lambda: push(f"Push of a docker-archive, {BIG_PUSH}", "docker-archive"),
}


def main(names):
    if {"-h", "--help"} & set(names):
        print(f"{__doc__}\nRows: {' '.join(ROWS)}")
        return
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        sys.exit(f"no row {' '.join(unknown)}; rows: {' '.join(ROWS)}")
    missing = [name for name in ("docker-registry", "skopeo", "/usr/bin/time") if not shutil.which(name)]
    if missing:
        sys.exit(f"missing: {' '.join(missing)}; Debian's packages are docker-registry, skopeo and time")
    # Else a kill would leave registries and gigabytes behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if os.path.exists(BINARY):
        print(f"{BINARY}: {os.path.getsize(BINARY):,} bytes", flush=True)
    for name in names or ROWS:
        ROWS[name]()
    if troubles:
        sys.exit("left out: " + ", ".join(troubles))


if __name__ == "__main__":
    main(sys.argv[1:])
