//! `policy.sole_publisher`: the mark that keeps builds apart, in every state that a registry can give it.

use super::*;
use crate::support::image;

const PLACE: &str = "/v2/example/app/blobs/uploads/7";
const SAYS: &str = "another build may have written it at the same moment";

/// The mark of a build that found this at a tag.
fn mark(tag: &str, found: &str) -> Blob {
    let text = format!("drone-hotfix: example/app:{tag} was {found}\n");
    Blob {
        media_type: "text/plain".to_owned(),
        digest: image::sha256(text.as_bytes()),
        bytes: text.into_bytes(),
    }
}

fn first() -> Blob {
    mark("branch-hotfix_HOCS-1", "nothing")
}

fn path(mark: &Blob) -> String {
    format!("/v2/example/app/blobs/{}", mark.digest)
}

/// Up to the moment when the tag, which is not there yet, is written. Requests come in this order.
fn ready(image: &Image) -> Script {
    Script::new()
        .in_order()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .always()
        .on("HEAD", TAG, Answer::status(404))
}

fn put(image: &Image) -> Script {
    ready(image).on("PUT", TAG, Answer::status(201))
}

/// The mark is left.
fn left(script: Script, mark: &Blob) -> Script {
    script
        .on("POST", &mount(mark), opened(PLACE))
        .on("PUT", &fill(PLACE, mark), Answer::status(201))
        .with_body(&mark.bytes)
}

fn back(script: Script, image: &Image) -> Script {
    script.on("HEAD", TAG, Answer::manifest(&image.manifest))
}

#[track_caller]
fn ends(script: Script, expected: i32, words: &[&str]) {
    let server = script.start();
    let run = gate(&server).more("sole_publisher: true").run();
    code(&run, expected, words);
    server.finish();
}

/// It failed, and what was written is said.
#[track_caller]
fn unsure(script: Script, image: &Image, words: &[&str]) {
    let now = format!("the tag names {} now", image.manifest.digest);
    let written = "written:  `branch-hotfix_HOCS-1`";
    let words = [&[now.as_str(), written, "not written: nothing"], words].concat();
    ends(script, 4, &words);
}

#[test]
fn the_mark_is_looked_for_and_left_between_the_write_and_the_last_look() {
    let image = image::single("ours");
    let absent = put(&image).on("HEAD", &path(&first()), Answer::status(404));
    ends(
        back(left(absent, &first()), &image),
        0,
        &["allowed and published", "`branch-hotfix_HOCS-1`: new"],
    );
    // What the tag was is in the mark.
    let old = image::single("old").manifest;
    let second = mark("branch-hotfix_HOCS-1", &old.digest);
    let moved = Script::new()
        .in_order()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .always()
        .on("HEAD", TAG, Answer::manifest(&old))
        .on("PUT", TAG, Answer::status(201))
        .on("HEAD", &path(&second), Answer::status(404));
    ends(
        back(left(moved, &second), &image),
        0,
        &[&format!("moved from {}", old.digest)],
    );
    // Another build was faster by a moment: then the tag itself decides.
    let mounted = put(&image)
        .on("HEAD", &path(&first()), Answer::status(404))
        .on("POST", &mount(&first()), Answer::status(201));
    ends(back(mounted, &image), 0, &["allowed and published"]);
}

#[test]
fn without_the_option_and_without_a_write_nobody_asks_for_a_mark() {
    let image = image::single("ours");
    let server = back(put(&image), &image).start();
    code(&gate(&server).run(), 0, &["allowed and published"]);
    server.finish();
    let same = Script::new()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .on("HEAD", TAG, Answer::manifest(&image.manifest));
    ends(same, 0, &["published already", "nothing was written"]);
    let server = ready(&image).start();
    let run = gate(&server).more("sole_publisher: true").rehearsal().run();
    server.finish();
    code(&run, 0, &["would be published"]);
}

#[test]
fn a_mark_that_is_there_is_said_with_what_the_tag_names() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    let there = || put(&image).on("HEAD", &path(&first()), Answer::status(200));
    let digest = first().digest;
    unsure(
        back(there(), &image),
        &image,
        &[SAYS, &digest, "found it at nothing", "run the step again"],
    );
    ends(
        there().on("HEAD", TAG, Answer::manifest(&other)),
        4,
        &[
            "another build wrote the same tag",
            &other.digest,
            "written:  nothing",
        ],
    );
}

#[test]
fn a_tag_that_moves_after_the_mark_was_left_is_seen() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    let absent = put(&image).on("HEAD", &path(&first()), Answer::status(404));
    ends(
        left(absent, &first()).on("HEAD", TAG, Answer::manifest(&other)),
        4,
        &[
            "another build wrote the same tag",
            &other.digest,
            "written:  nothing",
        ],
    );
}

