;; run: --invoke add FILE 1 99999999999
;; error: argument '99999999999' is not a value of type i32
;; status: 125
(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
