//! What a cluster says: the container of the service, its pods, a rollout, what is not there.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use super::*;
use crate::support::kubernetes::{
    DEPLOYMENT, IMAGE, PODS, cluster, container, deployment, digest, list, object, pod,
};
use crate::support::scripted::{Answer, Script};

pub(super) fn tagged(tag: &str) -> String {
    format!("{IMAGE}:{tag}")
}

pub(super) fn id(letter: char) -> String {
    format!("{IMAGE}@{}", digest(letter))
}

fn repo() -> drone_hotfix::registry::reference::Repository {
    drone_hotfix::registry::reference::Repository::parse(IMAGE).expect("a repository")
}

pub(super) fn service(deployment: &mut Deployment) -> &mut k8s_openapi::api::core::v1::Container {
    let spec = deployment.spec.as_mut().unwrap();
    &mut spec.template.spec.as_mut().unwrap().containers[1]
}

pub(super) fn two_pods(image: &str) -> [k8s_openapi::api::core::v1::Pod; 2] {
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
