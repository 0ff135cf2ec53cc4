//! A Secret of the same name in another namespace changes nothing.

use super::stage::{NAME, NOTICED, SECRET, SOON, create_secret, naming, rotate, settled, without_pods};
use crate::check::{Arena, Failure};

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    let elsewhere = arena.widen().await?;
    let namespaces = [arena.namespace.as_str(), elsewhere.as_str()];
    for namespace in namespaces {
        without_pods(arena, namespace).await?;
        create_secret(arena, namespace, SECRET).await?;
        arena.create_in(namespace, NAME, naming(SECRET)).await?;
    }
    for namespace in namespaces {
        settled(arena, namespace, &[NAME]).await?;
    }
    for (namespace, other) in [(namespaces[0], namespaces[1]), (namespaces[1], namespaces[0])] {
        let mark = arena.passes();
        rotate(arena, namespace, SECRET).await?;
        let event = format!("a change of Secret {SECRET} in its namespace");
        arena.pass_over(mark, (namespace, NAME), SOON, &event).await?;
        arena.rests(arena.quiet, NOTICED).await?;
        if arena.passes_since(mark).iter().any(|pass| pass.is_over(other, NAME)) {
            let expected =
                format!("a change of Secret {SECRET} reaches Database {NAME} of its own namespace");
            return Err(Failure::new(expected, "it reaches the one of the other namespace too"));
        }
    }
    Ok("two namespaces, one operator, the same names: each Secret reached its own".into())
}
