//! When a task is to look at what is due.
//!
//! A runtime of tokio's in which a timer runs waits for its sockets with a timeout, which the kernel sets up and takes down each
//! time: 7 % of a call that is alone. So what runs for as long as a connection or a node is kept by one thread of the process.
//! Where time is not the system's, it is tokio's.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};

use crate::clock::Clock;
use crate::protocol::time::Time;

/// What is due within so long rings together.
const SLACK: Duration = Duration::from_millis(1);
/// The thread calls nothing but wakers.
const STACK_BYTES: usize = 128 * 1024;

/// A timer of one task. It may ring too early once, when it is set anew just as it rings.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Kept(Kept),
    Tokio(Pin<Box<Sleep>>),
}

impl Timer {
    /// One that is not set.
    pub(crate) fn new(clock: Clock) -> Timer {
        let keeper = if clock.is_systems() { Keeper::of_process() } else { None };
        let kind = match keeper {
            Some(keeper) => Kind::Kept(Kept { keeper, bell: Arc::default(), place: None }),
            None => Kind::Tokio(Box::pin(sleep(Duration::ZERO))),
        };
        Timer { clock, kind }
    }

    /// Rings at `time`, and not when it would have.
    pub(crate) fn set(&mut self, time: Time) {
        let at = self.clock.instant(time);
        match &mut self.kind {
            Kind::Kept(kept) => kept.set(at.into_std()),
            Kind::Tokio(sleep) => sleep.as_mut().reset(at),
        }
    }

    /// Whether it has rung since it was set.
    #[inline]
    pub(crate) fn has_rung(&self) -> bool {
        match &self.kind {
            Kind::Kept(kept) => kept.bell.has_rung.load(Ordering::Acquire),
            Kind::Tokio(sleep) => sleep.is_elapsed(),
        }
    }

    /// Ready once it has rung; wakes the task then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.kind {
            Kind::Kept(kept) => kept.bell.poll(cx),
            Kind::Tokio(sleep) => sleep.as_mut().poll(cx),
        }
    }

    /// Waits until it rings.
    pub(crate) async fn rings(&mut self) {
        poll_fn(|cx| self.poll(cx)).await
    }
}

/// A timer that the process's thread keeps.
#[derive(Debug)]
struct Kept {
    keeper: &'static Keeper,
    bell: Arc<Bell>,
    place: Option<Place>,
}

impl Kept {
    fn set(&mut self, at: Instant) {
        let mut timers = self.keeper.lock();
        if let Some(place) = self.place.take() {
            timers.by_time.remove(&place);
        }
        self.bell.has_rung.store(false, Ordering::Release);
        timers.set += 1;
        let place = (at, timers.set);
        timers.by_time.insert(place, Arc::clone(&self.bell));
        self.place = Some(place);
        let is_first = timers.by_time.first_key_value().is_some_and(|(first, _)| *first == place);
        drop(timers);
        if is_first {
            self.keeper.changed.notify_one();
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.keeper.lock().by_time.remove(&place);
        }
    }
}

/// What rings.
#[derive(Debug, Default)]
struct Bell {
    has_rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        let waker = {
            let mut waker = self.waker();
            self.has_rung.store(true, Ordering::Release);
            waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = self.waker();
        if self.has_rung.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When it rings, and a number of its own.
type Place = (Instant, u64);

/// The timers of the process.
#[derive(Debug, Default)]
struct Keeper {
    timers: Mutex<Timers>,
    /// Another one is the first.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Timers {
    by_time: BTreeMap<Place, Arc<Bell>>,
    /// How many were ever set.
    set: u64,
}

impl Keeper {
    /// The process's, whose thread is started for the first timer; none if that fails.
    fn of_process() -> Option<&'static Keeper> {
        static KEEPER: OnceLock<Keeper> = OnceLock::new();
        static IS_STARTED: OnceLock<bool> = OnceLock::new();
        let keeper = KEEPER.get_or_init(Keeper::default);
        IS_STARTED.get_or_init(|| keeper.start().is_ok()).then_some(keeper)
    }

    fn start(&'static self) -> io::Result<()> {
        let thread = thread::Builder::new().name("rpc-timers".to_owned()).stack_size(STACK_BYTES);
        // Ends with the process.
        thread.spawn(|| self.run()).map(drop)
    }

    /// Rings what is due, for ever.
    fn run(&self) {
        let mut timers = self.lock();
        loop {
            let now = Instant::now();
            let due = timers.take_due(now);
            if !due.is_empty() {
                drop(timers);
                due.values().for_each(|bell| bell.ring());
                timers = self.lock();
                continue;
            }
            let first = timers.by_time.first_key_value().map(|((at, _), _)| *at);
            timers = match first {
                Some(at) => {
                    let wait = at.saturating_duration_since(now) + SLACK;
                    self.changed.wait_timeout(timers, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(timers).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Timers> {
        // Each step leaves it consistent.
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timers {
    fn take_due(&mut self, now: Instant) -> BTreeMap<Place, Arc<Bell>> {
        let later = self.by_time.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.by_time, later)
    }
}

#[cfg(all(test, not(any(verify, interleave, fuzzing))))]
mod tests {
    use super::*;

    fn is_kept(timer: &Timer) -> bool {
        match &timer.kind {
            Kind::Kept(Kept { keeper, place, .. }) => {
                place.is_some_and(|place| keeper.lock().by_time.contains_key(&place))
            }
            Kind::Tokio(_) => false,
        }
    }

    /// It rings when its time has come and wakes who waits, also when another was to ring first.
    #[tokio::test]
    async fn a_timer_rings() {
        let clock = Clock::start();
        let mut later = Timer::new(clock);
        later.set(clock.now() + Duration::from_secs(3600));
        let mut timer = Timer::new(clock);
        for _ in 0..3 {
            let due = clock.now() + Duration::from_millis(5);
            timer.set(due);
            timer.rings().await;
            assert!(timer.has_rung() && !is_kept(&timer));
            assert!(clock.now() + Duration::from_millis(1) >= due);
        }
        assert!(!later.has_rung());
    }

    /// One that is set anew, or dropped, leaves nothing behind.
    #[tokio::test]
    async fn a_timer_is_set_anew() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock);
        timer.set(clock.now() + Duration::from_secs(3600));
        let Kind::Kept(Kept { keeper, place: Some(before), .. }) = &timer.kind else { panic!("it is not kept") };
        let (keeper, before) = (*keeper, *before);
        timer.set(clock.now());
        assert!(!keeper.lock().by_time.contains_key(&before));
        timer.rings().await;
        timer.set(clock.now() + Duration::from_secs(3600));
        assert!(is_kept(&timer) && !timer.has_rung());
        let Kind::Kept(Kept { place: Some(last), .. }) = &timer.kind else { panic!("it is not kept") };
        let last = *last;
        drop(timer);
        assert!(!keeper.lock().by_time.contains_key(&last));
    }

    /// Where a test owns time, its timers do.
    #[tokio::test(start_paused = true)]
    async fn a_timer_goes_by_the_tests_time() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock);
        timer.set(clock.now() + Duration::from_secs(3600));
        assert!(!timer.has_rung());
        timer.rings().await;
        assert_eq!(clock.now().since(Time::ZERO), Duration::from_secs(3600));
    }
}
