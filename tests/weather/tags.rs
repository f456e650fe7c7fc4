//! The tag itself: refused, broken off, moved by others, and read back.

use super::*;
use crate::support::image;

/// Up to the moment when the tag, which is not there yet, is written.
fn ready(image: &Image) -> Script {
    Script::new()
        .on("GET", SOURCE, Answer::manifest(&image.manifest))
        .on("HEAD", TAG, Answer::status(404))
}

#[track_caller]
fn ends(script: Script, expected: i32, words: &[&str]) {
    let server = script.start();
    code(&gate(&server).run(), expected, words);
    server.finish();
}

/// What registries say of a tag that does not move.
fn immutable() -> [Answer; 5] {
    let error = |status, code: &str, message: &str| {
        let error = serde_json::json!({"code": code, "message": message});
        Answer::status(status).json(&serde_json::json!({ "errors": [error] }))
    };
    [
        error(412, "PRECONDITION", "Failed to process request"),
        error(
            400,
            "TAG_INVALID",
            "The image tag 'x' already exists in the 'a' repository and cannot be overwritten because the tag is immutable.",
        ),
        Answer::status(400)
            .body("{\"__type\":\"ImageTagAlreadyExistsException\",\"message\":\"exists\"}"),
        error(403, "DENIED", "tag is immutable"),
        error(409, "CONFLICT", "the tag is immutable"),
    ]
}

#[test]
fn a_tag_that_does_not_move_is_fine_where_it_has_our_digest() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    for refusal in immutable() {
        let put = || ready(&image).on("PUT", TAG, refusal.clone());
        ends(
            put().on("HEAD", TAG, Answer::manifest(&image.manifest)),
            0,
            &["allowed and published", &image.manifest.digest],
        );
        ends(
            put().on("HEAD", TAG, Answer::manifest(&other)),
            4,
            &["somebody else moved the tag from nothing to", &other.digest],
        );
        let old = Script::new()
            .on("GET", SOURCE, Answer::manifest(&image.manifest))
            .on("HEAD", TAG, Answer::manifest(&other))
            .on("PUT", TAG, refusal.clone())
            .on("HEAD", TAG, Answer::manifest(&other));
        ends(
            old,
            4,
            &["writing", "does not let tags move", "written:  nothing"],
        );
    }
}

#[test]
fn a_full_or_missing_repository_is_said_without_another_look() {
    let image = image::single("full");
    let full = Answer::status(403).body(
        "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"adding 1 MiB will exceed the configured upper limit\"}]}",
    );
    for (put, words) in [
        (full, ["403, DENIED", "make room"]),
        (Answer::status(413), ["413", "make room"]),
        (
            Answer::error(404, "NAME_UNKNOWN"),
            ["404, NAME_UNKNOWN", "check `policy.repo`"],
        ),
    ] {
        ends(ready(&image).on("PUT", TAG, put), 4, &words);
    }
}

#[test]
fn a_write_that_broke_off_may_have_been_made() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    for broken in [
        Answer::hang_up(),
        Answer::reset(),
        passing(500),
        passing(504),
        Answer::status(201).body("{}").cut(20),
    ] {
        let put = || ready(&image).on("PUT", TAG, broken.clone());
        ends(
            put().on("HEAD", TAG, Answer::manifest(&image.manifest)),
            0,
            &["allowed and published"],
        );
        ends(
            put().on("HEAD", TAG, Answer::manifest(&other)),
            4,
            &["somebody else moved the tag", &other.digest, "left alone"],
        );
        ends(
            written(put().on("HEAD", TAG, Answer::status(404)), &image),
            0,
            &["allowed and published"],
        );
    }
    // Nobody says what became of it.
    let silent = ready(&image)
        .on("PUT", TAG, Answer::hang_up())
        .on("HEAD", TAG, Answer::status(403))
        .on("GET", TAG, Answer::status(403));
    ends(silent, 4, &["writing", "the connection broke"]);
}

