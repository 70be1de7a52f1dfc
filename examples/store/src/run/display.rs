//! What a person sees while it runs: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use super::Options;
use super::board::{Board, Sums};

/// How often bars move.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// How often a plain line comes.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The live progress. Ends with [`Display::end`].
pub(super) struct Display {
    view: Arc<View>,
    /// Draws until it is aborted.
    drawing: JoinHandle<()>,
}

struct View {
    board: Board,
    seconds: f64,
    /// `None` if nobody watches at a terminal.
    bars: Option<Bars>,
    phase: Mutex<Phase>,
    opened: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Phase {
    name: &'static str,
    /// Since when customers are there.
    begun: Option<Instant>,
}

struct Bars {
    all: MultiProgress,
    time: ProgressBar,
    stores: Vec<(String, ProgressBar)>,
    hosts: Vec<(String, ProgressBar)>,
    suppliers: ProgressBar,
    customers: ProgressBar,
}

impl Display {
    /// Starts to show what is on the board.
    pub(super) fn new(board: Board, options: &Options) -> Self {
        let bars = std::io::stdout().is_terminal().then(|| Bars::new(options));
        let every = if bars.is_some() { BAR_EVERY } else { LINE_EVERY };
        let phase = Mutex::new(Phase { name: "opening", begun: None });
        let view = Arc::new(View { board, seconds: options.seconds, bars, phase, opened: Instant::now() });
        let drawing = tokio::spawn({
            let view = Arc::clone(&view);
            async move {
                loop {
                    tokio::time::sleep(every).await;
                    view.draw();
                }
            }
        });
        Self { view, drawing }
    }

    /// Says something worth a line of its own.
    pub(super) fn say(&self, text: &str) {
        self.view.say(text);
    }

    /// Names what happens now.
    pub(super) fn phase(&self, name: &'static str) {
        self.view.phase.lock().unwrap_or_else(PoisonError::into_inner).name = name;
        if self.view.bars.is_none() {
            self.view.say(name);
        }
    }

    /// Says since when customers are there.
    pub(super) fn begin(&self, started: Instant) {
        self.view.phase.lock().unwrap_or_else(PoisonError::into_inner).begun = Some(started);
    }

    /// Takes the bars away. What is said afterwards still appears.
    pub(super) fn end(&self) {
        self.drawing.abort();
        if let Some(bars) = &self.view.bars {
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn new(options: &Options) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let style =
            |template: &str| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let line = |name: &str| {
            let bar = all.add(ProgressBar::new_spinner().with_style(style("  {prefix:<12} {wide_msg}")));
            bar.set_prefix(name.to_owned());
            bar
        };
        let time = all.add(ProgressBar::new((options.seconds * 1000.0) as u64));
        time.set_style(style("{prefix:<14} {bar:40.cyan/blue} {msg}"));
        let stores = options.stores.iter().map(|part| format!("store {part}"));
        let stores = stores.map(|name| (name.clone(), line(&name))).collect();
        let hosts = (1..=options.hosts).map(|host| format!("host {host}"));
        let hosts = hosts.map(|name| (name.clone(), line(&name))).collect();
        Self { time, stores, hosts, suppliers: line("suppliers"), customers: line("customers"), all }
    }
}

impl View {
    fn say(&self, text: &str) {
        let text = format!("{:6.1}s  {text}", self.opened.elapsed().as_secs_f64());
        let printed = self.bars.as_ref().is_some_and(|bars| bars.all.println(&text).is_ok());
        if !printed {
            print_line(&text);
        }
    }

    fn draw(&self) {
        let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = phase.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        let sums = self.board.sums();
        let Some(bars) = &self.bars else {
            if phase.begun.is_some() {
                self.say(&format!("{}  |  {}", customers(&sums, elapsed), calls(&sums)));
            }
            return;
        };
        bars.time.set_prefix(phase.name);
        bars.time.set_position((elapsed.min(self.seconds) * 1000.0) as u64);
        bars.time.set_message(format!("{:.1} of {} s", elapsed.min(self.seconds), self.seconds));
        for (name, bar) in &bars.stores {
            let counts = self.board.store(name);
            bar.set_message(format!(
                "{:<15} {:>9} calls ran  {:>5} repeats answered from the record",
                self.board.state(name),
                HumanCount(counts.executed).to_string(),
                counts.duplicates
            ));
        }
        for (name, bar) in &bars.hosts {
            let counts = self.board.manager(name);
            bar.set_message(format!(
                "{:<15} {:>9} calls made {:>5} resent  {} unknown  {} turned away",
                self.board.state(name),
                HumanCount(counts.calls).to_string(),
                counts.resent,
                counts.unknown,
                counts.busy
            ));
        }
        let supplier = sums.supplier;
        bars.suppliers.set_message(format!("{} copies, {}", supplier.copies, DecimalBytes(supplier.bytes)));
        bars.customers.set_message(customers(&sums, elapsed));
    }
}

fn customers(sums: &Sums, elapsed: f64) -> String {
    let customer = sums.customer;
    let speed = if elapsed > 0.0 { customer.bytes as f64 / elapsed / 1e6 } else { 0.0 };
    format!(
        "{} checked out, {} played ({}, {speed:.1} MB/s), {} returned, {} refused",
        HumanCount(customer.checked_out),
        HumanCount(customer.played),
        DecimalBytes(customer.bytes),
        HumanCount(customer.returned),
        HumanCount(customer.refused)
    )
}

fn calls(sums: &Sums) -> String {
    let manager = sums.manager;
    format!(
        "{} calls, {} resent, {} answered from the record, {} unknown",
        HumanCount(manager.calls),
        manager.resent,
        sums.store.duplicates,
        manager.unknown
    )
}

fn print_line(text: &str) {
    // Whether anybody reads it is not our business.
    let _ = writeln!(std::io::stdout(), "{text}");
}
