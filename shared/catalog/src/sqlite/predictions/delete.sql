DELETE FROM predictions
WHERE id IN (SELECT id FROM predictions WHERE at < ?1 ORDER BY at, id LIMIT ?2)
