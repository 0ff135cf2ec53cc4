use super::*;
use crate::{api::DatabaseStatus, fake, resources::tests::database};

fn at(phase: Option<Phase>) -> Database {
    let mut db = database();
    db.status = phase.map(|phase| DatabaseStatus { phase: Some(phase), ..DatabaseStatus::default() });
    db
}

#[tokio::test]
async fn an_event_tells_of_ready_updating_and_failed_once_and_of_no_other_phase() {
    let (client, log) = fake::client(|asked| Some((201, asked.body.to_string())));
    let ctx = fake::context(client);
    for (before, now, expected) in [
        (None, Phase::Pending, None),
        (Some(Phase::Pending), Phase::Provisioning, None),
        (Some(Phase::Deploying), Phase::Verifying, None),
        (Some(Phase::Verifying), Phase::Ready, Some(("Normal", "Ready"))),
        (Some(Phase::Ready), Phase::Ready, None),
        (Some(Phase::Ready), Phase::Updating, Some(("Normal", "Updating"))),
        (Some(Phase::Updating), Phase::Failed, Some(("Warning", "Failed"))),
        (Some(Phase::Failed), Phase::Failed, None),
        (Some(Phase::Ready), Phase::Deleting, None),
    ] {
        tell(&at(before), &at(Some(now)), &ctx).await;
        let told: Vec<_> = log.take().into_iter().map(|asked| asked.body).collect();
        let told: Vec<_> = told
            .iter()
            .map(|event| (event["type"].as_str().unwrap(), event["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{before:?} → {now}");
    }
}

#[tokio::test]
async fn a_phase_that_may_not_follow_is_logged_and_told_all_the_same() {
    let (client, events) = fake::client(|asked| Some((201, asked.body.to_string())));
    let ctx = fake::context(client);
    let lines = fake::Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    tell(&at(Some(Phase::Verifying)), &at(Some(Phase::Ready)), &ctx).await;
    assert_eq!(lines.text(), "");
    tell(&at(Some(Phase::Pending)), &at(Some(Phase::Ready)), &ctx).await;
    let logged = lines.text();
    assert!(logged.contains("WARN") && logged.contains("does not follow"), "{logged}");
    assert_eq!(events.take().len(), 2);
}
