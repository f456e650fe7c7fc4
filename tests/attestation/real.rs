//! Debian's docker-registry has no referrers API: the list stands under the fallback tag.

use futures::join_all;
use serde_json::{Value, json};

use drone_hotfix::attestation::statement::Statement;
use drone_hotfix::attestation::{artifact, bundle};
use drone_hotfix::facts::attested;
use drone_hotfix::publish::attest::{Attached, write};
use drone_hotfix::registry::reference::Digest;

use super::{P256, PATH, claim, client, key, manifest, policy, signing};
use crate::support::image::{self, Blob, OCI_INDEX};
use crate::support::registry::Registry;

/// The futures of a test, all at once.
mod futures {
    use std::pin::Pin;
    use std::task::Poll;

    pub async fn join_all<T>(work: Vec<Pin<Box<dyn Future<Output = T>>>>) -> Vec<T> {
        let mut slots: Vec<_> = work.into_iter().map(|w| (Some(w), None)).collect();
        std::future::poll_fn(move |context| {
            for (work, done) in &mut slots {
                if let Some(Poll::Ready(value)) = work.as_mut().map(|w| w.as_mut().poll(context)) {
                    (*work, *done) = (None, Some(value));
                }
            }
            if slots.iter().any(|(work, _)| work.is_some()) {
                return Poll::Pending;
            }
            Poll::Ready(
                slots
                    .iter_mut()
                    .filter_map(|(_, done)| done.take())
                    .collect(),
            )
        })
        .await
    }
}

fn list(registry: &Registry, of: &Digest) -> Value {
    let tag = of.as_str().replace(':', "-");
    let (kind, bytes, _) = registry.raw_manifest(PATH, &tag).expect("a list");
    assert_eq!(kind, OCI_INDEX);
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn statements_are_attached_once_and_read_back() {
    let registry = Registry::open();
    let (private, public) = key(P256);
    let client = client(&registry.address(), PATH);
    for image in [
        image::single("one"),
        image::two_platforms("two"),
        image::docker("three"),
    ] {
        registry.push(PATH, "build", &image);
        let subject = manifest(&image);
        let none = attested::read(&client, &subject.digest, &policy(&[]))
            .await
            .unwrap();
        assert_eq!((none.statements.len(), none.rejected.len()), (0, 0));

        let first = write(&client, &subject, claim(1), None).await.unwrap();
        assert!(
            matches!(
                first,
                Attached::New {
                    by_registry: false,
                    ..
                }
            ),
            "{first:?}"
        );
        let again = write(&client, &subject, claim(1), None).await.unwrap();
        assert_eq!(again, Attached::Present);
        let key = signing(&private);
        let signed = write(&client, &subject, claim(1), Some(&key))
            .await
            .unwrap();
        assert!(matches!(signed, Attached::New { .. }));
        let again = write(&client, &subject, claim(1), Some(&key))
            .await
            .unwrap();
        assert_eq!(again, Attached::Present);

        let all = attested::read(&client, &subject.digest, &policy(&[]))
            .await
            .unwrap();
        assert_eq!(all.statements.len(), 2);
        assert!(
            all.statements
                .iter()
                .all(|statement| statement.claim == claim(1))
        );
        let counted = attested::read(&client, &subject.digest, &policy(&[&public]))
            .await
            .unwrap();
        assert_eq!(counted.statements.len(), 1);
        assert!(counted.statements[0].signed);
        assert!(
            counted.rejected[0].contains("not signed"),
            "{:?}",
            counted.rejected
        );

        let list = list(&registry, &subject.digest);
        let entries = list["manifests"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1]["artifactType"], bundle::MEDIA_TYPE);
        let kind = &entries[1]["annotations"]["dev.sigstore.bundle.predicateType"];
        assert_eq!(kind, "urn:drone-hotfix:publication:v1");
    }
}

#[tokio::test]
async fn one_attach_costs_few_requests() {
    let registry = Registry::open();
    let image = image::single("one");
    registry.push(PATH, "build", &image);
    write(
        &client(&registry.address(), PATH),
        &manifest(&image),
        claim(1),
        None,
    )
    .await
    .unwrap();
    registry.forget_requests();
    write(
        &client(&registry.address(), PATH),
        &manifest(&image),
        claim(2),
        None,
    )
    .await
    .unwrap();
    // The look takes 3; the empty configuration is there; the list is read, written, read, and the tags.
    let requests = registry.requests();
    assert_eq!(requests.len(), 12, "{requests:#?}");
}

