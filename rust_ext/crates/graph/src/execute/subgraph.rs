//! Scans: a model run once for each chunk of its stacked inputs, handing its state on.

use super::error::ExecuteFault;
use super::rearrange::{concat, slice};
use super::values::{Ints, to_usize};
use crate::model::{InputMapping, OutputMapping};

fn misfit(inputs: &[Ints]) -> ExecuteFault {
    Ints::misfit(&inputs.iter().collect::<Vec<_>>())
}

/// How many times the body runs: the number of chunks of each stacked input.
fn iterations(inputs: &[Ints], mappings: &[InputMapping]) -> Result<usize, ExecuteFault> {
    let mut count = None;
    for (input, mapping) in inputs.iter().zip(mappings) {
        if let InputMapping::Stacked { axis, chunk } = mapping {
            let [axis, chunk] = to_usize(&[*axis, *chunk])?[..] else {
                return Err(misfit(inputs));
            };
            let size = input.dim(axis)?;
            if chunk == 0 || size % chunk != 0 || count.is_some_and(|n| n != size / chunk) {
                return Err(misfit(inputs));
            }
            count = Some(size / chunk);
        }
    }
    Ok(count.unwrap_or(1))
}

fn goes_to_state(mappings: &[OutputMapping]) -> bool {
    mappings.iter().any(|m| match m {
        OutputMapping::Single { is_state, .. } | OutputMapping::Stacked { is_state, .. } => {
            *is_state
        }
    })
}

/// The outlets of a scan whose body is `body`.
pub fn scan<E: From<ExecuteFault>>(
    inputs: &[Ints],
    input_mappings: &[InputMapping],
    output_mappings: &[Vec<OutputMapping>],
    outlets: usize,
    mut body: impl FnMut(Vec<Ints>) -> Result<Vec<Ints>, E>,
) -> Result<Vec<Ints>, E> {
    if inputs.len() != input_mappings.len() {
        return Err(ExecuteFault::Inputs {
            expected: input_mappings.len(),
            got: inputs.len(),
        }
        .into());
    }
    let count = iterations(inputs, input_mappings)?;
    let mut state: Option<Vec<Ints>> = None;
    let mut results: Vec<Vec<Ints>> = vec![Vec::new(); output_mappings.len()];
    for i in 0..count {
        let mut states = state.take().map(Vec::into_iter);
        let mut fed = Vec::with_capacity(inputs.len());
        for (input, mapping) in inputs.iter().zip(input_mappings) {
            fed.push(match mapping {
                InputMapping::Full => input.clone(),
                InputMapping::State => match states.as_mut() {
                    Some(states) => states.next().ok_or_else(|| misfit(inputs))?,
                    None => input.clone(),
                },
                InputMapping::Stacked { axis, chunk } => {
                    let [axis, chunk] = to_usize(&[*axis, *chunk])?[..] else {
                        return Err(misfit(inputs).into());
                    };
                    slice(input, axis, i * chunk, (i + 1) * chunk)?
                }
            });
        }
        let outputs = body(fed)?;
        if outputs.len() != output_mappings.len() {
            return Err(ExecuteFault::Inputs {
                expected: output_mappings.len(),
                got: outputs.len(),
            }
            .into());
        }
        let kept = outputs
            .iter()
            .zip(output_mappings)
            .filter(|(_, m)| goes_to_state(m));
        state = Some(kept.map(|(t, _)| t.clone()).collect());
        for (all, output) in results.iter_mut().zip(outputs) {
            all.push(output);
        }
    }
    // Each outlet's value, and which output of the body it comes from.
    let mut out: Vec<Option<(usize, Ints)>> = vec![None; outlets];
    for (from, (all, mappings)) in results.iter().zip(output_mappings).enumerate() {
        for mapping in mappings {
            let (outlet, value) = match mapping {
                OutputMapping::Single { outlet, .. } => {
                    (outlet, all.last().cloned().ok_or_else(|| misfit(inputs))?)
                }
                OutputMapping::Stacked { outlet, axis, .. } => (
                    outlet,
                    concat(&all.iter().collect::<Vec<_>>(), to_usize(&[*axis])?[0])?,
                ),
            };
            match usize::try_from(*outlet).ok().and_then(|o| out.get_mut(o)) {
                // EZKL gives out the first of them, which may not be what the model does.
                Some(Some((owner, _))) if *owner != from => {
                    let what = "a scan that gives two results to one outlet".to_owned();
                    return Err(ExecuteFault::Unsupported { what }.into());
                }
                Some(at) => *at = Some((from, value)),
                // A state that only the next run of the body reads has the number of an outlet that there is not.
                None if goes_to_state(std::slice::from_ref(mapping)) => {}
                None => return Err(misfit(inputs).into()),
            }
        }
    }
    out.into_iter()
        .map(|t| {
            t.map(|(_, value)| value)
                .ok_or_else(|| misfit(inputs).into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of two results, each a state, run once: EZKL's recurrence of which only the cell is given out.
    fn two_states(outlets: [u64; 2]) -> Result<Vec<Ints>, ExecuteFault> {
        let state = |outlet| {
            vec![OutputMapping::Single {
                outlet,
                is_state: true,
            }]
        };
        let mappings = outlets.map(state);
        scan(&[], &[], &mappings, 1, |_| {
            let value = |v| Ints {
                dims: vec![1],
                data: vec![v],
            };
            Ok(vec![value(7), value(8)])
        })
    }

    #[test]
    fn a_state_without_an_outlet_is_only_handed_on() {
        let out = two_states([0, 1]).unwrap();
        assert_eq!(out.iter().map(|t| t.data[0]).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn two_results_in_one_outlet_are_refused() {
        assert!(two_states([0, 0]).unwrap_err().is_unsupported());
    }
}
