//! Keeping leases: renewing what is due, and registering again what has expired (R22).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lease::Return;
use super::{CHANGE_TIMEOUT, Shared};
use crate::directory::nameserver::{Nameserver, NameserverClient, NameserverError};
use crate::within;

/// Registering again may take so long, then it is tried again; renewals wait meanwhile.
const RETURN_TIMEOUT: Duration = Duration::from_secs(2);

impl Shared {
    /// Renews what is due, with one call for up to a thousand registrations.
    pub(super) async fn renew(&self, client: &NameserverClient) {
        loop {
            let sent = Instant::now();
            let (due, patience) = {
                let table = self.table();
                let due = table.leases.due_renewals(sent);
                (due.clone(), table.leases.patience(&due))
            };
            if due.is_empty() {
                return;
            }
            let epochs = due.iter().map(|(_, epoch)| *epoch).collect();
            let renewals = within(patience, client.ns_renew(epochs)).await;
            let mut table = self.table();
            match renewals {
                Ok(renewals) => {
                    for ((name, epoch), renewal) in due.iter().zip(renewals) {
                        table.leases.renewed(name, *epoch, renewal, sent);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "leases could not be renewed");
                    let now = Instant::now();
                    for (name, epoch) in &due {
                        table.leases.not_renewed(name, *epoch, now, fastrand::u32(..));
                    }
                    return;
                }
            }
        }
    }

    /// Registers again what has expired.
    pub(super) async fn come_back(self: Arc<Self>, client: NameserverClient, back: Return) {
        let asked = Instant::now();
        let Return { registration, token, after, .. } = back.clone();
        match within(RETURN_TIMEOUT, client.ns_register(registration, token, Some(after))).await {
            Ok(lease) => {
                if self.table().leases.returned(&back, lease.epoch, asked) {
                    tracing::info!(name = %back.name, epoch = lease.epoch.number, "registered again: it had expired");
                } else if let Err(error) = within(CHANGE_TIMEOUT, client.ns_unregister(lease.epoch)).await {
                    tracing::warn!(%error, name = %back.name, "could not be taken back; it will run out");
                }
            }
            Err(error) => {
                let refusal = if let NameserverError::Refused(refusal) = &error { Some(refusal) } else { None };
                tracing::debug!(%error, name = %back.name, "could not be registered again");
                self.table().leases.not_returned(&back, refusal, Instant::now(), fastrand::u32(..));
            }
        }
    }
}
