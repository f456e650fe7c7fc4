//! What is read of the objects of the Kubernetes API (`apps/v1`, `v1`), and what they say about a
//! rollout. Lists and maps may be `null` there, so each is an `Option`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::policy::running::WorkloadKind;
use crate::secret::shorten;

/// `Deployment`, `StatefulSet` or `DaemonSet`.
#[derive(Debug, Deserialize)]
pub(super) struct Workload {
    pub(super) kind: String,
    pub(super) metadata: Meta,
    pub(super) spec: WorkloadSpec,
    #[serde(default)]
    pub(super) status: Status,
}

/// `ObjectMeta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) generation: Option<i64>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) owner_references: Option<Vec<Owner>>,
    pub(super) creation_timestamp: Option<String>,
    pub(super) deletion_timestamp: Option<String>,
}

/// `OwnerReference`.
#[derive(Debug, Deserialize)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) controller: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkloadSpec {
    replicas: Option<i64>,
    paused: Option<bool>,
    pub(super) selector: Selector,
    pub(super) template: Template,
}

/// `LabelSelector`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Requirement>>,
}

#[derive(Debug, Deserialize)]
struct Requirement {
    key: String,
    operator: String,
    values: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Template {
    pub(super) spec: PodSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Option<Vec<Container>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Container {
    pub(super) name: String,
    #[serde(default)]
    pub(super) image: String,
}

/// The counts of all three kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    observed_generation: Option<i64>,
    replicas: Option<i64>,
    updated_replicas: Option<i64>,
    ready_replicas: Option<i64>,
    current_revision: Option<String>,
    update_revision: Option<String>,
    desired_number_scheduled: Option<i64>,
    current_number_scheduled: Option<i64>,
    updated_number_scheduled: Option<i64>,
    number_ready: Option<i64>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

/// `PodList`.
#[derive(Debug, Deserialize)]
pub(super) struct PodList {
    pub(super) kind: String,
    pub(super) metadata: ListMeta,
    pub(super) items: Option<Vec<Pod>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListMeta {
    #[serde(rename = "continue")]
    pub(super) more: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pod {
    pub(super) metadata: Meta,
    pub(super) spec: PodSpec,
    #[serde(default)]
    pub(super) status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub(super) phase: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID", default)]
    pub(super) image_id: String,
    state: Option<ContainerState>,
    pub(super) restart_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct ContainerState {
    running: Option<serde::de::IgnoredAny>,
}

impl PodStatus {
    /// What the node says of a container.
    pub(super) fn of(&self, container: &str) -> Option<&ContainerStatus> {
        let mut statuses = self.container_statuses.iter().flatten();
        statuses.find(|status| status.name == container)
    }
}

impl ContainerStatus {
    pub(super) fn is_running(&self) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| state.running.is_some())
    }
}

impl Selector {
    /// The selector as a query says it; `None` if it selects nothing in particular or has an operator
    /// that does not exist.
    pub(super) fn query(&self) -> Option<String> {
        let labels = self.match_labels.iter().flatten();
        let mut parts: Vec<String> = labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for requirement in self.match_expressions.iter().flatten() {
            let key = &requirement.key;
            let values = requirement.values.as_deref().unwrap_or_default().join(",");
            parts.push(match requirement.operator.as_str() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "Exists" => key.clone(),
                "DoesNotExist" => format!("!{key}"),
                _ => return None,
            });
        }
        let query = parts.join(",");
        (!query.is_empty() && query.len() <= 4_096).then_some(query)
    }
}

/// How far a workload is with its newest template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rollout {
    /// How many pods it wants.
    pub(super) desired: i64,
    /// How many it has.
    pub(super) present: i64,
    /// Whether all of them, and no others, are of the newest template.
    pub(super) settled: bool,
    /// What to say about it.
    pub(super) notes: Vec<String>,
}

impl Workload {
    pub(super) fn rollout(&self, kind: WorkloadKind) -> Rollout {
        let status = &self.status;
        let count = |count: Option<i64>| count.unwrap_or(0);
        let (desired, present, updated, ready) = match kind {
            WorkloadKind::DaemonSet => (
                count(status.desired_number_scheduled),
                count(status.current_number_scheduled),
                count(status.updated_number_scheduled),
                count(status.number_ready),
            ),
            WorkloadKind::Deployment | WorkloadKind::StatefulSet => (
                // The API server fills it in; 1 is what it fills in.
                self.spec.replicas.unwrap_or(1),
                count(status.replicas),
                count(status.updated_replicas),
                count(status.ready_replicas),
            ),
        };
        // A StatefulSet that has finished counts nothing as updated in some versions of Kubernetes.
        let finished = kind == WorkloadKind::StatefulSet
            && status.update_revision.is_some()
            && status.update_revision == status.current_revision;
        let updated = if finished { present } else { updated };
        let seen = match (self.metadata.generation, status.observed_generation) {
            (Some(generation), Some(observed)) => observed >= generation,
            _ => false,
        };
        let mut notes = Vec::new();
        if !seen {
            notes.push("the cluster has not looked at its latest change yet".to_owned());
        }
        if updated < desired || present > updated {
            notes.push(format!(
                "a rollout is in progress: {updated} of {desired} replicas are of the newest \
                 version, {} of an older one",
                (present - updated).max(0)
            ));
        }
        if ready < desired {
            notes.push(format!("{ready} of {desired} replicas are ready"));
        }
        if self.spec.paused == Some(true) {
            notes.push("it is paused: changes of it are not rolled out".to_owned());
        }
        for condition in status.conditions.iter().flatten() {
            if condition.r#type == "Progressing" && condition.status == "False" {
                let said = condition.message.as_deref().or(condition.reason.as_deref());
                notes.push(format!(
                    "its rollout has failed: {}",
                    shorten(said.unwrap_or("no reason is given"), 200)
                ));
            }
        }
        Rollout {
            desired,
            present,
            settled: seen && updated == desired && present == desired,
            notes,
        }
    }
}
