"""Writes coefficients.rs: minimax polynomials by Remez' exchange algorithm, in 220-bit arithmetic (needs mpmath).

    python3 coefficients.py > coefficients.rs && rustfmt coefficients.rs

Each polynomial minimises the largest relative error of the function it serves; the coefficients are then rounded to the
element type. The comment above each table gives the error of the rounded polynomial.
"""

import struct

import mpmath
from mpmath import cos, erf, erfc, exp, expm1, log, log1p, mp, mpf, pi, sqrt, tanh

mp.prec = 220


def remez(function, weight, low, high, degree):
    """The coefficients, lowest first, of the p that minimises the largest |weight (function - p)| on [low, high]."""
    count = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * mpf(i) / (24 * count)) for i in range(24 * count + 1)]
    samples = [(x, function(x), weight(x)) for x in grid]
    for _ in range(40):
        rows = [[x**j for j in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(points)]
        solution = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([function(x) for x in points]))
        coefficients = [solution[j] for j in range(degree + 1)]
        errors = [(x, w * (f - mpmath.polyval(coefficients[::-1], x))) for x, f, w in samples]
        points = extrema(errors, count)
        if max(abs(e) for _, e in errors) < abs(solution[degree + 1]) * mpf("1.001"):
            break
    return coefficients


def extrema(errors, count):
    """The points of largest error between changes of its sign, without the smallest at the ends."""
    found = []
    for x, e in errors:
        if found and (found[-1][1] > 0) == (e > 0):
            if abs(e) > abs(found[-1][1]):
                found[-1] = (x, e)
        else:
            found.append((x, e))
    while len(found) > count:
        found.pop(0 if abs(found[0][1]) < abs(found[-1][1]) else -1)
    assert len(found) == count
    return [x for x, _ in found]


def off_zero(function):
    """The function, evaluated beside zero where it has a removable singularity."""
    return lambda x: function(x if abs(x) > mpf(10) ** -20 else mpf(10) ** -20)


HALF_LN_2 = log(mpf(2)) / 2 * mpf("1.002")
SCALE = {"f32": 3, "f64": 4}
CENTRE = mpf("0.25")


def scaled_erfc(element):
    """exp(x^2) erfc(x) / t at t = k / (x + k), over what does not underflow."""
    k, largest = SCALE[element], {"f32": mpf("10.2"), "f64": mpf("27.3")}[element]
    function = lambda q: (lambda t, x: exp(x * x) * erfc(x) / t)(q + CENTRE, (1 / (q + CENTRE) - 1) * k)
    return function, lambda q: 1 / function(q), k / (largest + k) - CENTRE, 1 - CENTRE


def tables(element):
    """name, formula, function, weight, interval, degree"""
    yield ("EXP", "Q in eʳ = 1 + r + r² Q(r), |r| ≤ ½ ln 2",
           lambda r: (expm1(r) - r) / r**2, lambda r: r**2 / exp(r), -HALF_LN_2, HALF_LN_2,
           {"f32": 4, "f64": 9})
    yield ("LN", "P in ln(1 + f) = f − ½f² + f³ P(f), √½ ≤ 1 + f ≤ √2",
           lambda f: (log1p(f) - f + f * f / 2) / f**3, lambda f: f**3 / log1p(f), mpf("-0.2935"), mpf("0.4146"),
           {"f32": 7, "f64": 19})
    yield ("LN_1P_UNIT", "P in ln(1 + e) = e P(e), 0 ≤ e ≤ 1",
           lambda e: log1p(e) / e, lambda e: e / log1p(e), mpf(0), mpf(1),
           {"f32": 10, "f64": 21})
    yield ("TANH", "P in tanh x = x + x³ P(x²), |x| ≤ 0.55",
           lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z * sqrt(z) / tanh(sqrt(z)), mpf(0), mpf("0.3026"),
           {"f32": 4, "f64": 10})
    yield ("ERF", "P in erf x = x + x P(x²), |x| ≤ 1",
           lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)), mpf(0), mpf(1),
           {"f32": 6, "f64": 12})
    function, weight, low, high = scaled_erfc(element)
    yield ("SCALED_ERFC", f"P in exp(x²) erfc(x) = t P(t − ¼), t = {SCALE[element]} / (x + {SCALE[element]})",
           function, weight, low, high, {"f32": 10, "f64": 22})


