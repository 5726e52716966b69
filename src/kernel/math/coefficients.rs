//! Polynomial coefficients, lowest power first, written by `coefficients.py`: run that to change
//! them.

/// The constants of an element type that the approximations need.
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
}

impl Coefficients for f32 {
    const LN_2_HIGH: f32 = 6.9314575e-1;
    const LN_2_LOW: f32 = 1.4286068e-6;
    const EXP_LOWEST: f32 = -104.0;
    const EXP_HIGHEST: f32 = 89.0;
    const EXP_M1_LOWEST: f32 = -18.0;
    const SCALED_ERFC_SCALE: f32 = 3.0;
    // Q in eʳ = 1 + r + r² Q(r), |r| ≤ ½ ln 2: relative error 2^-27.9
    const EXP: &'static [f32] = &[4.9999994e-1, 1.666652e-1, 4.1668396e-2, 8.368852e-3, 1.3814562e-3];
    // P in ln(1 + f) = f − ½f² + f³ P(f), √½ ≤ 1 + f ≤ √2: relative error 2^-27.1
    const LN: &'static [f32] = &[
        3.333333e-1,
        -2.5000829e-1,
        2.0001286e-1,
        -1.6623071e-1,
        1.4200087e-1,
        -1.3161395e-1,
        1.2774785e-1,
        -7.648319e-2,
    ];
    // P in ln(1 + e) = e P(e), 0 ≤ e ≤ 1: relative error 2^-27.7
    const LN_1P_UNIT: &'static [f32] = &[
        1.0,
        -4.9999982e-1,
        3.333256e-1,
        -2.4987271e-1,
        1.9890751e-1,
        -1.6105697e-1,
        1.2418441e-1,
        -8.244176e-2,
        4.1478213e-2,
        -1.3407517e-2,
        2.0302383e-3,
    ];
    // P in tanh x = x + x³ P(x²), |x| ≤ 0.55: relative error 2^-27.6
    const TANH: &'static [f32] = &[-3.3333316e-1, 1.3332586e-1, -5.385221e-2, 2.107123e-2, -6.2735514e-3];
    // P in erf x = x + x P(x²), |x| ≤ 1: relative error 2^-28.8
    const ERF: &'static [f32] =
        &[1.2837917e-1, -3.7612626e-1, 1.12835854e-1, -2.6853813e-2, 5.1883273e-3, -8.0101885e-4, 7.853835e-5];
    // P in exp(x²) erfc(x) = t P(t − ¼), t = 3 / (x + 3): relative error 2^-25.4
    const SCALED_ERFC: &'static [f32] = &[
        2.4923089e-1,
        3.163822e-1,
        3.6112282e-1,
        3.62942e-1,
        3.0902955e-1,
        2.153344e-1,
        6.300684e-2,
        6.653029e-2,
        -1.5372682e-1,
        4.663869e-2,
        2.6561227e-3,
    ];
}

