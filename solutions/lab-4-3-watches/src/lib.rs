//! Lab 4.3, solved. `sources`, `index` and `news` are what the lab asks for; `watches` is given, and the pass is that of lab 4.2.

pub mod index;
pub mod news;
pub mod reconcile;
pub mod sources;
pub mod watches;
