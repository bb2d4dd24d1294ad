;; run: --invoke all FILE -7 0xffffffffffffffff 0.1 -2.5e300
;; output: -7
;; output: -1
;; output: 0.1
;; output: -2.5e+300
;; output: nan
;; output: inf
;; output: null
;; status: 0
(module
  (func (export "all") (param i32 i64 f32 f64) (result i32 i64 f32 f64 f32 f64 externref)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3)
    (f32.div (f32.const 0) (f32.const 0)) (f64.div (f64.const 1) (f64.const 0)) (ref.null extern)))
