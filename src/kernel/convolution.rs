//! placeholder
use super::Element;

#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub input: [usize; 2],
    pub channels: usize,
    pub filters: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: [usize; 2],
    pub output: [usize; 2],
}
impl Geometry {
    fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (ci, co) = (self.channels, self.filters);
        for oy in 0..self.output[0] {
            for ox in 0..self.output[1] {
                for ky in 0..self.kernel[0] {
                    for kx in 0..self.kernel[1] {
                        let y = (oy * self.stride[0] + ky * self.dilation[0]).wrapping_sub(self.padding[0]);
                        let x = (ox * self.stride[1] + kx * self.dilation[1]).wrapping_sub(self.padding[1]);
                        if y < self.input[0] && x < self.input[1] {
                            f(
                                (y * self.input[1] + x) * ci,
                                (oy * self.output[1] + ox) * co,
                                (ky * self.kernel[1] + kx) * ci * co,
                            );
                        }
                    }
                }
            }
        }
    }
    fn sizes(&self) -> (usize, usize) {
        (self.input[0] * self.input[1] * self.channels, self.output[0] * self.output[1] * self.filters)
    }
}
pub fn packed_len<T: Element>(g: &Geometry) -> usize {
    g.kernel[0] * g.kernel[1] * g.channels * g.filters
}
pub fn pack<T: Element>(_: &Geometry, weights: &[T], packed: &mut [T]) {
    packed.copy_from_slice(weights);
}
pub fn packed_gradient_len<T: Element>(g: &Geometry) -> usize {
    g.kernel[0] * g.kernel[1] * g.channels * g.filters
}
pub fn pack_gradient<T: Element>(_: &Geometry, weights: &[T], packed: &mut [T]) {
    packed.copy_from_slice(weights);
}
pub fn scratch_len<T: Element>(_: &Geometry) -> usize {
    0
}
#[allow(clippy::too_many_arguments)]
pub fn forward<T: Element>(
    g: &Geometry,
    samples: usize,
    input: &[T],
    packed: &[T],
    bias: Option<&[T]>,
    relu: bool,
    output: &mut [T],
    _scratch: &mut [T],
) {
    let (i, o) = g.sizes();
    for (input, output) in input.chunks_exact(i).zip(output.chunks_exact_mut(o)).take(samples) {
        for pixel in output.chunks_exact_mut(g.filters) {
            match bias {
                Some(bias) => pixel.copy_from_slice(bias),
                None => pixel.fill(T::zero()),
            }
        }
        g.each(|x, y, w| {
            for c in 0..g.channels {
                for f in 0..g.filters {
                    output[y + f] += input[x + c] * packed[w + c * g.filters + f];
                }
            }
        });
        if relu {
            output.iter_mut().for_each(|v| *v = v.max(T::zero()));
        }
    }
}
pub fn input_gradient<T: Element>(
    g: &Geometry,
    samples: usize,
    output_gradient: &[T],
    packed: &[T],
    input_gradient: &mut [T],
    _scratch: &mut [T],
) {
    let (i, o) = g.sizes();
    for (dx, dy) in input_gradient.chunks_exact_mut(i).zip(output_gradient.chunks_exact(o)).take(samples) {
        dx.fill(T::zero());
        g.each(|x, y, w| {
            for c in 0..g.channels {
                for f in 0..g.filters {
                    dx[x + c] += dy[y + f] * packed[w + c * g.filters + f];
                }
            }
        });
    }
}
pub fn weight_gradient<T: Element>(
    g: &Geometry,
    samples: usize,
    input: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
    _scratch: &mut [T],
) {
    let (i, o) = g.sizes();
    for (input, dy) in input.chunks_exact(i).zip(output_gradient.chunks_exact(o)).take(samples) {
        g.each(|x, y, w| {
            for c in 0..g.channels {
                for f in 0..g.filters {
                    gradient[w + c * g.filters + f] += input[x + c] * dy[y + f];
                }
            }
        });
    }
}
