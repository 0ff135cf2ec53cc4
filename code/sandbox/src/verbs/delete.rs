//! Deletes: at once, or marked and waited for.

use crate::{
    clock::{Clock, stamp},
    error::{Cause, Failure, Outcome},
    http::{Answer, Query, Target, negotiate::Form, respond},
    kinds, metadata,
    registry::Resource,
    selectors::Selection,
    server::{Call, Server},
    store::{Inner, Key, Object, Refused},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// How a delete is to be done.
struct Wish {
    uid: Option<String>,
    version: Option<String>,
    grace: Option<i64>,
    policy: Option<String>,
    dry_run: bool,
}

/// What became of the object.
enum Fate {
    Gone(Value),
    Waits(Value),
}

pub(crate) fn delete(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let wish = wish(call)?;
    warn_of_orphans(call, target, &wish);
    let key = Key::new(&target.namespace, &target.name);
    let fate = remove(&call.server, &target.resource, &key, &wish)?;
    Ok(answer(call.form, &target.resource, &fate))
}

/// Deletes everything that the selectors match.
pub(crate) fn collection(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let selection = Selection::parse(&target.resource, &call.query)?;
    let everywhere = target.resource.namespaced && target.namespace.is_empty();
    if everywhere || !target.resource.deletes_collections() {
        return Err(Failure::method_not_allowed());
    }
    let wish = wish(call)?;
    let store = &call.server.store;
    let objects: Vec<Arc<Object>> = store.inspect(|inner| {
        let all = inner.in_namespace(&target.resource.table, &target.namespace);
        all.filter(|object| selection.matches(&target.resource, object)).collect()
    });
    let mut items = Vec::with_capacity(objects.len());
    for object in objects {
        match remove(&call.server, &target.resource, &object.key, &wish) {
            Err(failure) if failure.reason == "NotFound" => {}
            Err(failure) => return Err(failure),
            Ok(Fate::Gone(value) | Fate::Waits(value)) => items.push(value),
        }
    }
    let (kind, version) = (&target.resource.list_kind, target.resource.api_version());
    let metadata = json!({ "resourceVersion": store.revision().to_string() });
    Ok(respond::json(
        200,
        &json!({ "kind": kind, "apiVersion": version, "metadata": metadata, "items": items }),
    ))
}

/// `pods/eviction`: a delete that asks the pod's disruption budgets first. There is no budget that the sandbox counts.
pub(crate) fn evict(call: &mut Call, target: &Target) -> Outcome<Answer> {
    let eviction = call.input.object("Eviction")?;
    let mut query = Query::default();
    query.merge(&eviction["deleteOptions"]);
    let wish = Wish {
        uid: None,
        version: None,
        grace: query.number("gracePeriodSeconds")?,
        policy: None,
        dry_run: call.query.dry_run()? || query.dry_run()?,
    };
    remove(&call.server, &target.resource, &Key::new(&target.namespace, &target.name), &wish)?;
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
    Ok(respond::json(201, &status))
}

fn wish(call: &mut Call) -> Outcome<Wish> {
    let mut preconditions = Value::Null;
    if !call.input.bytes.is_empty() {
        let options = call.input.object("DeleteOptions")?;
        preconditions = options["preconditions"].clone();
        call.query.merge(&options);
    }
    let query = &call.query;
    let text = |field: &str| preconditions[field].as_str().map(str::to_owned);
    let policy = query.get("propagationPolicy").map(str::to_owned);
    let known = ["Foreground", "Background", "Orphan"];
    if let Some(policy) = policy.as_deref().filter(|policy| !known.contains(policy)) {
        let supported = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned);
        let cause = Cause::unsupported("propagationPolicy", &json!(policy), &supported);
        return Err(Failure::invalid_options("DeleteOptions", cause));
    }
    if policy.is_some() && query.get("orphanDependents").is_some() {
        let value = json!(policy);
        let why = "orphanDependents and deletionPropagation cannot be both set";
        return Err(Failure::invalid_options(
            "DeleteOptions",
            Cause::invalid("propagationPolicy", &value, why),
        ));
    }
    let orphan = query.flag("orphanDependents").then(|| "Orphan".to_owned());
    Ok(Wish {
        uid: text("uid"),
        version: text("resourceVersion"),
        grace: query.number("gracePeriodSeconds")?,
        policy: policy.or(orphan),
        dry_run: query.dry_run()?,
    })
}

fn warn_of_orphans(call: &mut Call, target: &Target, wish: &Wish) {
    if target.resource.table == "jobs.batch" && wish.policy.is_none() {
        call.warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them \
             or set propagationPolicy=Orphan to suppress this warning"
                .to_owned(),
        );
    }
}

