//! A core that dies or stops: the retry gets the same bytes, and what was asked before is answered.

use futures::future::join_all;
use serde_json::json;

use super::{claim, get, id, post, start};

#[tokio::test]
async fn after_a_kill_the_retry_gets_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut jaego = start(dir.path()).await;
    let granted = post(&jaego, "claims", &claim(1, 1, 2)).await;
    let refused = post(&jaego, "claims", &claim(2, 1, 1)).await;
    let held = post(&jaego, "reservations", &claim(3, 2, 2)).await;
    jaego.kill();
    drop(jaego);
    let jaego = start(dir.path()).await;
    for (n, person, quantity, path, before) in
        [(1, 1, 2, "claims", granted), (2, 1, 1, "claims", refused), (3, 2, 2, "reservations", held)]
    {
        let again = post(&jaego, path, &claim(n, person, quantity)).await;
        assert_eq!(again.json()["replayed"], true, "{}", again.text);
        assert_eq!(again.as_first(), before.text);
    }
    assert_eq!(get(&jaego, &format!("claims/{}", id(3))).await.json()["state"], "held");
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let url = format!("{}/desk/v1/claims", jaego.endpoints.desk);
    let client = jaego.http.clone();
    let asked = (0..200).map(|n| {
        let request = client.post(&url).body(claim(n, n, 1).to_string());
        tokio::spawn(async move { request.send().await?.text().await })
    });
    let asked: Vec<_> = asked.collect();
    // The first answer shows that the others are under way.
    post(&jaego, "claims", &claim(1_000, 1_000, 1)).await;
    let (status, _) = jaego.terminate().await;
    assert!(status.success());
    let mut answered = Vec::new();
    for (n, answer) in join_all(asked).await.into_iter().enumerate() {
        match answer.unwrap() {
            // Decided, or told to send again.
            Ok(text) if text.contains("\"reason\":\"unavailable\"") => {}
            Ok(text) => answered.push((n, text)),
            // Not connected before the desk closed.
            Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
        }
    }
    assert!(!answered.is_empty());
    let jaego = start(dir.path()).await;
    for (n, before) in answered {
        let n = u32::try_from(n).unwrap();
        let again = post(&jaego, "claims", &claim(n, n, 1)).await;
        assert_eq!(again.json()["replayed"], json!(true), "{n} was answered {before}");
        assert_eq!(again.as_first(), before.replace("\"replayed\":true", "\"replayed\":false"));
    }
}
