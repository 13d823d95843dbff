SELECT status, COUNT(*) AS sources
FROM sources
GROUP BY status
