//! Gates that stop nothing.

use super::weakness::{Context, Kind, Weakness, list, of_step};
use super::{Pipeline, Step};

/// Finds them.
pub(super) fn find(context: &Context<'_>) -> Vec<Weakness> {
    let gates = context
        .steps()
        .filter(|(at, ..)| context.gates.contains(at));
    gates
        .flat_map(|(_, pipeline, step)| toothless(context, pipeline, step))
        .collect()
}

/// What makes a gate stop nothing.
fn toothless(context: &Context<'_>, pipeline: &Pipeline, step: &Step) -> Vec<Weakness> {
    let name = list(&[&step.name]);
    let mut found = Vec::new();
    if let Some(line) = step.ignores_failure {
        let what = format!("`failure: ignore` on the gate {name}: what it refuses goes on");
        found.push(of_step(
            Kind::IgnoresFailure,
            pipeline,
            step,
            line,
            what,
            "take `failure` off the gate",
        ));
    }
    if let Some(line) = step.detached {
        let what = format!("`detach: true` on the gate {name}: nothing waits for its answer");
        found.push(of_step(
            Kind::Detached,
            pipeline,
            step,
            line,
            what,
            "take `detach` off the gate",
        ));
    }
    let policy = step.setting("policy", context.platform);
    if let Some(fields) = policy
        .as_ref()
        .and_then(|policy| policy.fields(context.platform).ok())
        && fields
            .get("enforce")
            .is_some_and(|enforce| enforce.flag() == Some(false))
    {
        let line = fields.line("enforce").unwrap_or(step.line);
        let what = format!(
            "`enforce: false` in the policy of the gate {name}: it judges and stops nothing"
        );
        let advice = "take `enforce: false` out when the trial is over";
        found.push(of_step(
            Kind::NotEnforced,
            pipeline,
            step,
            line,
            what,
            advice,
        ));
    }
    found
}
