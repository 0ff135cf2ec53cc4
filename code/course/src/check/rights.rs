//! Whether rights that were granted are in force: the API server's authorizer hears of a new binding a moment later, and an
//! operator that starts in between is refused.

use super::{namespaces::ACCOUNT, poll::until};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use postgres_operator::error::chain;
use std::time::Duration;

const IN_FORCE_WITHIN: Duration = Duration::from_secs(15);

/// Waits until the operator's account may do its work in a namespace.
pub(super) async fn in_force(client: &Client, namespace: &str) -> Result<(), String> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{namespace}:{ACCOUNT}")),
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                verb: Some("list".into()),
                group: Some("database.example.com".into()),
                resource: Some("databases".into()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let asked = until(IN_FORCE_WITHIN, "the operator's rights are in force", async || {
        match api.create(&PostParams::default(), &review).await {
            Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => Ok(()),
            Ok(_) => Err("they are not".to_owned()),
            Err(error) => Err(chain(&error)),
        }
    });
    asked.await.map_err(|failure| format!("{}: {}", failure.expected, failure.seen))
}
