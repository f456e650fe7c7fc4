//! Where a hotfix names its ticket (A02a, A08).

use super::Source;
use super::git::Workspace;
use crate::ci::Build;
use crate::hotfix::{HotfixBranch, Ticket};
use crate::policy::Policy;
use crate::policy::confidential::PrivateTicket;

/// The places where a ticket may stand, and what stands there.
type Places<'t> = [(&'static str, Option<&'t str>); 3];

/// Where a ticket may stand, in the order in which it is looked for.
pub(super) fn places<'t>(
    branch: &'t HotfixBranch,
    build: &'t Build,
    workspace: &'t Source<Workspace>,
) -> Places<'t> {
    let in_checkout = match workspace {
        Source::Known(workspace) => workspace.message.as_deref(),
        _ => None,
    };
    let message = in_checkout.or(build.message.as_deref());
    [
        ("the name of the hotfix branch", Some(branch.rest())),
        (
            "the name of the working branch",
            build.source_branch.as_deref(),
        ),
        ("the message of the built commit", message),
    ]
}

/// The ticket of a hotfix, and where it stands.
pub(super) fn find(
    policy: &Policy,
    places: Places<'_>,
    confidential: bool,
) -> Option<(Ticket, &'static str)> {
    if confidential {
        return of_confidential(policy, places);
    }
    places
        .into_iter()
        .find_map(|(place, text)| Some((policy.ticket.find(text?)?, place)))
}

/// The ticket of a confidential hotfix: the first of the private form, and any other only from a name
/// that is shown anyway. What stands in a message may be the number of a CVE.
fn of_confidential(policy: &Policy, places: Places<'_>) -> Option<(Ticket, &'static str)> {
    let private = policy.confidential.ticket.as_ref();
    let of_form = places.iter().find_map(|(place, text)| {
        let all = private?.find_all((*text)?);
        let found = all.into_iter().find(|it| PrivateTicket::is_plain(it))?;
        Some((Ticket::of_text(found)?, *place))
    });
    let [branch, working, _] = places;
    of_form.or_else(|| {
        [branch, working]
            .into_iter()
            .find_map(|(place, text)| Some((policy.ticket.find(text?)?, place)))
    })
}
