//! On reports whose truth is known: it is found again within the stated errors, and where there is none to find, that is said.

mod reading;
mod synthetic;

use super::contention::Fitted;
use super::costs::{self, Costs};
use super::windows::{Kind, Service, kinds, windows};
use super::*;
use crate::rehearse::scenario::Does;
use synthetic::{Day, LAW, Truth};

fn costs_of(reports: &[Report]) -> Costs {
    let kinds = kinds(reports);
    costs::of(reports, &kinds, &windows(reports, &kinds)).unwrap()
}

#[test]
fn costs_are_found_again_within_their_errors() {
    let (mut far, mut all) = (0, 0);
    for seed in 0..5 {
        let found = costs_of(&[Day::of_bursts(seed).report(), Day::of_bursts(seed + 100).report()]);
        for (service, truths) in
            [(Service::Core, Truth::core()), (Service::Nats, Truth::nats()), (Service::Edge, Truth::edge())]
        {
            for (does, micros) in truths {
                let cost = found.of(service, Kind::Does(does)).unwrap();
                assert!(cost.error < micros * 0.2, "{service:?} {cost:?}");
                all += 1;
                far += usize::from((cost.micros - micros).abs() > 2.0 * cost.error);
            }
        }
        for service in found.services.iter().filter(|service| service.service != "load") {
            assert!(service.holds() && service.held_out_error < 0.1, "{service:?}");
        }
    }
    assert!(far * 6 < all, "{far} of {all} beyond two standard errors");
}

#[test]
fn batches_cost_apart_from_their_messages() {
    let day = |seed| {
        let mut day = Day::of_bursts(seed);
        day.batches = true;
        day.report()
    };
    let found = costs_of(&[day(1), day(2), day(3)]);
    let batches = found.batches.unwrap();
    let (ms, core, nats) = synthetic::BATCH;
    assert!((batches.ms / ms).ln().abs() < 0.4 && batches.left < 0.5, "{batches:?}");
    for (service, truth) in [(Service::Core, core), (Service::Nats, nats)] {
        let batch = found.of(service, Kind::Batch).unwrap();
        assert!((batch.micros / truth - 1.0).abs() < 0.35, "{batch:?}");
        let sale = found.of(service, Kind::Does(Does::Sale)).unwrap();
        let truth = if service == Service::Core { Truth::core() } else { Truth::nats() }[0].1;
        assert!((sale.micros - truth).abs() < 3.0 * sale.error.max(2.0), "{sale:?}");
    }
    // Where messages cost each for itself, no batches are told.
    assert!(costs_of(&[Day::of_bursts(1).report()]).batches.is_none());
}

#[test]
fn kinds_that_come_together_have_one_cost_and_those_that_cost_nothing_none() {
    let mut day = Day::of_bursts(1);
    day.twin = Some(Does::Nearby);
    let found = costs_of(&[day.report()]);
    let joint = found.of(Service::Edge, Kind::Does(Does::Poll)).unwrap();
    assert_eq!(joint.kind, "nearby + poll");
    // Two requests, of which one costs nothing.
    let of_poll = Truth::edge()[0].1;
    assert!((joint.micros - of_poll / 2.0).abs() < 2.5, "{joint:?}");
    assert!(found.of(Service::Edge, Kind::Does(Does::DeskCheck)).is_none(), "checks never reach edges");
    let page = costs_page(&Day::of_bursts(1).report());
    assert!(page.contains("not told (below"), "{page}");
}

fn costs_page(report: &Report) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    std::fs::write(&path, synthetic::json(report).to_string()).unwrap();
    state(&asked(vec![path])).unwrap().markdown()
}

fn asked(reports: Vec<PathBuf>) -> Asked {
    let terms = Terms { asks_every_s: 60.0, cdn_hits: 0.95 };
    Asked { reports, viewers: None, outlets: None, claims: None, terms, take_void: false }
}

fn the_one(day: &Day) -> Response {
    let reports = [day.report()];
    let windows = windows(&reports, &kinds(&reports));
    let mut points = points::of(&reports, &windows);
    assert_eq!(points.len(), 1, "one class drives this day");
    response(points.remove(0), 2)
}

#[test]
fn waiting_and_its_knee_are_found_again() {
    let found = the_one(&Day::of_waiting(7));
    let Fitted::Fits(queue) = found.queue else { panic!("{:?}", found.queue) };
    let (base, wait) = synthetic::WAITING;
    assert!((queue.base_ms.0 - base).abs() < 3.0 * queue.base_ms.1.max(0.02), "{queue:?}");
    assert!((queue.wait_ms.0 - wait).abs() < 3.0 * queue.wait_ms.1, "{queue:?}");
    assert!(queue.quality.held_out_error * 2.0 < queue.quality.constant_error, "{queue:?}");
    let found = the_one(&Day::of_a_knee(7));
    let Fitted::Fits(knee) = found.knee else { panic!("{:?}", found.knee) };
    assert!((knee.rate / synthetic::KNEE - 1.0).abs() < 0.1, "{knee:?}");
    assert!(knee.between.0 <= synthetic::KNEE * 1.05 && knee.between.1 >= synthetic::KNEE * 0.95, "{knee:?}");
    assert!(knee.growth.1 > 3.0 * knee.growth.0.abs(), "{knee:?}");
}

