//! The probe measures the whole way, and nobody but the journal knows of it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::harness::LIMIT;

#[tokio::test]
async fn the_probe_tells_its_time_and_is_in_no_list_and_no_total() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start_with(dir.path(), &["--probe", "yes"]).await;
    // No plan lets outlets in that are in no registry, but the probe.
    apply(&jaego, &document("registered", &[], &json!([]), &json!([]))).await;
    away(&jaego.pos("report", "nobody", &report(1)).await, "not_admitted");
    let started = Instant::now();
    let probed = loop {
        let status = jaego.get("/v1/status.json").await;
        if jaego
            .admin("/metrics")
            .await
            .contains(r#"jaego_admitted_total{class="stock",institution="unregistered"} 3"#)
        {
            break status;
        }
        assert!(started.elapsed() < LIMIT, "{status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // A tick is a tenth of a second here.
    assert!(probed["writing"]["probe_ms"].as_u64().unwrap() < 3_000, "{probed}");
    assert_eq!(probed["entries"]["report"], 0, "{probed}");
    let unregistered = jaego.get("/v1/unregistered.json").await;
    assert!(!unregistered.to_string().contains("_probe"), "{unregistered}");
    let metrics = jaego.admin("/metrics").await;
    assert!(metrics.contains("jaego_applied_entries_total{outcome=\"accepted\"} 0"), "{metrics}");
    assert!(metrics.contains("jaego_probes_lost_total 0"), "{metrics}");

    assert!(jaego.terminate().await.0.success());
    let without = start(dir.path()).await;
    let status = without.get("/v1/status.json").await;
    assert!(status["writing"]["probe_ms"].is_null(), "{status}");
}
