//! Create, update and patch: how a request becomes a write.

use crate::{
    apply::{Manager, Operation},
    error::{Cause, Failure, Outcome},
    http::{Answer, Target, Verb, respond},
    metadata,
    patch::Patch,
    rbac,
    schema::{
        decode::{FieldValidation, decode, report},
        duplicates::duplicates,
        prune::prune,
    },
    server::Call,
    store::Key,
    write::{Change, Write},
};
use serde_json::{Value, json};

pub(crate) fn create(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let body = body(call, target)?;
    let object = write(call, target, Operation::Update)?.create(body)?;
    Ok(super::object(201, call.form, &target.resource, &object))
}

pub(crate) fn update(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let body = body(call, target)?;
    if CREATED_BY_UPDATE.contains(&target.resource.table.as_str())
        && metadata::text(&body, "resourceVersion").is_empty()
        && !exists(call, target)
    {
        rbac::check_target(&call.server, &call.user, target, Verb::Create, &call.query)?;
        let object = write(call, target, Operation::Update)?.create(body)?;
        return Ok(super::object(201, call.form, &target.resource, &object));
    }
    let object = write(call, target, Operation::Update)?.update(&Change::Replace(body))?;
    Ok(super::object(200, call.form, &target.resource, &object))
}

/// Kinds that an update of a missing object creates.
const CREATED_BY_UPDATE: [&str; 7] = [
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "endpoints",
    "events",
    "leases.coordination.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
];

fn exists(call: &Call, target: &Target) -> bool {
    let key = Key::new(&target.namespace, &target.name);
    call.server.store.get(&target.resource.table, &key).is_some()
}

pub(crate) fn patch(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let patch = Patch::read(&target.resource, &call.input)?;
    let force = call.query.flag("force");
    let Patch::Apply(config) = patch else {
        if force {
            let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
            return Err(Failure::invalid_options("PatchOptions", cause));
        }
        let mut write = write(call, target, Operation::Update)?;
        let object = write.update(&Change::Patch(patch))?;
        let warnings = write.warnings;
        call.warnings.extend(warnings);
        return Ok(super::object(200, call.form, &target.resource, &object));
    };
    let config = applied_config(call, target, config)?;
    if !exists(call, target) {
        rbac::check_target(&call.server, &call.user, target, Verb::Create, &call.query)?;
    }
    let (object, created) = write(call, target, Operation::Apply)?.apply(config, force)?;
    Ok(super::object(if created { 201 } else { 200 }, call.form, &target.resource, &object))
}

/// Checks what is special about an applied configuration.
fn applied_config(call: &mut Call, target: &Target, mut config: Value) -> Outcome<Value> {
    if call.query.get("fieldManager").is_none() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Failure::invalid_options("PatchOptions", cause));
    }
    let text = |field: &str| config[field].as_str().unwrap_or_default();
    let expected = target.resource.api_version();
    if text("apiVersion") != expected {
        return Err(Failure::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {}, expected: {expected}",
            text("apiVersion")
        )));
    }
    if text("kind") != target.resource.kind {
        return Err(Failure::bad_request(format!(
            "Incorrect kind specified in apply patch. Specified patch kind: {}, expected: {}",
            text("kind"),
            target.resource.kind
        )));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if let Some(metadata) = config["metadata"].as_object_mut() {
        // Of a configuration read from the server and sent back.
        metadata.remove("creationTimestamp");
    }
    if !target.resource.is_custom() {
        let unknown = prune(&target.resource.node(), &mut config.clone());
        if let Some(field) = unknown.first() {
            let (kind, place) = (&target.resource.kind, format!("{}/{}", target.namespace, target.name));
            return Err(Failure::plain(format!(
                "failed to create typed patch object ({place}; {expected}, Kind={kind}): .{field}: field not declared in schema"
            )));
        }
    }
    let validation = FieldValidation::parse(&call.query)?;
    decode(&target.resource, &mut config, validation, &mut call.warnings)?;
    check_place(target, &config)?;
    Ok(config)
}

/// The object that a request carries, in shape.
fn body(call: &mut Call, target: &Target) -> Outcome<Value> {
    let mut body = call.input.object(&target.resource.kind)?;
    let validation = FieldValidation::parse(&call.query)?;
    let repeated =
        if call.input.media_type == "application/yaml" { Vec::new() } else { duplicates(&call.input.bytes) };
    report(&target.resource, validation, repeated, &mut call.warnings)?;
    decode(&target.resource, &mut body, validation, &mut call.warnings)?;
    if !target.name.is_empty() {
        check_place(target, &body)?;
    }
    Ok(body)
}

/// An object has to be the one that the path names.
pub(crate) fn check_place(target: &Target, object: &Value) -> Outcome<()> {
    let metadata = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    let (name, namespace) = (metadata("name"), metadata("namespace"));
    if !name.is_empty() && name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    if !namespace.is_empty() && namespace != target.namespace {
        return Err(Failure::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the request ({})",
            target.namespace
        )));
    }
    Ok(())
}

/// A write as `call` wants it.
pub(crate) fn write<'a>(call: &'a Call, target: &'a Target, operation: Operation) -> Outcome<Write<'a>> {
    if call.query.get("fieldManager").is_some_and(|name| name.len() > 128) {
        return Err(Failure::invalid_options(call.query.options, Cause::too_big("fieldManager", 128)));
    }
    let manager = Manager {
        name: manager_name(call),
        operation,
        api_version: target.resource.api_version(),
        subresource: target.subresource.clone(),
    };
    Ok(Write {
        server: &call.server,
        user: &call.user,
        target,
        manager,
        dry_run: call.query.dry_run()?,
        validation: FieldValidation::parse(&call.query)?,
        warnings: Vec::new(),
    })
}

/// Who writes: as the request says, or the program that sends it.
fn manager_name(call: &Call) -> String {
    let agent = || call.user_agent.split('/').next().unwrap_or_default();
    let name = call.query.get("fieldManager").unwrap_or_else(agent);
    if name.is_empty() { "unknown".to_owned() } else { name.chars().take(128).collect() }
}

/// `pods/binding`: the scheduler's word, which is final.
pub(crate) fn bind(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let binding = call.input.object("Binding")?;
    let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
    let pod = super::get::value(call, target)?;
    if let Some(bound) = pod["spec"]["nodeName"].as_str().filter(|bound| !bound.is_empty()) {
        let why = format!("pod {} is already assigned to node {bound:?}", target.name);
        return Err(Failure::conflict(&target.resource, &target.name, &why));
    }
    let condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": call.server.clock.stamp(),
    });
    let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "PodScheduled");
    conditions.push(condition);
    let main = Target { subresource: String::new(), ..target.clone() };
    let change = Patch::Merge(json!({ "spec": { "nodeName": node } }));
    write(call, &main, Operation::Update)?.update(&Change::Patch(change))?;
    let status = Target { subresource: "status".to_owned(), ..target.clone() };
    let change = Patch::Merge(json!({ "status": { "conditions": conditions } }));
    write(call, &status, Operation::Update)?.update(&Change::Patch(change))?;
    Ok(respond::json(
        201,
        &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }),
    ))
}
