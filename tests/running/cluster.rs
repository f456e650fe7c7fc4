//! What a cluster says: the container of the service, its pods, a rollout, what is not there.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};
use serde_json::json;

use super::*;
use crate::support::kubernetes::{
    DAEMON_SET, DEPLOYMENT, IMAGE, PODS, STATEFUL_SET, cluster, container, daemon_set, deployment,
    digest, list, object, pod, pod_of, refusal, stateful_set, waiting,
};
use crate::support::scripted::{Answer, Script};

fn tagged(tag: &str) -> String {
    format!("{IMAGE}:{tag}")
}

fn id(letter: char) -> String {
    format!("{IMAGE}@{}", digest(letter))
}

fn repo() -> drone_hotfix::registry::reference::Repository {
    drone_hotfix::registry::reference::Repository::parse(IMAGE).expect("a repository")
}

fn service(deployment: &mut Deployment) -> &mut k8s_openapi::api::core::v1::Container {
    let spec = deployment.spec.as_mut().unwrap();
    &mut spec.template.spec.as_mut().unwrap().containers[1]
}

fn two_pods(image: &str) -> [k8s_openapi::api::core::v1::Pod; 2] {
    [
        pod(7, "aaa", image, &id('a')),
        pod(3, "aaa", image, &id('a')),
    ]
}

#[test]
fn a_deployment_that_is_rolled_out_runs_one_version() {
    let image = tagged("1.0.0");
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(&image)))
        .with_header("Authorization", BEARER)
        .on(
            "GET",
            PODS,
            Answer::status(200).json(&list(&two_pods(&image), None)),
        )
        .with_header("Authorization", BEARER)
        .start();
    let address = server.address();
    let (target, deployed) = Step::deployment(&address).known();
    assert_eq!(target.target, "cs-prod");
    assert_eq!(
        target.origin,
        format!("Deployment `cs-prod/service` at `http://{address}`")
    );
    notes(&target, &[]);
    let [deployed] = &deployed[..] else {
        panic!("{deployed:?}");
    };
    assert_eq!(deployed.text, image);
    assert_eq!(deployed.tag.as_deref(), Some("1.0.0"));
    assert_eq!(
        deployed.digest.as_ref().map(|d| d.as_str()),
        Some(&*digest('a'))
    );
    assert_eq!(deployed.since.as_deref(), Some("2026-03-01T10:00:03Z"));
    assert_eq!((deployed.commit.as_ref(), deployed.build), (None, None));
    assert!(deployed.runs && deployed.matches(&repo(), Some("1.0.0"), None));
    assert!(deployed.matches(&repo(), None, deployed.digest.as_ref()));
    assert!(!deployed.matches(&repo(), Some("1.0"), None));
}

#[test]
fn the_container_is_found_by_path_on_any_host() {
    for image in [
        "mirror.example:5000/example/service:1",
        "mirror.example/quay.io/example/service:1",
        "example/service:1",
    ] {
        let server = cluster(&deployment(image), &two_pods(image)).start();
        let (_, deployed) = Step::deployment(&server.address()).known();
        assert_eq!(texts(&deployed), [(image, true)]);
        assert!(deployed[0].matches(&repo(), Some("1"), None));
    }
    // The same path wins over one that ends in it.
    let mut both = deployment(&tagged("2"));
    let containers = &mut both
        .spec
        .as_mut()
        .unwrap()
        .template
        .spec
        .as_mut()
        .unwrap()
        .containers;
    containers[0] = container("mirrored", "mirror.example/x/example/service:9");
    let server = cluster(&both, &two_pods(&tagged("2"))).start();
    let (_, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*tagged("2"), true)]);
}

#[test]
fn a_container_that_the_policy_names_is_the_services_whatever_its_image_is_called() {
    let image = "registry.example/copies/svc:1.0.0";
    let server = cluster(&deployment(image), &two_pods(image)).start();
    let step = Step::deployment(&server.address()).source("container", json!("service"));
    let (_, deployed) = step.known();
    assert_eq!(texts(&deployed), [(image, true)]);
    assert!(deployed[0].matches(&repo(), Some("1.0.0"), None));
    assert!(!deployed[0].matches(&repo(), Some("1.0.1"), None));
}

