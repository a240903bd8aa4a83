"""Functions of Trino that DuckDB lacks or answers differently, written in DuckDB's own SQL.

Each is created when the first query needs it. A call of Athena's `name(…)` goes to `trino_name` if there is one here;
the fix-ups in this folder point other syntax to them. The prefix keeps them from hiding DuckDB's own functions.

`trino_fail` raises by a cast that must fail: DuckDB's error() counts as volatile, and TRY does not take that.
"""

from __future__ import annotations

import re

__all__ = ["FAIL_MARK", "MACRO_NAMES", "needed_macros"]

FAIL_MARK = "trino: "
"""Begins the text of every error that a macro raises."""

_FAIL = (f"trino_fail(message) AS CAST('{FAIL_MARK}' || message AS INTEGER)",)

_NUMBERS = (
    "trino_nonzero(x) AS CASE WHEN x = 0 THEN trino_fail('DIVISION_BY_ZERO: Division by zero') ELSE x END",
    "trino_int_div(a, b) AS CASE WHEN a IS NULL THEN NULL ELSE a // trino_nonzero(b) END",
    "trino_mod(a, b) AS CASE WHEN a IS NULL THEN NULL ELSE a % trino_nonzero(b) END",
    # IEEE; the engine's setting for integer division makes DuckDB's own operator give NULL for x / 0.
    """trino_double_div(a, b) AS CASE WHEN b <> 0 THEN a / b WHEN a IS NULL OR b IS NULL THEN NULL
        WHEN a = 0 OR isnan(a) THEN 'nan'::DOUBLE WHEN a > 0 THEN 'inf'::DOUBLE ELSE '-inf'::DOUBLE END""",
    # Half away from zero, exact: numerator and denominator are whole numbers.
    """trino_round_div(n, d) AS CASE WHEN n IS NULL THEN NULL ELSE
        ((2 * abs(n) + abs(d)) // (2 * abs(trino_nonzero(d)))) * CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END END""",
    "trino_sqrt(x) AS CASE WHEN x < 0 THEN 'nan'::DOUBLE ELSE sqrt(x) END",
    """trino_ln(x) AS CASE WHEN x = 0 THEN '-inf'::DOUBLE WHEN x < 0 THEN 'nan'::DOUBLE
        ELSE ln(CASE WHEN x > 0 THEN x ELSE NULL END) END""",
    "trino_log(b, x) AS trino_ln(x) / trino_ln(b)",
    "trino_log2(x) AS CASE WHEN x > 0 THEN log2(CASE WHEN x > 0 THEN x END) ELSE trino_ln(x) END",
    "trino_log10(x) AS CASE WHEN x > 0 THEN log10(CASE WHEN x > 0 THEN x END) ELSE trino_ln(x) END",
    "trino_nan() AS 'nan'::DOUBLE",
    "trino_infinity() AS 'inf'::DOUBLE",
    "trino_is_finite(x) AS isfinite(x)",
    "trino_is_infinite(x) AS isinf(x)",
    "trino_e() AS exp(1)",
    "trino_to_base(x, radix) AS lower(to_base(x, radix))",
    """trino_from_base(s, radix) AS CAST(list_reduce(list_transform(string_split(lower(s), ''),
        lambda c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 AS BIGINT)),
        lambda total, digit: total * radix + digit) AS BIGINT)""",
    """trino_width_bucket(x, low, high, n) AS CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
        ELSE CAST(floor((x - low) / (high - low) * n) AS BIGINT) + 1 END""",
    """trino_int_text(s, kind) AS CASE WHEN regexp_full_match(s, '\\s*[+-]?[0-9]+\\s*') THEN s
        WHEN s IS NULL THEN NULL
        ELSE CAST(trino_fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to ' || kind) AS VARCHAR) END""",
    """trino_double_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN
        CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN x = 0 OR (abs(x) >= 0.001 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)
        ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || trino_scientific(CAST(abs(x) AS VARCHAR)) END""",
    # Java's form of a number that DuckDB wrote plainly (12345678.5, 0.0001) or with an exponent (1.5e-07).
    """trino_scientific(t) AS CASE WHEN contains(t, 'e') THEN
        split_part(t, 'e', 1) || CASE WHEN contains(split_part(t, 'e', 1), '.') THEN '' ELSE '.0' END
            || 'E' || CAST(CAST(split_part(t, 'e', 2) AS INTEGER) AS VARCHAR)
        WHEN t[1] <> '0' THEN
            trino_mantissa(rtrim(replace(t, '.', ''), '0')) || 'E' || CAST(length(split_part(t, '.', 1)) - 1 AS VARCHAR)
        ELSE trino_mantissa(ltrim(split_part(t, '.', 2), '0')) || 'E-'
            || CAST(length(t) - 1 - length(ltrim(split_part(t, '.', 2), '0')) AS VARCHAR) END""",
    "trino_mantissa(digits) AS digits[1] || '.' || CASE WHEN length(digits) > 1 THEN digits[2:] ELSE '0' END",
    "trino_every(b) AS bool_and(b)",
    "trino_geometric_mean(x) AS exp(avg(ln(x)))",
)

