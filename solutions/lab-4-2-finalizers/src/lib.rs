//! Lab 4.2, solved. `finalizer`, `cleanup` and `reconcile` are what the lab asks for.

pub mod cleanup;
pub mod finalizer;
pub mod reconcile;
