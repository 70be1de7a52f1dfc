//! An exporter's wish to be found, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::Message;
use crate::protocol::id::{Epoch, Incarnation};

/// How long a registration lives without being renewed.
pub const TTL_DEFAULT: Duration = Duration::from_secs(15);

/// An exporter's wish to be found.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rpc(crate = "crate")]
pub struct Registration {
    /// The interface's full name: `library.v1.Store`.
    pub interface: String,
    /// The name it wants among the exporters of that interface; with [`RegisterMode::AutoNamed`] the beginning of it.
    pub instance: String,
    /// The life of the process that exports it.
    pub incarnation: Incarnation,
    /// Where to reach it, best first.
    pub endpoints: Vec<String>,
    /// What it says about itself.
    pub labels: BTreeMap<String, String>,
    /// The groups it belongs to.
    pub groups: Vec<String>,
    /// What to do about a name that is taken.
    pub mode: RegisterMode,
    /// How long the registration lives without being renewed.
    pub ttl: Duration,
    /// On whose behalf it registers. A takeover needs the holder's owner to be the same. Nobody proves it yet:
    /// it guards against mistakes, not against intruders.
    pub owner: String,
}

impl Registration {
    /// Asks for `instance` of `interface`, exclusively, for [`TTL_DEFAULT`], without labels and groups. The rest is
    /// set field by field; at least one endpoint is needed.
    pub fn new(interface: impl Into<String>, instance: impl Into<String>, incarnation: Incarnation) -> Self {
        Self {
            interface: interface.into(),
            instance: instance.into(),
            incarnation,
            endpoints: Vec::new(),
            labels: BTreeMap::new(),
            groups: Vec::new(),
            mode: RegisterMode::Exclusive,
            ttl: TTL_DEFAULT,
            owner: String::new(),
        }
    }
}

/// What to do about a name that is taken (R21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Message)]
#[rpc(crate = "crate")]
pub enum RegisterMode {
    /// Refuse.
    #[default]
    Exclusive,
    /// Take the name from its holder if that has the same owner; the holder's registration ends as `Replaced`.
    Takeover,
    /// Cannot happen: the directory completes the name so that it is free, `customer` to `customer-17`.
    AutoNamed,
}

/// Why a registration is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Message)]
#[rpc(crate = "crate")]
pub enum Ended {
    /// It was not renewed in time. A live exporter registers again.
    Expired,
    /// Another one took the name over.
    Replaced,
    /// It was taken back, by its exporter or by an operator.
    Unregistered,
    /// So long ago that the directory no longer knows why; treated like `Replaced`, because that cannot be wrong.
    Forgotten,
}

impl Ended {
    /// Whether the exporter may register under that name again by itself: only after [`Ended::Expired`] (R22).
    pub fn may_return(self) -> bool {
        matches!(self, Self::Expired)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Unregistered => "unregistered",
            Self::Forgotten => "forgotten",
        })
    }
}

/// How a registration stands, as far as its exporter knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds, or the directory is away and has not said otherwise.
    Held(Epoch),
    /// It ran out before it could be renewed, and is being registered again.
    Expired,
    /// It is over and does not come back (R22). After `Ended::Replaced` another holds the name: refuse new calls (R32).
    Ended(Ended),
}

/// A registration that a directory keeps alive. Dropping it takes it back, in the background and as well as it can;
/// [`Directory::unregister`](super::Directory::unregister) does so and reports.
pub struct Registered {
    /// The interface's full name.
    pub interface: String,
    /// The name that it has, completed by the directory if that was asked for.
    pub instance: String,
    /// The number it was given first. After an expiry it has another: see [`Registered::standing`].
    pub epoch: Epoch,
    standing: watch::Receiver<Standing>,
    on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Registered {
    /// For implementations of [`Directory`](super::Directory): `standing` tells how it stands, `on_drop` takes it back.
    pub fn new(
        interface: String,
        instance: String,
        epoch: Epoch,
        standing: watch::Receiver<Standing>,
        on_drop: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self { interface, instance, epoch, standing, on_drop: Some(Box::new(on_drop)) }
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Waits until it stands differently than when this was last asked, and says how. Waits for ever if it never does.
    pub async fn changed(&mut self) -> Standing {
        if self.standing.changed().await.is_err() {
            // The directory is gone: nothing will change any more.
            std::future::pending::<()>().await;
        }
        *self.standing.borrow_and_update()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(take_back) = self.on_drop.take() {
            take_back();
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered")
            .field("interface", &self.interface)
            .field("instance", &self.instance)
            .field("epoch", &self.epoch)
            .field("standing", &self.standing())
            .finish()
    }
}
