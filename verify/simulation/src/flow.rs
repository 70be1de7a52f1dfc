//! What produces and consumes the streams of a run, on either side.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use rpc_runtime::{Bytes, CallError, Streaming};
use tokio::time::{Sleep, sleep};

use crate::oracle::{Arrived, Hand, Oracle, Running, TOLD_TO_FAIL, Way};
use crate::outcome::Rule;
use crate::service::{Flow, Tick};

/// A producer, which is asked for each item.
pub struct Producing {
    hand: Hand,
    call: u64,
    flow: Flow,
    left: u32,
    pause: Option<Pin<Box<Sleep>>>,
    /// The run that it is of, if it is an exporter's.
    running: Option<Running>,
}

impl Producing {
    /// A stream of that call.
    pub fn new(hand: Hand, call: u64, flow: Flow) -> Producing {
        Producing { hand, call, flow, left: flow.items, pause: None, running: None }
    }

    /// The same, by a run, which lasts as long.
    pub fn of_run(self, running: Running) -> Producing {
        Producing { running: Some(running), ..self }
    }

    fn tick(&mut self, flow: Option<Flow>) -> Tick {
        let filling = Bytes::from(vec![0; self.flow.bytes as usize]);
        let number = self.hand.produced(filling.len());
        let run = self.running.as_ref().map_or(0, Running::number);
        Tick { call: self.call, number, run, flow, filling }
    }

    fn end(&mut self, fails: bool) -> Option<Result<Tick, CallError>> {
        self.hand.has_ended(!fails);
        fails.then(|| Err(CallError::failed(TOLD_TO_FAIL)))
    }
}

impl Stream for Producing {
    type Item = Result<Tick, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let most = self.flow.pause_millis;
        if most > 0 {
            ready!(self.pause.get_or_insert_with(|| Box::pin(sleep(drawn_pause(most)))).as_mut().poll(cx));
            self.pause = None;
        }
        if self.left == 0 {
            let fails = self.flow.fails;
            return Poll::Ready(self.end(fails));
        }
        let flow = (self.left == self.flow.items && self.running.is_none()).then_some(self.flow);
        self.left -= 1;
        Poll::Ready(Some(Ok(self.tick(flow))))
    }
}

/// Gives an item for each that it takes.
pub struct Echo {
    oracle: Oracle,
    /// Until it is known which call it is.
    arrived: Option<Arrived>,
    ticks: Option<(Streaming<Tick>, Option<Hand>)>,
    producing: Option<Producing>,
    taken: u32,
}

impl Echo {
    /// An echo of `ticks`.
    pub fn new(oracle: Oracle, ticks: Streaming<Tick>, arrived: Arrived) -> Echo {
        Echo { oracle, arrived: Some(arrived), ticks: Some((ticks, None)), producing: None, taken: 0 }
    }

    /// The next item is there: its echo.
    fn took(&mut self, tick: &Tick) -> Tick {
        if let Some(arrived) = self.arrived.take() {
            let running = arrived.named(tick.call);
            let hand = self.oracle.hand(tick.call, Way::Down, "producer");
            let flow = tick.flow.unwrap_or_default();
            self.producing = Some(Producing::new(hand, tick.call, flow).of_run(running));
        }
        if let Some((_, hand)) = &mut self.ticks {
            let oracle = &self.oracle;
            hand.get_or_insert_with(|| oracle.hand(tick.call, Way::Up, "consumer")).consumed(tick.call, tick.number);
        }
        self.taken += 1;
        let is_enough = self.producing.as_ref().is_some_and(|producing| producing.flow.left_after == Some(self.taken));
        if is_enough {
            self.ticks = None;
        }
        let echo = self.producing.as_mut().map(|producing| producing.tick(None));
        echo.unwrap_or_else(|| tick.clone())
    }

    /// Nothing more comes.
    fn end(&mut self, error: Option<CallError>) -> Option<Result<Tick, CallError>> {
        if let Some((_, Some(hand))) = self.ticks.take() {
            match &error {
                None => hand.is_complete(),
                Some(error) => hand.has_failed(error),
            }
        }
        match &mut self.producing {
            Some(producing) => producing.hand.has_ended(error.is_none()),
            None if error.is_none() => {
                self.oracle.violation(Rule::CutShort, "a stream has ended before its first item".to_owned());
            }
            None => {}
        }
        error.map(Err)
    }
}

impl Stream for Echo {
    type Item = Result<Tick, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((ticks, _)) = &mut self.ticks else {
            return Poll::Ready(self.end(None));
        };
        let next = ready!(Pin::new(ticks).poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(tick)) => Some(Ok(self.took(&tick))),
            Some(Err(error)) => self.end(Some(error)),
            None => self.end(None),
        })
    }
}

/// How a consumer came to its end.
pub enum Ended {
    /// The stream is complete.
    Complete,
    /// It has failed.
    Failed(CallError),
    /// The consumer does not want more.
    Left,
}

/// Consumes a stream as it is told to.
pub async fn consume(hand: &Hand, ticks: &mut Streaming<Tick>, flow: Flow) -> Ended {
    let mut taken = 0;
    loop {
        if flow.left_after == Some(taken) {
            return Ended::Left;
        }
        match ticks.next().await {
            Some(Ok(tick)) => hand.consumed(tick.call, tick.number),
            Some(Err(error)) => {
                hand.has_failed(&error);
                return Ended::Failed(error);
            }
            None => {
                hand.is_complete();
                return Ended::Complete;
            }
        }
        taken += 1;
        if flow.slow_millis > 0 {
            sleep(drawn_pause(flow.slow_millis)).await;
        }
    }
}

fn drawn_pause(most: u32) -> Duration {
    Duration::from_millis(fastrand::u32(..=most).into())
}
