//! Caps in force: who is not in them is not admitted, by the address alone; they outlive a restart.

use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::desk;
use crate::harness::LIMIT;

#[tokio::test]
async fn a_kind_without_caps_can_not_join_and_its_bodies_are_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    assert_eq!(send(&jaego, "report", MART, &report(1)).await["status"], "accepted", "built-in caps hold");
    let read = jaego.request(format!("pos.v1.report.{MART}"), b"no json".to_vec()).await;
    assert_eq!(read.reason.map(schemas::pos::Reason::name), Some("malformed"), "who is let in is looked at");
    apply(&jaego, &document("without-marts", &[("post_office", wide())], &json!([]), &json!([]))).await;
    for body in ["no json", &report(2).to_string()] {
        let reply = jaego.request(format!("pos.v1.report.{MART}"), body.as_bytes().to_vec()).await;
        assert!(away(&reply, "not_admitted") >= 60_000);
    }
    assert!(away(&jaego.pos("check", "nobody", &check("nobody", 1)).await, "not_admitted") >= 60_000);
    for outlet in [PHARMACIES[0], OFFICE] {
        assert_eq!(send(&jaego, "report", outlet, &report(1)).await["status"], "accepted");
    }
    let url = format!("{}/desk/v1/checks", jaego.endpoints.desk);
    let told = jaego.http.post(&url).header("jaego-outlet", MART).body("no json").send().await.unwrap();
    let told = desk::read(told).await;
    told.is_problem(403, "not_admitted");
    assert!(told.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 60);
    desk::post(&jaego, "checks", &check(MART, 1)).await.is_problem(403, "not_admitted");
    assert_eq!(desk::post(&jaego, "checks", &check(OFFICE, 1)).await.status, 200);
    let other = jaego.http.post(&url).header("jaego-outlet", OFFICE);
    let other = other.body(check(PHARMACIES[0], 1).to_string()).send().await.unwrap();
    desk::read(other).await.is_problem(400, "wrong_subject");

    assert!(jaego.terminate().await.0.success());
    let jaego = start(dir.path()).await;
    away(&jaego.pos("report", MART, &report(2)).await, "not_admitted");
    let metrics = jaego.admin("/metrics").await;
    let counted = r#"jaego_turned_away_total{class="stock",institution="mart",reason="not_admitted"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_terminal_an_outlet_and_a_kind_have_their_caps_over_http_too() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let cap = |burst: u32| json!({ "per_second": 0.001, "burst": burst, "concurrency": burst });
    let office = json!({ "check": { "all": cap(5), "each": cap(4), "terminal": cap(2) } });
    apply(&jaego, &document("narrow", &[("post_office", office)], &json!([]), &json!([]))).await;
    let ask = async |outlet: &str, terminal: &str| {
        let mut body = check(outlet, 1);
        body["terminal"] = terminal.into();
        desk::post(&jaego, "checks", &body).await
    };
    for terminal in ["t1", "t1", "t2"] {
        assert_eq!(ask(OFFICE, terminal).await.status, 200);
    }
    ask(OFFICE, "t1").await.is_problem(429, "over_cap");
    let outlet = ask(OFFICE, "t3").await;
    outlet.is_problem(429, "over_cap");
    assert!(outlet.json()["detail"].as_str().unwrap().starts_with("this outlet"), "{}", outlet.text);
    assert_eq!(ask("2180000002", "t1").await.status, 200);
    let kind = ask("2180000002", "t1").await;
    kind.is_problem(429, "over_cap");
    assert!(kind.json()["detail"].as_str().unwrap().starts_with("all institutions"), "{}", kind.text);
    assert_eq!(ask(PHARMACIES[0], "t1").await.status, 200);
    // What its checks used up is not missing to its sales, which this plan does not admit, nor to others.
    away(&jaego.pos("claim", OFFICE, &claim(OFFICE, 1)).await, "not_admitted");
    apply(&jaego, &document("wide", &[("post_office", wide())], &json!([]), &json!([]))).await;
    for (outlet, terminal) in [(OFFICE, "t1"), (OFFICE, "t1"), (OFFICE, "t3"), ("2180000002", "t1")] {
        assert_eq!(ask(outlet, terminal).await.status, 200, "nothing but the caps was in the way");
    }
}

#[tokio::test]
async fn what_is_refused_at_the_door_and_wants_no_answer_is_written_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    apply(&jaego, &document("without-marts", &[("post_office", wide())], &json!([]), &json!([]))).await;
    let mut dead = jaego.nats.subscribe("dead.v1.>").await.unwrap();
    jaego.nats.flush().await.unwrap();
    for (outlet, count) in [(MART, 100), (OFFICE, 1)] {
        for _ in 0..count {
            jaego.nats.publish(format!("pos.v1.report.{outlet}"), "no json".into()).await.unwrap();
        }
    }
    let letter = tokio::time::timeout(LIMIT, dead.next()).await.unwrap().unwrap();
    assert_eq!(
        letter.headers.unwrap().get("Jaego-Subject").unwrap().as_str(),
        format!("pos.v1.report.{OFFICE}")
    );
    let metrics = jaego.admin("/metrics").await;
    assert!(metrics.contains("jaego_dead_letters_total 1"), "{metrics}");
    let counted = r#"jaego_turned_away_total{class="stock",institution="mart",reason="not_admitted"} 100"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn caps_with_faults_never_reach_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let faulty = json!({ "name": "faulty", "plans": [] });
    let file = dir.path().join("faulty.json");
    std::fs::write(&file, faulty.to_string()).unwrap();
    for command in ["check", "apply"] {
        let args = ["caps", command, file.to_str().unwrap()];
        let (code, told, why) = crate::harness::jaego(&args);
        assert!(code == 1 && (told + &why).contains("there are no plans; add one"));
    }
    let answer =
        jaego.http.post(format!("{}/caps", jaego.endpoints.admin)).json(&faulty).send().await.unwrap();
    assert_eq!(answer.status(), 400);

    // Until its plan began, the built-in caps would hold, which let everybody in.
    let mut later = document("later", &[], &json!([]), &json!([]));
    later["plans"][0]["effective_from"] =
        (chrono::Utc::now() + chrono::Duration::hours(1)).to_rfc3339().into();
    std::fs::write(&file, later.to_string()).unwrap();
    let data = jaego.dir.to_str().unwrap();
    let (code, _, why) =
        crate::harness::jaego(&["caps", "apply", file.to_str().unwrap(), "--data-dir", data]);
    assert!(code == 1 && why.contains("no plan of this document is in force now"), "{code} {why}");
    assert_eq!(jaego.admin("/caps").await, "no caps were ever applied: the built-in ones hold\n");
    assert_eq!(send(&jaego, "report", MART, &report(1)).await["status"], "accepted");
    let (code, told, _) = crate::harness::jaego(&["caps", "show", "built-in"]);
    assert!(code == 0 && told.contains("unregistered check  each      500 a second"), "{told}");
}
