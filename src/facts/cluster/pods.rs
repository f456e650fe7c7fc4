//! What runs, by the pods of a workload, or by its template where the pods may not be seen.

use std::collections::HashSet;

use super::super::api::{Refusal, utc};
use super::super::running::{Deployed, Unanswered};
use super::container::Chosen;
use super::object::{Pod, Rollout};
use super::{Found, Owned, Question, SHOWN};
use crate::facts::shorten;
use crate::registry::reference::Digest;

impl Question<'_> {
    /// The answer where the pods may not be seen: what the template says, if nothing else can run.
    pub(super) fn by_template(
        &self,
        wanted: Deployed,
        rollout: Rollout,
        refusal: &Refusal,
    ) -> Found {
        let forbidden = self.refused(refusal, "list", "pods");
        if !rollout.settled {
            return Err(Unanswered::new(
                format!(
                    "{}; which versions run meanwhile only its pods say, and this account may not \
                     list them",
                    rollout.notes.join("; ")
                ),
                true,
                format!("wait until the rollout is over, or {}", forbidden.advice),
            ));
        }
        let mut notes = rollout.notes;
        notes.push(format!(
            "this account may not list its pods, so this is what its template says, not what was seen \
             running; to have it seen, {}",
            forbidden.advice
        ));
        let runs = rollout.desired > 0;
        if !runs {
            notes.push(scaled_down(&wanted));
        }
        Ok((vec![Deployed { runs, ..wanted }], notes))
    }

    /// The answer by what the pods of the workload run.
    pub(super) fn by_pods(
        &self,
        chosen: &Chosen<'_>,
        wanted: Deployed,
        rollout: Rollout,
        pods: &Owned,
    ) -> Found {
        if i64::try_from(pods.own.len()).is_ok_and(|seen| seen < rollout.present) {
            return Err(Unanswered::new(
                format!(
                    "it has {} replicas, but only {} of the pods that its labels select are known to \
                     be its own",
                    rollout.present,
                    pods.own.len()
                ),
                true,
                "run the step again; if it stays so, look at the owners of its pods with `kubectl get \
                 pods -o yaml`, or write the version into `policy.running`",
            ));
        }
        let mut notes = rollout.notes.clone();
        match pods.others {
            0 => {}
            1 => notes.push(
                "1 more pod has its labels and belongs to something else; it was not looked at"
                    .to_owned(),
            ),
            others => notes.push(format!(
                "{others} more pods have its labels and belong to something else; they were not \
                 looked at"
            )),
        }
        // Pods that have ended stay in the list until somebody clears them away.
        let alive = |pod: &&Pod| {
            let phase = pod.status.phase.as_deref();
            !matches!(phase, Some("Succeeded" | "Failed"))
        };
        let mut found: Vec<Deployed> = Vec::new();
        for pod in pods.own.iter().filter(alive) {
            let here = self.of_pod(chosen, pod, &mut notes)?;
            let same =
                |known: &&mut Deployed| known.text == here.text && known.digest == here.digest;
            match found.iter_mut().find(same) {
                Some(known) => {
                    known.runs |= here.runs;
                    known.since = earlier(known.since.take(), here.since);
                }
                None => found.push(here),
            }
        }
        if !found.iter().any(|known| known.text == wanted.text) {
            let template = if rollout.settled && !found.is_empty() {
                notes.push(
                    "its pods have another image than its template: something in the cluster changes \
                     images when pods are made"
                        .to_owned(),
                );
                Deployed {
                    runs: true,
                    ..wanted
                }
            } else {
                if rollout.desired == 0 && found.is_empty() {
                    notes.push(scaled_down(&wanted));
                } else {
                    notes.push(format!(
                        "`{}` is on its way; no pod of it is there yet",
                        shorten(&wanted.text)
                    ));
                }
                wanted
            };
            found.push(template);
        }
        let running = found.iter().filter(|known| known.runs);
        let texts: HashSet<&str> = running.clone().map(|known| known.text.as_str()).collect();
        if texts.len() > 1 && !rollout.settled {
            notes.push(format!("{} versions run at the same time", texts.len()));
        } else if texts.len() == 1 && running.count() > 1 {
            notes.push(
                "the same reference runs with several digests: its tag has moved, and pods that were \
                 started later run other code"
                    .to_owned(),
            );
        }
        Ok((found, notes))
    }

    /// What one pod runs.
    fn of_pod(
        &self,
        chosen: &Chosen<'_>,
        pod: &Pod,
        notes: &mut Vec<String>,
    ) -> Result<Deployed, Unanswered> {
        let name = &chosen.container.name;
        let pod_name = shorten(&pod.metadata.name);
        let mut containers = pod.spec.containers.iter();
        let container = containers.find(|container| container.name == *name);
        let container = container.ok_or_else(|| {
            Unanswered::new(
                format!(
                    "pod `{pod_name}` of it has no container `{name}`, so what it runs is not known"
                ),
                true,
                "wait until the rollout is over and run the step again",
            )
        })?;
        let mut here = self.deployed(chosen, &container.image)?;
        here.since = pod.metadata.creation_timestamp.as_deref().and_then(utc);
        let status = pod.status.of(name);
        if let Some(status) = status {
            here.runs = status.is_running();
            // The digest in the reference is what was asked for; the node says the same or nothing.
            here.digest = here.digest.or_else(|| digest_of_image_id(&status.image_id));
        }
        if !here.runs && notes.len() < 2 * SHOWN {
            let restarts = status.and_then(|status| status.restart_count).unwrap_or(0);
            let restarts = match restarts {
                ..=0 => String::new(),
                1 => " (it was restarted once)".to_owned(),
                restarts => format!(" (it was restarted {restarts} times)"),
            };
            notes.push(format!(
                "the container `{name}` of pod `{pod_name}` does not run now{restarts}"
            ));
        }
        if pod.metadata.deletion_timestamp.is_some() && notes.len() < 2 * SHOWN {
            notes.push(format!("pod `{pod_name}` is being shut down"));
        }
        Ok(here)
    }
}

fn scaled_down(wanted: &Deployed) -> String {
    format!(
        "it is scaled to 0 replicas, so nothing runs; with replicas it would run `{}`",
        shorten(&wanted.text)
    )
}

/// The earlier of two times in the same form.
fn earlier(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The digest of the manifest in an `imageID`: `quay.io/a/b@sha256:…`, by the docker shim with
/// `docker-pullable://` in front. A digest alone is the id of the node's own copy (the digest of the
/// image's configuration), which no registry knows as a manifest.
fn digest_of_image_id(id: &str) -> Option<Digest> {
    let (name, digest) = id.rsplit_once('@')?;
    (!name.is_empty()).then(|| Digest::parse(digest))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_digest_of_a_repository_is_a_manifests() {
        let hex = "b".repeat(64);
        let digest = Digest::parse(&format!("sha256:{hex}"));
        for id in ["quay.io/a/b", "docker-pullable://quay.io/a/b"] {
            assert_eq!(digest_of_image_id(&format!("{id}@sha256:{hex}")), digest);
        }
        for id in [
            "",
            &hex,
            &format!("sha256:{hex}"),
            &format!("docker://sha256:{hex}"),
            "a@b",
        ] {
            assert_eq!(digest_of_image_id(id), None, "{id}");
        }
    }
}
