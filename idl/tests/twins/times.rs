//! Lengths of time and points in time.

use super::twins;
use idl::from_slice;
use prost::Message as Twin;
use rpc_macros::Message;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, PartialEq, Message)]
#[rpc(crate = "::idl")]
struct Times {
    duration: Duration,
    time: SystemTime,
    times: Vec<SystemTime>,
    maybe: Option<Duration>,
}

#[derive(Clone, PartialEq, Twin)]
struct TimesTwin {
    #[prost(message, optional, tag = "1")]
    duration: Option<prost_types::Duration>,
    #[prost(message, optional, tag = "2")]
    time: Option<prost_types::Timestamp>,
    #[prost(message, repeated, tag = "3")]
    times: Vec<prost_types::Timestamp>,
    #[prost(message, optional, tag = "4")]
    maybe: Option<prost_types::Duration>,
}

/// Times, also before 1970, where seconds are rounded down.
#[test]
fn times() {
    let early = UNIX_EPOCH - Duration::new(2, 250_000_000);
    let whole = UNIX_EPOCH - Duration::from_secs(2);
    let late = UNIX_EPOCH + Duration::new(1_700_000_000, 1);
    let stamp = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
    twins(
        Times {
            duration: Duration::new(5, 999_999_999),
            time: early,
            times: vec![UNIX_EPOCH, whole, late],
            maybe: Some(Duration::ZERO),
        },
        TimesTwin {
            duration: Some(prost_types::Duration { seconds: 5, nanos: 999_999_999 }),
            time: Some(stamp(-3, 750_000_000)),
            times: vec![stamp(0, 0), stamp(-2, 0), stamp(1_700_000_000, 1)],
            maybe: Some(prost_types::Duration::default()),
        },
    );
}

/// What `Duration` and `SystemTime` cannot hold is an error, not another time.
#[test]
fn impossible_times_are_refused() {
    let read = |seconds, nanos| {
        let duration = Some(prost_types::Duration { seconds, nanos });
        let time = Some(prost_types::Timestamp { seconds: 0, nanos: 0 });
        let twin = TimesTwin { duration, time, ..Default::default() };
        from_slice::<Times>(&twin.encode_to_vec()).map_err(|error| error.to_string())
    };
    assert!(read(1, 0).is_ok());
    let negative = read(-1, 0).unwrap_err();
    assert_eq!(negative, "duration: the number is out of range for a duration, which is never negative");
    for nanos in [-1, 1_000_000_000] {
        let error = read(1, nanos).unwrap_err();
        assert_eq!(error, "duration: the number is out of range for nanoseconds");
    }
}
