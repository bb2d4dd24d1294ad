;; hello.wat - a WebAssembly module that prints a line through WASI and returns.
;;
;;   wat2wasm hello.wat -o hello.wasm && vee hello.wasm
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello from a WebAssembly module\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16)) ;; one piece: where it is,
    (i32.store (i32.const 4) (i32.const 32)) ;; and how long
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
