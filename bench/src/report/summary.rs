//! Medians over the rounds, and for each workload the better runtime.

use serde::Serialize;

use crate::contender::Runtime;
use crate::contenders::ENTRANTS;
use crate::load::{Measured, Workload};
use crate::run::{Run, Transport};

/// What one number is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Metric {
    /// Median time of a call in µs, where both processes have all CPUs.
    Lat,
    /// The 99th percentile there.
    LatP99,
    /// Median time of a call in µs, where both processes have one CPU.
    LatOneCpu,
    /// The 99th percentile there.
    LatOneCpuP99,
    /// Calls per second on one connection.
    Pipe,
    /// CPU time of the client's process for each of those calls, in µs.
    PipeClientCpu,
    /// CPU time of the server's process.
    PipeServerCpu,
    /// CPU time of both.
    PipeCpu,
    /// Calls per second on 32 connections.
    Conns,
    /// MiB of values per second, counted one way.
    Big,
    /// KiB of the server's memory for each idle connection.
    Idle,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: &'static [Metric] = &[
        Metric::Lat,
        Metric::LatP99,
        Metric::LatOneCpu,
        Metric::LatOneCpuP99,
        Metric::Pipe,
        Metric::PipeClientCpu,
        Metric::PipeServerCpu,
        Metric::PipeCpu,
        Metric::Conns,
        Metric::Big,
        Metric::Idle,
    ];

    /// Where it is measured.
    pub(crate) fn workload(self) -> Workload {
        match self {
            Metric::Lat | Metric::LatP99 => Workload::Lat,
            Metric::LatOneCpu | Metric::LatOneCpuP99 => Workload::LatOneCpu,
            Metric::Pipe | Metric::PipeClientCpu | Metric::PipeServerCpu | Metric::PipeCpu => Workload::Pipe,
            Metric::Conns => Workload::Conns,
            Metric::Big => Workload::Big,
            Metric::Idle => Workload::Idle,
        }
    }

    /// The metric by which the better runtime of a workload is chosen.
    pub(crate) fn of(workload: Workload) -> Metric {
        match workload {
            Workload::Lat => Metric::Lat,
            Workload::LatOneCpu => Metric::LatOneCpu,
            Workload::Pipe => Metric::Pipe,
            Workload::Conns => Metric::Conns,
            Workload::Big => Metric::Big,
            Workload::Idle => Metric::Idle,
        }
    }

    /// Whether more is better.
    pub(crate) fn is_rate(self) -> bool {
        matches!(self, Metric::Pipe | Metric::Conns | Metric::Big)
    }

    /// Its value in one run.
    fn value(self, run: &Measured) -> Option<f64> {
        let each = |seconds: f64| seconds * 1e6 / run.calls as f64;
        let rate = run.calls as f64 / run.seconds;
        match self {
            Metric::Lat | Metric::LatOneCpu => run.p50_us,
            Metric::LatP99 | Metric::LatOneCpuP99 => run.p99_us,
            Metric::Pipe | Metric::Conns => Some(rate),
            Metric::PipeClientCpu => Some(each(run.client_cpu)),
            Metric::PipeServerCpu => Some(each(run.server_cpu)),
            Metric::PipeCpu => Some(each(run.client_cpu + run.server_cpu)),
            Metric::Big => Some(rate * Workload::Big.value_bytes() as f64 / f64::from(1 << 20)),
            Metric::Idle => run.idle_kib,
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) contender: String,
    pub(crate) transport: Transport,
    /// The runtime, where the row is about one of them and not about the better one.
    pub(crate) only: Option<Runtime>,
}

/// A metric of a row, over the rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    #[serde(flatten)]
    pub(crate) row: Row,
    pub(crate) metric: Metric,
    /// The runtime that it was measured with: the better one of the workload.
    pub(crate) runtime: Runtime,
    /// Whether there was another.
    pub(crate) has_choice: bool,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// By rounds.
    #[serde(skip)]
    pub(crate) values: Vec<(u32, f64)>,
}

/// Contenders with a row for each runtime: what goals are compared with is tokio's default.
const APART: &[&str] = &["raw tokio"];

/// All figures.
pub(crate) struct Summary(Vec<Figure>);

impl Summary {
    /// Of these runs. Rows come in the order in which their contenders were measured.
    pub(crate) fn new(runs: &[Run]) -> Summary {
        let mut figures = Vec::new();
        for row in rows(runs) {
            for &metric in Metric::ALL {
                figures.extend(figure(runs, &row, metric));
            }
        }
        Summary(figures)
    }

    /// A figure, if it was measured.
    pub(crate) fn find(&self, contender: &str, transport: Transport, metric: Metric) -> Option<&Figure> {
        self.0.iter().find(|figure| {
            figure.row.contender == contender && figure.row.transport == transport && figure.metric == metric
        })
    }

    /// All contenders' figures of one metric over TCP.
    pub(crate) fn over_tcp(&self, metric: Metric) -> impl Iterator<Item = &Figure> {
        self.0.iter().filter(move |figure| figure.metric == metric && figure.row.transport == Transport::Tcp)
    }

