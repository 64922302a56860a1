//! Step 5: gate identities, and the fold that all identities go through.

use ff::Field;
use halo2curves::bn256::Fr;

/// H = Σ y^{N−1−i} · identity_i, folded in order: acc ← acc·y + identity.
pub(crate) struct Fold {
    acc: Fr,
    y: Fr,
}

impl Fold {
    pub fn new(y: Fr) -> Self {
        Self { acc: Fr::ZERO, y }
    }

    pub fn add(&mut self, identity: Fr) {
        self.acc = self.acc * self.y + identity;
    }

    pub fn value(self) -> Fr {
        self.acc
    }
}

// 5. Every gate polynomial vanishes. None: a slot is missing.
pub(crate) fn gates(fold: &mut Fold, gates: &[usize], slots: &[Fr]) -> Option<()> {
    for gate in gates {
        fold.add(*slots.get(*gate)?);
    }
    Some(())
}
