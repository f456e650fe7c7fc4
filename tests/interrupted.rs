//! Publishing when things go wrong at the worst moment: the connection is cut, the process is killed,
//! or somebody else writes, at every boundary between two requests. The real registry answers, and
//! what it holds afterwards is asked through its side door.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::binary::{Run, run, spawn};
use crate::support::files;
use crate::support::gate::drone_environment;
use crate::support::image::{self, Image};
use crate::support::pipeline::DroneBuild;
use crate::support::recorder::{Fate, Place, Recorder};
use crate::support::registry::{Registry, TempDir};

const TAG: &str = "branch-hotfix_HOCS-1";
const PLACES: [Place; 3] = [Place::Before, Place::Within, Place::After];
/// Runs at once: most of their time they wait before they try again.
const AT_ONCE: usize = 4;

/// What is published, and from which workspace.
struct Case {
    registry: Registry,
    workspace: TempDir,
    source: &'static str,
    /// What the tag names before.
    old: Option<Image>,
}

impl Case {
    fn layout(image: &Image) -> Case {
        let case = Case::new("oci:out");
        let out = case.workspace.path("out");
        fs::create_dir(&out).expect("a folder");
        files::layout(Path::new(&out), &[("1.0", image)]);
        case
    }

    fn saved() -> Case {
        let case = Case::new("docker-archive:save.tar");
        let save = case.workspace.path("save");
        let layers: [&[u8]; 2] = [&b"a layer ".repeat(5_000), b"another"];
        files::docker_save(Path::new(&save), "example/app:1", &layers, json!({}));
        files::pack(
            Path::new(&save),
            Path::new(&case.workspace.path("save.tar")),
        );
        case
    }

    /// An image in another repository of the registry, and a tag that names an older one.
    fn copy() -> Case {
        let mut case = Case::new(COPY);
        let ours = image::two_platforms("ours");
        case.registry.push("example/other", "build_418", &ours);
        case.old = Some(image::single("old"));
        case
    }

    fn new(source: &'static str) -> Case {
        Case {
            registry: Registry::open(),
            workspace: TempDir::new(),
            source,
            old: None,
        }
    }

    /// Makes the tag what it is before, and gives its digest.
    fn begin(&self, repository: &str) -> Option<String> {
        let old = self.old.as_ref()?;
        self.registry.push(repository, TAG, old);
        Some(old.manifest.digest.clone())
    }

    /// The environment of a run that publishes into a repository at this address.
    fn environment(&self, address: &str, repository: &str) -> Vec<(String, String)> {
        let settings = settings(address, repository, &self.source.replace("HERE", address));
        let build = DroneBuild::push("hotfix/HOCS-1")
            .with(|build| build.workspace = self.workspace.path("").into());
        drone_environment(&build, &settings)
    }

    /// A run that nobody disturbs, and its requests.
    fn undisturbed(&self, repository: &str) -> (Run, Vec<String>) {
        let recorder = Recorder::start(self.registry.direct());
        let run = run(self.environment(&recorder.address(), repository));
        assert_eq!(run.code, 0, "{}", run.text);
        (run, recorder.requests())
    }

    /// The digest of the tag, if there is one. All that it names must be there.
    #[track_caller]
    fn tag(&self, repository: &str) -> Option<String> {
        let (_, bytes, digest) = self.registry.raw_manifest(repository, TAG)?;
        let missing = missing(&self.registry, repository, &bytes);
        assert_eq!(missing, [""; 0], "{repository}:{TAG} is not whole");
        Some(digest)
    }
}

fn settings(address: &str, repository: &str, source: &str) -> String {
    format!(
        "{{policy: {{repo: \"{address}/{repository}\", source: \"{source}\", tls: {{insecure: [\"{address}\"]}}, attest: false, \
         rules: {{image-commit: \"off\"}}}}}}"
    )
}

