//! Observe: everything that a decision may look at, gathered before anything is decided.

use crate::{
    api::{Database, Recorded, Storage, parse_quantity, same_quantity},
    apply::{Answer, Live},
    blocked::Blocked,
    context::Context,
    error::Error,
    expectations::version,
    external::login::Login,
    kept::{InParts, Kept},
    parameters,
    pods::{Trouble, is_ready, trouble},
    resources::{DATA_VOLUME, is_credentials_of, labels, recorded_storage},
    whole::{Parts, look_closer},
};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount},
};
use kube::{
    Api, Resource, ResourceExt,
    api::ListParams,
    runtime::reflector::{ObjectRef, Store},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What there is. An `Option` that is `None` was looked for and is not there; a read that fails is an [`Error`] and
/// ends the pass, because "I could not see it" must never be taken for "it does not exist".
#[derive(Clone, Default)]
pub struct Observed {
    /// `<name>-credentials`.
    pub credentials: Option<Arc<Secret>>,
    /// The Secret of `spec.passwordSecretRef`; `None` also if the spec names none.
    pub password_secret: Option<Secret>,
    /// The pods' identity; if it holds, perhaps only which it is and whose.
    pub service_account: Option<Arc<ServiceAccount>>,
    /// The Services, by name; of one that holds, perhaps only which it is and whose.
    pub services: BTreeMap<String, Arc<Service>>,
    /// The servers; if they hold, perhaps only their storage and their status.
    pub stateful_set: Option<Arc<StatefulSet>>,
    /// The children, by kind and name, that are known to be the desired ones. Not the credentials, which are never compared.
    pub hold: BTreeSet<String>,
    /// The pods of ordinals 0 to `replicas` − 1, as far as they are there: their labels, and of their status what [`Kept`] keeps.
    pub pods: Vec<Arc<Pod>>,
    /// Volume claims with the size that each asks for. Read only where a decision needs them: when the credentials are
    /// missing, when the volumes have to grow, or when a spec is new or was refused.
    pub claims: BTreeMap<String, String>,
    /// What PostgreSQL has against parameters that are not in force yet, or why it cannot be asked; `None` if they are in force, or
    /// if it has nothing.
    pub complaint: Option<Blocked>,
    /// PostgreSQL is on its way and cannot be asked about its parameters yet: until then the servers stay as they are.
    pub unasked: bool,
    /// What PostgreSQL said to the application's login, if it was tried in this pass.
    pub login: Option<Login>,
    /// The password was changed in this pass. Once is enough: what does not help the first time does not help the second.
    pub password_changed: bool,
    /// A write of this pass that was refused.
    pub refused: Option<Blocked>,
}

/// Gathers what a pass decides on: from the watch caches what they hold, with a request the rest.
pub async fn observe(db: &Database, ctx: &Context) -> Result<Observed, Error> {
    let caches = ctx.caches.ready().await?;
    let name = db.name_any();
    let parts = Parts {
        services: ["", "-ro", "-pods"]
            .into_iter()
            .filter_map(|suffix| cached(&caches.services, db, &format!("{name}{suffix}")))
            .collect(),
        service_account: cached(&caches.service_accounts, db, &name),
        stateful_set: cached(&caches.stateful_sets, db, &name),
    };
    let mut observed = Observed {
        credentials: cached(&caches.secrets, db, &db.credentials_name()),
        password_secret: password_secret(db, ctx).await?,
        service_account: parts.service_account.as_ref().map(object),
        services: parts.services.iter().map(|kept| (kept.name_any(), object(kept))).collect(),
        stateful_set: parts.stateful_set.as_ref().map(object),
        pods: (0..db.spec.replicas)
            .filter_map(|ordinal| cached(&caches.pods, db, &format!("{name}-{ordinal}")))
            .map(|kept| object(&kept))
            .collect(),
        ..Observed::default()
    };
    if let Some(what) = ctx.expectations.unseen(db, |child| observed.version(child)) {
        return Err(Error::Stale { what });
    }
    look_closer(db, &parts, &mut observed, ctx).await?;
    if observed.credentials.is_none() || grows(db, &observed) || may_shrink(db) {
        observed.claims = claims(db, ctx).await?;
    }
    if observed.credentials.is_none() && !observed.claims.is_empty() {
        // Volumes without the passwords that they know would be a failure, and the watch may only be late.
        observed.credentials = credentials(db, ctx).await?;
    }
    match parameters::check(db, &observed, ctx).await {
        Ok(answer) => observed.unasked = answer == parameters::Answer::Later,
        Err(complaint) => observed.complaint = Some(complaint),
    }
    Ok(observed)
}

impl Observed {
    /// What the running children were made from.
    pub fn recorded(&self, db: &Database) -> Recorded {
        let secret = |key| self.credentials.as_deref().and_then(|secret| value(secret, key));
        Recorded {
            database_name: secret("dbname"),
            username: secret("username"),
            storage: self
                .stateful_set
                .as_deref()
                .and_then(recorded_storage)
                .or_else(|| self.kept(db))
                .map(|template| self.grown(template)),
        }
    }

    /// The storage of a previous life, whose volumes the first servers find. Which class they are of makes no difference to them.
    fn kept(&self, db: &Database) -> Option<Storage> {
        let size = self.claims.values().next()?.clone();
        Some(Storage { size, ..db.spec.storage.clone() })
    }

    /// The storage of a template, with the size of the largest volume that has grown beyond it.
    fn grown(&self, mut storage: Storage) -> Storage {
        let bytes = |size: &str| parse_quantity(size).unwrap_or_default();
        if let Some(largest) = self.claims.values().max_by_key(|size| bytes(size))
            && bytes(largest) > bytes(&storage.size)
        {
            storage.size.clone_from(largest);
        }
        storage
    }

    /// Takes the API server's answer to a write for what there is. The watch caches will show it a moment later.
    pub fn learn(&mut self, answer: Answer) {
        match answer {
            Answer::Credentials(secret) => self.credentials = Some(secret),
            Answer::Child { live, holds } => self.learn_child(live, holds),
            Answer::Pod(pod) => {
                self.pods.retain(|known| known.name_any() != pod.name_any());
                self.pods.push(pod);
                self.pods.sort_by_key(|pod| pod.name_any());
            }
            Answer::Claim(claim, size) => drop(self.claims.insert(claim, size)),
            Answer::Password => (self.login, self.password_changed) = (None, true),
            Answer::NoPassword(login) => self.login = Some(login),
        }
    }

    /// Version of a child that operators write, by kind and name.
    fn version(&self, child: &str) -> Option<u64> {
        let (kind, name) = child.split_once(' ')?;
        match kind {
            "Secret" => version(&self.credentials.as_deref()?.metadata),
            "ServiceAccount" => version(&self.service_account.as_deref()?.metadata),
            "Service" => version(&self.services.get(name)?.metadata),
            "StatefulSet" => version(&self.stateful_set.as_deref()?.metadata),
            _ => None,
        }
    }

    fn learn_child(&mut self, live: Live, holds: bool) {
        let name = live.metadata().name.clone().unwrap_or_default();
        let what = format!("{} {name}", live.kind());
        self.hold.remove(&what);
        self.hold.extend(holds.then_some(what));
        match live {
            Live::ServiceAccount(live) => self.service_account = Some(live),
            Live::Service(live) => drop(self.services.insert(name, live)),
            Live::StatefulSet(live) => self.stateful_set = Some(live),
        }
    }

    /// The pod of the primary, if it is ready.
    pub fn primary(&self) -> Option<&Pod> {
        let first = self.pods.iter().find(|pod| pod.name_any().ends_with("-0"))?;
        is_ready(first).then_some(first.as_ref())
    }

    /// Whether the application's login can be tried while another server is waited for, and has not been in this pass. Where all are
    /// ready, only the StatefulSet has not said so yet, and the time to try it comes in a moment.
    pub fn may_ask(&self, db: &Database, blocked: Option<&Blocked>) -> bool {
        let ready = self.pods.iter().filter(|pod| is_ready(pod)).count();
        let lacks_one = i32::try_from(ready).is_ok_and(|ready| ready < db.spec.replicas);
        blocked.is_none() && self.login.is_none() && lacks_one && self.primary().is_some()
    }

    /// What keeps a pod from starting, if it is more than time.
    pub fn trouble(&self) -> Option<Trouble> {
        self.pods.iter().find_map(|pod| trouble(pod))
    }

    /// Why something that should be written was not.
    pub fn unwritten(&self) -> Option<Blocked> {
        self.refused.clone().or(self.unasked.then_some(Blocked::ParametersUnchecked))
    }

    /// Whether a child is known to be the desired one.
    pub fn holds(&self, kind: &str, name: &str) -> bool {
        self.hold.contains(&format!("{kind} {name}"))
    }

    /// Whether no child of this life exists. Credentials and volumes may be of a previous one.
    pub fn is_nothing(&self) -> bool {
        self.service_account.is_none() && self.services.is_empty() && self.stateful_set.is_none()
    }

    /// Whether the application's login was tried in this pass, and worked.
    pub fn is_verified(&self) -> bool {
        matches!(self.login, Some(Login::Accepted { .. }))
    }
}

async fn credentials(db: &Database, ctx: &Context) -> Result<Option<Arc<Secret>>, Error> {
    let live: Option<Secret> = ctx.read(db, &db.credentials_name()).await?;
    Ok(live.filter(|secret| is_credentials_of(&secret.metadata, db)).map(Arc::new))
}

/// The text under a key, if there is any.
pub fn value(secret: &Secret, key: &str) -> Option<String> {
    let bytes = &secret.data.as_ref()?.get(key)?.0;
    String::from_utf8(bytes.clone()).ok().filter(|text| !text.is_empty())
}

fn object<K: InParts>(kept: &Arc<Kept<K>>) -> Arc<K> {
    Arc::new(kept.object())
}

fn cached<K>(store: &Store<K>, db: &Database, name: &str) -> Option<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    store.get(&ObjectRef::new(name).within(&db.namespace().unwrap_or_default()))
}

