//! The page that somebody signs: the verdict first, then what was measured against what is allowed, then how it went.

mod caps;
mod plots;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::escaped;
use crate::rehearse::generator::ClassGauge;
use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::Scenario;
use crate::rehearse::verdict::{Judged, Judgement, Row, Verdict};

const STYLE: &str = include_str!("style.css");

/// Writes the page.
///
/// # Errors
/// When the file can not be written.
pub(super) fn write(
    path: &Path,
    scenario: &Scenario,
    measured: &Measured,
    judgement: &Judgement,
) -> Result<()> {
    let page = page(scenario, measured, judgement);
    std::fs::write(path, page).with_context(|| format!("writing {}", path.display()))
}

fn page(scenario: &Scenario, measured: &Measured, judgement: &Judgement) -> String {
    let (ko, en) = (escaped(&scenario.title.ko), escaped(&scenario.title.en));
    let mut out = format!(
        "<!doctype html><html lang=ko><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{ko}</title><style>{STYLE}</style></head><body>\n<h1>{ko}<small>{en}</small></h1>\n"
    );
    out += &verdict(judgement);
    out += &how(scenario, measured);
    out += &thresholds(judgement);
    out += &classes(scenario, measured);
    out += &caps::section(scenario, measured);
    out += &happened(scenario, measured);
    out += &plots::all(scenario, measured);
    out += &generator(measured);
    out += "<h2>확인 <small>sign-off</small></h2><p class=sign>이름 <i></i> 날짜 <i></i> 서명 <i></i></p></body></html>\n";
    out
}

fn verdict(judgement: &Judgement) -> String {
    let (class, ko, en) = match judgement.verdict {
        Verdict::Passed => ("held", "합격", "Everything that had to hold held."),
        Verdict::Broken => ("broken", "불합격", "Something that had to hold did not: see the rows marked ✗."),
        Verdict::Void => {
            ("void", "무효", "This run says nothing about the servers: it is to be played again.")
        }
    };
    let mut out = format!("<section class=\"verdict {class}\"><strong>{ko}</strong><p>{en}</p>");
    if !judgement.void.is_empty() {
        out += "<p>무효 사유 · why it is void:</p><ul>";
        for why in &judgement.void {
            write!(out, "<li>{}</li>", escaped(why)).expect("text takes all text");
        }
        out += "</ul>";
    }
    out + "</section>\n"
}

fn how(scenario: &Scenario, measured: &Measured) -> String {
    let began = schemas::Millis(measured.began_ms).rfc3339(schemas::time::KST_MINUTES);
    let form = if measured.short {
        "짧은 형식(시간은 판정하지 않음) · short form, no times are judged"
    } else {
        "전체 형식 · long form"
    };
    let machine = escaped(&measured.machine.words());
    let (servers, load) = match measured.targets.as_slice() {
        [] => (
            "여기서 띄움: 부하와 기계를 나누어 씀 · started here, and share the machine with the load"
                .to_owned(),
            "",
        ),
        targets => (escaped(&targets.join(" ")), " (부하 · of the load)"),
    };
    format!(
        "<p>{}<br><small>{}</small></p>\n<dl><dt>연습 시각 · begun<dd>{began}<dt>규모 · scale<dd>{:.0} % of the real load, {} outlets\
         <dt>속도 · speed<dd>{} times faster: {}–{} in {:.0} s<dt>형식 · form<dd>{form}<dt>기계 · machine<dd>{machine}{load}\
         <dt>서버 · servers<dd>{servers}<dt>판 · version<dd>jaego {}{load}</dl>\n",
        escaped(&scenario.story.ko),
        escaped(&scenario.story.en),
        measured.scale * 100.0,
        measured.registered,
        measured.speed,
        scenario.begins,
        scenario.ends,
        measured.timeline.length,
        super::VERSION,
    )
}

fn thresholds(judgement: &Judgement) -> String {
    let mut out = "<h2>기준과 측정 <small>thresholds</small></h2>\n<div class=wide><table><tr><th><th>무엇 · what<th>측정 · measured<th>허용 · allowed</tr>".to_owned();
    for Row { what, what_ko, measured, allowed, judged, .. } in &judgement.rows {
        let (class, mark) = match judged {
            Judged::Held => ("held", "✓"),
            Judged::Broken => ("broken", "✗"),
            Judged::NotJudged => ("told", "–"),
        };
        write!(
            out,
            "<tr class={class}><td>{mark}<td>{}<small>{}</small><td>{}<td>{}</tr>",
            escaped(what_ko),
            escaped(what),
            escaped(measured),
            escaped(allowed)
        )
        .expect("text takes all text");
    }
    out + "</table></div>\n<p><small>✓ 지킴 held · ✗ 어김 broken · – 참고 told, not judged</small></p>\n"
}

