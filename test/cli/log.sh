# Host code in the log: it is text, and neither the guest nor its children notice how that is made.
needs riscv64-linux-gnu-gcc || return
riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || fail "guest.c does not build"
if [ "$(uname -m)" != x86_64 ]; then return; fi
expect 0 "status 5, more -1, ended 1, next 3" "" "$vee" ./guest family
expect 0 "status 5, more -1, ended 1, next 3" "*mov*" "$vee" -d host ./guest family
check "every line is an instruction, or a byte of data" sh -c '! grep -qv "^ *[0-9a-f][0-9a-f]*:  [a-z.][a-z0-9]*" err.txt'
"$vee" -d host ./guest exit 0 2>alone
check "a child has its own code in the log" test "$(wc -l <err.txt)" -gt "$(wc -l <alone)"
expect 0 "status 5, more -1, ended 1, next 3" "*mov*?host [0-9a-f]* [0-9a-f]*" "$vee" -d host ./guest close family
check "guest, then uops, then host code" sh -c '"$1" --tier baseline -d guest,uops,host ./guest exit 0 2>&1 | head -n 20 |
    tr -d "\n" | grep -q "jal ra,.*block .*cmp dword ptr"' sh "$vee"
# Where no program can be started from memory, the log is in hex.
expect 0 "host *" "" sh -c '(ulimit -c 0; ulimit -f 0; exec "$1" -d host ./guest exit 0) 2>&1 | cat' sh "$vee"
