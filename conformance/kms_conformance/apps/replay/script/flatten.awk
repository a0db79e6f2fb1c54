# Writes the leaves of a reply, a line each: place, tab, kind, tab, value, without what differs from run to run.
# Variables: at (seconds of the request by the clock of the target), known (file of lines: name, tab, value).
# With `want`, writes only the text at that place, or with "**NAME" the first text of that name. With `raw`, writes the
# request ids. With `epochof`, writes the seconds since 1970 of that date.

function fail() { broken = 1; return "" }

function skip() { while (pos <= size && index(" \t\r\n", substr(text, pos, 1))) pos++ }

function days(y, m, d,    era, yoe, doy) {
    if (m <= 2) y--
    era = int(y / 400); yoe = y - era * 400
    doy = int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1
    return era * 146097 + yoe * 365 + int(yoe / 4) - int(yoe / 100) + doy - 719468
}

# Seconds since 1970 of a date in ISO 8601; -1 for any other text.
function iso(s,    rest, zone, sign) {
    if (s !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]/) return -1
    rest = substr(s, 17); zone = 0; form = "ISO 8601 without a zone"
    seconds = 0
    if (rest ~ /^:[0-9][0-9]/) { seconds = substr(rest, 2, 2) + 0; rest = substr(rest, 4) }
    if (rest ~ /^\.[0-9]/) { match(rest, /^\.[0-9]+/); seconds += ("0" substr(rest, 1, RLENGTH)) + 0; rest = substr(rest, RLENGTH + 1) }
    if (rest == "Z") form = "ISO 8601"
    else if (rest ~ /^[+-][0-9][0-9]:?[0-9][0-9]$/) {
        form = "ISO 8601"; sign = substr(rest, 1, 1) == "-" ? -1 : 1
        zone = sign * (substr(rest, 2, 2) * 3600 + substr(rest, length(rest) - 1) * 60)
    } else if (rest != "") return -1
    return days(substr(s, 1, 4) + 0, substr(s, 6, 2) + 0, substr(s, 9, 2) + 0) * 86400 + substr(s, 12, 2) * 3600 + substr(s, 15, 2) * 60 + seconds - zone
}

function varies(name) {
    name = tolower(name)
    return name ~ /^(message|error_msg|recommend|hostid)$/ || name ~ /^(request-?_?id|trace-?id)$/
}

# Long words with a digit, such as ids, become #.
function without_ids(s,    out, word, lead) {
    out = ""
    while (match(s, /[0-9A-Za-z+\/_-]+=*/)) {
        word = substr(s, RSTART, RLENGTH)
        out = out substr(s, 1, RSTART - 1)
        s = substr(s, RSTART + RLENGTH)
        lead = ""
        while (word ~ /^[+\/-]/) { lead = lead substr(word, 1, 1); word = substr(word, 2) }
        if (length(word) >= 16 && word ~ /[0-9]/) word = "#"
        else gsub(/[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]+/, "#", word)
        out = out lead word
    }
    return substr(out s, 1, 500)
}

function replaced(s, from, to,    out, found) {
    out = ""
    while (from != "" && (found = index(s, from))) {
        out = out substr(s, 1, found - 1) to
        s = substr(s, found + length(from))
    }
    return out s
}

function leaf(place, name, value, kind,    moment, i) {
    if (want != "") {
        if (kind == "text" && !taken && (place == want || "**" name == want)) { taken = 1; print value }
        return
    }
    if (raw) { if (kind == "text" && tolower(name) ~ /^(request-?_?id|trace-?id)$/) print value; return }
    moment = -1; form = ""
    if (kind == "text" && varies(name) && value ~ /[^ \t]/) { emit(place, "text", "..."); return }
    if (kind == "text") {
        moment = iso(value)
        if (moment < 0 && value ~ /^1[0-9]+$/ && length(value) == 10) { form = "seconds as text"; moment = value + 0 }
        if (moment < 0 && value ~ /^1[0-9]+$/ && length(value) == 13) { form = "milliseconds as text"; moment = value / 1000 }
    } else if (kind == "number") {
        if (value + 0 >= 1000000000 && value + 0 < 10000000000) { form = "seconds"; moment = value + 0 }
        else if (value + 0 >= 1000000000000 && value + 0 < 10000000000000) { form = "milliseconds"; moment = value / 1000 }
    }
    if (moment >= 0) {
        emit(place, "date in " form, moment - at < 1200 ? "past" : sprintf("%.0f", moment - at))
        return
    }
    if (kind == "number") {
        if (tolower(name) ~ /total|count/ || value + 0 >= 100000000 || value + 0 <= -100000000) value = "#"
        emit(place, kind, value)
        return
    }
    if (kind == "text") {
        for (i = 1; i <= many; i++) value = replaced(value, knownvalue[i], "<" knownname[i] ">")
        value = without_ids(value)
        gsub(/[\t\r\n]/, " ", value)
    }
    emit(place, kind, value)
}

