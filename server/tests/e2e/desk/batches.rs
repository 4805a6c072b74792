//! Batches: each request is decided for itself, in order; a thousand are taken and one more is not.

use serde_json::{Value, json};

use super::{OTHER, PHARMACY, claim, post, read, start};

#[tokio::test]
async fn a_thousand_claims_are_answered_in_order_and_one_more_is_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let claims: Vec<Value> = (0..1_000).map(|n| claim(n, n / 3, 1)).collect();
    let answered = post(&jaego, "claims/batch", &json!(claims)).await;
    assert_eq!(answered.status, 200);
    let answers = answered.json();
    let answers = answers["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    for (claim, answer) in claims.iter().zip(answers) {
        assert_eq!(claim["id"], answer["id"]);
    }
    // Every third claim of a person is over two.
    let granted = answers.iter().filter(|answer| answer["decision"] == "granted").count();
    assert_eq!(granted, 667);
    let again = post(&jaego, "claims/batch", &json!(claims)).await;
    assert_eq!(again.as_first(), answered.text);

    let mut more = claims;
    more.push(claim(1_000, 1_000, 1));
    post(&jaego, "claims/batch", &json!(more)).await.is_problem(413, "oversized");
    assert_eq!(post(&jaego, "claims/batch", &json!([])).await.text, r#"{"answers":[]}"#);
    post(&jaego, "claims/batch", &claim(1, 1, 1)).await.is_problem(400, "malformed");
}

#[tokio::test]
async fn one_bad_request_of_a_batch_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let answers =
        post(&jaego, "claims/batch", &json!([claim(1, 1, 1), 17, claim(2, 2, 101), claim(3, 3, 1)])).await;
    let answers = answers.json();
    let told = |n: usize| (answers["answers"][n]["status"].clone(), answers["answers"][n]["reason"].clone());
    assert_eq!(told(0), (json!("accepted"), Value::Null));
    assert_eq!(told(1), (json!("rejected"), json!("malformed")));
    assert_eq!(told(2), (json!("rejected"), json!("out_of_range")));
    assert_eq!(told(3), (json!("accepted"), Value::Null));
}

#[tokio::test]
async fn the_outlet_of_the_head_is_that_of_all_and_no_other_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let mut without = claim(1, 1, 1);
    without.as_object_mut().unwrap().remove("outlet");
    let mut other = claim(3, 3, 1);
    other["outlet"] = OTHER.into();
    let url = format!("{}/desk/v1/claims/batch", jaego.endpoints.desk);
    let body = json!([without, claim(2, 2, 1), other]).to_string();
    let asked = jaego.http.post(url).header("Jaego-Outlet", PHARMACY).body(body).send().await.unwrap();
    let answers = read(asked).await.json();
    let told =
        |n: usize| (answers["answers"][n]["decision"].clone(), answers["answers"][n]["reason"].clone());
    assert_eq!(told(0), (json!("granted"), Value::Null), "{answers}");
    assert_eq!(told(1), (json!("granted"), Value::Null), "{answers}");
    assert_eq!(told(2), (Value::Null, json!("wrong_subject")), "{answers}");
}