_DATES = (
    "trino_timestamp_text(t) AS strftime(t, '%Y-%m-%d %H:%M:%S.%g')",
    "trino_millisecond(t) AS CAST(millisecond(t) % 1000 AS BIGINT)",
    "trino_yow(t) AS isoyear(t)",
    """trino_to_iso8601(t) AS CASE WHEN typeof(t) = 'DATE' THEN CAST(t AS VARCHAR)
        ELSE strftime(t, '%Y-%m-%dT%H:%M:%S.%g') END""",
    "trino_to_milliseconds(i) AS CAST(epoch(i) * 1000 AS BIGINT)",
)

_TEXT = (
    """trino_substr(s, start) AS CASE WHEN start = 0 OR start < -length(s) THEN '' ELSE substring(s, start) END""",
    """trino_substr_length(s, start, size) AS CASE WHEN start = 0 OR start < -length(s) THEN ''
        ELSE substring(s, start, size) END""",
    """trino_split_part(s, delimiter, i) AS CASE WHEN i > len(string_split(s, delimiter)) THEN NULL
        ELSE split_part(s, delimiter, i) END""",
    """trino_split_limit(s, delimiter, n) AS CASE WHEN len(string_split(s, delimiter)) <= n
        THEN string_split(s, delimiter) ELSE list_append(string_split(s, delimiter)[:n - 1],
            array_to_string(string_split(s, delimiter)[n:], delimiter)) END""",
    """trino_regexp_extract(s, pattern, g) AS CASE WHEN regexp_matches(s, pattern)
        THEN regexp_extract(s, pattern, g) END""",
    "trino_regexp_count(s, pattern) AS CAST(len(regexp_extract_all(s, pattern)) AS BIGINT)",
    """trino_regexp_position(s, pattern) AS CASE WHEN regexp_matches(s, pattern)
        THEN length(regexp_split_to_array(s, pattern)[1]) + 1
        WHEN s IS NULL OR pattern IS NULL THEN NULL ELSE -1 END""",
    "trino_hamming_distance(a, b) AS hamming(a, b)",
    "trino_codepoint(c) AS unicode(c)",
    "trino_url_encode(s) AS replace(replace(url_encode(s), '%20', '+'), '~', '%7E')",
    "trino_url_decode(s) AS url_decode(replace(s, '+', ' '))",
    "trino_url_extract_protocol(u) AS nullif(regexp_extract(u, '^([A-Za-z][A-Za-z0-9+.-]*):', 1), '')",
    "trino_url_extract_host(u) AS nullif(regexp_extract(u, '^[a-zA-Z][^:/?#]*://(?:[^/?#@]*@)?([^:/?#]+)', 1), '')",
    "trino_url_extract_port(u) AS TRY_CAST(regexp_extract(u, '^[a-zA-Z][^:/?#]*://[^/?#:]*:([0-9]+)', 1) AS BIGINT)",
    "trino_url_extract_path(u) AS regexp_extract(u, '^[a-zA-Z][^:/?#]*://[^/?#]*([^?#]*)', 1)",
    "trino_url_extract_query(u) AS regexp_extract(u, '^[^?#]*\\?([^#]*)', 1)",
    "trino_url_extract_fragment(u) AS regexp_extract(u, '#(.*)$', 1)",
    """trino_url_extract_parameter(u, name) AS list_extract(list_transform(list_filter(
        string_split(trino_url_extract_query(u), '&'), lambda p: split_part(p, '=', 1) = name),
        lambda p: trino_url_decode(p[length(name) + 2:])), 1)""",
)

