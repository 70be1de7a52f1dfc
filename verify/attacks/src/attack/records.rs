//! A caller that never acknowledges a reply, over many sessions: the records stay within their budget, new work is
//! refused, and nothing that was promised is forgotten to make room: every call is answered again as before, and none
//! runs twice.

use std::collections::HashMap;

use rpc_runtime::protocol::control::Welcome;
use rpc_runtime::protocol::frame::Status;

use super::Scale;
use crate::Failure;
use crate::good::import;
use crate::process::Process;
use crate::raw::{Raw, call};
use crate::report::Figure;
use crate::victim::{KEYS_MAX, Settings, Victim};

/// The default budget.
const BUDGET: u64 = 256 << 20;
/// The largest reply for which a session has room by right, but for its message's own bytes.
const REPLY_BYTES: u64 = 1000;
/// A larger one, kept while there is room.
const LARGE_BYTES: u64 = 100_000;
/// What a connection may cost beside the records.
const CONNECTION_BYTES: u64 = 12 << 10;

/// A session of the attacker's, with the answers that it got.
struct Attacker {
    raw: Raw,
    welcome: Welcome,
    first_key: u64,
    answers: HashMap<u64, (Status, usize)>,
}

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let budget = scale.pick(BUDGET / 10, BUDGET);
    let victim = Process::start(&Settings { record_bytes_max: Some(budget), ..Settings::default() }).await?;
    let counts = import(victim.address()).await?;
    let (mut honest, welcome) = Raw::hello(victim.address()).await?;
    let honest_call = call(0, 1, "Note", &[0, REPLY_BYTES, 0]);
    honest.send(&honest_call).await?;
    let honest_reply = honest.answer().await?;
    let memory = victim.forget_peak()?;

    // Until no session is to be had, or nothing more is kept.
    let mut attackers = Vec::new();
    let mut refused = 0;
    let mut sessions_refused = 0;
    let mut next_key = 1;
    while sessions_refused == 0 && next_key + 1024 < KEYS_MAX {
        let Ok((raw, welcome)) = Raw::hello(victim.address()).await else {
            sessions_refused += 1;
            continue;
        };
        let slots = welcome.slots;
        let mut attacker = Attacker { raw, welcome, first_key: next_key, answers: HashMap::new() };
        next_key += u64::from(slots);
        attacker.make_calls().await?;
        refused += attacker.answers.values().filter(|(status, _)| *status == Status::Refused).count() as u64;
        attackers.push(attacker);
    }
    let grown = victim.memory_peak()?.saturating_sub(memory + attackers.len() as u64 * CONNECTION_BYTES);

    // Everything again, on new connections.
    let mut again = Raw::attach(victim.address(), &welcome, 1).await?;
    again.send(&honest_call).await?;
    let unanswered = u64::from(again.answer().await?.body != honest_reply.body);
    let mut changed = 0;
    for attacker in &mut attackers {
        let before = std::mem::take(&mut attacker.answers);
        attacker.raw = Raw::attach(victim.address(), &attacker.welcome, 1).await?;
        attacker.make_calls().await?;
        let differs = |(key, answer): (&u64, &(Status, usize))| !is_same(before.get(key), answer);
        changed += attacker.answers.iter().filter(|entry| differs(*entry)).count() as u64;
    }
    let calls = next_key - 1;
    Ok(vec![
        Figure::bytes(format!("growth by {calls} calls, beside their connections"), grown, budget),
        Figure::enough("new calls refused", refused, 1),
        Figure::enough("new sessions refused", sessions_refused, 1),
        Figure::count("honest retries not answered from the record", unanswered, 0),
        Figure::count("repeated calls whose answer was another", changed, 0),
        Figure::count("calls that ran twice", counts.count().await?.doubles, 0),
    ])
}

/// Whether a repeated call's answer says what the first one said. A large reply that was sent once is not kept.
fn is_same(before: Option<&(Status, usize)>, now: &(Status, usize)) -> bool {
    match before {
        Some((Status::Value, bytes)) if *bytes as u64 > REPLY_BYTES + 100 => {
            now.0 == Status::ReplyLost || Some(now) == before
        }
        _ => Some(now) == before,
    }
}

impl Attacker {
    /// Makes a call on each slot, or makes them again, and reads the answers without acknowledging any.
    async fn make_calls(&mut self) -> Result<(), Failure> {
        for slot in 0..self.welcome.slots {
            let key = self.first_key + u64::from(slot);
            let bytes = if slot % 8 == 7 { LARGE_BYTES } else { REPLY_BYTES };
            self.raw.send(&call(slot, u64::from(slot) + 1, "Note", &[key, bytes, 0])).await?;
            let answer = self.raw.answer().await?;
            self.answers.insert(key, (answer.header.status, answer.body.len()));
        }
        Ok(())
    }
}
