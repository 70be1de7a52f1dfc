//! `idl list`: what can be called at an address, or what a nameserver knows.

use crate::reach::{Reach, entries, node};
use crate::remote::Remote;

/// A line for each export.
pub(crate) async fn list(address: Option<&str>, reach: &Reach) -> Result<String, String> {
    let is_wanted = |instance: &str| reach.instance.as_ref().is_none_or(|wanted| wanted == instance);
    let rows: Vec<Vec<String>> = match address {
        Some(address) => {
            let exports = Remote::new(address, reach).await?.exports().await?.into_iter();
            let exports = exports.filter(|export| is_wanted(&export.instance));
            exports.map(|export| vec![export.interface, export.instance]).collect()
        }
        None => {
            let entries = entries(&node(None).await?, reach).await?;
            let entries = entries.iter().filter(|entry| is_wanted(&entry.instance));
            entries
                .map(|entry| vec![entry.interface.clone(), entry.instance.clone(), entry.endpoints.join(" ")])
                .collect()
        }
    };
    match rows.is_empty() {
        true => Ok("nothing is exported\n".to_owned()),
        false => Ok(table(&rows)),
    }
}

/// Columns of equal width, two blanks apart.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        cells.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
