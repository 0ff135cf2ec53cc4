//! Giving rights away, and the roles that are there to be given.

use super::rbac::{ALICE, alices, allowed, grant, rule};
use crate::{
    arena::Arena,
    case::{Outcome, cases},
    resource::{CONFIG_MAPS, ROLE_BINDINGS, ROLES, SECRETS},
};
use serde_json::{Value, json};

cases! { "RBAC":
    a_role_cannot_give_what_its_author_lacks,
    a_binding_cannot_give_what_its_author_lacks,
    the_right_to_bind_is_enough_to_bind,
    the_role_view_reads_and_shows_no_secrets,
    the_role_edit_writes_but_gives_no_rights,
}

async fn a_role_cannot_give_what_its_author_lacks(arena: &Arena) -> Outcome {
    let roles = json!({
        "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create", "list"],
    });
    grant(arena, json!([roles, rule(&["configmaps"], &["list"])])).await?;
    allowed(arena, &arena.at(ROLES).as_user(ALICE)).await?;
    let more = json!({"metadata": {"name": "more"}, "rules": [rule(&["secrets"], &["get"])]});
    let refusal = arena.at(ROLES).as_user(ALICE).create(more).await.refused(403, "Forbidden")?;
    refusal.says(&["is attempting to grant RBAC permissions not currently held"])?;
    let same = json!({"metadata": {"name": "same"}, "rules": [rule(&["configmaps"], &["list"])]});
    arena.at(ROLES).as_user(ALICE).create(same).await.is(201).map(drop)
}

/// A binding of a role that reads Secrets.
async fn binding(arena: &Arena) -> Result<Value, crate::case::Failure> {
    let rules = json!([rule(&["secrets"], &["get"])]);
    arena.at(ROLES).create(json!({"metadata": {"name": "reader"}, "rules": rules})).await.is(201)?;
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"});
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ALICE});
    Ok(json!({"metadata": {"name": "reads"}, "roleRef": reference, "subjects": [subject]}))
}

fn bindings(verbs: &[&str]) -> Value {
    json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": verbs})
}

async fn a_binding_cannot_give_what_its_author_lacks(arena: &Arena) -> Outcome {
    let binding = binding(arena).await?;
    grant(arena, json!([bindings(&["create", "list"])])).await?;
    let alices = arena.at(ROLE_BINDINGS).as_user(ALICE);
    allowed(arena, &alices).await?;
    let refusal = alices.create(binding).await.refused(403, "Forbidden")?;
    refusal.says(&["is attempting to grant RBAC permissions not currently held"])
}

async fn the_right_to_bind_is_enough_to_bind(arena: &Arena) -> Outcome {
    let binding = binding(arena).await?;
    let mut bind =
        json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"]});
    bind["resourceNames"] = json!(["reader"]);
    grant(arena, json!([bindings(&["create", "list"]), bind])).await?;
    let alices = arena.at(ROLE_BINDINGS).as_user(ALICE);
    allowed(arena, &alices).await?;
    alices.create(binding).await.is(201).map(drop)
}

/// Binds Alice to a role of the cluster in the case's namespace, and waits until she may read there.
async fn give(arena: &Arena, role: &str) -> Outcome {
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ALICE});
    let binding = json!({"metadata": {"name": "given"}, "roleRef": reference, "subjects": [subject]});
    arena.at(ROLE_BINDINGS).create(binding).await.is(201)?;
    allowed(arena, &alices(arena)).await
}

async fn the_role_view_reads_and_shows_no_secrets(arena: &Arena) -> Outcome {
    give(arena, "view").await?;
    alices(arena).create(json!({"metadata": {"name": "a"}})).await.refused(403, "Forbidden")?;
    arena.at(SECRETS).as_user(ALICE).list().await.refused(403, "Forbidden").map(drop)
}

async fn the_role_edit_writes_but_gives_no_rights(arena: &Arena) -> Outcome {
    give(arena, "edit").await?;
    arena.at(CONFIG_MAPS).as_user(ALICE).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    arena.at(SECRETS).as_user(ALICE).list().await.is(200)?;
    arena.at(ROLES).as_user(ALICE).list().await.refused(403, "Forbidden").map(drop)
}
