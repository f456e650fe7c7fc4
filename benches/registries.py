"""Registries on the loopback, a small client for them, and a proxy that counts and delays."""
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ACCEPT = ", ".join((
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json"))
TLS_HANDSHAKE = 0x16


class Registry:
    """Debian's docker-registry on a free port, with a storage that goes when it stops."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        config = os.path.join(directory, "config.yml")
        with open(config, "w", encoding="utf-8") as out:
            out.write("version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
                      f"storage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
                      "http: {addr: '127.0.0.1:0', secret: bench}\n")
        self.server = subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, text=True)
        # The log names the port.
        for line in self.server.stderr:
            if "listening on" in line:
                self.address = line.split("listening on ")[1].split('"')[0].split()[0]
                threading.Thread(target=self._drain, daemon=True).start()
                return
        self.stop()
        raise RuntimeError("docker-registry did not start")

    def _drain(self):
        for _ in self.server.stderr:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def send(self, method, url, data=None, **headers):
        request = urllib.request.Request(
            urllib.parse.urljoin(f"http://{self.address}/v2/", url), method=method, data=data,
            headers={name.replace("_", "-"): str(value) for name, value in headers.items()})
        return urllib.request.urlopen(request)

    def manifest(self, repo, reference):
        """The bytes behind a tag; None if there are none."""
        try:
            with self.send("GET", f"{repo}/manifests/{reference}", Accept=ACCEPT) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def push(self, layout, repo, tag):
        """Pushes what an OCI layout holds, one by one."""
        with open(os.path.join(layout, "index.json"), encoding="utf-8") as index:
            self._push_manifest(layout, repo, json.load(index)["manifests"][0], tag)

    def _push_manifest(self, layout, repo, descriptor, reference):
        with open(blob_path(layout, descriptor), "rb") as file:
            data = file.read()
        value = json.loads(data)
        for child in value.get("manifests", []):
            self._push_manifest(layout, repo, child, child["digest"])
        for blob in [value["config"], *value["layers"]] if "layers" in value else []:
            location = self.send("POST", f"{repo}/blobs/uploads/", b"").headers["Location"]
            with open(blob_path(layout, blob), "rb") as file:
                self.send("PUT", with_digest(location, blob["digest"]), file,
                          Content_Type="application/octet-stream", Content_Length=blob["size"])
        self.send("PUT", f"{repo}/manifests/{reference}", data, Content_Type=descriptor["mediaType"])


def blob_path(layout, descriptor):
    return os.path.join(layout, "blobs", *descriptor["digest"].split(":"))


def with_digest(location, digest):
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Connection:
    """What went over one connection of the proxy. Each of its two threads writes its own fields."""

    def __init__(self):
        self.requests, self.statuses, self.sent, self.received = [], [], 0, 0


class Proxy:
    """Forwards HTTP/1.1 to a registry and counts it; with a delay it is a registry far away.

    The delay is one round trip: a new connection pays it once, for the handshake of TCP, and every
    request once, between its first byte and its way on; `Expect: 100-continue` pays it once more,
    because the client waits for an answer. A body streams, and nothing limits its speed.

    Some programs try TLS first, whatever they are told. Such a connection is refused at once, in the
    way of docker-registry, costs no delay, and is counted in `tls`: with a registry that speaks TLS it
    would not be lost.
    """

    def __init__(self, upstream, delay=0.0):
        host, port = upstream.rsplit(":", 1)
        self.upstream, self.delay = (host, int(port)), delay
        self.connections, self.tls = [], 0
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A close alone leaves the thread in accept().
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def reset(self):
        self.connections, self.tls = [], 0

    def lines(self):
        """`METHOD path status` of every request."""
        return [f"{request} {status}" for c in self.connections
                for request, status in zip(c.requests, c.statuses + ["?"] * len(c.requests))]

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, time.monotonic()), daemon=True).start()

    def _serve(self, client, accepted):
        with client:
            try:
                first = client.recv(1, socket.MSG_PEEK)
                if not first or first[0] == TLS_HANDSHAKE:
                    if client.recv(1 << 16):
                        self.tls += 1
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                    return
                connection = Connection()
                self.connections.append(connection)
                with socket.create_connection(self.upstream) as upstream, Pipe() as pipe:
                    for side in (client, upstream):
                        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    back = threading.Thread(target=answers, args=(upstream, client, connection), daemon=True)
                    back.start()
                    try:
                        self._requests(Reader(client), upstream, pipe, connection, accepted + self.delay)
                    finally:
                        shut(upstream, socket.SHUT_WR)
                        back.join()
            except OSError:
                pass

    def _requests(self, client, upstream, pipe, connection, connected):
        while client.fill():
            arrived = max(time.monotonic(), connected)
            head = client.until(b"\r\n\r\n")
            start, *fields = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
            connection.requests.append(start.rsplit(" ", 1)[0])
            connection.sent += len(head)
            time.sleep(max(0.0, arrived + self.delay - time.monotonic()))
            upstream.sendall(head)
            if headers.get("expect", "").lower() == "100-continue":
                client.fill()
                time.sleep(self.delay)
            if "chunked" in headers.get("transfer-encoding", "").lower():
                for part in client.chunks():
                    connection.sent += len(part)
                    upstream.sendall(part)
            else:
                length = int(headers.get("content-length", 0))
                connection.sent += length
                begun = client.take(length)
                upstream.sendall(begun)
                pipe.move(client.socket, upstream, length - len(begun))


class Reader:
    """A socket with the bytes of it that were read too early."""

    def __init__(self, source):
        self.socket, self.buffer = source, b""

    def fill(self):
        """Waits for at least one byte; False at the end."""
        if not self.buffer:
            self.buffer = self.socket.recv(1 << 16)
        return bool(self.buffer)

    def take(self, most):
        taken, self.buffer = self.buffer[:most], self.buffer[most:]
        return taken

    def until(self, mark):
        while mark not in self.buffer:
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("the client closed inside of a request")
            self.buffer += more
        return self.take(self.buffer.index(mark) + len(mark))

    def chunks(self):
        while True:
            line = self.until(b"\r\n")
            yield line
            left = int(line.split(b";")[0], 16) + 2
            last = left == 2
            while left:
                if not self.fill():
                    raise ConnectionError("the client closed inside of a chunk")
                part = self.take(left)
                left -= len(part)
                yield part
            if last:
                return


class Pipe:
    """Moves bytes between sockets inside of the kernel, so that the proxy takes little of the two cores."""

    def __enter__(self):
        self.out, self.into = os.pipe()
        with contextlib.suppress(OSError):  # a smaller one is slower, no more
            fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, 1 << 20)
        return self

    def __exit__(self, *_):
        os.close(self.out)
        os.close(self.into)

    def move(self, source, target, length):
        while length > 0:
            held = os.splice(source.fileno(), self.into, min(length, 1 << 20))
            if not held:
                raise ConnectionError("the client closed inside of a body")
            length -= held
            while held:
                held -= os.splice(self.out, target.fileno(), held)


def answers(upstream, client, connection):
    """Brings the answers back. The status is a guess from where a read begins: good for a log only."""
    try:
        while data := upstream.recv(1 << 18):
            connection.received += len(data)
            if data.startswith(b"HTTP/1.1 ") and data[9:12] != b"100":
                connection.statuses.append(data[9:12].decode())
            client.sendall(data)
    except OSError:
        pass
    finally:
        shut(client, socket.SHUT_RDWR)


def shut(side, how):
    try:
        side.shutdown(how)
    except OSError:
        pass
