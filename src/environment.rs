//! The environment as the kernel hands it over: names that stand twice, values that are no UTF-8.
//!
//! Drone appends secrets behind the plain variables, so one name can stand there twice with two
//! values; which one a program sees is left to its runtime. We look at all of them.

use std::ffi::OsString;

use crate::problem::Problem;

/// Every variable, in order, doubles included.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Vec<(String, Value)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// No UTF-8; kept with replacement characters, to look for hotfix names in.
    Broken(String),
}

/// What one name has for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    /// The variable is not there.
    Absent,
    /// It is there once, or several times with the same value; the value may be empty.
    Text(&'a str),
    /// It is there with two different values.
    Twice,
    /// Its value is no UTF-8.
    Broken,
}

impl Environment {
    /// A variable by which the C library lets the environment decide what host names mean, if one is
    /// there. A promotion parameter can bring it.
    pub fn decides_host_names(&self) -> Option<&'static str> {
        let names = [
            "HOSTALIASES",
            "LOCALDOMAIN",
            "RES_OPTIONS",
            "RESOLV_HOST_CONF",
        ];
        names
            .into_iter()
            .find(|name| self.read(name) != Reading::Absent)
    }

    /// Takes over the variables of a process.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let value = |value: OsString| match value.into_string() {
            Ok(text) => Value::Text(text),
            Err(broken) => Value::Broken(broken.to_string_lossy().into_owned()),
        };
        let variables = variables
            .into_iter()
            .map(|(name, text)| (name.to_string_lossy().into_owned(), value(text)))
            .collect();
        Self { variables }
    }

    /// What a name has for a value.
    pub fn read(&self, name: &str) -> Reading<'_> {
        let mut found = Reading::Absent;
        for (_, value) in self.variables.iter().filter(|(known, _)| known == name) {
            let Value::Text(text) = value else {
                return Reading::Broken;
            };
            found = match found {
                Reading::Text(before) if before != text => return Reading::Twice,
                _ => Reading::Text(text),
            };
        }
        found
    }

    /// The value of a variable that decides; `None` if it is absent or empty.
    ///
    /// # Errors
    /// If it stands there twice with different values, or is no UTF-8.
    pub fn decided(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.read(name) {
            Reading::Absent | Reading::Text("") => Ok(None),
            Reading::Text(text) => Ok(Some(text)),
            Reading::Twice => Err(Problem::new(
                name,
                "two different values in the environment of the step",
                "one",
            )
            .next(
                "a parameter of a promotion or custom build has the name of a secret or setting; \
                 start it again without that parameter",
            )),
            Reading::Broken => Err(Problem::new(
                name,
                "bytes that are no UTF-8",
                "text in UTF-8",
            )),
        }
    }

    /// The names of all variables, each once, in order of first appearance.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (name, _) in &self.variables {
            if seen.insert(name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Every value of every variable, doubles included; what is no UTF-8 with replacements.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| match value {
            Value::Text(text) | Value::Broken(text) => (name.as_str(), text.as_str()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn environment(variables: &[(&str, &[u8])]) -> Environment {
        Environment::new(
            variables
                .iter()
                .map(|(n, v)| ((*n).into(), OsString::from_vec(v.to_vec()))),
        )
    }

    #[test]
    fn doubles_and_broken_values_are_seen() {
        let e = environment(&[
            ("A", b"1"),
            ("B", b"\xff"),
            ("A", b"1"),
            ("C", b"x"),
            ("C", b""),
            ("D", b""),
        ]);
        assert_eq!(e.read("A"), Reading::Text("1"));
        assert_eq!(e.read("B"), Reading::Broken);
        assert_eq!(e.read("C"), Reading::Twice);
        assert_eq!(e.read("a"), Reading::Absent);
        assert_eq!(e.decided("D"), Ok(None));
        assert_eq!(e.decided("A"), Ok(Some("1")));
        assert!(
            e.decided("C")
                .unwrap_err()
                .found
                .contains("two different values")
        );
        assert_eq!(e.names(), ["A", "B", "C", "D"]);
        assert_eq!(e.values().count(), 6);
    }
}
