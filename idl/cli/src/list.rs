//! `idl list`: what can be called at an address, or what a nameserver knows.

use crate::reach::{Reach, entries, node};
use crate::remote::Remote;
use idl::descriptor::MethodDescriptor;

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

/// A line for each method of an interface that is exported at an address or under a name.
pub(crate) async fn methods(address: &str, interface: &str, reach: &Reach) -> Result<String, String> {
    let remote = Remote::new(address, reach).await?;
    let interfaces = remote.interfaces(Some(interface)).await;
    remote.close().await;
    let mut rows = Vec::new();
    for interface in interfaces? {
        let row = |method: &MethodDescriptor| {
            let taken = message(method.client_streaming, &method.input_type);
            let given = message(method.server_streaming, &method.output_type);
            vec![format!("{}/{}", interface.name(), method.name), format!("({taken}) returns ({given})")]
        };
        rows.extend(interface.file().service.iter().flat_map(|service| &service.method).map(row));
    }
    match rows.is_empty() {
        true => Ok("it has no methods\n".to_owned()),
        false => Ok(table(&rows)),
    }
}

/// A message as a `.proto` names it.
fn message(streams: bool, name: &str) -> String {
    let stream = if streams { "stream " } else { "" };
    format!("{stream}{}", name.trim_start_matches('.'))
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
