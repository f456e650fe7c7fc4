//! What GitHub and Gitea say of their own APIs, so that a scripted forge cannot answer what no forge
//! answers, and a client cannot ask what no forge understands. tests/data/openapi says where the two
//! descriptions come from.
//!
//! A field that is not described is fine in an answer, and wrong in a request.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The operations of one forge that this project may use.
pub struct Description {
    root: Value,
}

/// One described operation, and what the path says for its parameters.
struct Operation<'a> {
    described: &'a Value,
    path: Vec<(&'a str, &'a str)>,
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$").unwrap()
});

/// No schema that is described is nested as deep as this, once each optional part is left out.
const DEEPEST: usize = 16;

impl Description {
    pub fn github() -> Description {
        Description::read(include_str!("../data/openapi/github.json"))
    }

    pub fn gitea() -> Description {
        Description::read(include_str!("../data/openapi/gitea.json"))
    }

    fn read(text: &str) -> Description {
        Description {
            root: serde_json::from_str(text).unwrap(),
        }
    }

    /// Which version of which description this is.
    pub fn source(&self) -> &str {
        self.root["source"].as_str().unwrap()
    }

    /// Each operation with the statuses that are described for it.
    pub fn operations(&self) -> Vec<(&str, &str, Vec<u16>)> {
        let mut all = Vec::new();
        for (path, methods) in fields(&self.root["paths"]) {
            for (method, operation) in fields(methods) {
                let statuses = fields(&operation["responses"]).map(|(status, _)| status);
                let statuses = statuses.map(|status| status.parse().unwrap()).collect();
                all.push((method, path, statuses));
            }
        }
        all
    }

