//! `production-ticket`: a deployment to production has a ticket of its own.

use crate::support::binary::{Run, run_with_doubles};
use crate::support::gate::drone_environment;
use crate::support::pipeline::DroneBuild;
use crate::support::team::{finding, judge};

use super::world::{ENTRY, TRAIN, Trains, masked, policy, said};

const RULES: &str = "version-published: off, tried-first: off, build-passed: off";

fn promote(trains: &Trains, target: &str, ticket: Option<&str>) -> DroneBuild {
    let push = trains.team.pushed(TRAIN);
    DroneBuild::promote(&push, target).with(|build| {
        build.params = vec![("VERSION".to_owned(), format!("branch-{TRAIN}"))];
        let ticket = ticket.map(|ticket| ("TICKET".to_owned(), ticket.to_owned()));
        build.params.extend(ticket);
    })
}

fn text(more: &str) -> String {
    policy(&format!("{RULES}, production-ticket"), more)
}

fn about(trains: &Trains, ticket: Option<&str>) -> Run {
    judge(&promote(trains, "cs-prod", ticket), &text(""))
}

fn hotfix() -> Trains {
    let trains = Trains::new();
    trains.file("src/app", "mended\n");
    trains.write(Some("0.2012.04.27"), "2", Some(&Trains::log(ENTRY)));
    trains.commit("mend two\n\nThis is bug 868967.");
    trains.team.push(TRAIN);
    trains
}

#[test]
fn another_ticket_passes() {
    let trains = hotfix();
    let run = about(&trains, Some("bug 900001"));
    run.ends(0, &["passed: production-ticket (must): `TICKET=bug 900001` is another ticket than the bug's: "]);
    for ticket in ["`bug 868967`", "`#1234`"] {
        assert!(
            finding(&run, "production-ticket").contains(ticket),
            "{}",
            run.text
        );
    }
    // Only production asks for it.
    judge(&promote(&trains, "cs-demo", None), &text("")).ends(0, &[]);
    // An ordinary release needs none.
    let release = promote(&trains, "cs-prod", None).with(|build| {
        build.params = vec![("VERSION".to_owned(), "1.0.0".to_owned())];
        build.branch = "main".to_owned();
    });
    let run = judge(&release, &text(""));
    assert!(
        !finding(&run, "production-ticket").contains("violation"),
        "{}",
        run.text
    );
}

#[test]
fn every_mistake_has_its_own_words() {
    let trains = hotfix();
    let mut found = Vec::new();
    for ticket in [
        None,
        Some(""),
        Some("soon"),
        Some("#1234"),
        Some(" bug 868967 "),
        Some("bug 1234"),
        Some("#900001, #900002"),
        Some("branch-train-2012.04.27"),
    ] {
        let run = about(&trains, ticket);
        run.ends(1, &[]);
        found.push(format!(
            "{ticket:?}\n{}",
            masked(&finding(&run, "production-ticket"))
        ));
    }
    let build = promote(&trains, "cs-prod", Some("#900001"));
    let settings = format!("{{policy: {{{}}}, log_level: debug}}", text(""));
    let mut variables: Vec<Vec<u8>> = drone_environment(&build, &settings)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    variables.push(b"TICKET=#900002".to_vec());
    let run = run_with_doubles(&variables);
    run.ends(1, &[]);
    found.push(format!(
        "twice\n{}",
        masked(&finding(&run, "production-ticket"))
    ));
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn where_the_bug_has_no_ticket_nobody_can_compare() {
    let trains = Trains::new();
    trains.file("src/app", "mended\n");
    trains.commit("mend two");
    trains.team.push(TRAIN);
    let run = about(&trains, Some("#900001"));
    run.ends(2, &[]);
    let mut found = vec![said(&run, "production-ticket")];
    // The history is not there, and nobody can be asked for it.
    let build = promote(&trains, "cs-prod", Some("#900001"));
    let gone = build.with(|build| build.remote = Some("/nowhere/origin.git".to_owned()));
    let run = judge(&gone, &text(""));
    run.ends(2, &[]);
    found.push(said(&run, "production-ticket"));
    // There is no checkout.
    let gone = promote(&trains, "cs-prod", Some("#900001"))
        .with(|build| build.workspace = "/nowhere".into());
    let run = judge(&gone, &text(""));
    run.ends(2, &[]);
    found.push(said(&run, "production-ticket"));
    insta::assert_snapshot!(found.join("\n\n"));
}

#[test]
fn the_parameter_is_the_policys() {
    let trains = hotfix();
    let build = promote(&trains, "cs-prod", None).param("DEPLOYMENT", "#900001");
    let own = text("").replace("train: {}", "train: {ticket_param: DEPLOYMENT}");
    judge(&build, &own).ends(0, &["`DEPLOYMENT=#900001` is another ticket"]);
    let named = own.replace("'#[0-9]+|bug [0-9]+'", "'(?:#|bug )(?P<ticket>[0-9]+)'");
    judge(&build, &named).ends(0, &["is another ticket than the bug's: `868967`, `1234`"]);
    let build = promote(&trains, "cs-prod", None).param("DEPLOYMENT", "bug 1234");
    judge(&build, &named).ends(1, &["which is the bug's own ticket `1234`"]);
}

#[test]
fn however_the_bug_is_named_its_ticket_is_not_the_deployments() {
    let trains = hotfix();
    trains.file("src/more", "mended\n");
    trains.write(
        Some("0.2012.04.27"),
        "3",
        Some(&Trains::log(&format!(
            "{ENTRY}  * (hotfix 2012.05.03) mend three: https://bugzilla.mozilla.org/show_bug.cgi?id=752721\n"
        ))),
    );
    trains.commit(
        "mend three\n\nFixes: example/service#88, GH-99, and BUG 5.\nSee other/service#66.\n\n\
         Issue: https://git.example/example/service/issues/77\nBug: 123456",
    );
    trains.team.push(TRAIN);
    for ticket in [
        "#1234",
        "#01234",
        "bug 1234",
        "bug 752721",
        "#752721",
        "bug 0752721",
        "#77",
        "bug 77",
        "#88",
        "#99",
        "bug 123456",
        "#5",
    ] {
        let run = about(&trains, Some(ticket));
        run.ends(1, &["which is the bug's own ticket"]);
    }
    for ticket in ["#999", "#66", "#7", "bug 900001"] {
        about(&trains, Some(ticket)).ends(0, &["is another ticket than the bug's"]);
    }
    // A team may write whole addresses, and then the same issue is still the same.
    let any = text("").replace("'#[0-9]+|bug [0-9]+'", r"'(?:https://)?\S*[#/ -]?\d+'");
    let page = "https://git.example/example/service/issues/77";
    for ticket in [page, "example/service#77", "77", "gh-99"] {
        let build = promote(&trains, "cs-prod", Some(ticket));
        judge(&build, &any).ends(1, &["which is the bug's own ticket"]);
    }
    // Nobody agrees on which number these digits are.
    let build = promote(&trains, "cs-prod", Some("\u{661}\u{662}"));
    judge(&build, &any).ends(1, &["which is no ticket"]);
}

#[test]
fn what_the_default_branch_mends_is_another_bug() {
    let trains = hotfix();
    trains.team.switch("main");
    trains.file("src/next", "more\n");
    trains.commit("mend what only main has: #777");
    trains.team.push("main");
    trains.team.switch(TRAIN);
    let merge = ["merge", "--quiet", "--no-ff", "--no-edit", "main"];
    trains.team.git(&merge);
    trains.team.push(TRAIN);
    about(&trains, Some("#777")).ends(0, &["is another ticket than the bug's"]);
}
