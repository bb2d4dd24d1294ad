;; error: import 'frobnicate' of 'env': unknown import
;; status: 126
(module (import "env" "frobnicate" (func)) (func (export "_start")))
