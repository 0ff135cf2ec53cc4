//! Labels, annotations and finalizers of a Database are news, though its generation stays.

use super::stage::{NAME, NOTICED, SOON, settled, without_pods};
use crate::check::{Arena, Failure};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use postgres_operator::{api::Database, error::chain};
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody else's.
const HELD: &str = "course.example.com/held";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    arena.create(NAME, json!({})).await?;
    settled(arena, &arena.namespace, &[NAME]).await?;
    let label = noticed(arena, "a new label", json!({"labels": {"team": "orders"}})).await?;
    let annotation = noticed(arena, "a new annotation", json!({"annotations": {"team": "orders"}})).await?;
    let finalizers = arena.databases.last().map(|version| version.object.finalizers().to_vec());
    let more: Vec<String> = finalizers.unwrap_or_default().into_iter().chain([HELD.to_owned()]).collect();
    let finalizer = noticed(arena, "a new finalizer", json!({"finalizers": more})).await?;
    let slowest = label.max(annotation).max(finalizer);
    Ok(format!("a label, an annotation and a finalizer, each after {:.2} s at most", slowest.as_secs_f64()))
}

async fn noticed(arena: &Arena, what: &str, metadata: Value) -> Result<Duration, Failure> {
    let mark = arena.passes();
    let patch = Patch::Merge(json!({"metadata": metadata}));
    let patched = arena.api::<Database>().patch_metadata(NAME, &PatchParams::default(), &patch).await;
    patched.map_err(|error| Failure::new(format!("{what} can be written"), chain(&error)))?;
    let took = arena.pass_over(mark, (&arena.namespace, NAME), SOON, what).await?;
    arena.rests(arena.quiet, NOTICED).await?;
    Ok(took)
}
