//! `policy.digest_file`: what was judged, for the step that deploys.

use super::{REPO, at, policy};
use crate::support::binary::{Run, run};
use crate::support::gate::drone_environment;
use crate::support::image;
use crate::support::pipeline::DroneBuild;
use crate::support::registry::{Registry, TempDir};

struct World {
    registry: Registry,
    workspace: TempDir,
}

impl World {
    fn new() -> World {
        let registry = Registry::open();
        registry.push(REPO, "branch-hotfix_HOCS-1", &image::single("hotfix"));
        registry.push(REPO, "1.0.0", &image::two_platforms("release"));
        registry.push(REPO, "build_7", &image::two_platforms("release"));
        let workspace = TempDir::new();
        World {
            registry,
            workspace,
        }
    }

    fn run(&self, target: &str, versions: &[(&str, &str)], more: &str, setting: &str) -> Run {
        let main = DroneBuild::push("main");
        let build = DroneBuild::promote(&main, target).with(|build| {
            let versions = versions.iter();
            build.params = versions
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect();
        });
        let build = at(build, self.workspace.path("").as_ref());
        let keys = policy(
            &self.registry.address(),
            &format!("digest_file: image.txt, {more}"),
        );
        run(drone_environment(
            &build,
            &format!("{{policy: {{{keys}}}{setting}}}"),
        ))
    }

    fn file(&self) -> Option<String> {
        std::fs::read_to_string(self.workspace.path("image.txt")).ok()
    }
}

fn reference(world: &World, image: &image::Image) -> String {
    format!(
        "{}/{REPO}@{}\n",
        world.registry.address(),
        image.manifest.digest
    )
}

#[test]
fn what_was_judged_is_what_can_be_deployed() {
    let world = World::new();
    let release = reference(&world, &image::two_platforms("release"));
    let digest = image::two_platforms("release").manifest.digest;
    let run = world.run("cs-qa", &[("VERSION", "v1.0.0")], "", "");
    run.ends(
        0,
        &[
            "written to `image.txt`",
            &format!("judged: `v1.0.0` is {digest}"),
        ],
    );
    assert_eq!(world.file().as_deref(), Some(&*release));
    // Two names of one image are one line; another image is another.
    let run = world.run(
        "cs-demo",
        &[
            ("VERSION", "1.0.0"),
            ("IMAGE_TAG", "build_7"),
            ("IMAGE_VERSION", "branch-hotfix_HOCS-1"),
        ],
        "rules: {version-published: \"off\"}",
        "",
    );
    run.ends(0, &[]);
    let hotfix = reference(&world, &image::single("hotfix"));
    let mut lines: Vec<String> = world.file().unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    let mut expected = [release.trim().to_owned(), hotfix.trim().to_owned()];
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_refusal_leaves_nothing_of_before() {
    let world = World::new();
    for (target, version, more, setting, code) in [
        ("cs-qa", "branch-hotfix_HOCS-1", "", "", 1),
        ("cs-qa", "1.9.9", "", "", 2),
        ("cs-qa", "1.0.0", "", ", dry_run: true", 5),
    ] {
        world
            .run("cs-qa", &[("VERSION", "1.0.0")], "", "")
            .ends(0, &[]);
        assert!(world.file().is_some());
        let run = world.run(target, &[("VERSION", version)], more, setting);
        run.ends(code, &[]);
        assert_eq!(world.file(), None, "{}", run.text);
    }
    // A verdict that does not count lets the deployment go on, with what was judged.
    let hotfix = [("VERSION", "branch-hotfix_HOCS-1")];
    let run = world.run("cs-qa", &hotfix, "enforce: false", "");
    run.ends(0, &["would be refused"]);
    let expected = reference(&world, &image::single("hotfix"));
    assert_eq!(world.file(), Some(expected));
}

#[test]
fn what_cannot_be_handed_on_fails() {
    let world = World::new();
    let run = world.run("cs-qa", &[], "", "");
    run.ends(4, &["not handed on", "no version parameter names an image"]);
    // Not ours, and a link that leads elsewhere.
    world.workspace.write("image.txt", "precious\n");
    let release = [("VERSION", "1.0.0")];
    let run = world.run("cs-qa", &release, "", "");
    run.ends(4, &["was not written by this plugin"]);
    assert_eq!(world.file().as_deref(), Some("precious\n"));
    std::fs::remove_file(world.workspace.path("image.txt")).unwrap();
    world.workspace.write("elsewhere", "");
    std::os::unix::fs::symlink(
        world.workspace.path("elsewhere"),
        world.workspace.path("image.txt"),
    )
    .unwrap();
    world
        .run("cs-qa", &release, "", "")
        .ends(4, &["no regular file"]);
    assert_eq!(world.workspace.read("elsewhere"), "");
    // Without a repository there is no digest at all.
    let build = DroneBuild::promote(&DroneBuild::push("main"), "cs-qa");
    run_with(&build, "digest_file: image.txt").ends(3, &["policy.digest_file", "`policy.repo`"]);
}

fn run_with(build: &DroneBuild, policy: &str) -> Run {
    super::judge(build, policy)
}
