//! What the pipeline meets: a checkout, a registry with two images, and the environment of Drone's step.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};
use serde_json::{Value, json};

use crate::registry::Registry;
use crate::support::image::{self, Image};
use crate::support::pipeline::{self, DroneBuild, Pipeline, when_matches_drone};

/// The hotfix branch.
pub const BRANCH: &str = "hotfix/HOCS-1234";
/// The image's repository, on `quay.io` in the pipeline and on the loopback registry here.
pub const REPOSITORY: &str = "example/hocs-info-service";
/// The step that is run.
const STEP: &str = "hotfix";

/// Everything around the binary. The directory is removed when it is dropped.
pub struct World {
    pub registry: Registry,
    /// The checkout of the hotfix branch.
    pub checkout: PathBuf,
    /// What a pipeline finds that disables the clone.
    pub empty: PathBuf,
    pub release: Commit,
    pub hotfix: Commit,
    pipelines: Vec<Pipeline>,
    _directory: Directory,
}

/// The full id of a commit.
pub struct Commit(pub String);

impl Commit {
    /// The first digits.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl World {
    /// Sets everything up.
    pub fn new() -> Result<Self> {
        let directory = Directory::new()?;
        let (checkout, empty) = (directory.0.join("checkout"), directory.0.join("empty"));
        fs::create_dir(&empty)?;
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hocs.drone.yml");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} is not there", file.display()))?;
        let (release, hotfix) = commits(&checkout, &text)?;
        let registry = Registry::start();
        let image = image::two_platforms("the hotfix");
        push(&registry, &image, &["build_418"]);
        push(
            &registry,
            &image::two_platforms("the release"),
            &["1.0.0", "build_400"],
        );
        Ok(Self {
            registry,
            checkout,
            empty,
            release,
            hotfix,
            pipelines: pipeline::drone_pipelines(&text),
            _directory: directory,
        })
    }

    /// The image's repository, as the policy has it here.
    pub fn repository(&self) -> String {
        format!("{}/{REPOSITORY}", self.registry.address())
    }

    /// The environment of the step in the one pipeline that this build triggers.
    pub fn environment(&self, build: &DroneBuild) -> Result<BTreeMap<String, String>> {
        let mut triggered = self
            .pipelines
            .iter()
            .filter(|pipeline| when_matches_drone(pipeline.trigger.as_ref(), build));
        let pipeline = triggered.next().context("the build triggers no pipeline")?;
        ensure!(
            triggered.next().is_none(),
            "the build triggers two pipelines"
        );
        let secrets = [
            ("quay_user", "example+robot"),
            ("quay_token", "kept-secret"),
        ];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = build.run(pipeline, STEP, &secrets.into());
        let mut environment: BTreeMap<String, String> = variables.into_iter().collect();
        let policy = environment
            .get_mut("PLUGIN_POLICY")
            .context("the step has no policy")?;
        *policy = self.at_home(policy)?;
        Ok(environment)
    }

    /// The policy with the registry that is here.
    fn at_home(&self, policy: &str) -> Result<String> {
        let mut policy: Value = serde_json::from_str(policy)?;
        ensure!(
            policy["repo"] == format!("quay.io/{REPOSITORY}"),
            "the policy names another repository"
        );
        policy["repo"] = json!(self.repository());
        policy["tls"] = json!({ "insecure": [self.registry.address()] });
        Ok(policy.to_string())
    }

    /// What was written to the registry since it was last asked to forget, but for statements: they lie
    /// beside the image, under digests.
    pub fn writes(&self) -> Vec<String> {
        let requests = self.registry.requests().into_iter();
        requests
            .filter(|request| !request.starts_with("GET ") && !request.starts_with("HEAD "))
            .filter(|request| !request.contains("/sha256") && !request.contains("/blobs/"))
            .collect()
    }
}

/// A release on `main` and one commit on the hotfix branch, which is checked out: what Drone's clone step leaves.
fn commits(path: &Path, pipeline: &str) -> Result<(Commit, Commit)> {
    // Nothing of this machine's own git configuration counts.
    let options = &mut RepositoryInitOptions::new();
    options.initial_head("main").external_template(false);
    let repository = Repository::init_opts(path, options)?;
    fs::write(path.join(".drone.yml"), pipeline)?;
    let release = commit(&repository, "deadline.txt", "20 days\n", "Release 1.0.0")?;
    let on_main = repository.find_commit(release)?;
    repository.tag_lightweight("1.0.0", on_main.as_object(), false)?;
    repository.branch(BRANCH, &on_main, false)?;
    repository.set_head(&format!("refs/heads/{BRANCH}"))?;
    let message = "HOCS-1234 Count working days only";
    let hotfix = commit(&repository, "deadline.txt", "20 working days\n", message)?;
    Ok((Commit(release.to_string()), Commit(hotfix.to_string())))
}

fn commit(repository: &Repository, file: &str, text: &str, message: &str) -> Result<Oid> {
    let root = repository.workdir().context("the checkout has no files")?;
    fs::write(root.join(file), text)?;
    let mut index = repository.index()?;
    for file in [".drone.yml", file] {
        index.add_path(Path::new(file))?;
    }
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = Signature::new(
        "Example",
        "example@git.example",
        &Time::new(1_700_000_000, 0),
    )?;
    let parent = match repository.head() {
        Ok(head) => Some(head.peel_to_commit()?),
        // The first commit of all.
        Err(_) => None,
    };
    let parents: Vec<_> = parent.iter().collect();
    Ok(repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)?)
}

fn push(registry: &Registry, image: &Image, tags: &[&str]) {
    for blob in &image.blobs {
        registry.put_blob(REPOSITORY, &blob.bytes);
    }
    for child in &image.children {
        registry.put_manifest(REPOSITORY, &child.digest, &child.media_type, &child.bytes);
    }
    let index = &image.manifest;
    for tag in tags {
        registry.put_manifest(REPOSITORY, tag, &index.media_type, &index.bytes);
    }
}

/// A new directory for this process, which only this user can read.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self> {
        let name = format!("drone-hotfix-quickstart-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("{} was not made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind lies in the directory for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
