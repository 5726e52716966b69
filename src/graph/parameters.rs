//! Parameters by name: reading, checked setting, freezing.

use std::ops::Range;

use super::{Entry, Network, ParameterError};
use crate::kernel::reduce;
use crate::{Scalar, invariant};

/// A named tensor of a network, borrowed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Parameter<'a, T> {
    /// `encoder.0.weight`, for instance.
    pub name: &'a str,
    /// The dimensions, in row-major order.
    pub shape: &'a [usize],
    /// The numbers.
    pub values: &'a [T],
    /// Whether training leaves it unchanged.
    pub frozen: bool,
}

impl<T: Scalar> Network<T> {
    /// All parameters, in the order of the flat vector: names, shapes, values.
    ///
    /// ```
    /// use autoencoder::{Dense, Network, Shape};
    ///
    /// let network = Network::<f32>::builder(Shape::flat(3)).layer(Dense::new(2)).build()?;
    /// let names: Vec<_> = network.parameters().map(|parameter| parameter.name).collect();
    /// assert_eq!(names, ["layers.0.weight", "layers.0.bias"]);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_, T>> {
        self.entries().map(|(entry, is_trainable)| Parameter {
            name: &entry.name,
            shape: &entry.shape,
            values: invariant::slice(&self.parameters, &entry.range, "numbers", &entry.name),
            frozen: !is_trainable,
        })
    }

    /// The table's entries, each with whether it is trainable.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Entry, bool)> {
        self.graph.definition.table.iter().enumerate().map(|(index, entry)| (entry, self.is_trainable(index)))
    }

    /// Whether the parameter with this table entry is trainable.
    pub(crate) fn is_trainable(&self, entry: usize) -> bool {
        self.frozen.get(entry) == Some(&false)
    }

    /// The tensors that are saved but not trained (running statistics), in order.
    pub fn state(&self) -> impl Iterator<Item = Parameter<'_, T>> {
        self.graph.definition.states.iter().map(|entry| Parameter {
            name: &entry.name,
            shape: &entry.shape,
            values: invariant::slice(&self.state, &entry.range, "numbers", &entry.name),
            frozen: true,
        })
    }

    /// The parameter named `name`.
    ///
    /// # Errors
    /// [`ParameterError::Unknown`].
    pub fn parameter(&self, name: &str) -> Result<Parameter<'_, T>, ParameterError> {
        let unknown = || ParameterError::Unknown { name: name.to_owned() };
        self.parameters().find(|parameter| parameter.name == name).ok_or_else(unknown)
    }

    /// For each parameter in the table: whether it is frozen.
    pub(crate) fn frozen(&self) -> &[bool] {
        &self.frozen
    }

    /// The total number of parameter elements, including frozen ones.
    pub fn parameter_count(&self) -> usize {
        self.definition().parameter_count()
    }

    /// The flat parameter vector.
    pub fn parameter_vector(&self) -> &[T] {
        &self.parameters
    }

    /// The flat state vector: numbers that are saved but not trained.
    pub(crate) fn state_vector(&self) -> &[T] {
        &self.state
    }

    /// Replaces all parameters and the whole state by a copy taken earlier.
    pub(crate) fn set_numbers(&mut self, parameters: &[T], state: &[T]) {
        self.parameters.copy_from_slice(parameters);
        self.state.copy_from_slice(state);
        self.pack();
    }

    /// Sets the parameter, or the state tensor, named `name`.
    ///
    /// # Errors
    /// [`ParameterError`] if the name is unknown, the number of values is wrong, or one is not
    /// finite; the network is then unchanged.
    #[inline(never)] // see `compiled.rs`
    pub fn set_parameter(&mut self, name: &str, values: &[T]) -> Result<(), ParameterError> {
        let find = |entries: &[Entry]| entries.iter().find(|entry| entry.name == name).map(|e| e.range.clone());
        let target = match (find(&self.graph.definition.table), find(&self.graph.definition.states)) {
            (Some(range), _) => self.parameters.get_mut(range),
            (None, Some(range)) => self.state.get_mut(range),
            (None, None) => None,
        };
        let target = target.ok_or_else(|| ParameterError::Unknown { name: name.to_owned() })?;
        if target.len() != values.len() {
            let (expected, found) = (target.len(), values.len());
            return Err(ParameterError::Length { name: name.to_owned(), expected, found });
        }
        if let Some(element) = reduce::first_not_finite(values) {
            return Err(ParameterError::NotFinite { name: name.to_owned(), element });
        }
        target.copy_from_slice(values);
        self.pack();
        Ok(())
    }

    /// Changes the flat parameter vector, in your own training loop for instance, and returns the
    /// result of `change`. It may also change frozen parameters; their gradients are 0.
    ///
    /// # Errors
    /// [`ParameterError::NotFinite`] if `change` leaves a number that is not finite; the network is
    /// then unchanged, as it is if `change` panics. Only the first call allocates.
    pub fn update_parameters<R>(&mut self, change: impl FnOnce(&mut [T]) -> R) -> Result<R, ParameterError> {
        let update = ParameterUpdate::begin(self);
        let result = change(&mut update.network.parameters);
        if let Some(position) = reduce::first_not_finite(&update.network.parameters) {
            let (name, element) = update.network.name_at(position);
            return Err(ParameterError::NotFinite { name, element });
        }
        update.keep();
        Ok(result)
    }

    /// Freezes the parameters whose names start with `prefix`, in whole parts: `encoder`,
    /// `encoder.1` (not `encoder.10`), `layers.0.weight`; an empty prefix freezes all. Training
    /// does not change frozen parameters. A layer with state ([`BatchNorm`](crate::BatchNorm))
    /// whose parameters are all frozen runs in inference mode and keeps its state, as with
    /// Keras's `trainable = False`.
    ///
    /// # Errors
    /// [`ParameterError::NoneBegins`] if no name does.
    pub fn freeze(&mut self, prefix: &str) -> Result<(), ParameterError> {
        self.set_frozen(prefix, true)
    }

    /// Undoes [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// [`ParameterError::NoneBegins`] if no name starts with `prefix`.
    pub fn unfreeze(&mut self, prefix: &str) -> Result<(), ParameterError> {
        self.set_frozen(prefix, false)
    }

    #[inline(never)] // see `compiled.rs`
    fn set_frozen(&mut self, prefix: &str, frozen: bool) -> Result<(), ParameterError> {
        let mut found = false;
        for (entry, flag) in self.graph.definition.table.iter().zip(&mut self.frozen) {
            if begins_with(&entry.name, prefix) {
                *flag = frozen;
                found = true;
            }
        }
        if found { Ok(()) } else { Err(ParameterError::NoneBegins { prefix: prefix.to_owned() }) }
    }

    /// The name of the parameter that element `position` of the flat vector belongs to, and the
    /// element's index in it.
    pub(crate) fn name_at(&self, position: usize) -> (String, usize) {
        let entry = self.graph.definition.table.iter().find(|entry| entry.range.contains(&position));
        entry.map_or((String::new(), 0), |entry| (entry.name.clone(), position - entry.range.start))
    }

    /// The ranges of the parameter vector that are not frozen.
    pub(crate) fn trainable(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (entry, _) in self.entries().filter(|(_, is_trainable)| *is_trainable) {
            match ranges.last_mut() {
                Some(last) if last.end == entry.range.start => last.end = entry.range.end,
                _ => ranges.push(entry.range.clone()),
            }
        }
        ranges
    }

    /// The flat parameter vector; call [`pack`](Self::pack) after changing it.
    pub(crate) fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }
}

