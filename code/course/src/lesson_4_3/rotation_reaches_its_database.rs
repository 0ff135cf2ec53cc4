//! A change of a Secret reconciles the Databases that name it, and no other.

use super::stage::{
    NOTICED, SOON, create_secret, delete_secret, misses_its_secret, naming, rotate, settled, without_pods,
};
use crate::check::{Arena, Failure};
use kube::ResourceExt;
use serde_json::json;
use std::collections::BTreeSet;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    for secret in ["shared", "other"] {
        create_secret(arena, &arena.namespace, secret).await?;
    }
    for (name, spec) in [
        ("orders", naming("shared")),
        ("billing", naming("shared")),
        ("stock", naming("shared")),
        ("plain", json!({})),
    ] {
        arena.create(name, spec).await?;
    }
    settled(arena, &arena.namespace, &["orders", "billing", "stock", "plain"]).await?;
    arena.change("stock", naming("other")).await?;
    arena.rests(arena.quiet, NOTICED).await?;

    reaches(arena, "shared", &["billing", "orders"]).await?;
    reaches(arena, "other", &["stock"]).await?;

    // What such a pass is good for: it reads the Secret as it is now.
    let (mark, passes) = (arena.databases.mark(), arena.passes());
    delete_secret(arena, "shared").await?;
    for name in ["billing", "orders"] {
        let told = |db: &_| misses_its_secret(db) && db.name_any() == name;
        arena.database(mark, SOON, &format!("{name} says that its Secret is missing"), told).await?;
    }
    if let Some(other) =
        arena.passes_since(passes).iter().find(|it| !["billing", "orders"].contains(&it.database.as_str()))
    {
        return Err(Failure::new(
            "a pass over billing and orders only",
            format!("one over {}", other.database),
        ));
    }
    Ok("two that name it, and neither the one that did before nor the one that never did".into())
}

/// A change of `secret` leads to passes over `databases`, and over no other.
async fn reaches(arena: &Arena, secret: &str, databases: &[&str]) -> Result<(), Failure> {
    let mark = arena.passes();
    rotate(arena, &arena.namespace, secret).await?;
    for name in databases {
        let event = format!("a change of Secret {secret}");
        arena.pass_over(mark, (&arena.namespace, name), SOON, &event).await?;
    }
    arena.rests(arena.quiet, NOTICED).await?;
    let passes = arena.passes_since(mark);
    let reached: BTreeSet<&str> = passes.iter().map(|pass| pass.database.as_str()).collect();
    if reached != databases.iter().copied().collect() {
        let list = |names: Vec<&str>| names.join(", ");
        let expected = format!("a change of Secret {secret} reaches {}", list(databases.to_vec()));
        return Err(Failure::new(expected, format!("it reaches {}", list(reached.into_iter().collect()))));
    }
    Ok(())
}
