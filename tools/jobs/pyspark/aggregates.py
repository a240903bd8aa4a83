"""Which functions aggregate."""

from __future__ import annotations

from sqlglot import exp

_UNTYPED = frozenset(
    "bit_and bit_or bit_xor bitmap_construct_agg bitmap_or_agg bool_and bool_or collect_list collect_set count_if "
    "count_min_sketch every first_value grouping grouping_id histogram_numeric hll_sketch_agg hll_union_agg kurtosis "
    "last_value listagg max_by mean min_by mode percentile percentile_approx approx_percentile product regr_avgx "
    "regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness some std string_agg "
    "sum_distinct try_avg try_sum covar_pop covar_samp any_value median schema_of_variant_agg".split()
)
UDAF = "__UDAF__"


def is_aggregate_call(node: exp.Expr) -> bool:
    """Whether a node itself is a call of an aggregate function."""
    if isinstance(node, exp.AggFunc):
        return True
    return isinstance(node, exp.Anonymous) and (node.name.lower() in _UNTYPED or node.name == UDAF)


def has_aggregate(expression: exp.Expr) -> bool:
    """Whether an expression aggregates outside of any window."""
    stack = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Window):
            stack.extend(c for key in ("partition_by",) for c in node.args.get(key) or [])
            if isinstance(node.this, exp.Expr):
                stack.extend(node.this.iter_expressions())
            continue
        if isinstance(node, exp.Query):
            continue
        if is_aggregate_call(node):
            return True
        stack.extend(node.iter_expressions())
    return False
