//! Without an image to publish, the tags are handed to the step that builds and pushes.

use crate::ci::Build;
use crate::hotfix::tag::ImageTag;
use crate::policy::{Policy, TagsFormat};
use crate::report::{Published, Unpublished, outputs};

/// Writes the tags to `tags_file`, for the step that builds and pushes.
pub fn write_tags_file(
    policy: &Policy,
    build: &Build,
    tags: &[ImageTag],
    rehearsal: bool,
) -> Published {
    let path = policy.tags_file.display().to_string();
    let names: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    let separator = match policy.tags_format {
        TagsFormat::Comma => ",",
        TagsFormat::Newline => "\n",
    };
    // An earlier run of ours left hotfix tags there, and nothing else may be replaced.
    let is_ours = |old: &str| {
        let mut tags = old
            .split([',', '\n'])
            .map(str::trim)
            .filter(|tag| !tag.is_empty());
        tags.all(|tag| policy.hotfix_tags.recognise(tag))
    };
    let text = format!("{}\n", names.join(separator));
    let done = if rehearsal {
        outputs::may_write(&build.workspace, &policy.tags_file, is_ours).map(drop)
    } else {
        outputs::write(&build.workspace, &policy.tags_file, &text, is_ours)
    };
    match done {
        Ok(()) => Published::File {
            path,
            tags: names,
            planned: rehearsal,
        },
        Err(error) => Published::Failed(Unpublished {
            found: format!("{error:#}"),
            next: "choose another file as `policy.tags_file`, or remove what stands there"
                .to_owned(),
            written: Vec::new(),
            unwritten: vec![path],
        }),
    }
}
