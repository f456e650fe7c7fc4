//! The builds, and how each must end.

use crate::support::pipeline::DroneBuild;
use crate::world::{BRANCH, Commit, World};

/// One build of the pipeline.
pub struct Scenario {
    /// What happens, and why it matters.
    pub title: &'static str,
    /// The build.
    pub build: DroneBuild,
    /// The exit code that the step must end with.
    pub code: u8,
    /// Words that its log must hold.
    pub says: &'static [&'static str],
    /// How many requests must have written to the registry.
    pub writes: usize,
}

/// The way of one hotfix, and of the release beside it.
pub fn all(world: &World) -> Vec<Scenario> {
    let commit = |build: DroneBuild, number, commit: &Commit| {
        build.with(|build| {
            build.number = number;
            build.slug = "example/hocs-info-service".into();
            build.sha.clone_from(&commit.0);
            build.workspace.clone_from(&world.checkout);
            // The checkout is the remote as well; nothing leaves this machine.
            build.remote = Some(world.checkout.display().to_string());
        })
    };
    let push = commit(DroneBuild::push(BRANCH), 418, &world.hotfix);
    let release = commit(DroneBuild::tag("1.0.0"), 400, &world.release);
    let promote = |target, version| {
        DroneBuild::promote(&release, target)
            .param("VERSION", version)
            .with(|build| {
                build.number = 419;
                build.workspace.clone_from(&world.empty);
            })
    };
    vec![
        Scenario {
            title: "The fix is pushed to its hotfix branch, and its image was built: it gets the hotfix's tag.",
            build: push.clone(),
            code: 0,
            says: &["allowed and published: `branch-hotfix_HOCS-1234`"],
            writes: 1,
        },
        Scenario {
            title: "The same push once more: the tag is there, so nothing is written.",
            build: push,
            code: 0,
            says: &["was published already"],
            writes: 0,
        },
        Scenario {
            title: "The newest release is promoted to `cs-demo` with the hotfix as VERSION: that is where hotfixes are tried.",
            build: promote("cs-demo", "branch-hotfix_HOCS-1234"),
            code: 0,
            says: &["allowed"],
            writes: 0,
        },
        Scenario {
            title: "The same to `cs-qa`: hotfixes stay out of QA, and the log has the way out.",
            build: promote("cs-qa", "branch-hotfix_HOCS-1234"),
            code: 1,
            says: &["refused by qa-closed", "A31", "kubectl"],
            writes: 0,
        },
        Scenario {
            title: "The same image under its other name, from a build of the release: it is known by its bytes.",
            build: promote("cs-qa", "build_418"),
            code: 1,
            says: &["refused by qa-closed", "a statement in the registry says"],
            writes: 0,
        },
        Scenario {
            title: "Whoever promotes brings settings along: a parameter cannot replace the policy, nor get past it.",
            build: promote("cs-qa", "branch-hotfix_HOCS-1234")
                .param("PLUGIN_POLICY", "{}")
                .param("PLUGIN_DRY_RUN", "true")
                .param("PLUGIN_ENFORCE", "false")
                .param("PLUGIN_SKIP", "true"),
            code: 1,
            says: &["refused by qa-closed"],
            writes: 0,
        },
        Scenario {
            title: "The release itself to `cs-qa`: no hotfix, so nothing is in its way.",
            build: promote("cs-qa", "1.0.0"),
            code: 0,
            says: &["allowed"],
            writes: 0,
        },
    ]
}
