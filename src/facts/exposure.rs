//! Whether somebody without credentials may pull an image: the registry is asked without any, because
//! only it knows (B19, B20).

use super::{Absent, Source};
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
    let unlisted = match nobody.some_tags().await {
        Ok(tags) => return shown(nobody, tags).await,
        Err(error) => error,
    };
    let there = match ours {
        Some(ours) => known(ours, names).await,
        None => Vec::new(),
    };
    // Without credentials of our own nobody says what is there; what is given is given all the same. One
    // image is asked for in any case: a list that is refused says nothing about images.
    let any = [Target::Tag("latest".to_owned())];
    let asked: &[Target] = match (there.is_empty(), names.is_empty()) {
        (false, _) => &there,
        (true, false) => names,
        (true, true) => &any,
    };
    let (mut last, mut missing) = (None, false);
    for name in asked.iter().take(MOST_NAMES) {
        match nobody.digest(name).await {
            Ok(Some(_)) => return Source::Known(Anonymous::Gives),
            Ok(None) if !there.is_empty() => last = Some(Ok(Anonymous::Hidden)),
            Ok(None) => missing = true,
            Err(error) if is_refused(&error) => last = Some(Ok(Anonymous::Refused)),
            Err(error) => {
                last = Some(Err(error));
                break;
            }
        }
    }
    let says_nothing = is_refused(&unlisted) || is_missing(&unlisted);
    match last {
        // Whoever is told «not found» was not refused, whatever else was.
        Some(Ok(Anonymous::Refused)) if missing => not_said(nobody),
        None if says_nothing => not_said(nobody),
        None => Absent::from(&unlisted).into(),
        Some(Ok(answer)) => Source::Known(answer),
        Some(Err(error)) => Absent::from(&error).into(),
    }
}

/// The answer where nobody is refused, and no image is known that could be given.
fn not_said(nobody: &Registry) -> Source<Anonymous> {
    Source::Unknown {
        because: format!(
            "`{}` has no image yet that could be asked for, or hides all of them; its registry \
                 answers «not found», and that says neither",
            nobody.repository()
        ),
        retry: false,
        advice: "push a first image into it, or set `username` and `password` for it, and run the \
                     step again"
            .to_owned(),
    }
}

/// What a registry gives to whoever may have its list.
async fn shown(nobody: &Registry, tags: Vec<String>) -> Source<Anonymous> {
    let given = match tags.into_iter().next().map(Target::Tag) {
        Some(tag) => matches!(nobody.digest(&tag).await, Ok(Some(_))),
        None => false,
    };
    Source::Known(if given {
        Anonymous::Gives
    } else {
        Anonymous::Lists
    })
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
/// says 401 and 403 too, and that is no answer.
const fn is_refused(error: &RegistryError) -> bool {
    match &error.cause {
        Cause::Status { closed, .. } | Cause::Token { closed, .. } => *closed,
        Cause::CredentialsWanted => true,
        _ => false,
    }
}

const fn is_missing(error: &RegistryError) -> bool {
    matches!(error.cause, Cause::Status { status: 404, .. })
}
