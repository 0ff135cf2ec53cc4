//! Events as the cluster's own parts write them: told once, and counted when they repeat.

use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use sandbox::Clock;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many different events are remembered for counting.
const REMEMBERED: usize = 4096;

/// Writes events on behalf of one part of the cluster.
#[derive(Clone)]
pub(crate) struct Events {
    client: Client,
    clock: Clock,
    component: &'static str,
    host: Option<String>,
    told: Arc<Mutex<HashMap<String, Told>>>,
}

#[derive(Clone)]
struct Told {
    name: String,
    count: i32,
}

/// What is told of an object.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl News {
    pub(crate) fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: false, reason, message: message.into() }
    }

    pub(crate) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: true, reason, message: message.into() }
    }
}

impl Events {
    pub(crate) fn of(client: Client, clock: Clock, component: &'static str, host: Option<&str>) -> Self {
        Self { client, clock, component, host: host.map(str::to_owned), told: Arc::default() }
    }

    /// Tells it. A failure is logged and no more: nothing may depend on an event.
    pub(crate) async fn tell<K: Resource<DynamicType = ()>>(&self, about: &K, news: News) {
        self.tell_of_part(about, None, news).await;
    }

    /// Tells it of a part of the object, `spec.containers{postgres}` for example.
    pub(crate) async fn tell_of_part<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        part: Option<String>,
        news: News,
    ) {
        let mut involved = about.object_ref(&());
        involved.field_path = part;
        let what = format!("{:?}{}{}", involved.uid, news.reason, news.message);
        let namespace = about.namespace().unwrap_or_else(|| "default".into());
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let Told { name, count } = self.count(&what, &about.name_any());
        let written = if count > 1 {
            let patch = json!({"count": count, "lastTimestamp": self.clock.time()});
            api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)
        } else {
            api.create(&PostParams::default(), &self.event(name, namespace, involved, news)).await.map(drop)
        };
        if let Err(error) = written {
            tracing::debug!("cannot tell of {}: {}", about.name_any(), crate::error::chain(&error));
            self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&what);
        }
    }

    fn count(&self, what: &str, object: &str) -> Told {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() > REMEMBERED {
            told.clear();
        }
        // As the real ones are named: the object, and a time that tells its events apart.
        let fresh = || Told { name: format!("{object}.{:016x}", unique()), count: 0 };
        let entry = told.entry(what.to_owned()).or_insert_with(fresh);
        entry.count += 1;
        entry.clone()
    }

    fn event(&self, name: String, namespace: String, involved: ObjectReference, news: News) -> Event {
        let now = self.clock.time();
        Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(namespace), ..ObjectMeta::default() },
            involved_object: involved,
            type_: Some(if news.warning { "Warning" } else { "Normal" }.into()),
            reason: Some(news.reason.into()),
            message: Some(news.message),
            source: Some(EventSource { component: Some(self.component.into()), host: self.host.clone() }),
            reporting_component: Some(self.component.into()),
            reporting_instance: self.host.clone(),
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            ..Event::default()
        }
    }
}

/// The time in nanoseconds, and never twice the same.
fn unique() -> i128 {
    static LAST: Mutex<i128> = Mutex::new(0);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = (*last + 1).max(Timestamp::now().as_nanosecond());
    *last
}
