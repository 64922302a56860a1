//! Structured reference strings: make, import, check, trim.
