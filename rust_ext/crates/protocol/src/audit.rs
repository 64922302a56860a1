//! The key `audit` of a Protocol: findings that somebody claims. It is bounded and checked, but not kept: no verifier believes it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::bounds::{MAX_AUDIT_BYTES, MAX_AUDIT_DEPTH};

/// Null or an object, without fractions, at most 16 levels deep and 2^20 bytes long in its canonical encoding.
pub struct Audit;

impl<'de> Deserialize<'de> for Audit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let budget = Cell::new(MAX_AUDIT_BYTES);
        Part {
            depth: 0,
            budget: &budget,
        }
        .deserialize(deserializer)?;
        Ok(Self)
    }
}

struct Part<'a> {
    depth: u32,
    budget: &'a Cell<usize>,
}

impl Part<'_> {
    /// Takes the canonical length of something from the budget.
    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.budget.get().checked_sub(bytes);
        self.budget
            .set(left.ok_or_else(|| E::custom("the audit is too long"))?);
        Ok(())
    }

    fn spend_text<E: Error>(&self, text: &str) -> Result<(), E> {
        self.spend::<E>(text.len().saturating_add(2))?;
        let escapes = text.bytes().map(|byte| match byte {
            b'"' | b'\\' | 8 | b'\t' | b'\n' | 12 | b'\r' => 1_usize,
            0..=31 => 5,
            _ => 0,
        });
        self.spend(escapes.fold(0, usize::saturating_add))
    }

    fn scalar<E: Error>(&self, bytes: usize) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom("the audit is neither null nor an object"));
        }
        self.spend(bytes)
    }

    fn inner<E: Error>(&self) -> Result<Part<'_>, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_AUDIT_DEPTH {
            return Err(E::custom("the audit is nested too deeply"));
        }
        Ok(Part {
            depth,
            budget: self.budget,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON without fractions")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.spend(4)
    }
    fn visit_bool<E: Error>(self, v: bool) -> Result<(), E> {
        self.scalar(if v { 4 } else { 5 })
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<(), E> {
        if v == i64::MIN {
            return Err(E::custom("an integer beyond 64 bits"));
        }
        self.scalar(v.to_string().len())
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<(), E> {
        if v > i64::MAX.unsigned_abs() {
            return Err(E::custom("an integer beyond 64 bits"));
        }
        self.scalar(v.to_string().len())
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<(), E> {
        self.scalar::<E>(0)?;
        self.spend_text(v)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.scalar::<A::Error>(2)?;
        let mut first = true;
        loop {
            // The depth is only refused when there is something inside.
            let inner = self.inner::<A::Error>();
            let Ok(part) = inner else {
                return if seq.next_element::<crate::json::Skipped>()?.is_some() {
                    inner.map(|_| ())
                } else {
                    Ok(())
                };
            };
            if seq.next_element_seed(part)?.is_none() {
                return Ok(());
            }
            self.spend::<A::Error>(usize::from(!first))?;
            first = false;
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.spend::<A::Error>(2)?;
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            self.spend_text::<A::Error>(&key)?;
            self.spend::<A::Error>(1_usize.saturating_add(usize::from(!keys.is_empty())))?;
            if !keys.insert(key) {
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value_seed(self.inner::<A::Error>()?)?;
        }
        Ok(())
    }
}
