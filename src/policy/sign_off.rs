//! `policy.sign_off`: how people say that a hotfix was tested and may go to production (A34, B15).

use super::read::Table;
use super::targets::{Class, Targets};
use crate::problem::Problem;

/// A promotion to this target by one of these people accepts the promoted digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOff {
    /// The target, compared as `policy.targets` is.
    pub target: String,
    /// Logins in the CI server.
    pub who: Vec<String>,
}

/// Reads the key.
pub(super) fn read(
    policy: &Table<'_>,
    targets: &Targets,
    problems: &mut Vec<Problem>,
) -> Option<SignOff> {
    let at = policy.at("sign_off");
    let node = policy.get("sign_off")?;
    let table = Table::read(&at, node, &["target", "who"], problems);
    let target = table.parsed(
        "target",
        "the name of a target, such as `sign-off`",
        problems,
        |text| {
            let name = text.trim();
            if !name.is_empty()
                && name
                    .bytes()
                    .all(|b| (b'!'..=b'~').contains(&b) && b != b'*')
            {
                Ok(name.to_owned())
            } else {
                Err("targets are plain ASCII without blanks and patterns".to_owned())
            }
        },
    );
    let who = table.list("who", problems);
    for key in ["target", "who"] {
        if table.get(key).is_none() {
            problems.push(Problem::new(
                table.at(key),
                "nothing",
                "both `target` and `who`",
            ));
        }
    }
    if who.as_ref().is_some_and(Vec::is_empty) {
        problems.push(Problem::new(
            table.at("who"),
            "an empty list",
            "logins in the CI server",
        ));
    }
    for who in who.iter().flatten().filter(|who| who.starts_with('@')) {
        problems.push(Problem::new(
            table.at("who"),
            format!("`{who}`"),
            "people: `@hook` and `@cron` are no logins",
        ));
    }
    // Who promotes there only says something: nothing is deployed, and nothing else may decide it.
    let class = target.as_deref().map(|name| (name, targets.class(name)));
    if let Some((name, class @ (Class::Qa | Class::Production))) = class {
        problems.push(
            Problem::new(
                table.at("target"),
                format!("`{name}`, which is {}", class.describe()),
                "a target that is neither QA nor production",
            )
            .next("give it a name of its own, such as `sign-off`, or narrow `policy.targets`"),
        );
    }
    Some(SignOff {
        target: target?,
        who: who?,
    })
}
