//! What one reader may take, as operators set it: a rate, a key that raises it on every server, and numbers that tell.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{Jaego, LIMIT};

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
    let forged = key.replace(['a', 'b', 'c'], "0");
    for server in [&core, &edge] {
        assert_eq!(get(server, Some(&forged)).await.status(), 401);
        // Ten at once, and one for each second that the machine may have slept.
        assert!((5..60).contains(&answered(server, None, 100).await));
        assert_eq!(answered(server, Some(key), 300).await, 300);
        // To guess keys is no way around the rate of an address.
        answered(server, None, 20).await;
        assert_eq!(get(server, Some(&forged)).await.status(), 429);
        let metrics = server.admin("/metrics").await;
        assert!(metrics.contains("jaego_readers_refused_total{reason=\"unknown_key\"} 1"), "{metrics}");
        let refused = "jaego_readers_refused_total{reason=\"too_many_requests\"} ";
        let refused: u32 = metrics.split(refused).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert!(refused >= 40, "{metrics}");
        assert!(metrics.contains("jaego_reader_connections "), "{metrics}");
        assert!(metrics.contains("jaego_version_age_seconds "), "{metrics}");
    }
    let off = dir.path().join("off");
    std::fs::create_dir(&off).unwrap();
    let off = Jaego::start(&off, &["--open-rate", "0"]).await;
    assert_eq!(answered(&off, None, 300).await, 300);
}

/// Opens so many connections and asks each; the status of each answer. All are held until the last has heard.
async fn connections(address: &str, path: &str, count: usize) -> Vec<u16> {
    let (mut held, mut told) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut status = [0; 12];
        tokio::time::timeout(LIMIT, stream.read_exact(&mut status)).await.unwrap().unwrap();
        told.push(std::str::from_utf8(&status[9..]).unwrap().parse().unwrap());
        held.push(stream);
    }
    told
}

/// Whether a connection over which nothing is asked is closed within three seconds.
async fn is_closed(address: &str) -> bool {
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut [0; 1])).await;
    matches!(end, Ok(Ok(0)))
}

/// How many of so many requests are answered to a caller who takes nothing for three seconds, and all from then on.
async fn answered_late(address: &str, path: &str, asked: usize) -> usize {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let last = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let requests = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(asked - 1) + &last;
    let (mut reading, mut writing) = stream.split();
    let mut taken = Vec::new();
    let taking = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        // Who was cut may hear of it as an error.
        let _ = reading.read_to_end(&mut taken).await;
    };
    // And can not send all that it would ask.
    let _ = tokio::join!(writing.write_all(requests.as_bytes()), taking);
    taken.windows(15).filter(|bytes| *bytes == b"HTTP/1.1 200 OK").count()
}

/// The status of the answer to a head of 64 KiB.
async fn long_head(address: &str, path: &str) -> u16 {
    let client = reqwest::Client::new().get(format!("{address}{path}"));
    client.header("x-long", "z".repeat(64 * 1024)).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn every_port_has_so_many_connections_and_so_long_heads() {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["limited", "not"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let limited = ["--open-connections=20", "--desk-connections=30", "--desk-idle=1s", "--desk-stall=1s"];
    let of_admin = ["--admin-connections=40", "--admin-idle=1s", "--admin-stall=1s"];
    let limited = Jaego::start(&dir.path().join("limited"), &[&limited[..], &of_admin].concat()).await;
    let not = ["--open-connections=0", "--open-connections-per-address=0", "--admin-connections=0"];
    let not = Jaego::start(&dir.path().join("not"), &not).await;
    let served =
        |told: Vec<u16>| (told.iter().filter(|status| **status == 200).count(), told[told.len() - 1]);
    assert_eq!(served(connections(&limited.endpoints.open, SMALL, 40).await), (20, 503));
    assert_eq!(served(connections(&not.endpoints.open, SMALL, 300).await), (300, 200));
    // The harness may keep some of the operator's.
    let (operators, last) = served(connections(&limited.endpoints.admin, "/livez", 60).await);
    assert!((30..=40).contains(&operators) && last == 503, "{operators}, {last}");
    assert_eq!(served(connections(&not.endpoints.admin, "/livez", 300).await), (300, 200));
    // And none of the desk's are gone by it.
    let contract = "/desk/v1/openapi.json";
    assert_eq!(served(connections(&not.endpoints.desk, contract, 300).await), (300, 200));
    assert_eq!(served(connections(&limited.endpoints.desk, contract, 40).await), (30, 503));
    for (address, of_not, (path, asked)) in [
        (&limited.endpoints.desk, &not.endpoints.desk, (contract, 200)),
        (&limited.endpoints.admin, &not.endpoints.admin, ("/metrics", 1_500)),
    ] {
        assert!(is_closed(address).await, "who says nothing has no place for long: {address}");
        assert!(!is_closed(of_not).await, "a minute is not over");
        let (cut, served) =
            tokio::join!(answered_late(address, path, asked), answered_late(of_not, path, asked));
        assert!(cut < asked && served == asked, "{cut} and {served} of {path}");
    }
    for (address, path) in
        [(&not.endpoints.open, SMALL), (&not.endpoints.admin, "/readyz"), (&not.endpoints.desk, contract)]
    {
        assert_eq!(long_head(address, path).await, 431, "{address}{path}");
    }
}
