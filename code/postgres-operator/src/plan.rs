//! Decide: from what is wanted and what is observed to the writes that are missing. Pure, so it is tested as a table.

use crate::{
    api::{Database, parse_quantity, validate},
    blocked::Blocked,
    child::Child,
    error::Error,
    external::login::Login,
    observe::{Observed, value},
    phase::Phase,
    resources::{
        DATA_VOLUME, PASSWORD, REPLICATION_PASSWORD, ROLE_LABEL, STANDBY, SUPERUSER_PASSWORD, credentials,
        is_owned_by, service_account, services, stateful_set,
    },
};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

/// One write that is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Create the generated passwords. Never an update: they are made once.
    CreateCredentials(Box<Secret>),
    /// Add the application's password to the credentials, which have none because the user has brought one so far. Never another
    /// one in its place: the version says that there was none.
    AddPassword {
        /// UID of the Secret.
        uid: String,
        /// Its version.
        version: String,
    },
    /// Apply a child. With a UID, only to that very object; without, only if there is none.
    Apply {
        /// The desired object.
        child: Box<Child>,
        /// UID of the object that it replaces.
        uid: Option<String>,
    },
    /// Give the application's role the password that its Secret has.
    ChangePassword,
    /// Label the pod of a standby, so that the read-only Service finds it.
    LabelStandby {
        /// Name of the pod.
        pod: String,
        /// Its UID.
        uid: String,
    },
    /// Ask for a larger volume.
    GrowVolume {
        /// Name of the claim.
        claim: String,
        /// The size to ask for.
        size: String,
    },
}

impl Step {
    /// The phase that a Database without servers is in while this step is missing; none for what goes on in any phase.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::CreateCredentials(_) | Self::AddPassword { .. } => Some(Phase::Provisioning),
            Self::Apply { child, .. } => Some(match child.resource.kind.as_str() {
                "ServiceAccount" => Phase::Provisioning,
                "Service" => Phase::Configuring,
                _ => Phase::Deploying,
            }),
            Self::GrowVolume { .. } => Some(Phase::Updating),
            Self::ChangePassword | Self::LabelStandby { .. } => None,
        }
    }
}

/// The writes of one pass, in order. Empty in steady state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What to write.
    pub steps: Vec<Step>,
    /// What stands in the way. Then there are no steps: nothing is half-applied.
    pub blocked: Option<Blocked>,
}

/// Decides what to write.
pub fn plan(db: &Database, observed: &Observed) -> Result<Plan, Error> {
    if db.metadata.deletion_timestamp.is_some() {
        // Another finalizer holds it. What goes is not brought back: garbage collection takes the children.
        return Ok(Plan::default());
    }
    if let Some(blocked) = obstacle(db, observed) {
        return Ok(Plan { steps: Vec::new(), blocked: Some(blocked) });
    }
    let mut steps = Vec::new();
    match observed.credentials.as_deref() {
        None => steps.push(Step::CreateCredentials(Box::new(credentials(db)))),
        Some(secret) => steps.extend(missing_password(db, secret)),
    }
    let name = db.name_any();
    let account = observed.service_account.as_deref();
    steps.extend(missing(&name, account, observed, || service_account(db))?);
    for service in services(db) {
        let name = service.name_any();
        let live = observed.services.get(&name).map(AsRef::as_ref);
        steps.extend(missing(&name, live, observed, || service)?);
    }
    let running = observed.stateful_set.as_deref();
    if !observed.unasked {
        steps.extend(missing(&name, running, observed, || stateful_set(db, running))?);
    }
    steps.extend(standbys_without_label(observed));
    steps.extend(volumes_to_grow(db, observed));
    if observed.login == Some(Login::WrongPassword) {
        steps.push(Step::ChangePassword);
    }
    Ok(Plan { steps, blocked: None })
}

/// The step that completes credentials which were made when the user brought a password of their own.
fn missing_password(db: &Database, secret: &Secret) -> Option<Step> {
    if db.spec.password_secret_ref.is_some() || has_key(secret, PASSWORD) {
        return None;
    }
    let version = secret.resource_version().unwrap_or_default();
    Some(Step::AddPassword { uid: secret.uid().unwrap_or_default(), version })
}

fn has_key(secret: &Secret, key: &str) -> bool {
    secret.data.as_ref().is_some_and(|data| data.contains_key(key))
}

