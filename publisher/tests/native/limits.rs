//! What one reader may take, over real sockets: each limit once in force and once off, where the same reader gets through.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use publisher::{KEY_HEADER, KeySecret, Publisher, Rate, ReaderLimits, Refused, Settings};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);
const SMALL: &str = "/v1/regions.json";
const SHORT: Duration = Duration::from_millis(300);

/// A server; it ends with the test's runtime.
struct Served {
    publisher: Publisher,
    at: SocketAddr,
}

async fn served(limits: ReaderLimits) -> Served {
    let publisher = Publisher::with(Settings { limits, ..Settings::default() });
    publisher.publish(World::of(1_200).cut());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = publisher.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    Served { publisher, at }
}

/// One request a second, so many at once, and as many with a key.
fn with_keys(burst: u32, key_burst: u32) -> ReaderLimits {
    let key_secret = Some(KeySecret::new([7; 32]));
    ReaderLimits { rate: rate(1, burst), key_rate: rate(1, key_burst), key_secret, ..free() }
}

fn free() -> ReaderLimits {
    ReaderLimits::of_time()
}

fn rate(per_second: u32, burst: u32) -> Option<Rate> {
    let [per_second, burst] = [per_second, burst].map(|n| NonZeroU32::new(n).unwrap());
    Some(Rate { per_second, burst })
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ &str| line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name));
        self.head.lines().find(line).map(|line| line.split_once(':').unwrap().1.trim())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Connects from this address of the loopback network.
async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

async fn ask(stream: &mut TcpStream, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await.expect("an answer")
}

async fn get(stream: &mut TcpStream, headers: &[(&str, &str)]) -> Answer {
    ask(stream, "GET", SMALL, headers).await
}

/// One answer, or nothing where the connection is closed.
async fn answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("an answer or an end");
        if read.is_err() || read.is_ok_and(|n| n == 0) {
            return None;
        }
    };
    let mut body = bytes.split_off(head + 4);
    let head = String::from_utf8(bytes).unwrap();
    let mut answer = Answer { status: head[9..12].parse().unwrap(), head, body: Vec::new() };
    let length: usize = answer.header("content-length").map_or(0, |n| n.parse().unwrap());
    while body.len() < length {
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut body)).await.unwrap().unwrap(), 0);
    }
    answer.body = body;
    Some(answer)
}

/// Waits until so many connections are open.
async fn open(served: &Served, wanted: usize) {
    let until = Instant::now() + PATIENCE;
    while served.publisher.limits().connections() != wanted {
        assert!(Instant::now() < until, "{} are open", served.publisher.limits().connections());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn refused(served: &Served, why: Refused) -> u64 {
    served.publisher.limits().refused().find(|(reason, _)| *reason == why).unwrap().1
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let (limited, not) = (served(ReaderLimits { idle: SHORT, ..free() }).await, served(free()).await);
    let (mut cut, mut kept) = (connect("127.0.0.1", limited.at).await, connect("127.0.0.1", not.at).await);
    // It has asked before, and falls silent.
    for stream in [&mut cut, &mut kept] {
        assert_eq!(get(stream, &[]).await.status, 200);
    }
    assert!(answer(&mut cut).await.is_none());
    open(&limited, 0).await;
    assert_eq!(get(&mut kept, &[]).await.status, 200);
}

#[tokio::test]
async fn a_head_that_drips_is_not_waited_for() {
    let (limited, not) = (served(ReaderLimits { idle: SHORT, ..free() }).await, served(free()).await);
    let (mut cut, mut kept) = (connect("127.0.0.1", limited.at).await, connect("127.0.0.1", not.at).await);
    for stream in [&mut cut, &mut kept] {
        stream.write_all(format!("GET {SMALL} HTTP/1.1\r\nHost: x\r\nX-Slow: ").as_bytes()).await.unwrap();
    }
    let until = Instant::now() + PATIENCE;
    while cut.write_all(b"z").await.is_ok() && limited.publisher.limits().connections() > 0 {
        assert!(Instant::now() < until, "it is still waited for");
        kept.write_all(b"z").await.unwrap();
        tokio::time::sleep(SHORT / 10).await;
    }
    kept.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut kept).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut() {
    let (limited, not) = (served(ReaderLimits { stall: SHORT, ..free() }).await, served(free()).await);
    let mut streams = Vec::new();
    for server in [&limited, &not] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(server.at).await.unwrap();
        // More than all buffers on the way hold.
        let request = "GET /v1/outlets_with_stock.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(64);
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    open(&limited, 0).await;
    open(&not, 1).await;
    // Whoever waited for its reader serves it on when it comes back.
    assert_eq!(answer(&mut streams[1]).await.unwrap().status, 200);
}

/// The same routes in axum's own loop, which has none of our limits.
async fn unlimited() -> SocketAddr {
    let publisher = Publisher::with(Settings::default());
    publisher.publish(World::of(1_200).cut());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, publisher.router()).await });
    at
}

