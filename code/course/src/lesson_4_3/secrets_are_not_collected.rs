//! The operator asks for the contents of its own Secrets and of the one that a Database names, never for those of all.

use super::stage::{NAME, SECRET, create_secret, naming, settled, without_pods};
use crate::check::{Arena, Failure};
use fault_proxy::{Request, Verb};

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    without_pods(arena, &arena.namespace).await?;
    create_secret(arena, &arena.namespace, SECRET).await?;
    arena.create(NAME, naming(SECRET)).await?;
    settled(arena, &arena.namespace, &[NAME]).await?;

    let requests = arena.requests();
    let many = |request: &&Request| {
        request.resource == "secrets" && matches!(request.verb, Verb::List | Verb::Watch)
    };
    let many: Vec<&Request> = requests.iter().filter(many).collect();
    let whole: Vec<_> = many.iter().filter(|request| !request.metadata_only && !request.selects).collect();
    if let Some(first) = whole.first() {
        let expected = "lists and watches of Secrets that select by label, or ask for metadata only";
        return Err(Failure::new(expected, format!("{} of neither kind, the first: {first}", whole.len())));
    }
    let of_all = many.iter().filter(|request| !request.selects).count();
    if of_all == 0 {
        return Err(Failure::new("a watch of the Secrets that Databases name", "none"));
    }
    Ok(format!("{of_all} lists and watches of all Secrets, metadata only"))
}
