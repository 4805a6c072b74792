//! Answers whose bytes stand still, beside nginx that has the same bytes as files and sends the same headers: the peak of
//! both, and the tail at half of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::registry::{OutletInfo, Place};

use super::town;
use crate::peers::nginx::Nginx;
use crate::peers::{Load, http};
use crate::report::Row;

const SECONDS: f64 = 4.0;
pub(super) const CONNECTIONS: usize = 64;
/// Loads at half of the peak, of each server in turn: one stall of a shared machine makes the p99 of four seconds.
const TAILS: usize = 5;
/// Random places that are asked for.
const PLACES: usize = 1_000;
pub(super) const GZIP: &str = "Accept-Encoding: gzip";

/// What is asked for.
struct Case {
    name: &'static str,
    /// Paths at jaego; at nginx the first one's bytes lie in one file.
    paths: Vec<String>,
    header: Option<&'static str>,
    /// Ask as one who has the bytes already.
    known: bool,
    bar: f64,
    /// Whether the tail at half of the peak is measured.
    tail: bool,
}

/// Runs each case against both servers in turn.
///
/// # Errors
/// When one of them does not run, or an answer fails.
pub(super) async fn run(dir: &Path) -> Result<Vec<Row>> {
    let outlets = town::outlets();
    // A version lasts a minute: what is measured is the serving of one.
    let jaego = town::start(dir, "still", "60s", &outlets)?;
    town::report_all(&jaego, &outlets).await?;
    let base = &jaego.endpoints.open;
    let mut rows = Vec::new();
    for (n, case) in cases(&outlets)?.into_iter().enumerate() {
        let Sample { file, length, headers } = sample(base, &case).await?;
        let name = format!("case-{n}.json");
        let packed = format!("{name}.gz");
        let files: [(&str, &[u8]); 2] = [(&name, &file), (&packed, &file)];
        // What nginx sends to whoever takes gzip is what jaego would.
        let files = if case.header == Some(GZIP) { &files[..] } else { &files[..1] };
        let nginx = Nginx::start(&dir.join(format!("nginx-{n}")), files, &headers, 2).await?;
        let ours: Vec<String> = case.paths.iter().map(|path| format!("{base}{path}")).collect();
        rows.extend(measure(&case, &ours, &[nginx.url(&name)], length).await?);
    }
    jaego.stop()?;
    Ok(rows)
}

fn cases(outlets: &[OutletInfo]) -> Result<Vec<Case>> {
    let one = |name, path: &str, header, tail| Case {
        name,
        paths: vec![path.to_owned()],
        header,
        known: false,
        bar: 1.0,
        tail,
    };
    let (id, region) = (outlets[0].code.as_str(), "/v1/regions/11680/outlets_with_stock.json");
    let places = places(outlets);
    let random = |name, path: &dyn Fn(&Place) -> String| Case {
        name,
        paths: places.iter().map(path).collect(),
        header: None,
        known: false,
        bar: 0.7,
        tail: true,
    };
    Ok(vec![
        one("region file, gzip", region, Some(GZIP), true),
        one("tile at 서울시청, zoom 12, gzip", "/v1/tiles/12/3492/1586.json", Some(GZIP), true),
        one("single outlet", &format!("/v1/outlets/{id}"), None, true),
        Case { known: true, ..one("region file, 304", region, None, true) },
        one("sales, one page of 500", "/corona19-masks/v1/sales/json?page=1", None, true),
        one("whole stock.json, gzip", "/v1/stock.json", Some(GZIP), false),
        random("nearby, random places", &|p| {
            format!("/v1/nearby?lat={:.5}&lng={:.5}&radius_m=500", p.lat, p.lng)
        }),
        random("storesByGeo, random places", &|p| {
            format!("/corona19-masks/v1/storesByGeo/json?lat={:.5}&lng={:.5}&m=500", p.lat, p.lng)
        }),
    ])
}

/// Where people look: near an outlet, up to some hundred metres off.
pub(super) fn places(outlets: &[OutletInfo]) -> Vec<Place> {
    let mut rng = StdRng::seed_from_u64(2020);
    let known: Vec<Place> = outlets.iter().filter_map(|outlet| outlet.place).collect();
    let near = |_| {
        let place = known[rng.random_range(0..known.len())];
        let (north, east) = (rng.random_range(-0.004..0.004), rng.random_range(-0.004..0.004));
        Place { lat: place.lat + north, lng: place.lng + east }
    };
    (0..PLACES).map(near).collect()
}

