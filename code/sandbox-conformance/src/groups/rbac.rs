//! Who may do what. Another user is met by impersonation, as `kubectl --as` does it.

use crate::{
    arena::Arena,
    case::{Failure, Outcome, cases},
    crd::widgets,
    endpoint::Endpoint,
    expect::same,
    resource::{
        ACCESS_REVIEWS, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, ROLE_BINDINGS, ROLES, SECRETS,
        SELF_ACCESS_REVIEWS,
    },
};
use serde_json::{Value, json};

cases! { "RBAC":
    who_has_no_role_may_nothing,
    a_role_allows_its_verbs_only,
    a_role_allows_its_kinds_only,
    a_role_ends_at_its_namespace,
    a_role_can_name_its_objects,
    a_named_object_can_be_listed_by_its_name,
    a_cluster_role_can_be_bound_in_one_namespace,
    a_cluster_role_bound_to_the_cluster_reaches_everywhere,
    a_role_can_be_bound_to_a_group,
    a_role_can_be_bound_to_a_service_account,
    the_status_is_a_right_of_its_own,
    deleting_a_collection_is_a_right_of_its_own,
    watching_is_a_right_of_its_own,
    an_apply_that_creates_needs_both_rights,
    finalizers_are_a_right_of_their_own_for_owners,
    a_binding_removed_ends_the_right,
    the_role_of_a_binding_cannot_change,
    a_review_tells_what_one_may,
    a_review_tells_what_another_may,
}

pub(super) const ALICE: &str = "alice@example.com";

/// Gives Alice a role in the namespace.
pub(super) async fn grant(arena: &Arena, rules: Value) -> Outcome {
    arena.at(ROLES).create(json!({"metadata": {"name": "role"}, "rules": rules})).await.is(201)?;
    bind(arena, json!({"kind": "User", "name": ALICE})).await
}

async fn bind(arena: &Arena, subject: Value) -> Outcome {
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "role"});
    let binding = json!({"metadata": {"name": "binding"}, "roleRef": role, "subjects": [subject]});
    arena.at(ROLE_BINDINGS).create(binding).await.is(201).map(drop)
}

pub(super) fn rule(kinds: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": kinds, "verbs": verbs})
}

/// Waits until a right is in force: servers read roles from a cache.
pub(super) async fn allowed(arena: &Arena, objects: &Endpoint) -> Outcome {
    arena
        .until("the right to be in force", async || Ok((objects.list().await.status == 200).then_some(())))
        .await
}

pub(super) fn alices(arena: &Arena) -> Endpoint {
    arena.at(CONFIG_MAPS).as_user(ALICE)
}

async fn who_has_no_role_may_nothing(arena: &Arena) -> Outcome {
    let refusal = alices(arena).list().await.refused(403, "Forbidden")?;
    let message = format!(
        "configmaps is forbidden: User \"{ALICE}\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"{}\"",
        arena.namespace
    );
    same("message", &refusal.body["message"], message)?;
    refusal.detail("kind", "configmaps")?;
    let named = alices(arena).get("a").await.refused(403, "Forbidden")?;
    named.says(&["configmaps \"a\" is forbidden", "cannot get resource"])
}

async fn a_role_allows_its_verbs_only(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list", "get"])])).await?;
    let maps = alices(arena);
    allowed(arena, &maps).await?;
    maps.get("a").await.refused(404, "NotFound")?;
    maps.create(json!({"metadata": {"name": "a"}})).await.refused(403, "Forbidden")?;
    maps.delete("a").await.refused(403, "Forbidden").map(drop)
}

async fn a_role_allows_its_kinds_only(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["*"])])).await?;
    allowed(arena, &alices(arena)).await?;
    arena.at(SECRETS).as_user(ALICE).list().await.refused(403, "Forbidden").map(drop)
}

async fn a_role_ends_at_its_namespace(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["*"])])).await?;
    allowed(arena, &alices(arena)).await?;
    let refusal = arena.everywhere(CONFIG_MAPS).as_user(ALICE).list().await.refused(403, "Forbidden")?;
    refusal.says(&["at the cluster scope"])?;
    arena.elsewhere("default", CONFIG_MAPS).as_user(ALICE).list().await.refused(403, "Forbidden").map(drop)
}

