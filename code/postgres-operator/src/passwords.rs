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

/// Creates the credentials, unless there is something of that name.
pub(crate) async fn create(secret: &Secret, db: &Database, ctx: &Context) -> Result<Written, Error> {
    let api: Api<Secret> = ctx.namespaced(db);
    let name = secret.name_any();
    match existing(&api, "Secret", &name, db).await? {
        Existing::None => {}
        Existing::Ours(_) => {
            return Err(Error::Stale { what: format!("Secret {name}") });
        }
        Existing::Strangers => {
            return Ok(Written::Refused(Blocked::NameTaken { kind: "Secret".into(), name }));
        }
    }
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    let created = api.create(&params, secret).await;
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
