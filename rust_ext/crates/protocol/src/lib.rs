//! What prover and verifier share: columns, expressions, arguments, transcript, wire formats.
