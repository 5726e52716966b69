//! Comparison of gradients with five-point stencils.

use super::numbers::{Numbers, largest};

/// The distance h between the points of a stencil, relative to the tensor's largest magnitude.
const STEP: f64 = 1e-3;

/// If stencils of two widths differ by more than this share of the largest derivative, the function
/// has a kink between their points: rounding makes them differ by about 10⁻¹², a kink by a fraction
/// of the change of slope.
const KINK: f64 = 2e-10;

/// The same for the second differences of both widths. They show a kink exactly in the middle, and
/// a kink of the second derivative (an ELU's), which misleads both stencils alike.
const BEND: f64 = 4e-9;

/// The most coordinates of a tensor that are compared; of larger ones this many random ones.
const MOST: usize = 48;

/// A derivative this small relative to the terms that cancel in it counts as zero.
const VANISHES: f64 = 1e-7;

/// A derivative this small relative to the function counts as zero: what the stencil sees of it is
/// rounding, which is about 10⁻¹³ of the function.
const UNMOVED: f64 = 1e-10;

/// The result of comparing a gradient with a numerical one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct GradientComparison {
    /// max|analytic − numeric| / max|numeric|, of the worst tensor.
    pub error: f64,
    /// The number of compared coordinates.
    pub compared: usize,
    /// The number of coordinates replaced by others because of a kink within the stencil.
    pub redrawn: usize,
}

impl GradientComparison {
    /// Adds the result for another tensor.
    pub fn add(&mut self, other: Self) {
        self.error = largest([self.error, other.error].into_iter()); // infinite for a NaN
        self.compared += other.compared;
        self.redrawn += other.redrawn;
    }
}

/// Compares the gradient of a function at a point with the five-point stencil (f(−2h) − 8f(−h) +
/// 8f(h) − f(2h)) / 12h, h = 10⁻³ max|point|, or 10⁻³ if the point is zero.
///
/// `point` is one tensor and `analytic` the gradient there. The function is the sum of `terms`,
/// evaluated at the point with one coordinate moved; a function that is not a sum has one term.
/// Terms are subtracted one by one, so those that do not depend on the coordinate cause no rounding
/// error. Of large tensors 48 random coordinates are compared, half of them with a non-zero
/// derivative. If a ReLU's sign, a pool's winner or a branch changes within the stencil (detected
/// by stencils of two widths), another coordinate is taken. A missing derivative is an infinite
/// error, and so is a function, or a gradient, that is not finite.
///
/// The error of a gradient that is zero is relative to the terms that cancel in it; where no term
/// moves (a shift of all logits before a softmax, the bias of an attention's keys), to the terms
/// themselves.
///
/// ```
/// use autoencoder::testing::compare_gradient;
///
/// let point = [0.3_f64, -0.7];
/// let comparison = compare_gradient(&point, &point.map(f64::cos), 1, |x| x.iter().map(|x| x.sin()).collect());
/// assert!(comparison.compared == 2 && comparison.error < 1e-11);
/// ```
pub fn compare_gradient(
    point: &[f64],
    analytic: &[f64],
    seed: u64,
    mut terms: impl FnMut(&[f64]) -> Vec<f64>,
) -> GradientComparison {
    let h = STEP * Some(largest(point.iter().copied())).filter(|scale| *scale > 0.0).unwrap_or(1.0);
    let mut order = chosen(analytic, point.len(), seed).into_iter();
    let mut moved = point.to_vec();
    let mut stencils: Vec<Stencil> = Vec::new();
    loop {
        let scale = scale(&stencils);
        let smooth = stencils.iter().filter(|stencil| stencil.is_smooth(scale)).count();
        let next: Vec<usize> = order.by_ref().take(MOST.saturating_sub(smooth)).collect();
        if next.is_empty() {
            return judge(&stencils, scale);
        }
        for index in next {
            let derivative = analytic.get(index).copied().unwrap_or(f64::NAN);
            stencils.push(Stencil::new(derivative, h, |step| {
                moved.copy_from_slice(point);
                moved.get_mut(index).into_iter().for_each(|value| *value += step);
                terms(&moved)
            }));
        }
    }
}

