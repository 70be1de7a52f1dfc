//! Lengths of time and points in time, as Google's messages of seconds and nanoseconds.

use crate::{DecodeError, DecodeFault, EncodeError, Message, Reader, Registry, Shape, WellKnown, Wire, Writer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// Writes `int64 seconds = 1; int32 nanos = 2`.
fn encode_fields(seconds: i64, nanos: u32, out: &mut Writer) {
    for (tag, number) in [(1, seconds as u64), (2, nanos.into())] {
        if number != 0 {
            out.key(tag, Wire::Varint);
            out.varint(number);
        }
    }
}

/// Reads `int64 seconds = 1; int32 nanos = 2`, with nanoseconds within a second.
fn decode_fields(before: (i64, u32), r: &mut Reader<'_>) -> Result<(i64, u32), DecodeError> {
    let (mut seconds, mut nanos) = before;
    while let Some((tag, wire)) = r.next_field()? {
        match tag {
            1 => {
                wire.expect(Wire::Varint)?;
                seconds = r.varint()? as i64;
            }
            2 => {
                wire.expect(Wire::Varint)?;
                nanos = u32::try_from(r.varint()?)
                    .ok()
                    .filter(|nanos| *nanos < NANOS_PER_SECOND)
                    .ok_or(DecodeFault::OutOfRange("nanoseconds"))?;
            }
            _ => r.skip(wire)?,
        }
    }
    Ok((seconds, nanos))
}

/// A length of time beyond 2⁶³ seconds cannot be written.
impl Message for Duration {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_fields(&self, out: &mut Writer) {
        match i64::try_from(self.as_secs()) {
            Ok(seconds) => encode_fields(seconds, self.subsec_nanos(), out),
            Err(_) => out.refuse(EncodeError::OutOfRange("a duration")),
        }
    }

    fn decode_fields(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let before = before.unwrap_or_default();
        // It was read from an i64 or is zero.
        let before = (before.as_secs() as i64, before.subsec_nanos());
        let (seconds, nanos) = decode_fields(before, r)?;
        match u64::try_from(seconds) {
            Ok(seconds) => Ok(Self::new(seconds, nanos)),
            Err(_) => Err(DecodeFault::OutOfRange("a duration, which is never negative").into()),
        }
    }

    fn absent() -> Option<Self> {
        Some(Self::ZERO)
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::WellKnown(WellKnown::Duration)
    }
}

/// The distance to 1970: seconds rounded down, so that the nanoseconds are never negative.
fn since_epoch(time: SystemTime) -> Option<(i64, u32)> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Some((i64::try_from(after.as_secs()).ok()?, after.subsec_nanos())),
        Err(error) => {
            let before = error.duration();
            let seconds = 0_i64.checked_sub_unsigned(before.as_secs())?;
            match before.subsec_nanos() {
                0 => Some((seconds, 0)),
                nanos => Some((seconds.checked_sub(1)?, NANOS_PER_SECOND - nanos)),
            }
        }
    }
}

impl Message for SystemTime {
    const WIRE: Wire = Wire::Len;

    fn encode(&self, tag: u32, out: &mut Writer) {
        out.field(tag, self);
    }

    fn encode_fields(&self, out: &mut Writer) {
        match since_epoch(*self) {
            Some((seconds, nanos)) => encode_fields(seconds, nanos, out),
            None => out.refuse(EncodeError::OutOfRange("a point in time")),
        }
    }

    fn decode_fields(before: Option<Self>, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let before = before.and_then(since_epoch).unwrap_or_default();
        let (seconds, nanos) = decode_fields(before, r)?;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        time.and_then(|time| time.checked_add(Duration::from_nanos(nanos.into())))
            .ok_or_else(|| DecodeFault::OutOfRange("a point in time").into())
    }

    fn absent() -> Option<Self> {
        Some(UNIX_EPOCH)
    }

    fn describe(_: &mut Registry) -> Shape {
        Shape::WellKnown(WellKnown::Timestamp)
    }
}