_COLLECTIONS = (
    """trino_subscript(a, i) AS list_extract(a, CASE
        WHEN i > len(a) THEN trino_fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to '
            || 'array length: ' || i || ' > ' || len(a))
        WHEN i = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
        WHEN i < 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i) ELSE i END)""",
    """trino_map_subscript(m, k) AS list_extract(map_values(m), CASE WHEN map_contains(m, k)
        THEN list_position(map_keys(m), k) WHEN m IS NULL THEN NULL
        ELSE trino_fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k) END)""",
    "trino_slice(a, start, size) AS CASE WHEN abs(start) > len(a) THEN [] ELSE "
    "CASE WHEN start > 0 THEN array_slice(a, start, start + size - 1) "
    "ELSE array_slice(a, len(a) + start + 1, len(a) + start + size) END END",
    "trino_array_position(a, x) AS CASE WHEN a IS NULL OR x IS NULL THEN NULL "
    "ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END",
    "trino_arrays_overlap(a, b) AS list_has_any(a, b)",
    "trino_array_max(a) AS CASE WHEN len(a) = list_count(a) THEN list_max(a) END",
    "trino_array_min(a) AS CASE WHEN len(a) = list_count(a) THEN list_min(a) END",
    "trino_array_union(a, b) AS list_distinct(list_concat(a, b))",
    "trino_array_except(a, b) AS list_distinct(list_filter(a, lambda x: NOT list_contains(b, x)))",
    "trino_array_intersect(a, b) AS list_distinct(list_filter(a, lambda x: list_contains(b, x)))",
    "trino_array_remove(a, gone) AS list_filter(a, lambda x: x <> gone)",
    "trino_array_join(a, delimiter) AS array_to_string(list_transform(a, lambda x: CAST(x AS VARCHAR)), delimiter)",
    """trino_array_join_null(a, delimiter, instead) AS array_to_string(
        list_transform(a, lambda x: coalesce(CAST(x AS VARCHAR), instead)), delimiter)""",
    "trino_array_first(a) AS list_extract(a, 1)",
    "trino_array_last(a) AS list_extract(a, -1)",
    "trino_array_average(a) AS list_avg(a)",
    "trino_trim_array(a, n) AS a[:len(a) - n]",
    "trino_contains_sequence(a, b) AS len(b) = 0 OR contains(array_to_string(a, chr(31)) || chr(31), "
    "array_to_string(b, chr(31)) || chr(31))",
    "trino_repeat(x, n) AS list_transform(range(n), lambda i: x)",
    """trino_sequence(low, high, step) AS CASE WHEN step > 0 THEN range(low, high + 1, step)
        ELSE range(low, high - 1, step) END""",
    "trino_zip(a, b) AS list_zip(a, b)",
    "trino_map_agg(k, v) AS map_from_entries(list((k, v)) FILTER (WHERE k IS NOT NULL))",
    "trino_histogram(x) AS histogram(x)",
    """trino_multimap(pairs) AS map_from_entries(list_transform(
        list_distinct(list_transform(pairs, lambda p: p.k)),
        lambda key: (key, list_transform(list_filter(pairs, lambda p: p.k = key), lambda p: p.v))))""",
    "trino_multimap_agg(k, v) AS trino_multimap(list({'k': k, 'v': v}) FILTER (WHERE k IS NOT NULL))",
    "trino_map_entries(m) AS map_entries(m)",
    "trino_map_concat(a, b) AS map_concat(a, b)",
)

_JSON = (
    """trino_json_scalar(j, path) AS CASE WHEN json_type(j, path) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL
        ELSE json_extract_string(j, path) END""",
    """trino_json_array_get(j, i) AS CAST(
        json_extract(j, '$[' || CASE WHEN i < 0 THEN '#' ELSE '' END || i || ']') AS VARCHAR)""",
    """trino_json_size(j, path) AS CASE json_type(j, path) WHEN 'OBJECT' THEN CAST(len(json_keys(j, path)) AS BIGINT)
        WHEN 'ARRAY' THEN CAST(json_array_length(j, path) AS BIGINT)
        ELSE CASE WHEN json_type(j, path) IS NULL THEN NULL ELSE 0 END END""",
    "trino_json_array_length(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END",
    "trino_json_array_contains(j, x) AS CASE WHEN json_type(j) = 'ARRAY' THEN list_contains("
    "CAST(j AS JSON[]), CAST(to_json(x) AS JSON)) END",
    "trino_is_json_scalar(j) AS json_type(j) NOT IN ('OBJECT', 'ARRAY')",
)

_MACROS: dict[str, str] = {
    text.split("(", 1)[0]: text for text in (*_FAIL, *_NUMBERS, *_DATES, *_TEXT, *_COLLECTIONS, *_JSON)
}
_CALL = re.compile(r"\b(trino_\w+)\(", re.IGNORECASE)  # generated SQL writes calls in capitals

MACRO_NAMES: frozenset[str] = frozenset(_MACROS)


def needed_macros(sql: str) -> dict[str, str]:
    """Name -> definition of the macros that a text calls, each after those that it calls itself."""
    needed: dict[str, str] = {}
    for name in map(str.lower, _CALL.findall(sql)):
        if name in _MACROS and name not in needed:
            body = _MACROS[name].split(" AS ", 1)[1]
            needed |= needed_macros(body)
            needed[name] = _MACROS[name]
    return needed
