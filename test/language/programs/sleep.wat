;; poll_oneoff: a clock that comes first, a descriptor that can be written at once.
;; output: 0
;; output: 1
;; output: 1
;; output: 0
;; output: 1
;; output: 2
;; status: 0
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "env" "print_i32" (func $print (param i32)))
  (memory 1)
  (func (export "_start") (local $began i64)
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
    (local.set $began (i64.load (i32.const 0)))
    (i64.store (i32.const 100) (i64.const 77))          ;; user data
    (i32.store (i32.const 116) (i32.const 1))           ;; monotonic
    (i64.store (i32.const 124) (i64.const 20000000))    ;; 20 ms
    (call $print (call $poll (i32.const 100) (i32.const 1000) (i32.const 1) (i32.const 2000)))
    (call $print (i32.load (i32.const 2000)))
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
    (call $print (i32.and (i64.eq (i64.load (i32.const 1000)) (i64.const 77))
      (i64.ge_u (i64.sub (i64.load (i32.const 0)) (local.get $began)) (i64.const 20000000))))
    (i64.store (i32.const 124) (i64.const 3600000000000)) ;; an hour, and standard error
    (i64.store (i32.const 148) (i64.const 78))
    (i32.store8 (i32.const 156) (i32.const 2))
    (i32.store (i32.const 164) (i32.const 2))
    (call $print (call $poll (i32.const 100) (i32.const 1000) (i32.const 2) (i32.const 2000)))
    (call $print (i32.load (i32.const 2000)))
    (call $print (i32.load8_u (i32.const 1010)))))
