;; error: data segment 0: out of bounds memory access
;; status: 126
(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))
