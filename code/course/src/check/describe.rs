//! Objects in one line each, for what lies around a failure.

use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Event};
use kube::ResourceExt;
use postgres_operator::api::Database;

/// A Database in one line.
pub(super) fn database(db: &Database) -> String {
    let conditions = db.conditions().iter().map(|condition| {
        let generation =
            condition.observed_generation.map_or("-".to_owned(), |generation| generation.to_string());
        format!("{}={} ({}, generation {generation})", condition.type_, condition.status, condition.reason)
    });
    let conditions = conditions.collect::<Vec<_>>().join(", ");
    let told = if conditions.is_empty() { "no conditions".to_owned() } else { conditions };
    let phase = db.status.as_ref().and_then(|status| status.phase);
    let phase = phase.map(|phase| format!(", phase {phase}")).unwrap_or_default();
    let generation = db.metadata.generation.unwrap_or_default();
    format!("Database {} at generation {generation}{phase}: {told}", db.name_any())
}

/// A StatefulSet in one line.
pub(super) fn stateful_set(set: &StatefulSet) -> String {
    let status = set.status.clone().unwrap_or_default();
    format!(
        "StatefulSet {} at generation {}, observed {}: {} pods, {} updated, {} ready",
        set.name_any(),
        set.metadata.generation.unwrap_or_default(),
        status.observed_generation.unwrap_or_default(),
        status.replicas,
        status.updated_replicas.unwrap_or_default(),
        status.ready_replicas.unwrap_or_default()
    )
}

/// An event in one line.
pub(super) fn event(event: &Event) -> String {
    const WIDEST: usize = 140;
    let object = &event.involved_object;
    let line = format!(
        "{} {}: {}: {}",
        object.kind.as_deref().unwrap_or_default(),
        object.name.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
        event.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default()
    );
    if line.chars().count() > WIDEST { line.chars().take(WIDEST).chain(['…']).collect() } else { line }
}
