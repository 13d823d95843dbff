SELECT status, count(*) AS sources
FROM sources
GROUP BY status
