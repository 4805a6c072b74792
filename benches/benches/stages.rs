//! The stages under criterion: `cargo bench -p benches`.

use std::hint::black_box;
use std::time::Instant;

use benches::stages::{CHANGED, ENTRIES, Published, apply, parse};
use benches::workload;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ingest::admission::Admission;
use schemas::caps::Class;

fn decode_and_apply(criterion: &mut Criterion) {
    let outlets = workload::registry();
    let batches = workload::sales(&outlets, ENTRIES);
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20).throughput(Throughput::Elements(ENTRIES as u64));
    group.bench_function("parse/serde_json", |b| b.iter(|| assert_eq!(parse(&batches), ENTRIES)));
    group.bench_function("open_and_apply/jaego", |b| {
        let morning = || workload::morning(&outlets);
        b.iter_batched_ref(morning, |(fold, seq)| apply(fold, *seq, &batches), BatchSize::PerIteration);
    });
    group.finish();
}

fn cut_and_render(criterion: &mut Criterion) {
    let outlets = workload::registry();
    let scattered: Vec<_> = outlets.iter().step_by(outlets.len() / CHANGED).take(CHANGED).cloned().collect();
    let mut group = criterion.benchmark_group("publish");
    group.sample_size(20);
    let mut published = Published::morning(&outlets);
    group.bench_function("everything/25000", |b| b.iter(|| published.publish_everything()));
    let rounds = workload::sales(&scattered, CHANGED * 2_000);
    let mut rounds = rounds.chunks(CHANGED.div_ceil(schemas::batch::MAX_ENTRIES)).cycle();
    group.bench_function("changed/2000", |b| {
        b.iter_custom(|times| {
            let mut took = std::time::Duration::ZERO;
            for _ in 0..times {
                published.sell(rounds.next().expect("a cycle does not end"));
                let start = Instant::now();
                published.publish();
                took += start.elapsed();
            }
            took
        });
    });
    group.finish();
}

fn admit(criterion: &mut Criterion) {
    let outlets = workload::registry();
    let (fold, _) = workload::morning(&outlets);
    let admission = Admission::new(fold.outlet_types());
    let mut group = criterion.benchmark_group("admit");
    let mut codes = outlets.iter().map(|outlet| outlet.code.as_str()).cycle();
    let enter = |code: &str| drop(black_box(admission.enter(Class::Sale, code, Instant::now(), false)));
    group.bench_function("let_in/25000_outlets", |b| {
        b.iter(|| enter(codes.next().expect("a cycle does not end")));
    });
    // It may send 500 a second: after the first few thousand nearly all are turned away.
    group.bench_function("turned_away", |b| b.iter(|| enter("storm")));
    group.finish();
}

criterion_group!(stages, admit, decode_and_apply, cut_and_render);
criterion_main!(stages);
