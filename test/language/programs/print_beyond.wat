;; error: trap: out of bounds memory access
;; status: 134
(module
  (import "env" "print_str" (func $str (param i32 i32)))
  (memory 1)
  (func (export "main") (call $str (i32.const 65530) (i32.const 7))))
