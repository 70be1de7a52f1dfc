//! The streams of one call within a session, on either side: between what produces and consumes their items and the
//! connection that the session has now.
//!
//! It has a lock of its own, which is taken under that of the link or the served session, and under which that of the
//! connection's outbox is. Wakers are called after it.

use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::items::{COPIED_BYTES_MAX, Item, Items, fault};
use crate::error::CallError;
use crate::outbox::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::control::FaultKind;
use crate::protocol::frame::{Frame, ITEM_HEADER_BYTES, Item as Sent, LENGTH_BYTES, Status, Way};
use crate::protocol::id::CallId;
use crate::protocol::stream::{Position, Receiving, Sending, Violation};
use crate::sync::{Mutex, MutexGuard};

/// The streams of one call.
#[derive(Debug)]
pub(crate) struct Carried {
    /// Which way this side sends.
    way: Way,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    attached: Option<Attached>,
    /// The largest frame that the peer reads, as soon as there is one.
    frame_bytes_max: usize,
    sending: Option<Sending<Element>>,
    /// Who produces, and waits for room, or for the end to be acknowledged.
    producer: Option<Waker>,
    receiving: Option<Receiving<Element>>,
    /// Who consumes, and waits for an item.
    consumer: Option<Waker>,
    /// Why nothing more comes or goes.
    over: Option<CallError>,
}

/// An item, or by which status the stream ended.
type Element = (Option<Status>, Bytes);

/// Where items go at present, and under which name.
#[derive(Debug)]
struct Attached {
    id: CallId,
    outbox: Arc<Outbox>,
}

impl Carried {
    /// The streams of a call that this side makes.
    pub(crate) fn of_caller(sends: bool, receives: bool) -> Carried {
        // The callee says when it takes items (R36).
        Carried::new(Way::Up, sends.then(|| Sending::new(false)), receives)
    }

    /// The streams of a call that this side runs.
    pub(crate) fn of_callee(sends: bool, receives: bool) -> Carried {
        Carried::new(Way::Down, sends.then(|| Sending::new(true)), receives)
    }

    fn new(way: Way, sending: Option<Sending<Element>>, receives: bool) -> Carried {
        let receiving = receives.then(Receiving::default);
        let state = State {
            attached: None,
            frame_bytes_max: usize::MAX,
            sending,
            producer: None,
            receiving,
            consumer: None,
            over: None,
        };
        Carried { way, state: Mutex::new(state) }
    }

    /// Whether this side consumes a stream.
    pub(crate) fn receives(&self) -> bool {
        self.lock().receiving.is_some()
    }

    /// The session has this connection now. `tells`: the peer is to hear how far what it sends has come (R38).
    pub(crate) fn attach(&self, id: CallId, outbox: &Arc<Outbox>, frame_bytes_max: usize, tells: bool) {
        let mut state = self.lock();
        // Also if this side has everything: the peer has to know.
        if let Some(receiving) = state.receiving.as_mut().filter(|_| tells) {
            let frame = match receiving.is_stopped() {
                true if self.way == Way::Down => Frame::Stop(id),
                _ => Frame::ItemAck(self.way, id, receiving.tell()),
            };
            outbox.push(|frames| frames.put(&frame));
        }
        if state.over.is_some() {
            return;
        }
        state.attached = Some(Attached { id, outbox: Arc::clone(outbox) });
        state.frame_bytes_max = frame_bytes_max;
        self.flush(&mut state);
    }

    /// The session has no connection, or another one: nothing goes out until the peer has been heard on it (R38).
    pub(crate) fn detach(&self) {
        let mut state = self.lock();
        state.attached = None;
        if let Some(sending) = &mut state.sending {
            sending.detach();
        }
    }