#[test]
fn no_container_and_several_are_unknown_with_their_names() {
    let only = |deployment: &Deployment, step: fn(Step) -> Step, words: &[&str]| {
        let server = Script::new()
            .on("GET", DEPLOYMENT, object(deployment))
            .start();
        step(Step::deployment(&server.address())).unknown(words, false);
    };
    let names = [
        "`proxy` (quay.io/example/nginx-proxy:v3.2.9)",
        "`service` (",
        "policy.running.cs-prod.container",
    ];
    let other = deployment("quay.io/example/other:1");
    only(
        &other,
        |step| step,
        &[&["no container", "`example/service`"][..], &names].concat(),
    );
    let named = |step: Step| step.source("container", json!("app"));
    only(
        &other,
        named,
        &[&["it has no container `app`"][..], &names].concat(),
    );
    let init = |step: Step| step.source("container", json!("truststore"));
    only(&other, init, &["`truststore` is an init container"]);
    let mut twice = deployment(&tagged("1"));
    let containers = &mut twice
        .spec
        .as_mut()
        .unwrap()
        .template
        .spec
        .as_mut()
        .unwrap()
        .containers;
    containers.push(container("worker", &tagged("1")));
    only(
        &twice,
        |step| step,
        &["several containers", "`worker`", "`service`"],
    );
    let without = |step: Step| step.key("repo", json!(null));
    only(&twice, without, &["which container is meant is not said"]);
    // The init container of that path is none.
    let mut in_init = deployment("quay.io/example/other:1");
    let pod = in_init
        .spec
        .as_mut()
        .unwrap()
        .template
        .spec
        .as_mut()
        .unwrap();
    pod.init_containers = Some(vec![container("migrate", &tagged("1"))]);
    only(
        &in_init,
        |step| step,
        &["no container of it has an image of"],
    );
    // One word at the end of a path says too little.
    let short = |step: Step| step.key("repo", json!("quay.io/service"));
    only(
        &deployment("quay.io/example/service:1"),
        short,
        &["no container of it"],
    );
}

#[test]
fn the_only_container_needs_no_repository() {
    let image = "registry.example/svc:1";
    let mut alone = deployment(image);
    let containers = &mut alone
        .spec
        .as_mut()
        .unwrap()
        .template
        .spec
        .as_mut()
        .unwrap()
        .containers;
    containers.remove(0);
    let server = cluster(&alone, &two_pods(image)).start();
    let step = Step::deployment(&server.address()).key("repo", json!(null));
    assert_eq!(texts(&step.known().1), [(image, true)]);
}

#[test]
fn images_are_read_as_references() {
    for (image, tag, sum) in [
        (IMAGE.to_owned(), Some("latest"), 'a'),
        (format!("{IMAGE}@{}", digest('b')), None, 'b'),
        (format!("{IMAGE}:1@{}", digest('b')), Some("1"), 'b'),
    ] {
        let server = cluster(&deployment(&image), &two_pods(&image)).start();
        let (_, deployed) = Step::deployment(&server.address()).known();
        assert_eq!(texts(&deployed), [(&*image, true)]);
        assert_eq!(deployed[0].tag.as_deref(), tag);
        assert_eq!(
            deployed[0].digest.as_ref().map(|d| d.as_str()),
            Some(&*digest(sum))
        );
    }
    // The id of a node's own copy is no digest that a registry knows.
    let image = tagged("1");
    let pods = [
        pod(1, "aaa", &image, &digest('c')),
        pod(2, "aaa", &image, &format!("docker://{}", digest('c'))),
    ];
    let server = cluster(&deployment(&image), &pods).start();
    assert_eq!(
        Step::deployment(&server.address()).known().1[0].digest,
        None
    );
    let wrong = "quay.io/example/service:not a tag";
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(wrong)))
        .start();
    let step = Step::deployment(&server.address()).source("container", json!("service"));
    step.unknown(&["is no image reference"], false);
}

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
    let pinned = format!("{IMAGE}@{}", digest('a'));
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
fn pods_that_have_ended_do_not_count_and_ending_ones_do() {
    let image = tagged("1");
    let mut pods = two_pods(&image).to_vec();
    let mut evicted = pod(4, "old", &tagged("0"), &id('0'));
    evicted.status.as_mut().unwrap().phase = Some("Failed".into());
    let mut ending = pod(5, "old", &tagged("0.9"), &id('9'));
    ending.metadata.deletion_timestamp = ending.metadata.creation_timestamp.clone();
    pods.extend([evicted, ending]);
    let server = cluster(&deployment(&image), &pods).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*image, true), (&*tagged("0.9"), true)]);
    notes(&target, &["pod `service-old-5` is being shut down"]);
}

