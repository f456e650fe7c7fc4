//! What the rules about trains have in common.

use super::known;
use crate::facts::train::File;
use crate::facts::{Facts, Source, shorten};
use crate::policy::train::Train;
use crate::train::spec::Unread;
use crate::verdict::{Outcome, Step};

/// How the policy says that trains are released, or the answer of a rule that needs it.
pub(super) fn policy<'a>(facts: &Facts<'a>) -> Result<&'a Train, Outcome> {
    facts
        .policy
        .train
        .as_ref()
        .ok_or_else(|| Outcome::NotChecked {
            because: "`policy.train` is not set".to_owned(),
            next: vec![Step::Say(
                "set `policy.train`, which says where the spec file and the change log are"
                    .to_owned(),
            )],
        })
}

/// A file at the judged commit, or the answer where it cannot be read.
pub(super) fn file<'a, T>(
    source: &'a Source<File<T>>,
    path: &str,
    key: &str,
) -> Result<&'a T, Outcome> {
    match known(source)? {
        File::Read(read) => Ok(read),
        File::Missing => Err(Outcome::Violation {
            found: format!(
                "no file `{}` in the judged commit; a link or a directory is none",
                shorten(path)
            ),
            expected: format!("the file that `policy.train.{key}` names"),
            next: vec![Step::Say(format!(
                "put it back, or correct `policy.train.{key}` in the pipeline file"
            ))],
        }),
        File::NoText | File::Latin1(_) => Err(Outcome::Violation {
            found: format!("`{}`, which is no UTF-8 text", shorten(path)),
            expected: "a text that can be read".to_owned(),
            next: vec![Step::Say("write it in UTF-8".to_owned())],
        }),
    }
}

/// The same file where the hotfix starts. It is only compared with, so one that was not yet converted
/// to UTF-8 will do.
pub(super) fn file_before<'a, T>(
    source: &'a Source<File<T>>,
    path: &str,
    key: &str,
    at: &str,
) -> Result<&'a T, Outcome> {
    match known(source)? {
        File::Read(read) | File::Latin1(read) => Ok(read),
        File::Missing | File::NoText => Err(Outcome::Violation {
            found: format!(
                "no `{}` that can be read at {at}, where the hotfix starts",
                shorten(path)
            ),
            expected: "a file with which that of the hotfix can be compared".to_owned(),
            next: vec![Step::Say(format!(
                "correct `policy.train.{key}` in the pipeline file if the file has another name. If it is \
                 new, nothing can be compared until a release has it: until then lower this rule in \
                 `policy.rules`"
            ))],
        }),
    }
}

/// The answer about a line of the spec file that cannot be compared.
pub(super) fn unread(path: &str, tag: &str, why: &Unread, expected: &str) -> Outcome {
    let path = shorten(path);
    let found = match why {
        Unread::Missing => format!("`{path}` has no `{tag}`"),
        Unread::Several(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|one| format!("`{}`", shorten(one)))
                .collect();
            format!("`{path}` has more than one `{tag}`: {}", values.join(", "))
        }
        Unread::Macro(text) => format!(
            "`{tag}: {}` in `{path}`, a macro, which only rpm can read",
            shorten(text)
        ),
        Unread::NoNumber(text) => format!(
            "`{tag}: {}` in `{path}`, which does not begin with a number",
            shorten(text)
        ),
        Unread::TooLong(text) => format!(
            "`{tag}: {}` in `{path}`, a number of more than nine digits",
            shorten(text)
        ),
    };
    Outcome::Violation {
        found,
        expected: expected.to_owned(),
        next: vec![Step::Say(format!("write out one `{tag}` in `{path}`"))],
    }
}
