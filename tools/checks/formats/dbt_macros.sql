{# Generic tests for the files that `de-copilot tests --format dbt` writes. Columns and conditions come quoted. #}

{% test de_copilot_no_rows(model, condition) %}
select * from {{ model }} where {{ condition }}
{% endtest %}

{% test de_copilot_unique(model, columns) %}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
where {% for column in columns %}{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}

group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test de_copilot_in_table(model, columns, table, their_columns) %}
select t.*
from (select * from {{ model }}) as t
left join (
    select distinct {% for column in their_columns %}{{ column }} as k{{ loop.index0 }}{{ ', ' if not loop.last }}{% endfor %}

    from {{ table }}
    where {% for column in their_columns %}{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}

) as r on {% for column in columns %}t.{{ column }} = r.k{{ loop.index0 }}{{ ' and ' if not loop.last }}{% endfor %}

where r.k0 is null and {% for column in columns %}t.{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}

{% endtest %}

{% test de_copilot_figure(model, figure, at_least=none, at_most=none) %}
select figure
from (select {{ figure }} as figure from {{ model }}) as measured
where {% if at_least is not none %}figure < {{ at_least }}{{ ' or ' if at_most is not none }}{% endif %}
{%- if at_most is not none %}figure > {{ at_most }}{% endif %}

{% endtest %}

{% test de_copilot_columns(model, kinds) %}
{%- set found = {} -%}
{%- if execute -%}
{%- for column in adapter.get_columns_in_relation(model) -%}
{%- set type = column.dtype | lower -%}
{%- set kind = 'number' if column.is_number() or column.is_float() or type in ('real', 'double', 'float', 'hugeint')
    else 'boolean' if type.startswith('bool')
    else 'time' if type.startswith('timestamp') or type == 'date'
    else 'text' if column.is_string() or type.startswith(('varchar', 'char', 'string'))
    else 'other' -%}
{%- do found.update({column.name | lower: kind}) -%}
{%- endfor -%}
{%- endif -%}
select problem from (
    select 'none' as problem where 1 = 0
    {% for column, kind in kinds.items() if found.get(column | lower) != kind %}
    union all select '{{ column | replace("'", "''") }} is {{ found.get(column | lower, "missing") }}, not {{ kind }}'
    {% endfor %}
) as problems
{% endtest %}
