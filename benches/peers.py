"""How each program is told to do a job."""
import dataclasses
import json
import os
import sys

from images import BUILD, REVISION, TAG

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.environ.get("BINARY", os.path.join(os.path.dirname(HERE), "target/release/drone-hotfix"))
OURS = "drone-hotfix"
CRANE, REGCTL = os.environ.get("CRANE"), os.environ.get("REGCTL")


@dataclasses.dataclass(frozen=True)
class Source:
    """An image: in a registry (`address` is its registry), or in a folder or file."""
    form: str  # "registry", "oci", "oci-archive", "docker-archive"
    place: str  # a repository, or a path
    address: str = ""
    index: bool = False

    @property
    def reference(self):
        return f"{self.address}/{self.place}:{TAG}"


@dataclasses.dataclass(frozen=True)
class Target:
    address: str
    repo: str
    name: str  # of the branch behind hotfix/

    @property
    def tag(self):
        return f"branch-hotfix_{self.name}"

    @property
    def reference(self):
        return f"{self.address}/{self.repo}:{self.tag}"


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    command: object  # (source, target) to a list
    environment: object = None  # (source, target) to a dict; None is the one of peers
    prints_time: bool = False  # its own clock counts, and its memory is Python's

    @property
    def slug(self):
        return "".join(c if c.isalnum() else "-" for c in self.name.lower()).strip("-").replace("--", "-")


def build(branch, **more):
    """The variables of a step, as Drone sets them."""
    return {
        "CI": "true", "DRONE": "true", "DRONE_BUILD_EVENT": "push", "DRONE_BUILD_NUMBER": BUILD,
        "DRONE_BUILD_PARENT": "0", "DRONE_COMMIT_SHA": REVISION, "DRONE_COMMIT_REF": "refs/heads/" + branch,
        "DRONE_BRANCH": branch, "DRONE_SOURCE_BRANCH": branch, "DRONE_REPO": "example/app",
        "DRONE_REPO_BRANCH": "main", "DRONE_BUILD_TRIGGER": "@hook", "DRONE_WORKSPACE": "/nowhere", **more}


def promotion(policy):
    """A promotion to QA, which is refused without a look at any registry."""
    return build("main", DRONE_BUILD_EVENT="promote", DRONE_DEPLOY_TO="cs-qa", PLUGIN_POLICY=json.dumps(policy),
                 VERSION="branch-hotfix_EX-1234")


def peer_environment(directory):
    """Nothing of this machine's: no logins, no settings, and skopeo's cache in a folder that can be emptied."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": directory, "XDG_RUNTIME_DIR": directory,
            "XDG_DATA_HOME": os.path.join(directory, "data"), "TMPDIR": directory,
            # containers/image keeps root's cache for the whole machine; as another user it keeps it at home.
            "_CONTAINERS_ROOTLESS_UID": "1000"}


def ours(name=OURS, rules=None):
    def environment(source, target):
        if source.form == "docker-archive":
            image = f"docker-archive:{source.place}"
        elif source.form != "registry":
            image = f"{source.form}:{source.place}:{TAG}"
        elif source.address != target.address:
            image = source.reference
        elif source.place != target.repo:
            image = f"{source.address}/{source.place}:build_{{build}}"
        else:
            image = "build_{build}"
        policy = {"repo": f"{target.address}/{target.repo}", "source": image, "timeout": "10m",
                  "tls": {"insecure": sorted({target.address, source.address} - {""})}}
        if rules:
            policy["rules"] = rules
        return build(f"hotfix/{target.name}", PLUGIN_POLICY=json.dumps(policy))
    return Program(name, lambda *_: [BINARY], environment)


def skopeo(*options):
    def command(source, target):
        if source.form == "registry":
            image, more = "docker://" + source.reference, ["--src-tls-verify=false"]
        else:
            # It knows an image of a `docker save` file by the whole name.
            name = f"example/app:{TAG}" if source.form == "docker-archive" else TAG
            image, more = f"{source.form}:{source.place}:{name}", []
        return ["skopeo", "--insecure-policy", "copy", *options, *more, "--dest-tls-verify=false", image,
                "docker://" + target.reference]
    return Program(" ".join(["skopeo copy", *options]), command)


def crane(job):
    def command(source, target):
        if job == "tag":
            return [CRANE, "tag", "--insecure", source.reference, target.tag]
        if job == "copy":
            return [CRANE, "copy", "--insecure", source.reference, target.reference]
        return [CRANE, "push", "--insecure", source.place, target.reference]
    return Program(f"crane {job}", command)


def regctl(job):
    def command(source, target):
        hosts = [f"--host=reg={address},tls=disabled" for address in sorted({target.address, source.address} - {""})]
        if job == "import":
            return [REGCTL, *hosts, "image", "import", target.reference, source.place]
        image = source.reference if source.form == "registry" else f"ocidir://{source.place}:{TAG}"
        return [REGCTL, *hosts, "image", "copy", image, target.reference]
    return Program(f"regctl image {job}", command)


def floor(job):
    def command(source, target):
        more = {"retag": (source.place, TAG, target.tag), "mount": (source.place, TAG, target.repo, target.tag),
                "push": (source.place, target.repo, target.tag)}[job]
        return [sys.executable, "-B", "-E", "-s", os.path.join(HERE, "floor.py"), job, target.address, *more]
    return Program("floor: the least requests", command, prints_time=True)


def programs(job, source):
    """All programs of a job: "retag", "mount" (two repositories), "copy" (two registries), "push"."""
    found = [ours()]
    if job == "retag":
        # The rule reads the config of the image, which no peer does.
        found += [ours(f"{OURS}, image-commit off", {"image-commit": "off"})]
        found += [crane("tag")] if CRANE else []
        found += [regctl("copy")] if REGCTL else []
        found += [skopeo("--multi-arch", "index-only"), skopeo("--all")] if source.index else [skopeo()]
        found += [floor("retag")]
    elif job in ("mount", "copy"):
        found += [crane("copy")] if CRANE else []
        found += [regctl("copy")] if REGCTL else []
        found += [skopeo("--all")]
        found += [floor("mount")] if job == "mount" else []
    else:
        # crane reads no archive of a layout.
        found += [crane("push")] if CRANE and source.form != "oci-archive" else []
        found += [regctl("copy" if source.form == "oci" else "import")] if REGCTL else []
        found += [skopeo()]
        found += [floor("push")] if source.form == "oci" else []
    return found