async fn password_secret(db: &Database, ctx: &Context) -> Result<Option<Secret>, Error> {
    match &db.spec.password_secret_ref {
        Some(reference) => ctx.read(db, &reference.name).await,
        None => Ok(None),
    }
}

fn grows(db: &Database, observed: &Observed) -> bool {
    observed.recorded(db).storage.is_some_and(|storage| !same_quantity(&storage.size, &db.spec.storage.size))
}

/// Whether the spec may ask for less than the volumes have. The template does not tell: it keeps the first size. What was accepted
/// once need not be looked at again.
fn may_shrink(db: &Database) -> bool {
    let seen = db.status.as_ref().and_then(|status| status.observed_generation);
    seen != db.metadata.generation || db.says("Failed")
}

/// The claims `data-<name>-<ordinal>` with the operator's labels, which the StatefulSet controller copies onto them. A volume of a
/// previous life counts; one of somebody else's StatefulSet, whose name may start alike, does not.
pub async fn volume_claims(db: &Database, ctx: &Context) -> Result<Vec<PersistentVolumeClaim>, Error> {
    let api: Api<PersistentVolumeClaim> = ctx.namespaced(db);
    let selector = ListParams::default().labels(&format!("{}={}", crate::resources::INSTANCE, db.name_any()));
    let what = || "the volume claims".to_owned();
    let list = api.list(&selector).await.map_err(|source| Error::Read { what: what(), source })?;
    Ok(list.items.into_iter().filter(|claim| is_volume_of(claim, db)).collect())
}

fn is_volume_of(claim: &PersistentVolumeClaim, db: &Database) -> bool {
    let name = claim.name_any();
    let ordinal = name.strip_prefix(&format!("{DATA_VOLUME}-{}-", db.name_any()));
    let numbered = ordinal.is_some_and(|ordinal| ordinal.parse::<u16>().is_ok());
    numbered && labels(db).iter().all(|(key, value)| claim.labels().get(key) == Some(value))
}

/// The size that each claim asks for, by name.
async fn claims(db: &Database, ctx: &Context) -> Result<BTreeMap<String, String>, Error> {
    let sized = volume_claims(db, ctx).await?.into_iter().filter_map(|claim| {
        let size = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?.get("storage")?.0.clone();
        Some((claim.name_any(), size))
    });
    Ok(sized.collect())
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
