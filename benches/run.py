#!/usr/bin/env python3
"""Times the built binary beside peers in the same run, and counts requests.

    cargo build --release --locked
    python3 benches/run.py            # all
    RUNS=30 python3 benches/run.py cold

Needs Debian's docker-registry, skopeo and time. CRANE and REGCTL may name binaries of those peers.
Everything listens on 127.0.0.1 and stops with the script. Runs of the programs alternate, because
the speed of a machine drifts: compare the ratios of one run, never numbers of two.
"""
import hashlib
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("BINARY", os.path.join(ROOT, "target/release/drone-hotfix"))
RUNS = int(os.environ.get("RUNS", "10"))
OCI = "application/vnd.oci.image."
REPO = "example/app"


def build(number, branch, **more):
    """The variables of a step, as Drone sets them."""
    return {
        "CI": "true", "DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BUILD_NUMBER": str(number),
        "DRONE_BUILD_PARENT": "0", "DRONE_COMMIT_SHA": "0123456789abcdef0123456789abcdef01234567",
        "DRONE_COMMIT_REF": "refs/heads/" + branch, "DRONE_BRANCH": branch, "DRONE_SOURCE_BRANCH": branch,
        "DRONE_REPO": REPO, "DRONE_REPO_BRANCH": "main", "DRONE_BUILD_TRIGGER": "@hook",
        "DRONE_WORKSPACE": "/nowhere", **more}


def once(command, environment):
    """Wall and CPU seconds, peak memory in MiB and exit code of one process.

    The memory comes from /usr/bin/time (Debian's package time): a child of this script would be
    charged with the memory of the Python that started it.
    """
    with tempfile.NamedTemporaryFile("r") as figures:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(["/usr/bin/time", "-q", "-o", figures.name, "-f", "%M", *command],
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        peak = figures.read().split()[-1]
    return wall, cpu, int(peak) / 1024, done.returncode, done.stdout + done.stderr


def compare(title, peers, expected=None):
    """Runs the peers in turn and prints medians and the ratio to the first."""
    expected = expected or {}
    rows = {name: [] for name in peers}
    for turn in range(RUNS + 1):
        for name, make in peers.items():
            command, environment = make(turn)
            wall, cpu, memory, code, text = once(command, environment)
            if code != expected.get(name, 0):
                sys.exit(f"{name} ended with {code}: {text}")
            if turn:  # the first run warms the page cache
                rows[name].append((wall, cpu, memory))
    print(f"\n{title}, {RUNS} runs\n")
    print("| program | wall median ms | min ms | CPU ms | peak MiB | wall, ours is 1 |")
    print("|---|---|---|---|---|---|")
    first = None
    for name, values in rows.items():
        wall, cpu, memory = (statistics.median(v[i] for v in values) for i in range(3))
        first = first or wall
        low = min(v[0] for v in values)
        print(f"| {name} | {wall * 1e3:.1f} | {low * 1e3:.1f} | {cpu * 1e3:.1f} | {memory:.1f} | {wall / first:.2f} |")


class Recorder:
    """A proxy that counts requests; never used while timing."""

    def __init__(self, upstream):
        lines = self.lines = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                upper = http.client.HTTPConnection(upstream)
                upper.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                # One by one: a client may send the same header several times.
                for name, value in self.headers.items():
                    upper.putheader(name, value)
                upper.endheaders(body)
                answer = upper.getresponse()
                data = answer.read()
                lines.append(f"{self.command} {answer.status}")
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = forward

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def start_registry(directory):
    """Debian's docker-registry on a free port; its log names the port."""
    config = os.path.join(directory, "config.yml")
    with open(config, "w", encoding="utf-8") as out:
        out.write("version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
                  f"storage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
                  "http: {addr: '127.0.0.1:0', secret: bench}\n")
    server = subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True)
    for line in server.stderr:
        if "listening on" in line:
            address = line.split("listening on ")[1].split('"')[0].split()[0]
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return server, address
    sys.exit("docker-registry did not start")


def send(method, url, data=None, **headers):
    request = urllib.request.Request(url, method=method, data=data,
                                     headers={k.replace("_", "-"): v for k, v in headers.items()})
    return urllib.request.urlopen(request)