#[tokio::test]
async fn a_head_without_end_and_a_body_without_sense_are_turned_away() {
    let server = served(free()).await;
    let long = "z".repeat(64 * 1024);
    for (at, ended, status) in
        [(server.at, false, 431), (server.at, true, 431), (unlimited().await, true, 200)]
    {
        let mut stream = connect("127.0.0.1", at).await;
        let end = if ended { "\r\n\r\n" } else { "" };
        let head = format!("GET {SMALL} HTTP/1.1\r\nHost: x\r\nX-Long: {long}{end}");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await.unwrap().status, status);
    }
    let mut stream = connect("127.0.0.1", server.at).await;
    let head = format!("PUT {SMALL} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\nzzzz");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.unwrap().status, 405);
    assert!(answer(&mut stream).await.is_none(), "nobody reads the rest");
    open(&server, 0).await;
}

#[tokio::test]
async fn connections_beyond_the_places_are_told_so_and_served_once_there_is_room() {
    let (limited, not) =
        (served(ReaderLimits { connections: Some(4), ..free() }).await, served(free()).await);
    for (server, status) in [(&limited, 503), (&not, 200)] {
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(connect("127.0.0.1", server.at).await);
            assert_eq!(get(held.last_mut().unwrap(), &[]).await.status, 200);
        }
        let mut fifth = connect("127.0.0.1", server.at).await;
        let told = get(&mut fifth, &[]).await;
        assert_eq!(told.status, status);
        if status == 503 {
            assert!(told.header("retry-after").unwrap().parse::<u32>().unwrap() >= 2);
            assert_eq!(told.json()["title"], "Too many connections");
            assert!(answer(&mut fifth).await.is_none());
            assert_eq!(refused(server, Refused::Connections), 1);
            drop(held.pop());
            open(server, 3).await;
            assert_eq!(get(&mut connect("127.0.0.1", server.at).await, &[]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn one_address_can_not_take_all_places() {
    let two = ReaderLimits { connections: Some(8), connections_per_address: Some(2), ..free() };
    let (limited, not) = (served(two).await, served(ReaderLimits { connections: Some(8), ..free() }).await);
    for (server, status) in [(&limited, 200), (&not, 503)] {
        let mut held = Vec::new();
        for _ in 0..8 {
            let mut stream = connect("127.0.0.7", server.at).await;
            get(&mut stream, &[]).await;
            held.push(stream);
        }
        assert_eq!(get(&mut connect("127.0.0.8", server.at).await, &[]).await.status, status);
        drop(held);
        open(server, 0).await;
        assert_eq!(get(&mut connect("127.0.0.7", server.at).await, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn one_address_has_its_rate_and_takes_nothing_of_anothers() {
    let limits = ReaderLimits { rate: rate(1, 10), ..free() };
    let (limited, not) = (served(limits).await, served(free()).await);
    let mut fast = connect("127.0.0.7", limited.at).await;
    for left in (0..10).rev() {
        let answer = get(&mut fast, &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"address\";q=10;w=10"));
        let told = answer.header("ratelimit").unwrap();
        assert!(told.starts_with(&format!("\"address\";r={left};t=")), "{told}");
    }
    let mut waits = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let answer = get(&mut fast, &[]).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.json()["status"], 429);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("*"));
        waits.insert(answer.header("retry-after").unwrap().parse::<u32>().unwrap());
    }
    assert!(waits.len() > 1 && waits.iter().all(|wait| (1..=4).contains(wait)), "{waits:?}");
    assert_eq!(refused(&limited, Refused::Rate), 40);
    assert_eq!(get(&mut connect("127.0.0.8", limited.at).await, &[]).await.status, 200);
    let mut stream = connect("127.0.0.7", not.at).await;
    for _ in 0..50 {
        let answer = get(&mut stream, &[]).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
}

/// Three requests with these headers: how many were answered.
async fn of_three(at: SocketAddr, headers: &[(&str, &str)]) -> usize {
    let mut stream = connect("127.0.0.7", at).await;
    let mut answered = 0;
    for _ in 0..3 {
        answered += usize::from(get(&mut stream, headers).await.status == 200);
    }
    answered
}

#[tokio::test]
async fn a_proxy_of_ours_tells_who_asks_and_nobody_else_does() {
    let limits = ReaderLimits { rate: rate(1, 1), ..free() };
    let ours = vec!["127.0.0.0/8".parse().unwrap()];
    let (behind, direct) =
        (served(ReaderLimits { proxies: ours, ..limits.clone() }).await, served(limits).await);
    for (server, second) in [(&behind, 1), (&direct, 0)] {
        assert_eq!(of_three(server.at, &[("X-Forwarded-For", "203.0.113.9")]).await, 1);
        assert_eq!(of_three(server.at, &[("X-Forwarded-For", "203.0.113.10")]).await, second);
    }
    assert_eq!(of_three(behind.at, &[("X-Forwarded-For", "198.51.100.1, 203.0.113.9")]).await, 0);
    // A proxy of ours is known in the form that a port of both families gives it.
    for reader in ["203.0.113.20", "203.0.113.21"] {
        let told = format!("{reader}, ::ffff:127.0.0.5");
        assert_eq!(of_three(behind.at, &[("X-Forwarded-For", &told)]).await, 1, "{told}");
    }
}

#[tokio::test]
async fn a_key_that_anybody_makes_raises_the_rate_on_every_edge_and_no_further() {
    let limits = with_keys(5, 40);
    let (here, there) = (served(limits.clone()).await, served(limits).await);
    let without = served(ReaderLimits { rate: rate(1, 50), ..free() }).await;
    let mut stream = connect("127.0.0.7", here.at).await;
    let made = ask(&mut stream, "POST", "/v1/keys", &[("Content-Length", "0")]).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    assert_eq!((&made.json()["per_second"], &made.json()["burst"]), (&1.into(), &40.into()));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let page = ask(&mut stream, "GET", "/v1/limits.json", &[]).await.json();
    assert_eq!(
        (&page["requests"]["by_address"]["burst"], &page["requests"]["by_key"]["burst"]),
        (&5.into(), &40.into())
    );
    assert_eq!(page["requests"]["keys"]["url"], "/v1/keys");

    for server in [&here, &there] {
        let mut stream = connect("127.0.0.9", server.at).await;
        for n in 0..40 {
            let answer = get(&mut stream, &[(KEY_HEADER, &key)]).await;
            assert_eq!(answer.status, 200, "{n}");
            assert!(answer.header("ratelimit").unwrap().starts_with("\"key\";r="));
        }
        assert_eq!(get(&mut stream, &[(KEY_HEADER, &key)]).await.status, 429);
        // The key is spent wherever it is used from; the address has what everybody has.
        assert_eq!(get(&mut connect("127.0.0.10", server.at).await, &[(KEY_HEADER, &key)]).await.status, 429);
        assert_eq!(get(&mut stream, &[]).await.status, 200);
    }
    let forged = get(&mut stream, &[(KEY_HEADER, &key.replace(['1', '2'], "3"))]).await;
    assert_eq!((forged.status, forged.json()["title"].as_str()), (401, Some("Unknown key")));
    // Where there are no keys one is no trouble, and none is made.
    let mut stream = connect("127.0.0.7", without.at).await;
    assert_eq!(get(&mut stream, &[(KEY_HEADER, &key)]).await.status, 200);
    assert_eq!(ask(&mut stream, "POST", "/v1/keys", &[("Content-Length", "0")]).await.status, 404);
}

#[tokio::test]
async fn many_keys_at_one_address_are_worth_one() {
    let limits = with_keys(20, 20);
    let server = served(limits).await;
    let mut stream = connect("127.0.0.7", server.at).await;
    let mut keys = Vec::new();
    for n in 0..6 {
        let made = ask(&mut stream, "POST", "/v1/keys", &[("Content-Length", "0")]).await;
        assert_eq!(made.status, if n < 5 { 201 } else { 429 });
        keys.extend(made.json()["key"].as_str().map(str::to_owned));
    }
    let mut answered = 0;
    for n in 0..60 {
        answered += u32::from(get(&mut stream, &[(KEY_HEADER, &keys[n % 5])]).await.status == 200);
    }
    assert!((20..25).contains(&answered), "{answered}");
}

#[tokio::test]
async fn guessing_keys_takes_of_the_rate_and_is_no_way_around_it() {
    let limits = with_keys(5, 40);
    let server = served(limits).await;
    let mut stream = connect("127.0.0.7", server.at).await;
    let guess = [(KEY_HEADER, "guessed")];
    for left in (0..5).rev() {
        let answer = get(&mut stream, &guess).await;
        assert_eq!((answer.status, answer.json()["title"].as_str()), (401, Some("Unknown key")));
        assert_eq!(answer.header("ratelimit-policy"), Some("\"address\";q=5;w=5"));
        assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"address\";r={left};t=")));
    }
    for headers in [&guess[..], &[]] {
        let answer = get(&mut stream, headers).await;
        assert_eq!(answer.status, 429, "{headers:?}");
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!((refused(&server, Refused::Key), refused(&server, Refused::Rate)), (5, 2));
    assert_eq!(get(&mut connect("127.0.0.8", server.at).await, &[]).await.status, 200);
}

#[tokio::test]
async fn who_made_too_many_keys_is_told_of_that_policy_and_not_of_the_rate() {
    let limits = with_keys(20, 20);
    let server = served(limits).await;
    let mut stream = connect("127.0.0.7", server.at).await;
    for n in 0..6 {
        // A slash behind it does not matter here either.
        let path = if n % 2 == 0 { "/v1/keys" } else { "/v1/keys/" };
        let made = ask(&mut stream, "POST", path, &[("Content-Length", "0")]).await;
        let (status, policy, limit) = match n {
            5 => (429, "\"keys\";q=5;w=3600", "\"keys\";r=0;t=3"),
            _ => (201, "\"address\";q=20;w=20", "\"address\";r=1"),
        };
        assert_eq!((made.status, made.header("ratelimit-policy")), (status, Some(policy)));
        assert!(made.header("ratelimit").unwrap().starts_with(limit), "{:?}", made.header("ratelimit"));
        assert_eq!(made.header("retry-after").is_some(), status == 429);
        assert_eq!(made.header("access-control-expose-headers"), Some("*"));
    }
}

#[tokio::test]
async fn a_request_says_once_to_whom_it_goes() {
    let server = served(ReaderLimits { rate: rate(1, 10), ..free() }).await;
    for (head, status) in [
        ("HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ("HTTP/1.1\r\nHost:\r\n\r\n", 200),
        ("HTTP/1.0\r\n\r\n", 200),
        ("HTTP/1.1\r\n\r\n", 400),
        ("HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    ] {
        for path in [SMALL, "/v1/stock.json"] {
            let mut stream = connect("127.0.0.7", server.at).await;
            stream.write_all(format!("GET {path} {head}").as_bytes()).await.unwrap();
            let told = answer(&mut stream).await.unwrap();
            assert_eq!(told.status, status, "{head}");
            assert!(told.header("ratelimit").is_some(), "it counts all the same");
        }
    }
}
