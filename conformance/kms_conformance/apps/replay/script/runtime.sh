# --- requests ---------------------------------------------------------------------------------------------------------

# Print a text without control characters: it may come from the endpoint.
say() { printf '%s\n' "$*" | LC_ALL=C tr -c '\012\040-\176' '?'; }

unclear() {
    say "? Could not be judged: $*"
    exit 3
}

tohex() { od -An -v -tx1 | tr -d ' \n'; }
hexof() { printf '%s' "$1" | tohex; }
sha256() { openssl dgst -sha256 -binary | tohex; }

# Octal escapes of hexadecimal digits, each byte combined with a number: octal HEX NUMBER. Sets `octal`.
octal() {
    rest=$1 octal=''
    while [ -n "$rest" ]; do
        tail=${rest#??}
        byte=$((0x${rest%"$tail"} ^ $2))
        rest=$tail
        octal="$octal\\$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
    done
}

# The formats of printf in these two functions are octal escapes and nothing else.
unhex() {
    octal "$1" 0
    # shellcheck disable=SC2059
    printf "$octal"
}

# HMAC of standard input, as hexadecimal digits: hmac HASH KEY_IN_HEX. The key has at most 64 bytes. It stands on no
# command line, which other users of this machine could read: printf is a part of the shell.
hmac() {
    padded=$2
    while [ "${#padded}" -lt 128 ]; do padded=${padded}00; done
    octal "$padded" 54
    # shellcheck disable=SC2059
    { printf "$octal"; cat; } | openssl dgst "-$1" -binary >"$work/inner"
    octal "$padded" 92
    # shellcheck disable=SC2059
    { printf "$octal"; cat "$work/inner"; } | openssl dgst "-$1" -binary | tohex
}

# A key for hmac, in hexadecimal digits.
key_of() {
    if [ "${#1}" -gt 64 ]; then say "The secret has more than 64 characters." >&2; else hexof "$1"; fi
}

urlencode() {
    printf '%s' "$1" | od -An -v -tx1 | LC_ALL=C awk '{
        for (i = 1; i <= NF; i++) {
            n = index("0123456789abcdef", substr($i, 1, 1)) * 16 + index("0123456789abcdef", substr($i, 2, 1)) - 17
            c = sprintf("%c", n)
            printf "%s", (c ~ /[A-Za-z0-9._~-]/ ? c : "%" toupper($i))
        }
    }'
}

flatten() { LC_ALL=C awk "$@" "$flatten" ; }

now() { epoch "$(date -u +%Y-%m-%dT%H:%M:%SZ)"; }
epoch() { flatten -v epochof="$1" </dev/null; }

# Note a value of this script for later steps and for the comparison.
note() {
    eval "v_$1=\$2"
    printf '%s\t%s\n' "$1" "$2" >>"$work/known"
}

# The other forms of a value in which requests have it.
upper() { printf '%s' "$1" | tr '[:lower:]' '[:upper:]'; }
bare() { printf '%s' "$1" | tr -d -; }
encoded() { printf '%s' "$1" | sed 's/-/%2D/g'; }
other() {
    case $1 in
    *[0-8]) last=$((${1#"${1%?}"} + 1)) ;;
    *9) last=a ;;
    *[aA]) last=b ;;
    *[bB]) last=c ;;
    *[cC]) last=d ;;
    *[dD]) last=e ;;
    *[eE]) last=f ;;
    *) last=0 ;;
    esac
    printf '%s' "${1%?}$last"
}

# Begin a request: begin NAME METHOD PATH QUERY.
begin() {
    name=$1 method=$2 path=$3 query=$4
    : >"$work/head"
    : >"$work/body"
}

header() { printf '%s\n' "$1" >>"$work/head"; }

# Send the request: send [signed]. Sets `status`, `at` and the files reply.head and reply.
send() {
    cp "$work/head" "$work/sent"
    [ $# -eq 0 ] || sign
    sleep "$pause" 2>/dev/null || sleep 1
    at=$(($(now) + moved))
    {
        printf 'url = "%s%s%s%s"\n' "$base" "$path" "${query:+?}" "$query"
        # curl adds these headers unless they are given or emptied.
        for each in Accept User-Agent Content-Type Expect; do
            grep -qi "^$each:" "$work/sent" || printf 'header = "%s:"\n' "$each"
        done
        sed -e 's/[\\"]/\\&/g' -e 's/^\([^:]*\):[ ]*$/\1;/' -e 's/.*/header = "&"/' "$work/sent"
        [ ! -s "$work/body" ] && [ "$method" = GET ] || printf 'data-binary = "@%s"\n' "$work/body"
    } >"$work/config"
    : >"$work/reply.head"
    : >"$work/reply"
    status=$(curl -q -sS -g --http1.1 --path-as-is --noproxy '*' --max-time "$timeout" -X "$method" -K "$work/config" \
        -D "$work/reply.head" -o "$work/reply" -w '%{http_code}' 2>"$work/error") || status=000
    [ "$status" != 000 ] || { status=none; say "     no reply: $(head -n 1 "$work/error")"; }
    [ "$name" != 'move the clock' ] || note_clock
    say "$(printf '%3s. %s -> %s' "${step:-  }" "$name" "$status")"
}

accepted() { [ "$status" != none ] && [ "$status" -lt 400 ]; }

# Keep a value of the reply: keep VARIABLE PLACE.
keep() {
    accepted || return 0
    kept=$(flatten -v want="$2" <"$work/reply" | head -n 1)
    case $1 in
    key_*)
        [ -n "$kept" ] || unclear "the reply to $name has no ${2#\*\*}. A key may have been created."
        made="$made $kept"
        ;;
    esac
    [ -n "$kept" ] || unclear "the reply to $name has no ${2#\*\*}."
    note "$1" "$kept"
}