/// What a manifest names, at any depth, and the repository does not have.
fn missing(registry: &Registry, repository: &str, manifest: &[u8]) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(manifest).expect("a manifest is JSON");
    let digest = |part: &Value| part["digest"].as_str().expect("a digest").to_owned();
    let mut missing = Vec::new();
    for child in manifest["manifests"].as_array().into_iter().flatten() {
        match registry.raw_manifest(repository, &digest(child)) {
            Some((_, bytes, _)) => missing.extend(self::missing(registry, repository, &bytes)),
            None => missing.push(digest(child)),
        }
    }
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let blobs = layers.chain(manifest.get("config")).map(digest);
    missing.extend(blobs.filter(|digest| !registry.has_blob(repository, digest)));
    missing
}

fn is_at(method: &str, reference: &str, request: &str) -> bool {
    let mut words = request.split(' ');
    let path = |path: &str| path.ends_with(&format!("/manifests/{reference}"));
    words.next() == Some(method) && words.next().is_some_and(path)
}

/// Every boundary of every one of so many requests.
fn boundaries(requests: usize) -> Vec<(usize, Place)> {
    let places = |number| PLACES.map(|place| (number, place));
    (1..=requests).flat_map(places).collect()
}

/// Does the work for every item, several at once.
fn for_all<T: Copy + Send + Sync>(items: &[T], work: impl Fn(T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    work(*item);
                }
            });
        }
    });
}

fn repository(number: usize, place: Place) -> String {
    format!("example/at-{number}-{place:?}").to_lowercase()
}

/// Publishes once for every boundary, each time with the connection cut there.
fn cut(case: &Case) {
    case.begin("example/app");
    let (_, requests) = case.undisturbed("example/app");
    let digest = case.tag("example/app").expect("it was published");
    let passed = AtomicUsize::new(0);
    let boundaries = boundaries(requests.len());
    for_all(&boundaries, |(number, place)| {
        let repository = repository(number, place);
        let old = case.begin(&repository);
        let met = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&met);
        let recorder = Recorder::watched(case.registry.direct(), move |n, at| {
            if (n, at) != (number, place) {
                return Fate::Carried;
            }
            seen.store(true, Ordering::SeqCst);
            Fate::Cut
        });
        let run = run(case.environment(&recorder.address(), &repository));
        let about = format!(
            "{place:?} {number}: {}\n{:#?}",
            run.text,
            recorder.requests()
        );
        assert!(met.load(Ordering::SeqCst), "{about}");
        let tag = case.tag(&repository);
        match run.code {
            0 => {
                passed.fetch_add(1, Ordering::SeqCst);
                assert_eq!(tag.as_ref(), Some(&digest), "{about}");
                assert!(run.text.contains(&digest), "{about}");
            }
            4 => assert_eq!(tag, old, "{about}"),
            _ => panic!("{about}"),
        }
    });
    // One cut is what a retry is for, so not one run may end without its tag.
    assert_eq!(passed.into_inner(), boundaries.len());
}

#[test]
fn a_connection_cut_anywhere_leaves_a_layout_published_whole() {
    cut(&Case::layout(&image::two_platforms("cut")));
}

#[test]
fn a_connection_cut_anywhere_leaves_an_archive_published_whole() {
    cut(&Case::saved());
}

#[test]
fn a_connection_cut_anywhere_leaves_a_copy_published_whole() {
    cut(&Case::copy());
}

