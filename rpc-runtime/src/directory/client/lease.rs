//! The registrations that a process keeps alive, as a table: when to renew, what to do when one turns out to be
//! over (R22).
//!
//! No clock and no calls in here: [`Shared`](super::Shared) makes the calls and says what came of them.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::directory::nameserver::{Name, Refusal, Renewal};
use crate::directory::{Ended, RegisterMode, Registration, Standing};
use crate::protocol::id::Epoch;
use crate::small_map::SmallMap;

/// A renewal is tried so often within one ttl.
const RENEWALS_PER_TTL: u32 = 3;
/// After a renewal that could not be made the next one is tried sooner, so that several fit into what is left of
/// the lease.
const RETRIES_PER_TTL: u32 = 15;
/// A renewal call may take no longer than this, however long the leases are.
const PATIENCE_MAX: Duration = Duration::from_secs(2);
/// Registrations of one renewal call.
const RENEWALS_MAX: usize = 1_000;
/// Registrations that are made again at one time.
const RETURNS_MAX: usize = 64;
/// An expired registration whose name is taken is tried again after this, doubling up to [`RETURN_MAX`].
const RETURN_MIN: Duration = Duration::from_millis(200);
/// The longest wait before it is tried again.
const RETURN_MAX: Duration = Duration::from_secs(30);

/// One registration that is kept alive.
#[derive(Debug)]
struct Held {
    registration: Registration,
    token: Uuid,
    /// The number that it was given first, which tells it from a later one of the same name.
    first: Epoch,
    epoch: Epoch,
    standing: watch::Sender<Standing>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// It stands: renew it then.
    Renew { at: Instant },
    /// It expired: register it again then; and so long later if that fails.
    Return { at: Instant, wait: Duration },
}

impl Phase {
    fn at(&self) -> Instant {
        match self {
            Self::Renew { at } | Self::Return { at, .. } => *at,
        }
    }
}

/// A registration that is to be made again.
#[derive(Debug, Clone)]
pub(super) struct Return {
    pub(super) name: Name,
    pub(super) registration: Registration,
    pub(super) token: Uuid,
    pub(super) after: Epoch,
}

/// The registrations that are kept alive, by name.
#[derive(Debug, Default)]
pub(super) struct LeaseTable {
    held: SmallMap<Name, Held>,
}

impl LeaseTable {
    /// Begins to keep a registration that was asked for at `asked` and granted as `name` and `epoch`.
    pub(super) fn enter(
        &mut self,
        name: Name,
        registration: Registration,
        token: Uuid,
        epoch: Epoch,
        asked: Instant,
    ) -> watch::Receiver<Standing> {
        let (standing, receiver) = watch::channel(Standing::Held(epoch));
        // It comes back under the name that it was given, and never takes that from another.
        let registration =
            Registration { instance: name.instance.clone(), mode: RegisterMode::Exclusive, ..registration };
        let phase = Phase::Renew { at: asked + registration.ttl / RENEWALS_PER_TTL };
        self.held.insert(name, Held { registration, token, first: epoch, epoch, standing, phase });
        receiver
    }

    /// Ends the keeping of the registration that was given `first`, and gives the number that it has now.
    pub(super) fn leave(&mut self, name: &Name, first: Epoch) -> Option<Epoch> {
        let epoch = self.epoch(name, first)?;
        self.held.remove(name);
        Some(epoch)
    }

    pub(super) fn holds(&self, name: &Name) -> bool {
        self.held.get(name).is_some()
    }

    /// The number that the registration has now that was given `first`.
    pub(super) fn epoch(&self, name: &Name, first: Epoch) -> Option<Epoch> {
        self.held.get(name).filter(|held| held.first == first).map(|held| held.epoch)
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.held.iter().map(|(_, held)| held.phase.at()).min()
    }

    /// How long a renewal call for `due` may take: a third of the shortest ttl, so that there is time for another.
    pub(super) fn patience(&self, due: &[(Name, Epoch)]) -> Duration {
        let ttl = due.iter().filter_map(|(name, _)| self.held.get(name)).map(|held| held.registration.ttl).min();
        ttl.map_or(PATIENCE_MAX, |ttl| (ttl / RENEWALS_PER_TTL).min(PATIENCE_MAX))
    }

    /// The registrations to renew at `now`: what is due, and what will be soon, so that one call does for many.
    pub(super) fn due_renewals(&self, now: Instant) -> Vec<(Name, Epoch)> {
        let is_due = |held: &Held, ahead: u32| match held.phase {
            Phase::Renew { at } => at <= now + held.registration.ttl / RENEWALS_PER_TTL / 2 * ahead,
            Phase::Return { .. } => false,
        };
        if !self.held.iter().any(|(_, held)| is_due(held, 0)) {
            return Vec::new();
        }
        let due = self.held.iter().filter(|(_, held)| is_due(held, 1));
        due.map(|(name, held)| (name.clone(), held.epoch)).take(RENEWALS_MAX).collect()
    }

