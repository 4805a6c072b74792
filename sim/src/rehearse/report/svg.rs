//! Plots as inline SVG: lines over the time of the day, readable on paper, on a phone, by day and by night.

use std::fmt::Write as _;

use super::escaped;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
/// Colours that stand out on white and on black (Okabe and Ito's, which the colour-blind can tell apart).
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a8a8a"];

/// One line.
pub(super) struct Line {
    pub(super) name: String,
    /// Seconds of the run and values; a value that is missing breaks the line.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// The axis of time, alike for all plots of a report.
pub(super) struct Axis {
    /// Seconds of the run.
    pub(super) length: f64,
    /// Where a time of the day is written.
    pub(super) ticks: Vec<(f64, String)>,
    /// Where something happened.
    pub(super) marks: Vec<(f64, String)>,
}

/// Draws lines in this unit; `log` spreads small values.
pub(super) fn plot(title: &str, unit: &str, lines: &[Line], axis: &Axis, log: bool) -> String {
    let values = lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
    let (least, most) =
        values.fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
    let scale = Scale::new(least, most, log);
    let mut out = String::new();
    let title = escaped(title);
    write!(out, "<figure><figcaption>{title} <small>{}</small>", escaped(unit)).expect("text takes all text");
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        write!(out, " <span class=key><i style=\"background:{colour}\"></i>{}</span>", escaped(&line.name))
            .expect("text takes all text");
    }
    write!(out, "</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{title}\">")
        .expect("text takes all text");
    grid(&mut out, &scale, axis);
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let path = path(line, &scale, axis);
        write!(
            out,
            "<path d=\"{path}\" fill=none stroke=\"{colour}\" stroke-width=1.6 stroke-linejoin=round />"
        )
        .expect("text takes all text");
    }
    out.push_str("</svg></figure>\n");
    out
}

fn across(second: f64, axis: &Axis) -> f64 {
    LEFT + (second / axis.length.max(1.0)).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

fn grid(out: &mut String, scale: &Scale, axis: &Axis) {
    let bottom = HEIGHT - BOTTOM;
    for value in scale.ticks() {
        let y = scale.up(value);
        write!(
            out,
            "<line x1={LEFT} x2={} y1={y:.1} y2={y:.1} class=grid /><text x={} y={:.1} text-anchor=end>{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            short(value)
        )
        .expect("text takes all text");
    }
    for (second, words) in &axis.marks {
        let x = across(*second, axis);
        write!(
            out,
            "<line x1={x:.1} x2={x:.1} y1={TOP} y2={bottom} class=mark><title>{}</title></line>",
            escaped(words)
        )
        .expect("text takes all text");
    }
    for (second, words) in &axis.ticks {
        let x = across(*second, axis);
        // The last one ends where the plot does.
        let anchor = if x + RIGHT < WIDTH { "middle" } else { "end" };
        write!(
            out,
            "<line x1={x:.1} x2={x:.1} y1={TOP} y2={:.1} class=grid /><text x={x:.1} y={:.1} text-anchor={anchor}>{}</text>",
            bottom + 4.0,
            bottom + 18.0,
            escaped(words)
        )
        .expect("text takes all text");
    }
}

fn path(line: &Line, scale: &Scale, axis: &Axis) -> String {
    let (mut path, mut pen) = (String::new(), 'M');
    for (second, value) in &line.points {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        write!(path, "{pen}{:.1} {:.1}", across(*second, axis), scale.up(*value))
            .expect("text takes all text");
        pen = 'L';
    }
    path
}

/// From values to heights.
struct Scale {
    least: f64,
    most: f64,
    log: bool,
}

impl Scale {
    fn new(least: f64, most: f64, log: bool) -> Self {
        if log {
            let least = 10_f64.powf(least.clamp(0.01, 1e9).log10().floor());
            let most = 10_f64.powf(most.max(least * 10.0).log10().ceil());
            return Self { least, most, log };
        }
        let step = step(most.max(1e-9));
        Self { least: 0.0, most: (most.max(step) / step).ceil() * step, log }
    }

    fn up(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.least) / self.least).log10() / (self.most / self.least).log10()
        } else {
            value / self.most
        };
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = (self.most / self.least).log10().round() as i32;
            return (0..=decades).map(|decade| self.least * 10_f64.powi(decade)).collect();
        }
        let step = step(self.most);
        (0..=(self.most / step).round() as u32).map(|n| f64::from(n) * step).collect()
    }
}

/// A round number of which four or so make the whole.
fn step(most: f64) -> f64 {
    let rough = most / 4.0;
    let decade = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| decade * factor >= rough).unwrap_or(10.0);
    decade * factor
}

fn short(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{} k", (value / 1_000.0 * 10.0).round() / 10.0)
    } else {
        format!("{}", (value * 1_000.0).round() / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_holds_every_line_and_breaks_where_nothing_was_measured() {
        let points = vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(30_000.0))];
        let lines = [Line { name: "a<b".to_owned(), points }];
        let axis = Axis {
            length: 2.0,
            ticks: vec![(0.0, "08:00".to_owned())],
            marks: vec![(1.0, "core 0 is killed".to_owned())],
        };
        for log in [false, true] {
            let svg = plot("rate", "a second", &lines, &axis, log);
            assert!(
                svg.contains("a&lt;b") && svg.contains("core 0 is killed") && svg.contains("08:00"),
                "{svg}"
            );
            let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
            assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 0), "{path}");
        }
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!(Scale::new(0.0, 437.0, false).ticks(), [0.0, 200.0, 400.0, 600.0]);
        assert_eq!(Scale::new(0.8, 212.0, true).ticks().len(), 5);
        assert_eq!((short(12_345.0), short(0.25)), ("12.3 k".to_owned(), "0.25".to_owned()));
    }
}
