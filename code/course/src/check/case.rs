//! A case: one of many that a check tries, with an operator and a namespace of its own.

use super::{
    Arena, Begin, Failure,
    verdict::{Evidence, STAGE},
};

impl Arena {
    /// Tries something in another arena of the same run. A failure takes along what lies around it, the case's own timeline, and
    /// what case it was.
    pub(crate) async fn case<T>(
        &self,
        name: &str,
        told: &str,
        attempt: impl AsyncFnOnce(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let entered =
            Self::enter(&format!("{}-{name}", self.check), Begin::Running, self.setup.clone()).await;
        let stage = entered.map_err(|error| Failure::new(STAGE, error))?;
        let result = match stage.watched(Box::pin(attempt(&stage))).await {
            Err(failure) => {
                let evidence = Evidence { timeline: stage.write_timeline(), ..stage.evidence().await };
                let expected = format!("{}, {told}", failure.expected);
                Err(Failure { expected, ..failure }.with_evidence(evidence))
            }
            result => result,
        };
        stage.leave().await;
        result
    }
}
