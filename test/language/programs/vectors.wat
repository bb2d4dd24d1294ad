;; Empty vectors before others are not the end of a file, however many; a file's device and number are where they belong.
;; stdin: hello
;; output: 0
;; output: 5
;; output: 1869376613
;; output: 0
;; output: 1
;; status: 0
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
  (import "env" "print_i32" (func $print (param i32)))
  (memory 1)
  (func (export "_start")
    (i32.store (i32.const 800) (i32.const 1000))
    (i32.store (i32.const 804) (i32.const 100))
    (call $print (call $read (i32.const 0) (i32.const 0) (i32.const 101) (i32.const 2000)))
    (call $print (i32.load (i32.const 2000)))
    (call $print (i32.load (i32.const 1001)))
    (call $print (call $stat (i32.const 0) (i32.const 3000)))
    (call $print (i32.and
      (i64.ne (i64.load (i32.const 3000)) (i64.const 0))
      (i32.and (i64.ne (i64.load (i32.const 3008)) (i64.const 0)) (i64.ne (i64.load (i32.const 3000)) (i64.load (i32.const 3008))))))))
