//! Requests and answers: paths, queries, media types, bodies.

pub(crate) mod body;
pub(crate) mod negotiate;
pub(crate) mod query;
pub(crate) mod respond;
pub(crate) mod route;

pub(crate) use body::Input;
pub(crate) use query::Query;
pub(crate) use respond::Answer;
pub(crate) use route::{Route, Target, Verb};
