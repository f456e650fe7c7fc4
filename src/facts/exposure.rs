//! Whether somebody without credentials may pull an image: the registry is asked without any, because
//! only it knows (B19, B20).

use super::{Absent, Source};
use crate::registry::advice::Refusal;
use crate::registry::error::{Cause, RegistryError};
use crate::registry::{Registry, Target};

/// The most names that are looked for with our own credentials.
const MOST_NAMES: usize = 8;

/// What a registry answers to somebody without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// It refuses.
    Refused,
    /// It hides what it shows to us: there is no such image, it says.
    Hidden,
    /// It lists the tags.
    Lists,
    /// It gives an image.
    Gives,
}

/// One repository, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// The repository, `host[:port]/path`.
    pub repository: String,
    /// What it answers to nobody in particular.
    pub answer: Source<Anonymous>,
}

/// Asks a registry. `nobody` has no credentials; `ours` has, where there are any, and says which of
/// the `names` are there, so that «no such image» can be told from «not for you».
pub async fn ask(
    nobody: &Registry,
    ours: Option<&Registry>,
    names: &[Target],
) -> Source<Anonymous> {
    let listed = nobody.some_tags().await;
    if let Ok(tags) = &listed {
        let first = tags.first().cloned().map(Target::Tag);
        let given = match &first {
            Some(tag) => matches!(nobody.digest(tag).await, Ok(Some(_))),
            None => false,
        };
        return Source::Known(if given {
            Anonymous::Gives
        } else {
            Anonymous::Lists
        });
    }
    let there = match ours {
        Some(ours) => known(ours, names).await,
        None => Vec::new(),
    };
    // Without credentials of our own nobody says what is there; what is given is given all the same.
    let asked: &[Target] = if there.is_empty() { names } else { &there };
    let mut last = None;
    for name in asked.iter().take(MOST_NAMES) {
        match nobody.digest(name).await {
            Ok(Some(_)) => return Source::Known(Anonymous::Gives),
            Ok(None) if !there.is_empty() => last = Some(Ok(Anonymous::Hidden)),
            Ok(None) => {}
            Err(error) if is_refused(&error) => last = Some(Ok(Anonymous::Refused)),
            Err(error) => {
                last = Some(Err(error));
                break;
            }
        }
    }
    match (last, listed) {
        (Some(Ok(answer)), _) => Source::Known(answer),
        (Some(Err(error)), _) => Absent::from(&error).into(),
        (None, Err(error)) if is_refused(&error) => Source::Known(Anonymous::Refused),
        (None, Err(error)) if is_missing(&error) => Source::Unknown {
            because: format!(
                "`{}` has no image yet that could be asked for, or hides all of them; its registry \
                 answers «not found», and that says neither",
                nobody.repository()
            ),
            retry: false,
            advice:
                "push a first image into it, or set `username` and `password` for it, and run the \
                     step again"
                    .to_owned(),
        },
        (None, Err(error)) => Absent::from(&error).into(),
        (None, Ok(_)) => Source::Known(Anonymous::Lists),
    }
}

/// Names that are there for us: those that we know of, else one of the list.
async fn known(ours: &Registry, names: &[Target]) -> Vec<Target> {
    for name in names.iter().take(MOST_NAMES) {
        if let Ok(Some(_)) = ours.digest(name).await {
            return vec![name.clone()];
        }
    }
    let tags = ours.some_tags().await.unwrap_or_default();
    tags.into_iter().take(1).map(Target::Tag).collect()
}

/// Whether the registry, or its token service, wants to know who asks. A gateway that has had enough
/// says 403 too, and that is no answer.
fn is_refused(error: &RegistryError) -> bool {
    match &error.cause {
        Cause::Status {
            status: 401 | 403, ..
        } => matches!(
            error.refusal(),
            Some(Refusal::Credentials | Refusal::Right | Refusal::Repository)
        ),
        Cause::Token {
            status: 401 | 403, ..
        }
        | Cause::CredentialsWanted => true,
        _ => false,
    }
}

fn is_missing(error: &RegistryError) -> bool {
    matches!(error.cause, Cause::Status { status: 404, .. })
}
