;; run: --invoke add FILE 1
;; error: add takes 2 arguments, 1 given
;; status: 125
(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
