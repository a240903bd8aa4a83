"""The functions that Athena (Trino) has, by topic as its documentation lists them.

An allow-list: whatever is not named here is not called, on any engine. That is what makes a query mean the same on
the laptop and on AWS, and what keeps DuckDB's own functions (files, settings, environment) out of reach.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["FUNCTIONS", "is_known", "names_of"]

_TOPICS: dict[str, str] = {
    "aggregate": """
        any_value approx_distinct approx_most_frequent approx_percentile approx_set arbitrary array_agg avg
        bitwise_and_agg bitwise_or_agg bitwise_xor_agg bool_and bool_or checksum corr count count_if covar_pop
        covar_samp entropy every geometric_mean histogram kurtosis listagg map_agg map_union max max_by merge min
        min_by multimap_agg numeric_histogram reduce_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2
        regr_slope regr_sxx regr_sxy regr_syy skewness stddev stddev_pop stddev_samp sum tdigest_agg var_pop
        var_samp variance grouping""",
    "window": """
        cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number""",
    "conditional": "case coalesce if nullif try greatest least cast try_cast typeof format",
    "math": """
        abs acos asin atan atan2 bit_count bitwise_and bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_right_shift_arithmetic bitwise_xor cbrt ceil ceiling cos cosh cosine_similarity
        degrees e exp floor from_base infinity inverse_beta_cdf inverse_normal_cdf beta_cdf normal_cdf is_finite
        is_infinite is_nan ln log log10 log2 mod nan pi pow power radians rand random round sign sin sinh sqrt tan
        tanh to_base truncate width_bucket wilson_interval_lower wilson_interval_upper""",
    "text": """
        chr codepoint concat concat_ws hamming_distance length levenshtein_distance lower lpad ltrim luhn_check
        normalize position regexp_count regexp_extract regexp_extract_all regexp_like regexp_position
        regexp_replace regexp_split replace reverse rpad rtrim soundex split split_part split_to_map
        split_to_multimap starts_with strpos substr substring translate trim upper word_stem from_utf8 to_utf8
        char_length character_length human_readable_seconds parse_data_size bar color render rgb""",
    "binary": """
        crc32 from_base32 from_base64 from_base64url from_big_endian_32 from_big_endian_64 from_hex from_ieee754_32
        from_ieee754_64 hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 md5 murmur3 sha1 sha256 sha512 spooky_hash_v2_32
        spooky_hash_v2_64 to_base32 to_base64 to_base64url to_big_endian_32 to_big_endian_64 to_hex to_ieee754_32
        to_ieee754_64 xxhash64""",
    "time": """
        at_timezone current_date current_time current_timestamp current_timezone date date_add date_diff
        date_format date_parse date_trunc day day_of_month day_of_week day_of_year dow doy extract format_datetime
        from_iso8601_date from_iso8601_timestamp from_iso8601_timestamp_nanos from_unixtime from_unixtime_nanos
        hour last_day_of_month localtime localtimestamp millisecond minute month now parse_datetime parse_duration
        quarter second timezone_hour timezone_minute to_iso8601 to_milliseconds to_unixtime week week_of_year
        with_timezone year year_of_week yow""",
    "array": """
        all_match any_match array array_average array_distinct array_except array_first array_histogram
        array_intersect array_join array_last array_max array_min array_position array_remove array_sort
        array_union arrays_overlap cardinality combinations contains contains_sequence element_at filter flatten
        ngrams none_match reduce repeat sequence shuffle slice transform trim_array unnest zip zip_with""",
    "map": """
        map map_concat map_entries map_filter map_from_entries map_keys map_values map_zip_with
        multimap_from_entries row transform_keys transform_values""",
    "json": """
        is_json_scalar json_array json_array_contains json_array_get json_array_length json_exists json_extract
        json_extract_scalar json_format json_object json_parse json_query json_size json_value""",
    "url": """
        url_decode url_encode url_extract_fragment url_extract_host url_extract_parameter url_extract_path
        url_extract_port url_extract_protocol url_extract_query""",
    "sketch": """
        empty_approx_set hash_counts intersection_cardinality jaccard_index value_at_quantile
        values_at_quantiles""",
    "other": "uuid",
}

FUNCTIONS: frozenset[str] = frozenset(name for text in _TOPICS.values() for name in text.split())
"""Lower-case names of every function a query may call."""


# What sqlglot calls some of them under a name of its own; the parser maps Athena's names to these.
_PARSED_AS: tuple[type[exp.Func], ...] = (
    exp.And,
    exp.ApproxQuantile,
    exp.ArrayContains,
    exp.ArraySize,
    exp.ArraySlice,
    exp.DayOfWeekIso,
    exp.Decode,
    exp.Encode,
    exp.GenerateSeries,
    exp.GroupConcat,
    exp.Hex,
    exp.JSONObject,
    exp.Levenshtein,
    exp.MD5Digest,
    exp.Or,
    exp.Pad,
    exp.SHA2Digest,
    exp.StrPosition,
    exp.StrToMap,
    exp.StrToTime,
    exp.Struct,
    exp.TimeToStr,
    exp.TimeToUnix,
    exp.TimestampTrunc,
    exp.Unhex,
    exp.UnixToTime,
)


def is_known(call: exp.Func) -> bool:
    """Whether Athena has this function."""
    return isinstance(call, _PARSED_AS) or not names_of(call).isdisjoint(FUNCTIONS)


def names_of(call: exp.Func) -> frozenset[str]:
    """The names, lower case, that a call may have been written with."""
    if isinstance(call, exp.Anonymous | exp.AnonymousAggFunc | exp.ParameterizedAgg):
        return frozenset({call.name.lower()})
    return frozenset(name.lower() for name in call.sql_names())