#[test]
fn pods_of_something_else_are_not_taken_for_its_own() {
    let image = tagged("1");
    let mut canary = pod(8, "ccc", &tagged("canary"), &id('c'));
    canary.metadata.owner_references.as_mut().unwrap()[0].name = "canary-ccc".into();
    let mut orphan = pod(9, "aaa", &tagged("orphan"), &id('d'));
    orphan.metadata.owner_references = None;
    let mut pods = two_pods(&image).to_vec();
    pods.extend([canary.clone(), orphan]);
    let server = cluster(&deployment(&image), &pods).start();
    let (target, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*image, true)]);
    notes(
        &target,
        &["2 more pods have its labels and belong to something else"],
    );
    // If they are all there is, then something runs that was not seen.
    let server = cluster(&deployment(&image), &[canary]).start();
    Step::deployment(&server.address())
        .unknown(&["it has 2 replicas, but only 0 of the pods"], true);
    let server = cluster(&deployment(&image), &two_pods(&image)[..1]).start();
    Step::deployment(&server.address()).unknown(&["but only 1 of the pods"], true);
}

#[test]
fn a_pod_without_the_container_leaves_it_unknown() {
    let image = tagged("1");
    let mut pods = two_pods(&image);
    pods[1].spec.as_mut().unwrap().containers.remove(1);
    let server = cluster(&deployment(&image), &pods).start();
    Step::deployment(&server.address()).unknown(&["has no container `service`"], true);
}

#[test]
fn stateful_sets_and_daemon_sets_own_their_pods_themselves() {
    let image = tagged("1");
    let mut stranger = pod_of("StatefulSet", "uid-other", &tagged("9"), &id('f'));
    stranger.metadata.name = Some("stranger".into());
    let set = [
        pod_of("StatefulSet", "uid-set", &image, &id('a')),
        stranger.clone(),
    ];
    let daemon = [
        pod_of("DaemonSet", "uid-daemon", &image, &id('a')),
        stranger,
    ];
    for (path, object, kind, key, pods) in [
        (
            STATEFUL_SET,
            object(&stateful_set(&image)),
            "StatefulSet",
            "statefulset",
            set,
        ),
        (
            DAEMON_SET,
            object(&daemon_set(&image)),
            "DaemonSet",
            "daemonset",
            daemon,
        ),
    ] {
        let server = Script::new()
            .on("GET", path, object)
            .on("GET", PODS, Answer::status(200).json(&list(&pods, None)))
            .start();
        let (target, deployed) = Step::workload(&server.address(), key).known();
        assert_eq!(texts(&deployed), [(&*image, true)]);
        assert!(
            target
                .origin
                .starts_with(&format!("{kind} `cs-prod/service`"))
        );
        notes(&target, &["1 more pods"]);
    }
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
fn pods_come_in_pages() {
    let image = tagged("1");
    let [one, two] = two_pods(&image);
    let three = pod(5, "old", &tagged("0.9"), &id('9'));
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(&image)))
        .on(
            "GET",
            PODS,
            Answer::status(200).json(&list(&[one], Some("a/b=&"))),
        )
        .on(
            "GET",
            &format!("{PODS}&continue=a%2Fb%3D%26"),
            Answer::status(200).json(&list(&[two], Some("c"))),
        )
        .on(
            "GET",
            &format!("{PODS}&continue=c"),
            Answer::status(200).json(&list(&[three], Some(""))),
        )
        .start();
    let (_, deployed) = Step::deployment(&server.address()).known();
    assert_eq!(texts(&deployed), [(&*image, true), (&*tagged("0.9"), true)]);
}

