//! Writing the Secret of generated passwords: nothing that is in it is ever written again.

use crate::{
    api::Database,
    apply::{Answer, Existing, Written, existing, written},
    blocked::Blocked,
    context::{Context, MANAGER},
    error::Error,
    resources::{PASSWORD, generated},
};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use std::sync::Arc;

/// Creates the credentials. Where there is something of that name, the API server refuses, and only then it matters whose it is.
pub(crate) async fn create(secret: &Secret, db: &Database, ctx: &Context) -> Result<Written, Error> {
    let api: Api<Secret> = ctx.namespaced(db);
    let name = secret.name_any();
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    let created = api.create(&params, secret).await;
    if let Err(kube::Error::Api(status)) = &created
        && status.is_already_exists()
        && let Existing::Strangers = existing(&api, "Secret", &name, db).await?
    {
        return Ok(Written::Refused(Blocked::NameTaken { kind: "Secret".into(), name }));
    }
    written("Secret", &name, created.map(|secret| Answer::Credentials(Arc::new(secret))))
}

/// Adds a password for the application to the very Secret, at the very version, that was seen to have none. PostgreSQL knows the
/// one that the user brought; the next login finds that out.
pub(crate) async fn add(uid: &str, version: &str, db: &Database, ctx: &Context) -> Result<Written, Error> {
    let api: Api<Secret> = ctx.namespaced(db);
    let name = db.credentials_name();
    let patch = json!({
        "metadata": {"uid": uid, "resourceVersion": version},
        "data": {PASSWORD: ByteString(generated().into_bytes())},
    });
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    let patched = api.patch(&name, &params, &Patch::Merge(patch)).await;
    written("Secret", &name, patched.map(|secret| Answer::Credentials(Arc::new(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fake,
        resources::{credentials, tests::database},
    };
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    /// An API server that has this under every name, or nothing.
    fn holding(found: Option<ObjectMeta>) -> (kube::Client, fake::Log) {
        fake::client(move |asked| match &found {
            None => Some((201, asked.body.to_string())),
            Some(_) if asked.line.starts_with("POST") => Some(fake::refusal(409, "AlreadyExists")),
            Some(found) => Some(fake::metadata(found)),
        })
    }

    #[tokio::test]
    async fn whose_a_secret_is_matters_only_where_the_name_is_taken() {
        let db = database();
        let wanted = credentials(&db);
        for (situation, found, expected, requests) in [
            ("nothing is there", None, "done", 1),
            ("an earlier pass has made it", Some(wanted.metadata.clone()), "stale", 2),
            ("it is a stranger's", Some(ObjectMeta::default()), "refused", 2),
        ] {
            let (client, log) = holding(found);
            let ended = match create(&wanted, &db, &fake::context(client)).await {
                Ok(Written::Done { .. }) => "done",
                Ok(Written::Refused(Blocked::NameTaken { .. })) => "refused",
                Err(Error::Stale { .. }) => "stale",
                _ => "otherwise",
            };
            assert_eq!((ended, log.take().len()), (expected, requests), "{situation}");
        }
    }
}
