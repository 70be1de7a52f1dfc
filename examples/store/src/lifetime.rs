//! When a program ends: when it is asked to, or when the program that started it is no more.
//!
//! The runner sets [`PARENT`] for its children. Should it be killed, nobody else would end them; so they look whether they still
//! have the same parent. That works on every Unix, and needs neither signals nor `unsafe`.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Environment variable with the process id of the runner.
pub const PARENT: &str = "STORE_APP_PARENT";

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Returns when the program should end: SIGINT, SIGTERM, or the runner has gone.
pub async fn ended() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Waits for whichever comes first; each of the three ends it.
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = orphaned() => {}
    }
    Ok(())
}

/// Returns when the runner has gone; never if there is none.
async fn orphaned() {
    let parent = std::env::var(PARENT).ok().and_then(|parent| parent.parse::<u32>().ok());
    let Some(parent) = parent else {
        return std::future::pending().await;
    };
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
