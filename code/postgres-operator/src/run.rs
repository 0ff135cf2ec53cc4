//! Running a reconcile function as a controller, until a signal stops it.

use crate::{
    api::Database,
    context::Context,
    error::{Error, chain},
    external::backups::Backups,
    lease::Lead,
    metrics::outcome,
    options::RunOptions,
    patience::each_stream_waits_for_itself,
    serve::serve,
    start::{StartError, client, preflight},
    watches::{Caches, More, Scope},
};
use futures::{FutureExt, StreamExt, stream};
use kube::{
    Client, ResourceExt,
    api::DynamicObject,
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::ObjectRef,
        watcher,
    },
};
use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{self, SignalKind},
    sync::mpsc::unbounded_channel,
    time::{Instant, timeout},
};
use tracing::{Instrument, field};

/// A pass that takes longer is given up: without a bound, one call that hangs would block its object for ever.
const PASS_WITHIN: Duration = Duration::from_mins(1);

/// Runs `reconcile` for every Database in scope, until SIGINT or SIGTERM; passes in progress are finished first. `watch` makes the
/// controller: [`crate::watches::controller`], or a lab's own.
pub async fn run<W, F, Fut>(options: RunOptions, watch: W, reconcile: F) -> Result<(), StartError>
where
    W: FnOnce(&Client, &Scope, More) -> (Controller<Database>, Caches),
    F: Fn(Arc<Database>, Arc<Context>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Action, Error>> + Send + 'static,
{
    let (client, url) = client(options.context.as_deref()).await?;
    let scope = options.namespace.clone().map_or(Scope::Cluster, Scope::Namespace);
    preflight(&client, &url, &scope).await?;
    let (ended, backups_ended) = unbounded_channel();
    let backups_ended = stream::unfold(backups_ended, async |mut ended| Some((ended.recv().await?, ended)));
    let (controller, caches) = watch(&client, &scope, backups_ended.boxed());
    let context = Arc::new(Context::new(client, caches, Backups::new(ended), &options));
    let _ = context.databases.set(controller.store());
    let server = match options.listen {
        Some(address) => serve(address, context.clone()).await.map_err(StartError::Listen)?.left_future(),
        None => std::future::pending().right_future(),
    };
    let work = async {
        let Some(lead) = lead(&context.client, options.leader_election.as_deref()).await? else {
            return Ok(());
        };
        context.starts_working();
        tracing::info!(?scope, "watching Databases");
        let stop = stop(lead.as_ref());
        each_stream_waits_for_itself(controller)
            .with_config(controller::Config::default().concurrency(options.concurrency))
            .graceful_shutdown_on(stop)
            .run(move |db, ctx| supervised(db, ctx, reconcile), error_policy, context.clone())
            .for_each(|result| {
                note(result, &context);
                std::future::ready(())
            })
            .await;
        context.backups.stop().await;
        if let Some(lead) = lead {
            lead.release().await;
        }
        tracing::info!("stopped");
        Ok(())
    };
    tokio::select! {
        done = work => done,
        () = server => Ok(()),
    }
}

/// Waits for the lead, if it is asked for. The outer `None` is a signal to stop that came first.
async fn lead(client: &Client, namespace: Option<&str>) -> Result<Option<Option<Lead>>, StartError> {
    let Some(namespace) = namespace else { return Ok(Some(None)) };
    // In a pod this is the pod's name.
    let identity =
        std::env::var("HOSTNAME").unwrap_or_else(|_| format!("postgres-operator-{}", std::process::id()));
    let mut lead = Lead::stand(client, namespace, &identity).await?;
    tracing::info!(namespace, identity, "waiting for the lead");
    let taken = tokio::select! {
        () = lead.taken() => true,
        () = signal() => false,
    };
    if taken {
        return Ok(Some(Some(lead)));
    }
    lead.release().await;
    Ok(None)
}

/// Ends when the operator should stop: at a signal, or when the lead is lost.
fn stop(lead: Option<&Lead>) -> impl Future<Output = ()> + Send + Sync + 'static {
    let lost = lead.map(Lead::lost);
    // The controller wants a future that can be shared; a task's handle is one.
    let stop = tokio::spawn(async move {
        let lost = async {
            match lost {
                Some(lost) => lost.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = lost => tracing::warn!("the lead is lost"),
            () = signal() => {}
        }
    });
    stop.map(|_| ())
}

/// Ends at SIGINT or SIGTERM.
async fn signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (unix::signal(SignalKind::interrupt()), unix::signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// One pass in a span of its own, bounded in time, with a panic kept to the object that caused it.
async fn supervised<F, Fut>(db: Arc<Database>, ctx: Arc<Context>, reconcile: F) -> Result<Action, Error>
where
    F: Fn(Arc<Database>, Arc<Context>) -> Fut,
    Fut: Future<Output = Result<Action, Error>>,
{
    let span = tracing::info_span!(
        "reconcile",
        namespace = db.namespace(),
        database = db.name_any(),
        generation = db.metadata.generation,
        outcome = field::Empty,
    );
    async {
        let started = Instant::now();
        ctx.caches.waiting.taken_up(&ObjectRef::from_obj(&db));
        ctx.metrics.begin();
        let metrics = ctx.clone();
        let pass = AssertUnwindSafe(reconcile(db, ctx)).catch_unwind();
        let result = match timeout(PASS_WITHIN, pass).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Panicked(panic_text(panic.as_ref()))),
            Err(_) => Err(Error::Timeout(PASS_WITHIN)),
        };
        metrics.metrics.end(&result, started.elapsed());
        tracing::Span::current().record("outcome", outcome(&result));
        tracing::info!(duration_ms = started.elapsed().as_millis(), "reconciled");
        result
    }
    .instrument(span)
    .await
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// When to try again. The growing delay is per object: one that fails does not slow down the others.
#[expect(clippy::needless_pass_by_value, reason = "the controller hands over its own references")]
fn error_policy(db: Arc<Database>, error: &Error, ctx: Arc<Context>) -> Action {
    match error {
        Error::Stale { .. } => Action::requeue(ctx.stale.next(&db)),
        _ => Action::requeue(ctx.backoff.next(&db)),
    }
}

type PassResult = Result<(ObjectRef<Database>, Action), controller::Error<Error, watcher::Error>>;

/// Logs what the controller's stream tells, errors of the watches included: a watch that fails in silence looks like a
/// cluster in which nothing happens.
fn note(result: PassResult, ctx: &Context) {
    match result {
        Ok((db, _)) => ctx.stale.clear(&db),
        Err(controller::Error::ReconcilerFailed(Error::Stale { what }, db)) => {
            tracing::debug!(%db, %what, "has changed since it was read");
        }
        Err(controller::Error::ObjectNotFound(gone)) => ctx.forget_name(&found_gone(&gone)),
        Err(controller::Error::ReconcilerFailed(error, db)) => {
            tracing::error!(%db, error = chain(&error), "the pass failed and is tried again");
        }
        Err(error) => tracing::warn!(error = chain(&error), "a watch failed and is tried again"),
    }
}

/// The Database that a controller did not find in its store.
pub(crate) fn found_gone(gone: &ObjectRef<DynamicObject>) -> ObjectRef<Database> {
    ObjectRef::new(&gone.name).within(gone.namespace.as_deref().unwrap_or_default())
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
