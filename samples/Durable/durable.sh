#!/usr/bin/env bash
# A server that keeps messages on disk is killed with kill -9 while a producer sends, and started again.
# Shows that every message whose confirm the producer got is there: once, and in order. Ends by itself; leaves nothing behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
comet=${COMET:-$here/../../artifacts/bin/Comet.Cli/release/comet}
half=${1:-300000}
folder=$(mktemp -d)
server=
producer=
watch=

clean_up() {
    for process in $producer $watch $server; do
        kill -9 "$process" 2> /dev/null || true
    done
    rm -rf "$folder"
}
trap clean_up EXIT

# Starts the server at an address and waits for the line that says it is ready; that line has the address it really has.
serve() {
    rm -f "$folder/ready"
    mkfifo "$folder/ready"
    "$comet" serve --storage local --data "$folder/data" --listen "$1" > "$folder/ready" 3>&- &
    server=$!
    read -r -t 60 line < "$folder/ready"
    address=${line#comet: listening on }
    echo "$line"
}

serve comet://127.0.0.1:0

# Ends when something has come through: what a subscription gets is on disk.
"$comet" consume orders --subscription watch --from earliest --count 1000 --timeout 30s --server "$address" > /dev/null &
watch=$!

# The producer reads what is to be sent from here, as long as it is open.
mkfifo "$folder/lines"
"$comet" produce orders --server "$address" --timeout 60s < "$folder/lines" > "$folder/report" &
producer=$!
exec 3> "$folder/lines"
seq 1 "$half" >&3 &
lines=$!

wait "$watch"
watch=
kill -9 "$server"
wait "$server" 2> /dev/null || true
kill -0 "$producer" # It goes on.
echo "killed the server while the producer sends"

serve "$address"
"$comet" topic describe orders --server "$address"

# The producer has come back by itself, sends again what was not confirmed, and gets more.
wait "$lines"
seq "$((half + 1))" "$((2 * half))" >&3
exec 3>&-
wait "$producer" # Exits 0 when all is confirmed.
producer=
cat "$folder/report"

"$comet" consume orders --subscription check --from earliest --count "$((2 * half))" --timeout 30s --server "$address" > "$folder/got"
seq 1 "$((2 * half))" | cmp - "$folder/got"
echo "every confirmed message is there, once and in order: $((2 * half))"
