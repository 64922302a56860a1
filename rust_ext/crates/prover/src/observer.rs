//! How far a proof is, and whether it is to go on.

use std::time::{Duration, Instant};

use crate::ProverError;

/// The parts of a proof, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Advice,
    Multiplicities,
    Products,
    Sums,
    Coefficients,
    Quotient,
    Evaluations,
    Opening,
    Verification,
}

impl Stage {
    pub const ALL: [Self; 9] = [
        Self::Advice,
        Self::Multiplicities,
        Self::Products,
        Self::Sums,
        Self::Coefficients,
        Self::Quotient,
        Self::Evaluations,
        Self::Opening,
        Self::Verification,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Multiplicities => "multiplicities",
            Self::Products => "products",
            Self::Sums => "sums",
            Self::Coefficients => "coefficients",
            Self::Quotient => "quotient",
            Self::Evaluations => "evaluations",
            Self::Opening => "opening",
            Self::Verification => "verification",
        }
    }
}

/// Told before each column or coset; false ends the work.
pub type Progress<'a> = &'a mut dyn FnMut(Stage, u64, u64) -> bool;

/// Keeps the time of each stage and asks before each step whether to go on.
pub(crate) struct Watch<'a> {
    progress: Progress<'a>,
    stage: Option<(Stage, Instant, u64, u64)>,
    seconds: Vec<(Stage, Duration)>,
}

impl<'a> Watch<'a> {
    pub fn new(progress: Progress<'a>) -> Self {
        Self {
            progress,
            stage: None,
            seconds: Vec::new(),
        }
    }

    /// A stage of `total` steps begins.
    pub fn enter(&mut self, stage: Stage, total: usize) -> Result<(), ProverError> {
        self.close();
        self.stage = Some((stage, Instant::now(), 0, total as u64));
        self.ask()
    }

    /// A step of the stage is done.
    pub fn step(&mut self) -> Result<(), ProverError> {
        if let Some((_, _, done, _)) = &mut self.stage {
            *done += 1;
        }
        self.ask()
    }

    fn ask(&mut self) -> Result<(), ProverError> {
        match self.stage {
            Some((stage, _, done, total)) if !(self.progress)(stage, done, total) => {
                Err(ProverError::Interrupted)
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self) {
        if let Some((stage, since, _, _)) = self.stage.take() {
            match self.seconds.iter_mut().find(|(known, _)| *known == stage) {
                Some((_, seconds)) => *seconds += since.elapsed(),
                None => self.seconds.push((stage, since.elapsed())),
            }
        }
    }

    /// The time of every stage.
    pub fn finish(mut self) -> Vec<(Stage, Duration)> {
        self.close();
        self.seconds
    }
}