/// The coordinates in the order in which they are tried: random ones with a non-zero derivative
/// first, then any. A pool's gradient is zero almost everywhere.
fn chosen(analytic: &[f64], count: usize, seed: u64) -> Vec<usize> {
    let order = Numbers::new(seed).order(count);
    let mut left = MOST / 2;
    let (mut first, others): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|index| {
        let taken = left > 0 && analytic.get(*index).is_some_and(|derivative| *derivative != 0.0);
        left -= usize::from(taken);
        taken
    });
    first.extend(others);
    first
}

/// The largest derivative; if it vanishes the size of the terms that cancel in it, or that do not
/// move.
fn scale(stencils: &[Stencil]) -> f64 {
    let cancelling = largest(stencils.iter().map(|stencil| stencil.absolute));
    let unmoved = largest(stencils.iter().map(|stencil| stencil.unmoved));
    let scale = largest(stencils.iter().map(|stencil| stencil.wide));
    if cancelling < UNMOVED * unmoved {
        unmoved
    } else if scale < VANISHES * cancelling {
        cancelling
    } else {
        scale
    }
}

fn judge(stencils: &[Stencil], scale: f64) -> GradientComparison {
    let smooth = || stencils.iter().filter(|stencil| stencil.is_smooth(scale));
    let difference = largest(smooth().map(|stencil| stencil.analytic - stencil.wide));
    let compared = smooth().count();
    // Infinite if the function or its gradient is not finite somewhere: the largest of errors
    // passes over a NaN.
    let error = if difference == 0.0 { 0.0 } else { difference / scale };
    let error = if scale.is_finite() && !error.is_nan() { error } else { f64::INFINITY };
    GradientComparison { error, compared, redrawn: stencils.len() - compared }
}

/// The stencil of one coordinate.
struct Stencil {
    analytic: f64,
    /// From points h apart.
    wide: f64,
    /// From points h/2 apart.
    narrow: f64,
    /// (f(h) − 2f(0) + f(−h)) / h, minus twice the same for half the width: zero unless there is a
    /// kink in the middle.
    bend: f64,
    /// The sum of the magnitudes of the wide stencil's terms.
    absolute: f64,
    /// The sum of the magnitudes of the function's terms, for a step as large as the point.
    unmoved: f64,
}

impl Stencil {
    fn new(analytic: f64, h: f64, mut at: impl FnMut(f64) -> Vec<f64>) -> Self {
        let [a, b, c, d, e, f, g] = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0].map(|steps| at(steps * h));
        let stencil = |a: f64, b: f64, c: f64, d: f64| ((a - d) + 8.0 * (c - b)) / 12.0;
        let (mut wide, mut narrow, mut bend, mut absolute) = (0.0, 0.0, 0.0, 0.0);
        let unmoved = d.iter().map(|term| term.abs()).sum::<f64>() * STEP / h;
        let outer = a.iter().zip(&b).zip(f.iter().zip(&g));
        let inner = c.iter().zip(&d).zip(&e);
        for (((a, b), (f, g)), ((c, d), e)) in outer.zip(inner) {
            let slope = stencil(*a, *b, *f, *g) / h;
            wide += slope;
            absolute += slope.abs();
            narrow += stencil(*b, *c, *e, *f) / (h / 2.0);
            bend += (((f - d) - (d - b)) - 4.0 * ((e - d) - (d - c))) / h;
        }
        Self { analytic, wide, narrow, bend, absolute, unmoved }
    }

    fn is_smooth(&self, scale: f64) -> bool {
        (self.wide - self.narrow).abs() <= KINK * scale && self.bend.abs() <= BEND * scale
    }
}
