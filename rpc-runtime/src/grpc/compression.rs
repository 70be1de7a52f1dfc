//! Compression of messages: gzip and zstd. What comes out is bounded, whatever went in.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{GzEncoder, MultiGzDecoder};

use super::limits::ZSTD_WINDOW_LOG_MAX;

/// What a side that takes every compression says.
pub(super) const ACCEPTED: &str = "gzip,zstd,identity";

/// How a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// The compression of this name.
    pub(super) fn named(name: &str) -> Option<Compression> {
        match name {
            "gzip" => Some(Compression::Gzip),
            "zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// The bytes as they were before; `None` if they are more than `bytes_max`. Memory grows with what comes out.
    pub(super) fn decompress(self, bytes: &[u8], bytes_max: usize) -> io::Result<Option<Bytes>> {
        let mut out = Vec::new();
        let limit = bytes_max as u64 + 1;
        match self {
            Compression::Gzip => MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut out)?,
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                decoder.take(limit).read_to_end(&mut out)?
            }
        };
        Ok((out.len() <= bytes_max).then(|| out.into()))
    }

    /// The bytes, compressed.
    pub(super) fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Compression::Gzip => GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut out)?,
            Compression::Zstd => zstd::stream::read::Encoder::with_buffer(bytes, 1)?.read_to_end(&mut out)?,
        };
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was compressed comes back; what would be too much does not come at all.
    #[test]
    fn compressed_bytes_come_back_within_a_bound() {
        let bytes = vec![7; 100_000];
        for compression in [Compression::Gzip, Compression::Zstd] {
            let small = compression.compress(&bytes).expect("compresses");
            assert!(small.len() < 1000);
            let again = compression.decompress(&small, bytes.len()).expect("decompresses");
            assert_eq!(again.as_deref(), Some(&bytes[..]));
            assert_eq!(compression.decompress(&small, bytes.len() - 1).expect("decompresses"), None);
            assert!(compression.decompress(b"what is this", 100).is_err());
            assert_eq!(Compression::named(compression.name()), Some(compression));
        }
    }
}
