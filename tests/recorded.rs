//! The whole way of a hotfix by its tag: published, tried, accepted, promoted to production. What the
//! gate keeps in the registry is what says later which bytes were tried.

use std::collections::BTreeMap;

use crate::support::binary::{Run, run};
use crate::support::drone_api::{build, one, page};
use crate::support::gate::drone_gate;
use crate::support::image::{self, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::registry::Registry;
use crate::support::scripted::{Answer, Script};

const REPO: &str = "example/app";
const TAG: &str = "branch-hotfix_HOCS-1";

fn numbered(build: DroneBuild, number: u64) -> DroneBuild {
    build.with(|build| build.number = number)
}

fn pushed() -> DroneBuild {
    numbered(DroneBuild::push("hotfix/HOCS-1"), 5)
}

/// The newest build of main carries every promotion, as HOCS does it.
fn promoted(target: &str, number: u64) -> DroneBuild {
    let carrier = numbered(DroneBuild::push("main"), 3);
    numbered(DroneBuild::promote(&carrier, target), number).param("VERSION", TAG)
}

struct World {
    registry: Registry,
}

impl World {
    fn new() -> World {
        let registry = Registry::open();
        registry.push(REPO, "build_5", &image::single("hotfix"));
        World { registry }
    }

    fn step(&self, build: &DroneBuild, drone: Option<&str>) -> Run {
        let registry = self.registry.address();
        let (token, server, insecure) = match drone {
            Some(address) => (
                "drone_token: {from_secret: t}, ",
                format!(", drone: \"http://{address}\""),
                format!(", \"{address}\""),
            ),
            None => ("", String::new(), String::new()),
        };
        let settings = format!(
            "{{{token}username: {{from_secret: u}}, password: {{from_secret: p}}, log_level: debug, policy: {{repo: \
             \"{registry}/{REPO}\", source: \"build_{{build}}\", sign_off: {{target: accepted, who: [qa-lead]}}, rules: \
             {{signed-off: must, attested: must, image-commit: \"off\"}}, tls: {{insecure: [\"{registry}\"{insecure}]}}{server}}}}}"
        );
        let secrets = [("t", "example-token"), ("u", "hot"), ("p", "fix-password")];
        let secrets = secrets.map(|(name, text)| (name.to_owned(), text.to_owned()));
        run(build.environment(&drone_gate(&settings), &[], &BTreeMap::from(secrets)))
    }

    /// The promotion to production, with what the Drone server says came before.
    fn to_production(&self, before: &[(DroneBuild, &str)]) -> Run {
        let own = promoted("cs-prod", 9);
        let carrier = numbered(DroneBuild::push("main"), 3);
        let mut list = vec![build(&own, "running")];
        list.extend(before.iter().map(|(one, status)| build(one, status)));
        let json = |value: serde_json::Value| Answer::status(200).json(&value);
        let server = Script::new()
            .on("GET", &one(9), json(list[0].clone()))
            .on("GET", &one(3), json(build(&carrier, "success")))
            .always()
            .on("GET", &page(1), json(list.into()))
            .on("GET", &page(2), json(serde_json::json!([])))
            .always()
            .start();
        let run = self.step(&own, Some(&server.address()));
        server.finish();
        run
    }

    fn move_tag(&self, image: &Image) {
        self.registry.push(REPO, TAG, image);
    }
}

#[test]
fn what_was_tried_and_accepted_by_its_tag_goes_to_production() {
    let world = World::new();
    let accepted = || promoted("accepted", 7).with(|build| build.trigger = "qa-lead".to_owned());
    let before = || {
        [
            (accepted(), "success"),
            (promoted("cs-demo", 6), "success"),
            (pushed(), "success"),
        ]
    };
    world
        .step(&pushed(), None)
        .ends(0, &["statement: attached"]);
    // Somebody has promoted it, but the gate has kept nothing of it.
    let run = world.to_production(&before());
    run.begins(2, "tried-first");
    run.ends(2, &["nobody has kept which image it named then"]);
    for build in [promoted("cs-demo", 6), accepted()] {
        world.step(&build, None).ends(0, &["kept in the registry"]);
    }
    let run = world.to_production(&before());
    run.ends(
        0,
        &[
            "passed: attested (must): build 5 has published it from `hotfix/HOCS-1`",
            "passed: build-passed (must): build 5 of `hotfix/HOCS-1`",
            "passed: tried-first (must): build 6 has promoted",
            "passed: signed-off (must): `qa-lead` has accepted",
        ],
    );
    // What was tried must have ended well, by the server's word and not by ours.
    let failed = [
        (accepted(), "success"),
        (promoted("cs-demo", 6), "failure"),
        (pushed(), "success"),
    ];
    world.to_production(&failed).begins(1, "tried-first");
    // The tag moves to bytes that nobody has tried.
    world.move_tag(&image::single("another"));
    let run = world.to_production(&before());
    run.begins(1, "attested");
    run.ends(1, &["tried-first (must)", "nobody has kept which image"]);
    // Somebody copies the statements of the image that was tried.
    let first = image::single("hotfix").manifest.digest.replace(':', "-");
    let second = image::single("another").manifest.digest.replace(':', "-");
    let list = world.registry.raw_manifest(REPO, &first);
    let (kind, bytes, _) = list.expect("the list of what is attached");
    let copy = image::Blob::new(&kind, bytes);
    world.registry.push_manifest(REPO, &second, &copy);
    let run = world.to_production(&before());
    run.begins(1, "attested");
    run.ends(1, &["tried-first (must)", "counts for nothing"]);
}