fn classes(scenario: &Scenario, measured: &Measured) -> String {
    let mut out = "<h2>요청 <small>requests</small></h2>\n<div class=wide><table><tr><th>종류 · class<th>예정 intended<th>보냄 sent\
        <th>다시 again<th>정상 good<th>거절 turned away<th>거절 사유 reasons<th>실패 failed<th>p50 ms<th>p99 ms<th>최대 max ms</tr>"
        .to_owned();
    for (load, gauge) in scenario.loads.iter().zip(&measured.gauges.classes) {
        let sum = |counts: &[u32]| counts.iter().map(|n| u64::from(*n)).sum::<u64>();
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|quantile| whole_day(gauge, quantile));
        write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{p50}<td>{p99}<td>{most}</tr>",
            escaped(&load.class),
            sum(&gauge.intended),
            sum(&gauge.sent),
            gauge.again,
            sum(&gauge.good),
            sum(&gauge.turned_away),
            gauge.shed.words(),
            sum(&gauge.failed)
        )
        .expect("text takes all text");
    }
    let aside = measured.gauges.aside_shed.words();
    if !aside.is_empty() {
        write!(out, "<tr><td>deliveries<td><td><td><td><td><td>{aside}<td><td><td><td></tr>")
            .expect("text takes all text");
    }
    out + "</table></div>\n<p><small>시간은 보내려던 때부터 잽니다. Times count from the moment at which a request was meant to start. 사유는 다시 보낸 \
           것도 셉니다. Reasons count what was sent again, too.</small></p>\n"
}

fn whole_day(gauge: &ClassGauge, quantile: f64) -> String {
    let phases = gauge.by_phase.iter().flatten();
    let all = phases.cloned().reduce(|mut all, phase| {
        all.add(phase).expect("all have the same bounds");
        all
    });
    all.map_or_else(
        || "–".to_owned(),
        |all| format!("{:.1}", all.value_at_quantile(quantile) as f64 / 1_000.0),
    )
}

fn happened(scenario: &Scenario, measured: &Measured) -> String {
    let mut out = "<h2>하루의 흐름 <small>the day</small></h2><ul>".to_owned();
    for (phase, from) in scenario.phases.iter().zip(&measured.timeline.phases) {
        let (ko, en) = (escaped(&phase.title.ko), escaped(&phase.title.en));
        write!(out, "<li>{from:.0} s: {ko} · {en}</li>").expect("text takes all text");
    }
    for (second, words) in &measured.events {
        write!(out, "<li>{second:.1} s: <b>{}</b></li>", escaped(words)).expect("text takes all text");
    }
    let published = measured.aftermath.iter().flat_map(|after| &after.words);
    let faults = measured.accounts.findings.words.iter().chain(published);
    for words in measured.remarks.iter().chain(faults) {
        write!(out, "<li>{}</li>", escaped(words)).expect("text takes all text");
    }
    out + "</ul>\n"
}

fn generator(measured: &Measured) -> String {
    let gauges = &measured.gauges;
    let p99 = |times: &Option<hdrhistogram::Histogram<u64>>| {
        times.as_ref().map_or(0.0, |times| times.value_at_quantile(0.99) as f64 / 1_000.0)
    };
    let most = gauges.cpu.iter().copied().fold(0.0, f64::max);
    format!(
        "<h2>부하 발생기 자신 <small>the generator itself</small></h2><dl>\
         <dt>늦음 · late, p99 of the latest class<dd>{:.1} ms<dt>빈 연결을 기다림 · waited for a free connection, p99<dd>{:.1} ms\
         <dt>한 스레드의 CPU · CPU of a thread, most<dd>{:.0} %<dt>연결 · connections, most<dd>{}\
         <dt>시계 변화 · jump of the clock<dd>{} ms</dl>\n",
        gauges.latest().map_or(0.0, |(_, late)| late as f64 / 1_000.0),
        p99(&gauges.waited),
        most * 100.0,
        gauges.connections,
        measured.seen.clock_jump.as_millis()
    )
}
