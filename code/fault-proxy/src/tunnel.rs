//! Port-forwards and execs, which are bytes once both sides have left HTTP behind.

use crate::{
    flow::{self, End},
    injected::Faults,
    log::Log,
    request::Request,
};
use futures::future::join as both;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;

/// Passes bytes both ways until either side closes, or a fault does. The request is in the log under its number.
pub(crate) fn join(
    (ours, theirs): (OnUpgrade, OnUpgrade),
    faults: Arc<Faults>,
    log: Arc<Log>,
    (number, mut request): (usize, Request),
) {
    tokio::spawn(async move {
        let (Ok(ours), Ok(theirs)) = both(ours, theirs).await else { return };
        let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
        if flow::carry(&mut ours, &mut theirs, &faults, Some(&request)).await == End::Cut {
            request.fault = Some("tunnel cut".into());
            log.requests.replace(number, request);
        }
    });
}
