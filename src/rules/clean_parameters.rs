//! Nobody has brought settings along with a promotion.

use super::{Asks, Judges, OwnLevel, Rule, known, promotion};
use crate::ci::Event;
use crate::facts::reason::{PARAMETER, Reason};
use crate::facts::{Facts, shorten};
use crate::verdict::{Level, Outcome, Step};

pub(super) const RULE: Rule = Rule {
    id: "clean-parameters",
    level: OwnLevel::Is(Level::Must),
    judges: Judges::All,
    events: &[Event::Promote, Event::Rollback],
    asks: &[Asks::Before],
    promise: "The parameters of a promotion are no settings and no variables of the CI server, and hold no hidden characters.",
    why: "T6 of process.md §4, drone.md §3: every parameter becomes a variable of every step, and is put as \
          text into the pipeline file; a `PLUGIN_*` configures whatever step leaves that setting out, and a \
          line break adds lines to the file",
    notes: "Asked of the Drone server, because in the environment a parameter looks like what an \
            administrator has set. Names count in any case. A name of `policy.version_params` may begin \
            with `DRONE_` or `CI_`. Drone copies the parameters of the promoted build, so they may be \
            inherited.",
    evaluate,
};

/// What the names of settings and of the server's own variables begin with.
const RESERVED: [&str; 3] = ["PLUGIN_", "DRONE_", "CI_"];

fn evaluate(facts: &Facts<'_>) -> Outcome {
    judge(facts).unwrap_or_else(|outcome| outcome)
}

fn judge(facts: &Facts<'_>) -> Result<Outcome, Outcome> {
    let promotion = promotion(facts)?;
    let own = &known(&promotion.before)?.own;
    let reserved = |name: &str| {
        let upper = name.trim().to_ascii_uppercase();
        RESERVED.iter().any(|prefix| upper.starts_with(prefix))
            && !facts
                .policy
                .version_params
                .iter()
                .any(|known| known == name)
    };
    let names = own.params.keys();
    let taken: Vec<&String> = names.filter(|name| reserved(name)).collect();
    let hidden: Vec<&String> = own
        .params
        .iter()
        .filter(|(name, text)| name.chars().chain(text.chars()).any(is_hidden))
        .map(|(name, _)| name)
        .collect();
    if let Some((name, there)) = own.params.iter().find(|(name, text)| {
        facts.policy.version_params.contains(name)
            && !text.is_empty()
            && !promotion
                .versions
                .iter()
                .any(|one| one.name == **name && one.text == **text)
    }) {
        return Ok(Outcome::Violation {
            found: format!(
                "the promotion was started with `{name}={}`, and this step sees another value",
                shorten(there)
            ),
            expected:
                "the same value in every step: another step may deploy what was not judged here"
                    .to_owned(),
            next: vec![Step::Say(format!(
                "take `{name}` out of `environment` in the pipeline file, and promote again"
            ))],
        });
    }
    if let Reason::Given(here) = &facts.reason
        && own.params.get(PARAMETER).is_some_and(|there| there != here)
    {
        return Ok(Outcome::Violation {
            found: format!("a `{PARAMETER}` in this step that is not the one of the promotion"),
            expected: "the reason of the person who has started the promotion".to_owned(),
            next: vec![Step::Say(format!(
                "take `{PARAMETER}` out of `environment` in the pipeline file, and promote again"
            ))],
        });
    }
    if taken.is_empty() && hidden.is_empty() {
        return Ok(Outcome::Pass {
            because: match own.params.len() {
                0 => "it was started without parameters".to_owned(),
                count => format!("{count} parameters, none of them a setting"),
            },
            note: None,
        });
    }
    let mut found = Vec::new();
    if !taken.is_empty() {
        found.push(format!("the parameters {}", list(&taken)));
    }
    if !hidden.is_empty() {
        found.push(format!(
            "control or line-break characters in {}",
            list(&hidden)
        ));
    }
    Ok(Outcome::Violation {
        found: found.join(", and "),
        expected: "parameters that say what is deployed, and nothing that configures a step or changes \
                   the pipeline file"
            .to_owned(),
        next: vec![Step::Say(
            "promote again without them; if they come from the promoted build, promote the build that was \
             started by the push"
                .to_owned(),
        )],
    })
}

/// Characters that end a line in YAML, control characters, and those that nobody sees.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn list(names: &[&String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{}`", shorten(name)))
        .collect();
    match names.len().saturating_sub(5) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
