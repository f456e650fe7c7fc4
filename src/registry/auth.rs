//! How a registry asks who we are: `WWW-Authenticate` (RFC 9110 §11.6.1).

/// One challenge of a `WWW-Authenticate` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// How to answer, in small letters: `basic`, `bearer`.
    pub scheme: String,
    /// What goes with it: names in small letters, values without their quotes.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads a `WWW-Authenticate` header, which may hold several challenges (RFC 9110 §11.6.1).
/// What cannot be read is left out.
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        let tail = tail.trim_start_matches([' ', '\t']);
        if let Some(value) = tail.strip_prefix('=') {
            let (value, tail) = parameter_value(value.trim_start_matches([' ', '\t']));
            if let Some(challenge) = found.last_mut() {
                challenge
                    .parameters
                    .push((word.to_ascii_lowercase(), value));
            }
            rest = tail;
        } else {
            found.push(Challenge {
                scheme: word.to_ascii_lowercase(),
                parameters: Vec::new(),
            });
            rest = tail;
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    found
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(header: &str, expected: &[(&str, &[(&str, &str)])]) {
        let expected: Vec<Challenge> = expected
            .iter()
            .map(|(scheme, parameters)| Challenge {
                scheme: (*scheme).to_owned(),
                parameters: parameters
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                    .collect(),
            })
            .collect();
        assert_eq!(challenges(header), expected);
    }

    #[test]
    fn challenges_are_read_as_servers_write_them() {
        case("Basic realm=\"x\"", &[("basic", &[("realm", "x")])]);
        case(
            r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:a:pull,push""#,
            &[(
                "bearer",
                &[
                    ("realm", "https://auth.example/token"),
                    ("service", "reg"),
                    ("scope", "repository:a:pull,push"),
                ],
            )],
        );
        case(
            r#"Bearer realm="a", Basic realm="b \"c\"" , Negotiate"#,
            &[
                ("bearer", &[("realm", "a")]),
                ("basic", &[("realm", "b \"c\"")]),
                ("negotiate", &[]),
            ],
        );
        case(
            "BEARER Realm = x , service=y",
            &[("bearer", &[("realm", "x"), ("service", "y")])],
        );
        case("", &[]);
        case("=,=", &[]);
        case("Bearer realm=\"open", &[("bearer", &[("realm", "open")])]);
    }
}
