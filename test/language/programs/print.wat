;; output: -1
;; output: 9223372036854775807
;; output: 1.5
;; output: -0
;; output: text
;; status: 42
(module
  (import "env" "print_i32" (func $i32 (param i32)))
  (import "env" "print_i64" (func $i64 (param i64)))
  (import "vee" "print_f32" (func $f32 (param f32)))
  (import "vee" "print_f64" (func $f64 (param f64)))
  (import "vee" "print_str" (func $str (param i32 i32)))
  (memory 1)
  (data (i32.const 100) "text\n")
  (func (export "main") (result i32)
    (call $i32 (i32.const -1))
    (call $i64 (i64.const 0x7fffffffffffffff))
    (call $f32 (f32.const 1.5))
    (call $f64 (f64.const -0))
    (call $str (i32.const 100) (i32.const 5))
    (i32.const 42)))