    /// Stops the test at a request that is not described. `path` begins below `/api/v3` or `/api/v1`.
    #[track_caller]
    pub fn request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) {
        if let Err(why) = self.check_request(method, path, query, body) {
            panic!(
                "{method} {path} is not a request of {}: {why}",
                self.source()
            );
        }
    }

    /// Stops the test at an answer that is not described. An answer without a body is `Value::Null`.
    #[track_caller]
    pub fn answer(&self, method: &str, path: &str, status: u16, body: &Value) {
        if let Err(why) = self.check_answer(method, path, status, body) {
            panic!(
                "{status} to {method} {path} is not an answer of {}: {why}",
                self.source()
            );
        }
    }

    /// As [`Description::request`], for a thread that must not panic.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        for (name, text) in &operation.path {
            let described = parameter(operation.described, "path", name)
                .ok_or_else(|| format!("the part «{name}» of the path is not described"))?;
            self.written(&described["schema"], text)
                .map_err(|why| format!("the part «{name}» of the path: {why}"))?;
        }
        for (at, (name, text)) in query.iter().enumerate() {
            let described = parameter(operation.described, "query", name)
                .ok_or_else(|| format!("the query parameter «{name}» is not described"))?;
            let schema = self.resolved(&described["schema"]);
            let list = schema["type"] == "array";
            if !list && query[..at].iter().any(|(other, _)| other == name) {
                return Err(format!("the query parameter «{name}» is there twice"));
            }
            self.written(if list { &schema["items"] } else { schema }, text)
                .map_err(|why| format!("the query parameter «{name}»: {why}"))?;
        }
        for parameter in items(&operation.described["parameters"]) {
            let name = parameter["name"].as_str().unwrap();
            let missing = !query.iter().any(|(given, _)| given == name);
            if parameter["in"] == "query" && parameter["required"] == true && missing {
                return Err(format!("the query parameter «{name}» is missing"));
            }
        }
        self.check_body(&operation.described["requestBody"], body)
    }

    fn check_body(&self, described: &Value, body: Option<&Value>) -> Result<(), String> {
        if described.is_null() {
            return match body {
                None => Ok(()),
                Some(_) => Err("no body is described".to_owned()),
            };
        }
        let schema = self.resolved(&described["schema"]);
        let Some(body) = body else {
            let needed = described["required"] == true || !items(&schema["required"]).is_empty();
            return if needed {
                Err("the body is missing".to_owned())
            } else {
                Ok(())
            };
        };
        self.fits(schema, body, "body")?;
        match fields(body).find(|(name, _)| schema["properties"].get(name).is_none()) {
            Some((name, _)) => Err(format!("body.{name} is not described")),
            None => Ok(()),
        }
    }

    /// As [`Description::answer`], for a thread that must not panic.
    ///
    /// An error that is not described may say anything: each server can fail in ways that nobody
    /// wrote down.
    pub fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        let failed = status >= 400;
        let response = &operation.described["responses"][status.to_string()];
        if response.is_null() {
            return if failed {
                Ok(())
            } else {
                Err("the status is not described".to_owned())
            };
        }
        match response.get("schema") {
            Some(schema) => self.fits(schema, body, "answer"),
            None if failed || body.is_null() => Ok(()),
            None => Err("no body is described".to_owned()),
        }
    }

    /// The smallest answer that fits, to be changed with [`merge`] where it matters to the test.
    ///
    /// It has each required field. A schema that requires nothing, as all of Gitea's, is filled with
    /// all its fields that cannot be null. What can be null is null; a list has one entry if it is the
    /// answer, and none elsewhere.
    #[track_caller]
    pub fn example(&self, method: &str, path: &str, status: u16) -> Value {
        let operation = match self.operation(method, path) {
            Ok(operation) => operation,
            Err(why) => panic!("no example for {method} {path}: {why}"),
        };
        let response = &operation.described["responses"][status.to_string()];
        assert!(
            !response.is_null(),
            "no example for {status} to {method} {path}: the status is not described"
        );
        let Some(schema) = response.get("schema") else {
            return Value::Null;
        };
        let schema = self.resolved(schema);
        if schema["type"] == "array" {
            Value::Array(vec![self.smallest(&schema["items"], 0)])
        } else {
            self.smallest(schema, 0)
        }
    }

    /// The operation that the path means: the one with the most parts that are written out.
    fn operation<'a>(&'a self, method: &str, path: &'a str) -> Result<Operation<'a>, String> {
        if path.contains(['?', '#']) {
            return Err("the path has a query in it".to_owned());
        }
        let mut found: Option<(&Value, Vec<(&str, &str)>)> = None;
        for (template, methods) in fields(&self.root["paths"]) {
            let Some(parts) = matched(template, path) else {
                continue;
            };
            if found
                .as_ref()
                .is_none_or(|(_, best)| parts.len() < best.len())
            {
                found = Some((methods, parts));
            }
        }
        let (methods, path) = found.ok_or("the path is not described")?;
        match methods.get(method.to_ascii_lowercase()) {
            Some(described) => Ok(Operation { described, path }),
            None => Err("the method is not described".to_owned()),
        }
    }

    fn resolved<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(name) = schema["$ref"].as_str() {
            schema = &self.root["schemas"][name];
            assert!(!schema.is_null(), "the schema «{name}» is missing");
        }
        schema
    }

    fn nullable<'a>(&'a self, mut schema: &'a Value) -> bool {
        loop {
            if schema["nullable"] == true || items(&schema["enum"]).contains(&Value::Null) {
                return true;
            }
            match schema["$ref"].as_str() {
                Some(name) => schema = &self.root["schemas"][name],
                None => return false,
            }
        }
    }

    /// Whether the text of a query or a path is a value of the schema.
    fn written(&self, schema: &Value, text: &str) -> Result<(), String> {
        let kind = self.resolved(schema)["type"].as_str().unwrap_or_default();
        let value = match kind {
            "integer" | "number" | "boolean" => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
            }
            _ => Value::from(text),
        };
        self.fits(schema, &value, "the value")
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if value.is_null() && self.nullable(schema) {
            return Ok(());
        }
        let schema = self.resolved(schema);
        for part in items(&schema["allOf"]) {
            self.fits(part, value, at)?;
        }
        // That only one of oneOf may fit says nothing when more fields than described are fine.
        for choice in ["anyOf", "oneOf"] {
            let choices = items(&schema[choice]);
            let wrong: Vec<String> = choices
                .iter()
                .filter_map(|part| self.fits(part, value, at).err())
                .collect();
            if !choices.is_empty() && wrong.len() == choices.len() {
                return Err(format!("{at} is none of {choice}: {}", wrong.join("; ")));
            }
        }
        let allowed = items(&schema["enum"]);
        if !allowed.is_empty() && !allowed.contains(value) {
            let allowed = Value::from(allowed);
            return Err(format!("{at} is {value}, not one of {allowed}"));
        }
        let Some(kind) = kind(schema) else {
            return Ok(());
        };
        let right = match kind {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("the type «{other}» of {at} is unknown"),
        };
        if !right {
            return Err(format!("{at} is {}, not of type {kind}", short(value)));
        }
        if let Some(text) = value.as_str() {
            formatted(schema["format"].as_str().unwrap_or_default(), text, at)?;
        }
        for (index, item) in items(value).iter().enumerate() {
            self.fits(&schema["items"], item, &format!("{at}[{index}]"))?;
        }
        for name in items(&schema["required"]) {
            let name = name.as_str().unwrap();
            if kind == "object" && value.get(name).is_none() {
                return Err(format!("{at}.{name} is missing"));
            }
        }
        for (name, field) in fields(value) {
            if let Some(part) = schema["properties"].get(name) {
                self.fits(part, field, &format!("{at}.{name}"))?;
            }
        }
        Ok(())
    }

    fn smallest(&self, schema: &Value, depth: usize) -> Value {
        assert!(depth < DEEPEST, "a schema has no smallest value");
        if self.nullable(schema) {
            return Value::Null;
        }
        let schema = self.resolved(schema);
        if let Some(value) = items(&schema["enum"]).first() {
            return value.clone();
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(part) = items(&schema[choice]).first() {
                return self.smallest(part, depth + 1);
            }
        }
        let mut value = match kind(schema) {
            Some("string") => match schema["format"].as_str() {
                Some("date-time") => Value::from("2026-01-05T09:00:00Z"),
                Some("uri") => Value::from("https://forge.example/"),
                Some("email") => Value::from("someone@example.org"),
                _ => Value::from("text"),
            },
            Some("integer" | "number") => Value::from(1),
            Some("boolean") => Value::from(false),
            Some("array") => Value::Array(Vec::new()),
            _ => Value::Object(self.filled(schema, depth)),
        };
        for part in items(&schema["allOf"]) {
            merge(&mut value, self.smallest(part, depth + 1));
        }
        value
    }

    fn filled(&self, schema: &Value, depth: usize) -> Map<String, Value> {
        let required = items(&schema["required"]);
        fields(&schema["properties"])
            .filter(|(name, part)| {
                if required.is_empty() {
                    !self.nullable(part)
                } else {
                    required.iter().any(|required| required == name)
                }
            })
            .map(|(name, part)| (name.to_owned(), self.smallest(part, depth + 1)))
            .collect()
    }
}

