//! Images. None is ever pulled: a rule says which ones are there.

/// Whether an image is there: if the last part of its repository is `postgres`, as in `postgres:17`,
/// `registry.example.com/library/postgres:17` or `postgres@sha256:…`. Pulling any other fails as it does for a repository
/// that does not exist.
pub(crate) fn is_there(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next() == Some("postgres")
}

/// What the container runtime says of an image that is not there.
pub(crate) fn pull_failure(image: &str) -> String {
    format!(
        "failed to pull and unpack image {image:?}: failed to resolve reference {image:?}: {image}: not found \
         (the sandbox has images named postgres, and no other)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_as_a_table() {
        for (image, expected) in [
            ("postgres", true),
            ("postgres:17", true),
            ("registry.example.com:5000/library/postgres:17.2", true),
            ("postgres@sha256:0123", true),
            ("postgres:no-such-tag", true),
            ("no-such-image", false),
            ("no-such-image:17", false),
            ("registry.example.com/postgres-backup:1", false),
            ("my-postgres:17", false),
            ("", false),
        ] {
            assert_eq!(is_there(image), expected, "{image}");
        }
    }
}
