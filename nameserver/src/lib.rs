//! Nameserver.
