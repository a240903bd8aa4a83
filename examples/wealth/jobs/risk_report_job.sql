-- risk_report_job: customer_positions_daily (+ dim_customer) -> risk_scores_daily
-- engine:   Spark SQL (Glue 5.0), dynamic partition overwrite
-- schedule: weekdays 06:15 UTC, after positions_job; the Daily Risk Dashboard refreshes at 07:00 UTC
-- owner:    risk-analytics (Paolo Ricci)
--
-- Score 0..100 per customer and day: concentration (50), foreign currency (20), size of the book (10),
-- appetite stated in the suitability questionnaire (20). Weights agreed in the risk committee of 2025-11-06.

INSERT OVERWRITE TABLE wealth.risk_scores_daily PARTITION (as_of_date)
WITH exposure AS (
    SELECT
        p.customer_id,
        p.as_of_date,
        count(*)                AS position_count,
        sum(p.market_value)     AS total_market_value,
        max(p.portfolio_weight) AS top_position_weight,
        sum(CASE WHEN p.currency <> 'EUR' THEN p.market_value ELSE 0.0 END) AS foreign_market_value
    FROM wealth.customer_positions_daily p
    -- overdrafts and shorts are the credit desk's business, they would turn the shares negative
    WHERE p.market_value > 0
    GROUP BY p.customer_id, p.as_of_date
),

scored AS (
    SELECT
        e.customer_id,
        coalesce(c.risk_profile, 'NOT_ASSESSED') AS risk_profile,
        e.position_count,
        round(e.total_market_value, 2) AS total_market_value,
        e.top_position_weight,
        round(e.foreign_market_value / e.total_market_value, 6) AS foreign_currency_share,
        round(
            50 * least(e.top_position_weight, 1.0)
            + 20 * (e.foreign_market_value / e.total_market_value)
            + CASE WHEN e.total_market_value >= 1000000 THEN 10 ELSE 0 END
            + CASE c.risk_profile
                WHEN 'AGGRESSIVE' THEN 20
                WHEN 'GROWTH' THEN 12
                WHEN 'BALANCED' THEN 6
                WHEN 'CONSERVATIVE' THEN 0
                ELSE 10
              END,
            1
        ) AS risk_score,
        e.as_of_date
    FROM exposure e
    LEFT JOIN wealth.dim_customer c
        ON c.customer_id = e.customer_id
)

SELECT
    customer_id,
    risk_profile,
    position_count,
    total_market_value,
    top_position_weight,
    foreign_currency_share,
    risk_score,
    CASE
        WHEN risk_score >= 70 THEN 'HIGH'
        WHEN risk_score >= 45 THEN 'MEDIUM'
        ELSE 'LOW'
    END AS risk_band,
    as_of_date
FROM scored