async fn a_role_can_name_its_objects(arena: &Arena) -> Outcome {
    let mut named = rule(&["configmaps"], &["get", "update"]);
    named["resourceNames"] = json!(["a"]);
    grant(arena, json!([named, rule(&["configmaps"], &["list"])])).await?;
    allowed(arena, &alices(arena)).await?;
    arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "b"}})).await.is(201)?;
    alices(arena).get("a").await.is(200)?;
    alices(arena).get("b").await.refused(403, "Forbidden").map(drop)
}

async fn a_named_object_can_be_listed_by_its_name(arena: &Arena) -> Outcome {
    let mut named = rule(&["configmaps"], &["list", "watch"]);
    named["resourceNames"] = json!(["a"]);
    grant(arena, json!([named])).await?;
    allowed(arena, &alices(arena).with("fieldSelector", "metadata.name=a")).await?;
    alices(arena).with("fieldSelector", "metadata.name=b").list().await.refused(403, "Forbidden")?;
    alices(arena).list().await.refused(403, "Forbidden").map(drop)
}

/// A role of the cluster that reads ConfigMaps, and its reference.
async fn cluster_role(arena: &Arena) -> Result<Value, Failure> {
    let name = arena.unique("role");
    let rules = json!([rule(&["configmaps"], &["list"])]);
    arena.at(CLUSTER_ROLES).create(json!({"metadata": {"name": name}, "rules": rules})).await.is(201)?;
    Ok(json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}))
}

async fn a_cluster_role_can_be_bound_in_one_namespace(arena: &Arena) -> Outcome {
    let role = cluster_role(arena).await?;
    let subjects = json!([{"kind": "User", "name": ALICE}]);
    let binding = json!({"metadata": {"name": "binding"}, "roleRef": role, "subjects": subjects});
    arena.at(ROLE_BINDINGS).create(binding).await.is(201)?;
    allowed(arena, &alices(arena)).await?;
    arena.everywhere(CONFIG_MAPS).as_user(ALICE).list().await.refused(403, "Forbidden").map(drop)
}

async fn a_cluster_role_bound_to_the_cluster_reaches_everywhere(arena: &Arena) -> Outcome {
    let role = cluster_role(arena).await?;
    // A user of this case alone: the binding holds for all namespaces.
    let user = arena.unique("user");
    let name = arena.unique("binding");
    let subjects = json!([{"kind": "User", "name": user}]);
    let binding = json!({"metadata": {"name": name}, "roleRef": role, "subjects": subjects});
    arena.at(CLUSTER_ROLE_BINDINGS).create(binding).await.is(201)?;
    allowed(arena, &arena.everywhere(CONFIG_MAPS).as_user(&user)).await?;
    arena.elsewhere("default", CONFIG_MAPS).as_user(&user).list().await.is(200).map(drop)
}

async fn a_role_can_be_bound_to_a_group(arena: &Arena) -> Outcome {
    let rules = json!([rule(&["configmaps"], &["list"])]);
    arena.at(ROLES).create(json!({"metadata": {"name": "role"}, "rules": rules})).await.is(201)?;
    bind(arena, json!({"kind": "Group", "name": "readers"})).await?;
    allowed(arena, &alices(arena).header("impersonate-group", "readers")).await?;
    alices(arena).list().await.refused(403, "Forbidden").map(drop)
}

async fn a_role_can_be_bound_to_a_service_account(arena: &Arena) -> Outcome {
    let rules = json!([rule(&["configmaps"], &["list"])]);
    arena.at(ROLES).create(json!({"metadata": {"name": "role"}, "rules": rules})).await.is(201)?;
    let account = json!({"kind": "ServiceAccount", "name": "robot", "namespace": arena.namespace});
    bind(arena, account).await?;
    let user = |name: &str| format!("system:serviceaccount:{}:{name}", arena.namespace);
    allowed(arena, &arena.at(CONFIG_MAPS).as_user(&user("robot"))).await?;
    arena.at(CONFIG_MAPS).as_user(&user("other")).list().await.refused(403, "Forbidden").map(drop)
}

async fn the_status_is_a_right_of_its_own(arena: &Arena) -> Outcome {
    let widgets = widgets(arena).await?;
    widgets.create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    let plural = &widgets.resource().plural;
    let rule = json!({"apiGroups": [arena.group], "resources": [plural], "verbs": ["list", "patch"]});
    grant(arena, json!([rule])).await?;
    let alices = widgets.as_user(ALICE);
    allowed(arena, &alices).await?;
    alices.merge("a", json!({"spec": {"size": 1}})).await.is(200)?;
    let refusal =
        alices.merge("a/status", json!({"status": {"phase": "x"}})).await.refused(403, "Forbidden")?;
    refusal.says(&[&format!("cannot patch resource \"{plural}/status\" in API group \"{}\"", arena.group)])
}

