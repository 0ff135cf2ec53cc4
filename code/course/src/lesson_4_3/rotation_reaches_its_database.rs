//! A change of a Secret reconciles the Databases that name it, and no other.

use super::stage::{
    NOTICED, SOON, create_secret, delete_secret, misses_its_secret, naming, rotate, settled, without_pods,
};
use crate::check::{Arena, Failure};
use kube::ResourceExt;
use serde_json::json;
use std::{cell::Cell, collections::BTreeSet};

/// How often a pass over a Database that should not be reached may have a reason of its own.
const TRIES: usize = 3;

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

    let change = async |secret| {
        let mark = arena.passes();
        rotate(arena, &arena.namespace, secret).await?;
        Ok(mark)
    };
    reaches(arena, "a change of Secret shared", &["billing", "orders"], || change("shared")).await?;
    reaches(arena, "a change of Secret other", &["stock"], || change("other")).await?;

    // What such a pass is good for: it reads the Secret as it is now.
    let gone = Cell::new(false);
    let deletion = async || {
        if gone.replace(true) {
            create_secret(arena, &arena.namespace, "shared").await?;
            arena.rests(arena.quiet, NOTICED).await?;
        }
        let (told_before, mark) = (arena.databases.mark(), arena.passes());
        delete_secret(arena, "shared").await?;
        for name in ["billing", "orders"] {
            let told = |db: &_| misses_its_secret(db) && db.name_any() == name;
            arena
                .database(told_before, SOON, &format!("{name} says that its Secret is missing"), told)
                .await?;
        }
        Ok(mark)
    };
    reaches(arena, "the deletion of Secret shared", &["billing", "orders"], deletion).await?;
    Ok("two that name it, and neither the one that did before nor the one that never did".into())
}

/// What happens to a Secret leads to passes over `databases`, and over no other. `happens` tells how many passes there were before.
///
/// A pass over another one may have a reason of its own: on a busy machine the StatefulSet controller still has something to say of the
/// Databases that were just made. So it counts only if there is one each time; whoever is led to a Database by mistake is so each time.
async fn reaches(
    arena: &Arena,
    event: &str,
    databases: &[&str],
    happens: impl AsyncFn() -> Result<usize, Failure>,
) -> Result<(), Failure> {
    let expected: BTreeSet<String> = databases.iter().map(|&name| name.to_owned()).collect();
    let mut reached = BTreeSet::new();
    for _ in 0..TRIES {
        let mark = happens().await?;
        for name in databases {
            arena.pass_over(mark, (&arena.namespace, name), SOON, event).await?;
        }
        arena.rests(arena.quiet, NOTICED).await?;
        reached = arena.passes_since(mark).into_iter().map(|pass| pass.database).collect();
        if reached == expected {
            return Ok(());
        }
    }
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::new(format!("{event} reaches {}", list(expected)), format!("it reaches {}", list(reached))))
}
