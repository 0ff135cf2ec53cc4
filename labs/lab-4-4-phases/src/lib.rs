//! Lab 4.4. The tasks are in `phase`, `reconcile`, `apply`, `verify`, `backoff` and `breaker`; `memory` is given.

// Until the tasks are done, what they will use is not used.
#![allow(unused, clippy::needless_pass_by_value, clippy::unused_async)]

pub mod apply;
pub mod backoff;
pub mod breaker;
pub mod memory;
pub mod phase;
pub mod reconcile;
pub mod verify;
