//! One proof, message by message. The messages bear the names that they have in `docs/verifier.md`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ff::Field;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_core::{CryptoRng, RngCore};
use zkml_arithmetic::{Bases, Scalars, evaluate, msm};
use zkml_circuit::grid::Cells;
use zkml_protocol::plan::Value;
use zkml_protocol::{ColumnValue, Protocol, wire};
use zkml_verifier::Verdict;

use crate::error::{ProverError, WitnessError};
use crate::expressions::{Expressions, Places};
use crate::key::Fixed;
use crate::lookup::{Looked, look_up};
use crate::observer::{Progress, Stage, Watch};
use crate::opening::{Opening, Polynomials};
use crate::permutation::{Names, deltas, running_product, sigma_values};
use crate::prover::{Prover, usable};
use crate::quotient::{self, Layout, identities, pieces};
use crate::random::scalars;
use crate::rows::{Column, Table};
use crate::witness::Witness;
use crate::writer::Writer;

/// Columns committed, or transformed, between two questions whether to go on.
const BATCH: usize = 4;

/// A proof that was verified, and what its parts took.
#[derive(Debug)]
pub struct Proved {
    pub proof: Vec<u8>,
    pub stages: Vec<(Stage, Duration)>,
}

/// An advice column and what blinds its last rows.
struct Advice {
    cells: Cells,
    tail: Vec<Fr>,
}

impl Advice {
    fn column(&self) -> Column<'_> {
        Column::cells(&self.cells, &self.tail)
    }

    fn into_values(self, n: usize) -> Vec<Fr> {
        let mut values = match self.cells {
            Cells::Full(values) => values,
            cells => cells.to_field(n),
        };
        values.resize(n - self.tail.len(), Fr::ZERO);
        values.extend(self.tail);
        values
    }
}

impl Prover {
    /// A proof that `witness` satisfies the circuit with these instances. It is verified before it is returned.
    ///
    /// `rng` blinds the witness: it must be the operating system's generator, or a cryptographic one seeded from it.
    pub fn prove(
        &self,
        witness: &mut dyn Witness,
        instances: &[Vec<Fr>],
        rng: &mut (impl RngCore + CryptoRng),
        progress: Progress<'_>,
    ) -> Result<Proved, ProverError> {
        let mut watch = Watch::new(progress);
        let proof = Run::new(self, instances, rng)?.prove(witness, &mut watch)?;
        watch.enter(Stage::Verification, 1)?;
        match self.verifier.check(instances, &proof) {
            Verdict::Accepted => Ok(Proved {
                proof,
                stages: watch.finish(),
            }),
            Verdict::Rejected { step, reason } => {
                Err(WitnessError::Unsatisfied { step, reason }.into())
            }
            verdict @ Verdict::Malformed { .. } => Err(ProverError::SelfCheck(verdict)),
        }
    }
}

/// Polynomials that are not committed in the proof: the Protocol's fixed and permutation columns, and the instances.
struct Coefficients {
    shared: Vec<Arc<Vec<Fr>>>,
    instance: Vec<Vec<Fr>>,
}

/// The state of one proof.
struct Run<'a, R> {
    prover: &'a Prover,
    protocol: &'a Protocol,
    instances: &'a [Vec<Fr>],
    rng: &'a mut R,
    usable: usize,
    writer: Writer,
    fixed: Vec<Fixed>,
    /// The first of the columns that equal each fixed column: none where it is zero on every row.
    firsts: Vec<Option<usize>>,
    /// Coefficients of the commitments of the proof, by place.
    polynomials: Vec<Vec<Fr>>,
}

impl<'a, R: RngCore + CryptoRng> Run<'a, R> {
    fn new(
        prover: &'a Prover,
        instances: &'a [Vec<Fr>],
        rng: &'a mut R,
    ) -> Result<Self, ProverError> {
        let protocol = prover.protocol();
        check_instances(protocol, instances)?;
        let fixed = (0..protocol.fixed_commitments.len())
            .map(|column| prover.key.fixed(column))
            .collect::<Result<Vec<_>, _>>()?;
        let mut writer = Writer::default();
        writer.absorb(&protocol.transcript_digest);
        for value in instances.iter().flatten() {
            writer.absorb(&wire::scalar_bytes(value));
        }
        Ok(Self {
            prover,
            protocol,
            instances,
            rng,
            usable: usable(protocol),
            writer,
            firsts: firsts(protocol, &fixed),
            fixed,
            polynomials: vec![Vec::new(); protocol.plan.sizes.points()],
        })
    }

