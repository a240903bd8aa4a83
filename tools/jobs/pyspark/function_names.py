"""Facts about Spark's functions: names, which arguments are constants, and names that Python spells otherwise."""

from __future__ import annotations

# Positions (0-based) at which a text is a constant and not a column's name.
CONSTANT_ARGUMENTS: dict[str, frozenset[int]] = {
    name: frozenset(positions)
    for positions, names in (
        (
            (1,),
            "date_format to_date to_timestamp to_timestamp_ltz to_timestamp_ntz unix_timestamp from_unixtime trunc "
            "next_day from_utc_timestamp to_utc_timestamp get_json_object array_contains array_position array_remove "
            "element_at map_contains_key decode encode format_number array_join array_append array_prepend sha2 ntile "
            "instr round bround repeat percentile_approx approx_percentile xpath xpath_string convert_timezone to_char to_varchar to_number "
            "try_to_timestamp try_to_number parse_url get percentile date_add date_sub add_months shiftleft shiftright shiftrightunsigned "
            "approxCountDistinct approx_count_distinct from_xml try_element_at bucket to_binary try_to_binary try_to_date add_days "
            "nth_value unix_date".split(),
        ),
        (
            (1, 2),
            "regexp_replace regexp_extract regexp_extract_all translate split lpad rpad substring substring_index "
            "conv slice array_repeat "
            "regexp_instr regexp_substr".split(),
        ),
        ((0,), "date_trunc".split()),
        ((0, 2), "locate".split()),
        ((2,), "levenshtein months_between".split()),
        ((1, 2, 3, 4), "json_tuple mask".split()),
    )
    for name in names
}
CONSTANT_ARGUMENTS["array_join"] = frozenset((1, 2))
CONSTANT_ARGUMENTS["overlay"] = frozenset()
CONSTANT_ARGUMENTS["regexp_replace"] = frozenset((1, 2))

# Python's name -> SQL's name.
SPELLED_OTHERWISE: dict[str, str] = {
    "approxCountDistinct": "approx_count_distinct",
    "toDegrees": "degrees",
    "toRadians": "radians",
    "shiftLeft": "shiftleft",
    "shiftRight": "shiftright",
    "shiftRightUnsigned": "shiftrightunsigned",
    "bitwiseNOT": "~",
    "mean": "avg",
    "signum": "SIGNUM",
    "pow": "POWER",
    "power": "POWER",
    "sqrt": "SQRT",
    "log": "log",
    "randn": "randn",
    "stddev": "stddev",
}

# What `from pyspark.sql.functions import *` brings.
NAMES: tuple[str, ...] = tuple(
    """
    abs acos acosh add_months aggregate any_value approx_count_distinct approxCountDistinct approx_percentile array
    array_agg array_append array_compact array_contains array_distinct array_except array_insert array_intersect
    array_join array_max array_min array_position array_prepend array_remove array_repeat array_size array_sort
    array_union arrays_overlap arrays_zip asc asc_nulls_first asc_nulls_last ascii asin asinh assert_true atan atan2
    atanh avg base64 bin bit_and bit_count bit_get bit_length bit_or bit_xor bitmap_bit_position bitmap_bucket_number
    bitmap_construct_agg bitmap_count bitmap_or_agg bitwiseNOT bitwise_not bool_and bool_or broadcast bround btrim
    bucket call_function call_udf cardinality cbrt ceil ceiling char char_length character_length coalesce col
    collate collation collect_list collect_set column concat concat_ws contains conv convert_timezone corr cos cosh cot
    count count_distinct count_if count_min_sketch countDistinct covar_pop covar_samp crc32 create_map csc cume_dist
    curdate current_catalog current_database current_date current_schema current_timestamp current_timezone
    current_user date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc dateadd datediff
    datepart day dayname dayofmonth dayofweek dayofyear days decode degrees dense_rank desc desc_nulls_first
    desc_nulls_last e element_at elt encode endswith equal_null every exists exp explode explode_outer expm1 expr
    extract factorial filter find_in_set first first_value flatten floor forall format_number format_string from_csv
    from_json from_unixtime from_utc_timestamp from_xml get get_json_object getbit greatest grouping grouping_id hash
    hex histogram_numeric hll_sketch_agg hll_sketch_estimate hll_union hll_union_agg hour hours hypot ifnull ilike
    initcap inline inline_outer input_file_block_length input_file_block_start input_file_name instr is_valid_utf8
    is_variant_null isnan isnotnull isnull java_method json_array_length json_object_keys json_tuple kurtosis lag last
    last_day last_value lcase lead least left length levenshtein like listagg listagg_distinct lit ln localtimestamp
    locate log log10 log1p log2 lower lpad ltrim make_date make_dt_interval make_interval make_timestamp
    make_timestamp_ltz make_timestamp_ntz make_ym_interval map_concat map_contains_key map_entries map_filter
    map_from_arrays map_from_entries map_keys map_values map_zip_with mask max max_by md5 mean median min min_by minute
    mode monotonically_increasing_id month monthname months months_between named_struct nanvl negate negative next_day
    now nth_value ntile nullif nullifzero nvl nvl2 octet_length overlay pandas_udf parse_json parse_url percent_rank
    percentile percentile_approx pi pmod posexplode posexplode_outer position positive pow power printf product quarter
    radians raise_error rand randn randstr rank reduce reflect regexp regexp_count regexp_extract regexp_extract_all
    regexp_instr regexp_like regexp_replace regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy repeat replace reverse right rint rlike round row_number rpad rtrim
    schema_of_csv schema_of_json schema_of_variant schema_of_variant_agg schema_of_xml sec second sentences sequence
    session_user session_window sha sha1 sha2 shiftLeft shiftRight shiftRightUnsigned shiftleft shiftright
    shiftrightunsigned shuffle sign signum sin sinh size skewness slice some sort_array soundex spark_partition_id
    split split_part sqrt stack startswith std stddev stddev_pop stddev_samp str_to_map string_agg
    string_agg_distinct struct substr substring substring_index sum sumDistinct sum_distinct tan tanh
    timestamp_add timestamp_diff timestamp_micros timestamp_millis timestamp_seconds toDegrees toRadians to_binary
    to_char to_csv to_date to_json to_number to_timestamp to_timestamp_ltz to_timestamp_ntz to_unix_timestamp
    to_utc_timestamp to_varchar to_variant_object to_xml transform transform_keys transform_values translate trim
    trunc try_add try_avg try_divide try_element_at try_multiply try_parse_json try_remainder try_subtract try_sum
    try_to_binary try_to_number try_to_timestamp try_variant_get typeof ucase udf udtf unbase64 unhex uniform
    unix_date unix_micros unix_millis unix_seconds unix_timestamp unwrap_udt upper url_decode url_encode user uuid
    validate_utf8 var_pop var_samp variance variant_get version weekday weekofyear when width_bucket window
    window_time xpath xpath_boolean xpath_double xpath_float xpath_int xpath_long xpath_number xpath_short
    xpath_string xxhash64 year years zeroifnull zip_with
    """.split()
)
