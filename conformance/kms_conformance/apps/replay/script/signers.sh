# The headers that are signed, in order, by their names in lower case: canonical_headers PATTERN.
canonical_headers() {
    {
        printf 'host:%s\n' "$host"
        LC_ALL=C awk -v pattern="$1" '{
            at = index($0, ":"); name = tolower(substr($0, 1, at - 1)); value = substr($0, at + 1)
            if (pattern == ".") gsub(/[ \t]+/, " ", value)
            sub(/^[ \t]+/, "", value); sub(/[ \t]+$/, "", value)
            if (name ~ pattern && (pattern == "." || name !~ /_/)) print name ":" value
        }' "$work/sent"
    } | LC_ALL=C sort -t : -k 1,1 >"$work/canonical"
    names=$(cut -d : -f 1 "$work/canonical" | tr '\n' ';')
    names=${names%;}
}

# The SHA-256 of the canonical request: canonical_request PATH QUERY.
canonical_request() {
    {
        printf '%s\n%s\n%s\n' "$method" "$1" "$2"
        cat "$work/canonical"
        printf '\n%s\n%s' "$names" "$(sha256 <"$work/body")"
    } | sha256
}

sign_token() {
    header_of_signature "X-Auth-Token: $a_token"
}

header_of_signature() { printf '%s\n' "$1" >>"$work/sent"; }

sign_aksk() {
    stamp=$(date -u +%Y%m%dT%H%M%SZ)
    header_of_signature "X-Sdk-Date: $stamp"
    header_of_signature "X-Project-Id: $a_project_id"
    [ -z "${a_security_token:-}" ] || header_of_signature "X-Security-Token: $a_security_token"
    canonical_headers '^(host|content-type|x-.*)$'
    signed_path=$prefix${path%/}/
    signature=$(printf 'SDK-HMAC-SHA256\n%s\n%s' "$stamp" "$(canonical_request "$signed_path" "")" |
        hmac sha256 "$(key_of "$a_access_key_secret")")
    header_of_signature "Authorization: SDK-HMAC-SHA256 Access=$a_access_key_id, SignedHeaders=$names, Signature=$signature"
}

sign_sigv4() {
    stamp=$(date -u +%Y%m%dT%H%M%SZ)
    day=${stamp%T*}
    header_of_signature "X-Amz-Date: $stamp"
    [ -z "${a_security_token:-}" ] || header_of_signature "X-Amz-Security-Token: $a_security_token"
    canonical_headers .
    signed=$(printf 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$stamp" "$day/$a_region/kms/aws4_request" \
        "$(canonical_request "$prefix$path" "")")
    key=$(key_of "AWS4$a_access_key_secret")
    for part in "$day" "$a_region" kms aws4_request; do
        key=$(printf '%s' "$part" | hmac sha256 "$key")
    done
    signature=$(printf '%s' "$signed" | hmac sha256 "$key")
    header_of_signature "Authorization: AWS4-HMAC-SHA256 Credential=$a_access_key_id/$day/$a_region/kms/aws4_request, SignedHeaders=$names, Signature=$signature"
}

# Parameters, one or more lines of them, sorted by their names.
canonical_query() {
    sorted=$(tr '&' '\n' | grep . | LC_ALL=C sort -t = -k 1,1 | tr '\n' '&')
    printf '%s' "${sorted%&}"
}

sign_rpc_v3() {
    header_of_signature "x-acs-date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    header_of_signature "x-acs-signature-nonce: $(openssl rand -hex 16)"
    header_of_signature "x-acs-content-sha256: $(sha256 <"$work/body")"
    [ -z "${a_security_token:-}" ] || {
        header_of_signature "x-acs-security-token: $a_security_token"
        header_of_signature "x-acs-accesskey-id: $a_access_key_id"
    }
    canonical_headers '^(host|content-type|x-acs-.*)$'
    signature=$(printf 'ACS3-HMAC-SHA256\n%s' \
        "$(canonical_request "$prefix$path" "$(printf '%s\n' "$query" | canonical_query)")" |
        hmac sha256 "$(key_of "$a_access_key_secret")")
    header_of_signature "Authorization: ACS3-HMAC-SHA256 Credential=$a_access_key_id,SignedHeaders=$names,Signature=$signature"
}

sign_rpc_v1() {
    own="AccessKeyId=$(urlencode "$a_access_key_id")&SignatureMethod=HMAC-SHA1&SignatureNonce=$(openssl rand -hex 16)"
    own="$own&SignatureVersion=1.0&Timestamp=$(urlencode "$(date -u +%Y-%m-%dT%H:%M:%SZ)")"
    [ -z "${a_security_token:-}" ] || own="$own&SecurityToken=$(urlencode "$a_security_token")"
    query=$query${query:+&}$own
    canonical=$(
        {
            printf '%s\n' "$query"
            ! grep -qi '^content-type: *application/x-www-form-urlencoded' "$work/head" || cat "$work/body"
        } | canonical_query
    )
    text="$method&%2F&$(urlencode "$canonical")"
    signature=$(printf '%s' "$text" | hmac sha1 "$(key_of "$a_access_key_secret&")")
    query="$query&Signature=$(urlencode "$(unhex "$signature" | openssl base64 -A)")"
}