/// The step that makes a child what it should be; none if it already is. What is desired is worked out only where that is not known.
fn missing<K>(
    name: &str,
    live: Option<&K>,
    observed: &Observed,
    desired: impl FnOnce() -> K,
) -> Result<Option<Step>, Error>
where
    K: Resource<DynamicType = ()> + serde::Serialize,
{
    if observed.holds(&K::kind(&()), name) {
        return Ok(None);
    }
    let child = Child::new(&desired())?;
    if child.holds_in(live) {
        return Ok(None);
    }
    let uid = live.and_then(ResourceExt::uid);
    Ok(Some(Step::Apply { child: Box::new(child), uid }))
}

/// The first thing that keeps the whole plan from being right.
fn obstacle(db: &Database, observed: &Observed) -> Option<Blocked> {
    if let Err(violation) = validate(db, &observed.recorded(db)) {
        return Some(Blocked::InvalidSpec(violation));
    }
    observed
        .refused
        .clone()
        .or_else(|| strangers(db, observed))
        .or_else(|| credentials_obstacle(db, observed))
        .or_else(|| password_obstacle(db, observed))
        .or_else(|| observed.complaint.clone())
        .or_else(|| match &observed.login {
            Some(Login::Refused { message }) => Some(Blocked::LoginRefused { message: message.clone() }),
            Some(Login::WrongPassword) if observed.password_changed => {
                let message = "the password was changed, and is still not accepted".to_owned();
                Some(Blocked::LoginRefused { message })
            }
            _ => None,
        })
}

/// A cached child carries the operator's label; its owner must also be this very Database.
fn strangers(db: &Database, observed: &Observed) -> Option<Blocked> {
    let one = |kind: &str, meta: &ObjectMeta| (kind.to_owned(), meta.clone());
    let account = observed.service_account.iter().map(|it| one("ServiceAccount", &it.metadata));
    let services = observed.services.values().map(|it| one("Service", &it.metadata));
    let set = observed.stateful_set.iter().map(|it| one("StatefulSet", &it.metadata));
    account
        .chain(services)
        .chain(set)
        .find(|(_, meta)| !is_owned_by(meta, db))
        .map(|(kind, meta)| Blocked::NameTaken { kind, name: meta.name.unwrap_or_default() })
}

fn credentials_obstacle(db: &Database, observed: &Observed) -> Option<Blocked> {
    let Some(secret) = observed.credentials.as_deref() else {
        let claim = observed.claims.keys().next()?.clone();
        return Some(Blocked::CredentialsLost { secret: db.credentials_name(), claim });
    };
    // One that is not there at all can be added.
    let generated = db.spec.password_secret_ref.is_none() && has_key(secret, PASSWORD);
    [SUPERUSER_PASSWORD, REPLICATION_PASSWORD]
        .into_iter()
        .chain(generated.then_some(PASSWORD))
        .find(|key| value(secret, key).is_none())
        .map(|key| Blocked::SecretKeyMissing { name: db.credentials_name(), key: key.to_owned() })
}

fn password_obstacle(db: &Database, observed: &Observed) -> Option<Blocked> {
    let reference = db.spec.password_secret_ref.as_ref()?;
    let Some(secret) = &observed.password_secret else {
        return Some(Blocked::SecretMissing { name: reference.name.clone() });
    };
    value(secret, &reference.key)
        .is_none()
        .then(|| Blocked::SecretKeyMissing { name: reference.name.clone(), key: reference.key.clone() })
}

fn standbys_without_label(observed: &Observed) -> impl Iterator<Item = Step> + '_ {
    let standbys = observed.pods.iter().filter(|pod| !pod.name_any().ends_with("-0"));
    let unlabelled = standbys.filter(|pod| pod.labels().get(ROLE_LABEL).map(String::as_str) != Some(STANDBY));
    unlabelled.map(|pod| Step::LabelStandby { pod: pod.name_any(), uid: pod.uid().unwrap_or_default() })
}

fn volumes_to_grow<'a>(db: &'a Database, observed: &'a Observed) -> impl Iterator<Item = Step> + 'a {
    let wanted = parse_quantity(&db.spec.storage.size).unwrap_or_default();
    let running = (0..db.spec.replicas).map(|ordinal| format!("{DATA_VOLUME}-{}-{ordinal}", db.name_any()));
    let small = running.filter(move |claim| {
        let size = observed.claims.get(claim).and_then(|size| parse_quantity(size).ok());
        size.is_some_and(|size| size < wanted)
    });
    small.map(|claim| Step::GrowVolume { claim, size: db.spec.storage.size.clone() })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(crate) mod tests;
