//! The ServiceAccount `default` of each namespace.

use crate::{
    error::{During, Error, there_is_fine},
    object::{Key, is_going},
    queue::{self, Again},
    world::World,
};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{
    Api, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use tokio::sync::mpsc;

const NAME: &str = "default";

pub(crate) fn listen(world: &World) -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    world.namespaces.tell(sender.clone(), |namespace| Some(Key::of(namespace)));
    let is_default = |account: &ServiceAccount| account.name_any() == NAME;
    world.accounts.tell(sender, move |account| {
        is_default(account).then(|| Key::new("", account.namespace().unwrap_or_default()))
    });
    receiver
}

pub(crate) async fn run(world: World, receiver: mpsc::UnboundedReceiver<Key>) {
    world.ready().await;
    queue::work("ServiceAccount", receiver, |namespace| reconcile(world.clone(), namespace)).await;
}

async fn reconcile(world: World, namespace: Key) -> Result<Again, Error> {
    let open = world.namespaces.get(&namespace).is_some_and(|it| !is_going(&*it));
    if !open || world.accounts.get(&Key::new(&namespace.name, NAME)).is_some() {
        return Ok(None);
    }
    let metadata = ObjectMeta { name: Some(NAME.into()), ..ObjectMeta::default() };
    let account = ServiceAccount { metadata, ..ServiceAccount::default() };
    let api: Api<ServiceAccount> = Api::namespaced(world.client.clone(), &namespace.name);
    let created = there_is_fine(api.create(&PostParams::default(), &account).await);
    created.during(|| format!("create ServiceAccount {NAME} in {namespace}"))?;
    Ok(None)
}