function emit(place, kind, value) {
    if (!inlist) { out[++lines] = place "\t" kind "\t" value; return }
    listed[++items] = kind "\t" value
}

# The items of a list of plain values, as a set. Those that name keys of others are left out.
function end_of_list(place,    i, ours, done) {
    ours = 0
    for (i = 1; i <= items; i++) if (index(listed[i], "<key_")) ours = 1
    split("", done)
    for (i = 1; i <= items; i++) {
        if (listed[i] in done || (ours && !index(listed[i], "<key_"))) continue
        if (!ours && index(listed[i], "#") && !index(listed[i], "<")) continue
        done[listed[i]] = 1
        out[++lines] = place "[" listed[i] "]\titem\tthere"
    }
    inlist = 0; items = 0
}

function string(    out, c, code) {
    out = ""; pos++
    while (pos <= size) {
        c = substr(text, pos, 1)
        if (c == "\"") { pos++; return out }
        if (c == "\\") {
            pos++; c = substr(text, pos, 1)
            if (c == "n" || c == "r" || c == "t" || c == "b" || c == "f") c = " "
            else if (c == "u") { code = substr(text, pos + 1, 4); pos += 4; c = tolower(substr(code, 1, 2)) == "00" ? sprintf("%c", hex(code)) : "\\u" code }
        }
        out = out c; pos++
    }
    return fail()
}

function hex(code,    i, n) {
    n = 0; code = tolower(code)
    for (i = 1; i <= length(code); i++) n = n * 16 + index("0123456789abcdef", substr(code, i, 1)) - 1
    return n
}

function parse(place, name, depth,    c, key, token, count) {
    skip(); c = substr(text, pos, 1)
    if (depth > 40 || c == "") return fail()
    if (c == "\"") { leaf(place, name, string(), "text"); return }
    if (c == "{" || c == "[") {
        if (inlist) { emit(place, "list", "of lists or objects"); broken = 2; return }
        pos++; skip(); count = 0
        if (c == "[") inlist = 1
        while (pos <= size && substr(text, pos, 1) != (c == "{" ? "}" : "]")) {
            if (count++) { if (substr(text, pos, 1) != ",") return fail(); pos++; skip() }
            if (c == "{") {
                if (substr(text, pos, 1) != "\"") return fail()
                key = string(); skip()
                if (substr(text, pos, 1) != ":") return fail()
                pos++
                parse(place "." key, key, depth + 1)
            } else parse(place, name, depth + 1)
            if (broken) return
            skip()
        }
        if (pos > size) return fail()
        pos++
        if (c == "[") end_of_list(place)
        if (c == "[" || !count) out[++lines] = place "\tempty or list\t" c
        return
    }
    if (!match(substr(text, pos), /^[-+.0-9A-Za-z]+/)) return fail()
    token = substr(text, pos, RLENGTH); pos += RLENGTH
    if (token == "true" || token == "false" || token == "null") leaf(place, name, token, "word")
    else if (token ~ /^-?[0-9]/) leaf(place, name, token, "number")
    else fail()
}

BEGIN {
    if (epochof != "") { printf "%.0f\n", iso(epochof); exit }
    while ((getline line < known) > 0) {
        split(line, pair, "\t")
        if (pair[2] != "") { many++; knownname[many] = pair[1]; knownvalue[many] = pair[2] }
    }
    # Longer values first: one may contain another.
    for (i = 1; i <= many; i++) for (j = i + 1; j <= many; j++) if (length(knownvalue[j]) > length(knownvalue[i])) {
        line = knownvalue[i]; knownvalue[i] = knownvalue[j]; knownvalue[j] = line
        line = knownname[i]; knownname[i] = knownname[j]; knownname[j] = line
    }
}
{ text = text (NR > 1 ? "\n" : "") $0 }
END {
    if (epochof != "") exit
    size = length(text); pos = 1
    parse("", "", 0); skip()
    if (broken == 1 || (!broken && pos <= size)) { inlist = 0; lines = 0; leaf("", "", text, "text") }
    if (want == "" && !raw) for (i = 1; i <= lines; i++) print out[i]
}
