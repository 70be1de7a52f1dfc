//! Who is measured, and how one of them is found by its name.

#[cfg(feature = "peers")]
mod capnp;
#[cfg(feature = "peers")]
mod connectrpc;
mod ours;
#[cfg(feature = "peers")]
mod ours_grpc;
mod raw;
mod raw_blocking;
mod raw_tokio;
#[cfg(feature = "peers")]
mod tarpc;
#[cfg(feature = "peers")]
#[cfg(test)]
mod tests;
#[cfg(feature = "peers")]
mod tonic;
#[cfg(feature = "peers")]
mod volo;

use crate::contender::{Contender, Error, Runtime};
use crate::load::Workload;

/// Something to do with one contender, whichever it is.
pub(crate) trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<C: Contender>(self) -> Self::Output;
}

/// What the runner has to know of a contender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entrant {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// The runtimes that it is measured with.
    pub(crate) runtimes: &'static [Runtime],
    /// What it is measured in.
    pub(crate) workloads: &'static [Workload],
    /// Whether it is measured over Unix sockets too.
    pub(crate) has_unix: bool,
}

impl Entrant {
    const fn of<C: Contender>() -> Entrant {
        Entrant { name: C::NAME, runtimes: C::RUNTIMES, workloads: C::WORKLOADS, has_unix: C::UNIX }
    }
}

macro_rules! contenders {
    ($($(#[$attribute:meta])* $contender:ty,)+) => {
        /// All of them, in the order of the tables.
        pub(crate) const ENTRANTS: &[Entrant] = &[$($(#[$attribute])* Entrant::of::<$contender>(),)+];

        /// Lets `visitor` visit the contender of that name.
        pub(crate) fn visit<V: Visitor>(name: &str, visitor: V) -> Result<V::Output, Error> {
            $($(#[$attribute])* if name == <$contender>::NAME {
                return Ok(visitor.visit::<$contender>());
            })+
            Err(format!("no contender is called `{name}`").into())
        }
    };
}

contenders! {
    ours::Ours,
    ours::OursIdempotent,
    raw_blocking::RawBlocking,
    raw_tokio::RawTokio,
    #[cfg(feature = "peers")]
    tarpc::Tarpc,
    #[cfg(feature = "peers")]
    capnp::Capnp,
    #[cfg(feature = "peers")]
    volo::Volo,
    #[cfg(feature = "peers")]
    tonic::Tonic,
    #[cfg(feature = "peers")]
    ours_grpc::OursGrpc,
    #[cfg(feature = "peers")]
    connectrpc::Connectrpc,
}
