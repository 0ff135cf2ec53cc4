//! One request: what becomes of it between the operator and the API server.

use crate::{
    answer::{self, AnswerBody},
    change::{self, Before},
    fault::{Action, Fault, Stage},
    lists,
    request::{Request, Verb},
    tunnel,
    upstream::Upstream,
    watch::Watch,
};
use http::{Response, StatusCode, Uri, header, request::Parts};
use http_body_util::BodyExt;
use hyper::{
    body::{Bytes, Incoming},
    upgrade::OnUpgrade,
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

/// The operator gets no answer: its connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("cut by a fault")]
pub(crate) struct Cut;

/// A request on its way, and what is written down of it.
struct Exchange {
    entry: Request,
    started: Instant,
    /// Its place in the log, if it is there already.
    number: Option<usize>,
    /// A list's own key, as it is remembered.
    list: Option<String>,
    /// Where a written object can be read, if it has a name already.
    address: Option<String>,
}

/// Takes a request through the faults to the API server and back. `time` is its connection's.
pub(crate) async fn serve(
    mut request: hyper::Request<Incoming>,
    upstream: Arc<Upstream>,
    time: u64,
) -> Result<Response<AnswerBody>, Cut> {
    // A port-forward or an exec asks to leave HTTP behind. Its headers are for the API server, which says yes or no.
    let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let entry = Request::of(&head, &body, SystemTime::now());
    if let Some(narrowed) = upstream.sight.of(&entry, &head.uri) {
        head.uri = narrowed;
    }
    let list = lists::key(&entry, &head.uri);
    let address = address(&entry, &head.uri);
    let mut exchange = Exchange { entry, started: Instant::now(), number: None, list, address };
    if let Some(answer) = exchange.on_arrival(&upstream).await {
        return Ok(answer);
    }
    if !upstream.gate.admits(time) {
        return Err(Cut);
    }
    if exchange.entry.verb.writes() && upgrade.is_none() {
        // By itself: a write that is under way is written down, whatever becomes of the operator.
        return tokio::spawn(exchange.write(head, body, upstream)).await.unwrap_or(Err(Cut));
    }
    Ok(exchange.read(head, body, upgrade, &upstream).await)
}

impl Exchange {
    /// The answer of a fault, in the API server's place.
    async fn on_arrival(&mut self, upstream: &Upstream) -> Option<Response<AnswerBody>> {
        let older = self.list.as_deref().and_then(|key| upstream.lists.recall(key));
        let can = |fault: &Fault| !matches!(fault.action, Action::OlderList) || older.is_some();
        let name = self.entry.name.clone();
        let hit = upstream.faults.hit(Stage::Arrival, &self.entry, name.as_deref(), can)?;
        self.entry.fault = Some(hit.fault.action.to_string());
        let answer = match hit.fault.action {
            Action::Answer(code) => Some(answer::refusal(code, &self.entry)),
            Action::OlderList => older.map(|list| answer::json(StatusCode::OK, list)),
            _ => {
                self.write_down(upstream, 0);
                hit.has_fired();
                hit.lifted().await;
                // Whoever has hung up meanwhile is noticed first: nobody waits for that request any more.
                tokio::task::yield_now().await;
                None
            }
        }?;
        self.write_down(upstream, answer.status().as_u16());
        hit.has_fired();
        Some(answer)
    }

    /// Puts it into the log, and says where.
    fn write_down(&mut self, upstream: &Upstream, status: u16) -> usize {
        self.entry.status = status;
        self.entry.took = self.started.elapsed();
        let entry = self.entry.clone();
        if let Some(number) = self.number {
            upstream.log.requests.replace(number, entry);
            return number;
        }
        *self.number.insert(upstream.log.requests.push(entry))
    }

    async fn write(
        mut self,
        head: Parts,
        body: Bytes,
        upstream: Arc<Upstream>,
    ) -> Result<Response<AnswerBody>, Cut> {
        let dry_run = is_dry_run(&head);
        let before = self.object_now(&upstream).await;
        let (answer, body) = match upstream.send(head, body).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                match body.collect().await {
                    Ok(body) => (head, body.to_bytes()),
                    Err(_) => return Err(self.unanswered(&upstream)),
                }
            }
            Err(error) => {
                let answer = answer::bad_gateway(&error);
                self.write_down(&upstream, answer.status().as_u16());
                return Ok(answer);
            }
        };
        if answer.status.is_success() && !dry_run {
            let mut object: Value = serde_json::from_slice(&body).unwrap_or_default();
            if matches!(object["kind"].as_str(), None | Some("PartialObjectMetadata" | "Table")) {
                // The operator wanted to know less of it than was written.
                if let Before::Object(whole) = self.object_now(&upstream).await {
                    object = whole;
                }
            }
            let named = object["metadata"]["name"].as_str().map(str::to_owned);
            self.entry.name = self.entry.name.take().or(named);
            self.entry.change = change::of(&self.entry, &before, &object);
        }
        let name = self.entry.name.clone();
        let hit = self
            .entry
            .change
            .as_ref()
            .and_then(|_| upstream.faults.hit(Stage::Commit, &self.entry, name.as_deref(), |_| true));
        self.entry.fault = self.entry.fault.take().or(hit.as_ref().map(|hit| hit.fault.action.to_string()));
        let told = match hit.as_ref().map(|hit| &hit.fault.action) {
            Some(Action::AnswerAfterCommit(code)) => *code,
            _ => answer.status.as_u16(),
        };
        self.write_down(&upstream, told);
        let Some(hit) = hit else {
            return Ok(Response::from_parts(answer, answer::whole(body)));
        };
        let answer = match &hit.fault.action {
            Action::AfterCommit(kill) => {
                upstream.gate.close_during(|| kill());
                Err(Cut)
            }
            Action::AnswerAfterCommit(code) => Ok(answer::refusal(*code, &self.entry)),
            _ => Err(Cut),
        };
        hit.has_fired();
        answer
    }

    /// The API server's answer broke off.
    fn unanswered(&mut self, upstream: &Upstream) -> Cut {
        self.write_down(upstream, 0);
        Cut
    }

    /// The object that a write is about, as it is now. Asked for with the proxy's own rights: the operator may have none to read.
    async fn object_now(&mut self, upstream: &Upstream) -> Before {
        let asked = Instant::now();
        let found = match &self.address {
            Some(address) => upstream.object(address).await,
            None => Before::None,
        };
        // Time that the operator's request did not take.
        self.started += asked.elapsed();
        found
    }

    async fn read(
        mut self,
        head: Parts,
        body: Bytes,
        upgrade: Option<OnUpgrade>,
        upstream: &Arc<Upstream>,
    ) -> Response<AnswerBody> {
        let mut answer = match upstream.send(head, body).await {
            Ok(answer) => answer,
            Err(error) => answer::bad_gateway(&error),
        };
        let number = self.write_down(upstream, answer.status().as_u16());
        if let (Some(upgrade), StatusCode::SWITCHING_PROTOCOLS) = (upgrade, answer.status()) {
            let ends = (upgrade, hyper::upgrade::on(&mut answer));
            tunnel::join(ends, upstream.faults.clone(), upstream.log.clone(), (number, self.entry));
            return answer;
        }
        for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
            answer.headers_mut().remove(name);
        }
        match (answer.status().is_success(), self.list) {
            (true, Some(key)) => remembered(answer, key, upstream).await,
            (true, None) if self.entry.verb == Verb::Watch => {
                let (head, body) = answer.into_parts();
                let (faults, log) = (upstream.faults.clone(), upstream.log.clone());
                Response::from_parts(head, Watch::over((number, self.entry), body, faults, log))
            }
            _ => answer,
        }
    }
}

async fn remembered(answer: Response<AnswerBody>, key: String, upstream: &Upstream) -> Response<AnswerBody> {
    let (head, body) = answer.into_parts();
    match body.collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            upstream.lists.remember(key, body.clone());
            Response::from_parts(head, answer::whole(body))
        }
        Err(error) => answer::bad_gateway(&error),
    }
}

/// Where the object of a write can be read. A scale is an object of its own; other subresources are parts of theirs.
fn address(request: &Request, uri: &Uri) -> Option<String> {
    request.name.as_ref().filter(|_| request.verb != Verb::Create)?;
    match request.resource.split_once('/') {
        Some((_, part)) if part != "scale" => uri.path().strip_suffix(&format!("/{part}")).map(str::to_owned),
        _ => Some(uri.path().to_owned()),
    }
}

fn is_dry_run(head: &Parts) -> bool {
    crate::request::parameters(&head.uri).any(|(name, value)| name == "dryRun" && !value.is_empty())
}