def push_index(address, tag):
    """An index of three platforms and an attestation, small layers."""
    base = f"http://{address}/v2/{REPO}"

    def blob(data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        location = send("POST", f"{base}/blobs/uploads/", b"").headers["Location"]
        separator = "&" if "?" in location else "?"
        send("PUT", f"{location}{separator}digest={digest}", data, Content_Type="application/octet-stream")
        return {"digest": digest, "size": len(data)}

    def manifest(value, kind, reference=None):
        data = json.dumps(value, indent=3).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        send("PUT", f"{base}/manifests/{reference or digest}", data, Content_Type=kind)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    children = []
    for architecture in ("amd64", "arm64", "ppc64le", "unknown"):
        config = blob(json.dumps({"architecture": architecture, "os": "linux", "tag": tag}).encode())
        layer = blob((architecture + tag).encode() * 1000)
        child = manifest({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                          "config": {"mediaType": OCI + "config.v1+json", **config},
                          "layers": [{"mediaType": OCI + "layer.v1.tar", **layer}]}, OCI + "manifest.v1+json")
        children.append({**child, "platform": {"os": "linux", "architecture": architecture}})
    manifest({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": children},
             OCI + "index.v1+json", tag)


def policy(address):
    return json.dumps({"repo": f"{address}/{REPO}", "source": "build_{build}", "tls": {"insecure": [address]}})


def cold():
    promote = build(419, "main", DRONE_BUILD_EVENT="promote", DRONE_DEPLOY_TO="cs-qa", PLUGIN_POLICY="{}",
                    VERSION="branch-hotfix_HOCS-1234")
    compare("Cold start: a promotion to QA is refused, without network", {
        "drone-hotfix": lambda _: ([BINARY], promote),
        "skopeo --version": lambda _: (["skopeo", "--version"], os.environ),
        "python3 -c pass": lambda _: (["python3", "-c", "pass"], os.environ),
    }, {"drone-hotfix": 1})


def peers(address, tag):
    """One command a program that puts a new tag on `build_418`."""
    source = f"{address}/{REPO}:build_418"
    found = {
        "drone-hotfix": lambda turn: ([BINARY], build(418, f"hotfix/{tag}-{turn}", PLUGIN_POLICY=policy(address))),
        "skopeo copy --multi-arch index-only": lambda turn: (
            ["skopeo", "copy", "--multi-arch", "index-only", "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{source}", f"docker://{address}/{REPO}:{tag}-s-{turn}"], os.environ),
        "skopeo copy --all": lambda turn: (
            ["skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{source}", f"docker://{address}/{REPO}:{tag}-a-{turn}"], os.environ),
    }
    if os.environ.get("CRANE"):
        found["crane tag"] = lambda turn: ([os.environ["CRANE"], "tag", "--insecure", source, f"{tag}-c-{turn}"], os.environ)
    if os.environ.get("REGCTL"):
        found["regctl image copy"] = lambda turn: (
            [os.environ["REGCTL"], "--host", f"reg={address},tls=disabled", "image", "copy", source,
             f"{address}/{REPO}:{tag}-r-{turn}"], os.environ)
    return found


def retag():
    with tempfile.TemporaryDirectory() as directory:
        server, address = start_registry(directory)
        try:
            push_index(address, "build_418")
            compare("Retag of an index in its repository", peers(address, "retag"))
            recorder = Recorder(address)
            print("\n| program | requests | of them writes | again: requests | writes |\n|---|---|---|---|---|")
            for name, make in peers(recorder.address, "count").items():
                row = [name]
                for _ in range(2):
                    recorder.lines.clear()
                    code, text = once(*make(1))[3:]
                    if code:
                        sys.exit(f"{name} ended with {code}: {text}")
                    writes = [line for line in recorder.lines if line.split()[0] in ("PUT", "POST", "PATCH")]
                    row += [str(len(recorder.lines)), str(len(writes))]
                print("| " + " | ".join(row) + " |")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    print(f"{BINARY}: {os.path.getsize(BINARY):,} bytes")
    for name in sys.argv[1:] or ["cold", "retag"]:
        {"cold": cold, "retag": retag}[name]()
