//! The rules of the protocol, as state machines: input in, outputs out. Nothing here reads a clock, draws a random
//! value, does I/O or names an executor; time and identity come in as values. The same code runs in production,
//! in simulation and under a model checker.
//!
//! Code and tests cite the rules by the numbers that they have here. Rules R20–R25 and R32 are about finding exporters,
//! and stand in [`directory`](crate::directory).
//!
//! # Names
//!
//! A call is named by the callee's incarnation, the session, a slot and a sequence number; how often it was sent is no part
//! of its name. An *incarnation* is 128 random bits and compared for equality only; an *epoch* is given out by a nameserver
//! and compared for order only. A slot carries one unresolved call at a time. The number comes from one counter for the
//! whole session and is drawn after the slot was taken, so it rises on every slot, and no pair of slot and number ever
//! names two calls.
//!
//! # The table
//!
//! For every slot the callee keeps the last call made on it, and what became of that. A call that arrives meets the first
//! row that fits. Rows 1–3 are checked when a connection opens or attaches a session, the others for each recorded call;
//! a slot that was not granted, or the number 0, closes the connection.
//!
//! | row | the call | its answer | runs |
//! | --- | --- | --- | --- |
//! | 1 | is for another incarnation | `WrongIncarnation` | no |
//! | 2 | is of no open session | `UnknownSession`; nothing is made of it | no |
//! | 3 | comes with another token | `Fenced` | no |
//! | 4 | is older than the slot's last | `Stale` | no |
//! | 5 | is the last and in progress | `Working`; the reply comes by itself | no |
//! | 6 | is the last, and ended or refused | the stored reply or refusal | no |
//! | 7 | is the last, and its reply is not kept | `ReplyLost` | no |
//! | 8 | is newer, and the last is in progress | `SlotBusy`; its number stays unused | no |
//! | 9 | is newer | it becomes the last, in one step with row 10 | see 10 |
//! | 10 | may not run: withdrawn, draining, late, no room, no such method, undecodable | `Refused`, recorded | no |
//! | 11 | may run | its reply, recorded first | once |
//!
//! # Rules
//!
//! Sessions and connections:
//!
//! - R1 A session is no connection. It is attached by one connection after another, of whatever transport, never by two at
//!   once.
//! - R2 Only `Hello` makes a session; a repeated one makes another, unused, which expires.
//! - R3 No call is sent before `Welcome` or `Attached` has come.
//! - R4 A session outlives silence for its lease, which every valid frame renews. Each side measures on its own clock, and the
//!   callee waits 1 % longer, and reads what has arrived before it lets a lease end. A session that has ended starts nothing
//!   more, queued calls included, and is never attached again; until its last handler has ended, the callee says that one is
//!   running.
//! - R5 A call is sent again only after its connection was lost, never twice on one connection.
//! - R26 The first frame binds a connection for ever. `Attach` takes a session from its old connection in one step with the
//!   table, and so does its end: from then on a frame of the old one runs, records, acknowledges and renews nothing, and
//!   closes it.
//! - R27 Each `Attach` that a caller sends has a larger number than all before, and the callee accepts only a larger one;
//!   otherwise nothing changes. After `Attached`, before any new call, the caller sends each unresolved call once more,
//!   unchanged; of one that was given up, only the cancel.
//! - R28 Handlers and results belong to the session: a lost connection ends no handler and loses no recorded result. An
//!   answer goes to the connection that the session has now, and is matched by slot and number; if nothing matches, it is
//!   dropped.
//! - R18 The sessions of an owner's earlier lives end when its new life proves itself, by its first frame after `Welcome`.
//!
//! - R33 A caller that speaks gRPC has no connection of its own: it names session and call with each call, and rows 1–3 are
//!   checked each time. Its calls may come on many streams at once; the answer goes to the newest stream of a call, and older ones
//!   are told `Superseded`. A lost stream is no cancel. A stream of items that comes back is not recorded: once it is open, it ends
//!   when its HTTP/2 stream is lost or superseded, and its record is that its reply is lost (row 7), or the error it ended with. Items of
//!   the caller's are taken from the HTTP/2 stream that the call came on first.
//!
//! Records:
//!
//! - R6 A repeated call is answered from its record before anything else is asked, even whether the export is still there.
//! - R7 A handler that is dropped or panics has ended: that is recorded as a fault, and the call does not run again.
//! - R8 Errors and faults are replies and are stored like values.
//! - R9 A reply is forgotten when a later recorded call comes on its slot, when it is acknowledged, and with its session;
//!   never to make room, never in progress. An ack counts only if it names the slot's last call, and that has ended. It drops
//!   the reply and nothing else: what the last number was, and that its call ended, is known as long as the session lives.
//!   A caller acknowledges the replies of slots that it does not use again, and once more on each new connection, since an
//!   ack can be lost.
//! - R10 A refusal uses its number. Otherwise a late copy could run after its caller was told that it never will.
//! - R11 Sessions, slots and replies together have a bound, counted when they are granted or reserved; so a verdict can always
//!   be recorded. As the bound comes near, in this order: sessions get fewer slots; higher slots rest; large replies are
//!   sent once and not kept; new calls are refused; new sessions are refused. A session that has no connection, and on which no
//!   call came, remembers nothing: it ends early where memory is scarce.
//! - R30 What row 10 asks is asked again when a queued call's turn comes. Neither side stops reading because it cannot write.
//!
//! Verdicts:
//!
//! - R12 Every failure says whether the call ran: never, completed, or unknown. *Never* is a promise about the future too.
//! - R13 A deadline that passes is a deadline error. The default is 30 s; "for ever" has to be written.
//! - R14 A call made inside a handler inherits what is left of that handler's deadline.
//! - R15 A deadline travels as `start_before`, a point on the callee's clock, which the callee's frames carry. The callee
//!   starts nothing later; that the point has passed is no verdict by itself. A call refused as late is made anew while its
//!   deadline allows.
//! - R16 A caller that gives up sends `Cancel`, once on each connection, and the slot stays taken until the verdict. A call
//!   that was not seen or did not start never will; one that runs is signalled, and its real end is the verdict; of one that
//!   ended, only that is told; one older than the slot's last is ignored. A call of which no byte was handed over is
//!   just taken back.
//! - R29 `Working`, `Stale`, `SlotBusy`, and the rejection of a session, never mean *never* for a call that may have been sent.
//!   `Stale` or `SlotBusy` for an unresolved call is a defect of the caller's: it gives up the session.
//! - R31 A callee that leaves refuses new calls, then says a final `Goodbye` with the last call of each slot, after its last
//!   start and end; from that follows a verdict for each unresolved call. That a call does not run any more is known from
//!   this message, or from `UnknownSession` with `running: false`, and from nothing else.
//! - R17 No call in flight follows a binding to another incarnation. An exporter whose epoch is lower than one seen before is
//!   not called.
//!
//! Calls without a record: idempotent and one-way methods carry a mark, and the table never sees them; a plain method
//! called with the mark is refused. Each attempt is answered by itself, so that one refusal of several attempts is no
//! *never*, and a cancel is a hint without a verdict.
//!
//! Streams: what a method takes, or gives, as items one after the other.
//!
//! - R35 A stream is opened by one recorded call, at most once, and its items name that call. The record is in progress, and
//!   the slot taken, until the call has its answer: where items come back, when their end was acknowledged. The answer ends
//!   the streams of both directions; where an end has not come before it, that stream ends with an error, never as if it
//!   were complete.
//! - R36 Items are numbered from 1, and so is the end behind them. A producer is asked for an item while less than a window
//!   of its items is not acknowledged; who sends more is cut off. A caller sends none before the callee has said that it
//!   takes them.
//! - R37 Items are acknowledged when the application has consumed them: the end at once, what is before it in steps, which
//!   are smaller where the application waits for more. The connection is read all the same, so that a slow consumer holds
//!   up nothing but its own stream.
//! - R38 Items that are not acknowledged are kept. After an attach each receiver says how far it has come, the caller behind
//!   the resent opening and the callee in answer to it, and its sender goes on behind that. What comes twice is dropped, a
//!   gap closes the connection. If the session ends, the streams of both sides end with an error.
//! - R39 A consumer that goes away stops its producer: the callee's says so, the caller's cancels the call. A producer that
//!   fails, or panics, ends its stream with that error.
//! - R40 A deadline bounds the opening: it holds until the callee has taken up the call, or has opened what comes back. A
//!   result that follows a caller's stream has the same time again from that stream's end.
//!
//! # Invariants
//!
//! What must hold in every run. The walk through a bad network checks those with a star, I22 in a walk of its own; the model
//! under `verify/model` checks all but I11, in every state of small worlds: I22 in worlds with one stream.
//!
//! - I1\* A recorded call starts at most once.
//! - I2\* After the verdict *never* there was no start, and there will be none.
//! - I3\* An accepted reply is the result of that very call.
//! - I4\* After the verdict *completed* the call had ended.
//! - I5 A call starts only in the incarnation that it names.
//! - I6\* A call starts only in an open session.
//! - I7\* No call starts while it is in progress.
//! - I8 A record is forgotten only as R9 says.
//! - I9\* What is kept never exceeds its bound, and all of it is given back in the end.
//! - I10 A slot has one unresolved call, and its numbers rise.
//! - I11 A plain call goes to a second exporter only after *never*.
//! - I12\* No call starts after its `start_before`.
//! - I13\* A cancel's *never* is one as in I2.
//! - I14\* No call starts in a session that another took the place of.
//! - I15 A stored reply goes only to the session that it belongs to.
//! - I16\* The verdict that is told is the least certain of those of all attempts.
//! - I20\* When the link heals and both sides live, every call gets its verdict, and no slot is lost.
//! - I21\* After "does not run any more" and after the final `Goodbye`, nothing starts and nothing ends.
//! - I22\* A stream's items are consumed once and in order, and its end after the last of them, or it ends with an error.
//!
//! # What keeps which rule
//!
//! | here | rules |
//! | --- | --- |
//! | [`table`], [`activity`] | rows 4–11; R6–R10, R15, R16, R30; I1, I2, I7, I8, I12, I13 |
//! | [`session`] | R1, R4, R26–R28, R31; I6, I14, I15, I21; calls without a record |
//! | [`room`], [`budget`] | R11; I9 |
//! | [`lease`] | R4 |
//! | [`stream`] | R36–R38 |
//! | [`caller`] | R5, R9 (acks), R11 (resting slots), R16, R27–R29, R31; I3, I10, I16, I20 |
//! | [`time`] | R15 |
//! | [`frame`], [`control`], [`id`] | what the rules' words look like on the wire |
//!
//! The rest is kept by what drives these machines: rows 1–3, R2 and R18 by the node's callee side (`server.rs`), R3, R17
//! and I5 by the dialling of a link (`dial.rs`, `link.rs`), R12–R14 and I11 by calls and their errors (`link.rs`,
//! `error.rs`, `context.rs`), R35, R39 and R40 by what carries streams (`streaming/carried.rs`, `link/streams.rs`,
//! `served/streams.rs`).

pub mod activity;
pub mod backoff;
pub mod budget;
pub mod caller;
pub mod control;
pub mod frame;
pub mod id;
pub mod lease;
pub mod room;
pub mod session;
pub mod stream;
pub mod table;
pub mod time;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod walk;
