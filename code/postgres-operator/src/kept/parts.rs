//! An object in parts, whichever kind it is of.

use crate::watches::strip;
use k8s_openapi::NamespaceResourceScope;
use kube::{Resource, api::ObjectMeta};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::{
    borrow::Cow,
    fmt::Debug,
    hash::{DefaultHasher, Hasher},
    io,
};

/// A kind of which a part is kept.
pub trait InParts: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Default + Serialize {
    /// What decisions look at, beside the metadata.
    type Part: Clone + Debug + Send + Sync + 'static;
    /// Whether an event finds its Database by a label. Otherwise labels are dropped, as annotations are: the word tells when they change.
    const LABELLED: bool = false;

    /// Takes out what is kept, and the whole status with it.
    fn take(&mut self) -> Self::Part;

    /// Puts it back into an object that has nothing but metadata.
    fn put_back(&mut self, part: &Self::Part);
}

// ANCHOR: kept
/// What is kept of an object.
#[derive(Clone, Debug)]
pub struct Kept<K: InParts> {
    /// Which it is, and whose.
    metadata: ObjectMeta,
    /// What decisions look at.
    part: K::Part,
    /// A checksum of all but status and versions.
    word: u64,
}

impl<K: InParts> From<K> for Kept<K> {
    fn from(mut object: K) -> Self {
        strip(&mut object);
        let meta = object.meta_mut();
        let (version, generation) = (meta.resource_version.take(), meta.generation.take());
        let part = object.take();
        let word = checksum(&object);
        let mut metadata = std::mem::take(object.meta_mut());
        (metadata.resource_version, metadata.generation) = (version, generation);
        if !K::LABELLED {
            metadata.labels = None;
        }
        metadata.annotations = None;
        Self { metadata, part, word }
    }
}
// ANCHOR_END: kept

impl<K: InParts> Kept<K> {
    /// A checksum of what people and controllers write, as far as the type knows it: another one as soon as any of it changes. Status and
    /// versions do not count.
    pub fn word(&self) -> u64 {
        self.word
    }

    /// The object, with the kept part alone.
    pub fn object(&self) -> K {
        let mut object = K::default();
        object.meta_mut().clone_from(&self.metadata);
        object.put_back(&self.part);
        object
    }
}

/// A checksum of an object as JSON.
pub(crate) fn checksum(object: &impl Serialize) -> u64 {
    struct Into(DefaultHasher);
    impl io::Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut into = Into(DefaultHasher::new());
    // What has come as JSON can go as JSON, and a checksum takes all that is written to it.
    let _ = serde_json::to_writer(&mut into, object);
    into.0.finish()
}

impl<'de, K: InParts + DeserializeOwned> Deserialize<'de> for Kept<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        K::deserialize(deserializer).map(Self::from)
    }
}

impl<K: InParts> Resource for Kept<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        child::Child,
        resources::{recorded_storage, service_account, stateful_set, tests::database},
    };
    use k8s_openapi::api::{
        apps::v1::StatefulSet,
        core::v1::{ObjectReference, Pod, Service},
    };
    use serde_json::{Value, json};

    fn set(changed: impl FnOnce(&mut Value)) -> Kept<StatefulSet> {
        let mut live = Child::new(&stateful_set(&database(), None)).unwrap().desired;
        live["metadata"]["resourceVersion"] = json!("1");
        live["metadata"]["generation"] = json!(1);
        live["status"] = json!({"replicas": 1});
        changed(&mut live);
        serde_json::from_value(live).unwrap()
    }

    #[test]
    fn the_word_tells_of_what_people_write() {
        let word = |path: &str, value: Value| {
            let pointer = path.rsplit_once('/').unwrap();
            set(|live| live.pointer_mut(pointer.0).unwrap()[pointer.1] = value).word()
        };
        let before = set(|_| {}).word();
        for (path, value, another) in [
            ("/spec/template/spec/serviceAccountName", json!("x"), true),
            ("/spec/replicas", json!(7), true),
            ("/metadata/labels/x", json!("y"), true),
            ("/metadata/labels", json!(null), true),
            ("/metadata/annotations/x", json!("y"), true),
            ("/metadata/ownerReferences", json!([]), true),
            ("/status/readyReplicas", json!(1), false),
            ("/metadata/resourceVersion", json!("2"), false),
            ("/metadata/generation", json!(2), false),
            ("/metadata/managedFields", json!([{"manager": "kubectl"}]), false),
        ] {
            assert_eq!(word(path, value) != before, another, "{path}");
        }
    }

    #[test]
    fn a_token_that_an_old_server_adds_is_no_change() {
        let mut account = service_account(&database());
        let before = Kept::from(account.clone()).word();
        account.secrets =
            Some(vec![ObjectReference { name: Some("orders-token-x".into()), ..ObjectReference::default() }]);
        assert_eq!(Kept::from(account.clone()).word(), before);
        account.automount_service_account_token = None;
        assert_ne!(Kept::from(account).word(), before);
    }

    #[test]
    fn what_a_decision_looks_at_is_kept() {
        let db = database();
        let whole = stateful_set(&db, None);
        let kept = Kept::from(whole.clone()).object();
        assert_eq!(recorded_storage(&kept), recorded_storage(&whole));
        assert_eq!(kept.metadata.owner_references, whole.metadata.owner_references);
        assert_eq!(stateful_set(&db, Some(&kept)), stateful_set(&db, Some(&whole)));
        let told = set(|_| {});
        let versions = (told.metadata.resource_version.as_deref(), told.metadata.generation);
        assert_eq!((versions, told.object().status.unwrap().replicas), ((Some("1"), Some(1)), 1));
    }

    #[test]
    fn it_takes_a_fraction_of_the_room() {
        assert_eq!(size_of::<StatefulSet>(), 2_536);
        assert!(size_of::<Kept<StatefulSet>>() * 4 < size_of::<StatefulSet>());
        assert!(size_of::<Kept<Pod>>() * 4 < size_of::<Pod>());
        assert!(size_of::<Kept<Service>>() * 2 < size_of::<Service>());
    }
}
