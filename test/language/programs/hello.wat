;; output: hello, world
;; status: 0
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "hello, ")
  (data (i32.const 32) "world\n")
  (data (i32.const 64) "\08\00\00\00\07\00\00\00\20\00\00\00\06\00\00\00")
  (func (export "_start")
    (if (call $write (i32.const 1) (i32.const 64) (i32.const 2) (i32.const 80)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 80)) (i32.const 13)) (then (unreachable)))))
