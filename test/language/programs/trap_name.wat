;; wat2wasm: --debug-names
;; error: trap: integer divide by zero in function 0 (divide) at offset 0x
;; status: 134
(module
  (func $divide (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func (export "main") (drop (call $divide (i32.const 1) (i32.const 0)))))
