//! What a socket says is what the router says: an answer that is ready goes out without it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get as get_route;
use publisher::{Deprecated, Deprecations, Face, Limits, Publisher, Rate, ReaderLimits, Settings};
use schemas::Millis;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, ask, get, paths};
use crate::world::World;

/// Of the moment or of the connection.
const PASSING: [&str; 6] = ["date", "connection", "age", "cache-status", "content-length", "retry-after"];

async fn served() -> (Router, SocketAddr) {
    serving(Publisher::new(Face::default())).await
}

async fn serving(publisher: Publisher) -> (Router, SocketAddr) {
    serving_of(300, publisher).await
}

async fn serving_of(outlets: u32, publisher: Publisher) -> (Router, SocketAddr) {
    publisher.publish(World::of(outlets).cut());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = publisher.router();
    tokio::spawn(async move { publisher.serve(listener, std::future::pending()).await });
    (router, at)
}

/// Status, lasting headers, length that was told, and body.
type Said = (u16, BTreeMap<String, String>, Option<usize>, Vec<u8>);

/// What is said to a plain request, which hyper says too.
async fn over_a_socket(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Said {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}");
    let mut stream = TcpStream::connect(at).await.unwrap();
    let plain = said(&mut stream, method, &format!("{head}\r\n")).await;
    let mut stream = TcpStream::connect(at).await.unwrap();
    let by_hyper = said(&mut stream, method, &format!("{head}connection: close\r\n\r\n")).await;
    assert_eq!(plain, by_hyper, "{method} {path}");
    plain
}

/// What is said to a request, and not a byte more.
async fn said(stream: &mut TcpStream, method: &str, request: &str) -> Said {
    stream.write_all(request.as_bytes()).await.unwrap();
    read(stream, method).await
}

async fn read(stream: &mut (impl AsyncRead + Unpin), method: &str) -> Said {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let mut headers: BTreeMap<String, String> =
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert!(headers["date"].ends_with(" GMT"), "{head}");
    let length = headers.get("content-length").map(|length| length.parse().unwrap());
    headers.retain(|name, _| !PASSING.contains(&name.as_str()));
    let mut body = vec![0; if method == "HEAD" { 0 } else { length.unwrap_or(0) }];
    stream.read_exact(&mut body).await.unwrap();
    (head[9..12].parse().unwrap(), headers, length, body)
}

