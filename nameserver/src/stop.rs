//! The signals that end a process: Ctrl-C and SIGTERM.

/// Waits for a signal that ends the process.
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// From now on SIGTERM does not end the process by itself. Needs a tokio runtime.
    pub fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self { terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())? });
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for one, and says which.
    pub async fn wait(&mut self) -> &'static str {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
            "Ctrl-C"
        }
    }
}
