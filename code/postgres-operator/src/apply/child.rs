//! One child by server-side apply, and whose object it is that already has the name.

use crate::{
    api::Database,
    apply::{Answer, Live, Written, written},
    child::Child,
    context::{Context, MANAGER},
    error::Error,
    kept::InParts,
    resources::{is_credentials_of, is_owned_by},
    watches::strip,
};
use k8s_openapi::{api::core::v1::Service, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{fmt::Debug, sync::Arc};

/// Server-side apply of one child, to the very object that was observed or to none.
// ANCHOR: apply-child
pub(crate) async fn apply_child(
    child: &Child,
    uid: Option<&str>,
    db: &Database,
    ctx: &Context,
) -> Result<Written, Error> {
    let api = child.api(ctx);
    let mut uid = uid.map(str::to_owned);
    if uid.is_none() {
        // The cache holds what carries our label. What it does not hold may still exist, and be a stranger's.
        match existing(&api, &child.resource.kind, &child.name, db).await? {
            Existing::None => {}
            Existing::Ours(found) => uid = found,
            Existing::Strangers => return Ok(Written::Refused(child.name_taken())),
        }
    }
    let mut desired = child.desired.clone();
    if let Some(uid) = uid {
        // A precondition: the API server refuses the patch if another object has taken the name since.
        desired["metadata"]["uid"] = json!(uid);
    }
    written(&child.resource.kind, &child.name, send(child, &desired, db, ctx).await)
}
// ANCHOR_END: apply-child

/// Sends a child as one server-side apply, and a second patch where an old API server needs one. What the server has then is looked at,
/// so that no later pass has to read it.
pub async fn send(
    child: &Child,
    desired: &Value,
    db: &Database,
    ctx: &Context,
) -> Result<Answer, kube::Error> {
    match child.resource.kind.as_str() {
        "ServiceAccount" => patch(child, desired, |_| None, Live::ServiceAccount, db, ctx).await,
        "Service" => {
            let selector = |live: &Service| child.without_foreign_selector(live);
            patch(child, desired, selector, Live::Service, db, ctx).await
        }
        // A kind that is none of these comes back as an error that names it.
        _ => patch(child, desired, |_| None, Live::StatefulSet, db, ctx).await,
    }
}

async fn patch<K>(
    child: &Child,
    desired: &Value,
    more: impl Fn(&K) -> Option<Value>,
    of_its_kind: fn(Arc<K>) -> Live,
    db: &Database,
    ctx: &Context,
) -> Result<Answer, kube::Error>
where
    K: InParts + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = ctx.namespaced(db);
    let apply = PatchParams::apply(MANAGER).force();
    let mut live = api.patch(&child.name, &apply, &Patch::Apply(desired)).await?;
    if let Some(more) = more(&live) {
        live = api.patch(&child.name, &PatchParams::default(), &Patch::Merge(more)).await?;
    }
    strip(&mut live);
    let holds = ctx.settled.find_out(db, &live, child);
    Ok(Answer::Child { live: of_its_kind(Arc::new(live)), holds })
}

/// What the API server has under a name that the cache does not know.
pub enum Existing {
    /// Nothing.
    None,
    /// A child of this Database, with its UID.
    Ours(Option<String>),
    /// Somebody else's object.
    Strangers,
}

/// Asks the API server what it has under a name.
pub async fn existing<K>(api: &Api<K>, kind: &str, name: &str, db: &Database) -> Result<Existing, Error>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let what = || format!("{kind} {name}");
    let found = api.get_metadata_opt(name).await.map_err(|source| Error::Read { what: what(), source })?;
    Ok(match found {
        None => Existing::None,
        Some(found) if is_ours(kind, &found.metadata, db) => Existing::Ours(found.metadata.uid),
        Some(_) => Existing::Strangers,
    })
}

/// The credentials have no owner, because they outlive their Database. Any other kind without one is an orphan, and the labels that
/// it has kept make it nobody's.
fn is_ours(kind: &str, found: &ObjectMeta, db: &Database) -> bool {
    if kind == "Secret" { is_credentials_of(found, db) } else { is_owned_by(found, db) }
}

#[cfg(test)]
#[path = "child_tests.rs"]
mod tests;
