//! Workloads that change: rollouts, what cannot start, what sleeps, and what the account may not see.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};

use super::cluster::{id, tagged, two_pods};
use super::*;
use crate::support::kubernetes::{
    DEPLOYMENT, PODS, STATEFUL_SET, cluster, deployment, list, object, pod, pod_of, refusal,
    stateful_set, waiting,
};
use crate::support::scripted::{Answer, Script};

#[test]
fn a_rollout_in_progress_runs_several_versions() {
    let mut rolling = deployment(&tagged("2"));
    let status = rolling.status.as_mut().unwrap();
    status.replicas = Some(3);
    status.updated_replicas = Some(1);
    let pods = [
        pod(1, "aaa", &tagged("1"), &id('a')),
        pod(2, "aaa", &tagged("1"), &id('a')),
        pod(3, "bbb", &tagged("2"), &id('b')),
    ];
    let server = cluster(&rolling, &pods).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(
        texts(&deployed),
        [(&*tagged("1"), true), (&*tagged("2"), true)]
    );
    notes(
        &target,
        &[
            "a rollout is in progress: 1 of 2 replicas are of the newest version, 2 of an older one",
            "2 versions run at the same time",
        ],
    );
}

#[test]
fn a_version_that_cannot_start_is_on_its_way_and_does_not_run() {
    let mut stuck = deployment(&tagged("2"));
    let status = stuck.status.as_mut().unwrap();
    status.replicas = Some(3);
    status.updated_replicas = Some(1);
    status.conditions = Some(vec![DeploymentCondition {
        type_: "Progressing".into(),
        status: "False".into(),
        reason: Some("ProgressDeadlineExceeded".into()),
        message: Some("ReplicaSet \"service-bbb\" has timed out progressing.".into()),
        ..DeploymentCondition::default()
    }]);
    let pods = [
        pod(1, "aaa", &tagged("1"), &id('a')),
        pod(2, "aaa", &tagged("1"), &id('a')),
        waiting(pod(3, "bbb", &tagged("2"), ""), 4),
    ];
    let server = cluster(&stuck, &pods).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(
        texts(&deployed),
        [(&*tagged("1"), true), (&*tagged("2"), false)]
    );
    notes(
        &target,
        &[
            "its rollout has failed: ReplicaSet \"service-bbb\" has timed out progressing.",
            "pod `service-bbb-3` does not run now (it was restarted 4 times)",
        ],
    );
}

#[test]
fn a_change_that_is_not_rolled_out_is_on_its_way() {
    // Not looked at yet.
    let mut new = deployment(&tagged("2"));
    new.metadata.generation = Some(4);
    // Paused.
    let mut paused = deployment(&tagged("2"));
    paused.spec.as_mut().unwrap().paused = Some(true);
    paused.status.as_mut().unwrap().updated_replicas = None;
    for (object, said) in [
        (new, "has not looked at its latest change yet"),
        (paused, "it is paused"),
    ] {
        let server = cluster(&object, &two_pods(&tagged("1"))).start();
        let (target, deployed) = Step::deployment(&server.address()).known();
        assert_eq!(
            texts(&deployed),
            [(&*tagged("1"), true), (&*tagged("2"), false)]
        );
        notes(&target, &[said, "is on its way; no pod of it is there yet"]);
    }
}

#[test]
fn a_tag_that_has_moved_runs_with_two_digests() {
    let image = tagged("branch-hotfix_EX-1");
    let pods = [
        pod(1, "aaa", &image, &id('a')),
        pod(2, "aaa", &image, &id('b')),
    ];
    let server = cluster(&deployment(&image), &pods).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*image, true), (&*image, true)]);
    assert_ne!(deployed[0].digest, deployed[1].digest);
    notes(&target, &["several digests: its tag has moved"]);
}

#[test]
fn images_that_the_cluster_has_changed_are_said() {
    let pinned = id('a');
    let server = cluster(&deployment(&tagged("1")), &two_pods(&pinned)).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*pinned, true), (&*tagged("1"), true)]);
    notes(&target, &["another image than its template"]);
}

#[test]
fn nothing_runs_without_replicas() {
    let mut asleep = deployment(&tagged("1"));
    asleep.spec.as_mut().unwrap().replicas = Some(0);
    let status = asleep.status.as_mut().unwrap();
    (
        status.replicas,
        status.updated_replicas,
        status.ready_replicas,
    ) = (None, None, None);
    let server = cluster(&asleep, &[]).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*tagged("1"), false)]);
    notes(&target, &["it is scaled to 0 replicas, so nothing runs"]);
}

#[test]
fn a_stateful_set_in_the_middle_of_a_partition_runs_two_versions() {
    let mut half = stateful_set(&tagged("2"));
    half.spec.as_mut().unwrap().replicas = Some(2);
    let status = half.status.as_mut().unwrap();
    (status.replicas, status.ready_replicas) = (2, Some(2));
    (status.updated_replicas, status.update_revision) = (Some(1), Some("service-2".into()));
    let pods = [
        pod_of("StatefulSet", "uid-set", &tagged("1"), &id('a')),
        pod_of("StatefulSet", "uid-set", &tagged("2"), &id('b')),
    ];
    let server = Script::new()
        .on("GET", STATEFUL_SET, object(&half))
        .on("GET", PODS, Answer::status(200).json(&list(&pods, None)))
        .start();
    let (target, deployed) = Step::workload(&server.address(), "statefulset").known();
    assert_eq!(
        texts(&deployed),
        [(&*tagged("1"), true), (&*tagged("2"), true)]
    );
    notes(&target, &["1 of 2 replicas are of the newest version"]);
}

#[test]
fn without_the_right_to_list_pods_the_template_speaks_for_a_settled_workload() {
    let forbidden = || {
        refusal(
            403,
            "Forbidden",
            "pods is forbidden: User \"ci\" cannot list",
        )
    };
    let start = |deployment: &Deployment| {
        Script::new()
            .on("GET", DEPLOYMENT, object(deployment))
            .on("GET", PODS, forbidden())
            .start()
    };
    let server = start(&deployment(&tagged("1")));
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*tagged("1"), true)]);
    notes(
        &target,
        &["may not list its pods", "the right to list `pods`"],
    );

    let mut rolling = deployment(&tagged("1"));
    rolling.status.as_mut().unwrap().updated_replicas = Some(1);
    let server = start(&rolling);
    Step::deployment(&server.address()).unknown(
        &[
            "a rollout is in progress",
            "may not list them",
            "wait until the rollout is over",
        ],
        true,
    );

    let mut asleep = deployment(&tagged("1"));
    asleep.spec.as_mut().unwrap().replicas = Some(0);
    let status = asleep.status.as_mut().unwrap();
    (
        status.replicas,
        status.updated_replicas,
        status.ready_replicas,
    ) = (None, None, None);
    let server = start(&asleep);
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*tagged("1"), false)]);
    notes(&target, &["scaled to 0 replicas"]);
}