async fn deleting_a_collection_is_a_right_of_its_own(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list", "delete"])])).await?;
    allowed(arena, &alices(arena)).await?;
    let refusal = alices(arena).delete("").await.refused(403, "Forbidden")?;
    refusal.says(&["cannot deletecollection resource \"configmaps\""])
}

async fn watching_is_a_right_of_its_own(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list"])])).await?;
    allowed(arena, &alices(arena)).await?;
    let refusal = alices(arena).with("watch", "true").list().await.refused(403, "Forbidden")?;
    refusal.says(&["cannot watch resource \"configmaps\""])
}

async fn an_apply_that_creates_needs_both_rights(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list", "patch"])])).await?;
    allowed(arena, &alices(arena)).await?;
    let map = json!({"metadata": {"name": "a"}, "data": {"key": "1"}});
    let refusal = alices(arena).apply("a", "alice", map.clone()).await.refused(403, "Forbidden")?;
    refusal.says(&["configmaps \"a\" is forbidden"])?;
    arena.at(CONFIG_MAPS).create(json!({"metadata": {"name": "a"}})).await.is(201)?;
    alices(arena).apply("a", "alice", map).await.is(200).map(drop)
}

/// Where `OwnerReferencesPermissionEnforcement` is not on, which is the default, this is no more than a right by name.
async fn finalizers_are_a_right_of_their_own_for_owners(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list"]), rule(&["configmaps/finalizers"], &["update"])]))
        .await?;
    allowed(arena, &alices(arena)).await?;
    let attributes = |subresource: &str| json!({"namespace": arena.namespace, "verb": "update", "resource": "configmaps", "subresource": subresource});
    for (subresource, wanted) in [("finalizers", true), ("", false)] {
        let review = json!({"spec": {"resourceAttributes": attributes(subresource)}});
        let review = arena.at(SELF_ACCESS_REVIEWS).as_user(ALICE).create(review).await.is(201)?;
        same("allowed", &review["status"]["allowed"], wanted)?;
    }
    Ok(())
}

async fn a_binding_removed_ends_the_right(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list"])])).await?;
    allowed(arena, &alices(arena)).await?;
    arena.at(ROLE_BINDINGS).delete("binding").await.is(200)?;
    arena
        .until("the right to end", async || Ok((alices(arena).list().await.status == 403).then_some(())))
        .await
}

async fn the_role_of_a_binding_cannot_change(arena: &Arena) -> Outcome {
    grant(arena, json!([])).await?;
    let answer = arena.at(ROLE_BINDINGS).merge("binding", json!({"roleRef": {"name": "other"}})).await;
    answer.refused(422, "Invalid")?.cause("roleRef", "FieldValueInvalid", "cannot change roleRef")
}

async fn a_review_tells_what_one_may(arena: &Arena) -> Outcome {
    let attributes = json!({"namespace": arena.namespace, "verb": "list", "resource": "configmaps"});
    let review = json!({"spec": {"resourceAttributes": attributes}});
    let reviews = arena.at(SELF_ACCESS_REVIEWS);
    same("admin", &reviews.create(review.clone()).await.is(201)?["status"]["allowed"], true)?;
    let alice = reviews.as_user(ALICE).create(review).await.is(201)?;
    same("alice", &alice["status"]["allowed"], false)
}

async fn a_review_tells_what_another_may(arena: &Arena) -> Outcome {
    grant(arena, json!([rule(&["configmaps"], &["list"])])).await?;
    allowed(arena, &alices(arena)).await?;
    let review = |verb: &str| {
        let attributes = json!({"namespace": arena.namespace, "verb": verb, "resource": "configmaps"});
        json!({"spec": {"user": ALICE, "resourceAttributes": attributes}})
    };
    let reviews = arena.at(ACCESS_REVIEWS);
    same("list", &reviews.create(review("list")).await.is(201)?["status"]["allowed"], true)?;
    same("delete", &reviews.create(review("delete")).await.is(201)?["status"]["allowed"], false)?;
    Ok(())
}
