//! Costs by level, beside those of the first level and of bare sockets.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};

use super::cost::{Cost, Level, Measured, Way};
use crate::goal::thousands;

/// A cost is called flat up to this ratio.
const FLAT: f64 = 1.10;

type Side = fn(&Cost) -> f64;
const SIDES: [(&str, Side); 2] = [("server", |cost| cost.server), ("client", |cost| cost.client)];

/// The costs of `levels`, the first of which is what the others are compared with; `raw` has levels with as many
/// connections.
pub(super) fn of(measured: &Measured, levels: &[Level], raw: &[Level]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "sessions",
        "exports",
        "calls",
        "side",
        "µs a call",
        "× of one",
        "raw sockets: µs",
        "× of one",
        "flat",
    ]);
    for (way, name) in [
        (Way::OneSession, "on one session"),
        (Way::OneSessionDeep, "on one, 32 in flight"),
        (Way::InTurn, "on all in turn"),
    ] {
        for (level, raw_level) in levels.iter().zip(raw) {
            for (side, of) in SIDES {
                let pair = |level: Level, one: Level| {
                    Some((measured.cost(level, way, of)?, measured.ratio(level, one, way, of)?))
                };
                let (Some(ours), Some(floor)) = (pair(*level, levels[0]), pair(*raw_level, raw[0])) else { continue };
                let [micros, ratio, raw_micros, raw_ratio] = [
                    format!("{:.2}", ours.0),
                    format!("{:.2}", ours.1),
                    format!("{:.2}", floor.0),
                    format!("{:.2}", floor.1),
                ];
                let counts = [level.sessions, level.exports].map(|count| thousands(count as f64));
                let [sessions, exports] = counts;
                let flat = is_flat(way, ours, floor).to_owned();
                table.add_row([
                    sessions,
                    exports,
                    name.to_owned(),
                    side.to_owned(),
                    micros,
                    ratio,
                    raw_micros,
                    raw_ratio,
                    flat,
                ]);
            }
        }
    }
    for column in [0, 1, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Whether a cost and its ratio are flat. Where caches are cold, what bare sockets lose by that is taken off.
fn is_flat(way: Way, (micros, ratio): (f64, f64), (raw_micros, raw_ratio): (f64, f64)) -> &'static str {
    let one = micros / ratio;
    let more = micros - one;
    let raw_more = raw_micros - raw_micros / raw_ratio;
    if ratio <= FLAT {
        "yes"
    } else if way == Way::InTurn && more - raw_more.max(0.0) <= one * (FLAT - 1.0) {
        "as raw sockets"
    } else {
        "NO"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one session only the ratio counts; in turn, bare sockets' loss in microseconds is taken off.
    #[test]
    fn flat_is_said_by_way() {
        assert_eq!(is_flat(Way::OneSession, (10.9, 1.09), (5.0, 1.0)), "yes");
        assert_eq!(is_flat(Way::OneSession, (11.2, 1.12), (6.0, 1.2)), "NO");
        assert_eq!(is_flat(Way::InTurn, (15.0, 1.5), (9.5, 1.9)), "as raw sockets");
        assert_eq!(is_flat(Way::InTurn, (15.0, 1.5), (8.0, 1.6)), "NO");
    }
}
