//! What happens to one connection.

use std::time::Duration;

use fastrand::Rng;

/// The fewest and the most bytes that pass before something happens, beside a handshake. Each order of magnitude is
/// as likely as the next.
const BYTES_MIN: f64 = 20.0;
const BYTES_MAX: f64 = 60_000.0;
/// A handshake takes more bytes than this, in either direction.
const HANDSHAKE_BYTES: usize = 40;
/// The longest time by which pieces are delayed.
const DELAY_MAX: Duration = Duration::from_millis(40);

/// What happens to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Spared,
    /// It is cut within the handshake.
    CutEarly { up: usize, down: usize },
    /// It is cut after so many bytes of the caller, or so many of the exporter.
    Cut { up: usize, down: usize },
    /// Each piece waits for a while; after so many bytes of the caller it is cut.
    Delay { up: usize, pause: Duration },
    /// After so many bytes of the exporter, further ones are swallowed while the caller's still get through; then it
    /// is cut.
    Swallow { down: usize },
    /// After so many bytes of the caller, further ones are held and the caller is cut off. The exporter gets what was
    /// held once the session is attached to a later connection.
    LateToExporter { up: usize },
    /// After so many bytes of the exporter, further ones are held while the caller's still get through. The caller
    /// gets what was held once the session is attached to a later connection.
    LateToCaller { down: usize },
}

impl Fate {
    pub(super) fn draw(rng: &mut Rng) -> Fate {
        let mut bytes = || (BYTES_MIN.ln() + rng.f64() * (BYTES_MAX / BYTES_MIN).ln()).exp() as usize;
        let (up, down) = (bytes(), bytes());
        match rng.u8(0..10) {
            0 => Fate::CutEarly { up: up % HANDSHAKE_BYTES + 1, down: down % HANDSHAKE_BYTES + 1 },
            1..4 => Fate::Cut { up, down },
            4 => Fate::Delay { up, pause: DELAY_MAX.mul_f64(rng.f64()) },
            5 | 6 => Fate::Swallow { down },
            7 | 8 => Fate::LateToExporter { up },
            _ => Fate::LateToCaller { down },
        }
    }
}
