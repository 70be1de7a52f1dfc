//! A bar for each contender, with the rounds' least and greatest values, as SVG and as PNG.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::summary::{Figure, Metric};
use super::table::title;
use crate::contender::Error;
use crate::goal::thousands;

/// Pixels of a plot's width.
const WIDTH: u32 = 960;
/// Pixels of a bar with the space around it.
const BAR: u32 = 34;
/// Pixels above the bars.
const TOP: u32 = 56;
/// Pixels below them.
const BOTTOM: u32 = 16;
/// Pixels for the names at the left.
const NAMES: i32 = 250;
/// Pixels for the numbers at the right.
const NUMBERS: i32 = 110;
/// The font that is built in; an SVG's viewer may take another of this name.
const FONT: &str = "sans-serif";
/// Bars of ours.
const OURS: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
/// Bars of what no framework can be expected to beat.
const FLOOR: RGBColor = RGBColor(0xb3, 0xb3, 0xb3);
/// Bars of the others.
const OTHER: RGBColor = RGBColor(0x4c, 0x78, 0xa8);

/// What is drawn: a metric, the name of its files, and what the plot says of it.
const PLOTS: &[(Metric, &str, &str)] = &[
    (Metric::LatOneCpu, "lat-1cpu", "One call at a time, both processes on one CPU: µs (less is better)"),
    (Metric::Lat, "lat", "One call at a time: µs (less is better)"),
    (Metric::Pipe, "pipe", "One connection, 128 calls in flight: calls/s (more is better)"),
    (Metric::PipeCpu, "cpu", "CPU time of both processes for one of those calls: µs (less is better)"),
    (Metric::Conns, "conns", "32 connections, 8 calls in flight on each: calls/s (more is better)"),
    (Metric::Big, "big", "1 MiB each way, 4 calls in flight: MiB/s (more is better)"),
    (Metric::Idle, "idle", "Server memory for an idle connection: KiB (less is better)"),
];

/// Draws what was measured into files; gives their names and titles.
pub(crate) fn draw(figures: &[Figure], directory: &Path) -> Result<Vec<(&'static str, &'static str)>, Error> {
    for style in [FontStyle::Normal, FontStyle::Bold] {
        register_font(FONT, style, dejavu::sans::regular()).map_err(|_| "a font that cannot be read")?;
    }
    let mut drawn = Vec::new();
    for &(metric, name, plot_title) in PLOTS {
        let mut bars: Vec<_> = figures.iter().filter(|figure| figure.metric == metric).collect();
        if bars.is_empty() {
            continue;
        }
        bars.sort_by(|a, b| a.median.total_cmp(&b.median));
        if metric.is_rate() {
            bars.reverse();
        }
        let size = (WIDTH, TOP + BAR * bars.len() as u32 + BOTTOM);
        let path = |extension| directory.join(name).with_extension(extension);
        plot(&SVGBackend::new(&path("svg"), size).into_drawing_area(), plot_title, &bars)?;
        plot(&BitMapBackend::new(&path("png"), size).into_drawing_area(), plot_title, &bars)?;
        drawn.push((name, plot_title));
    }
    Ok(drawn)
}

fn plot<B: DrawingBackend>(area: &DrawingArea<B, Shift>, plot_title: &str, bars: &[&Figure]) -> Result<(), Error>
where
    B::ErrorType: 'static,
{
    let text = |size: f64, h, v| (FONT, size).into_font().color(&BLACK).pos(Pos::new(h, v));
    area.fill(&WHITE)?;
    area.draw_text(plot_title, &text(20.0, HPos::Left, VPos::Center), (16, TOP as i32 / 2))?;
    let longest = bars.iter().map(|bar| bar.max).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH as i32 - NAMES - NUMBERS);
    let x = |value: f64| NAMES + (value / longest * room) as i32;
    for (number, bar) in bars.iter().enumerate() {
        let middle = TOP as i32 + BAR as i32 * number as i32 + BAR as i32 / 2;
        let color = match bar.row.contender.as_str() {
            name if name.starts_with("rpc-runtime") => OURS,
            name if name.starts_with("raw") => FLOOR,
            _ => OTHER,
        };
        let half = BAR as i32 / 2 - 5;
        area.draw(&Rectangle::new([(NAMES, middle - half), (x(bar.median), middle + half)], color.filled()))?;
        // From the least to the greatest of the rounds.
        area.draw(&PathElement::new([(x(bar.min), middle), (x(bar.max), middle)], BLACK.stroke_width(1)))?;
        for end in [bar.min, bar.max] {
            area.draw(&PathElement::new([(x(end), middle - 4), (x(end), middle + 4)], BLACK.stroke_width(1)))?;
        }
        area.draw_text(&title(&bar.row), &text(15.0, HPos::Right, VPos::Center), (NAMES - 10, middle))?;
        let value = if bar.metric.is_rate() { thousands(bar.median) } else { format!("{:.1}", bar.median) };
        let right_of_both = x(bar.max.max(bar.median)) + 8;
        area.draw_text(&value, &text(15.0, HPos::Left, VPos::Center), (right_of_both, middle))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Runtime;
    use crate::report::summary::Summary;
    use crate::report::summary::tests::run;

    /// Plots are drawn of what was measured, in both formats, without any font of the system.
    #[test]
    fn plots_are_drawn() {
        let directory = tempfile::tempdir().unwrap();
        let runs = [run("rpc-runtime", Runtime::Multi, 0, 5), run("raw tokio", Runtime::Multi, 0, 4)];
        let drawn = draw(&Summary::new(&runs).figures(), directory.path()).unwrap();
        assert_eq!(drawn.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["pipe", "cpu"]);
        let svg = std::fs::read_to_string(directory.path().join("pipe.svg")).unwrap();
        assert!(svg.contains("rpc-runtime") && svg.contains("raw tokio"));
        assert!(directory.path().join("cpu.png").metadata().unwrap().len() > 1000);
    }
}
