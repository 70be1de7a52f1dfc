//! The attacks, one a file. Each starts a victim of its own, attacks it, and gives its figures.

mod cancels;
mod flood;
mod idle;
mod overload;
mod queue;
mod records;
mod sessions;
mod slow_method;
mod slow_reader;
mod slowloris;

use std::time::Instant;

use clap::ValueEnum;

use crate::Failure;
use crate::report::{Figure, Outcome};

/// How often an attack is made whose times a busy machine may have spoilt.
const TRIES_MAX: u32 = 5;

/// An attack, by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// Many times as many calls as can be served.
    Overload,
    /// More queued calls than memory should hold, over many sessions.
    Queue,
    /// Calls of a slow method beside fast ones.
    SlowMethod,
    /// Peers that say half of something.
    Slowloris,
    /// More connections than there are descriptors.
    Flood,
    /// A peer that asks for 1 GiB and reads nothing.
    SlowReader,
    /// Connections that do nothing.
    Idle,
    /// A caller that never acknowledges a reply.
    Records,
    /// Sessions that nobody uses.
    Sessions,
    /// Calls that are cancelled at once, and frames that say nothing.
    Cancels,
}

/// How large an attack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// A few seconds each.
    EveryChange,
    /// For a release.
    Full,
}

impl Scale {
    /// One of two numbers.
    fn pick<T>(self, every_change: T, full: T) -> T {
        match self {
            Scale::EveryChange => every_change,
            Scale::Full => full,
        }
    }
}

impl Attack {
    /// Makes the attack, again if nothing but times failed: each time has several tries.
    pub(crate) async fn make(self, scale: Scale) -> Outcome {
        let begun = Instant::now();
        let mut tries = 1;
        let mut made = self.make_once(scale).await;
        while let Ok(figures) = &mut made
            && tries < TRIES_MAX
            && figures.iter().any(Figure::is_spoilt)
            && !figures.iter().any(Figure::has_failed_for_good)
        {
            tries += 1;
            match self.make_once(scale).await {
                Ok(again) => figures.iter_mut().zip(again).for_each(|(figure, again)| figure.or(again)),
                Err(error) => made = Err(error),
            }
        }
        let attack = self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let seconds = begun.elapsed().as_secs_f64();
        match made {
            Ok(figures) => Outcome { attack, figures, tries, error: None, seconds },
            Err(error) => Outcome { attack, figures: Vec::new(), tries, error: Some(error.to_string()), seconds },
        }
    }

    async fn make_once(self, scale: Scale) -> Result<Vec<Figure>, Failure> {
        match self {
            Attack::Overload => overload::attack(scale).await,
            Attack::Queue => queue::attack(scale).await,
            Attack::SlowMethod => slow_method::attack().await,
            Attack::Slowloris => slowloris::attack(scale).await,
            Attack::Flood => flood::attack(scale).await,
            Attack::SlowReader => slow_reader::attack().await,
            Attack::Idle => idle::attack(scale).await,
            Attack::Records => records::attack(scale).await,
            Attack::Sessions => sessions::attack(scale).await,
            Attack::Cancels => cancels::attack(scale).await,
        }
    }
}
