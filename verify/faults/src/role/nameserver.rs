//! A nameserver with a store on disk.

use nameserver::Options;

use crate::Failure;
use crate::settings::NameserverSettings;

pub(super) async fn play(settings: NameserverSettings) -> Result<(), Failure> {
    let running = nameserver::start(Options { listen: settings.listen, data: settings.data }).await?;
    super::ready(&running.endpoints().concat())?;
    Ok(running.run().await?)
}