    /// A renewal that was sent at `sent` was answered.
    pub(super) fn renewed(&mut self, name: &Name, epoch: Epoch, renewal: Renewal, sent: Instant) {
        // It may have been taken back, or been given another number, while the call was under way.
        let Some(held) = self.held.get_mut(name).filter(|held| held.epoch == epoch) else {
            return;
        };
        match renewal {
            Renewal::Renewed => held.phase = Phase::Renew { at: sent + held.registration.ttl / RENEWALS_PER_TTL },
            Renewal::Ended(why) if why.may_return() => {
                held.phase = Phase::Return { at: sent, wait: RETURN_MIN };
                held.standing.send_replace(Standing::Expired);
            }
            Renewal::Ended(why) => self.over(name, why),
        }
    }

    /// A renewal could not be made; `random` (any value) spreads the next tries.
    pub(super) fn not_renewed(&mut self, name: &Name, epoch: Epoch, now: Instant, random: u32) {
        if let Some(held) = self.held.get_mut(name).filter(|held| held.epoch == epoch) {
            held.phase = Phase::Renew { at: now + jitter(held.registration.ttl / RETRIES_PER_TTL, random) };
        }
    }

    /// The registrations to make again at `now`.
    pub(super) fn due_returns(&self, now: Instant) -> Vec<Return> {
        let due = self.held.iter().filter(|(_, held)| matches!(held.phase, Phase::Return { at, .. } if at <= now));
        let again = |(name, held): (&Name, &Held)| Return {
            name: name.clone(),
            registration: held.registration.clone(),
            token: held.token,
            after: held.epoch,
        };
        due.map(again).take(RETURNS_MAX).collect()
    }

    /// A registration was made again, as `epoch`. False if it is not wanted any more: it must then be taken back.
    pub(super) fn returned(&mut self, back: &Return, epoch: Epoch, asked: Instant) -> bool {
        let Some(held) = self.held.get_mut(&back.name).filter(|held| held.epoch == back.after) else {
            return false;
        };
        held.epoch = epoch;
        held.phase = Phase::Renew { at: asked + held.registration.ttl / RENEWALS_PER_TTL };
        held.standing.send_replace(Standing::Held(epoch));
        true
    }

    /// A registration could not be made again: `refusal` says why, if the nameserver did. It is tried again unless
    /// it is over.
    pub(super) fn not_returned(&mut self, back: &Return, refusal: Option<&Refusal>, now: Instant, random: u32) {
        let Some(held) = self.held.get_mut(&back.name).filter(|held| held.epoch == back.after) else {
            return;
        };
        if let Some(Refusal::Ended { why }) = refusal {
            return self.over(&back.name, *why);
        }
        if let Phase::Return { wait, .. } = held.phase {
            let next = (wait * 2).min(RETURN_MAX);
            held.phase = Phase::Return { at: now + jitter(wait, random), wait: next };
        }
    }

    fn over(&mut self, name: &Name, why: Ended) {
        if let Some(held) = self.held.remove(name) {
            held.standing.send_replace(Standing::Ended(why));
        }
    }
}

