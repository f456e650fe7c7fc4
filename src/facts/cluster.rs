//! What a Kubernetes cluster runs, asked over its API (process.md A03, A05, A17): the workload, then
//! its pods. Only reads: `get` on the workload, `list` on the pods of its namespace.

mod container;
mod credentials;
mod object;
mod pods;

use super::api::{Endpoint, Refusal};
use super::running::{Answer, Asking, Deployed, Unanswered};
use crate::policy::running::{Workload, WorkloadKind};
use crate::registry::reference::Repository;
use object::{Pod, PodList};

pub use credentials::SERVICE_ACCOUNT;

/// The most bytes of one answer. A pod takes about ten thousand, half of them managed fields.
const LIMIT: usize = 8 * 1024 * 1024;
/// How many pods are asked for at once.
const PAGE: usize = 100;
/// How many pages are read at the most.
const PAGES: usize = 50;
/// How many names an error repeats.
const SHOWN: usize = 8;

/// Asks for one workload. `at` is where the policy names the server.
pub(super) async fn ask(asking: Asking<'_>, at: &str, workload: &Workload) -> Answer {
    let origin = format!(
        "{} `{}/{}` at `{}`",
        workload.kind.as_str(),
        workload.namespace,
        workload.name,
        workload.server.as_str().trim_end_matches('/')
    );
    let endpoint = match credentials::endpoint(&asking, at, &workload.server) {
        Ok(endpoint) => endpoint,
        Err(why) => {
            return Answer {
                origin,
                found: Err(why),
                notes: Vec::new(),
            };
        }
    };
    let question = Question {
        endpoint,
        workload,
        repo: asking.policy.repo.as_ref(),
    };
    // The client for the pod's own cluster has a time of its own, which must not end later.
    let answer = asking.client.in_the_end(question.answer()).await;
    let answer = answer.unwrap_or_else(|error| {
        let refusal = Refusal::Http(error);
        Err(question.refused(&refusal, "get", workload.kind.resource()))
    });
    match answer {
        Ok((found, notes)) => Answer {
            origin,
            found: Ok(found),
            notes,
        },
        Err(why) => Answer::failed(origin, why),
    }
}

struct Question<'a> {
    endpoint: Endpoint,
    workload: &'a Workload,
    repo: Option<&'a Repository>,
}

/// What was found, and what to say about it.
type Found = Result<(Vec<Deployed>, Vec<String>), Unanswered>;

/// The pods that the labels of a workload select.
struct Owned {
    own: Vec<Pod>,
    /// How many of them belong to something else.
    others: usize,
}