#[test]
fn the_scalability_law_is_found_again() {
    let found = the_one(&Day::of_the_law(3));
    let Fitted::Fits(law) = found.scalability else { panic!("{:?}", found.scalability) };
    let (alone, contention, coherency) = LAW;
    assert!((law.alone.0 / alone - 1.0).abs() < 0.1, "{law:?}");
    assert!((law.contention / contention - 1.0).abs() < 0.25, "{law:?}");
    assert!((law.coherency / coherency - 1.0).abs() < 0.5, "{law:?}");
    let peak = ((1.0 - contention) / coherency).sqrt();
    assert!(law.peak.is_some_and(|(flight, _)| (flight / peak - 1.0).abs() < 0.3), "{law:?}");
}

#[test]
fn where_there_is_nothing_to_find_no_figure_is_told() {
    let found = the_one(&Day::of_chance(5));
    assert!(matches!(found.knee, Fitted::No(_)), "{:?}", found.knee);
    assert!(matches!(found.queue, Fitted::No(_)), "{:?}", found.queue);
    assert!(matches!(found.scalability, Fitted::No(_)), "{:?}", found.scalability);
    // And a short one, whose few seconds say nothing of waiting, says that.
    let mut short = Day::of_waiting(5);
    short.seconds = 20;
    let found = the_one(&short);
    assert!(matches!(&found.queue, Fitted::No(why) if why.contains("30 are needed")), "{:?}", found.queue);
}

#[test]
fn faults_are_left_out_and_an_import_is_a_class() {
    let mut report = Day::of_bursts(2).report();
    let kinds_of = |report: &Report| kinds(std::slice::from_ref(report));
    let before = windows(std::slice::from_ref(&report), &kinds_of(&report)).len();
    report.events = vec![(40.0, "core 0 is killed".to_owned())];
    let after = windows(std::slice::from_ref(&report), &kinds_of(&report)).len();
    assert!((6..9).contains(&(before - after)), "{before} {after}");
    report.events = vec![
        (40.0, "another registry is imported".to_owned()),
        (42.0, "the registry of 5000 outlets is in force".to_owned()),
    ];
    let kinds = kinds_of(&report);
    let rows = kinds.iter().position(|kind| *kind == Kind::Rows).unwrap();
    let all = windows(std::slice::from_ref(&report), &kinds);
    let imported: f64 = all.iter().map(|window| window.rates[rows]).sum();
    assert!(all.len() == before && (imported - 5_000.0).abs() < 500.0, "{} {imported}", all.len());
}

#[test]
fn a_nation_needs_what_its_costs_come_to() {
    let costs = costs_of(&[Day::of_bursts(1).report()]);
    let terms = Terms { asks_every_s: 60.0, cdn_hits: 0.95 };
    let scales = plan::scales(Some(600_000.0), None, Some(1_000.0));
    let names: Vec<&str> = scales.iter().map(|scale| scale.name.as_str()).collect();
    assert_eq!(names, ["asked for", "Korea", "EU", "1 billion"]);
    let needs = plan::needs(scales[0].clone(), &costs, terms);
    assert!(
        (needs.bare.rate - 10_000.0).abs() < 1e-6 && needs.bare.connections == Some(600_000.0),
        "{needs:?}"
    );
    // A CDN keeps 95 % of five sixths; what is near somebody it does not know.
    assert!((needs.behind_cdn.rate - 10_000.0 * (1.0 / 6.0 + 0.05 * 5.0 / 6.0)).abs() < 1e-6);
    let tile = costs.of(Service::Edge, Kind::Does(Does::Poll)).unwrap().planned;
    assert!((needs.bare.cpus.unwrap() - 10_000.0 * tile / 1e6).abs() < 1e-6);
    assert_eq!(needs.bare.edges, Some((30.0, "connections")));
    assert!(needs.writers.cores.unwrap() >= 2.0 && needs.writers.fold > 0.001, "{needs:?}");
    // Ten times the claims fill the fold ten times as much, whatever the number of cores.
    let more = plan::needs(plan::scales(None, Some(0.0), Some(10_000.0))[0].clone(), &costs, terms);
    let few = plan::needs(plan::scales(None, Some(0.0), Some(1_000.0))[0].clone(), &costs, terms);
    assert!((more.writers.fold / few.writers.fold - 10.0).abs() < 1e-6);
    assert!(plan::limits(&costs).is_sorted_by(|a, b| a.claims <= b.claims));
}
