//! Apply: carries steps out, write by write.

mod answer;
mod child;
mod live;

pub use answer::{Answer, Written, is_stale, written};
pub use child::{Existing, existing, send};
pub use live::Live;

use crate::{
    api::Database,
    blocked::Blocked,
    context::{Context, MANAGER},
    error::Error,
    external::login::Login,
    kept::Kept,
    observe::Observed,
    passwords,
    plan::Step,
    pods::Trouble,
    resources::{ROLE_LABEL, STANDBY},
    verify,
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
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
        Step::Apply { child, uid } => child::apply_child(child, uid.as_deref(), db, ctx).await,
        Step::LabelStandby { pod, uid } => {
            let api: Api<Pod> = ctx.namespaced(db);
            // The UID is a precondition: the label is not meant for a pod that took the name since.
            let patch = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": pod, "uid": uid, "labels": {ROLE_LABEL: STANDBY}},
            });
            let patched = api.patch(pod, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await;
            written("Pod", pod, patched.map(|pod| Answer::Pod(Arc::new(Kept::from(pod).object()))))
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
