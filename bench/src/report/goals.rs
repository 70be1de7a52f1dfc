//! What is to be reached, as ratios of what was measured in the same rounds.

use serde::Serialize;

use super::summary::{Figure, Metric, Summary, median};
use crate::run::Transport::{self, Tcp, Unix};

/// Ours, as the goals name it.
const OURS: &str = "rpc-runtime";
/// Ours by the method that may run more than once.
const IDEMPOTENT: &str = "rpc-runtime idempotent";
/// Our port, called by tonic's client.
const GRPC: &str = "rpc-runtime gRPC";
/// Floors are no frameworks: one need not be above them to be above every peer.
const FLOORS: &[&str] = &["raw tokio", "raw blocking"];

/// A bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Something to be reached, and whether it was.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    what: String,
    /// The ratio's median over the rounds, or the figure itself.
    measured: f64,
    min: f64,
    max: f64,
    bound: Bound,
    met: bool,
}

/// Every goal of which both sides were measured.
pub(crate) fn check(summary: &Summary) -> Vec<Goal> {
    use Bound::{AtLeast, AtMost};
    use Metric::{Big, Conns, Idle, LatOneCpu, Pipe, PipeCpu};
    let ratio = |metric, other, bound| against(summary, metric, (OURS, Tcp), (other, Tcp), bound);
    let mut goals = vec![
        ratio(LatOneCpu, "raw tokio", AtMost(1.15)),
        ratio(LatOneCpu, "tarpc", AtMost(0.75)),
        against(summary, LatOneCpu, (OURS, Unix), (OURS, Tcp), AtMost(0.65)),
        ratio(Pipe, "raw tokio", AtLeast(1.0)),
        ratio(Pipe, "tarpc", AtLeast(3.5)),
        ratio(Pipe, "tonic", AtLeast(10.0)),
        ratio(Conns, "raw tokio", AtLeast(1.6)),
        ratio(Conns, "tarpc", AtLeast(2.5)),
        ratio(Conns, "tonic", AtLeast(8.0)),
        ratio(Big, "raw tokio", AtLeast(1.2)),
        best(summary, Big, FLOORS, AtLeast(1.0)),
        absolute(summary, Idle, "KiB", AtMost(10.0)),
        best(summary, Idle, &[], AtMost(1.0)),
        absolute(summary, PipeCpu, "µs", AtMost(5.0)),
        ratio(Pipe, IDEMPOTENT, AtLeast(0.97)),
        ratio(LatOneCpu, IDEMPOTENT, AtMost(1.03)),
        against(summary, LatOneCpu, (GRPC, Tcp), ("tonic", Tcp), AtMost(1.0)),
        against(summary, Pipe, (GRPC, Tcp), ("tonic", Tcp), AtLeast(1.0)),
        against(summary, Conns, (GRPC, Tcp), ("tonic", Tcp), AtLeast(1.0)),
    ];
    goals.drain(..).flatten().collect()
}

/// One figure by another, round by round.
fn against(
    summary: &Summary,
    metric: Metric,
    ours: (&str, Transport),
    other: (&str, Transport),
    bound: Bound,
) -> Option<Goal> {
    let find = |(contender, transport)| summary.find(contender, transport, metric);
    let name = |(contender, transport): (&str, Transport)| match (contender, transport) {
        (OURS, Tcp) => "ours".to_owned(),
        (OURS, Unix) => "ours over a Unix socket".to_owned(),
        (other, _) => other.to_owned(),
    };
    let what = format!("{}: {} / {}", metric.workload(), name(ours), name(other));
    goal(what, &ratios(find(ours)?, find(other)?), bound)
}

/// Ours by the best of the others.
fn best(summary: &Summary, metric: Metric, except: &[&str], bound: Bound) -> Option<Goal> {
    let others = summary.over_tcp(metric).filter(|figure| {
        let name = figure.row.contender.as_str();
        !name.starts_with(OURS) && !except.contains(&name)
    });
    let best = others.max_by(|a, b| {
        let order = a.median.total_cmp(&b.median);
        if metric.is_rate() { order } else { order.reverse() }
    })?;
    let what = format!("{}: ours / the best of the others ({})", metric.workload(), best.row.contender);
    goal(what, &ratios(summary.find(OURS, Tcp, metric)?, best), bound)
}

