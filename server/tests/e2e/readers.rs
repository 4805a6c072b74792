//! What one reader may take, as operators set it: a rate, a key that raises it on every server, and numbers that tell.

use serde_json::Value;

use crate::harness::Jaego;

const SMALL: &str = "/v1/status.json";

async fn get(jaego: &Jaego, key: Option<&str>) -> reqwest::Response {
    let request = jaego.http.get(format!("{}{SMALL}", jaego.endpoints.open));
    key.map(|key| request.try_clone().unwrap().header("X-Api-Key", key))
        .unwrap_or(request)
        .send()
        .await
        .unwrap()
}

/// Asks as fast as it goes; how many of so many were answered with 200.
async fn answered(jaego: &Jaego, key: Option<&str>, asked: u32) -> u32 {
    let mut answered = 0;
    for _ in 0..asked {
        let answer = get(jaego, key).await;
        assert!([200, 429].contains(&answer.status().as_u16()), "{}", answer.status());
        if answer.status() == 429 {
            assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        }
        answered += u32::from(answer.status() == 200);
    }
    answered
}

#[tokio::test]
async fn a_reader_has_a_rate_and_a_key_of_one_server_raises_it_on_another() {
    let dir = tempfile::tempdir().unwrap();
    let (key_file, [core, edge]) =
        (dir.path().join("key"), ["core", "edge"].map(|name| dir.path().join(name)));
    let key_file = key_file.to_str().unwrap();
    assert_eq!(crate::harness::jaego(&["key", "new", key_file]).0, 0);
    let limits = ["--open-rate", "1", "--open-key", key_file, "--open-key-rate", "50"];
    for folder in [&core, &edge] {
        std::fs::create_dir(folder).unwrap();
    }
    let core = Jaego::start(&core, &limits).await;
    let nats = core.endpoints.nats.clone();
    let of_edge = [&["--role", "edge", "--nats", &nats, "--person-key", ""], &limits[..]].concat();
    let edge = Jaego::start(&edge, &of_edge).await;

    let made = core.http.post(format!("{}/v1/keys", core.endpoints.open)).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let key = made["key"].as_str().unwrap();
    for server in [&core, &edge] {
        // Ten at once, and one for each second that the machine may have slept.
        assert!((5..60).contains(&answered(server, None, 100).await));
        assert_eq!(answered(server, Some(key), 300).await, 300);
        let forged = get(server, Some(&key.replace(['a', 'b', 'c'], "0"))).await;
        assert_eq!(forged.status(), 401);
        let metrics = server.admin("/metrics").await;
        assert!(metrics.contains("jaego_readers_refused_total{reason=\"unknown_key\"} 1"), "{metrics}");
        let refused = "jaego_readers_refused_total{reason=\"too_many_requests\"} ";
        let refused: u32 = metrics.split(refused).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert!(refused >= 40, "{metrics}");
        assert!(metrics.contains("jaego_reader_connections "), "{metrics}");
        assert!(metrics.contains("jaego_version_age_seconds "), "{metrics}");
    }
}
