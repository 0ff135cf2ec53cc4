//! The parts of a running sandbox, and the way of a request through them.

use crate::{
    clock::Clock,
    discovery,
    error::{Failure, Outcome},
    http::{Answer, Input, Query, Route, Target, Verb, negotiate, respond},
    kinds::event::Expiry,
    openapi_paths,
    options::Options,
    rbac::{self, User},
    registry::Registry,
    reviews,
    store::Store,
    upgrade, verbs,
};
use http::{Method, Request, header};
use hyper::body::{Body, Bytes};
use std::{error::Error, sync::Arc};

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) events: Expiry,
}

/// One request on its way.
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    pub(crate) query: Query,
    pub(crate) input: Input,
    pub(crate) form: negotiate::Form,
    pub(crate) user_agent: String,
    pub(crate) user: User,
    pub(crate) warnings: Vec<String>,
}

impl Server {
    /// Answers a request; failures become `Status` objects.
    pub(crate) async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut warnings = Vec::new();
        let mut answer =
            self.handle(request, &mut warnings).await.unwrap_or_else(|failure| respond::failure(&failure));
        respond::warn(&mut answer, &warnings);
        answer
    }

    async fn handle<B>(self: Arc<Self>, request: Request<B>, warnings: &mut Vec<String>) -> Outcome<Answer>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let query = Query::parse(head.uri.query());
        let user = User::of(&head.headers)?;
        let route = Route::find(&path, &self.registry)?;
        if let Route::Resource(target) = &route
            && upgrade::is_wanted(target)
        {
            rbac::check_target(&self, &user, target, upgrade::verb(&head.method), &query)?;
            return upgrade::answer(&self, target, &mut head);
        }
        let user_agent = head.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let mut call = Call {
            form: negotiate::form(&head.headers)?,
            input: Input::read(&head.headers, body).await?,
            user_agent: user_agent.unwrap_or_default().to_owned(),
            server: Arc::clone(&self),
            query,
            user,
            warnings: Vec::new(),
        };
        let outcome = match route {
            Route::Resource(target) => call.resource(&head.method, &target).await,
            Route::Review { group, plural, namespace } => {
                reviews::answer(&self, &call, &group, &plural, &namespace)
            }
            Route::Path(parts) => {
                rbac::check_path(&self, &call.user, &path)?;
                call.path(&head.method, &parts)
            }
        };
        warnings.append(&mut call.warnings);
        outcome
    }
}

impl Call {
    async fn resource(&mut self, method: &Method, target: &Target) -> Outcome<Answer> {
        let watch = self.query.flag("watch");
        let verb = target.verb(method, watch)?;
        rbac::check_target(&self.server, &self.user, target, verb, &self.query)?;
        self.query.options = match verb {
            Verb::Create => "CreateOptions",
            Verb::Update => "UpdateOptions",
            Verb::Patch => "PatchOptions",
            Verb::Delete | Verb::DeleteCollection => "DeleteOptions",
            Verb::Get | Verb::List | Verb::Watch => "ListOptions",
        };
        if let Some(warning) = target.resource.custom().and_then(|custom| custom.deprecated.clone()) {
            self.warnings.push(warning);
        }
        match (target.subresource.as_str(), verb) {
            ("", Verb::Get) => verbs::get::get(self, target),
            ("", Verb::List) => verbs::list::list(self, target),
            ("", Verb::Watch) => verbs::watch::watch(self, target),
            ("", Verb::Create) => verbs::write::create(self, target),
            ("", Verb::Update) => verbs::write::update(self, target),
            ("", Verb::Patch) => verbs::write::patch(self, target),
            ("", Verb::Delete) => verbs::delete::delete(self, target),
            ("", Verb::DeleteCollection) => verbs::delete::collection(self, target),
            ("status", Verb::Get) if target.resource.status => verbs::get::get(self, target),
            ("status", Verb::Update) if target.resource.status => verbs::write::update(self, target),
            ("status", Verb::Patch) if target.resource.status => verbs::write::patch(self, target),
            ("scale", _) if target.resource.scale.is_some() => verbs::scale::scale(self, target, verb),
            ("finalize", Verb::Update) if target.resource.table == "namespaces" => {
                verbs::write::update(self, target)
            }
            ("log", Verb::Get) if target.resource.table == "pods" => {
                let pod = verbs::get::value(self, target)?;
                let access = self.server.options.pods.clone();
                crate::pods::log(access.as_deref(), target, &pod, &self.query).await
            }
            ("binding", Verb::Create) if target.resource.table == "pods" => verbs::write::bind(self, target),
            ("eviction", Verb::Create) if target.resource.table == "pods" => {
                verbs::delete::evict(self, target)
            }
            ("status" | "scale" | "log" | "binding" | "finalize" | "eviction", _)
                if target.has_subresource() =>
            {
                Err(Failure::method_not_allowed())
            }
            _ => Err(Failure::no_such_path()),
        }
    }

    fn path(&self, method: &Method, parts: &[String]) -> Outcome<Answer> {
        if method != Method::GET && method != Method::HEAD {
            return Err(Failure::method_not_allowed());
        }
        let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match texts[..] {
            ["healthz" | "livez" | "readyz", ..] => Ok(respond::text(200, "ok")),
            ["version"] => Ok(respond::json(200, &discovery::version())),
            ["openapi", ref rest @ ..] => openapi_paths::answer(&self.server, rest, self.form),
            _ => discovery::answer(&self.server, &texts, self.form),
        }
    }
}

impl Target {
    fn has_subresource(&self) -> bool {
        match self.subresource.as_str() {
            "status" => self.resource.status,
            "scale" => self.resource.scale.is_some(),
            "finalize" => self.resource.table == "namespaces",
            _ => self.resource.table == "pods",
        }
    }
}