#[test]
fn a_list_that_has_expired_is_read_once_more() {
    let image = tagged("1");
    let expired = || refusal(410, "Expired", "The provided continue parameter is too old");
    let first = |script: Script| {
        let [one, _] = two_pods(&image);
        script
            .on(
                "GET",
                PODS,
                Answer::status(200).json(&list(&[one], Some("a"))),
            )
            .on("GET", &format!("{PODS}&continue=a"), expired())
    };
    let start = || Script::new().on("GET", DEPLOYMENT, object(&deployment(&image)));
    let server = first(start())
        .on(
            "GET",
            PODS,
            Answer::status(200).json(&list(&two_pods(&image), None)),
        )
        .start();
    assert_eq!(
        texts(&Step::deployment(&server.address()).known().1),
        [(&*image, true)]
    );
    let server = first(first(start())).start();
    Step::deployment(&server.address()).unknown(
        &["pods could not be listed", "410", "too old", "again"],
        true,
    );
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let image = tagged("1");
    let page = || Answer::status(200).json(&list(&two_pods(&image)[..1], Some("a")));
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&deployment(&image)))
        .on("GET", PODS, page())
        .on("GET", &format!("{PODS}&continue=a"), page())
        .times(49)
        .start();
    Step::deployment(&server.address()).unknown(&["its list does not end"], false);
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

#[test]
fn the_selector_of_the_workload_is_asked_for() {
    let image = tagged("1");
    let mut object_ = deployment(&image);
    let selector = &mut object_.spec.as_mut().unwrap().selector;
    selector.match_expressions = serde_json::from_value(json!([
        { "key": "tier", "operator": "In", "values": ["a", "b"] },
        { "key": "x.example/y", "operator": "NotIn", "values": ["c"] },
        { "key": "on", "operator": "Exists" },
        { "key": "off", "operator": "DoesNotExist" },
    ]))
    .expect("requirements");
    let wanted = "app=service,tier in (a,b),x.example/y notin (c),on,!off";
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&object_))
        .on(
            "GET",
            "/api/v1/namespaces/cs-prod/pods?*",
            Answer::status(200).json(&list(&two_pods(&image), None)),
        )
        .condition("with the selector", move |request| {
            request.query("labelSelector") == [wanted]
        })
        .start();
    Step::deployment(&server.address()).known();
    service(&mut object_).image = Some(image.clone());
    let selector = &mut object_.spec.as_mut().unwrap().selector;
    (selector.match_labels, selector.match_expressions) = (None, None);
    let server = Script::new()
        .on("GET", DEPLOYMENT, object(&object_))
        .start();
    Step::deployment(&server.address()).unknown(&["its selector selects nothing"], false);
}

#[test]
fn a_path_in_the_address_stays_in_front() {
    let image = tagged("1");
    let server = Script::new()
        .on(
            "GET",
            &format!("/k8s/clusters/c-1{DEPLOYMENT}"),
            object(&deployment(&image)),
        )
        .on(
            "GET",
            &format!("/k8s/clusters/c-1{PODS}"),
            Answer::status(200).json(&list(&two_pods(&image), None)),
        )
        .start();
    let address = server.address();
    let base = json!(format!("http://{address}/k8s/clusters/c-1/"));
    Step::deployment(&address).source("kube", base).known();
}
