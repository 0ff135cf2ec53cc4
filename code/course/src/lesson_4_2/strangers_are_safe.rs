//! What bears the Database's name and is somebody else's is not touched.

use super::{
    CLEANED_UP, MADE, NAME,
    backups::{folder, put, store},
    life::{delete, gone, identity, leaves, made, nothing_kept},
    previous_life::{self, FINALIZER_WRITES},
};
use crate::{
    check::{Arena, Failure, Kind},
    lesson_4_1::{NO_IMAGE, is},
};
use fault_proxy::Request;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::{Api, ResourceExt, api::PostParams};
use postgres_operator::error::chain;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A Database whose credentials' name is taken, and one whose servers' name is.
const TAKEN: [&str; 2] = ["secret-taken", "set-taken"];

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    let strangers = Strangers::settle(arena).await?;
    made(arena, NAME, nothing_kept(arena)).await?;
    for name in TAKEN {
        let mut spec = nothing_kept(arena);
        spec["image"] = json!(NO_IMAGE);
        arena.create(name, spec).await?;
        let blocked = |db: &_| ResourceExt::name_any(db) == name && is(db, "Failed", "True");
        arena.database(0, MADE, &format!("{name} is told to be blocked by a stranger"), blocked).await?;
    }
    for name in [NAME].into_iter().chain(TAKEN) {
        delete(arena, name).await?;
        gone(arena, name, CLEANED_UP).await?;
        leaves(arena, name, &strangers.labelled(name)).await?;
    }
    strangers.are_untouched(arena).await?;
    previous_life::check(arena).await?;
    Ok(format!(
        "{} objects and {} files of others; {FINALIZER_WRITES}",
        strangers.objects.len(),
        strangers.files.len()
    ))
}

/// What others have under names that the operator uses.
struct Strangers {
    /// Kind, resource, name and UID.
    objects: Vec<(&'static str, &'static str, String, String)>,
    files: Vec<PathBuf>,
}

impl Strangers {
    async fn settle(arena: &Arena) -> Result<Self, Failure> {
        let mut objects = Vec::new();
        let claim = |name: &str, labels: Value| {
            json!({
                "metadata": {"name": name, "labels": labels},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
            })
        };
        let instance = json!({"app.kubernetes.io/instance": NAME});
        for (name, labels) in [("data-orders-7", json!({})), ("data-orders-8", instance)] {
            let uid = create::<PersistentVolumeClaim>(arena, claim(name, labels)).await?;
            objects.push(("PersistentVolumeClaim", "persistentvolumeclaims", name.to_owned(), uid));
        }
        let secret = format!("{}-credentials", TAKEN[0]);
        let uid = create::<Secret>(arena, json!({"metadata": {"name": secret}})).await?;
        objects.push(("Secret", "secrets", secret, uid));
        let labels = json!({"app": "somebody-elses"});
        let set = json!({
            "metadata": {"name": TAKEN[1]},
            "spec": {
                "replicas": 0, "serviceName": "x", "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": NO_IMAGE}]}},
            },
        });
        let uid = create::<StatefulSet>(arena, set).await?;
        objects.push(("StatefulSet", "statefulsets", TAKEN[1].to_owned(), uid));
        let files = vec![
            folder(arena, "orders-2").join("of-a-name-that-starts-alike.dump"),
            store(arena).join("another-namespace").join(NAME).join("of-another-namespace.dump"),
            folder(arena, NAME).join("notes.txt"),
        ];
        files.iter().try_for_each(|file| put(file))?;
        Ok(Self { objects, files })
    }

    /// Those that a search by label finds beside a Database's own.
    fn labelled(&self, name: &str) -> Vec<String> {
        let ours = |object: &str| name == NAME && object == "data-orders-8";
        let found = self.objects.iter().filter(|(_, _, object, _)| ours(object));
        found.map(|(kind, _, object, _)| format!("{kind} {object}")).collect()
    }

    async fn are_untouched(&self, arena: &Arena) -> Result<(), Failure> {
        for (kind, _, name, uid) in &self.objects {
            let now = match *kind {
                "Secret" => identity::<Secret>(arena, name).await?,
                "StatefulSet" => identity::<StatefulSet>(arena, name).await?,
                _ => identity::<PersistentVolumeClaim>(arena, name).await?,
            };
            if now != *uid {
                return Err(Failure::new(format!("the {kind} {name} that was there before"), "another one"));
            }
        }
        if let Some(file) = self.files.iter().find(|file| !file.exists()) {
            return Err(Failure::new(format!("{} stays", file.display()), "it is gone"));
        }
        let theirs = |request: &Request| {
            let named = |(_, resource, name, _): &(_, &str, String, _)| {
                *resource == request.resource && request.name.as_ref() == Some(name)
            };
            request.change.is_some() && self.objects.iter().any(named)
        };
        match arena.requests().into_iter().find(theirs) {
            Some(request) => {
                Err(Failure::new("no write to an object of somebody else's", request.to_string()))
            }
            None => Ok(()),
        }
    }
}

async fn create<K: Kind>(arena: &Arena, object: Value) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(format!("a {} of somebody else's", K::kind(&())), error);
    let object: K = serde_json::from_value(object).map_err(|error| failed(error.to_string()))?;
    let api: Api<K> = arena.api();
    let made = api.create(&PostParams::default(), &object).await.map_err(|error| failed(chain(&error)))?;
    Ok(made.uid().unwrap_or_default())
}
