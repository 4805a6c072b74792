//! What is done once the tills are closed: time passes, everybody mumbles, both cores are asked about everything.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use futures::StreamExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use schemas::batch::{COUNT_HEADER, CRC_HEADER, FORMAT, FORMAT_HEADER, Seal};
use serde_json::Value;

use super::call::{Answer, Call, Saw};
use super::check::look_up_fits;
use super::cores::Cores;
use super::journal::{Journal, LIMIT_A_WEEK, week};
use super::till::{OUTLETS, Street};
use crate::harness::Jaego;

fn now() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// A third core, whose clock is two minutes ahead, writes one tick: every reservation that holds ends, at both cores.
pub async fn clock_runs_ahead(cores: &Cores) {
    let tick = format!("{{\"tick\":{{\"at\":{},\"interval_ms\":100}}}}\n", now() + 120_000);
    let seal = Seal::of(tick.as_bytes(), 1);
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(FORMAT_HEADER, FORMAT);
    headers.insert(COUNT_HEADER, "1");
    headers.insert(CRC_HEADER, format!("{:08x}", seal.crc).as_str());
    let stream = async_nats::jetstream::new(cores.core(0).nats.clone());
    let ack = stream.publish_with_headers("journal.v1", headers, tick.into()).await.unwrap().await.unwrap();
    for n in 0..2 {
        cores.core(n).serves(ack.sequence).await;
    }
}

/// Words that must be turned away, with numbers in every place where one may end up by mistake.
pub async fn mumble(street: &Street, cores: &Cores) {
    let mut rng = StdRng::seed_from_u64(1);
    let core = cores.core(0);
    let mut answers = String::new();
    for person in 0..street.people.len().min(30) {
        let number = street.people.written(person, &mut rng);
        let call = Call::of_person("claim", OUTLETS[0], (&street.people, person), 1, &mut rng);
        // One of the ways below is right for one of the bodies, and decided.
        street.sent.lock().unwrap().insert(call.id.clone(), person);
        let worse = [
            call.body.replace("\"quantity\":1", "\"quantity\":0"),
            call.body.replace("\"quantity\":1", &format!("\"quantity\":\"{number}\"")),
            call.body.replace("\"terminal\":\"t1\"", &format!("\"terminal\":\"{number} \"")),
            call.body.replace("resident", &number),
            call.body.replace(&call.id, &number),
            call.body[..call.body.len() - 3].to_owned(),
            format!("[{}]", call.body),
        ];
        for body in worse {
            core.nats.publish(call.subject(), body.clone().into()).await.unwrap();
            let reply = core.nats.request(call.subject(), body.clone().into()).await.unwrap();
            answers += std::str::from_utf8(&reply.payload).unwrap();
            let desk = format!("http://{}/desk/v1", cores.desks[1]);
            answers += &post(core, &format!("{desk}/claims"), body.clone()).await;
            answers += &post(core, &format!("{desk}/claims/batch"), body).await;
            answers +=
                &post(core, &format!("{desk}/claims/{}/void", number.replace(' ', "%20")), "{}".to_owned())
                    .await;
        }
        let leaks = street.people.forms().filter(|form| answers.contains(form.as_str())).count();
        assert_eq!(leaks, 0, "{answers}");
    }
}

async fn post(core: &Jaego, url: &str, body: String) -> String {
    core.http.post(url).body(body).send().await.unwrap().text().await.unwrap()
}

/// Both cores tell of every claim and every person what the checker found.
pub async fn both_agree(cores: &Cores, journal: &Journal, street: &Street, keys: &HashMap<usize, String>) {
    let rows = futures::stream::iter(&journal.rows).map(|(id, row)| async move {
        let [first, second] = [0, 1].map(|n| format!("http://{}/desk/v1/claims/{id}", cores.desks[n]));
        let (first, second) = tokio::join!(text(cores.core(0), &first), text(cores.core(1), &second));
        assert_eq!(first, second);
        let fits = look_up_fits(&serde_json::from_str(&first).unwrap(), id, row);
        assert_eq!(fits, Ok(()), "{first} where the journal says {row:?}");
    });
    rows.buffer_unordered(16).for_each(|()| async {}).await;
    for n in 0..2 {
        for (person, remaining) in remaining(cores, n, street).await {
            let used = keys.get(&person).and_then(|key| journal.used.get(&(key.clone(), week(now()))));
            let left = (LIMIT_A_WEEK - used.copied().unwrap_or(0)).max(0);
            assert_eq!(remaining, left, "person {person} at core {n}");
        }
    }
}

async fn text(core: &Jaego, url: &str) -> String {
    core.http.get(url).send().await.unwrap().text().await.unwrap()
}

/// What a core says remains for each person.
async fn remaining(cores: &Cores, n: usize, street: &Street) -> Vec<(usize, i64)> {
    let mut rng = StdRng::seed_from_u64(1);
    let people: Vec<usize> = (0..street.people.len()).collect();
    let mut all = Vec::new();
    for some in people.chunks(1_000) {
        let checks: Vec<String> = some
            .iter()
            .map(|person| Call::of_person("check", OUTLETS[1], (&street.people, *person), 1, &mut rng).body)
            .collect();
        let url = format!("http://{}/desk/v1/checks/batch", cores.desks[n]);
        let body = post(cores.core(n), &url, format!("[{}]", checks.join(","))).await;
        let answers: Value = serde_json::from_str(&body).unwrap();
        let answers = answers["answers"].as_array().unwrap();
        assert_eq!(answers.len(), some.len());
        all.extend(
            some.iter().zip(answers).map(|(person, told)| (*person, told["remaining"].as_i64().unwrap())),
        );
    }
    all
}

/// Puts everything that was said into files, where the search finds it: answers, metrics, public pages.
pub async fn keep_all_words(dir: &Path, cores: &Cores, saw: &[Saw]) {
    let mut answers = String::new();
    for saw in saw {
        let (Answer::Decided(body) | Answer::Rejected { body, .. }) = &saw.answer;
        writeln!(answers, "{body}").unwrap();
    }
    std::fs::write(dir.join("answers"), answers).unwrap();
    for n in 0..2 {
        let core = cores.core(n);
        let mut words = core.admin("/metrics").await;
        words += &core.get("/v1/status.json").await.to_string();
        words += &core.admin(&format!("/outlets/{}", OUTLETS[0])).await;
        assert!(words.contains("claim"), "{words}");
        std::fs::write(dir.join(format!("words-{n}")), words).unwrap();
    }
}
