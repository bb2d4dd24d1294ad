;; Locals that are cleared by a helper, at every depth.
;; output: 0
;; status: 0
(module
  (import "env" "print_i64" (func $print (param i64)))
  (func $f (param $n i32) (result i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local $sum i64)
    (local.set $sum (i64.or (i64.or (local.get 1) (local.get 20)) (i64.or (local.get 40) (local.get $sum))))
    (if (local.get $n) (then
      (local.set $sum (i64.or (local.get $sum) (call $f (i32.sub (local.get $n) (i32.const 1)))))))
    (local.set 1 (i64.const -1)) (local.set 20 (i64.const -1)) (local.set 40 (i64.const -1))
    (local.get $sum))
  (func (export "_start")
    (drop (call $f (i32.const 100)))
    (call $print (call $f (i32.const 100)))))
