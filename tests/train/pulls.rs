//! Open pull requests that go to the same `Release`, by the forge: two open branches that collide are seen
//! before the second is merged.

use serde_json::{Value, json};

use super::world::{ENTRY, TRAIN, Trains};
use crate::support::openapi::{Description, merge};
use crate::support::scripted::{Answer, Script};
use crate::support::team::Team;

const VERSION: &str = "0.2012.04.27";
const PULLS: &str = "/repos/example/service/pulls";

/// A hotfix on the train, and the heads of two pull requests that only the forge has references of.
fn colliding() -> (Trains, [String; 2]) {
    let trains = Trains::new();
    let head = |number: u64, release: &str| {
        trains
            .team
            .git(&["switch", "--quiet", "--force-create", "theirs", TRAIN]);
        trains.file("src/theirs", &format!("{number}\n"));
        let line = format!("  * (hotfix 2012.05.03) mend {number}: #{number}\n");
        trains.write(Some(VERSION), release, Some(&Trains::log(&line)));
        let commit = trains.commit(&format!("mend {number}"));
        let reference = format!("theirs:refs/pull/{number}/head");
        trains.team.git(&["push", "--quiet", "origin", &reference]);
        commit
    };
    let heads = [head(7, "2"), head(8, "3")];
    trains.team.switch(TRAIN);
    trains.fix("2", &Trains::log(ENTRY));
    (trains, heads)
}

fn listed(heads: &[String; 2], team: &Team) -> Answer {
    let own = team.head();
    let numbers = [(7, &heads[0]), (8, &heads[1]), (9, &own)];
    many(&numbers)
}

fn many(numbers: &[(u64, &String)]) -> Answer {
    let description = Description::github();
    let pulls = numbers.iter().map(|(number, head)| {
        let mut pull = description.example("GET", PULLS, 200)[0].clone();
        merge(
            &mut pull,
            json!({
                "number": number,
                "state": "open",
                "head": { "ref": format!("mend-{number}"), "sha": head },
                "base": { "ref": TRAIN },
            }),
        );
        pull
    });
    let body = Value::Array(pulls.collect());
    description.answer("GET", PULLS, 200, &body);
    Answer::status(200).json(&body)
}

fn judged(trains: &Trains, answer: Answer) -> String {
    let query = format!("?state=open&base={TRAIN}&per_page=100&page=1");
    let server = Script::new()
        .on("GET", &format!("/api/v3{PULLS}{query}"), answer)
        .always()
        .start();
    let address = server.address();
    let forge = format!(
        "forge: {{url: \"http://{address}\", kind: github}}, tls: {{insecure: [\"{address}\"]}}, timeout: 60s"
    );
    let off = "base-is-production: off, forward-port: off, merged-by-pull-request: off, reviewed: off, \
               agreed: off, triage: off, no-features: off";
    let policy = format!(
        "{}, rules: {{release-bump: must, {off}}}, {forge}",
        super::world::POLICY
    );
    let run = crate::support::team::judge(&trains.team.pushed(TRAIN), &policy);
    server.finish();
    run.ends(0, &["`Release` was raised from 1 to 2"]);
    run.text
}

#[test]
fn one_that_goes_to_the_same_number_is_seen() {
    let (trains, heads) = colliding();
    let text = judged(&trains, listed(&heads, &trains.team));
    let words =
        "pull request 7 (`mend-7`) also goes to `Release` 2: whoever comes second must take 3";
    assert!(text.contains(words), "{text}");
    assert!(
        !text.contains("pull request 8") && !text.contains("pull request 9"),
        "{text}"
    );
}

#[test]
fn of_very_many_it_is_said_how_many_were_not_looked_through() {
    let (trains, heads) = colliding();
    let numbers: Vec<(u64, &String)> = (8..39).map(|number| (number, &heads[1])).collect();
    for (count, words) in [(30, None), (31, Some("1 more open pull request into"))] {
        let text = judged(&trains, many(&numbers[..count]));
        let said = text.contains("not looked through");
        assert_eq!(said, words.is_some(), "{text}");
        assert!(words.is_none_or(|words| text.contains(words)), "{text}");
    }
}

#[test]
fn a_forge_that_does_not_say_is_a_remark() {
    let (trains, _) = colliding();
    let text = judged(
        &trains,
        Answer::status(404).body("{\"message\": \"Not Found\"}"),
    );
    let words = "whether an open pull request goes to the same number is not known: GitHub";
    assert!(text.contains(words), "{text}");
}
