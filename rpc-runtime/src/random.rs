//! Where identities come from: incarnations, tokens, names that nobody may guess or meet twice.

use uuid::Uuid;

/// 122 random bits of the system's.
#[cfg(not(verify))]
pub fn identity() -> Uuid {
    Uuid::new_v4()
}

/// Bits of the thread's generator, which a simulation seeds: the same seed gives the same identities.
#[cfg(verify)]
pub fn identity() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_le_bytes()).into_uuid()
}
