//! Lesson 4.3: the solution, each time with one mistake.

mod indexes;
mod naive;
mod parts;

use crate::Operator;
use futures::{FutureExt, StreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    runtime::{Controller, Predicate, controller::Action, predicates},
};
use naive::{naive_naming, naive_secrets};
use parts::{Parts, controller};
use postgres_operator::{
    api::Database,
    context::Context,
    error::Error,
    run_with,
    watches::{Caches, More, Scope},
};
use solution_4_3_watches::{reconcile::reconcile, sources::all_secrets, watches};
use std::{future::ready, sync::Arc};

type Watched = (Controller<Database>, Caches);

/// The broken operators of this lesson.
pub(crate) fn operator(mistake: &str) -> Option<Operator> {
    Some(match mistake {
        "no-watch-for-services" => |run| run_with(run, no_watch_for_services, reconcile),
        "filters-deletes" => |run| run_with(run, filters_deletes, reconcile),
        "index-only-grows" => |run| run_with(run, indexes::index_only_grows, reconcile),
        "index-of-the-found" => |run| run_with(run, indexes::index_of_the_found, reconcile),
        "mapper-lists-everything" => |run| run_with(run, mapper_lists_everything, reconcile),
        "index-forgets-the-namespace" => |run| run_with(run, indexes::index_forgets_the_namespace, reconcile),
        "caches-every-secret" => |run| run_with(run, caches_every_secret, reconcile),
        "generation-only" => |run| run_with(run, generation_only, reconcile),
        "status-is-news" => |run| run_with(run, status_is_news, reconcile),
        "never-requeues" => |run| run_with(run, watches::controller, never_requeues),
        "caches-not-awaited" => |run| run_with(run, caches_not_awaited, reconcile),
        _ => return None,
    })
}

/// Mistake: the Services are in a store, and nobody is told when one changes.
fn no_watch_for_services(client: &Client, scope: &Scope, more: More) -> Watched {
    let parts = Parts { services: |events| events.filter(|_| ready(false)).boxed(), ..Parts::right() };
    controller(client, scope, more, parts)
}

/// Mistake: only what is there is handed on.
fn filters_deletes(client: &Client, scope: &Scope, more: More) -> Watched {
    controller(client, scope, more, Parts { deletes: false, ..Parts::right() })
}

/// Mistake: the API server is asked what the operator could know.
fn mapper_lists_everything(client: &Client, scope: &Scope, more: More) -> Watched {
    let databases: Api<Database> = scope.api(client);
    let listed = all_secrets(scope.api(client))
        .filter_map(|event| ready(event.ok()))
        .then(move |secret| naive_naming(databases.clone(), secret.namespace(), secret.name_any()))
        .flat_map(stream::iter);
    let parts = Parts { naming: Box::new(|_, _| Vec::new()), ..Parts::right() };
    controller(client, scope, stream::select(more, listed).boxed(), parts)
}

/// Mistake: to hear of the Secrets, the operator keeps them all.
fn caches_every_secret(client: &Client, scope: &Scope, more: More) -> Watched {
    let secrets: fn(&Client, &Scope) -> _ = |client, scope| naive_secrets(scope.api(client));
    controller(client, scope, more, Parts { secrets, ..Parts::right() })
}

/// Mistake: what a user writes into the metadata raises no generation.
fn generation_only(client: &Client, scope: &Scope, more: More) -> Watched {
    let parts = Parts { news: |db| predicates::generation.hash_property(db), ..Parts::right() };
    controller(client, scope, more, parts)
}

/// Mistake: every version of a Database is news, also those that the operator makes.
fn status_is_news(client: &Client, scope: &Scope, more: More) -> Watched {
    let parts = Parts { news: |db| predicates::resource_version.hash_property(db), ..Parts::right() };
    controller(client, scope, more, parts)
}

/// Mistake: what no watch tells is never found out.
async fn never_requeues(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    reconcile(db, ctx).await.map(|_| Action::await_change())
}

/// Mistake: a store counts as filled from the start.
fn caches_not_awaited(client: &Client, scope: &Scope, more: More) -> Watched {
    controller(client, scope, more, Parts { filled: |_| ready(Ok(())).boxed(), ..Parts::right() })
}