    /// An item came on the session's connection.
    pub(crate) fn item(&self, item: Sent) -> Result<(), Violation> {
        let Sent { number, end, mut body, .. } = item;
        if body.len() <= COPIED_BYTES_MAX {
            // A slice would keep the whole buffer that it was read into.
            body = Bytes::copy_from_slice(&body);
        }
        let mut state = self.lock();
        if state.over.is_some() {
            return Ok(());
        }
        let Some(receiving) = &mut state.receiving else { return Ok(()) };
        let bytes = body.len();
        let is_new = receiving.item(number, (end, body), bytes, end.is_some())?;
        let consumer = if is_new { state.consumer.take() } else { None };
        drop(state);
        consumer.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The peer says how far it has come.
    pub(crate) fn acknowledge(&self, position: Position) -> Result<(), Violation> {
        let mut state = self.lock();
        let Some(sending) = state.sending.as_mut() else { return Ok(()) };
        let has_room = sending.acknowledge(position)?;
        self.flush(&mut state);
        let producer = if has_room { state.producer.take() } else { None };
        drop(state);
        producer.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The peer is not interested any more in what this side sends.
    pub(crate) fn stop_sending(&self) {
        let mut state = self.lock();
        state.sending = None;
        let producer = state.producer.take();
        drop(state);
        producer.into_iter().for_each(Waker::wake);
    }

    /// Nothing more comes or goes, and why. What has come can still be consumed.
    pub(crate) fn end(&self, why: CallError) {
        let mut state = self.lock();
        state.over.get_or_insert(why);
        state.sending = None;
        state.attached = None;
        let wakers = [state.producer.take(), state.consumer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Takes items from `items` and sends them, each when there is room, up to the end: that `true`. Otherwise nobody is
    /// interested in them any more. `poll` polls them.
    pub(crate) async fn produce(
        &self,
        items: &mut dyn Items,
        mut poll: impl FnMut(&mut dyn Items, &mut Context<'_>) -> Poll<Item>,
    ) -> bool {
        loop {
            let item = poll_fn(|cx| match self.poll_room(cx) {
                Poll::Ready(true) => poll(items, cx).map(Some),
                Poll::Ready(false) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match item.await.map(|item| self.send(item)) {
                None => return false,
                Some(true) => return true,
                Some(false) => {}
            }
        }
    }

    /// Whether the producer is to be asked for an item; false when nobody is interested in it any more. In either case the
    /// task is woken when that changes.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        let Some(has_room) = state.sending.as_ref().map(Sending::has_room) else {
            return Poll::Ready(false);
        };
        remember(&mut state.producer, cx);
        if has_room { Poll::Ready(true) } else { Poll::Pending }
    }

    /// Gives whether it was the end.
    fn send(&self, item: Item) -> bool {
        let mut state = self.lock();
        let bytes_max = state.frame_bytes_max;
        let item = match item {
            Item::Next(body) if ITEM_HEADER_BYTES - LENGTH_BYTES + body.len() > bytes_max => {
                let text = format!(
                    "an item of {} bytes exceeds the receiver's limit of {bytes_max} bytes; raise `frame_bytes_max` in its limits, or send smaller ones",
                    body.len()
                );
                fault(FaultKind::ReplyTooLarge, &text)
            }
            item => item,
        };
        let (end, body) = match item {
            Item::Next(body) => (None, body),
            Item::End(status, body) => (Some(status), body),
            // No producer says so.
            Item::Lost(_) => (Some(Status::Fault), Bytes::new()),
        };
        if let Some(sending) = &mut state.sending {
            let bytes = body.len();
            sending.push((end, body), bytes, end.is_some());
            self.flush(&mut state);
        }
        end.is_some()
    }

    /// Waits until the peer has acknowledged everything: false if it never will.
    pub(crate) async fn delivered(&self) -> bool {
        poll_fn(|cx| {
            let mut state = self.lock();
            match state.sending.as_ref().map(Sending::is_done) {
                None => Poll::Ready(false),
                Some(true) => Poll::Ready(true),
                Some(false) => {
                    remember(&mut state.producer, cx);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Hands over what the connection is to carry.
    fn flush(&self, state: &mut State) {
        let (Some(attached), Some(sending)) = (&state.attached, &mut state.sending) else { return };
        let Attached { id, outbox } = attached;
        let Some(first) = sending.send().map(|(number, element)| sent(*id, number, element)) else { return };
        outbox.push_items(|frames| {
            frames.put_item(self.way, &first);
            while let Some((number, element)) = sending.send() {
                frames.put_item(self.way, &sent(*id, number, element));
            }
        });
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Item> {
        let mut state = self.lock();
        let State { receiving: Some(receiving), attached, .. } = &mut *state else {
            return Poll::Ready(Item::End(Status::Value, Bytes::new()));
        };
        let taken = receiving.take();
        if let Some(Attached { id, outbox }) = attached
            && let Some(position) = receiving.due_acknowledgement(taken.is_none())
        {
            outbox.push(|frames| frames.put(&Frame::ItemAck(self.way, *id, position)));
        }
        match (taken, &state.over) {
            (Some((None, body)), _) => Poll::Ready(Item::Next(body)),
            (Some((Some(status), body)), _) => Poll::Ready(Item::End(status, body)),
            (None, Some(_)) if planted(Bug::LossTakenForEnd) => Poll::Ready(Item::End(Status::Value, Bytes::new())), // M41
            (None, Some(why)) => Poll::Ready(Item::Lost(why.clone())),
            (None, None) => {
                remember(&mut state.consumer, cx);
                Poll::Pending
            }
        }
    }

    /// The consumer has gone: what comes is dropped. A callee says so (R39); a caller cancels its call.
    fn stop_receiving(&self) {
        let mut state = self.lock();
        let State { receiving: Some(receiving), attached, .. } = &mut *state else { return };
        if !receiving.is_stopped() && !receiving.is_consumed() {
            receiving.stop();
            if let Some(Attached { id, outbox }) = attached.as_ref().filter(|_| self.way == Way::Down) {
                outbox.push(|frames| frames.put(&Frame::Stop(*id)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user runs under the lock; what it guards is consistent at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sent(id: CallId, number: u64, (end, body): &Element) -> Sent {
    Sent { id, number, end: *end, body: body.clone() }
}

fn remember(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(known) => known.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

/// What consumes the stream that a peer sends.
#[derive(Debug)]
pub(crate) struct Inbound(pub(crate) Arc<Carried>);

impl Items for Inbound {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        self.0.poll_next(cx)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.0.stop_receiving();
    }
}