impl Question<'_> {
    async fn answer(&self) -> Found {
        let object = self.object().await?;
        let chosen = self.choose(&object.spec.template.spec)?;
        let wanted = self.deployed(&chosen, &chosen.container.image)?;
        let rollout = object.rollout(self.workload.kind);
        match self.pods(&object).await? {
            Err(refusal) => self.by_template(wanted, rollout, &refusal),
            Ok(pods) => self.by_pods(&chosen, wanted, rollout, &pods),
        }
    }

    /// The workload itself.
    async fn object(&self) -> Result<object::Workload, Unanswered> {
        let workload = self.workload;
        let (namespace, name) = (workload.namespace.as_str(), workload.name.as_str());
        let kind = workload.kind;
        let path = [
            "apis",
            "apps",
            "v1",
            "namespaces",
            namespace,
            kind.resource(),
            name,
        ];
        let object: object::Workload = self
            .endpoint
            .get(&path, &[])
            .await
            .map_err(|refusal| self.refused(&refusal, "get", kind.resource()))?;
        let meta = &object.metadata;
        if object.kind != kind.as_str() || meta.name != name || meta.namespace != namespace {
            return Err(self.garbled("its answer is about something else"));
        }
        Ok(object)
    }

    fn refused(&self, refusal: &Refusal, verb: &str, resource: &str) -> Unanswered {
        let namespace = &self.workload.namespace;
        self.endpoint.explain(refusal, |status, explained| match status {
            401 | 403 if self.endpoint.token.is_none() => {
                "set `kube_token` (from_secret) beside `policy`".to_owned()
            }
            401 => "check `kube_token`: the cluster does not take it (it may have expired)".to_owned(),
            403 => format!(
                "give this account the right to {verb} `{resource}` in the namespace `{namespace}`, by \
                 a Role and a RoleBinding there"
            ),
            404 if explained => format!(
                "check the namespace and the name in `{}`: the cluster has no such {}",
                self.endpoint.setting.trim_end_matches(".kube"),
                self.workload.kind.as_str()
            ),
            404 => self.endpoint.check_address(),
            _ => "ask who runs the cluster".to_owned(),
        })
    }

    fn garbled(&self, why: impl Into<String>) -> Unanswered {
        Unanswered::new(why, false, self.endpoint.check_address())
    }

    /// The pods that belong to the workload, or that the account may not see them.
    async fn pods(&self, object: &object::Workload) -> Result<Result<Owned, Refusal>, Unanswered> {
        let selector = object.spec.selector.query();
        let selector =
            selector.ok_or_else(|| self.garbled("its selector selects nothing that we know"))?;
        let mut restarted = false;
        loop {
            match self.list(&selector).await {
                Ok(pods) => {
                    let all = pods.len();
                    let own = pods.into_iter().filter(|pod| self.owns(object, pod));
                    let own: Vec<Pod> = own.collect();
                    let others = all - own.len();
                    return Ok(Ok(Owned { own, others }));
                }
                // The list is older than the cluster remembers; a new one is not.
                Err(refusal) if refusal.status() == Some(410) && !restarted => restarted = true,
                Err(refusal) if refusal.status() == Some(403) => {
                    return Ok(Err(refusal));
                }
                Err(refusal) => {
                    let mut why = self.refused(&refusal, "list", "pods");
                    why.because = format!("its pods could not be listed: {}", why.because);
                    return Err(why);
                }
            }
        }
    }

    async fn list(&self, selector: &str) -> Result<Vec<Pod>, Refusal> {
        let path = ["api", "v1", "namespaces", &self.workload.namespace, "pods"];
        let page = PAGE.to_string();
        let mut pods = Vec::new();
        let mut more: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("labelSelector", selector), ("limit", page.as_str())];
            if let Some(more) = &more {
                query.push(("continue", more));
            }
            let list: PodList = self.endpoint.get(&path, &query).await?;
            if list.kind != "PodList" {
                return Err(Refusal::Garbled("its answer is no list of pods".to_owned()));
            }
            pods.extend(list.items.unwrap_or_default());
            more = list.metadata.more.filter(|more| !more.is_empty());
            if more.is_none() {
                return Ok(pods);
            }
        }
        let why = format!(
            "it has more than {} pods, or its list does not end",
            PAGE * PAGES
        );
        Err(Refusal::Garbled(why))
    }

    /// Whether a pod is the workload's. Labels alone do not say so: another workload may have the same.
    /// The pods of a Deployment belong to ReplicaSets, which are called after it and the hash of their
    /// template; their own owner is not asked for, because that would need one more right.
    fn owns(&self, object: &object::Workload, pod: &Pod) -> bool {
        if pod.metadata.namespace != self.workload.namespace {
            return false;
        }
        let owners = pod.metadata.owner_references.iter().flatten();
        let mut controllers = owners.filter(|owner| owner.controller == Some(true));
        let Some(owner) = controllers.next() else {
            return false;
        };
        if self.workload.kind == WorkloadKind::Deployment {
            let labels = pod.metadata.labels.as_ref();
            let hash = labels.and_then(|labels| labels.get("pod-template-hash"));
            let set = hash.map(|hash| format!("{}-{hash}", self.workload.name));
            return owner.kind == "ReplicaSet" && Some(&owner.name) == set.as_ref();
        }
        owner.kind == self.workload.kind.as_str() && owner.uid == object.metadata.uid
    }
}
