//! What several checks of a run need, and one of them finds out.

use super::{Arena, Failure};
use futures::future::LocalBoxFuture;
use std::{any::Any, sync::Arc};
use tokio::sync::OnceCell;

/// One value of any type; each lesson knows its own.
#[derive(Default)]
pub(super) struct Shared(OnceCell<Arc<dyn Any + Send + Sync>>);

impl Arena {
    /// The value that the checks of this run share, made by the first that asks. A failure is shared too: it would be the same
    /// once more, a minute later.
    pub(crate) async fn shared<T: Send + Sync + 'static>(
        &self,
        make: LocalBoxFuture<'_, Result<T, Failure>>,
    ) -> Result<Arc<T>, Failure> {
        let made = async {
            let made: Result<Arc<T>, Failure> = make.await.map(Arc::new);
            Arc::new(made) as Arc<dyn Any + Send + Sync>
        };
        let value = self.setup.shared.0.get_or_init(|| made).await;
        let value = value.downcast_ref::<Result<Arc<T>, Failure>>();
        value.cloned().unwrap_or_else(|| Err(Failure::new("one kind of value to share", "another one")))
    }
}