/// Deletes an object for the sandbox itself, as a client without wishes would.
pub(crate) fn remove_plainly(server: &Arc<Server>, resource: &Resource, key: &Key) -> Outcome<()> {
    let wish =
        Wish { uid: None, version: None, grace: None, policy: Some("Background".to_owned()), dry_run: false };
    remove(server, resource, key, &wish).map(|_| ())
}

fn remove(server: &Arc<Server>, resource: &Resource, key: &Key, wish: &Wish) -> Outcome<Fate> {
    loop {
        let object = server.store.get(&resource.table, key);
        let object = object.ok_or_else(|| Failure::not_found(resource, &key.name))?;
        let live = object.value(resource);
        check_preconditions(resource, &live, wish)?;
        kinds::check_delete(resource, &live)?;
        let mut marked = live.clone();
        mark(&server.clock, resource, &mut marked, wish);
        let mut stored = marked.clone();
        kinds::event::to_stored(resource, &mut stored);
        if kinds::may_go(resource, &stored) {
            if wish.dry_run {
                return Ok(Fate::Gone(live));
            }
            if let Some(gone) = server.store.remove(&resource.table, key, object.revision) {
                kinds::removed(server, resource, &gone);
                return Ok(Fate::Gone(live));
            }
            continue;
        }
        if wish.dry_run || marked == live {
            return Ok(Fate::Waits(marked));
        }
        let guard = |_: &Inner| Ok::<(), Failure>(());
        match server.store.put(&resource.table, key, Some(object.revision), &stored, guard) {
            Ok(object) => {
                kinds::written(server, resource, &object);
                return Ok(Fate::Waits(object.value(resource)));
            }
            Err(Refused::Guard(failure)) => return Err(failure),
            Err(Refused::Changed) => {}
        }
    }
}

fn check_preconditions(resource: &Resource, live: &Value, wish: &Wish) -> Outcome<()> {
    let name = metadata::text(live, "name");
    let (uid, version) = (metadata::text(live, "uid"), metadata::text(live, "resourceVersion"));
    let why = match (&wish.uid, &wish.version) {
        (Some(asked), _) if asked != uid => format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might have been \
             deleted and then recreated"
        ),
        (_, Some(asked)) if asked != version => format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({version}). \
             The object might have been modified"
        ),
        _ => return Ok(()),
    };
    Err(Failure::precondition(resource, name, &why))
}

/// Marks the object as being deleted, with the finalizers that the policy asks for.
fn mark(clock: &Clock, resource: &Resource, object: &mut Value, wish: &Wish) {
    let mut finalizers = metadata::finalizers(object);
    let own = |name: &String| ["orphan", "foregroundDeletion"].contains(&name.as_str());
    let default = (resource.table == "jobs.batch").then_some("Orphan");
    if let Some(policy) = wish.policy.as_deref().or(default) {
        finalizers.retain(|name| !own(name));
        match policy {
            "Orphan" => finalizers.push("orphan".to_owned()),
            "Foreground" => finalizers.push("foregroundDeletion".to_owned()),
            _ => {}
        }
    }
    let finalizers_changed = finalizers != metadata::finalizers(object);
    if finalizers_changed {
        let list = (!finalizers.is_empty()).then(|| json!(finalizers));
        metadata::set(object, "finalizers", list);
    }
    let grace = kinds::grace(resource, object, wish.grace);
    let already = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
    // A second delete can only shorten the time that is left.
    if metadata::is_deleting(object) && already.is_none_or(|already| already <= grace) {
        return;
    }
    let seconds = jiff::SignedDuration::from_secs(grace);
    let at = clock.now().checked_add(seconds).unwrap_or(jiff::Timestamp::MAX);
    let first = !metadata::is_deleting(object);
    metadata::set(object, "deletionTimestamp", Some(json!(stamp(at))));
    metadata::set(object, "deletionGracePeriodSeconds", Some(json!(grace)));
    if let Some(generation) = object["metadata"]["generation"].as_i64().filter(|_| first) {
        metadata::set(object, "generation", Some(json!(generation + 1)));
    }
    kinds::mark_deleted(resource, object);
}

fn answer(form: Form, resource: &Resource, fate: &Fate) -> Answer {
    match fate {
        Fate::Waits(object) => super::object(200, form, resource, object),
        Fate::Gone(object) if kinds::returns_deleted(resource) => super::object(200, form, resource, object),
        Fate::Gone(object) => {
            let mut details = json!({
                "name": object["metadata"]["name"], "kind": resource.plural, "uid": object["metadata"]["uid"],
            });
            if !resource.group.is_empty() {
                details["group"] = json!(resource.group);
            }
            respond::json(
                200,
                &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details }),
            )
        }
    }
}
