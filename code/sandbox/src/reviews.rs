//! Questions about rights: `kubectl auth can-i` and `whoami`.

use crate::{
    error::Outcome,
    http::{Answer, respond},
    rbac::{self, User, Wish},
    server::{Call, Server},
};
use serde_json::{Value, json};

pub(crate) fn answer(
    server: &Server,
    call: &Call,
    group: &str,
    plural: &str,
    namespace: &str,
) -> Outcome<Answer> {
    let mut review = call.input.object(plural)?;
    let user = match plural {
        "subjectaccessreviews" | "localsubjectaccessreviews" => subject(&review["spec"]),
        _ => call.user.clone(),
    };
    review["metadata"] = if namespace.is_empty() { json!({}) } else { json!({ "namespace": namespace }) };
    review["apiVersion"] = json!(format!("{group}/v1"));
    review["status"] = match plural {
        "selfsubjectreviews" => json!({ "userInfo": { "username": user.name, "groups": user.groups } }),
        "selfsubjectrulesreviews" => rules(server, &user, &review["spec"]),
        _ => access(server, &user, &review["spec"]),
    };
    Ok(respond::json(201, &review))
}

fn subject(spec: &Value) -> User {
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups: Vec<String> = groups.map(str::to_owned).collect();
    let admin = groups.iter().any(|group| group == "system:masters");
    User { name: spec["user"].as_str().unwrap_or_default().to_owned(), groups, admin }
}

fn access(server: &Server, user: &User, spec: &Value) -> Value {
    let attributes = &spec["resourceAttributes"];
    let text = |field: &str| attributes[field].as_str().unwrap_or_default();
    let wish = Wish {
        verb: text("verb"),
        group: text("group"),
        resource: text("resource"),
        subresource: text("subresource"),
        namespace: text("namespace"),
        name: text("name"),
    };
    if !server.options.rbac || rbac::allowed(server, user, &wish) {
        return json!({ "allowed": true });
    }
    json!({ "allowed": false })
}

fn rules(server: &Server, user: &User, spec: &Value) -> Value {
    let everything = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    let rules = if !server.options.rbac || user.admin {
        everything
    } else {
        Value::Array(rbac::rules(server, user, spec["namespace"].as_str().unwrap_or_default()))
    };
    json!({ "resourceRules": rules, "nonResourceRules": [], "incomplete": false })
}
