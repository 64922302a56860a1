//! Scans: a model laid out once for each chunk of its stacked inputs, its state handed on as it is.

use std::collections::HashMap;

use zkml_graph::ExecuteFault;
use zkml_graph::execute::{Ints, scan};
use zkml_graph::model::NodeType;
use zkml_graph::ops::{Input, InputType};

use super::assign::{Item, Items};
use super::error::{LayoutError, Refusal};
use super::layout::{Walk, name};

/// A failure of the scan itself, or inside its body.
enum Inner {
    Scan(ExecuteFault),
    Body(LayoutError),
}

impl From<ExecuteFault> for Inner {
    fn from(fault: ExecuteFault) -> Self {
        Self::Scan(fault)
    }
}

/// Items by number, so that what moves integers about moves them.
#[derive(Default)]
struct Pool(Vec<Item>);

impl Pool {
    fn number(&mut self, items: Items) -> Result<Ints, ExecuteFault> {
        let first = self.0.len() as i128;
        let numbers = (first..first + items.len() as i128).collect();
        self.0.extend(items.all);
        Ints::new(numbers, items.dims)
    }

    fn items(&self, numbers: Ints) -> Result<Items, ExecuteFault> {
        let item = |number: &i128| {
            let at = usize::try_from(*number).ok();
            at.and_then(|at| self.0.get(at)).copied()
        };
        let all: Option<Vec<Item>> = numbers.data.iter().map(item).collect();
        let all = all.ok_or(ExecuteFault::Index {
            index: -1,
            size: self.0.len(),
        })?;
        Ok(Items::new(all, numbers.dims))
    }
}

impl Walk<'_> {
    /// The results of a scan, outlet by outlet; `path` ends with its own number.
    pub(super) fn scan(
        &mut self,
        node: &NodeType,
        inputs: Vec<Items>,
        path: &[u64],
    ) -> Result<Vec<Items>, LayoutError> {
        let refused = |refusal| LayoutError {
            node: name(path),
            operator: "SubGraph".to_owned(),
            refusal,
        };
        let NodeType::SubGraph {
            model,
            output_mappings,
            input_mappings,
            out_dims,
            ..
        } = node
        else {
            return Err(refused(Refusal::Shape));
        };
        let mut pool = Pool::default();
        let numbered = inputs.into_iter().map(|items| pool.number(items));
        let numbered: Result<Vec<Ints>, ExecuteFault> = numbered.collect();
        let numbered = numbered.map_err(|fault| refused(fault.into()))?;
        let mut body = |fed: Vec<Ints>| -> Result<Vec<Ints>, Inner> {
            let targets = model.graph.inputs.iter().copied();
            let fed = fed.into_iter().map(|t| pool.items(t));
            let fed = fed.collect::<Result<Vec<_>, _>>()?;
            let fed: HashMap<u64, Items> = targets.zip(fed).collect();
            let values = self.nodes(model, path, fed).map_err(Inner::Body)?;
            let outputs = model.graph.outputs.iter();
            let outputs = outputs.map(|slot| {
                let items = values.get(slot).cloned();
                let missing = ExecuteFault::Inputs {
                    expected: 1,
                    got: 0,
                };
                pool.number(items.ok_or(missing)?)
            });
            Ok(outputs.collect::<Result<Vec<_>, _>>()?)
        };
        let results = scan(
            &numbered,
            input_mappings,
            output_mappings,
            out_dims.len(),
            &mut body,
        );
        let results = results.map_err(|e| match e {
            Inner::Body(error) => error,
            Inner::Scan(fault) => refused(fault.into()),
        })?;
        let results = results.into_iter().map(|t| pool.items(t));
        let results: Result<Vec<Items>, ExecuteFault> = results.collect();
        results.map_err(|fault| refused(fault.into()))
    }

    /// What the body of a scan finds at one of its inputs: cells as they are, what is in none as an input of the model.
    pub(super) fn body_input(&mut self, op: &Input, items: Items) -> Result<Items, Refusal> {
        if items.is_assigned() {
            return Ok(items);
        }
        if op.datum_type == InputType::Bool {
            self.region.bits(&items)
        } else if op.decomp {
            Ok(self.region.decompose(&items, false)?.1)
        } else {
            self.region.identity(&items)
        }
    }
}
