//! The generator against servers that stall and against a broker, over real sockets.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::rehearse::catalog;
use crate::rehearse::schedule::{Arrivals, Stretch, Timeline};
use crate::rehearse::wire::{self, Wire};

/// Asks with a number of its own each time, and wants that number back.
struct Echoes {
    wire: Wire,
    asked: u64,
    strange: u64,
}

impl Caller for Echoes {
    fn arrive(&mut self, class: usize, intended: Duration, asks: &mut Vec<Request>) {
        self.asked += 1;
        asks.push(Request { class: Some(class), pool: 0, what: self.asked, intended, tries: 0 });
    }

    fn write(&mut self, request: &Request, inbox: &str, ticket: u64, out: &mut Vec<u8>) {
        let number = request.what.to_string();
        match self.wire {
            Wire::Http => wire::get(out, "/"),
            Wire::Nats => wire::publish(out, "echo", inbox, ticket, number.as_bytes()),
        }
    }

    fn answered(&mut self, request: &Request, answer: &Answer<'_>, _: &mut Vec<Request>) -> Next {
        let strange = answer.body != b"{}" && answer.body != request.what.to_string().as_bytes();
        self.strange += u64::from(strange);
        Next::Good
    }

    fn unanswered(&mut self, _: &Request) -> Next {
        Next::Failed
    }
}

/// Two seconds at 200 requests a second.
fn play(wire: Wire, server: SocketAddr, connections: usize) -> (Gauges, Echoes) {
    let scenario = catalog::find("mask-2020-03-11").unwrap();
    let timeline = Timeline { length: 2.0, phases: vec![0.0], ..Timeline::new(&scenario, scenario.short) };
    let terms = Terms {
        wire,
        targets: vec![server],
        connections,
        kept: false,
        patience: Duration::from_secs(5),
        gives_up: false,
    };
    let arrivals = Arrivals::new(vec![Stretch { from: 0.0, until: 2.0, rate: 200.0 }], 1);
    let shared = Arc::new(Shared::new(Instant::now()));
    let echoes = Echoes { wire, asked: 0, strange: 0 };
    let classes = vec![Class { number: 0, arrivals }];
    let worker = Worker::new(echoes, (shared, timeline), vec![terms], classes, (1, false)).unwrap();
    worker.run(Duration::from_secs(20)).unwrap()
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

#[test]
fn a_server_that_stands_still_is_charged_for_everybody_who_was_due_meanwhile() {
    let opens = Instant::now() + Duration::from_secs(1);
    let server = listen(move |mut stream| {
        let mut request = [0; 512];
        while stream.read(&mut request).is_ok_and(|read| read > 0) {
            thread::sleep(opens.saturating_duration_since(Instant::now()));
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").is_err() {
                return;
            }
        }
    });
    // Four connections only: who waits for an answer on each of them would see four slow requests and no more.
    let (gauges, echoes) = play(Wire::Http, server, 4);
    let class = &gauges.classes[0];
    let all = class.by_phase[0].as_ref().unwrap();
    assert_eq!((all.len(), echoes.strange, gauges.unanswered), (echoes.asked, 0, 0));
    let slow = all.count_between(250_000, 2_000_000);
    assert!(slow * 4 > echoes.asked, "{slow} of {} were due while the server stood still", echoes.asked);
    assert!(all.value_at_quantile(0.99) > 700_000, "{}", all.value_at_quantile(0.99));
    assert_eq!(class.intended.iter().sum::<u32>(), class.sent.iter().sum::<u32>());
}

/// Who listens at a broker: for each connection its prefix and where to write.
type Listeners = Arc<Mutex<HashMap<u64, (String, TcpStream)>>>;

/// A broker that gives every message back to all who listen to its reply subject, as NATS does.
fn broker() -> SocketAddr {
    let listeners: Listeners = Listeners::default();
    listen(move |stream| {
        let mut out = stream.try_clone().unwrap();
        out.write_all(b"INFO {}\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["SUB", subject, _] => {
                    let own = subject.trim_end_matches('*').to_owned();
                    listeners.lock().unwrap().insert(rand::random(), (own, out.try_clone().unwrap()));
                }
                ["PING"] => out.write_all(b"PONG\r\n").unwrap(),
                ["PUB", _, reply, size] => {
                    let mut body = vec![0; size.parse::<usize>().unwrap() + 2];
                    lines.read_exact(&mut body).unwrap();
                    let mut message = format!("MSG {reply} 1 {size}\r\n").into_bytes();
                    message.extend(body);
                    for (own, listener) in listeners.lock().unwrap().values_mut() {
                        if reply.starts_with(own.as_str()) {
                            listener.write_all(&message).unwrap();
                        }
                    }
                }
                _ => {}
            }
            line.clear();
        }
    })
}

#[test]
fn no_answer_is_taken_for_that_of_another_request() {
    let (gauges, echoes) = play(Wire::Nats, broker(), 4);
    let good: u32 = gauges.classes[0].good.iter().sum();
    assert_eq!((u64::from(good), echoes.strange), (echoes.asked, 0));
    assert!(gauges.connections == 4 && echoes.asked > 300, "{} {}", gauges.connections, echoes.asked);
}
