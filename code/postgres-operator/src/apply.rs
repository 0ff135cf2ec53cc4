//! Apply: carries steps out, write by write.

use crate::{
    api::Database,
    blocked::Blocked,
    child::Child,
    context::{Context, MANAGER},
    error::Error,
    expectations::version,
    external::login::Login,
    observe::Observed,
    passwords,
    plan::Step,
    pods::{Trouble, prune},
    resources::{ROLE_LABEL, STANDBY, is_credentials_of, is_owned_by},
    verify,
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod, Secret},
};
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    core::Status,
};
use serde_json::{Value, json};
use std::{ops::ControlFlow, sync::Arc};

/// What is known at the end of a pass, for the report.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The StatefulSet: the API server's answer where it was applied, the cached one where it already held.
    pub stateful_set: Option<Arc<StatefulSet>>,
    /// What stands in the way.
    pub blocked: Option<Blocked>,
    /// What keeps a pod from starting.
    pub trouble: Option<Trouble>,
    /// What PostgreSQL said to the application's login, if it was tried.
    pub login: Option<Login>,
}

impl Outcome {
    /// From what was observed, the answers to writes included.
    pub fn of(observed: &Observed, blocked: Option<Blocked>) -> Self {
        Self {
            stateful_set: observed.stateful_set.clone(),
            blocked,
            trouble: observed.trouble(),
            login: observed.login.clone(),
        }
    }
}

impl Answer {
    /// Version of a child that the caches will show.
    fn version(&self) -> Option<u64> {
        match self {
            Self::Credentials(secret) => version(secret.as_ref()),
            Self::Child(child) => version(child.as_ref()),
            Self::Pod(_) | Self::Claim(..) | Self::Password | Self::NoPassword(_) => None,
        }
    }
}

/// Carries out steps, and adds what the API server answers to what is observed. A refused write ends them and is part of it,
/// so that it gets reported.
pub async fn apply(
    steps: &[Step],
    db: &Database,
    observed: &mut Observed,
    ctx: &Context,
) -> Result<(), Error> {
    for step in steps {
        let written = carry_out(step, db, observed, ctx).await?;
        if take_note(written, db, observed, ctx).is_break() {
            break;
        }
    }
    Ok(())
}

/// How a write ended.
pub enum Written {
    /// It holds now.
    Done {
        /// Kind and name.
        what: String,
        /// What the API server has now.
        answer: Answer,
    },
    /// The API server said no, or the name is somebody else's.
    Refused(Blocked),
}

/// Adds how a write ended to what is observed. A refusal is the last: what follows may stand on it.
pub fn take_note(written: Written, db: &Database, observed: &mut Observed, ctx: &Context) -> ControlFlow<()> {
    match written {
        Written::Refused(blocked) => {
            observed.refused = Some(blocked);
            ControlFlow::Break(())
        }
        Written::Done { what, answer } => {
            if !matches!(answer, Answer::NoPassword(_)) {
                tracing::info!(%what, "written");
            }
            if let Some(version) = answer.version() {
                ctx.expectations.expect(db, what, version);
            }
            observed.learn(answer);
            ControlFlow::Continue(())
        }
    }
}

/// The object that a write left behind, where a later decision of the same pass looks at it.
pub enum Answer {
    /// The credentials.
    Credentials(Arc<Secret>),
    /// Any applied child.
    Child(Box<DynamicObject>),
    /// A pod with its new label.
    Pod(Arc<Pod>),
    /// A volume claim and the size that it asks for now.
    Claim(String, String),
    /// The password is another one: the login has to be tried again.
    Password,
    /// The server said nothing, so the password is what it was.
    NoPassword(Login),
}

