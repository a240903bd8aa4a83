-- customer_dim_job: raw_customers -> dim_customer
-- engine:   Spark SQL (Glue 5.0), full overwrite
-- schedule: weekdays 04:15 UTC, before positions_job
-- owner:    client-insights (Nadia Kaya)
--
-- The CRM sends a full export every night and then the corrections of that night: newest load_ts wins.
-- Prospects are in the same export and do not belong in here.

INSERT OVERWRITE TABLE wealth.dim_customer
SELECT
    c.customer_id,
    concat(trim(c.first_name), ' ', trim(c.last_name)) AS customer_name,
    lower(trim(c.email))                               AS email,
    CASE c.segment_code
        WHEN 'A' THEN 'AFFLUENT'
        WHEN 'H' THEN 'HNW'
        WHEN 'U' THEN 'UHNW'
    END                                                AS customer_segment,
    upper(c.country_code)                              AS country,
    -- points come from the suitability questionnaire; NULL = not assessed yet, do not guess a profile
    CASE
        WHEN c.risk_points >= 75 THEN 'AGGRESSIVE'
        WHEN c.risk_points >= 50 THEN 'GROWTH'
        WHEN c.risk_points >= 25 THEN 'BALANCED'
        WHEN c.risk_points IS NOT NULL THEN 'CONSERVATIVE'
    END                                                AS risk_profile,
    c.relationship_manager,
    c.onboarded_on,
    c.closed_on,
    -- 180 days since 2026-05-18 (was 365); measured at the export's date, so that a re-run gives the same answer
    coalesce(datediff(c.snapshot_date, c.last_activity_date) > 180, false) AS is_dormant,
    c.load_ts                                          AS updated_at
FROM (
    SELECT
        r.*,
        row_number() OVER (PARTITION BY r.customer_id ORDER BY r.load_ts DESC) AS rn
    FROM wealth.raw_customers r
    WHERE r.record_type = 'CLIENT'
) c
WHERE c.rn = 1