#[tokio::test]
async fn fifty_publishers_at_once_lose_nothing() {
    let registry = Registry::open();
    let image = image::single("one");
    registry.push(PATH, "build", &image);
    let subject = manifest(&image);
    let mut work: Vec<std::pin::Pin<Box<dyn Future<Output = _>>>> = Vec::new();
    for number in 0..50 {
        // Each build has a client of its own.
        let (client, subject) = (client(registry.direct(), PATH), subject.clone());
        work.push(Box::pin(async move {
            write(&client, &subject, claim(number), None).await
        }));
    }
    for done in join_all(work).await {
        assert!(
            matches!(
                done,
                Ok(Attached::New {
                    by_registry: false,
                    ..
                })
            ),
            "{done:?}"
        );
    }
    let client = client(registry.direct(), PATH);
    let found = attested::read(&client, &subject.digest, &policy(&[]))
        .await
        .unwrap();
    assert_eq!(found.rejected, Vec::<String>::new());
    let mut numbers: Vec<u64> = found.statements.iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

fn number(statement: &Statement) -> u64 {
    match &statement.claim {
        drone_hotfix::attestation::statement::Claim::Published(claim) => claim.build.number,
        drone_hotfix::attestation::statement::Claim::Promoted(claim) => claim.build.number,
    }
}

#[tokio::test]
async fn what_a_careless_client_wiped_out_comes_back_with_the_next_statement() {
    let registry = Registry::open();
    let image = image::single("one");
    registry.push(PATH, "build", &image);
    let (subject, client) = (manifest(&image), client(&registry.address(), PATH));
    write(&client, &subject, claim(1), None).await.unwrap();
    // Another client has read the empty list before, and writes it now.
    let empty = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []});
    let tag = subject.digest.as_str().replace(':', "-");
    registry.push_manifest(PATH, &tag, &Blob::new(OCI_INDEX, empty.to_string()));
    let found = attested::read(&client, &subject.digest, &policy(&[]))
        .await
        .unwrap();
    assert_eq!(found.statements.len(), 0);
    write(&client, &subject, claim(2), None).await.unwrap();
    let found = attested::read(&client, &subject.digest, &policy(&[]))
        .await
        .unwrap();
    assert_eq!(found.statements.len(), 2);
}

#[tokio::test]
async fn what_was_copied_from_elsewhere_counts_as_none_and_is_said() {
    let registry = Registry::open();
    let (hotfix, other) = (image::single("hotfix"), image::single("other"));
    registry.push(PATH, "hotfix", &hotfix);
    registry.push(PATH, "other", &other);
    registry.push("example/copy", "hotfix", &hotfix);
    let (private, public) = key(P256);
    let key = signing(&private);
    let (here, there) = (
        client(&registry.address(), PATH),
        client(&registry.address(), "example/copy"),
    );
    let (hotfix, other) = (manifest(&hotfix), manifest(&other));
    let policy = policy(&[&public]);
    write(&here, &hotfix, claim(1), Some(&key)).await.unwrap();
    let said = Statement::new(here.repository(), hotfix.digest.clone(), claim(1));
    let copied = artifact(&said, Some(&key)).unwrap();

    // To another image, with a manifest that names that one.
    here.attach(&other, &copied).await.unwrap();
    let found = attested::read(&here, &other.digest, &policy).await.unwrap();
    assert_eq!(found.statements, []);
    assert!(
        found.rejected[0].contains("copied to this image"),
        "{:?}",
        found.rejected
    );

    // To the same image in another repository.
    there.attach(&hotfix, &copied).await.unwrap();
    let found = attested::read(&there, &hotfix.digest, &policy)
        .await
        .unwrap();
    assert_eq!(found.statements, []);
    assert!(
        found.rejected[0].contains("copied to this one"),
        "{:?}",
        found.rejected
    );

    // The list of the one image under the tag of the other.
    let tag = |digest: &Digest| digest.as_str().replace(':', "-");
    let (kind, bytes, _) = registry.raw_manifest(PATH, &tag(&hotfix.digest)).unwrap();
    registry.push_manifest(PATH, &tag(&other.digest), &Blob::new(&kind, bytes));
    let found = attested::read(&here, &other.digest, &policy).await.unwrap();
    assert_eq!(found.statements, []);
    assert!(
        found.rejected[0].contains("only listed here"),
        "{:?}",
        found.rejected
    );

    // With the wrong key.
    let (stranger, _) = super::key(P256);
    write(&here, &hotfix, claim(2), Some(&signing(&stranger)))
        .await
        .unwrap();
    let found = attested::read(&here, &hotfix.digest, &policy)
        .await
        .unwrap();
    assert_eq!(found.statements.len(), 1);
    assert!(
        found.rejected[0].contains("does not verify"),
        "{:?}",
        found.rejected
    );
}