fn without_a_socket(answer: Answer, told: Option<usize>) -> Said {
    let headers =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let headers = headers.filter(|(name, _)| !PASSING.contains(&name.as_str())).collect();
    (answer.status.as_u16(), headers, told, answer.body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_says_what_the_router_says() {
    let (router, at) = served().await;
    let more = [
        "/v1/outlets/nobody",
        "/v1/nearby?lat=x",
        "/v1/no/such/path",
        "/v1/tiles/12/1/1/1.json",
        "/v1/limits.json",
        "/v1/unregistered.json",
        "/corona19-masks/v1/stores/json",
        "/corona19-masks/v1/sales/json?page=1",
        "/corona19-masks/v1/sales/json/?perPage=900",
        "/corona19-masks/v1/storesByGeo/json?lat=37.5&lng=127&m=900",
        "/corona19-masks/v1/storesByAddr/json?address=%EC%84%9C%EC%9A%B8",
        "/v1/stock.json/",
        "/v1/outlets/",
        "/v1/nearby/?lat=37.5663&lng=126.9779",
        "/status/",
        "/",
    ];
    let outlets = get(&router, "/v1/outlets.json").await.json();
    let one = format!("/v1/outlets/{}", outlets["outlets"][0]["id"].as_str().unwrap());
    let paths: Vec<String> = paths().into_iter().chain(more.map(str::to_owned)).chain([one]).collect();
    for path in &paths {
        // The first time it is made, the second time it is there.
        for coding in ["identity", "gzip", "gzip", "zstd;q=0.5, br"] {
            let headers = [("accept-encoding", coding)];
            let plain = ask(&router, "GET", path, &headers).await;
            let tag = plain.header("etag").unwrap_or("\"none\"").to_owned();
            let length = plain.body.len();
            let said = over_a_socket(at, "GET", path, &headers).await;
            assert_eq!(said, without_a_socket(plain, Some(length)), "{path} in {coding}");
            let said = over_a_socket(at, "HEAD", path, &headers).await;
            assert_eq!(said.2, Some(length), "HEAD {path} in {coding}");
            assert_eq!(
                said,
                without_a_socket(ask(&router, "HEAD", path, &headers).await, Some(length)),
                "{path}"
            );
            let headers = [("accept-encoding", coding), ("if-none-match", &tag), ("range", "bytes=3-9")];
            let said = over_a_socket(at, "GET", path, &headers).await;
            let again = ask(&router, "GET", path, &headers).await;
            let told = said.2;
            assert_eq!(said, without_a_socket(again, told), "{path} again in {coding}");
        }
    }
    for method in ["OPTIONS", "POST", "DELETE"] {
        for path in ["/v1/stock.json", "/corona19-masks/v1/stores/json", "/v1/outlets/nobody"] {
            let said = over_a_socket(at, method, path, &[]).await;
            let told = said.2;
            assert_eq!(
                said,
                without_a_socket(ask(&router, method, path, &[]).await, told),
                "{method} {path}"
            );
        }
    }
}

/// Whether this process holds a body of this length in a file of memory.
fn holds_in_a_file(length: usize) -> bool {
    let mut links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    links.any(|link| {
        let is_body = link.path().read_link().is_ok_and(|file| file.to_string_lossy().contains("jaego-body"));
        is_body && std::fs::metadata(link.path()).is_ok_and(|file| file.len() == length as u64)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_stays_the_same_when_it_comes_from_a_file() {
    // No other test has bodies of these lengths.
    let (router, at) = serving_of(337, Publisher::new(Face::default())).await;
    let mut large = 0;
    for (path, coding) in [("/v1/stock.json", "identity"), ("/v1/outlets_with_stock.geojson", "gzip")] {
        let plain = ask(&router, "GET", path, &[("accept-encoding", coding)]).await;
        let length = plain.body.len();
        assert!(!holds_in_a_file(length));
        for range in ["bytes=0-", "bytes=-67000", "bytes=100-70000", "bytes=7-9", "none"].repeat(3) {
            let headers = [("accept-encoding", coding), ("range", range)];
            let said = over_a_socket(at, "GET", path, &headers).await;
            let routed = ask(&router, "GET", path, &headers).await;
            let told = Some(routed.body.len());
            assert_eq!(said, without_a_socket(routed, told), "{range} of {path} in {coding}");
        }
        assert_eq!(holds_in_a_file(length), length >= 64 * 1024, "{path} of {length} bytes");
        large += usize::from(length >= 64 * 1024);
    }
    assert!(large > 0);
}

#[tokio::test]
async fn what_is_to_go_is_told_by_what_is_ready_too() {
    let since = Millis::parse("2027-01-01T00:00:00Z").unwrap();
    let one = |path: &str| {
        let (path, sunset) = (path.to_owned(), since.plus(200 * 86_400_000));
        Deprecated { path, since, sunset, link: "/docs".to_owned() }
    };
    let table = ["/v1/outlets/{id}", "/corona19-masks/v1/stores/json"].map(one);
    let deprecations = Deprecations::new(&table).unwrap();
    let (router, at) = serving(Publisher::with(Settings { deprecations, ..Settings::default() })).await;
    for path in ["/v1/outlets/nobody", "/corona19-masks/v1/stores/json?page=2"] {
        let said = over_a_socket(at, "GET", path, &[]).await;
        assert_eq!(said.1.get("deprecation").map(String::as_str), Some("@1798761600"), "{path}");
        let told = said.2;
        assert_eq!(said, without_a_socket(get(&router, path).await, told), "{path}");
    }
    assert_eq!(over_a_socket(at, "GET", "/v1/stock.json", &[]).await.1.get("deprecation"), None);
}

#[tokio::test]
async fn before_there_is_a_version_a_socket_says_so() {
    let publisher = Publisher::new(Face::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = publisher.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    for path in ["/v1/stock.json", "/v1/outlets/1", "/corona19-masks/v1/stores/json"] {
        assert_eq!(over_a_socket(at, "GET", path, &[]).await.0, 503, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_of_what_is_fetched_and_not_of_what_is_only_asked_about() {
    let (_, at) = served().await;
    let part = [("range", "bytes=0-5")];
    for path in ["/v1/outlets.json", "/v1/manifest.json"] {
        let (status, headers, length, body) = over_a_socket(at, "GET", path, &part).await;
        assert_eq!((status, length, body.len()), (206, Some(6), 6), "{path}");
        assert!(headers.contains_key("content-range"));
        let (status, headers, length, _) = over_a_socket(at, "HEAD", path, &part).await;
        assert_eq!((status, headers.contains_key("content-range")), (200, false), "{path}");
        assert_eq!(length, over_a_socket(at, "GET", path, &[]).await.2, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_may_come_at_once_or_byte_by_byte_and_of_all_kinds() {
    let (_, at) = served().await;
    let asked = [
        ("GET", "/v1/stock.json"),
        ("GET", "/v1/nearby?lat=37.5663&lng=126.9779"),
        ("HEAD", "/v1/stock.json"),
        ("GET", "/v1/no/such/path"),
        ("OPTIONS", "/v1/stock.json"),
        ("GET", "/corona19-masks/v1/sales/json?page=1"),
    ];
    let mut alone = Vec::new();
    for (method, path) in asked {
        alone.push(over_a_socket(at, method, path, &[]).await);
    }
    let all: String =
        asked.iter().map(|(method, path)| format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")).collect();
    for part in [all.len(), 1, 7, all.len() / 2] {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            for part in all.as_bytes().chunks(part) {
                writer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let reading = async {
            let mut read_all = Vec::new();
            for (method, _) in asked {
                read_all.push(read(&mut reader, method).await);
            }
            read_all
        };
        let ((), read_all) = tokio::join!(writing, reading);
        assert_eq!(read_all, alone, "in parts of {part}");
    }
}

#[tokio::test]
async fn a_stream_follows_plain_requests_and_is_asked_for_once() {
    let [per_second, burst] = [1, 9].map(|n| NonZeroU32::new(n).unwrap());
    let rate = Some(Rate { per_second, burst });
    let limits = ReaderLimits { rate, ..ReaderLimits::default() };
    let (_, at) = serving(Publisher::with(Settings { limits, ..Settings::default() })).await;
    let mut stream = TcpStream::connect(at).await.unwrap();
    let small = "GET /v1/limits.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let remaining = |said: Said| -> u32 {
        let told = said.1["ratelimit"].split(";r=").nth(1).unwrap();
        told.split(';').next().unwrap().parse().unwrap()
    };
    let first = said(&mut stream, "GET", small).await;
    let second = said(&mut stream, "GET", "GET /v1/stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(second.1["transfer-encoding"], "chunked");
    assert_eq!(second.1["content-type"], "text/event-stream");
    let third = said(&mut TcpStream::connect(at).await.unwrap(), "GET", small).await;
    let [first, second, third] = [first, second, third].map(remaining);
    // On a slow machine one may have come back meanwhile.
    assert!(second + 1 >= first && third + 2 >= first, "{first} {second} {third}");
}

/// A server of these routes alone, and the way to stop it.
async fn serving_routes(routes: Router) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let limits = Limits::new(ReaderLimits::of_time());
    let stopped = async move { drop(stopped.await) };
    (at, stop, tokio::spawn(publisher::serve(listener, routes, limits, stopped)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stop_waits_for_answers_under_way_and_for_nothing_else() {
    let (asked, mut under_way) = mpsc::unbounded_channel();
    let (go, gone) = watch::channel(());
    let slow = move |streams: bool| {
        let (asked, mut gone) = (asked.clone(), gone.clone());
        get_route(move || async move {
            asked.send(()).unwrap();
            gone.changed().await.unwrap();
            let part = futures::stream::iter([Ok::<_, Infallible>("slow")]);
            if streams { Body::from_stream(part) } else { Body::from("slow") }
        })
    };
    let routes = Router::new().route("/whole", slow(false)).route("/stream", slow(true));
    let routes = routes.route("/quick", get_route(|| async { "quick" }));
    let (at, stop, task) = serving_routes(routes).await;
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut idle = Vec::new();
    for rest in ["", "GE", "\r\n", "GET /quick HTTP/1.1\r\nhost: "] {
        let mut stream = TcpStream::connect(at).await.unwrap();
        said(&mut stream, "GET", &ask("/quick")).await;
        stream.write_all(rest.as_bytes()).await.unwrap();
        idle.push(stream);
    }
    let mut waiting = Vec::new();
    for path in ["/whole", "/stream"].repeat(12) {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(ask(path).as_bytes()).await.unwrap();
        under_way.recv().await.unwrap();
        waiting.push(stream);
    }
    stop.send(()).unwrap();
    for stream in &mut idle {
        let end = timeout(publisher::DRAIN / 2, stream.read(&mut [0; 1])).await;
        // What was sent and not read makes of the end a reset.
        assert!(end.expect("it holds the stop up").is_ok_and(|read| read == 0));
    }
    go.send(()).unwrap();
    for stream in &mut waiting {
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n") && told.contains("slow"), "{told}");
        assert!(told.to_lowercase().contains("\r\nconnection: close\r\n"), "{told}");
    }
    timeout(publisher::DRAIN / 2, task).await.expect("it ends").unwrap();
}

/// Whether the memory of this process holds these bytes, each given as its complement, so that the question is no answer.
fn memory_holds(complement: &[u8]) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut part = vec![0; 1 << 20];
    let writable = maps.lines().filter(|line| line.contains(" rw-p "));
    writable.filter_map(|line| line.split(' ').next()?.split_once('-')).any(|(from, to)| {
        let [from, to] = [from, to].map(|place| u64::from_str_radix(place, 16).unwrap());
        (from..to).step_by(part.len() - complement.len()).any(|at| {
            let wanted = part.len().min(usize::try_from(to - at).unwrap());
            let read = memory.read_at(&mut part[..wanted], at).unwrap_or(0);
            let found = part[..read].windows(complement.len()).any(|bytes| {
                bytes[0] == !complement[0]
                    && bytes.iter().zip(complement).all(|(byte, other)| *byte == !other)
            });
            part.fill(0);
            found
        })
    })
}

#[tokio::test]
async fn a_number_that_was_turned_away_is_in_no_memory() {
    let complement: Vec<u8> = b"790229-2718281".iter().map(|byte| !byte).collect();
    let routes = Router::new().route("/other", get_route(|| async { "other" }));
    let (at, _stop, _task) = serving_routes(routes).await;
    let mut stream = TcpStream::connect(at).await.unwrap();
    for (path, status) in [("/none", "404"), ("/other", "405")] {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 314\r\n\r\n{}", " ".repeat(300));
        let mut request = Vec::with_capacity(head.len() + complement.len());
        request.extend_from_slice(head.as_bytes());
        // One by one: there is to be no other copy of ours.
        for byte in &complement {
            request.push(!byte);
        }
        stream.write_all(&request).await.unwrap();
        assert!(memory_holds(&complement), "it was looked for in the wrong place");
        request.fill(0);
        std::hint::black_box(&request);
        let mut told = vec![0; 12];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told[9..], status.as_bytes());
        // The rest of the answer: what is under way is over when the next is asked.
        while timeout(Duration::from_millis(200), stream.read(&mut [0; 4096])).await.is_ok() {}
        assert!(!memory_holds(&complement), "after {status}");
    }
}
