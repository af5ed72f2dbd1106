#!/bin/sh
# Writes crates/octo-sts/link/order.txt: the functions that a serving process runs, from its start to its end, in their
# mangled names. Run it before a release, from the root of the project, with valgrind installed:
#
#     bench/order.sh [FEATURES]...
#
# The names hold for one compiler, one Cargo.lock and one set of features; with several sets the list serves each of them.
set -eu

[ $# -gt 0 ] || set -- default
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release -p octo-sts-bench
: > "$work/all"
for features in "$@"; do
    # The profile stays the same: names depend on it, and this last argument leaves them in the binary.
    cargo rustc --release -p octo-sts --bin octo-sts --features "$features" -- -C strip=none
    cp target/release/octo-sts "$work/octo-sts"
    # The bench ends its processes at once; one below it lives on to write down what it ran.
    cat > "$work/traced" <<END
#!/bin/sh
valgrind --tool=callgrind --demangle=no --callgrind-out-file="$work/%p.out" "$work/octo-sts" "\$@" > /dev/null 2>&1 &
echo \$! >> "$work/pids"
wait
END
    chmod +x "$work/traced"
    target/release/octo-sts-bench --binary "$work/traced" --seconds 30 --tokens 1000 closed pushed
    while read -r pid; do
        kill -TERM "$pid" 2> /dev/null || true
        while kill -0 "$pid" 2> /dev/null; do sleep 1; done
    done < "$work/pids"
    sed -nE 's/^c?fn=\([0-9]+\) ([^ ]+)$/\1/p' "$work"/*.out | sed "s/'[0-9]*$//" | sort -u > "$work/run"
    nm -n "$work/octo-sts" | sed -nE 's/^[0-9a-f]+ [tTwW] //p' > "$work/there"
    # In the order that they had: neighbours call each other, and sorted by name they took a tenth more CPU.
    awk 'NR == FNR { run[$0] = 1; next } run[$0]' "$work/run" "$work/there" >> "$work/all"
    rm -f "$work"/*.out "$work/pids"
done
awk '!seen[$0]++' "$work/all" > crates/octo-sts/link/order.txt
wc -l crates/octo-sts/link/order.txt
