# Shell functions shared by the scenario runner, the load runner and the softphone test: an engine of one's own on loopback,
# started on free ports in a temporary folder and stopped by its process number.
# To be sourced from the project's root.

work=$(mktemp -d "${TMPDIR:-/tmp}/ivr1357.XXXXXX")
engine_pid=
# Where the engine keeps its records and logs; a second engine has a folder of its own.
engine_folder=$work
# Every run has a loopback network of its own: all of 127.0.0.0/8 is this machine.
network="127.$((16 + RANDOM % 200)).$((RANDOM % 256))"
engine_ip=127.0.0.1
engine_port=

need() { # COMMAND WHERE-FROM
    command -v "$1" >/dev/null && return
    echo "$1 is missing ($2)" >&2
    exit 2
}

# SIPp's play_dtmf and baresip-free packet captures write raw packets.
raw_sockets() {
    local capabilities
    capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    (((0x$capabilities >> 13) & 1))
}

# A port that nobody holds now, on UDP or TCP, below the range from which the system picks its own.
free_port() {
    local port hex
    for _ in $(seq 200); do
        port=$((10000 + RANDOM % 6000))
        hex=$(printf ':%04X ' $port)
        cat /proc/net/{udp,tcp}{,6} 2>/dev/null | grep -q "$hex" || {
            echo $port
            return
        }
    done
    return 1
}

# Asks once with OPTIONS; an engine that answers anything is awake.
engine_answers() {
    local answer=
    exec 9<>"/dev/udp/$engine_ip/$engine_port" || return 1
    # bash's own printf would send every line as a datagram
    env printf 'OPTIONS sip:1357@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:9;rport;branch=z9hG4bK%s\r\nFrom: <sip:ready@%s>;tag=1\r\nTo: <sip:1357@%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n' \
        "$engine_ip" "$engine_ip" "$RANDOM$RANDOM" "$engine_ip" "$engine_ip" "$RANDOM$RANDOM" 2>/dev/null >&9
    # bash would read byte by byte and lose the rest of the datagram: the first byte is enough
    IFS= read -r -N 1 -t 0.3 answer <&9 2>/dev/null
    exec 9>&- 9<&-
    [ "$answer" = S ]
}

engine_alive() { [ -n "$engine_pid" ] && kill -0 "$engine_pid" 2>/dev/null; }

# engine_start [ARGUMENTS OF serve…]; PINNED="taskset -c 0" in front of it, ALSO_LISTEN="[::1]" for one more address.
engine_start() {
    local binary=${ENGINE:-${CARGO_TARGET_DIR:-target}/release/ivr1357} root=$PWD media console arguments=() argument
    # Never yesterday's engine: a build that is up to date costs a moment.
    [ -n "${ENGINE:-}" ] || cargo build --release --quiet --bins || exit 2
    binary=$(realpath "$binary")
    for argument in "$@"; do
        [ -e "$argument" ] && argument=$(realpath "$argument")
        arguments+=("$argument")
    done
    for _ in 1 2 3 4 5; do
        engine_port=$(free_port) console=$(free_port)
        media=$((16384 + RANDOM % 4 * 4000))
        # shellcheck disable=SC2086
        (
            cd "$engine_folder" || exit 2
            IVR1357__SIP__LISTEN=$engine_ip:$engine_port${ALSO_LISTEN:+,$ALSO_LISTEN:$engine_port} IVR1357__MEDIA__PORTS=${MEDIA_PORTS:-$media-$((media + 3999))} \
                IVR1357__CONSOLE__LISTEN=$engine_ip:$console IVR1357__RECORDS__FILE="$engine_folder/calls.jsonl" \
                IVR1357__CLOCK__START=${CLOCK_START:-2026-11-24T10:00+09:00} \
                exec ${PINNED:-} "$binary" serve --prompts "$root/prompts" "${arguments[@]}" >"$engine_folder/engine.out" 2>"$engine_folder/engine.log" </dev/null
        ) &
        engine_pid=$!
        for _ in $(seq 100); do
            engine_alive || break
            engine_answers && return 0
            sleep 0.1
        done
        engine_stop >/dev/null
    done
    echo "the engine did not start:" >&2
    tail -n 20 "$engine_folder/engine.out" "$engine_folder/engine.log" >&2
    exit 1
}

# SIGTERM, and once more for calls that a failed scenario left behind; ten seconds, then SIGKILL. A clean stop exits 0.
engine_stop() {
    local pid=$engine_pid code
    [ -n "$pid" ] || return 0
    engine_pid=
    kill -TERM "$pid" 2>/dev/null
    for tenth in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        [ "$tenth" = 15 ] && kill -TERM "$pid" 2>/dev/null
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null && echo "the engine did not stop within 10 s of SIGTERM: killed"
    wait "$pid" 2>/dev/null
    code=$?
    [ $code = 0 ] || echo "the engine ended with exit code $code"
    [ $code = 0 ]
}

# Whatever happens, nothing stays behind.
finish() {
    local job
    engine_stop >/dev/null
    for job in $(jobs -p); do kill "$job" 2>/dev/null; done
    [ -n "${KEEP:-}" ] && echo "traces kept in $work" || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
