;; poll_oneoff in counted machines: time passes at once, up to what comes first, and not at all where something is ready.
;; run: --counted FILE
;; stdin: x
;; output: 0
;; output: 1
;; output: 8
;; output: 1
;; output: 0
;; output: 0
;; output: 1
;; output: 5
;; output: 0
;; status: 0
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "env" "print_i32" (func $print (param i32)))
  (memory 1)
  (func $now (result i64)
    (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 20008)))
    (i64.load (i32.const 20008)))
  (func $hours (param $began i64) (result i32)
    (i32.wrap_i64 (i64.div_u (i64.sub (call $now) (local.get $began)) (i64.const 3600000000000))))
  (func (export "_start") (local $began i64)
    (local.set $began (call $now))
    (i64.store (i32.const 0) (i64.const 7))
    (i32.store (i32.const 16) (i32.const 3)) ;; of the thread: two hours
    (i64.store (i32.const 24) (i64.const 7200000000000))
    (i64.store (i32.const 48) (i64.const 8))
    (i32.store (i32.const 64) (i32.const 0)) ;; of the day: one, absolute
    (i64.store (i32.const 72) (i64.add (local.get $began) (i64.const 3600000000000)))
    (i32.store16 (i32.const 88) (i32.const 1))
    (call $print (call $poll (i32.const 0) (i32.const 1000) (i32.const 2) (i32.const 2000)))
    (call $print (i32.load (i32.const 2000)))
    (call $print (i32.load (i32.const 1000)))
    (call $print (call $hours (local.get $began)))
    (call $print (i32.load16_u (i32.const 1008)))
    ;; standard error can be written to: no time passes
    (local.set $began (call $now))
    (i64.store (i32.const 48) (i64.const 5))
    (i32.store8 (i32.const 56) (i32.const 2))
    (i32.store (i32.const 64) (i32.const 2))
    (call $print (call $poll (i32.const 0) (i32.const 1000) (i32.const 2) (i32.const 2000)))
    (call $print (i32.load (i32.const 2000)))
    (call $print (i32.load (i32.const 1000)))
    (call $print (call $hours (local.get $began)))
    ;; input alone is waited for
    (i32.store8 (i32.const 8) (i32.const 1))
    (i32.store (i32.const 16) (i32.const 0))
    (if (call $poll (i32.const 0) (i32.const 1000) (i32.const 1) (i32.const 2000)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 2000)) (i32.const 1)) (then (unreachable)))))
