//! A changed image or parameter goes through Updating to Ready at the new generation, and is in force there.

use super::{NAME, create_ready, is_ready, phases, ready_again, table::all_of};
use crate::check::{Arena, Failure};
use k8s_openapi::api::core::v1::Pod;
use postgres_operator::{
    error::chain,
    phase::Phase::{Ready, Updating},
};
use serde_json::json;

/// The same image by its whole name: to Kubernetes it is another one, and every node has it.
const IMAGE: &str = "library/postgres:17";

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    create_ready(arena, json!({"image": "postgres:17"})).await?;
    for (what, spec) in
        [("parameter", json!({"parameters": {"max_connections": "61"}})), ("image", json!({"image": IMAGE}))]
    {
        let mark = arena.databases.mark();
        let changed = arena.change(NAME, spec).await?;
        ready_again(arena, mark).await?;
        let generation = changed.metadata.generation.unwrap_or_default();
        let expected = format!("Ready at generation {generation} only with the new {what}");
        in_force(arena).await.map_err(|failure| Failure { expected, ..failure })?;
        all_of(&[Updating, Ready], &phases(arena, NAME, mark))?;
    }
    let ready = arena.databases.all().into_iter().filter(|version| is_ready(&version.object));
    let generations: Vec<_> = ready.filter_map(|version| version.object.metadata.generation).collect();
    Ok(format!("Ready at generations 1 to {}", generations.into_iter().max().unwrap_or_default()))
}

/// What the spec asks for is what runs.
async fn in_force(arena: &Arena) -> Result<(), Failure> {
    let spec = arena.databases.last().map(|version| version.object.spec.clone());
    let spec = spec.ok_or_else(|| Failure::new("the Database is there", "it is gone"))?;
    if let Some(wanted) = spec.parameters.get("max_connections") {
        let found = arena.sql(NAME, "SHOW max_connections").await?;
        if found != *wanted {
            return Err(Failure::new(wanted, format!("max_connections is {found}")));
        }
    }
    let pod = arena.api::<Pod>().get("orders-0").await;
    let pod = pod.map_err(|error| Failure::new("the pod is there", chain(&error)))?;
    let containers = pod.spec.map(|spec| spec.containers).unwrap_or_default();
    let image = containers.into_iter().find_map(|container| container.image).unwrap_or_default();
    if image == spec.image { Ok(()) } else { Err(Failure::new(&spec.image, format!("the pod runs {image}"))) }
}