/// Publishes once for every boundary, each time killed there, and then again.
fn kill(case: &Case, parts: &[String]) {
    case.begin("example/app");
    let (_, requests) = case.undisturbed("example/app");
    let digest = case.tag("example/app").expect("it was published");
    for_all(&boundaries(requests.len()), |(number, place)| {
        let repository = repository(number, place);
        let about = format!("{place:?} {number}");
        let old = case.begin(&repository);
        let process: Arc<Mutex<Option<Child>>> = Arc::default();
        let (victim, mut dead) = (Arc::clone(&process), false);
        let recorder = Recorder::watched(case.registry.direct(), move |n, at| {
            if (n, at) == (number, place) {
                let mut victim = victim.lock().unwrap();
                victim.as_mut().unwrap().kill().unwrap();
                dead = true;
            }
            // What it had sent by then on other connections dies with it.
            if dead { Fate::Cut } else { Fate::Carried }
        });
        // The first request waits until the process is there to be killed.
        let mut place_of_child = process.lock().unwrap();
        let mut child = spawn(case.environment(&recorder.address(), &repository));
        let mut log = child.stdout.take().expect("the log is a pipe");
        *place_of_child = Some(child);
        drop(place_of_child);
        log.read_to_end(&mut Vec::new())
            .expect("a log that ends with the process");
        let status = process.lock().unwrap().as_mut().map(Child::wait);
        let status = status.expect("a process").expect("its end");
        assert_eq!(status.code(), None, "{about}: it was not killed");
        drop(recorder);

        let before = case.tag(&repository);
        let published = before.as_ref() == Some(&digest);
        assert!(published || before == old, "{about}: {before:?}");
        let absent = |digest: &&String| !case.registry.has_blob(&repository, digest);
        let absent = parts.iter().filter(absent).count();
        let (run, requests) = case.undisturbed(&repository);
        assert_eq!(case.tag(&repository).as_ref(), Some(&digest), "{about}");
        assert!(run.text.contains(&digest), "{about}: {}", run.text);
        if published {
            let reads = |line: &String| line.starts_with("HEAD") || line.starts_with("GET");
            let nothing = requests.iter().all(reads);
            assert!(nothing && run.text.contains("published already"), "{about}");
        } else if !parts.is_empty() {
            let sent = |line: &&String| line.starts_with("PUT") && line.contains("/blobs/");
            let sent = requests.iter().filter(sent).count();
            assert_eq!(sent, absent, "{about}: {requests:#?}");
        }
    });
}

#[test]
fn killed_anywhere_the_next_run_sends_what_is_missing_of_a_layout() {
    let image = image::two_platforms("kill");
    let parts: Vec<String> = image.blobs.iter().map(|blob| blob.digest.clone()).collect();
    kill(&Case::layout(&image), &parts);
}

/// Its layers are not known before they are compressed, so where there is no tag all are sent again.
#[test]
fn killed_anywhere_the_next_run_publishes_an_archive() {
    kill(&Case::saved(), &[]);
}

#[test]
fn killed_anywhere_the_tag_is_as_before_or_names_the_whole_copy() {
    kill(&Case::copy(), &[]);
}

/// Publishes once for every gap between two requests, each time with the tag moved there, and gives
/// the number of gaps in which nobody could see that.
fn moved(source: &'static str, old: Option<&Image>, ours: &Image) -> usize {
    let mut case = Case::new(source);
    case.old = old.cloned();
    let case = Arc::new(case);
    let third = image::docker("third");
    case.registry.push("example/other", "build_418", ours);
    // Where the image comes from another repository, none of it is in this one.
    let prepare = |repository: &str| {
        case.registry.push(repository, "elsewhere", &third);
        case.begin(repository);
        if source == RETAG {
            case.registry.push(repository, "build_418", ours);
        }
    };
    prepare("example/app");
    let (_, requests) = case.undisturbed("example/app");
    let last = requests.last().expect("requests");
    assert!(is_at("HEAD", TAG, last), "the tag is read back: {last}");
    let unseen = AtomicUsize::new(0);
    let numbers: Vec<usize> = (2..=requests.len()).collect();
    for_all(&numbers, |number| {
        let repository = format!("example/gap-{number}");
        prepare(&repository);
        let (theirs, by) = (third.manifest.clone(), Arc::clone(&case));
        let at = repository.clone();
        let recorder = Recorder::watched(case.registry.direct(), move |n, place| {
            if (n, place) == (number, Place::Before) {
                by.registry.push_manifest(&at, TAG, &theirs);
            }
            Fate::Carried
        });
        let run = run(case.environment(&recorder.address(), &repository));
        let requests = recorder.requests();
        let about = format!("before {number}: {}\n{requests:#?}", run.text);
        let tag = case.tag(&repository).expect("somebody wrote it");
        let told = tells(&run, &tag, ours, &third, &about);
        let blind = is_blind(&requests, number);
        assert_eq!(told, !blind, "{about}");
        unseen.fetch_add(blind.into(), Ordering::SeqCst);
    });
    unseen.into_inner()
}