#[test]
fn a_registry_that_takes_no_mark_leaves_it_unknown() {
    let image = image::single("ours");
    let absent = || put(&image).on("HEAD", &path(&first()), Answer::status(404));
    let known = "whether another build wrote it at the same moment is not known";
    for (refusal, said, next) in [
        (Answer::error(403, "DENIED"), "403, DENIED", "push to"),
        (Answer::status(413), "413", "make room"),
    ] {
        let refused = absent().on("POST", &mount(&first()), refusal.clone()).on(
            "POST",
            UPLOADS,
            refusal.clone(),
        );
        unsure(back(refused, &image), &image, &[known, said, next]);
    }
    let refused = absent()
        .on("POST", &mount(&first()), opened(PLACE))
        .on("PUT", &fill(PLACE, &first()), Answer::error(403, "DENIED"))
        .on("DELETE", PLACE, Answer::status(204));
    unsure(back(refused, &image), &image, &[known, "403, DENIED"]);
    // What was refused and moved as well is moved.
    let other = image::single("other").manifest;
    let refused = absent()
        .on("POST", &mount(&first()), Answer::status(413))
        .on("POST", UPLOADS, Answer::status(413))
        .on("HEAD", TAG, Answer::manifest(&other));
    ends(refused, 4, &[&other.digest, "written:  nothing"]);
}

#[test]
fn only_a_clear_no_is_one() {
    let image = image::single("ours");
    let known = "whether another build wrote it at the same moment is not known";
    let ask = |answer| put(&image).on("HEAD", &path(&first()), answer);
    let absent = ask(passing(500)).on("HEAD", &path(&first()), Answer::status(404));
    ends(back(left(absent, &first()), &image), 0, &["published"]);
    let get = |answer| ask(Answer::status(403)).on("GET", &path(&first()), answer);
    let absent = get(Answer::error(404, "BLOB_UNKNOWN"));
    ends(back(left(absent, &first()), &image), 0, &["published"]);
    unsure(back(get(blob(&first())), &image), &image, &[SAYS]);
    let wrong = Answer::status(200).body("another text");
    unsure(back(get(wrong), &image), &image, &[known, "another digest"]);
    unsure(
        back(get(Answer::error(403, "DENIED")), &image),
        &image,
        &[known, "403, DENIED"],
    );
    let down = ask(passing(503))
        .times(5)
        .on("GET", &path(&first()), passing(503))
        .times(5);
    unsure(
        back(down, &image),
        &image,
        &[known, "503", "run the step again"],
    );
}

/// A write without an answer may still arrive, after everything else. One that was seen has arrived.
#[test]
fn a_write_that_may_still_arrive_is_said() {
    let image = image::single("ours");
    for lost in [Answer::hang_up(), passing(500), passing(503), passing(504)] {
        let lost = ready(&image).on("PUT", TAG, lost);
        let again = lost
            .clone()
            .on("HEAD", TAG, Answer::status(404))
            .on("PUT", TAG, Answer::status(201))
            .on("HEAD", &path(&first()), Answer::status(404));
        unsure(
            back(left(again, &first()), &image),
            &image,
            &["sent twice", "may still arrive", "run the step again"],
        );
        let seen = back(lost, &image).on("HEAD", &path(&first()), Answer::status(404));
        ends(back(left(seen, &first()), &image), 0, &["published"]);
    }
    // Here the registry says that it has not taken it.
    let again = ready(&image)
        .on("PUT", TAG, Answer::error(404, "MANIFEST_BLOB_UNKNOWN"))
        .on("HEAD", TAG, Answer::status(404))
        .on("PUT", TAG, Answer::status(201))
        .on("HEAD", &path(&first()), Answer::status(404));
    ends(back(left(again, &first()), &image), 0, &["published"]);
}

#[test]
fn every_tag_has_a_mark_of_its_own() {
    let image = image::single("ours");
    let other = "/v2/example/app/manifests/hf-hotfix_HOCS-1";
    let marks = [mark("hf-hotfix_HOCS-1", "nothing"), first()];
    let script = |there: u16| {
        // The first three come at the same time.
        let looks = Script::new()
            .on("GET", SOURCE, Answer::manifest(&image.manifest))
            .on("HEAD", other, Answer::status(404))
            .on("HEAD", TAG, Answer::status(404));
        looks.on("PUT", other, Answer::status(201)).on(
            "HEAD",
            &path(&marks[0]),
            Answer::status(there),
        )
    };
    let run = |script: Script| {
        let server = script.start();
        let more = "sole_publisher: true, tags: [\"hf-{branch}\"]";
        let run = gate(&server).more(more).run();
        server.finish();
        run
    };
    let one = left(script(404), &marks[0])
        .on("HEAD", other, Answer::manifest(&image.manifest))
        .on("PUT", TAG, Answer::status(201))
        .on("HEAD", &path(&marks[1]), Answer::status(404));
    let both = run(back(left(one, &marks[1]), &image));
    code(&both, 0, &["`hf-hotfix_HOCS-1`: new", "HOCS-1`: new"]);
    // The rest is left for the next run.
    let there = script(200).on("HEAD", other, Answer::manifest(&image.manifest));
    let words = [
        SAYS,
        "written:  `hf-hotfix_HOCS-1`",
        "not written: `branch-hotfix_HOCS-1`",
    ];
    code(&run(there), 4, &words);
}
