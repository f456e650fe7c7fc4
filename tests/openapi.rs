//! What is checked with the forges' own descriptions is only worth as much as the check.

use serde_json::{Value, json};

use crate::support::openapi::{Description, merge};

const PULLS: &str = "/repos/example/shop/pulls";
const PULL: &str = "/repos/example/shop/pulls/7";
const COMMENTS: &str = "/repos/example/shop/issues/7/comments";
const COMMENT: &str = "/repos/example/shop/issues/comments/12";

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn both() -> [Description; 2] {
    [Description::github(), Description::gitea()]
}

/// Why the request is wrong, or nothing.
fn asked(forge: &Description, method: &str, path: &str, pairs: &[(&str, &str)]) -> String {
    let checked = forge.check_request(method, path, &query(pairs), None);
    checked.err().unwrap_or_default()
}

/// Why the example is no answer after the change, or nothing.
fn changed(forge: &Description, path: &str, change: Value) -> String {
    let mut body = forge.example("GET", path, 200);
    merge(&mut body, change);
    let checked = forge.check_answer("GET", path, 200, &body);
    checked.err().unwrap_or_default()
}

#[test]
fn says_which_version_it_is() {
    assert_eq!(Description::github().source(), "@octokit/openapi 23.0.2");
    assert_eq!(Description::gitea().source(), "Gitea 1.27.3");
}

#[test]
fn each_described_answer_has_an_example_that_fits() {
    for forge in both() {
        let operations = forge.operations();
        assert!(operations.len() >= 12);
        for (method, path, statuses) in operations {
            assert!(statuses.iter().any(|status| *status < 300));
            for status in statuses {
                let example = forge.example(method, path, status);
                // A template names its numbers, and is a path all the same.
                forge.answer(method, path, status, &example);
            }
        }
    }
}

#[test]
fn takes_what_a_client_asks() {
    let github = Description::github();
    github.request(
        "GET",
        PULLS,
        &query(&[
            ("state", "all"),
            ("base", "main"),
            ("per_page", "100"),
            ("page", "2"),
        ]),
        None,
    );
    github.request(
        "GET",
        "/orgs/example/teams/owners/memberships/ann",
        &[],
        None,
    );
    github.request(
        "GET",
        "/repos/example/shop/commits/0123abc/pulls",
        &[],
        None,
    );
    let gitea = Description::gitea();
    gitea.request(
        "GET",
        PULLS,
        &query(&[("state", "closed"), ("limit", "50"), ("page", "1")]),
        None,
    );
    gitea.request(
        "GET",
        PULLS,
        &query(&[("labels", "1"), ("labels", "2")]),
        None,
    );
    gitea.request("GET", "/teams/3/members/ann", &[], None);
    for forge in both() {
        forge.request("GET", PULL, &[], None);
        forge.request("POST", COMMENTS, &[], Some(&json!({ "body": "text" })));
        forge.request("PATCH", COMMENT, &[], Some(&json!({ "body": "text" })));
    }
}

#[test]
#[should_panic(expected = "the path is not described")]
fn an_undescribed_path_stops_the_test() {
    Description::github().request("GET", "/repos/example/shop/pulls/7/files", &[], None);
}

#[test]
#[should_panic(expected = "the method is not described")]
fn an_undescribed_method_stops_the_test() {
    Description::gitea().request("DELETE", COMMENT, &[], None);
}

#[test]
#[should_panic(expected = "the query parameter «limit» is not described")]
fn an_undescribed_query_parameter_stops_the_test() {
    Description::github().request("GET", PULLS, &query(&[("limit", "50")]), None);
}

#[test]
#[should_panic(expected = "body.body is missing")]
fn a_missing_field_of_a_request_stops_the_test() {
    Description::gitea().request("POST", COMMENTS, &[], Some(&json!({})));
}

#[test]
#[should_panic(expected = "answer.number is missing")]
fn a_missing_field_of_an_answer_stops_the_test() {
    let github = Description::github();
    let mut body = github.example("GET", PULL, 200);
    body.as_object_mut().unwrap().remove("number");
    github.answer("GET", PULL, 200, &body);
}

#[test]
#[should_panic(expected = "answer.number is \"7\", not of type integer")]
fn a_wrong_type_in_an_answer_stops_the_test() {
    let gitea = Description::gitea();
    let mut body = gitea.example("GET", PULL, 200);
    merge(&mut body, json!({ "number": "7" }));
    gitea.answer("GET", PULL, 200, &body);
}