def rounded(value, element):
    return mpf(struct.unpack("f", struct.pack("f", float(value)))[0]) if element == "f32" else mpf(float(value))


def literal(value, element):
    """The shortest decimal that rounds to the value."""
    digits = next(n for n in range(1, 18) if rounded(mpf(mpmath.nstr(value, n)), element) == value)
    mantissa, _, exponent = f"{float(mpmath.nstr(value, digits)):.{digits - 1}e}".partition("e")
    mantissa = mantissa if "." in mantissa else mantissa + ".0"
    return mantissa if int(exponent) == 0 else f"{mantissa}e{int(exponent)}"


def write(element):
    print(f"\nimpl Coefficients for {element} {{")
    high_bits = {"f32": 15, "f64": 32}[element]
    high = mpmath.floor(log(mpf(2)) * 2**high_bits) / 2**high_bits
    print(f"    const LN_2_HIGH: {element} = {literal(high, element)};")
    print(f"    const LN_2_LOW: {element} = {literal(rounded(log(mpf(2)) - high, element), element)};")
    lowest, highest, minus_one = {"f32": (-104, 89, -18), "f64": (-746, 710, -38)}[element]
    print(f"    const EXP_LOWEST: {element} = {lowest}.0;")
    print(f"    const EXP_HIGHEST: {element} = {highest}.0;")
    print(f"    const EXP_M1_LOWEST: {element} = {minus_one}.0;")
    print(f"    const SCALED_ERFC_SCALE: {element} = {SCALE[element]}.0;")
    for name, formula, function, weight, low, high, degrees in tables(element):
        function, weight = off_zero(function), off_zero(weight)
        coefficients = [rounded(c, element) for c in remez(function, weight, low, high, degrees[element])]
        grid = [low + (high - low) * i / 1999 for i in range(2000)]
        error = max(abs(weight(x) * (function(x) - mpmath.polyval(coefficients[::-1], x))) for x in grid)
        print(f"    // {formula}: relative error 2^{float(log(error, 2)):.1f}")
        print(f"    const {name}: &'static [{element}] = &[")
        for coefficient in coefficients:
            print(f"        {literal(coefficient, element)},")
        print("    ];")
    print("}")


print("""//! Polynomial coefficients, lowest power first, written by `coefficients.py`: run that to change them.

/// What the approximations need to know of an element type.
pub trait Coefficients: Sized + 'static {
    /// ln 2, cut so that its product with an exponent is exact.
    const LN_2_HIGH: Self;
    /// ln 2 − `LN_2_HIGH`
    const LN_2_LOW: Self;
    /// An x whose exponential is less than half of the smallest number.
    const EXP_LOWEST: Self;
    /// An x whose exponential is more than the largest number.
    const EXP_HIGHEST: Self;
    /// An x with eˣ − 1 = −1.
    const EXP_M1_LOWEST: Self;
    /// k in t = k / (x + k), the variable of `SCALED_ERFC`
    const SCALED_ERFC_SCALE: Self;
    /// Q in eʳ = 1 + r + r² Q(r)
    const EXP: &'static [Self];
    /// P in ln(1 + f) = f − ½f² + f³ P(f)
    const LN: &'static [Self];
    /// P in ln(1 + e) = e P(e) for 0 ≤ e ≤ 1
    const LN_1P_UNIT: &'static [Self];
    /// P in tanh x = x + x³ P(x²) for |x| ≤ 0.55
    const TANH: &'static [Self];
    /// P in erf x = x + x P(x²) for |x| ≤ 1
    const ERF: &'static [Self];
    /// P in exp(x²) erfc(x) = t P(t − ¼)
    const SCALED_ERFC: &'static [Self];
}""")
write("f32")
write("f64")