/// A change of all parameters. Undone when it is dropped, by an error or a panic, unless it is
/// kept.
struct ParameterUpdate<'n, T: Scalar> {
    network: &'n mut Network<T>,
    kept: bool,
}

impl<'n, T: Scalar> ParameterUpdate<'n, T> {
    fn begin(network: &'n mut Network<T>) -> Self {
        let Network { parameters, copy: UndoCopy(copy), .. } = &mut *network;
        copy.clear();
        copy.extend_from_slice(parameters);
        Self { network, kept: false }
    }

    fn keep(mut self) {
        self.kept = true;
        self.network.pack();
    }
}

impl<T: Scalar> Drop for ParameterUpdate<'_, T> {
    fn drop(&mut self) {
        let Network { parameters, copy: UndoCopy(copy), .. } = &mut *self.network;
        if !self.kept {
            parameters.copy_from_slice(copy);
        }
    }
}

/// Memory for a copy of the parameters while they change: used again by the next change, not
/// cloned.
#[derive(Debug)]
pub(super) struct UndoCopy<T>(pub Vec<T>);

impl<T> Clone for UndoCopy<T> {
    fn clone(&self) -> Self {
        Self(Vec::new())
    }
}

/// Whether the parts of `name` start with those of `prefix`; parts are separated by dots.
fn begins_with(name: &str, prefix: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || prefix.is_empty() || prefix.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::begins_with;

    #[test]
    fn a_prefix_ends_where_a_part_ends() {
        assert!(
            ["", "encoder", "encoder.", "encoder.1", "encoder.1.", "encoder.1.bias"]
                .iter()
                .all(|p| begins_with("encoder.1.bias", p))
        );
        assert!(["encoder.1", "enc", "encoder.10.b", "decoder"].iter().all(|p| !begins_with("encoder.10.bias", p)));
    }
}
