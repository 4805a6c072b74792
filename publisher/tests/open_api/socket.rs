//! The same through a real socket, with the bytes that clients of 2020 put on the wire.

use std::time::Duration;

use publisher::{Face, Publisher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn served() -> Served {
    let publisher = Publisher::new(Face::default());
    publisher.publish(World::of(1_200).cut());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task =
        tokio::spawn(async move { publisher.serve(listener, async move { drop(stopped.await) }).await });
    Served { address, stop, task }
}

/// Reads one answer off a connection that stays open.
async fn read(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut bytes)).await.unwrap().unwrap(), 0);
    };
    let body = bytes.split_off(head + 4);
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = body;
    while body.len() < length.parse::<usize>().unwrap() {
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut body)).await.unwrap().unwrap(), 0);
    }
    (head, body)
}

#[tokio::test]
async fn one_connection_carries_many_requests_with_raw_korean_and_bodies() {
    let served = served().await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let address =
        "GET /corona19-masks/v1/storesByAddr/json?address=서울특별시+강남구 HTTP/1.1\r\nHost: x\r\n\r\n";
    let with_body =
        "GET /corona19-masks/v1/sales/json/?page=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\npage=1";
    for (request, part) in
        [(address, r#"{"address":"서울특별시 강남구","count":3"#), (with_body, r#""page":"2""#)]
    {
        for _ in 0..2 {
            stream.write_all(request.as_bytes()).await.unwrap();
            let (head, body) = read(&mut stream).await;
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert!(head.contains("access-control-allow-origin: *"), "{head}");
            assert!(head.contains("content-type: application/json\r\n"), "{head}");
            assert!(String::from_utf8(body).unwrap().contains(part));
        }
    }
}

#[tokio::test]
async fn a_burst_of_page_reads_is_answered_in_full() {
    let served = served().await;
    let reads = (0..105).map(|n| async move {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let list = if n % 2 == 0 { "stores" } else { "sales" };
        let request = format!("GET /corona19-masks/v1/{list}/json?page={n} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    });
    let reads: Vec<_> = reads.map(tokio::spawn).collect();
    for read in reads {
        assert!(read.await.unwrap().0.starts_with("http/1.1 200"));
    }
}

#[tokio::test]
async fn the_stop_closes_idle_connections_and_ends_the_server() {
    let served = served().await;
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    idle.write_all(b"GET /v1/status.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read(&mut idle).await;
    served.stop.send(()).unwrap();
    timeout(publisher::DRAIN / 2, served.task).await.expect("an idle reader holds nothing up").unwrap();
    assert_eq!(timeout(PATIENCE, idle.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
}
