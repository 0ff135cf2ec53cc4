use super::*;

#[test]
fn ready_is_entered_after_a_login_only_and_failed_can_be_left() {
    let into =
        |to: Phase| Phase::ALL.into_iter().filter(|from| from.next().contains(&to)).collect::<Vec<_>>();
    assert_eq!(into(Phase::Ready), [Phase::Verifying, Phase::Failed]);
    assert!(into(Phase::Pending).is_empty());
    assert!(!Phase::Failed.next().is_empty());
    for phase in Phase::ALL {
        assert!(!phase.next().contains(&phase), "{phase} follows itself");
        assert!(
            phase == Phase::Deleting || phase.next().contains(&Phase::Deleting),
            "{phase} can be deleted"
        );
    }
}

#[test]
fn what_the_diagram_leaves_out_holds_for_every_phase() {
    for phase in Phase::ALL.into_iter().filter(|phase| !matches!(phase, Phase::Failed | Phase::Deleting)) {
        assert!(phase.next().contains(&Phase::Failed), "{phase} can fail");
    }
}

#[test]
fn the_books_page_shows_the_transitions_of_the_code() {
    let page = include_str!("../../../book/reference/phases.md");
    for (what, text) in [("phases --mermaid", mermaid()), ("phases", table())] {
        assert!(
            page.contains(&text),
            "book/reference/phases.md: put in the output of `cargo run -p postgres-operator -- {what}`"
        );
    }
}
