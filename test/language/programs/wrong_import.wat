;; error: import 'print_i32' of 'env': incompatible import type
;; status: 126
(module (import "env" "print_i32" (func (param i64))) (func (export "_start")))
