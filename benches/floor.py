#!/usr/bin/env python3
"""The requests that a job cannot do without, over raw sockets that stay open. Prints the seconds they took.

    floor.py retag ADDRESS REPO SOURCE TARGET        GET and PUT of the manifest
    floor.py mount ADDRESS SOURCE_REPO TAG REPO TAG  the same, and one mount for each blob
    floor.py push  ADDRESS LAYOUT REPO TAG           POST and PUT for each blob, three at once; PUT of the manifest

It hashes nothing, asks for nothing that it could be spared, and reads nothing back. The clock starts when Python has started.
"""
import json
import os
import queue
import socket
import sys
import threading
import time

from registries import ACCEPT, blob_path, with_digest


class Client:
    def __init__(self, address):
        self.address = address
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method, path, expected, data=b"", **headers):
        """Sends bytes, or a file that the kernel sends; answers with headers and body."""
        file = None if isinstance(data, bytes) else data
        length = os.fstat(file.fileno()).st_size if file else len(data)
        headers = {"Host": self.address, "Content-Length": length,
                   **{name.replace("_", "-"): value for name, value in headers.items()}}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        self.socket.sendall(head.encode() + (b"" if file else data))
        if file:
            self.socket.sendfile(file)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.read(method, path)
        head, body = answer.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(found.get("content-length", 0)):
            body += self.read(method, path)
        if status.split()[1] != expected:
            sys.exit(f"{method} {path}: {status}: {body[:200]}")
        return found, body

    def read(self, method, path):
        data = self.socket.recv(1 << 16)
        if not data:
            sys.exit(f"{method} {path}: the registry closed")
        return data


def retag(address, repo, source, target):
    client = Client(address)
    found, body = client.ask("GET", f"/v2/{repo}/manifests/{source}", "200", Accept=ACCEPT)
    client.ask("PUT", f"/v2/{repo}/manifests/{target}", "201", body, Content_Type=found["content-type"])


def mount(address, source_repo, source, repo, target):
    client = Client(address)
    found, body = client.ask("GET", f"/v2/{source_repo}/manifests/{source}", "200", Accept=ACCEPT)
    value = json.loads(body)
    for blob in (value["config"], *value["layers"]):
        client.ask("POST", f"/v2/{repo}/blobs/uploads/?mount={blob['digest']}&from={source_repo}", "201")
    client.ask("PUT", f"/v2/{repo}/manifests/{target}", "201", body, Content_Type=found["content-type"])


def push(address, layout, repo, target):
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as index:
        descriptor = json.load(index)["manifests"][0]
    with open(blob_path(layout, descriptor), "rb") as file:
        manifest = file.read()
    value = json.loads(manifest)
    waiting = queue.SimpleQueue()
    for blob in (*value["layers"], value["config"]):
        waiting.put(blob)
    failed = []

    def work():
        try:
            client = Client(address)
            while True:
                blob = waiting.get_nowait()
                location = client.ask("POST", f"/v2/{repo}/blobs/uploads/", "202")[0]["location"]
                path = location[location.index("/v2/"):]
                with open(blob_path(layout, blob), "rb") as file:
                    client.ask("PUT", with_digest(path, blob["digest"]), "201", file,
                               Content_Type="application/octet-stream")
        except queue.Empty:
            # The last one to be free writes the manifest, over the connection that it has.
            free.append(client)
        except (OSError, SystemExit) as error:
            failed.append(error)

    free = []
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        sys.exit(str(failed[0]))
    free[-1].ask("PUT", f"/v2/{repo}/manifests/{target}", "201", manifest, Content_Type=descriptor["mediaType"])


if __name__ == "__main__":
    start = time.perf_counter()
    {"retag": retag, "mount": mount, "push": push}[sys.argv[1]](*sys.argv[2:])
    print(time.perf_counter() - start)
