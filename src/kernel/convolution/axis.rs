//! One axis of a convolution: which positions of a source a target reads.
//!
//! Forward, the output at `t` reads the input at `t·s + k·d − p` for each position `k` of the
//! kernel.
//!
//! Backward, the input at `t` reads the output at `(t + p − k·d) / s` if that is an integer. For
//! which `k` it is one depends only on `(t + p) mod s`: the targets fall into `s` phases, and
//! within a phase the positions of the kernel, last one first, read equidistant source positions.
//! With stride 1 there is one phase: the well-known flipped kernel.
//!
//! Positions of the kernel that read nothing but zeros beyond the source are left out: a kernel may
//! be much larger than the image.

/// Sizes of one axis.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub input: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub padding: usize,
    pub output: usize,
}

/// How the targets of one phase read the source: target `first + step · t` for `t < count`, through
/// its tap `k < taps`, reads the source at `source + source_step · t + dilation · k`, weighted by
/// the kernel's position `position + position_step · k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    pub first: usize,
    pub step: usize,
    pub count: usize,
    pub source: isize,
    pub source_step: usize,
    pub taps: usize,
    pub dilation: usize,
    pub position: usize,
    pub position_step: isize,
}

/// The `count` phases of an axis, computed from their index.
#[derive(Clone, Copy)]
pub(super) struct Phases {
    axis: Axis,
    backward: bool,
}

impl Axis {
    pub fn forward(self) -> Phases {
        Phases { axis: self, backward: false }
    }

    pub fn backward(self) -> Phases {
        Phases { axis: self, backward: true }
    }

    /// The first position of the kernel that meets the input, and how many do from there on.
    pub fn taps(self) -> (usize, usize) {
        let phase = self.forward_phase().clipped_to(self.input);
        (phase.position, phase.taps)
    }

    fn forward_phase(&self) -> Phase {
        Phase {
            first: 0,
            step: 1,
            count: self.output,
            source: -(self.padding as isize),
            source_step: self.stride,
            taps: self.kernel,
            dilation: self.dilation,
            position: 0,
            position_step: 1,
        }
    }

    /// The phase of targets `first`, `first + stride`, …
    fn backward_phase(&self, first: usize) -> Phase {
        let residue = (first + self.padding) % self.stride;
        let first_position = (0..self.kernel).find(|position| position * self.dilation % self.stride == residue);
        self.phase_read_from(first, first_position)
    }

    /// The phase of targets `first`, `first + stride`, … that `first_position` is the kernel's
    /// first position to serve.
    fn phase_read_from(&self, first: usize, first_position: Option<usize>) -> Phase {
        let (stride, position_step) = (self.stride, self.position_step());
        let taps = first_position.map_or(0, |position| (self.kernel - position).div_ceil(position_step));
        let last_position = first_position.unwrap_or(0) + taps.saturating_sub(1) * position_step;
        Phase {
            first,
            step: stride,
            count: self.input.saturating_sub(first).div_ceil(stride),
            source: ((first + self.padding) as isize - (last_position * self.dilation) as isize)
                .div_euclid(stride as isize),
            source_step: 1,
            taps,
            dilation: self.dilation * position_step / stride,
            position: last_position,
            position_step: -(position_step as isize),
        }
    }

    /// The distance between positions of the kernel that serve the same phase.
    fn position_step(&self) -> usize {
        self.stride / greatest_common_divisor(self.stride, self.dilation)
    }
}

impl Phases {
    /// All phases that have a target.
    pub fn iter(self) -> impl Iterator<Item = Phase> {
        let Self { axis, backward } = self;
        let count = if backward { axis.stride.min(axis.input) } else { 1 };
        (0..count).map(move |first| match backward {
            true => axis.backward_phase(first).clipped_to(axis.output),
            false => axis.forward_phase().clipped_to(axis.input),
        })
    }

    /// Those of [`iter`](Self::iter) that read anything: no more than positions of the kernel,
    /// however large image and stride are.
    pub fn reading(self) -> impl Iterator<Item = Phase> {
        let Self { axis, backward } = self;
        let count = if backward { axis.kernel.min(axis.position_step()) } else { 1 };
        let phases = (0..count).map(move |position| {
            let residue = position * axis.dilation % axis.stride;
            let first = (residue + axis.stride - axis.padding % axis.stride) % axis.stride;
            match backward {
                true => axis.phase_read_from(first, Some(position)).clipped_to(axis.output),
                false => axis.forward_phase().clipped_to(axis.input),
            }
        });
        phases.filter(|phase| phase.count > 0 && phase.taps > 0)
    }

    /// The positions of the source that are read: the first one and their number.
    pub fn span(self) -> (isize, usize) {
        let first = self.reading().map(|phase| phase.source).min().unwrap_or(0);
        let last = self.reading().map(|phase| phase.last_source()).max().unwrap_or(first - 1);
        (first, (last - first + 1) as usize)
    }
}

impl Phase {
    /// Without the taps at either end that no target reads inside a source of `length`.
    fn clipped_to(self, length: usize) -> Self {
        let (length, dilation) = (length as isize, self.dilation as isize);
        let last = self.source + (self.count.saturating_sub(1) * self.source_step) as isize;
        let taps_before = |position: isize| (position.max(0) as usize).div_ceil(self.dilation).min(self.taps);
        let (skipped, end) = (taps_before(-last), taps_before(length - self.source));
        Phase {
            source: self.source + skipped as isize * dilation,
            taps: end.saturating_sub(skipped),
            position: (self.position as isize + self.position_step * skipped as isize) as usize,
            ..self
        }
    }

    fn last_source(&self) -> isize {
        self.source + ((self.count - 1) * self.source_step + (self.taps - 1) * self.dilation) as isize
    }

    /// The kernel position whose weight a tap uses.
    pub fn position_of(&self, tap: usize) -> usize {
        (self.position as isize + self.position_step * tap as isize) as usize
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
