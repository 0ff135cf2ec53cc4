//! The way of every write: defaults, rules, managed fields, and then the store, in one step or not at all.

use crate::{
    apply::{self, Manager},
    error::{Cause, Failure, Outcome},
    http::Target,
    kinds, metadata, namespaces,
    patch::Patch,
    quota,
    rbac::User,
    rbac_grants,
    schema::{
        self,
        decode::{FieldValidation, decode},
    },
    server::Server,
    store::{Key, Object, Refused},
    verbs::write::check_place,
};
use serde_json::Value;
use std::sync::Arc;

/// A write that a client asked for.
pub(crate) struct Write<'a> {
    pub(crate) server: &'a Arc<Server>,
    pub(crate) user: &'a User,
    pub(crate) target: &'a Target,
    pub(crate) manager: Manager,
    pub(crate) dry_run: bool,
    pub(crate) validation: FieldValidation,
    pub(crate) warnings: Vec<String>,
}

/// What becomes of an object.
pub(crate) enum Change {
    Replace(Value),
    Patch(Patch),
    Apply { config: Value, force: bool },
}

/// How often a write without a version of its own is decided anew when another one comes first.
const ATTEMPTS: usize = 20;

impl Write<'_> {
    pub(crate) fn create(&self, mut object: Value) -> Outcome<Value> {
        let resource = &self.target.resource;
        let version = metadata::text(&object, "resourceVersion");
        if !version.is_empty() {
            return Err(Failure::plain("resourceVersion should not be set on objects to be created"));
        }
        let namespace = metadata::text(&object, "namespace").to_owned();
        if resource.namespaced && !namespace.is_empty() && namespace != self.target.namespace {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let prefix = metadata::text(&object, "generateName").to_owned();
        let generates = metadata::text(&object, "name").is_empty() && !prefix.is_empty();
        if generates {
            object["metadata"]["name"] = Value::String(metadata::generated(&prefix));
        }
        self.insert(object).map_err(|failure| match failure.reason {
            "AlreadyExists" if generates => Failure::generated_name_taken(resource, &prefix),
            _ => failure,
        })
    }

    fn insert(&self, mut object: Value) -> Outcome<Value> {
        let resource = &self.target.resource;
        let (table, namespace) = (&resource.table, &self.target.namespace);
        namespaces::check(self.server, resource, namespace, metadata::text(&object, "name"))?;
        metadata::begin(&self.server.clock, resource, &mut object, namespace);
        if resource.status
            && let Some(map) = object.as_object_mut()
        {
            map.remove("status");
        }
        self.prepare(&mut object, None)?;
        let nothing = serde_json::json!({ "metadata": {} });
        apply::track(&resource.node(), &nothing, &mut object, &self.manager, &self.server.clock.stamp());
        self.finish_insert(table, namespace, object)
    }

    fn finish_insert(&self, table: &str, namespace: &str, mut object: Value) -> Outcome<Value> {
        let resource = &self.target.resource;
        let name = metadata::text(&object, "name").to_owned();
        let key = Key::new(if resource.namespaced { namespace } else { "" }, &name);
        kinds::event::to_stored(resource, &mut object);
        let guard = |inner: &crate::store::Inner| {
            namespaces::check_in(inner, self.server, resource, &key.namespace, &name)?;
            kinds::service::check(inner, resource, &object)?;
            quota::check(inner, self.server, resource, &key)
        };
        if self.dry_run {
            if self.server.store.get(table, &key).is_some() {
                return Err(self.taken(&key));
            }
            self.server.store.inspect(guard)?;
            kinds::event::to_served(resource, &mut object);
            return Ok(object);
        }
        match self.server.store.put(table, &key, None, &object, guard) {
            Ok(stored) => {
                kinds::written(self.server, resource, &stored);
                Ok(stored.value(resource))
            }
            Err(Refused::Changed) => Err(self.taken(&key)),
            Err(Refused::Guard(failure)) => Err(failure),
        }
    }

    /// Why a name cannot be used now.
    fn taken(&self, key: &Key) -> Failure {
        let mut failure = Failure::already_exists(&self.target.resource, &key.name);
        let holder = self.server.store.get(&self.target.resource.table, key);
        if holder.is_some_and(|object| object.is_deleting()) {
            failure.message = format!("object is being deleted: {}", failure.message);
        }
        failure
    }

    /// Changes the object that the path names.
    pub(crate) fn update(&mut self, change: &Change) -> Outcome<Value> {
        let resource = &self.target.resource;
        let key = Key::new(&self.target.namespace, &self.target.name);
        for _ in 0..ATTEMPTS {
            let old = self.server.store.get(&resource.table, &key);
            let old = old.ok_or_else(|| Failure::not_found(resource, &key.name))?;
            let live = old.value(resource);
            let new = self.changed(&live, change)?;
            match self.commit(&old, &live, new) {
                Err(Refused::Changed) => {}
                Err(Refused::Guard(failure)) => return Err(failure),
                Ok(object) => return Ok(object),
            }
            if matches!(change, Change::Replace(body) if !metadata::text(body, "resourceVersion").is_empty())
            {
                break;
            }
        }
        Err(Failure::modified(resource, &key.name))
    }

    /// Applies a configuration: to the object, or as a new one.
    pub(crate) fn apply(&mut self, config: Value, force: bool) -> Outcome<(Value, bool)> {
        let resource = &self.target.resource;
        let key = Key::new(&self.target.namespace, &self.target.name);
        let change = Change::Apply { config: self.own_part(config), force };
        for _ in 0..ATTEMPTS {
            if self.server.store.get(&resource.table, &key).is_some() {
                match self.update(&change) {
                    Err(failure) if failure.reason == "NotFound" => continue,
                    outcome => return Ok((outcome?, false)),
                }
            }
            if !self.manager.subresource.is_empty() {
                return Err(Failure::not_found(resource, &key.name));
            }
            let Change::Apply { config, .. } = &change else { break };
            match self.apply_new(config) {
                Err(failure) if failure.reason == "AlreadyExists" => {}
                outcome => return Ok((outcome?, true)),
            }
        }
        Err(Failure::modified(resource, &key.name))
    }

    fn apply_new(&self, config: &Value) -> Outcome<Value> {
        let resource = &self.target.resource;
        if !metadata::text(config, "resourceVersion").is_empty() {
            return Err(Failure::conflict(
                resource,
                &self.target.name,
                "uid mismatch: the provided object specified a resource version, but no object was found",
            ));
        }
        let uid = metadata::text(config, "uid");
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(resource, &self.target.name, &why));
        }
        let namespace = &self.target.namespace;
        namespaces::check(self.server, resource, namespace, &self.target.name)?;
        let node = resource.node();
        let empty = serde_json::json!({ "metadata": {} });
        let mut object =
            apply::apply(&node, &empty, config, &self.manager, true, &self.server.clock.stamp())?;
        object["metadata"]["name"] = Value::String(self.target.name.clone());
        metadata::begin(&self.server.clock, resource, &mut object, namespace);
        self.prepare(&mut object, None)?;
        self.finish_insert(&resource.table, namespace, object)
    }

    /// The object as the change makes it, before any rule.
    fn changed(&mut self, live: &Value, change: &Change) -> Outcome<Value> {
        let resource = &self.target.resource;
        let new = match change {
            Change::Replace(body) => {
                if resource.is_custom() && metadata::text(body, "resourceVersion").is_empty() {
                    let why = "must be specified for an update";
                    let cause = Cause::invalid("metadata.resourceVersion", &serde_json::json!(0), why);
                    return Err(Failure::invalid(resource, &self.target.name, &[cause]));
                }
                body.clone()
            }
            Change::Patch(patch) => {
                let mut new = patch.apply_to(resource, live)?;
                decode(resource, &mut new, self.validation, &mut self.warnings)?;
                check_place(self.target, &new)?;
                new
            }
            Change::Apply { config, force } => {
                let node = resource.node();
                apply::apply(&node, live, config, &self.manager, *force, &self.server.clock.stamp())?
            }
        };
        self.check_version(live, &new)?;
        self.check_uid(live, &new, change)?;
        let mut new = self.merged_parts(live, new);
        metadata::keep(live, &mut new);
        self.prepare(&mut new, Some(live))?;
        if !matches!(change, Change::Apply { .. }) {
            apply::track(&resource.node(), live, &mut new, &self.manager, &self.server.clock.stamp());
        }
        Ok(new)
    }

    /// Defaults and rules.
    fn prepare(&self, object: &mut Value, old: Option<&Value>) -> Outcome<()> {
        let resource = &self.target.resource;
        if let Some(custom) = resource.custom() {
            schema::default::apply(&custom.node, object);
        } else {
            kinds::default(resource, object);
        }
        metadata::compact(object);
        kinds::prepare(self.server, resource, object, old);
        if let Some(old) = old {
            kinds::count_generation(resource, object, old);
        }
        let mut causes = metadata::validate(resource, object);
        if let Some(old) = old {
            causes.extend(metadata::validate_update(old, object));
        }
        match resource.custom() {
            Some(custom) => causes.extend(schema::validate::custom(custom, object, old)),
            None => causes.extend(kinds::validate(resource, object, old)),
        }
        if causes.is_empty() {
            kinds::admit(self.server, resource, object, old)?;
            return rbac_grants::check(self.server, self.user, self.target, object);
        }
        Err(Failure::invalid(resource, metadata::text(object, "name"), &causes))
    }

    /// Puts the new state in the old one's place. One that was only waiting for its finalizers goes.
    fn commit(&self, old: &Arc<Object>, live: &Value, mut new: Value) -> Result<Value, Refused<Failure>> {
        let (resource, store) = (&self.target.resource, &self.server.store);
        new["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        if new == *live {
            return Ok(new);
        }
        if self.dry_run {
            return Ok(new);
        }
        let mut stored = new.clone();
        kinds::event::to_stored(resource, &mut stored);
        if metadata::is_deleting(live) && kinds::may_go(resource, &stored) {
            let gone = store.remove_as(&resource.table, &old.key, old.revision, &stored);
            let gone = gone.ok_or(Refused::Changed)?;
            kinds::removed(self.server, resource, &gone);
            return Ok(gone.value(resource));
        }
        let guard = |_: &crate::store::Inner| Ok(());
        let object = store.put(&resource.table, &old.key, Some(old.revision), &stored, guard)?;
        kinds::written(self.server, resource, &object);
        Ok(object.value(resource))
    }
}
