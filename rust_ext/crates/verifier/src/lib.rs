//! The verifier: small, without panics, indexing or `unsafe`.