/// What nginx is to serve.
pub(super) struct Sample {
    /// The body, in the coding that was asked for.
    pub(super) file: Vec<u8>,
    /// Its length.
    length: usize,
    /// What caches and scripts are told, which nginx would not say by itself.
    pub(super) headers: Vec<(String, String)>,
}

/// Headers that nginx has of its own.
const OF_NGINX: [&str; 7] =
    ["etag", "date", "content-type", "content-length", "content-encoding", "accept-ranges", "last-modified"];

/// An answer, of random ones the one of median length.
async fn sample(base: &str, case: &Case) -> Result<Sample> {
    let mut samples = BTreeMap::new();
    for path in &case.paths {
        let sample = answer(&format!("{base}{path}"), case.header).await?;
        samples.entry(sample.length).or_insert(sample);
    }
    let median = samples.len() / 2;
    samples.into_values().nth(median).context("a case asks for something")
}

pub(super) async fn answer(url: &str, header: Option<&str>) -> Result<Sample> {
    let mut request = reqwest::Client::new().get(url);
    if let Some((name, value)) = header.and_then(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let answer = request.send().await?.error_for_status()?;
    let own = |name: &str| OF_NGINX.contains(&name);
    let headers = answer.headers().iter().filter(|(name, _)| !own(name.as_str()));
    let headers = headers.map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
    let headers = headers.collect::<Result<Vec<_>>>()?;
    let file = answer.bytes().await?.to_vec();
    Ok(Sample { length: file.len(), file, headers })
}

async fn measure(case: &Case, ours: &[String], theirs: &[String], length: usize) -> Result<Vec<Row>> {
    let (mut ours_best, mut theirs_best): (Option<Load>, Option<Load>) = (None, None);
    for _ in 0..2 {
        // Tags are asked for anew each time: a version lasts a minute, and the loads of one case longer.
        keep_better(&mut theirs_best, load(theirs, &borrowed(&lines(case, &theirs[0]).await?)).await?);
        keep_better(&mut ours_best, load(ours, &borrowed(&lines(case, &ours[0]).await?)).await?);
    }
    let (us, them) = (ours_best.context("measured")?, theirs_best.context("measured")?);
    let name = case.name;
    let mut rows = vec![
        Row::plain(format!("{name}, {length} bytes: nginx"), them.to_string()),
        Row::plain(format!("{name}: jaego"), us.to_string()),
        Row::at_least(format!("{name}: jaego ÷ nginx"), us.per_second() / them.per_second(), case.bar),
    ];
    if case.tail {
        let half = us.per_second() / 2.0;
        let (mut us, mut them) = ([0; TAILS], [0; TAILS]);
        for n in 0..TAILS {
            us[n] = tail(ours, &borrowed(&lines(case, &ours[0]).await?), half).await?;
            them[n] = tail(theirs, &borrowed(&lines(case, &theirs[0]).await?), half).await?;
        }
        let told = format!("jaego {us:?} µs, nginx {them:?} µs at {half:.0}/s");
        rows.push(Row::plain(format!("{name}: p99 at half of the peak"), told));
        let ratio = median(us) as f64 / median(them).max(1) as f64;
        rows.push(Row::at_most(format!("{name}: p99, jaego ÷ nginx, medians"), ratio, 2.0));
    }
    Ok(rows)
}

/// The p99 in microseconds of a load of this rate.
async fn tail(urls: &[String], lines: &[&str], rate: f64) -> Result<u64> {
    let load = http::paced(urls, lines, CONNECTIONS, rate, SECONDS).await?;
    ensure!(load.errors == 0, "{} at half of the peak: {load}", urls[0]);
    Ok(load.p99_us)
}

fn median(mut tails: [u64; TAILS]) -> u64 {
    tails.sort_unstable();
    tails[TAILS / 2]
}

pub(super) async fn load(urls: &[String], lines: &[&str]) -> Result<Load> {
    let load = http::load(urls, lines, CONNECTIONS, SECONDS).await?;
    ensure!(load.errors == 0, "{}: {load}", urls[0]);
    Ok(load)
}

fn keep_better(best: &mut Option<Load>, load: Load) {
    if best.is_none_or(|best| load.per_second() > best.per_second()) {
        *best = Some(load);
    }
}

/// Headers of the requests to one of the servers: tags are its own.
async fn lines(case: &Case, url: &str) -> Result<Vec<String>> {
    let mut lines: Vec<String> = case.header.iter().map(|line| (*line).to_owned()).collect();
    if case.known {
        let answer = reqwest::get(url).await?.error_for_status()?;
        let tag = answer.headers().get("etag").context("an answer without a tag")?.to_str()?.to_owned();
        lines.push(format!("If-None-Match: {tag}"));
    }
    Ok(lines)
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}
