//! What AVX2 and AVX-512 have in common but for the names of the instructions, which each set lists
//! in a module per element type.

/// Calls instructions of the set, in a method of its token or of one of its vectors.
macro_rules! instruction {
    ($call:expr) => {
        // SAFETY: there is a token, or a vector that a token has made: `detect` has seen that the
        // CPU has the instructions.
        unsafe { $call }
    };
}

/// The token's methods.
macro_rules! token_methods {
    ($vector:ident, $element:ident, $instructions:ident, $features:literal) => {
        type Vector = $vector;
        const TERMS_PER_ITERATION: usize = 4;

        #[inline(always)]
        fn splat(self, value: $element) -> $vector {
            $vector(instruction!($instructions::splat(value)))
        }
        #[inline(always)]
        unsafe fn load(self, pointer: *const $element) -> $vector {
            // SAFETY: of the instruction, `self`; of the pointer, the caller's promise.
            $vector(unsafe { $instructions::load(pointer) })
        }
        #[inline(always)]
        fn call<O: Operation<$element>>(self, operation: O) -> O::Output {
            #[target_feature(enable = $features)]
            #[inline(never)]
            fn run<S: Simd<$element>, O: Operation<$element>>(simd: S, operation: O) -> O::Output {
                operation.run(simd)
            }
            instruction!(run(self, operation))
        }
    };
}

/// The vector's methods that are one or two instructions.
macro_rules! vector_methods {
    ($element:ident, $lanes:literal, $mask:ty, $instructions:ident) => {
        const LANES: usize = $lanes;
        type Mask = $mask;

        #[inline(always)]
        unsafe fn store(self, pointer: *mut $element) {
            // SAFETY: of the instruction, `self`; of the pointer, the caller's promise.
            unsafe { $instructions::store(pointer, self.0) }
        }
        #[inline(always)]
        unsafe fn store_partial(self, pointer: *mut $element, count: usize) {
            // SAFETY: of the instructions, `self`; of the pointer, the caller's promise: no lane
            // past `count` is written.
            unsafe { $instructions::store_masked(pointer, $instructions::first(count), self.0) }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(instruction!($instructions::add(self.0, other.0)))
        }
        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(instruction!($instructions::sub(self.0, other.0)))
        }
        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(instruction!($instructions::mul(self.0, other.0)))
        }
        #[inline(always)]
        fn div(self, other: Self) -> Self {
            Self(instruction!($instructions::div(self.0, other.0)))
        }
        #[inline(always)]
        fn mul_add(self, factor: Self, addend: Self) -> Self {
            Self(instruction!($instructions::mul_add(self.0, factor.0, addend.0)))
        }
        #[inline(always)]
        fn min(self, other: Self) -> Self {
            Self(instruction!($instructions::min(self.0, other.0)))
        }
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            Self(instruction!($instructions::max(self.0, other.0)))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            Self(instruction!($instructions::sqrt(self.0)))
        }
        #[inline(always)]
        fn abs(self) -> Self {
            Self(instruction!($instructions::and_not($instructions::splat(-0.0), self.0)))
        }
        #[inline(always)]
        fn negate(self) -> Self {
            Self(instruction!($instructions::xor(self.0, $instructions::splat(-0.0))))
        }
        #[inline(always)]
        fn copy_sign(self, sign: Self) -> Self {
            let bit = instruction!($instructions::splat(-0.0));
            let magnitude = instruction!($instructions::and_not(bit, self.0));
            Self(instruction!($instructions::or($instructions::and(bit, sign.0), magnitude)))
        }
        #[inline(always)]
        fn less(self, other: Self) -> $mask {
            instruction!($instructions::compare::<_CMP_LT_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> $mask {
            instruction!($instructions::compare::<_CMP_EQ_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn round(self) -> Self {
            Self(instruction!($instructions::round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
        }
    };
}
