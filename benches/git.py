#!/usr/bin/env python3
"""Asks git and us the same questions about the history of two repositories, in the same run.

    cargo build --release --locked --bin drone-hotfix --example history
    python3 benches/git.py

Needs git and Debian's time. By environment:
    BINARY      ours, if it is not target/release/examples/history
    STEP        the step itself, if it is not target/release/drone-hotfix
    RUNS        runs of each question, 5 if not said
    COMMITS     commits of the large repository, 1000000 if not said
    TMPDIR      where the repositories lie: about 500 MB

The repositories are made by `git fast-import` from a seed: a service (5,000 commits, 2,000 tags) and a large one
(a million, 50,000). Each has a `hotfix` of three commits off a tag 2,000 (40) commits back, and an `old` branch near
the root. Runs of the two programs alternate. Answers must be the same, or the script ends. The last row of each is the whole
step, which judges a push by every rule, with the repository as its own remote.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = int(os.environ.get("RUNS", "5"))
COMMITS = int(os.environ.get("COMMITS", "1000000"))
BINARY = os.environ.get("BINARY", "target/release/examples/history")
STEP = os.environ.get("STEP", "target/release/drone-hotfix")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}


def make(path, commits, tags, back):
    """`main` with a side commit merged every five, `tags` tags, and the branches above."""
    subprocess.run(["git", "init", "-q", "--bare", path], check=True, env=ENVIRONMENT)
    dice = random.Random(4)
    pipe = subprocess.Popen(["git", "-C", path, "fast-import", "--quiet"], stdin=subprocess.PIPE, env=ENVIRONMENT)
    out = pipe.stdin
    mark = 0

    def commit(branch, parents, number):
        nonlocal mark
        mark += 1
        message = f"commit {mark}\n\nIssue: EX-{number}\n"
        text = f"commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.com> {1_500_000_000 + mark * 60} +0000\n"
        text += f"data {len(message)}\n{message}\n"
        text += "".join(f"{'merge' if n else 'from'} :{parent}\n" for n, parent in enumerate(parents))
        if len(parents) < 2:
            data = f"{dice.getrandbits(64):x}\n" * 3
            text += f"M 100644 inline src/{number % 10}/file{number % 97}\ndata {len(data)}\n{data}\n"
        out.write(text.encode())
        return mark

    last = commit("main", [], 0)
    tag_every = commits // tags
    base = None
    for number in range(1, commits):
        if number % 5 == 0:
            side = commit("side", [last], number)
            last = commit("main", [last, side], number)
        else:
            last = commit("main", [last], number)
        if number % tag_every == 0:
            out.write(f"reset refs/tags/v1.{number // tag_every}.0\nfrom :{last}\n\n".encode())
            if number <= commits - back:
                base = last
        if number == 50:
            commit("old", [last], number)
    for number in range(3):
        base = commit("hotfix", [base], number)
    out.close()
    if pipe.wait():
        sys.exit("git fast-import failed")
    # As every server has them.
    subprocess.run(["git", "-C", path, "pack-refs", "--all"], check=True, env=ENVIRONMENT)


def run(arguments, text="", environment=None):
    """Output, wall seconds and peak MiB."""
    with tempfile.NamedTemporaryFile("r") as measured:
        start = time.perf_counter()
        done = subprocess.run(["/usr/bin/time", "-q", "-f", "%M", "-o", measured.name, *arguments],
                              input=text, capture_output=True, text=True, env=environment or ENVIRONMENT)
        wall = time.perf_counter() - start
        if done.returncode > 1 or done.stderr:
            sys.exit(f"{arguments[:4]}: {done.stderr}")
        return done.stdout.split(), wall, int(measured.read().split()[-1]) / 1024


def row(name, ours, theirs, same, runs=RUNS):
    samples = {"ours": [], "git": []}
    for _ in range(runs):
        answers = {}
        for who, ask in (("ours", ours), ("git", theirs)):
            if ask:
                answers[who], *sample = ask()
                samples[who].append(sample)
        if theirs and not same(answers["ours"], answers["git"]):
            sys.exit(f"{name}: {answers}")
    cells = []
    for who in ("ours", "git"):
        if samples[who]:
            cells += [f"{statistics.median(s[0] for s in samples[who]) * 1000:.1f}",
                      f"{max(s[1] for s in samples[who]):.0f}"]
        else:
            cells += ["–", "–"]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def measure(name, path, runs):
    git = ["git", "-C", path]
    binary = [os.path.abspath(BINARY), os.path.join(path, "objects")]
    ids = {ref: run([*git, "rev-parse", ref])[0][0] for ref in ("main", "hotfix", "old")}
    main, hotfix, old = ids["main"], ids["hotfix"], ids["old"]
    tags = run([*git, "for-each-ref", "--format=%(objectname)", "refs/tags"])[0]
    listed = "\n".join(tags)
    own = run([*git, "rev-list", hotfix, f"^{main}"])[0]
    equal = lambda a, b: a == b
    print(f"\n{name}\n\n| question | ours, median ms | peak MiB | git, median ms | peak MiB |\n|---|---|---|---|---|")
    row("merge base of hotfix and main", lambda: run([*binary, "merge-base", hotfix, main]),
        lambda: run([*git, "merge-base", "--all", hotfix, main]), equal)
    row("commits of hotfix alone", lambda: run([*binary, "only", hotfix, main]),
        lambda: run([*git, "rev-list", "--topo-order", hotfix, f"^{main}"]), equal)
    row("nearest release of hotfix", lambda: run([*binary, "nearest", hotfix], listed),
        lambda: run([*git, "describe", "--tags", "--abbrev=0", hotfix]),
        lambda ours, theirs: ours == run([*git, "rev-parse", f"{theirs[0]}^0"])[0])
    row("patch ids of hotfix", lambda: run([*binary, "patches", *own]),
        lambda: run(["sh", "-c", f"git -C {path} show --no-renames --full-index {' '.join(own)} | git patch-id --stable"]),
        lambda ours, theirs: ours == theirs[::2])
    row("is main in hotfix", lambda: run([*binary, "ancestor", main, hotfix]),
        lambda: run([*git, "merge-base", "--is-ancestor", main, hotfix]), lambda ours, theirs: ours == ["false"])
    # Of a million commits we give up after 400,000, and say so.
    row("is old in hotfix (walks everything)", lambda: run([*binary, "ancestor", old, hotfix]),
        lambda: run([*git, "merge-base", "--is-ancestor", old, hotfix]),
        lambda ours, theirs: ours in (["false"], ["unknown"]), runs)
    row("the first four, and more of hotfix, in one process", lambda: run([*binary, "all", hotfix, main], listed), None, equal)
    row("the whole step", step(path, hotfix), None, equal)


def step(path, hotfix):
    """A push of the hotfix as Drone hands it over: the workspace's `.git` leads to the repository."""
    workspace = f"{path}-workspace"
    os.makedirs(workspace)
    with open(os.path.join(workspace, ".git"), "w", encoding="utf-8") as pointer:
        pointer.write(f"gitdir: {path}\n")
    run(["git", "-C", path, "branch", "fix/EX-1", hotfix])
    release = run(["git", "-C", path, "describe", "--tags", "--abbrev=0", hotfix])[0][0]
    variables = {
        "CI": "true", "DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BUILD_NUMBER": "1", "DRONE_BUILD_TRIGGER": "@hook",
        "DRONE_REPO": "example/service", "DRONE_REPO_BRANCH": "main", "DRONE_BRANCH": "fix/EX-1",
        "DRONE_COMMIT_REF": "refs/heads/fix/EX-1", "DRONE_COMMIT_SHA": hotfix, "DRONE_REMOTE_URL": path,
        "DRONE_WORKSPACE": workspace, "PLUGIN_DRY_RUN": "true",
        "PLUGIN_POLICY": json.dumps({"prefix": "fix/", "running": release}),
    }

    def judge():
        output, *sample = run([os.path.abspath(STEP)], environment=variables)
        if "base-is-production" in output or "allowed:" not in output:
            sys.exit(" ".join(output))
        return (output, *sample)

    return judge


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        for name, commits, tags, back, runs in (("A service: 5,000 commits, 2,000 tags", 5000, 2000, 40, RUNS),
                                                (f"A large one: {COMMITS:,} commits, 50,000 tags", COMMITS, 50_000, 2000, 2)):
            path = os.path.join(directory, str(commits))
            make(path, commits, tags, back)
            measure(name, path, runs)
