//! The table that people read.

use super::summary::{Figure, Metric, Row};
use crate::contender::Runtime;
use crate::goal::thousands;
use crate::run::Transport;

/// Marks a figure of a runtime for each core, where there was a choice.
const PER_CORE: &str = "ᶜ";

/// What the columns are.
pub(crate) const LEGEND: &str = "\
One unary call that echoes `{id: u64, key: string, value: bytes}`, 64 bytes of value, over TCP on the loopback unless said; every reply is checked.

- lat: one call at a time, µs, median (99th percentile in parentheses); one CPU: both processes on the same one.
- pipe: one connection, 128 calls in flight. conns: 32 connections, 8 calls in flight on each.
- big: 1 MiB of value, 4 calls in flight; MiB/s counts the value once for each call, though it travels both ways.
- idle: KiB of the server's memory for each of 2,000 connections that have made one call.
- CPU: µs of the client's process + of the server's process for each call in pipe.
- ᶜ: a current-thread runtime for each core, where that was better than tokio's default multi-thread runtime. Each framework is measured \
with both, and the better one of each workload is shown; capnp-rpc has only the former, and raw tokio a row for each.
";

/// The columns: a head, and the metrics of a cell.
const COLUMNS: &[(&str, &[Metric])] = &[
    ("lat, µs", &[Metric::Lat, Metric::LatP99]),
    ("lat, one CPU, µs", &[Metric::LatOneCpu, Metric::LatOneCpuP99]),
    ("pipe, calls/s", &[Metric::Pipe]),
    ("conns, calls/s", &[Metric::Conns]),
    ("big, MiB/s", &[Metric::Big]),
    ("idle, KiB", &[Metric::Idle]),
    ("CPU, µs/call", &[Metric::PipeClientCpu, Metric::PipeServerCpu]),
];

/// The table as Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    // What nobody was measured in has no column.
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, metrics)| figures.iter().any(|figure| metrics.first() == Some(&figure.metric)))
        .collect();
    let mut text = "| |".to_owned();
    columns.iter().for_each(|(head, _)| text.push_str(&format!(" {head} |")));
    text.push_str(&format!("\n| --- |{}\n", " --: |".repeat(columns.len())));
    let mut rows: Vec<&Row> = figures.iter().map(|figure| &figure.row).collect();
    rows.dedup();
    for row in rows {
        text.push_str(&format!("| {} |", title(row)));
        for (_, metrics) in &columns {
            let of_row = figures.iter().filter(|figure| figure.row == *row);
            let cell: Vec<_> = of_row.filter(|figure| metrics.contains(&figure.metric)).collect();
            text.push_str(&format!(" {} |", show(&cell)));
        }
        text.push('\n');
    }
    text
}

/// What a row is called.
pub(crate) fn title(row: &Row) -> String {
    let mut title = row.contender.clone();
    if row.only == Some(Runtime::PerCore) {
        title.push_str(", per core");
    }
    if row.transport == Transport::Unix {
        title.push_str(", Unix socket");
    }
    title
}

fn show(cell: &[&Figure]) -> String {
    let Some(first) = cell.first() else { return String::new() };
    let number = |figure: &Figure| match figure.metric {
        Metric::Pipe | Metric::Conns | Metric::Big => thousands(figure.median),
        _ => format!("{:.1}", figure.median),
    };
    let numbers = match (first.metric, cell) {
        (Metric::PipeClientCpu, [client, server]) => format!("{} + {}", number(client), number(server)),
        (_, [median, p99]) => format!("{} ({})", number(median), number(p99)),
        _ => number(first),
    };
    let mark = if first.has_choice && first.runtime == Runtime::PerCore { PER_CORE } else { "" };
    numbers + mark
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Runtime::{Multi, PerCore};
    use crate::report::summary::Summary;
    use crate::report::summary::tests::run;

    /// A column for what was measured, a row for each contender, and a mark for the runtime that was better.
    #[test]
    fn the_table_shows_the_better_runtime() {
        let runs = [
            run("rpc-runtime", Multi, 0, 400_000),
            run("rpc-runtime", PerCore, 0, 500_000),
            run("raw tokio", Multi, 0, 250_000),
            run("raw tokio", PerCore, 0, 125_000),
        ];
        let expected = "\
| | pipe, calls/s | CPU, µs/call |
| --- | --: | --: |
| rpc-runtime | 500,000ᶜ | 1.0 + 0.5ᶜ |
| raw tokio | 250,000 | 2.0 + 1.0 |
| raw tokio, per core | 125,000 | 4.0 + 2.0 |
";
        assert_eq!(table(&Summary::new(&runs).figures()), expected);
    }
}