/// A figure of ours by itself.
fn absolute(summary: &Summary, metric: Metric, unit: &str, bound: Bound) -> Option<Goal> {
    let figure = summary.find(OURS, Tcp, metric)?;
    let what = match metric {
        Metric::PipeCpu => format!("CPU of both sides for a call in pipe, {unit}"),
        _ => format!("{}, {unit}", metric.workload()),
    };
    goal(what, &figure.values, bound)
}

/// Of the rounds in which both were measured.
fn ratios(ours: &Figure, other: &Figure) -> Vec<(u32, f64)> {
    let of_round = |round| other.values.iter().find(|(other, _)| *other == round);
    ours.values.iter().filter_map(|&(round, value)| Some((round, value / of_round(round)?.1))).collect()
}

fn goal(what: String, values: &[(u32, f64)], bound: Bound) -> Option<Goal> {
    let measured = median(values)?;
    let met = match bound {
        Bound::AtMost(most) => measured <= most,
        Bound::AtLeast(least) => measured >= least,
    };
    let bounds = values.iter().map(|(_, value)| *value);
    let (min, max) = (bounds.clone().fold(f64::INFINITY, f64::min), bounds.fold(f64::NEG_INFINITY, f64::max));
    Some(Goal { what, measured, min, max, bound, met })
}

/// The goals as Markdown; nothing if there are none.
pub(crate) fn table(goals: &[Goal]) -> String {
    if goals.is_empty() {
        return String::new();
    }
    let mut text = "| goal | measured | of the rounds | bound | met |\n| --- | --: | --: | --: | --- |\n".to_owned();
    for Goal { what, measured, min, max, bound, met } in goals {
        let bound = match bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
        };
        let met = if *met { "yes" } else { "**no**" };
        text.push_str(&format!("| {what} | {measured:.2} | {min:.2} – {max:.2} | {bound} | {met} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Runtime::{Multi, PerCore};
    use crate::report::summary::tests::run;

    /// The ratio is that of each round, and the floor that of tokio's default.
    #[test]
    fn ratios_are_of_the_same_round() {
        let runs = [
            run("rpc-runtime", PerCore, 0, 100),
            run("rpc-runtime", PerCore, 1, 600),
            run("rpc-runtime", PerCore, 2, 300),
            run("raw tokio", Multi, 0, 100),
            run("raw tokio", Multi, 1, 400),
            run("raw tokio", PerCore, 0, 10_000),
        ];
        let goals = check(&Summary::new(&runs));
        let pipe = goals.iter().find(|goal| goal.what == "pipe: ours / raw tokio").unwrap();
        assert_eq!((pipe.measured, pipe.min, pipe.max, pipe.met), (1.25, 1.0, 1.5, true));
        assert!(goals.iter().all(|goal| !goal.what.contains("tarpc")), "a goal against what was not measured");
    }

    /// A bound that is met exactly is met.
    #[test]
    fn bounds_are_met_at_the_bound() {
        let met = |value, bound| goal("a".into(), &[(0, value)], bound).unwrap().met;
        assert!(met(1.0, Bound::AtLeast(1.0)) && met(1.0, Bound::AtMost(1.0)));
        assert!(!met(0.99, Bound::AtLeast(1.0)) && !met(1.01, Bound::AtMost(1.0)));
    }

    /// One row a goal.
    #[test]
    fn goals_are_rows() {
        let goals = [goal("a".into(), &[(0, 0.5), (1, 0.7)], Bound::AtLeast(1.0)).unwrap()];
        assert!(table(&goals).ends_with("| a | 0.60 | 0.50 – 0.70 | ≥ 1 | **no** |\n"));
        assert_eq!(table(&[]), "");
    }
}
