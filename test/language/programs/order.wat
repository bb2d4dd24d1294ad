;; run: --invoke main FILE
;; output: 1
;; output: 2
;; output: 3
;; status: 0
(module
  (import "env" "print_i32" (func $print (param i32)))
  (func $begin (call $print (i32.const 1)))
  (start $begin)
  (func (export "_initialize") (call $print (i32.const 2)))
  (func (export "main") (call $print (i32.const 3))))
