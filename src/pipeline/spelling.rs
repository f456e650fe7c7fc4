//! Conditions that do not say what they seem to say.

use super::Pipeline;
use super::condition::{Condition, Conditions, Field, Ignored};
use super::weakness::{Context, Kind, Weakness, list};
use crate::ci::Platform;

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let mut found = Vec::new();
    for pipeline in context.pipelines {
        for conditions in &pipeline.trigger {
            check(context, pipeline, None, conditions, &mut found);
        }
        for step in &pipeline.steps {
            for conditions in &step.when {
                check(context, pipeline, Some(&step.name), conditions, &mut found);
            }
        }
    }
    found
}

fn check(
    context: &Context<'_>,
    pipeline: &Pipeline,
    step: Option<&str>,
    conditions: &Conditions,
    found: &mut Vec<Weakness>,
) {
    let mut add = |kind, line, what: String, advice: String| {
        let of = match step {
            Some(step) => format!("of the step {}", list(&[step])),
            None => format!("of the pipeline {}", list(&[&pipeline.name])),
        };
        found.push(Weakness {
            kind,
            file: pipeline.file.clone(),
            line,
            pipeline: Some(pipeline.name.clone()),
            steps: step.map(str::to_owned).into_iter().collect(),
            what: what.replace("{of}", &of),
            advice,
        });
    };
    for ignored in &conditions.ignored {
        let (what, advice) = ignored_words(context, ignored);
        add(Kind::IgnoredCondition, ignored.line, what, advice);
    }
    for (field, beginning) in [(Field::Branch, ""), (Field::Ref, "refs/heads/")] {
        let Some(condition) = conditions.get(field) else {
            continue;
        };
        for prefix in context.policy.prefixes.plain() {
            let prefix = format!("{beginning}{prefix}");
            if let Some((pattern, better)) = shallow(condition, &prefix) {
                let what = format!(
                    "the condition `{}` {{of}}: {} misses `{prefix}a/b`, because `*` stops at a slash",
                    field.key(),
                    list(&[&pattern])
                );
                add(
                    Kind::ShallowGlob,
                    condition.line,
                    what,
                    format!("write `{better}` instead"),
                );
            }
        }
    }
}

fn ignored_words(context: &Context<'_>, ignored: &Ignored) -> (String, String) {
    let server = context.platform.name();
    let key = list(&[&ignored.key]);
    if ignored.shape {
        return (
            format!(
                "the condition {key} {{of}} is no list, so {server} passes over it without a word and lets everything run"
            ),
            "write it as a list, such as `[main]`".to_owned(),
        );
    }
    let advice = match (ignored.key.as_str(), context.platform) {
        ("environment", Platform::Drone) => {
            "write `target`; `environment` was its name in Drone 0.8".to_owned()
        }
        ("environment" | "target", Platform::Woodpecker) => {
            "write `evaluate: 'CI_PIPELINE_DEPLOY_TARGET == \"…\"'`".to_owned()
        }
        (key, _) => match Field::ALL
            .iter()
            .find(|field| field.key().eq_ignore_ascii_case(key))
        {
            Some(field) if field.key() != key => format!("write `{}`, in lower case", field.key()),
            _ => format!("take it out, or write a condition that {server} knows"),
        },
    };
    (
        format!(
            "the condition {key} {{of}} is none that {server} knows; it passes over it without a word, as if it were not there"
        ),
        advice,
    )
}

/// A pattern that takes hotfix branches with one name behind the prefix and not those with two, and
/// what to write instead.
fn shallow(condition: &Condition, prefix: &str) -> Option<(String, String)> {
    let (one, two) = (format!("{prefix}zq9"), format!("{prefix}zq9/zq8"));
    if condition.admits(&one)? == condition.admits(&two)? {
        return None;
    }
    let patterns = condition.include.iter().chain(&condition.exclude);
    let pattern = patterns
        .filter(|pattern| {
            let matches = |name: &str| super::glob::matches(pattern, name) == Some(true);
            matches(&one) && !matches(&two)
        })
        .min_by_key(|pattern| !pattern.starts_with(prefix))?;
    let better = match prefix.strip_suffix('/') {
        Some(_) => format!("{prefix}**"),
        // `**` counts only between slashes.
        None => format!("{prefix}*` and `{prefix}*/**"),
    };
    Some((pattern.clone(), better))
}
