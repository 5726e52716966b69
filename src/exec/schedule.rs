//! [`Schedule`]: a run's stages, between which all shards wait for one another.

use std::fmt;
use std::ops::Range;

use crate::Scalar;
use crate::graph::Program;
use crate::layer::Mode;

/// The stages of a run. All shards finish a stage, and what they report is added up, before the
/// next one begins. There is one stage unless an operation needs sums over the whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub stages: Vec<Vec<Task>>,
    /// The mode of the passes.
    pub mode: Mode,
    /// Whether there is a backward pass.
    pub backward: bool,
}

/// What a shard does for each of its micro-batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Load the samples.
    Load,
    /// Run these operations forward.
    Forward(Range<usize>),
    /// Add to the sums that an operation's forward pass needs.
    ForwardSums(usize),
    /// The last operation: the loss and its gradient, or the gradient that the caller hands in.
    Last,
    /// Add to the sums that an operation's backward pass needs.
    BackwardSums(usize),
    /// Run these operations backward, the last one first.
    Backward(Range<usize>),
}

/// Which passes a run makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    Forward,
    /// After a forward run.
    Backward,
    /// Both, forward and backward for each micro-batch before the next one.
    Both,
    /// Forward, then the loss and metrics without gradients.
    Evaluate,
}

impl Schedule {
    /// The stages of `passes` over `operations`, in `mode`. Operations whose parameters are all
    /// `frozen` need no sums; gradients are needed from operation `needed` on.
    pub fn new<T: Scalar>(program: &Program<T>, frozen: &[bool], mode: Mode, passes: Passes, needed: usize) -> Self {
        let sums = |index: &usize| {
            let operation = program.operation(*index);
            mode == Mode::Training && operation.mode(mode, frozen) == Mode::Training
        };
        let forward = |index: &usize| sums(index) && program.operation(*index).plan.forward_statistics > 0;
        let backward = |index: &usize| sums(index) && program.operation(*index).plan.backward_statistics > 0;
        let forward_sums: Vec<usize> = program.all().filter(forward).collect();
        let backward_sums: Vec<usize> = (needed..program.operations.len()).rev().filter(backward).collect();
        let mut schedule =
            Self { stages: vec![Vec::new()], mode, backward: matches!(passes, Passes::Backward | Passes::Both) };
        if passes != Passes::Backward {
            schedule.forward(program.all(), &forward_sums);
        }
        if passes != Passes::Forward {
            schedule.task(Task::Last);
        }
        if schedule.backward {
            schedule.backward(needed..program.operations.len(), &backward_sums);
        }
        schedule
    }

    /// Loads samples and runs operations forward, with a barrier behind the sums of each of `sums`.
    fn forward(&mut self, operations: Range<usize>, sums: &[usize]) {
        self.task(Task::Load);
        let mut done = operations.start;
        for index in sums {
            self.task(Task::Forward(done..*index));
            self.task(Task::ForwardSums(*index));
            self.barrier();
            done = *index;
        }
        self.task(Task::Forward(done..operations.end));
    }

    /// The same backward.
    fn backward(&mut self, operations: Range<usize>, sums: &[usize]) {
        let mut done = operations.end;
        for index in sums {
            self.task(Task::Backward(index + 1..done));
            self.task(Task::BackwardSums(*index));
            self.barrier();
            done = index + 1;
        }
        self.task(Task::Backward(operations.start..done));
    }

    fn task(&mut self, task: Task) {
        if let Some(stage) = self.stages.last_mut() {
            stage.push(task);
        }
    }

    fn barrier(&mut self) {
        self.stages.push(Vec::new());
    }
}

/// A line for each stage: `load, forward %0..%4, last, backward %0..%4`.
impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stage in &self.stages {
            let tasks: Vec<String> = stage.iter().map(Task::to_string).collect();
            writeln!(formatter, "{}", tasks.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load => formatter.write_str("load"),
            Self::Forward(operations) => write!(formatter, "forward %{}..%{}", operations.start, operations.end),
            Self::ForwardSums(operation) => write!(formatter, "sums of %{operation}"),
            Self::Last => formatter.write_str("last"),
            Self::BackwardSums(operation) => write!(formatter, "gradient sums of %{operation}"),
            Self::Backward(operations) => write!(formatter, "backward %{}..%{}", operations.start, operations.end),
        }
    }
}
