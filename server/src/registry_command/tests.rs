//! What an import sends to the admin port, and when it sends nothing.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use clap::Parser;

use super::{RegistryCommand, run};

/// An admin port with this registry; it keeps what is sent to it.
#[derive(Clone)]
struct Port {
    registry: String,
    sent: Arc<Mutex<Vec<(String, String)>>>,
}

async fn take(State(port): State<Port>, RawQuery(query): RawQuery, body: String) -> &'static str {
    port.sent.lock().unwrap().push((query.unwrap_or_default(), body));
    r#"{"import":7,"version":42,"rows":1}"#
}

impl Port {
    /// Opens it and returns its URL.
    async fn open(codes: &[&str]) -> (Self, String) {
        let row =
            |code: &&str| format!("{{\"code\":\"{code}\",\"name\":\"\",\"addr\":\"\",\"type\":\"mart\"}}\n");
        let port = Self { registry: codes.iter().map(row).collect(), sent: Arc::default() };
        let show = |State(port): State<Self>| async move { port.registry };
        let router = Router::new().route("/registry", get(show).post(take)).with_state(port.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (port, url)
    }

    fn sent(&self) -> Vec<(String, String)> {
        self.sent.lock().unwrap().clone()
    }
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: RegistryCommand,
}

/// Runs `jaego registry import` with a file of one outlet, 10000001, and these flags.
async fn import(flags: &[&str]) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("목록 1.csv");
    std::fs::write(
        &file,
        "addr,code,latitude,longitude,name,type\n서울특별시 중구 명동길 1,10000001,37.5,127.0,가약국,01\n",
    )?;
    let file = file.to_str().expect("a path of text");
    let arguments = ["jaego", "import", file, "--yes"].into_iter().chain(flags.iter().copied());
    let code = run(Cli::try_parse_from(arguments)?.command).await?;
    Ok(code == ExitCode::SUCCESS)
}

#[tokio::test]
async fn an_import_sends_every_row_and_the_file_name() {
    let (port, url) = Port::open(&["10000001", "10000002"]).await;
    assert!(import(&["--admin", &url, "--max-loss", "1"]).await.unwrap());
    let sent = port.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "source=%EB%AA%A9%EB%A1%9D+1.csv");
    assert_eq!(sent[0].1.lines().count(), 1);
    assert!(sent[0].1.contains("\"10000001\"") && sent[0].1.contains("11140"), "{}", sent[0].1);
}

#[tokio::test]
async fn an_import_that_would_lose_too_many_sends_nothing_and_fails() {
    let (port, url) = Port::open(&["10000001", "10000002"]).await;
    assert!(!import(&["--admin", &url, "--max-loss", "49%"]).await.unwrap());
    assert!(port.sent().is_empty());
}

#[tokio::test]
async fn a_port_that_is_not_there_or_no_registry_is_an_error() {
    let (_, url) = Port::open(&[]).await;
    assert!(import(&["--admin", &format!("{url}/elsewhere")]).await.unwrap_err().to_string().contains("404"));
    assert!(import(&["--admin", "no url"]).await.is_err());
    assert!(import(&["--data-dir", "no/such/folder"]).await.unwrap_err().to_string().contains("--data-dir"));
}
