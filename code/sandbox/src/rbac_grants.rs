//! Giving rights away: nobody gives what they lack, neither by a role nor by binding somebody to one.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>

use crate::{
    error::{Failure, Outcome},
    http::Target,
    rbac::{User, Wish, fits, rules},
    server::Server,
    store::Key,
};
use serde_json::Value;

const GROUP: &str = "rbac.authorization.k8s.io";

/// What a write gives away, and the right that allows it to those who lack that themselves.
struct Grant<'a> {
    rules: Vec<Value>,
    verb: &'static str,
    plural: &'static str,
    name: &'a str,
}

/// Refuses a role or a binding that gives what its author lacks: who may write them could otherwise become anybody.
pub(crate) fn check(server: &Server, user: &User, target: &Target, object: &Value) -> Outcome<()> {
    let (resource, namespace) = (&target.resource, &target.namespace);
    if resource.group != GROUP || !server.options.rbac || user.admin {
        return Ok(());
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let Some(grant) = grant(server, target, object, name)? else { return Ok(()) };
    let held = rules(server, user, namespace);
    let holds = |wish: &Wish| held.iter().any(|rule| fits(rule, wish));
    let (verb, plural) = (grant.verb, grant.plural);
    let exempt = Wish { verb, group: GROUP, resource: plural, subresource: "", namespace, name: grant.name };
    let covered = |rule: &Value| wishes(rule, namespace).iter().all(holds);
    let Some(lacking) = grant.rules.iter().find(|rule| !covered(rule)).filter(|_| !holds(&exempt)) else {
        return Ok(());
    };
    let why = format!(
        "user {:?} (groups={:?}) is attempting to grant RBAC permissions not currently held:\n{lacking}",
        user.name, user.groups
    );
    Err(Failure::forbidden(resource, name, &why))
}

fn grant<'a>(
    server: &Server,
    target: &Target,
    object: &'a Value,
    name: &'a str,
) -> Outcome<Option<Grant<'a>>> {
    let of = |role: &Value| role["rules"].as_array().cloned().unwrap_or_default();
    let plural = |cluster: bool| if cluster { "clusterroles" } else { "roles" };
    if ["roles", "clusterroles"].contains(&target.resource.plural.as_str()) {
        let plural = plural(!target.resource.namespaced);
        return Ok(Some(Grant { rules: of(object), verb: "escalate", plural, name }));
    }
    let reference = &object["roleRef"];
    let Some(name) = reference["name"].as_str() else { return Ok(None) };
    let cluster = reference["kind"] == "ClusterRole";
    let roles = server.registry.built_in(&format!("{}.{GROUP}", plural(cluster)));
    let key = Key::new(if cluster { "" } else { target.namespace.as_str() }, name);
    let role = server.store.get(&roles.table, &key).ok_or_else(|| Failure::not_found(&roles, name))?;
    Ok(Some(Grant { rules: of(&role.value(&roles)), verb: "bind", plural: plural(cluster), name }))
}

/// Everything that a rule allows, one by one.
fn wishes<'a>(rule: &'a Value, namespace: &'a str) -> Vec<Wish<'a>> {
    let texts = |field: &str| -> Vec<&'a str> {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let mut names = texts("resourceNames");
    if names.is_empty() {
        names.push("");
    }
    let mut all = Vec::new();
    for group in texts("apiGroups") {
        for (resource, subresource) in
            texts("resources").into_iter().map(|it| it.split_once('/').unwrap_or((it, "")))
        {
            for verb in texts("verbs") {
                all.extend(names.iter().map(|name| Wish {
                    verb,
                    group,
                    resource,
                    subresource,
                    namespace,
                    name,
                }));
            }
        }
    }
    all
}