/// Carries one step out.
pub async fn carry_out(
    step: &Step,
    db: &Database,
    observed: &Observed,
    ctx: &Context,
) -> Result<Written, Error> {
    match step {
        Step::CreateCredentials(secret) => passwords::create(secret, db, ctx).await,
        Step::AddPassword { uid, version } => passwords::add(uid, version, db, ctx).await,
        Step::Apply { child, uid } => apply_child(child, uid.as_deref(), db, ctx).await,
        Step::LabelStandby { pod, uid } => {
            let api: Api<Pod> = ctx.namespaced(db);
            // The UID is a precondition: the label is not meant for a pod that took the name since.
            let patch = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": pod, "uid": uid, "labels": {ROLE_LABEL: STANDBY}},
            });
            let mut patched =
                api.patch(pod, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await;
            if let Ok(pod) = &mut patched {
                prune(pod);
            }
            written("Pod", pod, patched.map(|pod| Answer::Pod(Arc::new(pod))))
        }
        Step::GrowVolume { claim, size } => {
            let api: Api<PersistentVolumeClaim> = ctx.namespaced(db);
            let patch = json!({"spec": {"resources": {"requests": {"storage": size}}}});
            let patched = api.patch(claim, &PatchParams::default(), &Patch::Merge(patch)).await;
            let answer = patched.map(|_| Answer::Claim(claim.clone(), size.clone()));
            written("PersistentVolumeClaim", claim, answer)
        }
        Step::ChangePassword => {
            let what = format!("password of {}", db.spec.username);
            match verify::change_password(db, observed, ctx).await {
                Ok(answer) => Ok(Written::Done { what, answer }),
                Err(blocked) => Ok(Written::Refused(blocked)),
            }
        }
    }
}

/// Server-side apply of one child, to the very object that was observed or to none.
// ANCHOR: apply-child
async fn apply_child(
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
    let answer = send(child, &desired, db, ctx).await;
    written(&child.resource.kind, &child.name, answer.map(|object| Answer::Child(Box::new(object))))
}
// ANCHOR_END: apply-child

/// Sends a child as one server-side apply, and a second patch where an old API server needs one.
pub async fn send(
    child: &Child,
    desired: &Value,
    db: &Database,
    ctx: &Context,
) -> Result<DynamicObject, kube::Error> {
    let api = child.api(ctx);
    let mut live =
        api.patch(&child.name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(desired)).await?;
    if let Some(patch) = child.without_foreign_selector(&live.data) {
        live = api.patch(&child.name, &PatchParams::default(), &Patch::Merge(patch)).await?;
    }
    if child.resource.kind == "StatefulSet"
        && let Ok(set) = live.clone().try_parse::<StatefulSet>()
    {
        ctx.settled.find_out(db, &set, child);
    }
    Ok(live)
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
        Some(found) if is_owned_by(&found.metadata, db) || is_credentials_of(&found.metadata, db) => {
            Existing::Ours(found.metadata.uid)
        }
        Some(_) => Existing::Strangers,
    })
}

/// Sorts an answer: done, refused for a reason that the status should give, or an error of this pass alone.
pub(crate) fn written(kind: &str, name: &str, answer: Result<Answer, kube::Error>) -> Result<Written, Error> {
    let what = format!("{kind} {name}");
    match answer {
        Ok(answer) => Ok(Written::Done { what, answer }),
        // Somebody was faster, perhaps an earlier pass whose write the cache does not show yet.
        Err(kube::Error::Api(status))
            if status.is_conflict() || status.is_already_exists() || is_another(&status) =>
        {
            Err(Error::Stale { what })
        }
        Err(kube::Error::Api(status)) => {
            tracing::warn!(%what, reason = status.reason, answer = status.message, "refused");
            Ok(Written::Refused(Blocked::refused(kind, name, &status)))
        }
        Err(source) => Err(Error::Write { what, source }),
    }
}

/// Whether a patch was meant for an object whose name another one has taken since. The API server answers 409 to a UID of which
/// there is no object, and 422 to one that is not the object's own: to it that is an attempt to change it.
fn is_another(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 422 && causes.any(|cause| cause.field == "metadata.uid")
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