    fn prove(
        mut self,
        witness: &mut dyn Witness,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<u8>, ProverError> {
        let protocol = self.protocol;
        let sizes = protocol.plan.sizes;
        let n = self.prover.domain.n();
        let (advice, circuit) = self.advice(witness, watch)?;

        let theta = self.writer.squeeze();
        watch.enter(Stage::Multiplicities, protocol.lookups.len())?;
        let looked = self.multiplicities(&advice, &circuit, theta, watch)?;
        let (beta, gamma) = (self.writer.squeeze(), self.writer.squeeze());
        self.products(&advice, beta, gamma, watch)?;
        self.sums(looked, beta, watch)?;
        let random = scalars(self.rng, n)?;
        self.commit_coefficients(&[&random])?;
        self.polynomials[sizes.random()] = random;
        let y = self.writer.squeeze();

        let Coefficients { shared, instance } = self.coefficients(advice, watch)?;
        let challenges = quotient::Challenges {
            circuit: &circuit,
            theta,
            beta,
            gamma,
            y,
        };
        self.quotient(&shared, &instance, &challenges, watch)?;
        drop(instance);
        let x = self.writer.squeeze();

        watch.enter(Stage::Evaluations, sizes.evals().div_ceil(BATCH))?;
        let xn = (0..protocol.k).fold(x, |power, _| power.square());
        let pieces: Vec<&[Fr]> = self.polynomials[sizes.first_piece()..]
            .iter()
            .map(Vec::as_slice)
            .collect();
        let xns: Vec<Fr> = std::iter::successors(Some(Fr::ONE), |power| Some(*power * xn))
            .take(pieces.len())
            .collect();
        let quotient = self.prover.backend.combine(&xns, &pieces);
        let polynomials = Polynomials {
            proof: &self.polynomials,
            shared: &shared,
            quotient: &quotient,
        };
        let evals = evaluations(protocol, &polynomials, x, watch)?;
        self.writer.scalars(&evals);

        watch.enter(Stage::Opening, 2)?;
        let (y_prime, v) = (self.writer.squeeze(), self.writer.squeeze());
        let backend = self.prover.backend.as_ref();
        let opening = Opening::new(backend, protocol, &polynomials, x, y_prime, v);
        self.commit_coefficients(&[&opening.w])?;
        watch.step()?;
        let u = self.writer.squeeze();
        let w_prime = opening.w_prime(backend, protocol, x, u);
        let w_prime = w_prime.ok_or(WitnessError::Unsatisfied {
            step: 9,
            reason: "the challenge u is a point of the opening",
        })?;
        self.commit_coefficients(&[&w_prime])?;
        Ok(self.writer.finish())
    }

    /// The advice columns, committed phase by phase, and the circuit's own challenges.
    fn advice(
        &mut self,
        witness: &mut dyn Witness,
        watch: &mut Watch<'_>,
    ) -> Result<(Vec<Advice>, Vec<Fr>), ProverError> {
        let protocol = self.protocol;
        let count = protocol.advice_phases.len();
        let batches = (0..protocol.phases()).map(|phase| {
            let of_phase = protocol.advice_phases.iter().filter(|p| **p == phase);
            of_phase.count().div_ceil(BATCH)
        });
        watch.enter(Stage::Advice, batches.sum())?;
        let mut challenges = vec![None; protocol.challenge_phases.len()];
        let mut advice: Vec<Option<Advice>> = (0..count).map(|_| None).collect();
        for phase in 0..protocol.phases() {
            for (column, cells) in witness.phase(phase, &challenges)? {
                let known = protocol.advice_phases.get(column) == Some(&phase);
                let slot = advice.get_mut(column).filter(|_| known);
                let slot = slot.ok_or(WitnessError::Columns {
                    expected: count,
                    got: column + 1,
                })?;
                *slot = Some(self.blinded(column, cells)?);
            }
            let members: Vec<&Advice> = (0..count)
                .filter(|column| protocol.advice_phases[*column] == phase)
                .map(|column| {
                    let given = advice[column].as_ref();
                    given.ok_or(WitnessError::Missing { column, phase })
                })
                .collect::<Result<_, _>>()?;
            for batch in members.chunks(BATCH) {
                let columns: Vec<Scalars<'_>> = batch
                    .iter()
                    .map(|column| match &column.cells {
                        Cells::Small(small) | Cells::Mixed { small, .. } => Scalars::Small(small),
                        Cells::Full(values) => Scalars::Full(values),
                    })
                    .collect();
                let mut points = self
                    .prover
                    .backend
                    .commit(&self.prover.lagrange, &columns)?;
                for (point, column) in points.iter_mut().zip(batch) {
                    *point += msm(&self.prover.tail, Scalars::Full(&column.tail))?;
                    if let Cells::Mixed { large, .. } = &column.cells {
                        *point += self.few(large)?;
                    }
                }
                self.writer.points(&points);
                watch.step()?;
            }
            for (challenge, own) in challenges.iter_mut().zip(&protocol.challenge_phases) {
                if *own == phase {
                    *challenge = Some(self.writer.squeeze());
                }
            }
        }
        let advice = advice.into_iter().flatten().collect();
        Ok((advice, challenges.into_iter().flatten().collect()))
    }

    /// Σ value·[L_row] over a few rows.
    fn few(&self, cells: &[(u32, Fr)]) -> Result<G1, ProverError> {
        let basis = &self.prover.lagrange_points;
        let points: Vec<G1Affine> = cells.iter().map(|(row, _)| basis[*row as usize]).collect();
        let values: Vec<Fr> = cells.iter().map(|(_, value)| *value).collect();
        Ok(msm(&Bases::new(points), Scalars::Full(&values))?)
    }

    fn blinded(&mut self, column: usize, cells: Cells) -> Result<Advice, ProverError> {
        let n = self.prover.domain.n();
        let got = cells.len();
        if got > self.usable && got != n {
            return Err(WitnessError::Rows {
                column,
                usable: self.usable,
                got,
            }
            .into());
        }
        let tail = if got == n {
            Vec::new()
        } else {
            scalars(self.rng, n - self.usable)?
        };
        Ok(Advice { cells, tail })
    }

    /// How often each row of each table is asked for; committed.
    fn multiplicities(
        &mut self,
        advice: &[Advice],
        circuit: &[Fr],
        theta: Fr,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<Looked>, ProverError> {
        let columns = self.rows(advice);
        let places = Places {
            advice: 0,
            fixed: advice.len(),
            instance: advice.len() + self.fixed.len(),
        };
        let table = Table {
            columns: &columns,
            n: self.prover.domain.n(),
            omega: self.prover.domain.omega(),
            shift: Fr::ONE,
        };
        let mut out = Vec::with_capacity(self.protocol.lookups.len());
        let mut points = Vec::with_capacity(self.protocol.lookups.len());
        for (i, lookup) in self.protocol.lookups.iter().enumerate() {
            let expressions = Expressions::new(self.protocol, circuit, &self.firsts, places);
            let looked = look_up(i, lookup, expressions, theta, &table, self.usable)?;
            let counts = Scalars::Small(&looked.multiplicities);
            points.push(msm(&self.prover.lagrange, counts)?);
            out.push(looked);
            watch.step()?;
        }
        drop(columns);
        self.writer.points(&points);
        Ok(out)
    }

    /// Advice, fixed and instance columns, on the rows.
    fn rows<'b>(&'b self, advice: &'b [Advice]) -> Vec<Column<'b>> {
        let advice = advice.iter().map(Advice::column);
        let fixed = self.fixed.iter().map(Fixed::column);
        let instances = self.instances.iter().map(|values| Column::full(values));
        advice.chain(fixed).chain(instances).collect()
    }

    /// The running products of the permutation, committed.
    fn products(
        &mut self,
        advice: &[Advice],
        beta: Fr,
        gamma: Fr,
        watch: &mut Watch<'_>,
    ) -> Result<(), ProverError> {
        let protocol = self.protocol;
        let sizes = protocol.plan.sizes;
        watch.enter(Stage::Products, 2 * sizes.products)?;
        let names = Names::new(sizes.sigmas, &self.prover.omegas, beta, gamma);
        let mut start = Fr::ONE;
        let chunks = protocol
            .permutation
            .columns
            .chunks(protocol.permutation.chunk);
        let mut made = Vec::with_capacity(sizes.products);
        for (j, chunk) in chunks.enumerate() {
            let first = j * protocol.permutation.chunk;
            let columns = chunk
                .iter()
                .enumerate()
                .map(|(i, source)| {
                    let column = match *source {
                        ColumnValue::Advice(q) => advice[protocol.advice_queries[q].0].column(),
                        ColumnValue::Fixed(q) => self.fixed[protocol.fixed_queries[q].0].column(),
                        ColumnValue::Instance(q) => {
                            Column::full(&self.instances[protocol.instance_evals[q].0])
                        }
                    };
                    Ok((column, self.prover.key.sigma(first + i)?))
                })
                .collect::<Result<Vec<_>, ProverError>>()?;
            let product = running_product(&names, first, &columns, self.usable, start);
            start = product[self.usable];
            made.push(product);
            watch.step()?;
        }
        if start != Fr::ONE {
            return Err(WitnessError::Copies.into());
        }
        for (j, product) in made.into_iter().enumerate() {
            self.commit_running(sizes.first_product() + j, product)?;
            watch.step()?;
        }
        Ok(())
    }

    /// The running sums of the lookups, committed; the multiplicities become coefficients.
    fn sums(
        &mut self,
        looked: Vec<Looked>,
        beta: Fr,
        watch: &mut Watch<'_>,
    ) -> Result<(), ProverError> {
        let sizes = self.protocol.plan.sizes;
        watch.enter(Stage::Sums, looked.len())?;
        for (i, mut looked) in looked.into_iter().enumerate() {
            let sums = looked.running_sum(beta);
            self.commit_running(sizes.first_phi() + i, sums)?;
            let counts = Cells::Small(looked.multiplicities);
            let mut counts = counts.to_field(self.prover.domain.n());
            self.prover.domain.ifft(&mut counts);
            self.polynomials[sizes.first_multiplicity() + i] = counts;
            watch.step()?;
        }
        Ok(())
    }

    /// Commit running values up to the row behind the usable ones, blind the rest, and keep the coefficients.
    fn commit_running(&mut self, place: usize, mut values: Vec<Fr>) -> Result<(), ProverError> {
        let n = self.prover.domain.n();
        values.extend(scalars(self.rng, n - values.len())?);
        let backend = self.prover.backend.as_ref();
        let points = self.prover.running.commit(backend, &values)?;
        self.writer.points(&points);
        self.prover.domain.ifft(&mut values);
        self.polynomials[place] = values;
        Ok(())
    }

    fn commit_coefficients(&mut self, polynomials: &[&[Fr]]) -> Result<(), ProverError> {
        let columns: Vec<Scalars<'_>> = polynomials.iter().map(|p| Scalars::Full(p)).collect();
        let points: Vec<G1> = self.prover.backend.commit(&self.prover.powers, &columns)?;
        self.writer.points(&points);
        Ok(())
    }

    /// Coefficients of the fixed and permutation columns, and of the instances; those of the advice go to their places.
    fn coefficients(
        &mut self,
        advice: Vec<Advice>,
        watch: &mut Watch<'_>,
    ) -> Result<Coefficients, ProverError> {
        let protocol = self.protocol;
        let (domain, n) = (&self.prover.domain, self.prover.domain.n());
        let sigmas = protocol.permutation.columns.len();
        watch.enter(
            Stage::Coefficients,
            advice.len() + self.fixed.len() + sigmas + self.instances.len(),
        )?;
        let places = protocol.advice_places();
        for (column, advice) in advice.into_iter().enumerate() {
            let mut values = advice.into_values(n);
            domain.ifft(&mut values);
            self.polynomials[places[column]] = values;
            watch.step()?;
        }
        let mut shared: Vec<Arc<Vec<Fr>>> = Vec::with_capacity(self.fixed.len() + sigmas);
        for (column, fixed) in std::mem::take(&mut self.fixed).into_iter().enumerate() {
            shared.push(match self.firsts[column] {
                // A column of zeros is the polynomial without coefficients.
                None => Arc::default(),
                Some(first) if first < column => Arc::clone(&shared[first]),
                Some(_) => {
                    let mut values = fixed.to_values(n);
                    domain.ifft(&mut values);
                    Arc::new(values)
                }
            });
            watch.step()?;
        }
        let deltas = deltas(sigmas);
        for column in 0..sigmas {
            let sigma = self.prover.key.sigma(column)?;
            let mut values = sigma_values(sigma, &self.prover.omegas, &deltas);
            domain.ifft(&mut values);
            shared.push(Arc::new(values));
            watch.step()?;
        }
        let mut instance = Vec::with_capacity(self.instances.len());
        for values in self.instances {
            let mut values = values.clone();
            values.resize(n, Fr::ZERO);
            domain.ifft(&mut values);
            instance.push(values);
            watch.step()?;
        }
        Ok(Coefficients { shared, instance })
    }

    /// The pieces of the quotient, committed.
    fn quotient(
        &mut self,
        shared: &[Arc<Vec<Fr>>],
        instance: &[Vec<Fr>],
        challenges: &quotient::Challenges<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<(), ProverError> {
        let protocol = self.protocol;
        let sizes = protocol.plan.sizes;
        let layout = Layout::new(protocol);
        let identities = identities(protocol, &layout, &self.firsts, challenges);
        watch.enter(
            Stage::Quotient,
            identities.steps(sizes.pieces) + sizes.pieces,
        )?;
        let first = vec![protocol.n_inverse; self.prover.domain.n()];
        let advice_places = protocol.advice_places();
        let advice = advice_places.iter().map(|place| &self.polynomials[*place]);
        let own = self.polynomials[..sizes.random()].iter().skip(sizes.advice);
        let (own, fixed_count) = (own.collect::<Vec<_>>(), protocol.fixed_commitments.len());
        // The proof has the multiplicities before the products, the layout behind them.
        let (multiplicities, rest) = own.split_at(sizes.lookups);
        let (products, sums) = rest.split_at(sizes.products);
        let columns: Vec<&[Fr]> = advice
            .chain(shared[..fixed_count].iter().map(Arc::as_ref))
            .chain(instance)
            .chain(shared[fixed_count..].iter().map(Arc::as_ref))
            .chain(products.iter().copied())
            .chain(multiplicities.iter().copied())
            .chain(sums.iter().copied())
            .chain([&first, &self.prover.active])
            .map(Vec::as_slice)
            .collect();
        let backend = self.prover.backend.as_ref();
        let domain = &self.prover.domain;
        let pieces = pieces(backend, domain, &identities, &columns, sizes.pieces, watch)?;
        drop(columns);
        for (i, piece) in pieces.into_iter().enumerate() {
            self.commit_coefficients(&[&piece])?;
            self.polynomials[sizes.first_piece() + i] = piece;
            watch.step()?;
        }
        Ok(())
    }
}

/// The evaluations in the order of the proof.
fn evaluations(
    protocol: &Protocol,
    polynomials: &Polynomials<'_>,
    x: Fr,
    watch: &mut Watch<'_>,
) -> Result<Vec<Fr>, ProverError> {
    let mut evals = vec![Fr::ZERO; protocol.plan.sizes.evals()];
    let mut asked = 0;
    for set in &protocol.plan.sets {
        for opened in &set.polynomials {
            let coefficients = polynomials.get(opened.commitment);
            for (value, point) in opened.values.iter().zip(&set.points) {
                if let Value::Proof(place) = *value {
                    evals[place] = evaluate(coefficients, x * protocol.plan.rotations[*point]);
                    asked += 1;
                    if asked % BATCH == 0 {
                        watch.step()?;
                    }
                }
            }
        }
    }
    Ok(evals)
}

/// The first of the columns that equal each fixed column, which are those with its commitment: none where it is zero on every row.
fn firsts(protocol: &Protocol, fixed: &[Fixed]) -> Vec<Option<usize>> {
    let mut known = HashMap::new();
    let points = protocol.fixed_commitments.iter();
    points
        .zip(fixed)
        .enumerate()
        .map(|(column, (point, fixed))| {
            (!fixed.is_zero()).then(|| *known.entry((point.x.0, point.y.0)).or_insert(column))
        })
        .collect()
}

fn check_instances(protocol: &Protocol, instances: &[Vec<Fr>]) -> Result<(), WitnessError> {
    let expected = &protocol.instance_rows;
    if instances.len() != expected.len() {
        let message = format!("{} columns of {}", instances.len(), expected.len());
        return Err(WitnessError::Instances(message));
    }
    for (i, (values, rows)) in instances.iter().zip(expected).enumerate() {
        if values.len() != *rows {
            let message = format!("column {i} has {} values of {rows}", values.len());
            return Err(WitnessError::Instances(message));
        }
    }
    Ok(())
}