#[test]
fn what_a_registry_does_not_show_yet_is_waited_for() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    let back = || {
        ready(&image)
            .on("PUT", TAG, Answer::status(201))
            .on("HEAD", TAG, Answer::status(404))
            .times(3)
    };
    ends(
        back().on("HEAD", TAG, Answer::manifest(&image.manifest)),
        0,
        &["allowed and published"],
    );
    ends(
        back().on("HEAD", TAG, Answer::manifest(&other)),
        4,
        &["another build wrote the same tag", &other.digest],
    );
    ends(
        back().on("HEAD", TAG, Answer::status(404)),
        4,
        &["now has no such tag"],
    );
    // Whoever cannot be read was written all the same.
    let unread = ready(&image)
        .on("PUT", TAG, Answer::status(201))
        .on("HEAD", TAG, passing(503))
        .times(5)
        .on("GET", TAG, passing(503))
        .times(5);
    let words = [
        "reading back",
        "503",
        "written:  `branch-hotfix_HOCS-1`\n",
        "not written: nothing",
    ];
    ends(unread, 4, &words);
    // What was sent a moment ago is not known yet.
    for (status, said) in [
        (404, "MANIFEST_UNKNOWN"),
        (400, "MANIFEST_BLOB_UNKNOWN"),
        (404, "BLOB_UNKNOWN"),
    ] {
        let put = ready(&image).on("PUT", TAG, Answer::error(status, said));
        let looks = put.on("HEAD", TAG, Answer::status(404));
        ends(written(looks, &image), 0, &["allowed and published"]);
    }
}

#[test]
fn a_tag_that_moved_while_the_image_was_on_its_way_is_left_alone() {
    let (image, other) = (image::single("ours"), image::single("other").manifest);
    let sent = || begin(&image).on("POST", &mount(&image.blobs[1]), Answer::status(201));
    let workspace = in_layout(&image);
    let server = sent().on("HEAD", TAG, Answer::manifest(&other)).start();
    let run = gate(&server).local("oci:out", &workspace).run();
    code(
        &run,
        4,
        &[
            "somebody else moved the tag",
            "while the image was on its way",
        ],
    );
    server.finish();
    // To our own image: somebody did our work, and it is written once more.
    let server = sent().on("HEAD", TAG, Answer::manifest(&image.manifest));
    let server = written(server, &image).start();
    let run = gate(&server).local("oci:out", &workspace).run();
    code(&run, 0, &["allowed and published"]);
    server.finish();
}

#[test]
fn of_several_tags_it_is_said_which_were_written() {
    let (image, other) = (image::single("many"), image::single("other").manifest);
    let (first, second) = (format!("{TAG}-418"), format!("{TAG}-last"));
    let tags = "tags: [\"branch-{branch}-{build}\", \"branch-{branch}-last\"]";
    // `policy.tag` comes last: whoever sees it sees all.
    let one_written = || {
        Script::new()
            .on("GET", SOURCE, Answer::manifest(&image.manifest))
            .on("HEAD", &first, Answer::status(404))
            .on("HEAD", &second, Answer::status(404))
            .on("HEAD", TAG, Answer::status(404))
            .on("PUT", &first, Answer::status(201))
            .on("HEAD", &first, Answer::manifest(&image.manifest))
    };
    let refused = one_written()
        .on("PUT", &second, Answer::error(403, "DENIED"))
        .on("HEAD", &second, Answer::status(404));
    let moved = one_written()
        .on("PUT", &second, Answer::status(201))
        .on("HEAD", &second, Answer::manifest(&image.manifest))
        .on("PUT", TAG, Answer::hang_up())
        .on("HEAD", TAG, Answer::manifest(&other));
    for (script, words) in [
        (
            refused,
            [
                "branch-hotfix_HOCS-1-last`: the registry answered 403",
                "written:  `branch-hotfix_HOCS-1-418`\n",
                "not written: `branch-hotfix_HOCS-1-last`, `branch-hotfix_HOCS-1`\n",
            ],
        ),
        (
            moved,
            [
                "somebody else moved the tag",
                "written:  `branch-hotfix_HOCS-1-418`, `branch-hotfix_HOCS-1-last`\n",
                "not written: `branch-hotfix_HOCS-1`\n",
            ],
        ),
    ] {
        let server = script.start();
        code(&gate(&server).more(tags).run(), 4, &words);
        server.finish();
    }
}
