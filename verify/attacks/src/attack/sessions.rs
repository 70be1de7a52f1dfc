//! Sessions that are opened and left alone, until no more are to be had: a new caller gets in all the same.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Scale;
use crate::Failure;
use crate::good::import;
use crate::process::Process;
use crate::raw::Raw;
use crate::report::Figure;
use crate::victim::{Settings, Victim};

/// The default budget.
const BUDGET: u64 = 256 << 20;

pub(super) async fn attack(scale: Scale) -> Result<Vec<Figure>, Failure> {
    let settings = Settings { record_bytes_max: Some(scale.pick(BUDGET / 10, BUDGET)), ..Settings::default() };
    let victim = Process::start(&settings).await?;
    let mut opened = 0;
    while Raw::hello(victim.address()).await.is_ok() && opened < 100_000 {
        opened += 1;
    }
    let begun = Instant::now();
    let served = loop {
        match import(victim.address()).await {
            Ok(stub) => {
                stub.count().await?;
                break begun.elapsed();
            }
            Err(_full) if begun.elapsed() < Duration::from_secs(20) => sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error),
        }
    };
    let what = format!("a new caller is served, after {opened} unused sessions");
    Ok(vec![Figure::time(what, served, Duration::from_secs(2))])
}