/// Whether a run says that somebody else wrote another image; what it says must be true.
#[track_caller]
fn tells(run: &Run, tag: &str, ours: &Image, theirs: &Image, about: &str) -> bool {
    let (ours, theirs) = (&ours.manifest.digest, &theirs.manifest.digest);
    match run.code {
        0 => {
            assert_eq!(tag, ours, "{about}");
            run.text.contains(&format!("moved from {theirs}"))
        }
        4 => {
            assert_eq!(tag, theirs, "{about}");
            assert!(
                says_why(run) && run.text.contains(theirs.as_str()),
                "{about}"
            );
            true
        }
        _ => panic!("{about}"),
    }
}

fn says_why(run: &Run) -> bool {
    let words = ["somebody else moved the tag", "another build wrote"];
    run.code == 4 && words.iter().any(|word| run.text.contains(word))
}

/// Whether the moment before this request lies between the last look at the tag and its own write.
/// No client can see a write there: no registry that we know of writes only if a tag still is what it
/// was.
fn is_blind(requests: &[String], number: usize) -> bool {
    let Some(write) = requests.iter().position(|line| is_at("PUT", TAG, line)) else {
        return false;
    };
    let looks = |line: &String| is_at("HEAD", TAG, line);
    let look = requests[..write].iter().rposition(looks).expect("a look");
    // Requests are numbered from one.
    (look + 2..=write + 1).contains(&number)
}

const RETAG: &str = "build_{build}";
const COPY: &str = "HERE/example/other:build_418";

#[test]
fn a_tag_moved_by_another_is_seen_in_every_gap_but_one() {
    let old = image::single("old");
    let ours = image::two_platforms("ours");
    for old in [None, Some(&old)] {
        assert_eq!(moved(COPY, old, &ours), 1);
        // The image and the tag are asked for together; whichever comes first, the look at the tag
        // is the last one before the write.
        let gaps = moved(RETAG, old, &ours);
        assert!((1..=2).contains(&gaps), "{gaps}");
    }
}

/// A write without an answer may have been made or not. It may be sent again only if the tag still is
/// what it was.
#[test]
fn a_write_that_was_cut_is_not_repeated_over_the_one_of_another() {
    for old in [None, Some(image::single("old"))] {
        let mut case = Case::new(COPY);
        let (ours, third) = (image::two_platforms("ours"), image::docker("third"));
        case.registry.push("example/other", "build_418", &ours);
        case.old = old;
        case.begin("example/app");
        let (_, requests) = case.undisturbed("example/app");
        let write = requests.iter().position(|line| is_at("PUT", TAG, line));
        let write = write.expect("the tag is written") + 1;
        let case = Arc::new(case);
        for place in PLACES {
            let repository = repository(write, place);
            case.registry.push(&repository, "elsewhere", &third);
            case.begin(&repository);
            let (theirs, by, at) = (third.clone(), Arc::clone(&case), repository.clone());
            let recorder = Recorder::watched(case.registry.direct(), move |n, now| {
                if n == write && now == place {
                    return Fate::Cut;
                }
                if n == write + 1 && now == Place::Before {
                    by.registry.push_manifest(&at, TAG, &theirs.manifest);
                }
                Fate::Carried
            });
            let run = run(case.environment(&recorder.address(), &repository));
            let about = format!("{place:?}: {}\n{:#?}", run.text, recorder.requests());
            let tag = case.tag(&repository).expect("somebody wrote it");
            assert_eq!(tag, third.manifest.digest, "{about}");
            assert!(says_why(&run) && run.text.contains(&tag), "{about}");
        }
    }
}