impl Coefficients for f64 {
    const LN_2_HIGH: f64 = 6.931471803691238e-1;
    const LN_2_LOW: f64 = 1.9082149292705877e-10;
    const EXP_LOWEST: f64 = -746.0;
    const EXP_HIGHEST: f64 = 710.0;
    const EXP_M1_LOWEST: f64 = -38.0;
    const SCALED_ERFC_SCALE: f64 = 4.0;
    // Q in eʳ = 1 + r + r² Q(r), |r| ≤ ½ ln 2: relative error 2^-56.7
    const EXP: &'static [f64] = &[
        5.000000000000011e-1,
        1.6666666666666408e-1,
        4.166666666652808e-2,
        8.333333333496496e-3,
        1.3888888944254682e-3,
        1.9841269503679035e-4,
        2.4801492382497922e-5,
        2.755758759247493e-6,
        2.763052558694457e-7,
        2.500011516790119e-8,
    ];
    // P in ln(1 + f) = f − ½f² + f³ P(f), √½ ≤ 1 + f ≤ √2: relative error 2^-57.6
    const LN: &'static [f64] = &[
        3.333333333333346e-1,
        -2.4999999999998915e-1,
        1.9999999999944093e-1,
        -1.6666666666913155e-1,
        1.4285714294104512e-1,
        -1.2499999982448692e-1,
        1.1111110500043794e-1,
        -1.0000000343985453e-1,
        9.090934025205129e-2,
        -8.333347453431224e-2,
        7.691705332726916e-2,
        -7.141960689188231e-2,
        6.675224180967754e-2,
        -6.270304995670185e-2,
        5.817743067751483e-2,
        -5.3235213080883796e-2,
        5.412331439473547e-2,
        -6.282230035891885e-2,
        5.7141557836137225e-2,
        -2.437499165624723e-2,
    ];
    // P in ln(1 + e) = e P(e), 0 ≤ e ≤ 1: relative error 2^-56.6
    const LN_1P_UNIT: &'static [f64] = &[
        1.0,
        -4.9999999999999856e-1,
        3.333333333330922e-1,
        -2.4999999998422753e-1,
        1.9999999945152264e-1,
        -1.6666665493189045e-1,
        1.428569742393662e-1,
        -1.2499827576874623e-1,
        1.1109804306893574e-1,
        -9.99243732499408e-2,
        9.056729983861744e-2,
        -8.210567523864509e-2,
        7.336847865979593e-2,
        -6.302968148866074e-2,
        5.028061325737905e-2,
        -3.575797457324421e-2,
        2.1707960640631973e-2,
        -1.0743866722067267e-2,
        4.109815170803391e-3,
        -1.1299185113641495e-3,
        1.975011815756945e-4,
        -1.6417812989889547e-5,
    ];
    // P in tanh x = x + x³ P(x²), |x| ≤ 0.55: relative error 2^-60.3
    const TANH: &'static [f64] = &[
        -3.33333333333333e-1,
        1.33333333333266e-1,
        -5.396825396374816e-2,
        2.1869488385486895e-2,
        -8.863232595195124e-3,
        3.592091965324053e-3,
        -1.4555424136085363e-3,
        5.884426558964774e-4,
        -2.3337677708147494e-4,
        8.330939961987605e-5,
        -1.9490224428801306e-5,
    ];
    // P in erf x = x + x P(x²), |x| ≤ 1: relative error 2^-56.3
    const ERF: &'static [f64] = &[
        1.283791670955126e-1,
        -3.761263890318375e-1,
        1.1283791670954857e-1,
        -2.6866170645072858e-2,
        5.2239776247806e-3,
        -8.548326978729757e-4,
        1.2055331036518486e-4,
        -1.4925593499021149e-5,
        1.646097270660283e-6,
        -1.63500241837265e-7,
        1.465787356589049e-8,
        -1.136564395168691e-9,
        5.945227678386356e-11,
    ];
    // P in exp(x²) erfc(x) = t P(t − ¼), t = 4 / (x + 4): relative error 2^-54.4
    const SCALED_ERFC: &'static [f64] = &[
        1.8741688405957505e-1,
        2.4306532470564116e-1,
        2.9752716047409566e-1,
        3.4179981980172125e-1,
        3.6581763512011156e-1,
        3.611286571898811e-1,
        3.2412684597160774e-1,
        2.586252130541971e-1,
        1.7630493594241312e-1,
        9.406989177767448e-2,
        2.865109942191871e-2,
        -9.54783388497609e-3,
        -2.0293671618860684e-2,
        -1.2833829969373718e-2,
        -1.5012362674332632e-3,
        9.397061706824751e-3,
        -2.8102348008222366e-3,
        1.1503287691809114e-2,
        -1.1877414027248618e-2,
        -3.1902914129754317e-3,
        1.0308748245305338e-2,
        -5.665846573115041e-3,
        1.066743628629519e-3,
    ];
}