/// Between half of `wait` and all of it.
fn jitter(wait: Duration, random: u32) -> Duration {
    wait.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::{REGISTRY, entry};

    const TTL: Duration = Duration::from_secs(15);

    struct World {
        table: LeaseTable,
        start: Instant,
        name: Name,
        standing: watch::Receiver<Standing>,
    }

    fn epoch(number: u64) -> Epoch {
        Epoch { registry: REGISTRY, number }
    }

    impl World {
        fn new() -> Self {
            let (start, store) = (Instant::now(), entry("a-m", 1));
            let mut registration = Registration::new("Store", "a-m", store.incarnation);
            registration.mode = RegisterMode::Takeover;
            let (mut table, name) = (LeaseTable::default(), Name::of(&store));
            let standing = table.enter(name.clone(), registration, Uuid::nil(), epoch(1), start);
            Self { table, start, name, standing }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        /// It is found to be over, and is due to come back.
        fn expire(&mut self) -> Return {
            let now = self.at(5);
            self.table.renewed(&self.name, epoch(1), Renewal::Ended(Ended::Expired), now);
            self.table.due_returns(now).pop().expect("due at once")
        }
    }

    /// R22: renewed at a third of the ttl, counted from when it was asked for; what is due soon goes along.
    #[test]
    fn renewed_at_a_third() {
        let mut world = World::new();
        let soon = world.start + Duration::from_secs(2);
        let other = Name { instance: "n-z".into(), ..world.name.clone() };
        let registration = Registration::new("Store", "n-z", entry("n-z", 2).incarnation);
        world.table.enter(other, registration, Uuid::nil(), epoch(2), soon);

        assert_eq!(world.table.next(), Some(world.start + TTL / 3));
        assert_eq!(world.table.due_renewals(world.at(4)), []);
        assert_eq!(world.table.due_renewals(world.at(5)).len(), 2);
        world.table.renewed(&world.name, epoch(1), Renewal::Renewed, world.at(5));
        assert_eq!(world.table.next(), Some(soon + TTL / 3));
    }

    /// R22: a renewal that fails is tried again, several times before the lease ends.
    #[test]
    fn failed_renewals_are_repeated() {
        let mut world = World::new();
        let (mut now, mut tries) = (world.at(5), 0);
        while now < world.at(15) {
            assert_eq!(world.table.due_renewals(now).len(), 1);
            world.table.not_renewed(&world.name, epoch(1), now, u32::MAX);
            now = world.table.next().expect("one");
            tries += 1;
        }
        assert!((10..=11).contains(&tries), "{tries}");
    }

    /// R22: an expired registration comes back under its name, exclusively, also if it was made by takeover.
    #[test]
    fn expired_comes_back_exclusively() {
        let mut world = World::new();
        let back = world.expire();
        assert_eq!(*world.standing.borrow(), Standing::Expired);
        assert_eq!((back.registration.mode, back.after), (RegisterMode::Exclusive, epoch(1)));

        assert!(world.table.returned(&back, epoch(9), world.at(6)));
        assert_eq!(*world.standing.borrow(), Standing::Held(epoch(9)));
        assert_eq!(world.table.epoch(&world.name, epoch(1)), Some(epoch(9)));
        assert_eq!(world.table.next(), Some(world.at(11)));
    }

    /// R22: as long as another has the name it is tried again, ever more rarely.
    #[test]
    fn a_taken_name_is_waited_for() {
        let mut world = World::new();
        let back = world.expire();
        let taken = Refusal::Busy { what: "anything but the end".into() };
        let mut waits = Vec::new();
        let mut now = world.at(5);
        for _ in 0..10 {
            world.table.not_returned(&back, Some(&taken), now, u32::MAX);
            let next = world.table.next().expect("one");
            waits.push(next - now);
            now = next;
        }
        assert!(waits.is_sorted() && waits[0] == RETURN_MIN && waits[9] == RETURN_MAX, "{waits:?}");
        assert_eq!(*world.standing.borrow(), Standing::Expired);
    }

    /// R22: what was replaced or unregistered does not come back, whether the renewal or the return finds it out.
    #[test]
    fn replaced_or_unregistered_stays_away() {
        for why in [Ended::Replaced, Ended::Unregistered, Ended::Forgotten] {
            let mut world = World::new();
            world.table.renewed(&world.name, epoch(1), Renewal::Ended(why), world.at(5));
            assert_eq!(*world.standing.borrow(), Standing::Ended(why));
            assert_eq!(world.table.next(), None, "nothing more to do");

            let mut world = World::new();
            let back = world.expire();
            world.table.not_returned(&back, Some(&Refusal::Ended { why }), world.at(6), 0);
            assert_eq!(*world.standing.borrow(), Standing::Ended(why));
            assert_eq!(world.table.next(), None, "nothing more to do");
        }
    }

    /// The handle of an earlier registration does not end a later one of the same name.
    #[test]
    fn an_old_handle_ends_nothing() {
        let mut world = World::new();
        world.table.renewed(&world.name, epoch(1), Renewal::Ended(Ended::Replaced), world.at(5));
        let registration = Registration::new("Store", "a-m", entry("a-m", 1).incarnation);
        world.table.enter(world.name.clone(), registration, Uuid::nil(), epoch(3), world.at(6));
        assert_eq!(world.table.leave(&world.name, epoch(1)), None);
        assert_eq!(world.table.leave(&world.name, epoch(3)), Some(epoch(3)));
    }

    /// What was taken back while a call was under way does not come back by that call's answer.
    #[test]
    fn taken_back_meanwhile() {
        let mut world = World::new();
        let back = world.expire();
        assert_eq!(world.table.leave(&world.name, epoch(1)), Some(epoch(1)));
        assert!(!world.table.returned(&back, epoch(9), world.at(6)), "to be taken back");
        world.table.renewed(&world.name, epoch(1), Renewal::Renewed, world.at(6));
        assert_eq!(world.table.next(), None);
    }
}