/// Overwrites the fields of `value` that `with` has, object by object. All else is replaced whole.
pub fn merge(value: &mut Value, with: Value) {
    match (value, with) {
        (Value::Object(fields), Value::Object(with)) => {
            for (name, part) in with {
                merge(fields.entry(name).or_insert(Value::Null), part);
            }
        }
        (value, with) => *value = with,
    }
}

/// The parameters that a path has for a template, if it is such a path.
fn matched<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (templates, parts) = (template.split('/'), path.split('/'));
    if templates.clone().count() != parts.clone().count() {
        return None;
    }
    let mut found = Vec::new();
    for (template, part) in templates.zip(parts) {
        let name = template
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) if !part.is_empty() => found.push((name, part)),
            None if template == part => {}
            _ => return None,
        }
    }
    Some(found)
}

fn parameter<'a>(operation: &'a Value, place: &str, name: &str) -> Option<&'a Value> {
    items(&operation["parameters"])
        .iter()
        .find(|parameter| parameter["in"] == place && parameter["name"] == name)
}

/// What a schema describes. One that only names properties means an object.
fn kind(schema: &Value) -> Option<&str> {
    let objects = schema.get("properties").map(|_| "object");
    schema["type"].as_str().or(objects)
}

fn formatted(format: &str, text: &str, at: &str) -> Result<(), String> {
    let right = match format {
        "date-time" => TIME.is_match(text),
        "uri" => text.contains("://"),
        _ => true,
    };
    if right {
        Ok(())
    } else {
        Err(format!("{at} is «{text}», not of format {format}"))
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, part)| (name.as_str(), part))
}

fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        simple => simple.to_string(),
    }
}
