"""A simulation as charts: Vega-Lite descriptions of old, new and stored series, drawn without any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.kpi.result import KpiSeries

__all__ = ["chart_of", "svg", "with_chart"]

_COLOURS = {"old": "#6b7280", "new": "#2563eb", "stored": "#d1d5db"}
_WIDTH, _HEIGHT = 640, 220
_MOST_LINES = 6
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def chart_of(series: Sequence[KpiSeries]) -> dict[str, Any]:
    """One chart below the other, for each KPI that was simulated."""
    parts = [_chart(s) for s in series if s.status == "simulated" and s.points]
    return {"$schema": _SCHEMA, "vconcat": parts, "config": {"view": {"stroke": None}, "axis": {"grid": True}}}


def svg(series: KpiSeries) -> str:
    """One KPI as a picture."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg({"$schema": _SCHEMA, **_chart(series)})
    return drawn


def with_chart(chart: Mapping[str, Any], head: str, body: str) -> str:
    """A whole HTML page with the interactive chart: its scripts are inside, it asks nothing of the network."""
    import vl_convert

    page: str = vl_convert.vegalite_to_html(dict(chart), bundle=True)
    # The scripts inside hold tags as text: only these places are the page's own.
    page = page.replace('<meta charset="UTF-8">', f'<meta charset="UTF-8">{head}', 1)
    chart_place = '<div id="vega-chart"></div>'
    return body.replace("<!-- chart -->", chart_place, 1).join(page.rsplit(chart_place, 1))


def _chart(series: KpiSeries) -> dict[str, Any]:
    rows = _rows(series)
    title = f"{series.kpi}{f' ({series.unit})' if series.unit else ''}"
    line: dict[str, Any] = {
        "mark": {"type": "line", "point": {"size": 18}, "tooltip": True},
        "encoding": {
            "x": {"field": "day", "type": "temporal", "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}},
            "color": {
                "field": "logic",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())},
            },
            "strokeDash": {"field": "logic", "type": "nominal", "legend": None},
            "tooltip": [{"field": f, "type": t} for f, t in _TOOLTIP],
        },
    }
    chart = {"title": _safe(title), "width": _WIDTH, "height": _HEIGHT, "data": {"values": rows}, **line}
    if len({r["of"] for r in rows}) > 1:
        chart["encoding"] = {**line["encoding"], "detail": {"field": "of", "type": "nominal"}}
    return chart


_TOOLTIP = (("day", "temporal"), ("logic", "nominal"), ("of", "nominal"), ("value", "quantitative"))


def _rows(series: KpiSeries) -> list[dict[str, Any]]:
    """Rows of the first measure; of many combinations of dimensions those that move most."""
    order = list(dict.fromkeys(p.dimensions for p in (*series.moved, *series.points)))[:_MOST_LINES]
    rows = []
    for point in series.points:
        if point.measure != series.measures[0] or point.dimensions not in order or point.day is None:
            continue
        of = ", ".join(_safe(str(d)) for d in point.dimensions)
        for side in _COLOURS:
            value = getattr(point, side)
            if value is not None:
                rows.append({"day": point.day.isoformat(), "value": value, "logic": side, "of": of})
    return rows


def _safe(text: str) -> str:
    """Text from data, which will stand in a script of a page."""
    return text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}").replace(
        ">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    )