#[test]
fn finds_each_kind_of_wrong_request() {
    let github = Description::github();
    let wrong = |pairs| asked(&github, "GET", PULLS, pairs);
    assert_eq!(wrong(&[]), "");
    assert_eq!(
        wrong(&[("state", "merged")]),
        r#"the query parameter «state»: the value is "merged", not one of ["open","closed","all"]"#
    );
    assert_eq!(
        wrong(&[("per_page", "many")]),
        r#"the query parameter «per_page»: the value is "many", not of type integer"#
    );
    assert_eq!(
        wrong(&[("page", "1"), ("page", "2")]),
        "the query parameter «page» is there twice"
    );
    assert_eq!(
        asked(&github, "GET", "/repos/example/shop/pulls/seven", &[]),
        r#"the part «pull_number» of the path: the value is "seven", not of type integer"#
    );
    assert_eq!(
        asked(&github, "GET", "/repos/example/shop/pulls?page=2", &[]),
        "the path has a query in it"
    );
    assert_eq!(
        asked(&github, "GET", "/repos//shop/pulls", &[]),
        "the path is not described"
    );
    for forge in both() {
        let post = |body: Option<Value>| {
            let checked = forge.check_request("POST", COMMENTS, &[], body.as_ref());
            checked.err()
        };
        assert_eq!(post(None).as_deref(), Some("the body is missing"));
        assert_eq!(
            post(Some(json!({ "body": 7 }))).as_deref(),
            Some("body.body is 7, not of type string")
        );
        assert_eq!(
            post(Some(json!({ "body": "text", "title": "text" }))).as_deref(),
            Some("body.title is not described")
        );
        let get = forge.check_request("GET", PULL, &[], Some(&json!({})));
        assert_eq!(get.err().as_deref(), Some("no body is described"));
    }
}

/// Gitea gives all comments at once: it knows no pages of them.
#[test]
fn gitea_has_no_pages_of_comments() {
    assert_eq!(
        asked(&Description::gitea(), "GET", COMMENTS, &[("page", "2")]),
        "the query parameter «page» is not described"
    );
    assert_eq!(
        asked(&Description::github(), "GET", COMMENTS, &[("page", "2")]),
        ""
    );
}

#[test]
fn finds_each_kind_of_wrong_answer() {
    for forge in both() {
        let wrong = |change| changed(&forge, PULL, change);
        assert_eq!(wrong(json!({ "not_described": { "at": "all" } })), "");
        assert_eq!(wrong(json!({ "merged_at": null })), "");
        assert_eq!(
            wrong(json!({ "merged_at": "2026-01-05T09:00:00+01:00" })),
            ""
        );
        assert_eq!(
            wrong(json!({ "merged_at": "yesterday" })),
            "answer.merged_at is «yesterday», not of format date-time"
        );
        assert_eq!(
            wrong(json!({ "title": null })),
            "answer.title is null, not of type string"
        );
        assert_eq!(
            wrong(json!({ "state": "merged" })),
            r#"answer.state is "merged", not one of ["open","closed"]"#
        );
        assert_eq!(
            wrong(json!({ "head": { "sha": 7 } })),
            "answer.head.sha is 7, not of type string"
        );
        assert_eq!(
            wrong(json!({ "labels": {} })),
            "answer.labels is an object, not of type array"
        );
        assert_eq!(
            wrong(json!({ "labels": [7] })),
            "answer.labels[0] is 7, not of type object"
        );
        assert_eq!(wrong(json!([])), "answer is a list, not of type object");
    }
}

#[test]
fn takes_one_of_several_schemas() {
    let github = Description::github();
    let issue = "/repos/example/shop/issues/7";
    assert_eq!(
        changed(
            &github,
            issue,
            json!({ "labels": ["bug", { "name": "bug" }] })
        ),
        ""
    );
    assert_eq!(
        changed(&github, issue, json!({ "labels": [7] })),
        "answer.labels[0] is none of oneOf: answer.labels[0] is 7, not of type string; \
         answer.labels[0] is 7, not of type object"
    );
}

#[test]
fn a_status_says_what_may_come_with_it() {
    for forge in both() {
        let says = |status, body: Value| forge.check_answer("GET", PULL, status, &body).err();
        assert_eq!(
            says(204, Value::Null).as_deref(),
            Some("the status is not described")
        );
        assert_eq!(says(502, json!("a page of a proxy")), None);
        assert_eq!(says(404, json!({ "message": "Not Found" })), None);
    }
    let gitea = Description::gitea();
    let says = |body: Value| gitea.check_answer("PATCH", COMMENT, 204, &body).err();
    assert_eq!(says(Value::Null), None);
    assert_eq!(says(json!({})).as_deref(), Some("no body is described"));
}

#[test]
fn an_example_has_what_a_client_reads() {
    let pull = Description::gitea().example("GET", PULL, 200);
    assert_eq!(pull["number"], 1);
    assert_eq!(pull["merged_at"], Value::Null);
    assert_eq!(pull["base"]["ref"], "text");
    let list = Description::github().example("GET", PULLS, 200);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["head"]["ref"], "text");
}

#[test]
fn merging_replaces_only_what_is_given() {
    let mut value = json!({ "a": { "b": 1, "c": [1, 2] }, "d": null });
    merge(&mut value, json!({ "a": { "c": [3] }, "d": { "e": 4 } }));
    assert_eq!(value, json!({ "a": { "b": 1, "c": [3] }, "d": { "e": 4 } }));
}
