-- Counted no further than asked for.
SELECT count(*) AS predictions
FROM (SELECT 1 FROM predictions WHERE at >= ?1 AND at < ?2 LIMIT ?3)
