//! Lab 4.2. The tasks are in `finalizer`, `reconcile` and `cleanup`.

// Until the tasks are done, what they will use is not used.
#![allow(unused, clippy::unused_async)]

pub mod cleanup;
pub mod finalizer;
pub mod reconcile;