    /// All of them.
    pub(crate) fn figures(self) -> Vec<Figure> {
        self.0
    }
}

/// TCP first, then Unix sockets; contenders in the order of their list, as rounds begin with different ones.
fn rows(runs: &[Run]) -> Vec<Row> {
    let mut rows: Vec<(Transport, usize, Option<Runtime>)> = Vec::new();
    for Run { subject, .. } in runs {
        let only = APART.contains(&subject.contender).then_some(subject.runtime);
        let place = ENTRANTS.iter().position(|entrant| entrant.name == subject.contender);
        rows.push((subject.transport, place.unwrap_or_default(), only));
    }
    rows.sort_unstable();
    rows.dedup();
    let row = |(transport, place, only): (Transport, usize, Option<Runtime>)| Row {
        contender: ENTRANTS[place].name.to_owned(),
        transport,
        only,
    };
    rows.into_iter().map(row).collect()
}

fn figure(runs: &[Run], row: &Row, metric: Metric) -> Option<Figure> {
    let of_row = |run: &&Run| {
        run.subject.contender == row.contender
            && run.subject.transport == row.transport
            && run.subject.workload == metric.workload()
            && row.only.is_none_or(|only| only == run.subject.runtime)
    };
    let runs: Vec<&Run> = runs.iter().filter(of_row).collect();
    let values = |runtime: Runtime, metric: Metric| -> Vec<(u32, f64)> {
        let of_runtime = runs.iter().filter(|run| run.subject.runtime == runtime);
        of_runtime.filter_map(|run| Some((run.round, metric.value(&run.measured)?))).collect()
    };
    let main = Metric::of(metric.workload());
    let measured = [Runtime::Multi, Runtime::PerCore].into_iter();
    let mut measured: Vec<_> =
        measured.filter_map(|runtime| Some((runtime, median(&values(runtime, main))?))).collect();
    measured.sort_by(|a, b| if main.is_rate() { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
    let &(runtime, _) = measured.first()?;
    let values = values(runtime, metric);
    let bounds = values.iter().map(|(_, value)| *value);
    Some(Figure {
        row: row.clone(),
        metric,
        runtime,
        has_choice: measured.len() > 1,
        median: median(&values)?,
        min: bounds.clone().fold(f64::INFINITY, f64::min),
        max: bounds.fold(f64::NEG_INFINITY, f64::max),
        values,
    })
}

/// The median of the rounds' values; of an even number, the mean of the middle two.
pub(crate) fn median(values: &[(u32, f64)]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::run::Subject;

    /// A run of so many calls in one second.
    pub(crate) fn run(contender: &'static str, runtime: Runtime, round: u32, calls: u64) -> Run {
        let subject = Subject { contender, transport: Transport::Tcp, runtime, workload: Workload::Pipe };
        let measured = Measured { calls, seconds: 1.0, client_cpu: 0.5, server_cpu: 0.25, ..Measured::idle(0, 1) };
        Run { subject, round, measured }
    }

    /// The middle one, or what is between the two in the middle.
    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[(0, 3.0), (1, 1.0), (2, 2.0)]), Some(2.0));
        assert_eq!(median(&[(0, 3.0), (1, 1.0)]), Some(2.0));
    }

    /// The better runtime is shown, with everything that was measured with it.
    #[test]
    fn the_better_runtime_is_shown() {
        let rounds =
            |runtime, calls: [u64; 3]| (0..3).map(move |at| run("rpc-runtime", runtime, at, calls[at as usize]));
        let runs: Vec<_> =
            rounds(Runtime::Multi, [100, 900, 200]).chain(rounds(Runtime::PerCore, [300, 250, 1])).collect();
        let summary = Summary::new(&runs);
        let pipe = summary.find("rpc-runtime", Transport::Tcp, Metric::Pipe).unwrap();
        assert_eq!((pipe.runtime, pipe.median, pipe.min, pipe.max), (Runtime::PerCore, 250.0, 1.0, 300.0));
        assert!(pipe.has_choice);
        let cpu = summary.find("rpc-runtime", Transport::Tcp, Metric::PipeCpu).unwrap();
        assert_eq!((cpu.runtime, cpu.median), (Runtime::PerCore, 0.75e6 / 250.0));
        assert!(summary.find("rpc-runtime", Transport::Tcp, Metric::Big).is_none());
    }

    /// Each runtime of the floor has a row, tokio's default first.
    #[test]
    fn the_floor_has_two_rows() {
        let runs = [run("raw tokio", Runtime::Multi, 0, 1), run("raw tokio", Runtime::PerCore, 0, 2)];
        let summary = Summary::new(&runs);
        let floor: Vec<_> = summary.over_tcp(Metric::Pipe).map(|figure| (figure.row.only, figure.median)).collect();
        assert_eq!(floor, [(Some(Runtime::Multi), 1.0), (Some(Runtime::PerCore), 2.0)]);
    }
}
