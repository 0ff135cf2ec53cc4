//! Rights: what a user named by impersonation headers may do, from the roles in the store.

use crate::{
    error::{Failure, Outcome},
    http::{Query, Target, Verb},
    server::Server,
};
use http::HeaderMap;
use serde_json::Value;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    /// Nobody was named: the one who started the sandbox.
    pub(crate) admin: bool,
}

impl User {
    pub(crate) fn of(headers: &HeaderMap) -> Outcome<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let groups = headers.get_all("impersonate-group").iter().filter_map(|value| value.to_str().ok());
        let mut groups: Vec<String> = groups.map(str::to_owned).collect();
        let Some(name) = text("impersonate-user") else {
            if !groups.is_empty() {
                return Err(Failure::internal("requested [{Group  }] without impersonating a user name"));
            }
            let groups = vec!["system:masters".to_owned(), "system:authenticated".to_owned()];
            return Ok(Self { name: "kubernetes-admin".to_owned(), groups, admin: true });
        };
        if let Some(account) = name.strip_prefix("system:serviceaccount:")
            && groups.is_empty()
            && let Some((namespace, _)) = account.split_once(':')
        {
            groups.push("system:serviceaccounts".to_owned());
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        if !groups.iter().any(|group| group == "system:authenticated") {
            groups.push("system:authenticated".to_owned());
        }
        let admin = groups.iter().any(|group| group == "system:masters");
        Ok(Self { name, groups, admin })
    }
}

/// What somebody wants to do.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// Refuses what the user may not do with a resource.
pub(crate) fn check_target(
    server: &Server,
    user: &User,
    target: &Target,
    verb: Verb,
    query: &Query,
) -> Outcome<()> {
    let wish = Wish {
        verb: verb.name(),
        group: &target.resource.group,
        resource: &target.resource.plural,
        subresource: &target.subresource,
        namespace: &target.namespace,
        name: if matches!(verb, Verb::List | Verb::Watch) { selected_name(query) } else { &target.name },
    };
    if !server.options.rbac || allowed(server, user, &wish) {
        return Ok(());
    }
    let resource = if wish.subresource.is_empty() {
        wish.resource.to_owned()
    } else {
        format!("{}/{}", wish.resource, wish.subresource)
    };
    let place = if wish.namespace.is_empty() {
        " at the cluster scope".to_owned()
    } else {
        format!(" in the namespace {:?}", wish.namespace)
    };
    let why = format!(
        "User {:?} cannot {} resource {resource:?} in API group {:?}{place}",
        user.name, wish.verb, wish.group
    );
    Err(Failure::forbidden(&target.resource, &target.name, &why))
}

/// The only object that a list or a watch can show, if its field selector says so: a right to that object is enough.
fn selected_name(query: &Query) -> &str {
    let parts = query.get("fieldSelector").unwrap_or_default().split(',');
    let mut names = parts.filter_map(|part| part.trim().strip_prefix("metadata.name="));
    names.next().map(|name| name.trim_start_matches('=')).unwrap_or_default()
}

/// Refuses paths that are no resources to users without a right to them. Discovery is everybody's.
pub(crate) fn check_path(server: &Server, user: &User, path: &str) -> Outcome<()> {
    let open = ["/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version"];
    if !server.options.rbac || user.admin || open.iter().any(|open| path.starts_with(open)) {
        return Ok(());
    }
    let message = format!("forbidden: User {:?} cannot get path {path:?}", user.name);
    Err(Failure::forbidden_path(message))
}

/// Whether a role that is bound to the user allows it.
pub(crate) fn allowed(server: &Server, user: &User, wish: &Wish) -> bool {
    user.admin || rules(server, user, wish.namespace).iter().any(|rule| fits(rule, wish))
}

/// The rules that hold for the user in `namespace`.
pub(crate) fn rules(server: &Server, user: &User, namespace: &str) -> Vec<Value> {
    let read = |plural: &str, namespace: &str| -> Vec<Value> {
        let resource = server.registry.built_in(&format!("{plural}.rbac.authorization.k8s.io"));
        let objects: Vec<_> =
            server.store.inspect(|inner| inner.in_namespace(&resource.table, namespace).collect());
        objects.iter().map(|object| object.value(&resource)).collect()
    };
    let mut bindings = read("clusterrolebindings", "");
    if !namespace.is_empty() {
        bindings.extend(read("rolebindings", namespace));
    }
    let mut rules = Vec::new();
    for binding in bindings {
        let home = binding["metadata"]["namespace"].as_str().unwrap_or_default();
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        if !subjects.into_iter().any(|subject| is_user(subject, user, home)) {
            continue;
        }
        let reference = &binding["roleRef"];
        let candidates =
            if reference["kind"] == "Role" { read("roles", home) } else { read("clusterroles", "") };
        let found = candidates.into_iter().find(|found| found["metadata"]["name"] == reference["name"]);
        rules.extend(found.and_then(|found| found["rules"].as_array().cloned()).unwrap_or_default());
    }
    rules
}

fn is_user(subject: &Value, user: &User, home: &str) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => name == user.name,
        Some("Group") => user.groups.iter().any(|group| group == name),
        Some("ServiceAccount") => {
            let namespace = subject["namespace"].as_str().unwrap_or(home);
            user.name == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

/// Whether a rule allows it.
pub(crate) fn fits(rule: &Value, wish: &Wish) -> bool {
    let has = |field: &str, wanted: &str| {
        rule[field].as_array().into_iter().flatten().any(|one| one == "*" || one == wanted)
    };
    let resource = if wish.subresource.is_empty() {
        has("resources", wish.resource)
    } else {
        let whole = format!("{}/{}", wish.resource, wish.subresource);
        has("resources", &whole) || has("resources", &format!("*/{}", wish.subresource))
    };
    let names = rule["resourceNames"].as_array().map_or(&[][..], Vec::as_slice);
    let is_named = names.is_empty() || names.iter().any(|name| name == wish.name);
    has("verbs", wish.verb) && has("apiGroups", wish.group) && resource && is_named
}
