//! Mistakes that the lesson shows.

use kube::api::{DynamicObject, PostParams};
use postgres_operator::{
    api::Database,
    apply::{Answer, Live, Written},
    child::Child,
    context::{Context, MANAGER},
    decide::{Decision, Work},
    error::Error,
    external::{
        login::Login,
        postgres::{Credentials, log_in},
        reach::Primary,
    },
    observe::{Observed, value},
    resources::SUPERUSER_PASSWORD,
    verify::application,
};
use solution_4_4_phases::{memory::Attempt, phase::decide};
use std::sync::Arc;

/// The status says where to go on from, and the table where to.
// ANCHOR: naive-guard
pub(crate) fn guarded(db: &Database, observed: &Observed) -> Result<Decision, Error> {
    let decision = decide(db, observed)?;
    match db.status.as_ref().and_then(|status| status.phase) {
        Some(phase) if phase != decision.phase && !phase.next().contains(&decision.phase) => {
            tracing::warn!(from = %phase, to = %decision.phase, "this transition is not allowed");
            Ok(Decision { phase, work: Work::Nothing, blocked: None })
        }
        _ => Ok(decision),
    }
}
// ANCHOR_END: naive-guard

/// Creates what is missing, once more if there is no answer.
// ANCHOR: naive-create
pub(crate) async fn create(child: &Child, ctx: &Context) -> Result<Written, Error> {
    let (api, what) = (child.api(ctx), child.what());
    let object: DynamicObject = match serde_json::from_value(child.desired.clone()) {
        Ok(object) => object,
        Err(source) => return Err(Error::Convert { what, source }),
    };
    let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    let mut answer = api.create(&params, &object).await;
    if !matches!(answer, Ok(_) | Err(kube::Error::Api(_))) {
        answer = api.create(&params, &object).await;
    }
    match answer {
        Ok(live) => {
            Ok(Written::Done { answer: Answer::Child { live: typed(&what, live)?, holds: false }, what })
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            Ok(Written::Refused(child.name_taken()))
        }
        Err(source) => Err(Error::Write { what, source }),
    }
}
// ANCHOR_END: naive-create

fn typed(what: &str, live: DynamicObject) -> Result<Live, Error> {
    let parsed = serde_json::to_value(&live).and_then(|json| {
        Ok(match live.types.unwrap_or_default().kind.as_str() {
            "ServiceAccount" => Live::ServiceAccount(serde_json::from_value(json).map(Arc::new)?),
            "Service" => Live::Service(serde_json::from_value(json).map(Arc::new)?),
            _ => Live::StatefulSet(serde_json::from_value(json).map(Arc::new)?),
        })
    });
    parsed.map_err(|source| Error::Convert { what: what.to_owned(), source })
}

/// Asks as somebody who may always ask.
// ANCHOR: naive-ask
pub(crate) async fn ask_as_superuser(
    db: &Database,
    observed: &Observed,
    ctx: &Context,
    attempt: Attempt<'_>,
) -> Login {
    let Some((primary, superuser)) = superuser(db, observed) else { return Login::NoAnswer };
    match log_in(ctx.logins.reach(), &primary, &superuser).await {
        Ok(version) => {
            attempt.answered();
            Login::Accepted { version }
        }
        Err(error) => error.into(),
    }
}
// ANCHOR_END: naive-ask

/// The superuser's login to the application's database.
pub(crate) fn superuser(db: &Database, observed: &Observed) -> Option<(Primary, Credentials)> {
    let (primary, application) = application(db, observed)?;
    let password = value(observed.credentials.as_deref()?, SUPERUSER_PASSWORD)?.into();
    Some((primary, Credentials { user: "postgres".into(), password, ..application }))
}