must_succeed() { accepted || unclear "$name, which prepares the key, was answered with $status: $(head -c 300 "$work/reply")"; }

# A step that is not compared: its status was that of the run, or nothing follows from a difference.
status_was() {
    [ "$status" = "$1" ] && return 0
    others=$((others + 1))
    say "       $1 in the run, $status now"
    case $status in none | 401 | 403 | 429 | 500 | 502 | 503 | 504) unserved=1 ;; esac
}

# --- comparison -------------------------------------------------------------------------------------------------------

# Compare the reply with that of the run, which is in the files then and then.known: compare STATUS TYPE REQUEST_ID AT.
compare() {
    say "     received now: $status $(head -c 600 "$work/reply" | tr '\n' ' ')"
    if [ "$status" = none ] || [ "$1" = none ]; then
        [ "$status" = "$1" ] || { found=$((found + 1)); say "  status: $1 in the run, $status now"; }
        return 0
    fi
    type=$(sed -n 's/^[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Tt][Yy][Pp][Ee]:[ ]*\([^;]*\).*/\1/p' "$work/reply.head" |
        tr -d '\r' | tr '[:upper:]' '[:lower:]' | head -n 1 | sed 's/ *$//')
    {
        tr -d '\r' <"$work/reply.head" | awk -F': *' 'tolower($1) ~ /request-?_?id|trace-?id/ { print $2 }'
        flatten -v raw=1 <"$work/reply"
    } >"$work/ids"
    told=missing
    if [ -s "$work/ids" ]; then
        told=new
        ! grep -qxFf "$work/ids" "$work/seen" || told='seen before'
    fi
    cat "$work/ids" >>"$work/seen"
    {
        printf 'status\tword\t%s\ntype\tword\t%s\nrequest id\tword\t%s\n' "$1" "$2" "$3"
        flatten -v at="$4" -v known="$work/then.known" <"$work/then"
    } >"$work/expected"
    {
        printf 'status\tword\t%s\ntype\tword\t%s\nrequest id\tword\t%s\n' "$status" "$type" "$told"
        flatten -v at="$at" -v known="$work/known" <"$work/reply"
    } >"$work/now"
    LC_ALL=C awk -F'\t' '
        NR == FNR { kind[$1] = $2; text[$1] = $3; next }
        {
            here[$1] = 1
            if (!($1 in kind)) { print "  " $1 ": nothing in the run, " $3 " now"; next }
            if (index(text[$1], "[redacted:")) equal = $2 == "text"
            else if ($2 ~ /^date/ && text[$1] != "past" && $3 != "past")
                equal = kind[$1] == $2 && text[$1] - $3 <= 1200 && $3 - text[$1] <= 1200
            else equal = kind[$1] == $2 && text[$1] == $3
            if (!equal) print "  " $1 ": " text[$1] " in the run, " $3 " now"
        }
        END { for (place in kind) if (!(place in here)) print "  " place ": " text[place] " in the run, nothing now" }
    ' "$work/expected" "$work/now" >"$work/differences"
    [ ! -s "$work/differences" ] || { found=$((found + 1)); say "$(head -n 10 "$work/differences")"; }
}

# --- the clock of the target ------------------------------------------------------------------------------------------

note_clock() {
    shown=$(flatten -v want=.now <"$work/reply" | head -n 1)
    [ -z "$shown" ] || moved=$(($(epoch "$shown") - $(now)))
}

# --- the end ----------------------------------------------------------------------------------------------------------

# Schedule every key of this script for deletion, also after Ctrl-C or an error.
finish() {
    code=$?
    trap '' INT TERM HUP
    step=''
    for each_key in $made; do
        v_made=$each_key scheduled=''
        give_back
        if [ -n "$scheduled" ]; then
            say "key $each_key is scheduled for deletion."
        else
            say "! KEY LEFT: the key $each_key is NOT scheduled for deletion."
            [ "$code" != 0 ] || code=3
        fi
    done
    rm -rf "$work"
    trap - EXIT
    exit "$code"
}

is_scheduled() {
    [ "$status" != none ] && [ "$status" -lt 500 ] && grep -Eiq "$pending" "$work/reply" && scheduled=1
    return 0
}

for each in $environment; do
    eval "[ -n \"\${$each:-}\" ]" || missing="${missing:-}${missing:+, }$each"
done
[ -z "${missing:-}" ] || {
    say "Set these environment variables first: $missing."
    exit 2
}
for each in curl openssl awk od; do
    command -v "$each" >/dev/null || {
        say "This script needs $each, which is not there."
        exit 2
    }
done
umask 077
base=${1:-$default_base}
base=${base%/}
host=${base#*://}
host=${host%%/*}
prefix=${base#*://"$host"}
work=${TMPDIR:-/tmp}/kms-reproduce.$$
mkdir "$work" || exit 2
made='' moved=0 found=0 others=0 unserved='' step=''
: >"$work/known"
: >"$work/seen"
trap finish EXIT
trap 'say "? Interrupted."; exit 3' INT TERM HUP
say "$requirement: $statement"
say "at $base"
prepare
steps
say "expected             $expected"
say "received in the run  $received"
[ -z "$unserved" ] || unclear "steps before the failure were answered otherwise than in the run."
[ "$others" = 0 ] || [ "$found" != 0 ] || unclear "steps before the failure were answered otherwise than in the run."
if [ "$found" != 0 ]; then
    say "Not seen again: the replies differ from those of the run."
    exit 0
fi
say "SEEN AGAIN: the same replies as in the run."
exit 1
