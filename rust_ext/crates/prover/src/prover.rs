//! One circuit, ready to prove: Protocol, key and SRS opened once, then any number of proofs.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};
use zkml_arithmetic::{Backend, Bases, Cpu, Domain, arithmetic, powers};
use zkml_protocol::Protocol;
use zkml_srs::SrsFile;
use zkml_verifier::Verifier;

use crate::error::ProverError;
use crate::key::ProvingKey;
use crate::running::Running;

/// See the module. Shared by threads; each proof has its own data.
pub struct Prover {
    pub(crate) verifier: Verifier,
    pub(crate) key: ProvingKey,
    pub(crate) domain: Domain,
    /// ω^i for every row.
    pub(crate) omegas: Vec<Fr>,
    /// Bases of values and of coefficients, and of the last rows alone, which hold what blinds.
    pub(crate) lagrange: Bases,
    pub(crate) lagrange_points: Vec<G1Affine>,
    pub(crate) powers: Bases,
    pub(crate) tail: Bases,
    /// Bases of values that run over the rows.
    pub(crate) running: Running,
    /// Coefficients of the polynomial that is 1 on the usable rows and 0 on the others.
    pub(crate) active: Vec<Fr>,
    pub(crate) backend: Box<dyn Backend + Send>,
    arithmetic: &'static str,
}

impl Prover {
    /// Open a prover. `ZKML_ARITHMETIC` must be a path that this CPU has, or not set. The SRS must be of the ceremony of the Protocol, and have a point for each row.
    pub fn new(
        protocol: Protocol,
        key: ProvingKey,
        srs: &mut SrsFile,
    ) -> Result<Self, ProverError> {
        let arithmetic = arithmetic()?;
        if srs.k() < protocol.k {
            return Err(ProverError::SrsTooSmall {
                needed: protocol.k,
                got: srs.k(),
            });
        }
        if srs.verifier_points()?.tau_g2 != protocol.srs.tau_g2 {
            return Err(ProverError::OtherCeremony);
        }
        let bases = srs.bases(protocol.k, &mut |_, _, _| true)?;
        let domain = Domain::new(protocol.k);
        let usable = usable(&protocol);
        let mut active = vec![Fr::ONE; usable];
        active.resize(domain.n(), Fr::ZERO);
        domain.ifft(&mut active);
        let lagrange = Bases::new(&bases.lagrange);
        Ok(Self {
            omegas: powers(domain.omega(), domain.n()),
            tail: Bases::new(&bases.lagrange[usable..]),
            running: Running::new(&bases.lagrange, &lagrange)?,
            lagrange,
            lagrange_points: bases.lagrange,
            powers: Bases::new(bases.powers),
            verifier: Verifier::new(protocol),
            key,
            domain,
            active,
            backend: Box::new(Cpu),
            arithmetic,
        })
    }

    pub fn protocol(&self) -> &Protocol {
        self.verifier.protocol()
    }

    pub fn key(&self) -> &ProvingKey {
        &self.key
    }

    /// The path of the arithmetic: `scalar`, `avx2` or `avx512`.
    pub fn arithmetic(&self) -> &'static str {
        self.arithmetic
    }

    /// What commitments and transforms run on.
    pub fn device(&self) -> &'static str {
        self.backend.name()
    }
}

/// Rows that hold data: all but one that closes the sums and products, and those that blind.
pub(crate) fn usable(protocol: &Protocol) -> usize {
    (protocol.n - u64::from(protocol.blinding_factors) - 1) as usize
}
