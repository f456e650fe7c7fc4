//! Which steps are this gate.

use super::order::At;
use super::{Pipeline, Step};
use crate::ci::Platform;
use crate::secret::shorten;

/// The step that runs now, as far as the server names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Running<'a> {
    /// Its pipeline (`DRONE_STAGE_NAME`) or workflow (`CI_WORKFLOW_NAME`).
    pub pipeline: Option<&'a str>,
    /// Its name (`DRONE_STEP_NAME`, `CI_STEP_NAME`).
    pub step: Option<&'a str>,
}

/// Every gate: a step with the setting `policy`, which is required, and with the image's own
/// program. If the server names the step that runs, its image is ours, and other images that have a
/// setting of that name are none.
///
/// # Errors
/// Why there is none, although one is running.
pub fn find(
    pipelines: &[Pipeline],
    running: Running<'_>,
    platform: Platform,
) -> Result<Vec<At>, String> {
    let all = || {
        pipelines.iter().enumerate().flat_map(|(p, pipeline)| {
            let steps = pipeline.steps.iter().enumerate();
            steps.map(move |(s, step)| ((p, s), pipeline, step))
        })
    };
    let looks =
        |step: &Step| !step.service && !step.replaced && step.setting("policy", platform).is_some();
    let Some(name) = running.step else {
        let gates: Vec<At> = all()
            .filter(|(_, _, step)| looks(step))
            .map(|(at, ..)| at)
            .collect();
        return if gates.is_empty() {
            Err("no step in it has the setting `policy`, though this one does; it is not the file that runs".to_owned())
        } else {
            Ok(gates)
        };
    };
    let is_running = |pipeline: &Pipeline, step: &Step| {
        step.name == name
            && running
                .pipeline
                .is_none_or(|wanted| wanted == pipeline.name)
    };
    let ours: Vec<&str> = all()
        .filter(|(_, pipeline, step)| is_running(pipeline, step))
        .map(|(.., step)| step.repository())
        .collect();
    if ours.is_empty() {
        let of = running
            .pipeline
            .map(|name| format!(" of the pipeline `{}`", shorten(name, 60)));
        return Err(format!(
            "the step `{}`{}, which is running, is not in it; it is not the file that runs",
            shorten(name, 60),
            of.unwrap_or_default()
        ));
    }
    let gates = all().filter(|(_, pipeline, step)| {
        is_running(pipeline, step) || looks(step) && ours.contains(&step.repository())
    });
    Ok(gates.map(|(at, ..)| at).collect())
}
