"""Holds gitea.json against the description in Gitea's own repository, and prints each difference.

    git show v1.23.6:templates/swagger/v1_json.tmpl > v1.json
    python3 compare.py v1.json
"""

import json
import pathlib
import sys

official = json.load(open(sys.argv[1]))
rebuilt = json.load(open(pathlib.Path(__file__).parent / "gitea.json"))


def kind(node):
    """What the type of a value is; int64 and the like say nothing about JSON."""
    if "schema" in node:
        return kind(node["schema"])
    if "$ref" in node:
        return node["$ref"].rsplit("/", 1)[-1]
    if node.get("type") == "array":
        return [kind(node["items"])]
    date = node.get("format") == "date-time"
    return (node.get("type"), "date-time" if date else None, tuple(node.get("enum", ())))


def differ(where, theirs, ours):
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in ours:
            print(f"{where} {name}: only in the official file")
        elif name not in theirs:
            print(f"{where} {name}: only in gitea.json")
        elif theirs[name] != ours[name]:
            print(f"{where} {name}: {theirs[name]} officially, {ours[name]} in gitea.json")


for path, operations in rebuilt["paths"].items():
    for method, ours in operations.items():
        theirs, where = official["paths"][path][method], f"{method} {path}"
        given = [one for one in theirs.get("parameters", []) if one["in"] != "body"]
        bodies = [kind(one) for one in theirs.get("parameters", []) if one["in"] == "body"]
        described = lambda all: {(p["in"], p["name"]): (p.get("required", False), kind(p)) for p in all}
        differ(where, described(given), described(ours["parameters"]))
        if bodies != [kind(ours["requestBody"]) for _ in range("requestBody" in ours)]:
            print(f"{where}: another body")
        answers = {}
        for status, answer in theirs["responses"].items():
            while "$ref" in answer:
                answer = official["responses"][answer["$ref"].rsplit("/", 1)[-1]]
            if "schema" in answer and status.startswith("2"):
                answers[status] = kind(answer)
        differ(where, answers, {s: kind(a) for s, a in ours["responses"].items() if "schema" in a})

for name, ours in rebuilt["schemas"].items():
    theirs = official["definitions"].get(name)
    if theirs is None:
        print(f"{name}: only in gitea.json")
        continue
    differ(name, {"": theirs.get("required", [])}, {"": ours.get("required", [])})
    fields = lambda schema: {field: kind(node) for field, node in schema["properties"].items()}
    differ(name, fields(theirs), fields(ours))
