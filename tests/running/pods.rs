//! Which pods are the workload's, and how they are listed.

use serde_json::json;

use super::cluster::{id, service, tagged, two_pods};
use super::*;
use crate::support::kubernetes::{
    DAEMON_SET, DEPLOYMENT, PODS, STATEFUL_SET, cluster, daemon_set, deployment, list, object, pod,
    pod_of, refusal, stateful_set,
};
use crate::support::scripted::{Answer, Script};

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
        notes(
            &target,
            &["1 more pod has its labels and belongs to something else"],
        );
    }
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
